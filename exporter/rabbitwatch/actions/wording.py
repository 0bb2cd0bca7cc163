"""What is said to people about repairs. Lines stay short: they are read in chat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from rabbitwatch.cluster.wording import counted
from rabbitwatch.config.durations import format_duration
from rabbitwatch.model.action import Answer, Outcome, Plan, Step

_SHOWN = 5
_FIGURES = re.compile(r"\d[\d,.:]*")

_ENDED = {
    Outcome.DONE: "Done",
    Outcome.STALLED: "It makes no progress any more, and nothing was cancelled",
    Outcome.TIMED_OUT: "Its end was not seen in time, and nothing was cancelled",
    Outcome.FAILED: "Failed",
}

Answers = Mapping[str, Sequence[Answer]]
"""By the digest of the step."""


def shape(text: str) -> str:
    """The text without its figures: the same as long as only they change."""
    return _FIGURES.sub("#", text)


def refusing(answers: Sequence[Answer]) -> list[Answer]:
    """Those that refuse."""
    return [answer for answer in answers if answer.refused]


def proposal(plan: Plan, answers: Answers, *, head: str) -> str:
    """The plan with its figures, and what speaks against each step. head: what a person must know first."""
    if plan.text:
        return plan.text
    return "\n".join([head, *_steps(plan, answers), *_skipped(plan)])


def head_of_dry_run(plan: Plan) -> str:
    """The first line where nothing is done because the binding says dry_run."""
    if not plan.steps:
        return f"Dry run: {plan.action} would do nothing: {plan.nothing}"
    return f"Dry run, nothing was done: {plan.action} would take {counted(len(plan.steps), 'step')}, {_touched(plan)}"


def head_of_refusal(plan: Plan) -> str:
    """The first line where guards refuse."""
    return f"Nothing was done: {plan.action} would take {counted(len(plan.steps), 'step')}, and is refused"


def question(plan: Plan, step: Step, answers: Sequence[Answer], expires: float) -> str:
    """What a person is asked to approve."""
    lines = [f"Approve? {plan.action} would: {step.summary} ({_figures(step)})"]
    lines += [f"   needs approval because of {a.guard}: {a.refused}" for a in refusing(answers)]
    if len(plan.steps) > 1:
        lines.append(f"   the first of {counted(len(plan.steps), 'step')}; after it all is looked at anew")
    lines.append(f"   it can be approved for {format_duration(expires)}; then all guards are asked again")
    return "\n".join(lines)


def refused(step: Step, answers: Sequence[Answer]) -> str:
    """Why a step was not taken when it was its turn."""
    return f"Nothing was done: {step.summary}; refused by {against(answers)}"


def against(answers: Sequence[Answer]) -> str:
    """The guards that refuse and why, in one line; "" when none does."""
    return "; ".join(f"{answer.guard}: {answer.refused}" for answer in refusing(answers))


def begun(step: Step, who: str) -> str:
    """A step that was requested."""
    return f"Begun for {who}: {step.summary} ({_figures(step)})"


def ended(step: Step, outcome: Outcome, text: str, took: float) -> str:
    """The end of a step."""
    after = f" after {format_duration(round(took))}" if took >= 1 else ""
    return f"{_ENDED[outcome]}{after}: {step.summary}" + (f"; {text}" if text else "")


def marked(*parts: object) -> str:
    """An id that is the same for the same parts, also after a restart and in another agent."""
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:20]


def _steps(plan: Plan, answers: Answers) -> Iterator[str]:
    for number, step in enumerate(plan.steps[:_SHOWN], 1):
        yield f"{number}. {step.summary} ({_figures(step)})"
        against = refusing(answers.get(step.digest, ()))
        yield from (f"   refused by {a.guard}: {a.refused}{_lifted(a)}" for a in against)
        if not against:
            yield "   no guard refuses it"
    if len(plan.steps) > _SHOWN:
        yield f"and {counted(len(plan.steps) - _SHOWN, 'more step')}"


def _lifted(answer: Answer) -> str:
    return " (a person may approve it)" if answer.approvable else ""


def _skipped(plan: Plan) -> Iterator[str]:
    yield from (f"left alone: {each.object}: {each.why}" for each in plan.skipped[:_SHOWN])
    if len(plan.skipped) > _SHOWN:
        yield f"left alone: {len(plan.skipped) - _SHOWN} more"


def _touched(plan: Plan) -> str:
    most = "at most " if plan.overlapping else ""
    return _amounts([step.queues for step in plan.steps], [step.messages for step in plan.steps], most)


def _figures(step: Step) -> str:
    return _amounts([step.queues], [step.messages])


def _amounts(queues: Sequence[int | None], messages: Sequence[int | None], most: str = "") -> str:
    return f"touches {most}{_sum(queues, 'queue')} and {_sum(messages, 'message')}"


def _sum(numbers: Sequence[int | None], what: str) -> str:
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return f"an unknown number of {what}s"
    return counted(sum(known), what)
