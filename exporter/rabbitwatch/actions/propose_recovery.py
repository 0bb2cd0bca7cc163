"""Proposes how to recover from a partition: which side to trust, which nodes to restart in which order. It never acts.

Source of the order: RabbitMQ's documentation of partitions (3.13), "Recovering from a split-brain".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rabbitwatch.actions.ports import Action, Hand
from rabbitwatch.actions.sides import Side, reported_apart, sides
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.action import Look, Plan, Progress, Reply, Step, Target
from rabbitwatch.model.cluster import ClusterState

NAME = "propose_recovery"


class ProposeRecovery:
    """A text for a person, for the whole cluster whatever the target names."""

    name = NAME

    def plan(self, look: Look, target: Target) -> Plan:
        state = look.state
        if not state.components:
            return Plan(action=NAME, target=target, nothing="unknown: no node tells what it sees")
        if len(state.components) == 1 and not state.partitions.reported:
            seen, known = len(state.components[0]), len([node for node in state.nodes if not node.missing])
            rest = f", and {known - seen} did not tell" if known > seen else ""
            return Plan(
                action=NAME,
                target=target,
                nothing=f"{counted(seen, 'node')} see each other, and no partition is reported{rest}",
            )
        return Plan(action=NAME, target=target, text="\n".join(_proposal(state)))

    def run(self, step: Step, hand: Hand) -> Reply:  # noqa: ARG002 - there is no step
        return Reply(status=None, reason=f"{NAME} never acts")

    def progress(self, step: Step, look: Look) -> Progress:  # noqa: ARG002 - there is no step
        return Progress(done=None, text=f"{NAME} never acts")


ACTION: Action = ProposeRecovery()


def _proposal(state: ClusterState) -> Iterator[str]:
    groups = reported_apart(state) if len(state.components) == 1 else state.components
    yield f"{_what(state)} This is a proposal: nothing was done, and nothing is done by itself."
    if len(groups) < 2:
        yield from _without_sides(state)
        return
    ranked = sides(state, groups)
    for rank, side in enumerate(ranked):
        yield f"{'Trust' if not rank else 'Give up'}: {side.described()}."
    yield _why(ranked)
    yield from _order(state, ranked)
    yield from _lost(state, ranked)
    silent = {node.name for node in state.nodes if not node.missing and not any(node.name in group for group in groups)}
    if silent:
        yield f"Unknown: {names(silent)} did not tell what they see, and may hold more than is counted here."


def _what(state: ClusterState) -> str:
    if len(state.components) > 1:
        return f"{state.cluster} has fallen into {len(state.components)} groups that cannot see each other."
    return f"The nodes of {state.cluster} see each other again, and still report a partition: their data are divided."


def _without_sides(state: ClusterState) -> Iterator[str]:
    said = ", ".join(f"{node} from {peer}" for node, peer in sorted(state.partitions.reported))
    yield f"Reported: {said}. The nodes do not fall into sides, since each is joined to the others by some node."
    yield (
        "Which side to trust is unknown. Choose the node whose data count, stop all others, start them one after "
        "another, then restart the chosen one."
    )


def _why(ranked: Sequence[Side]) -> str:
    best, second = ranked[:2]
    if any(side.unknown for side in ranked):
        blank = {what for side in ranked for what in side.unknown}
        return f"Why: unknown {' and '.join(sorted(blank))} of a side make this a guess; look there before you decide."
    ahead, behind = best.ahead_of(second), second.ahead_of(best)
    if not ahead and not behind:
        return "Why: the sides hold the same; the choice between them is free."
    if not ahead:
        return "Why: the sides contradict each other; decide by what your clients need."
    if behind:
        more, fewer = " and ".join(ahead), " and ".join(behind)
        return f"Why: it has more {more}, but fewer {fewer}: decide by what your clients need."
    return f"Why: it has more {' and '.join(ahead)}."


def _order(state: ClusterState, ranked: Sequence[Side]) -> Iterator[str]:
    first = _discs_first(state, ranked[0].nodes)
    others = [name for side in ranked[1:] for name in _discs_first(state, side.nodes)]
    given_up = "the other side" if len(ranked) == 2 else "the other sides"
    yield "Order:"
    works = "" if len(state.components) > 1 else " (it works, by the word of the nodes)"
    yield f"1. Mend the network between the sides{works}."
    if state.partitions.reportable is False:
        yield "2. Wait: with Khepri the sides join by themselves, and no node needs a restart."
        return
    yield f"2. Stop all nodes of {given_up}, before any is started again: {', '.join(others)}."
    yield f"3. Start them, one after another: {', '.join(others)}. Each takes over the data of the trusted side."
    yield f"4. Restart the trusted nodes, one after another, while any still reports the partition: {', '.join(first)}."
    yield f"Wait for mirrors to synchronise between restarts. If ever all nodes are down, start {first[0]} first."


def _discs_first(state: ClusterState, nodes: frozenset[str]) -> list[str]:
    types = {node.name: node.type for node in state.nodes}
    return sorted(nodes, key=lambda name: (types.get(name) == "ram", name))


def _lost(state: ClusterState, ranked: Sequence[Side]) -> Iterator[str]:
    if state.partitions.reportable is False:
        return
    for side in ranked[1:]:
        yield (
            f"Lost: what changed on {names(side.nodes)} since the cut, messages, queues and users alike; "
            f"there lead {side.told('queues')} with {side.told('messages')}."
        )
    if state.queues.contested:
        contested = counted(state.queues.contested, "queue")
        yield f"{contested} with a leader on more than one side: take what must be kept out of the copy given up first."
