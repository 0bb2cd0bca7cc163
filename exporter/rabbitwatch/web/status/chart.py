"""A queue's depth over time as one small line. Pure; the template makes SVG of it."""

from __future__ import annotations

from dataclasses import dataclass

from rabbitwatch.web.status.trend import Past

WIDTH, HEIGHT = 120, 28
_EDGE = 2


@dataclass(frozen=True, slots=True)
class Chart:
    """points: of the line, within WIDTH and HEIGHT, from 0 messages at the bottom to the most at the top. words: the
    same for those who do not see it."""

    points: str
    words: str


def chart(past: Past | None) -> Chart | None:
    """None where less than two polls are known."""
    if past is None or len(past.points) < 2:
        return None
    first, last = past.points[0][0], past.points[-1][0]
    most = max(value for _, value in past.points)
    wide, high = WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE
    points = " ".join(
        f"{_EDGE + wide * (at - first) / (last - first):.1f},{HEIGHT - _EDGE - high * value / (most or 1):.1f}"
        for at, value in past.points
    )
    begin, end = past.points[0][1], past.points[-1][1]
    minutes = max(1, round((last - first) / 60))
    return Chart(points, f"from {begin:,.0f} to {end:,.0f} in {minutes} min, at most {most:,.0f}")
