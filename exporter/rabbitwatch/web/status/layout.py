"""All that the status page shows, the worst cluster first. Pure, but for what was asked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState, Finding, Severity
from rabbitwatch.web.picture.card import Card, Level, worst
from rabbitwatch.web.picture.nodes import groups
from rabbitwatch.web.status.alerts import MOST as MOST_ALERTS
from rabbitwatch.web.status.alerts import AlertRow
from rabbitwatch.web.status.blind import Gap, gaps
from rabbitwatch.web.status.matrix import Matrix, matrix
from rabbitwatch.web.status.nodes import NodeRow, node_rows
from rabbitwatch.web.status.policies import Policies, policies
from rabbitwatch.web.status.queues import GROWING, QueueLists, deepest, key_of, queue_lists
from rabbitwatch.web.status.sight import Sight, sight
from rabbitwatch.web.status.trend import Trends
from rabbitwatch.web.status.words import Capped, anchor, capped

DETAILED = 6
"""Clusters that are shown in full where all are shown; the others are a link away."""
LISTED = 200
_FINDINGS = 12
_LONGEST_NAME = 60
_LEVELS = {Severity.CRITICAL: Level.CRITICAL, Severity.WARNING: Level.WARNING, Severity.NOTE: Level.OK}


@dataclass(frozen=True, slots=True)
class FindingRow:
    """Something that the last poll found, beside what the headline says."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What one poll showed of a cluster."""

    state: ClusterState
    sight: Sight | None
    nodes: Capped[NodeRow]
    matrix: Matrix
    queues: QueueLists
    policies: Policies
    versions: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One cluster. id: of its part of the page. inside: None where there is no poll."""

    id: str
    card: Card
    findings: Capped[FindingRow]
    alerts: Capped[AlertRow]
    inside: Inside | None
    gaps: Capped[Gap]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """level, verdict: of all clusters, in one sentence. listed: every cluster with the id of its panel, "" where it
    has none here. unknown: the cluster that was asked for, where there is none of that name."""

    level: Level
    verdict: str
    panels: Sequence[Panel]
    listed: Capped[tuple[Card, str]]
    others: Capped[AlertRow]
    unknown: str


def overview(cards: Sequence[Card], alerts: Sequence[AlertRow], trends: Trends, *, only: str = "") -> Overview:
    """cards: the worst first. alerts: the gravest first. only: the name of the one cluster to show."""
    chosen = [card for card in cards if not only or card.name == only]
    known = {card.name for card in cards}
    panels = [panel(card, [each for each in alerts if each.cluster == card.name], trends) for card in chosen[:DETAILED]]
    shown = {each.card.name: each.id for each in panels}
    return Overview(
        level=worst(card.level for card in chosen) if chosen else Level.UNKNOWN,
        verdict=verdict(chosen),
        panels=panels,
        listed=capped(((card, shown.get(card.name, "")) for card in cards), LISTED),
        others=capped((each for each in alerts if each.cluster not in known), MOST_ALERTS),
        unknown=only if only and not chosen else "",
    )


def verdict(cards: Sequence[Card]) -> str:
    """How all of them are, in one sentence."""
    bad = [card for card in cards if card.level is not Level.OK]
    if not cards:
        return "No cluster is watched"
    if len(cards) == 1:
        return _said(cards[0])
    if not bad:
        return f"All {len(cards)} clusters are well"
    needs = "needs" if len(bad) == 1 else "need"
    return f"{len(bad)} of {len(cards)} clusters {needs} a look: {_said(bad[0])}"


def _said(card: Card) -> str:
    name = card.name if len(card.name) <= _LONGEST_NAME else f"{card.name[: _LONGEST_NAME - 1]}…"
    words = {Level.OK: "is well", Level.WARNING: "has a problem", Level.CRITICAL: "is in danger"}
    return f"{name}: nobody knows how it is" if card.level is Level.UNKNOWN else f"{name} {words[card.level]}"


def panel(card: Card, alerts: Sequence[AlertRow], trends: Trends) -> Panel:
    """alerts: the cluster's own."""
    state = card.state
    return Panel(
        id=anchor("cluster", card.name),
        card=card,
        findings=capped((_finding(each) for each in card.findings if each.sentence != card.why), _FINDINGS),
        alerts=capped(alerts, MOST_ALERTS),
        inside=inside(state, trends, stale=card.stale) if state else None,
        gaps=gaps(state, alerts) if state else capped([Gap("anything of this cluster", card.why)], 1),
    )


def inside(state: ClusterState, trends: Trends, *, stale: bool) -> Inside:
    """stale: the poll is too old to be the present."""
    drawn = groups(state, stale=stale)
    dots = [dot for group in drawn for dot in group.dots]
    deep = deepest(state)
    trend = trends.of(state.cluster, state.at, {key_of(queue) for queue in deep}, GROWING)
    return Inside(
        state=state,
        sight=sight(state, drawn),
        nodes=node_rows(state, dots),
        matrix=matrix(state, dots),
        queues=queue_lists(state, deep, trend),
        policies=policies(state),
        versions=sorted(state.versions),
    )


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(_LEVELS[finding.severity], finding.sentence)
