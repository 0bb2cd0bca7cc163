"""The nodes as a drawing: who sees whom as lines, each group that sees each other in a box of its own, and a break
between groups that do not. Pure; the template makes SVG of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.web.picture.nodes import Dot, Group

MOST_NODES = 20
"""More cannot be told apart in a drawing: the table of who sees whom has them all."""
_LABEL = 112
_ABOVE, _BELOW = 30, 56
_GAP, _BREAK = 14, 46
_SHORT = 13


@dataclass(frozen=True, slots=True)
class Spot:
    """A node at its place. label: its name, cut to what there is room for."""

    dot: Dot
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """kind: `both` see each other, `one` sees the other and is not seen, `told` by one alone, the other tells nothing;
    `partitioned` by the broker's own word."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str


@dataclass(frozen=True, slots=True)
class Box:
    """Around a group. sees: its nodes see each other; else they are down, or do not tell."""

    x: float
    width: float
    sees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The drawing in units of its own. breaks: points of the jagged lines of a split. words: the same as a sentence."""

    width: float
    height: float
    boxes: Sequence[Box]
    lines: Sequence[Line]
    spots: Sequence[Spot]
    breaks: Sequence[str]
    words: str


def sight(state: ClusterState, groups: Sequence[Group]) -> Sight | None:
    """groups: the nodes of the state as they are to be drawn. None where there is nothing that can be drawn."""
    if not 0 < len(state.nodes) <= MOST_NODES:
        return None
    rings = [_ring(len(group.dots)) for group in groups]
    height = max(_height(ring) for ring in rings) + 2
    x = 1.0
    boxes: list[Box] = []
    spots: list[Spot] = []
    breaks: list[str] = []
    for index, (group, ring) in enumerate(zip(groups, rings, strict=True)):
        if index:
            cut = group.sees and groups[index - 1].sees
            if cut:
                breaks.append(_jagged(x + _BREAK / 2, height))
            x += _BREAK if cut else _GAP
        wide = _width(ring)
        boxes.append(Box(x, wide, group.sees))
        spots.extend(_spots(group, ring, x, height))
        x += wide
    at = {spot.dot.name: spot for spot in spots}
    return Sight(
        width=round(x + 1, 1),
        height=round(height, 1),
        boxes=boxes,
        lines=list(_lines(state, at)),
        spots=spots,
        breaks=breaks,
        words=in_words(groups),
    )


def in_words(groups: Sequence[Group]) -> str:
    """The drawing for those who do not see it."""
    parts: list[str] = []
    for group in groups:
        names = ", ".join(dot.name for dot in group.dots)
        if not group.sees:
            parts.extend(f"{dot.name}: {dot.word}" for dot in group.dots)
        elif len(group.dots) == 1:
            parts.append(f"{names} sees only itself" if len(groups) > 1 else f"{names} is alone")
        else:
            parts.append(f"{names} see each other")
    return "; ".join(parts)


def _ring(count: int) -> list[tuple[float, float]]:
    """Places around the middle."""
    if count == 1:
        return [(0.0, 0.0)]
    radius = max(56.0, 112 / (2 * math.sin(math.pi / count)))
    turn = math.pi if count == 2 else -math.pi / 2
    return [
        (radius * math.cos(turn + 2 * math.pi * place / count), radius * math.sin(turn + 2 * math.pi * place / count))
        for place in range(count)
    ]


def _width(ring: Sequence[tuple[float, float]]) -> float:
    return max(x for x, _ in ring) - min(x for x, _ in ring) + _LABEL


def _height(ring: Sequence[tuple[float, float]]) -> float:
    return max(y for _, y in ring) - min(y for _, y in ring) + _ABOVE + _BELOW


def _spots(group: Group, ring: Sequence[tuple[float, float]], left: float, height: float) -> Iterator[Spot]:
    lowest_x, lowest_y = min(x for x, _ in ring), min(y for _, y in ring)
    top = (height - _height(ring)) / 2
    for dot, (x, y) in zip(group.dots, ring, strict=True):
        label = dot.short if len(dot.short) <= _SHORT else f"{dot.short[: _SHORT - 1]}…"
        yield Spot(dot, round(left + x - lowest_x + _LABEL / 2, 1), round(top + y - lowest_y + _ABOVE, 1), label)


def _jagged(x: float, height: float) -> str:
    steps = max(2, round(height / 16))
    return " ".join(
        f"{round(x + (7 if step % 2 else -7), 1)},{round(4 + step * (height - 8) / steps, 1)}"
        for step in range(steps + 1)
    )


def _lines(state: ClusterState, at: Mapping[str, Spot]) -> Iterator[Line]:
    for a, b in combinations(at, 2):
        kind = _kind(state, a, b)
        if kind:
            yield Line(at[a].x, at[a].y, at[b].x, at[b].y, kind)


def _kind(state: ClusterState, a: str, b: str) -> str:
    """Of the line between two nodes, "" where there is none."""
    views = state.views
    if views.partitioned.get(a, {}).get(b) or views.partitioned.get(b, {}).get(a):
        return "partitioned"
    there = views.running[a].get(b, False) if a in views.running else None
    back = views.running[b].get(a, False) if b in views.running else None
    if there and back:
        return "both"
    if there is False or back is False:
        return "one" if there or back else ""
    return "told" if there or back else ""
