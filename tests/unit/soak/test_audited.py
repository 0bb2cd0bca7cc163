"""What a replay of the audit finds."""

from __future__ import annotations

from collections.abc import Sequence

from tests.soak.audited import Budget, Forbidden, violations

from rabbitwatch.actions.ports import Entry
from rabbitwatch.model.action import Answer, Cause, Step

GUARDS = ("fresh", "no_alarm")
FINE = tuple(Answer(name) for name in GUARDS)
BUDGET = Budget(cooldown=60.0, max_per_hour=3, fight_times=2, fight_within=3600.0)


def step(name: str = "q", action: str = "sync_queue") -> Step:
    return Step(
        action=action,
        cluster="c",
        vhost="/",
        object=name,
        method="POST",
        path="",
        body={},
        summary="",
        before={},
        queues=1,
        messages=1,
    )


def entry(
    number: int, at: float, event: str, deed: str, *, of: Step | None = None, answers: Sequence[Answer] = FINE
) -> Entry:
    return Entry(
        number=number,
        at=at,
        agent="a",
        deed=deed,
        event=event,
        cause=Cause(source="rule"),
        step=of or step(),
        answers=answers,
    )


def done(number: int, at: float, of: Step | None = None) -> list[Entry]:
    """A step from its request to its end a second later."""
    deed = f"deed{number}"
    return [entry(number, at, "requested", deed, of=of), entry(number + 1, at + 1, "ended", deed, of=of)]


def found(entries: Sequence[Entry], *forbidden: Forbidden) -> list[str]:
    return violations(entries, GUARDS, BUDGET, forbidden)


def test_an_audit_that_keeps_every_promise() -> None:
    assert found([*done(1, 0.0), *done(3, 60.0), *done(5, 120.0, step("other"))]) == []


def test_a_refusal_that_was_passed_over() -> None:
    refused = (Answer("fresh"), Answer("no_alarm", "rabbit@a has a memory alarm"))
    (said,) = found([entry(1, 0.0, "requested", "d", answers=refused), entry(2, 1.0, "ended", "d")])
    assert said == "line 1 (sync_queue q): requested although no_alarm refused: rabbit@a has a memory alarm"


def test_a_guard_that_was_not_asked() -> None:
    (said,) = found([entry(1, 0.0, "requested", "d", answers=FINE[:1]), entry(2, 1.0, "ended", "d")])
    assert "not asked: no_alarm" in said


def test_two_open_steps_and_one_without_an_end() -> None:
    said = found(
        [entry(1, 0.0, "requested", "d"), entry(2, 1.0, "requested", "e", of=step("other")), *done(3, 100.0)[1:]]
    )
    assert said == [
        "line 2 (sync_queue other): requested while line 1 was open",
        "line 1 (sync_queue q): its end is not on record",
        "line 2 (sync_queue other): its end is not on record",
    ]


def test_the_cooldown() -> None:
    (said,) = found([*done(1, 0.0), *done(3, 59.0)])
    assert said == "line 3 (sync_queue q): 59.0 s after line 1 about the same object"


def test_the_budget_of_an_hour() -> None:
    (said,) = found([line for n in range(4) for line in done(1 + 2 * n, 100.0 * n, step(f"q{n}"))])
    assert said.startswith("4 requests in the hour before")


def test_a_fight() -> None:
    (said,) = found([line for n in range(3) for line in done(1 + 2 * n, 1000.0 * n, step("ha", "apply_policy"))])
    assert said == "line 5 (apply_policy ha): taken 3 times within 3600 s"


def test_a_request_during_a_fault_that_a_guard_must_see() -> None:
    (said,) = found(done(1, 50.0), Forbidden(40.0, 60.0, "3 memory rabbit2"))
    assert said == "line 1 (sync_queue q): requested 10.0 s into 3 memory rabbit2"
    assert found(done(1, 50.0), Forbidden(60.0, 70.0, "later")) == []
