"""One line per poll: what was seen, and what changed since the last one."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.cluster.findings import findings
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import ClusterState, Finding, QueueTotals, Severity

_OF_THE_POLL = frozenset({"blind", "silent", "queues_untold", "unheard", "flaw"})
"""Kinds of findings that every poll can judge, whatever it heard."""

_OF_QUEUES = frozenset(
    {
        "contested",
        "ambiguous_policy",
        "policy_drift",
        "leaderless",
        "members_offline",
        "messages_at_risk",
        "unsynchronised",
        "missing_mirrors",
        "unmirrored",
        "vhost_down",
    }
)
"""Kinds that take the queues of every component; all others take every view that was told before."""


def sentence(state: ClusterState, previous: ClusterState | None) -> str:
    """What this poll showed; with a previous state also what is new, what is over and who came or went."""
    line = f"{state.cluster}: {_seen(state)}"
    if previous is None:
        problems = [found for found in findings(state) if found.severity is not Severity.NOTE]
        return f"{line}; {_problems(problems)}" if problems else line
    changes = list(_changes(state, previous))
    return f"{line}; {'; '.join(changes)}" if changes else f"{line}; nothing changed"


def _seen(state: ClusterState) -> str:
    answered = sum(node.answered is True for node in state.nodes)
    parts = [f"{answered} of {counted(len(state.nodes), 'node')} answered in {state.took:.1f} s"]
    if state.components:
        parts.append(_together(state))
    if state.queues.totals is not None:
        parts.extend(_depth(state.queues.totals))
    return ", ".join(parts)


def _together(state: ClusterState) -> str:
    observers, groups = len(state.views.running), len(state.components)
    if groups > 1:
        return f"in {groups} groups that do not see each other"
    if observers == len(state.nodes):
        return "all see each other" if observers > 1 else "alone"
    return f"{observers} told whom they see, and those see each other" if observers > 1 else "1 told whom it sees"


def _depth(totals: QueueTotals) -> Iterator[str]:
    yield f"{counted(totals.queues, 'queue')} with {counted(totals.messages, 'message')}"
    if totals.unsynchronised or totals.missing:
        yield f"{totals.unsynchronised} mirrors unsynchronised, {totals.missing} missing"


def _problems(problems: list[Finding]) -> str:
    rest = len(problems) - 1
    return problems[0].sentence + (f" (and {counted(rest, 'problem')} more)" if rest else "")


def _changes(state: ClusterState, previous: ClusterState) -> Iterator[str]:
    members, before = {node.name for node in state.nodes}, {node.name for node in previous.nodes}
    if members - before:
        yield f"joined: {names(members - before)}"
    if before - members:
        yield f"forgotten: {names(before - members)}"
    now, then = _by_key(state), _by_key(previous)
    yield from (f"new: {found.sentence}" for key, found in now.items() if key not in then)
    ended = [found for key, found in then.items() if key not in now]
    yield from (f"over: {_name(found)}" for found in ended if _judged(found, state, previous))
    unknown = sorted(_name(found) for found in ended if not _judged(found, state, previous))
    if unknown:
        yield f"no longer told: {', '.join(unknown)}"


def _name(found: Finding) -> str:
    return f"{found.kind} {found.subject}"


def _judged(found: Finding, state: ClusterState, previous: ClusterState) -> bool:
    """Whether this poll heard enough to say that the finding is over: silence ends nothing."""
    if found.kind in _OF_THE_POLL:
        return True
    if found.kind in _OF_QUEUES or found.kind.startswith("queues_"):
        return state.queues.complete
    return previous.views.running.keys() <= state.views.running.keys()


def _by_key(state: ClusterState) -> dict[tuple[str, str], Finding]:
    return {(found.kind, found.subject): found for found in findings(state)}
