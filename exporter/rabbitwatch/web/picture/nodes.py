"""A cluster's nodes as they are drawn: in the groups that see each other, each with what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rabbitwatch.model.cluster import ClusterState, NodeState
from rabbitwatch.web.picture.card import Level, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A node. short: its name, without the part that all nodes share. word: its state for a person; marks: what else is
    to be known, such as `ram` or `memory alarm`."""

    name: str
    short: str
    level: Level
    word: str
    type: str | None
    version: str | None
    marks: tuple[str, ...]

    @property
    def line(self) -> str:
        """State and marks, for below the name."""
        return ", ".join((self.word, *self.marks))


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that see each other; or, without `sees`, those that are in no group, because they are down or silent."""

    dots: Sequence[Dot]
    sees: bool


def groups(state: ClusterState, *, stale: bool = False) -> list[Group]:
    """The components, the largest first, and last the nodes that are in none. stale: how they are now nobody knows."""
    by_name = {node.name: node for node in state.nodes}
    short = _shortener(list(by_name))
    together = [
        Group([_dot(by_name[name], short(name), cut) for name in sorted(component) if name in by_name], sees=True)
        for component, cut in ((component, _cut(component, state)) for component in state.components)
    ]
    inside = frozenset().union(*state.components) if state.components else frozenset()
    apart = [_dot(node, short(node.name)) for node in state.nodes if node.name not in inside]
    made = [*together, Group(apart, sees=False)] if apart else together
    return [Group([_past(dot) for dot in group.dots], group.sees) for group in made] if stale else made


def _past(dot: Dot) -> Dot:
    return replace(dot, level=Level.UNKNOWN, word=f"was: {dot.word}")


def _cut(component: frozenset[str], state: ClusterState) -> str:
    """What a split makes of the nodes of one side; "" where there is none."""
    return f"sees {len(component)} of {len(state.nodes)}" if len(state.components) > 1 else ""


def _dot(node: NodeState, short: str, cut: str = "") -> Dot:
    level, word = _state(node)
    if cut:
        level, word = worst((level, Level.WARNING)), f"{word}, {cut}"
    return Dot(
        name=node.name,
        short=short,
        level=level,
        word=word,
        type=node.type,
        version=node.version,
        marks=tuple(_marks(node)),
    )


def _state(node: NodeState) -> tuple[Level, str]:
    if node.missing:
        return Level.CRITICAL, "missing"
    if node.running is False:
        return Level.CRITICAL, "down"
    if node.running is None:
        return Level.UNKNOWN, "unknown"
    if node.answered is False:
        return Level.WARNING, "runs, does not answer"
    return (Level.WARNING if any(_alarms(node)) else Level.OK), "runs"


def _alarms(node: NodeState) -> Iterator[str]:
    if node.figures is not None and node.figures.mem_alarm:
        yield "memory alarm"
    if node.figures is not None and node.figures.disk_free_alarm:
        yield "disk alarm"
    if node.cookie_mismatch:
        yield "other cookie"
    if node.type_mismatch:
        yield f"is {node.type}, should be {node.declared_type}"


def _marks(node: NodeState) -> Iterator[str]:
    if node.type is not None:
        yield node.type
    yield from _alarms(node)
    if node.figures is not None and node.figures.being_drained:
        yield "draining"


class _shortener:  # noqa: N801 - reads as the function that it is
    """Cuts what all names begin with, up to the @: mostly `rabbit@`."""

    def __init__(self, names: Sequence[str]) -> None:
        before = {name.partition("@")[0] for name in names}
        self._cut = f"{before.pop()}@" if len(before) == 1 else ""

    def __call__(self, name: str) -> str:
        return name.removeprefix(self._cut) or name
