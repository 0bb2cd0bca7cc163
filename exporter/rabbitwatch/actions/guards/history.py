"""What was done before. People are not counted out: a step that a person asked for is in the history too."""

from __future__ import annotations

from datetime import UTC, datetime

from rabbitwatch.actions.guards.judge import guard
from rabbitwatch.actions.ports import Case
from rabbitwatch.config.durations import format_duration
from rabbitwatch.model.action import Deed, Outcome

_HOUR = 3600.0


@guard
def fight(case: Case) -> str:
    """The same policy was not restored `guards.fight.times` times within `guards.fight.within`: somebody else writes
    too, and a person must find out who. Nor was the same queue asked to synchronise so often without an end; one that
    came to its end may lag again for reasons of its own. Requests that the broker refused changed nothing, and do not
    count; those of unknown end do."""
    limits = case.guards.fight
    harmless = {Outcome.FAILED} if "pattern" in case.step.body else {Outcome.FAILED, Outcome.DONE}
    recent = [deed for deed in case.past if deed.key == case.step.key and case.now - deed.at < limits.within]
    same = [deed for deed in recent if deed.outcome not in harmless]
    if len(same) < limits.times:
        return ""
    lifted = sorted(d.at for d in same)[-limits.times] + limits.within
    return (
        f"it was done {len(same)} times within {format_duration(limits.within)}, and is needed again: "
        f"find out who or what undoes it; refused until {_clock(lifted)}"
    )


@guard
def cooldown(case: Case) -> str:
    """The binding's `cooldown` has passed since the same step was taken last. Passes where a person asked."""
    if case.binding is None:
        return ""
    last = max((deed.at for deed in case.past if deed.key == case.step.key), default=None)
    if last is None or case.now - last >= case.binding.cooldown:
        return ""
    ago, rest = format_duration(max(round(case.now - last), 0)), format_duration(case.binding.cooldown)
    return f"it was done {ago} ago, and is left alone for {rest}, until {_clock(last + case.binding.cooldown)}"


@guard
def budget(case: Case) -> str:
    """Fewer than `max_per_hour` steps were taken in this cluster within the hour. Passes where a person asked."""
    if case.binding is None:
        return ""
    limit = case.binding.max_per_hour
    recent = sorted(d.at for d in case.past if d.cluster == case.step.cluster and case.now - d.at < _HOUR)
    if len(recent) < limit:
        return ""
    if not limit:
        return "max_per_hour is 0, which allows no step at all"
    until = _clock(recent[-limit] + _HOUR)
    return f"{len(recent)} steps in this cluster within the hour, and at most {limit} are allowed: until {until}"


@guard
def one_step(case: Case) -> str:
    """No other step in this cluster is still followed: one at a time, and after each all is looked at anew."""
    others = [d for d in case.past if d.cluster == case.step.cluster and d.outcome == Outcome.REQUESTED]
    return f"the end of {_called(others[0])} has not been seen yet" if others else ""


def _called(deed: Deed) -> str:
    _, action, vhost, _, name = deed.key
    return f"{action} of {name!r} in vhost {vhost!r}, asked for at {_clock(deed.at)},"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
