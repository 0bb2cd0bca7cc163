"""Packet rules of each node's network namespace, as a pure function of the lab's state.

The whole table is written at once by iptables-restore, so a rule is never left over or doubled. Only traffic between
the nodes is cut: the observer at address .1 reaches every management port all the time.
"""

from __future__ import annotations

from rabbitlab.network import OBSERVER_HOST
from rabbitlab.places import beside
from rabbitlab.run import run
from rabbitlab.state import Lab, Node

RELAY_PORT = 15670
"""Where a node's relay listens in netns isolation while its management port is slow or hangs."""

HANG = "hang"
_GOODBYE = ("FIN", "RST")


def rules(lab: Lab, node: Node) -> str:
    """The input of iptables-restore for one node's namespace."""
    cuts, redirect = _cuts(lab, node), _redirect(lab, node)
    filters = [*cuts, *_old_connections(lab, node)]
    return "\n".join(
        [
            "*nat",
            *(f":{chain} ACCEPT [0:0]" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")),
            *redirect,
            "COMMIT",
            "*filter",
            *(f":{chain} ACCEPT [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")),
            *filters,
            "COMMIT",
            "",
        ]
    )


def apply(lab: Lab) -> None:
    """Bring all namespaces to what the state says."""
    for node in lab.nodes:
        run(beside(node, ["iptables-restore"]), feed=rules(lab, node))


def _cuts(lab: Lab, node: Node) -> list[str]:
    """What this node does not hear. Always dropped where it arrives: a sender whose own rules drop its packets is told
    so at once (EPERM), which no cut cable does."""
    lines = []
    for start, end, one_way in lab.cuts:
        if node.name == end:
            # Everything lost in one direction would take the acknowledgements too, TCP would stop sending, and both
            # sides would fall silent together (measured). So bare acknowledgements pass, and whatever says something
            # is lost: pushed data, and the opening and closing of connections.
            what = " -p tcp ! --tcp-flags SYN,FIN,RST,PSH NONE" if one_way else ""
            lines.append(f"-A INPUT -s {lab.node(start).address}{what} -j DROP")
        elif node.name == start and one_way:
            # The peer gives this node up after net_ticktime and hangs up. This node must not be told, or both agree.
            lines += [f"-A INPUT -s {lab.node(end).address} -p tcp --tcp-flags {it} {it} -j DROP" for it in _GOODBYE]
        elif node.name == start:
            lines.append(f"-A INPUT -s {lab.node(end).address} -j DROP")
    return lines


def _from_observer(lab: Lab, node: Node) -> str:
    return f"-s {lab.subnet}.{OBSERVER_HOST} -p tcp --dport {node.ports.management}"


def _redirect(lab: Lab, node: Node) -> list[str]:
    if node.name not in lab.answers:
        return []
    return [f"-A PREROUTING {_from_observer(lab, node)} -j REDIRECT --to-ports {RELAY_PORT}"]


def _old_connections(lab: Lab, node: Node) -> list[str]:
    """Connections that are open already are not redirected: they fall silent, or are reset so that the client comes
    back and is."""
    answer = lab.answers.get(node.name)
    if answer is None:
        return []
    fate = "DROP" if answer == HANG else "REJECT --reject-with tcp-reset"
    return [f"-A INPUT {_from_observer(lab, node)} -j {fate}"]
