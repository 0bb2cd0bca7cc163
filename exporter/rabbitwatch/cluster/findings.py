"""What is wrong with a cluster, in sentences: for `once`, the log and the pages. Pure.

The alert rules judge by the metrics, over time; a finding is what one poll shows. A new finding is one function and
one line in `_CHECKS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rabbitwatch.cluster.drift import MISSING, in_words
from rabbitwatch.cluster.troubles import broken_queues, lagging_mirrors, leaderless, resources, unmirrored, vhosts_down
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import ClusterState, Finding, NodeState, PollState, Severity

_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


def findings(state: ClusterState) -> tuple[Finding, ...]:
    """Everything that this state shows to be wrong, the worst first; empty for a healthy cluster that was seen."""
    found = (finding for check in _CHECKS for finding in check(state))
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))


def _blind(state: ClusterState) -> Iterator[Finding]:
    if not state.components:
        states = Counter(node.poll_state for node in state.nodes if node.poll_state)
        why = ", ".join(f"{number} {poll_state}" for poll_state, number in sorted(states.items()))
        sentence = "no node tells what it sees" + (f" ({why})" if why else "")
        yield Finding(Severity.CRITICAL, "blind", state.cluster, sentence)


def _split(state: ClusterState) -> Iterator[Finding]:
    if len(state.components) > 1:
        sides = " | ".join(names(group) for group in state.components)
        number = len(state.components)
        sentence = f"the cluster has fallen into {number} groups that cannot see each other: {sides}"
        yield Finding(Severity.CRITICAL, "split", state.cluster, sentence)


def _one_way(state: ClusterState) -> Iterator[Finding]:
    for observer, node in state.views.asymmetric:
        sentence = f"{observer} says that {node} runs, and {node} says that {observer} does not"
        yield Finding(Severity.CRITICAL, "one_way", f"{observer} {node}", sentence)


def _partitions(state: ClusterState) -> Iterator[Finding]:
    by_node: dict[str, set[str]] = {}
    for node, peer in state.partitions.reported:
        by_node.setdefault(node, set()).add(peer)
    for node in sorted(by_node):
        sentence = f"a partition from {names(by_node[node])} is reported and stays until the untrusted side restarts"
        yield Finding(Severity.CRITICAL, "partition", node, f"{node}: {sentence}")


def _node(state: ClusterState) -> Iterator[Finding]:
    for node in state.nodes:
        if node.missing:
            sentence = f"{node.name} was a member, and no node lists it any more"
            yield Finding(Severity.WARNING, "missing", node.name, sentence)
        elif node.running is False:
            sentence = f"{node.name} does not run, by the word of every node that answered"
            yield Finding(Severity.CRITICAL, "not_running", node.name, sentence)
        if node.poll_state not in (None, PollState.OK):
            yield _silent(node)


def _silent(node: NodeState) -> Finding:
    if node.poll_state is PollState.UNAUTHORISED:
        sentence = f"{node.name} does not let this user see /api/nodes, which takes the tag monitoring"
    else:
        sentence = f"{node.name} does not tell what it sees"
    return Finding(Severity.WARNING, "silent", node.name, f"{sentence} ({node.poll_state}: {node.poll_reason})")


def _types(state: ClusterState) -> Iterator[Finding]:
    for node in state.nodes:
        if node.type_mismatch:
            sentence = f"{node.name} is a {node.type} node and is declared as {node.declared_type}"
            yield Finding(Severity.WARNING, "type", node.name, sentence)
    if state.disc_nodes_running == 0:
        sentence = "no disc node runs: when the last ram node stops, all definitions are lost"
        yield Finding(Severity.CRITICAL, "no_disc_node", state.cluster, sentence)


def _cookies(state: ClusterState) -> Iterator[Finding]:
    for node in state.nodes:
        if node.cookie_mismatch:
            sentence = f"the Erlang cookie of {node.name} is not the one of most nodes: it cannot join after a restart"
            yield Finding(Severity.CRITICAL, "cookie", node.name, sentence)
        if node.cookie_file_differs:
            sentence = f"the cookie file of {node.name} no longer holds the cookie that the node runs with"
            yield Finding(Severity.WARNING, "cookie_file", node.name, sentence)


def _versions(state: ClusterState) -> Iterator[Finding]:
    if len(state.versions) > 1:
        sentence = f"nodes run different versions: {names(state.versions)}"
        yield Finding(Severity.WARNING, "versions", state.cluster, sentence)


def _views(state: ClusterState) -> Iterator[Finding]:
    if state.queues.contested:
        number = state.queues.contested
        have = "has" if number == 1 else "have"
        sentence = f"{counted(number, 'queue')} {have} a leader on more than one side of the split"
        yield Finding(Severity.CRITICAL, "contested", state.cluster, sentence)
    for vhost, number in state.queues.ambiguous.items():
        if number:
            sentence = f"in vhost {vhost!r} two policies of equal priority match {counted(number, 'queue')}"
            yield Finding(Severity.WARNING, "ambiguous_policy", vhost, sentence)
    for policy in state.policies.declared:
        if policy.drift:
            what = "is missing" if policy.drift == MISSING else f"is not as declared: {in_words(policy.differences)}"
            which = "operator policy" if policy.operator else "policy"
            sentence = f"the {which} {policy.name!r} of vhost {policy.vhost!r} {what}"
            yield Finding(Severity.WARNING, "policy_drift", f"{policy.vhost} {policy.name}", sentence)


def _untold_queues(state: ClusterState) -> Iterator[Finding]:
    """Without the queues of a component nobody knows what waits or is at risk, and what is unknown is not well."""
    if state.components and not state.queues.complete:
        sentence = "how many messages wait or are at risk is unknown: a part of the cluster did not tell its queues"
        yield Finding(Severity.WARNING, "queues_untold", state.cluster, sentence)


def _answers(state: ClusterState) -> Iterator[Finding]:
    for source in state.sources:
        subject = f"{source.node} {source.source}"
        if source.flaws:
            sentence = f"{subject}: {counted(len(source.flaws), 'part')} of the answer left out: {source.flaws[0]}"
            yield Finding(Severity.NOTE, "flaw", subject, sentence)
        elif not source.heard and source.node not in _silent_nodes(state):
            yield Finding(Severity.NOTE, "unheard", subject, f"{subject} gave no answer: {source.reason}")


def _silent_nodes(state: ClusterState) -> set[str]:
    return {node.name for node in state.nodes if node.poll_state not in (None, PollState.OK)}


_CHECKS: tuple[Callable[[ClusterState], Iterable[Finding]], ...] = (
    _blind,
    _split,
    _one_way,
    _partitions,
    _node,
    _types,
    _cookies,
    _versions,
    _views,
    broken_queues,
    leaderless,
    lagging_mirrors,
    unmirrored,
    vhosts_down,
    resources,
    _untold_queues,
    _answers,
)
