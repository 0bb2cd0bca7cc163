"""From what came of the calls to the frozen observation: every answer with the node that it is really of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import (
    AnyPart,
    Heard,
    Missed,
    NodeObservation,
    ObjectsObservation,
    PluginView,
    Source,
)
from rabbitwatch.sources.cycle import Cycle
from rabbitwatch.sources.diagnostics import DiagnosticsRounds
from rabbitwatch.sources.roster import Member, Roster

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Assembled:
    """What one cycle gave. cluster_name: what the broker calls the cluster, if any node told."""

    nodes: tuple[NodeObservation, ...]
    objects: tuple[ObjectsObservation, ...]
    cluster_name: str | None


def assemble(cycle: Cycle, roster: Roster, rounds: DiagnosticsRounds, user: str) -> Assembled:
    """Lay the answers of one finished cycle out by node and component. user: the name that the agent uses."""
    twins: dict[str, list[str]] = {}
    for holder, other in roster.twins():
        twins.setdefault(holder.label, []).append(other.access.url)
    nodes = tuple(
        _node(cycle, rounds, label, member, twins.get(label, [])) for label, member in roster.holders().items()
    )
    heard = (node.overview.value for node in nodes if isinstance(node.overview, Heard))
    name = next((overview.cluster_name for overview in heard if overview.cluster_name), None)
    return Assembled(nodes, _objects(cycle, user), name)


def _node(cycle: Cycle, rounds: DiagnosticsRounds, label: str, member: Member, twins: list[str]) -> NodeObservation:
    wrong = _misled(cycle, member)
    stranger = _stranger(cycle, member)

    def of_api(source: Source) -> Any:
        return _replaced(cycle.part(member, source), wrong)

    def of_plugin(source: Source) -> Any:
        return _replaced(cycle.part(member, source), stranger)

    return NodeObservation(
        name=label,
        url=member.access.url,
        declared=member.config is not None,
        declared_type=member.config.type if member.config is not None else None,
        overview=_with_twins(of_api(Source.OVERVIEW), member, twins),
        nodes=of_api(Source.NODES),
        plugin=of_plugin(Source.PLUGIN),
        consumers=of_plugin(Source.PLUGIN_CONSUMERS),
        cookie_file_hash=_any(cycle.part(member, Source.COOKIE_FILE)),
        cluster_status=_any(rounds.part(member, Source.CLUSTER_STATUS)),
        cookie_hash=_any(rounds.part(member, Source.COOKIE_HASH)),
        cookie_sources=_any(rounds.part(member, Source.COOKIE_SOURCES)),
        checks=rounds.checks(member),
    )


def _any(part: AnyPart) -> Any:
    return part


def _misled(cycle: Cycle, member: Member) -> str | None:
    """Why the API's answers at this address cannot be taken for those of its node."""
    if member.wanders:
        nodes = " and ".join(sorted(set(member.told)))
        return (
            f"{member.access.url} answers as {nodes} by turns: is it a load balancer? "
            "Its answers serve discovery only; list each node under nodes with an address of its own"
        )
    return cycle.impostor(member)


def _stranger(cycle: Cycle, member: Member) -> str | None:
    """Why the plugin's answers are not those of the node."""
    part = cycle.part(member, Source.PLUGIN)
    if not isinstance(part, Heard) or not isinstance(part.value, PluginView):
        return None
    told = part.value.node
    if told is None or member.name is None or told == member.name:
        return None
    return f"the metrics plugin beside {member.access.url} answers as {told}, not as {member.name}: set plugin_url"


def _replaced(part: AnyPart, reason: str | None) -> AnyPart:
    if reason is None or not isinstance(part, Heard):
        return part
    return Missed(CallFailure.ERROR, reason, part.at, part.took)


def _with_twins(part: AnyPart, member: Member, twins: list[str]) -> AnyPart:
    if not twins or not isinstance(part, Heard):
        return part
    line = f"{' and '.join(twins)} leads to the same node as {member.access.url}: is it a load balancer?"
    return replace(part, flaws=(*part.flaws, line))


def _objects(cycle: Cycle, user: str) -> tuple[ObjectsObservation, ...]:
    """One entry a component. Where two of its nodes were asked, because a late answer joined two groups, the one
    whose queues were heard, else the first."""
    groups = cycle.components()
    best: dict[frozenset[str], Member] = {}
    for member in cycle.asked:
        group = next((g for g in groups if member.label in g), frozenset({member.label}))
        if group not in best or _has_queues(cycle, member) > _has_queues(cycle, best[group]):
            best[group] = member
    return tuple(_objects_of(cycle, member, group, user) for group, member in best.items())


def _objects_of(cycle: Cycle, member: Member, group: frozenset[str], user: str) -> ObjectsObservation:
    vhosts = cycle.part(member, Source.VHOSTS)
    unseen = cycle.unseen_vhosts(member)
    everything = isinstance(vhosts, Heard) and unseen == {vhost.name for vhost in vhosts.value}

    def seen(source: Source) -> Any:
        return _as_seen(cycle.part(member, source), unseen, everything, user)

    return ObjectsObservation(
        asked=member.label,
        component=group,
        queues=seen(Source.QUEUES),
        policies=seen(Source.POLICIES),
        operator_policies=seen(Source.OPERATOR_POLICIES),
        vhosts=_any(vhosts),
        unseen_vhosts=unseen,
    )


def _as_seen(part: AnyPart, unseen: frozenset[str], everything: bool, user: str) -> AnyPart:
    """A list from which the broker left out what the user may not see: with a flaw, or, when all of it is out of his
    sight, as no answer at all."""
    if not unseen or not isinstance(part, Heard):
        return part
    names = ", ".join(readable(name, 60) for name in sorted(unseen)[:_NAMED]) + (", …" if len(unseen) > _NAMED else "")
    reason = (
        f"user {user!r} has no permission in vhost {names}, so its queues and policies are not told: "
        f"rabbitmqctl set_permissions -p VHOST {user} '^$' '^$' '^$' (an empty one is enough)"
    )
    if everything:
        return Missed(CallFailure.UNAUTHORISED, reason, part.at, part.took)
    return replace(part, flaws=(*part.flaws, reason))


def _has_queues(cycle: Cycle, member: Member) -> bool:
    return isinstance(cycle.part(member, Source.QUEUES), Heard)
