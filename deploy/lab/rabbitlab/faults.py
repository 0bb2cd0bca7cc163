"""What the lab breaks on purpose, and how each is mended."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence

from rabbitlab import brokers, rules
from rabbitlab.errors import LabError
from rabbitlab.places import beside, environment, helper_environment, inside
from rabbitlab.processes import alive, end, spawn
from rabbitlab.run import run
from rabbitlab.state import Lab, Node, Store

_MEMORY = ("vm_memory_monitor:get_vm_memory_high_watermark()", "vm_memory_monitor:set_vm_memory_high_watermark")
_DISK = ("rabbit_disk_monitor:get_disk_free_limit()", "rabbit_disk_monitor:set_disk_free_limit")
_ALARMS = {"memory": (*_MEMORY, "{absolute, 1}"), "disk": (*_DISK, "1000000000000000")}
"""Resource -> how to read the limit, how to set it, and a limit that is passed at once: 1 byte of memory in use,
1 PB of disk free."""


def evaluate(store: Store, lab: Lab, node: Node, expression: str) -> str:
    """The printed value of an Erlang expression on a node, by rabbitmqctl with the node's own cookie. Takes 1 s."""
    argv = inside(store, lab, node, ["rabbitmqctl", "eval", f"{expression}."])
    return run(argv, env=environment(store, lab, node), timeout=60.0).strip()


def cut(store: Store, lab: Lab, node: Node, peers: Sequence[Node], one_way: bool) -> None:
    """Cut the traffic between brokers: node from peers, both ways or only what node says to them.

    netns: packets are dropped, so each side notices only after net_ticktime. loopback: there is one address, so the
    Erlang connection itself is closed and kept from coming back; both sides notice at once.
    """
    if lab.order.isolation == "loopback" and one_way:
        raise LabError("partition --one-way drops packets between addresses; loopback nodes share one: use netns")
    fresh = [(node.name, peer.name, one_way) for peer in peers if (node.name, peer.name, one_way) not in lab.cuts]
    lab.cuts += fresh
    store.save(lab)
    if lab.order.isolation == "netns":
        rules.apply(lab)
        return
    for peer in peers:
        _part(store, lab, node, peer)
        _part(store, lab, peer, node)


def heal(store: Store, lab: Lab) -> None:
    """Undo all cuts. What the brokers make of it is theirs: with partition handling `ignore` they stay divided until
    the nodes of one side are restarted."""
    cuts, lab.cuts = lab.cuts, []
    if lab.order.isolation == "netns":
        rules.apply(lab)
    else:
        for start, peer, _ in cuts:
            for one, other in ((start, peer), (peer, start)):
                if brokers.runs(lab, lab.node(one)):
                    name = lab.node(other).node
                    again = f"erlang:set_cookie('{name}', erlang:get_cookie()), net_kernel:connect_node('{name}')"
                    evaluate(store, lab, lab.node(one), again)
    store.save(lab)


def _part(store: Store, lab: Lab, node: Node, peer: Node) -> None:
    """A wrong cookie for this one peer keeps the connection from coming back once it is closed."""
    if not brokers.runs(lab, node):
        return
    wrong = secrets.token_hex(8)
    evaluate(store, lab, node, f"erlang:set_cookie('{peer.node}', '{wrong}'), erlang:disconnect_node('{peer.node}')")


def rejoin(store: Store, lab: Lab, names: Sequence[str]) -> None:
    """Restart nodes that a healed split left divided, so that they take over the others' view."""
    for name in names:
        stop(store, lab, lab.node(name))
        start(store, lab, lab.node(name))


def start(store: Store, lab: Lab, node: Node) -> None:
    """Start a stopped node with whatever the state says about it, without waiting for it."""
    if brokers.runs(lab, node):
        return
    brokers.start(store, lab, node)
    if node.ports.inner != node.ports.management:
        ensure_relay(store, lab, node)


def stop(store: Store, lab: Lab, node: Node) -> bool:
    """Shut a node down in good order; False when it had to be killed, as one that hangs in boot must be."""
    orderly = brokers.stop(store, lab, node)
    _after_end(store, lab, node)
    return orderly


def kill(store: Store, lab: Lab, node: Node) -> None:
    """End a node as a power cut does."""
    brokers.kill(store, lab, node)
    _after_end(store, lab, node)


def _after_end(store: Store, lab: Lab, node: Node) -> None:
    """A broker that starts again has its own limits again."""
    for key in [key for key in lab.restore if key.startswith(f"{node.name}/")]:
        del lab.restore[key]
    store.save(lab)


def change_cookie(store: Store, lab: Lab, node: Node, cookie: str | None) -> None:
    """Restart a node with another Erlang cookie, None for the cluster's own. Does not wait: with a cookie that its
    peers do not share the node hangs in boot, which is the point."""
    if cookie is not None and (not cookie or not cookie.isascii() or not cookie.isprintable()):
        raise LabError("cookie: printable ASCII characters are needed")
    stop(store, lab, node)
    brokers.write_cookie(store, node, cookie if cookie is not None else lab.cookie)
    start(store, lab, node)


def alarm(store: Store, lab: Lab, node: Node, resource: str, on: bool) -> None:
    """Make a node believe that it is out of memory or disk by moving the limit, or put the limit back."""
    read, write, passed = _ALARMS[resource]
    key = f"{node.name}/{resource}"
    if on:
        before = evaluate(store, lab, node, f"Before = {read}, {write}({passed}), Before")
        lab.restore.setdefault(key, before)
        store.save(lab)
        return
    if key in lab.restore:
        evaluate(store, lab, node, f"{write}({lab.restore[key]})")
        del lab.restore[key]
        store.save(lab)


def answer(store: Store, lab: Lab, node: Node, how: str | None) -> None:
    """How a node's management port answers the observer: seconds late, `hang`, or None for on time."""
    if how is not None and not brokers.runs(lab, node):
        raise LabError(f"{node.name} is not running: nothing to slow down; lab start {node.name}")
    lab.answers.pop(node.name, None)
    if how is not None:
        lab.answers[node.name] = how
    store.save(lab)
    (store.home(node) / "answers").write_text(how or "0", encoding="ascii")
    if node.namespace is None:
        return
    if how is None:
        relay = lab.processes.get(f"{node.name}/relay")
        rules.apply(lab)
        if relay is not None:
            end([relay])
        store.forget(lab, f"{node.name}/relay")
    else:
        ensure_relay(store, lab, node)
        ready = f"the relay of {node.name}, which listens only while the management port does,"
        brokers.wait_until(lambda: brokers.listens(node.address, rules.RELAY_PORT), 15.0, ready)
        rules.apply(lab)


def ensure_relay(store: Store, lab: Lab, node: Node) -> None:
    """The relay before a node's management port: all the time in loopback, while it is slow in netns."""
    role = f"{node.name}/relay"
    if alive(lab.processes.get(role)):
        return
    if node.namespace is None:
        listen, broker = f"{node.address}:{node.ports.management}", f"{node.address}:{node.ports.inner}"
    else:
        listen, broker = f"{node.address}:{rules.RELAY_PORT}", f"{node.address}:{node.ports.management}"
    module = [sys.executable, "-m", "rabbitlab.relay", listen, broker, str(store.home(node) / "answers")]
    log = store.logs / f"{node.name}.relay.out"
    store.record(lab, role, spawn(beside(node, module), helper_environment(lab), log))
