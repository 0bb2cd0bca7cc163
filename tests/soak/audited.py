"""Whether the audit keeps what the program promises, by replaying it; and whether it agrees with what we know. Pure.

The audit's own word is not enough: a guard that was blind would have recorded that nothing speaks against a step. So
each request is also held against the faults that the harness itself made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rabbitwatch.actions.ports import Entry
from rabbitwatch.model.action import Outcome

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What the configuration allows: seconds between two acts on one object, acts an hour, times that the same is done
    within so many seconds."""

    cooldown: float
    max_per_hour: int
    fight_times: int
    fight_within: float


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A time in which no request may be made. since: late enough for the agent to know."""

    since: float
    until: float
    why: str


def violations(
    entries: Sequence[Entry], guards: Collection[str], budget: Budget, forbidden: Sequence[Forbidden]
) -> list[str]:
    """Every promise that this audit breaks, one line each; empty when it keeps them all."""
    return [
        *_answered(entries, guards),
        *_one_at_a_time(entries),
        *_cooled_down(entries, budget),
        *_within_budget(entries, budget),
        *_not_fought(entries, budget),
        *_during(entries, forbidden),
    ]


def requested(entries: Sequence[Entry]) -> list[Entry]:
    """The lines after which the broker was asked."""
    return [entry for entry in entries if entry.event == "requested"]


def _answered(entries: Sequence[Entry], guards: Collection[str]) -> Iterator[str]:
    """All guards were asked, and none refused."""
    for entry in requested(entries):
        asked = {answer.guard for answer in entry.answers}
        if missing := sorted(set(guards) - asked):
            yield f"{_line(entry)}: these guards were not asked: {', '.join(missing)}"
        for answer in entry.answers:
            if answer.refused:
                yield f"{_line(entry)}: requested although {answer.guard} refused: {answer.refused}"


def _one_at_a_time(entries: Sequence[Entry]) -> Iterator[str]:
    """No second step while one is open, and none is left open."""
    still: dict[str, Entry] = {}
    for entry in entries:
        if entry.event == "requested":
            if still:
                yield f"{_line(entry)}: requested while line {next(iter(still.values())).number} was open"
            still[entry.deed] = entry
        elif entry.event == "ended":
            still.pop(entry.deed, None)
    for entry in still.values():
        yield f"{_line(entry)}: its end is not on record"


def _cooled_down(entries: Sequence[Entry], budget: Budget) -> Iterator[str]:
    last: dict[object, Entry] = {}
    for entry in requested(entries):
        key = entry.step.key if entry.step else None
        before = last.get(key)
        if before is not None and entry.at - before.at < budget.cooldown:
            yield f"{_line(entry)}: {entry.at - before.at:.1f} s after line {before.number} about the same object"
        last[key] = entry


def _within_budget(entries: Sequence[Entry], budget: Budget) -> Iterator[str]:
    times = [entry.at for entry in requested(entries)]
    for at in times:
        count = sum(at - HOUR < other <= at for other in times)
        if count > budget.max_per_hour:
            yield f"{count} requests in the hour before {at:.0f}"


def _not_fought(entries: Sequence[Entry], budget: Budget) -> Iterator[str]:
    """The same is not done more often than the fight guard allows; what the broker refused does not count."""
    failed = {entry.deed for entry in entries if entry.event == "ended" and entry.outcome == Outcome.FAILED}
    done: dict[object, list[float]] = {}
    for entry in requested(entries):
        if entry.step is None or entry.deed in failed:
            continue
        times = done.setdefault(entry.step.key, [])
        times.append(entry.at)
        count = sum(entry.at - budget.fight_within < at <= entry.at for at in times)
        if count > budget.fight_times:
            yield f"{_line(entry)}: taken {count} times within {budget.fight_within:.0f} s"


def _during(entries: Sequence[Entry], forbidden: Sequence[Forbidden]) -> Iterator[str]:
    """What the harness knows: nothing was asked for while a fault stood that a guard must see."""
    for entry in requested(entries):
        for time in forbidden:
            if time.since <= entry.at <= time.until:
                yield f"{_line(entry)}: requested {entry.at - time.since:.1f} s into {time.why}"


def _line(entry: Entry) -> str:
    what = f"{entry.step.action} {entry.step.object}" if entry.step else entry.deed
    return f"line {entry.number} ({what})"
