"""What stands on the wall and how large. Pure.

Space goes to those who need it: clusters that are not well stand large, the worst first, as many as can be read across
the room; the others are small. Where all are well, that is said once in large letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.web.picture.card import AlertLine, Card, Level, worst
from rabbitwatch.web.picture.nodes import Group, groups

LARGE = 4
"""How many can be read across the room at once."""
SMALL = {0: 24, 1: 12, 2: 12, 3: 8, 4: 8}
"""Small tiles that there is room for, by how many large ones there are."""
ALERTS = {1: 6, 2: 4, 3: 3, 4: 2}
"""Alerts that a large tile shows, by how many large tiles there are."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number under a tile. text: "?" when it is unknown. level: how bad it is."""

    text: str
    name: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One cluster. alerts: those that are told, as many as there is room for; more: how many others; quiet: how many
    fire and are silenced or explained by others."""

    card: Card
    groups: Sequence[Group]
    figures: Sequence[Figure]
    alerts: Sequence[AlertLine]
    more: int
    quiet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """All of it. bad: how many clusters are not well. left_out: clusters for which there is no room, none of which is
    worse than those shown."""

    level: Level
    large: Sequence[Tile]
    small: Sequence[Tile]
    left_out: int
    bad: int
    total: int


def wall(cards: Sequence[Card], *, only: str = "", show: int | None = None) -> Wall:
    """cards: the worst first. only: the name of one cluster. show: number of the one that stands large in its turn,
    beside those that are critical, which always do."""
    chosen = [card for card in cards if not only or card.name == only]
    large = _large(chosen, show)
    rest = [card for card in chosen if card not in large]
    room, small = ALERTS.get(len(large), 2), SMALL[len(large)]
    return Wall(
        level=worst(card.level for card in chosen) if chosen else Level.UNKNOWN,
        large=[_tile(card, room) for card in large],
        small=[_tile(card, 0) for card in rest[:small]],
        left_out=max(0, len(rest) - small),
        bad=sum(card.level is not Level.OK for card in chosen),
        total=len(chosen),
    )


def _large(cards: Sequence[Card], show: int | None) -> list[Card]:
    if len(cards) == 1:
        return list(cards)
    if show is None or not cards:
        return [card for card in cards if card.level is not Level.OK][:LARGE]
    turn = cards[show % len(cards)]
    critical = [card for card in cards if card.level is Level.CRITICAL and card is not turn]
    return [*critical[: LARGE - 1], turn]


def _tile(card: Card, room: int) -> Tile:
    told = [alert for alert in card.alerts if not alert.quiet and alert.level is not Level.OK]
    return Tile(
        card=card,
        groups=groups(card.state, stale=card.stale) if card.state else (),
        figures=list(_figures(card.state)) if card.state and not card.stale else (),
        alerts=told[:room],
        more=max(0, len(told) - room),
        quiet=sum(bool(alert.quiet) for alert in card.alerts),
    )


def _figures(state: ClusterState) -> Iterator[Figure]:
    running = sum(node.running is True for node in state.nodes)
    unknown = all(node.running is None for node in state.nodes)
    level = Level.UNKNOWN if unknown else Level.OK if running == len(state.nodes) else Level.CRITICAL
    yield Figure("?" if unknown else f"{running}/{len(state.nodes)}", "nodes run", level)
    totals = state.queues.totals
    yield _count(totals.messages if totals else None, "messages", Level.OK)
    yield _count(totals.at_risk if totals else None, "at risk", Level.CRITICAL)
    yield _count(totals.unsynchronised + totals.missing if totals else None, "mirrors lag", Level.WARNING)


def _count(number: int | None, name: str, bad: Level) -> Figure:
    if number is None:
        return Figure("?", name, Level.UNKNOWN)
    return Figure(_short(number), name, bad if number else Level.OK)


def _short(number: int) -> str:
    """At most four characters and a letter, readable across the room."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            scaled = number / (1_000 if letter == "k" else size)
            return f"{scaled:.0f}{letter}" if scaled >= 100 else f"{scaled:.1f}{letter}"
    return str(number)
