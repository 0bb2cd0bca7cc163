"""Brokers: their files, starting, ending, and waiting until they are one cluster."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Sequence

from rabbitlab.errors import LabError
from rabbitlab.management import Api
from rabbitlab.places import environment, inside
from rabbitlab.processes import alive, end, send, spawn, wait_gone
from rabbitlab.state import Lab, Node, Store

_ANYWHERE = "0.0.0.0"
"""Inside a network namespace of the lab's own."""
_STOP_PATIENCE, _BOOTING_PATIENCE = 30.0, 3.0


def write_files(store: Store, lab: Lab, node: Node) -> None:
    """All files of one node: configuration, plugins, cookie. The configuration holds a password: mode 600."""
    home = store.home(node)
    for part in ("home", "data", "generated", "conf.d"):
        (home / part).mkdir(parents=True, exist_ok=True)
    store.logs.mkdir(exist_ok=True)
    conf = home / "rabbitmq.conf"
    conf.touch(mode=0o600)
    conf.write_text("\n".join(_conf(lab, node)) + "\n", encoding="utf-8")
    ticktime = lab.order.net_ticktime
    kernel = f"{{kernel,[{{net_ticktime,{ticktime}}}]}}" if ticktime is not None else ""
    (home / "advanced.config").write_text(f"[{kernel}].\n", encoding="utf-8")
    (home / "enabled_plugins").write_text(f"[{','.join(lab.order.plugins)}].\n", encoding="utf-8")
    write_cookie(store, node, lab.cookie)


def _conf(lab: Lab, node: Node) -> list[str]:
    inner = node.address if node.namespace is None else _ANYWHERE
    lines = [
        f"listeners.tcp.default = {inner}:{node.ports.amqp}",
        f"management.tcp.ip = {inner}",
        f"management.tcp.port = {node.ports.inner}",
        "default_user = admin",
        f"default_pass = {lab.users['admin']}",
        f"cluster_partition_handling = {lab.order.partition_handling}",
        "cluster_formation.peer_discovery_backend = classic_config",
        "log.console = false",
        "log.file.level = info",
    ]
    if "rabbitmq_prometheus" in lab.order.plugins:
        lines += [f"prometheus.tcp.ip = {inner}", f"prometheus.tcp.port = {node.ports.metrics}"]
    lines += [
        f"cluster_formation.classic_config.nodes.{number} = {peer}"
        for number, peer in enumerate(_peers(lab, node), start=1)
    ]
    if node.kind == "ram":
        lines.append("cluster_formation.node_type = ram")
    return [*lines, *lab.order.conf]


def _peers(lab: Lab, node: Node) -> list[str]:
    """Whom a node is told to join: the seed and itself.

    Before it looks round, a node takes a lock on all nodes that it was told of. With all names on every node, nodes
    that boot at the same moment fight over it with growing pauses: 60 s, measured on 3.10.
    """
    return list(dict.fromkeys((seed(lab).node, node.node)))


def seed(lab: Lab) -> Node:
    """The node that the others join: a disc node. It must have formed its cluster of one before the others boot, for
    one that waits for it holds the lock that it needs."""
    return next(node for node in lab.nodes if node.kind == "disc")


def write_cookie(store: Store, node: Node, cookie: str) -> None:
    """The node's Erlang cookie: only its owner may read it, or Erlang refuses to start."""
    path = store.home(node) / "home" / ".erlang.cookie"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(cookie, encoding="ascii")
    path.chmod(0o400)


def start(store: Store, lab: Lab, node: Node) -> None:
    """Start the node's epmd and its broker, and return at once."""
    env = environment(store, lab, node)
    if not listens(node.address, lab.epmd_port):
        role = f"{node.name}/epmd" if node.namespace else "epmd"
        log = store.logs / f"{node.name}.epmd.out"
        store.record(lab, role, spawn(inside(store, lab, node, ["epmd"]), env, log))
        wait_until(lambda: listens(node.address, lab.epmd_port), 10.0, f"epmd of {node.name} (see {log})")
    # NOTIFY_SOCKET makes the script exec the Erlang machine, so that this pid is the broker's own for its whole life.
    broker = inside(store, lab, node, ["rabbitmq-server"])
    log = store.logs / f"{node.name}.out"
    store.record(lab, f"{node.name}/broker", spawn(broker, {**env, "NOTIFY_SOCKET": "/dev/null"}, log))


def stop(store: Store, lab: Lab, node: Node) -> bool:
    """End the broker as an orderly shutdown does, then its epmd. False when it had to be killed: a broker that hangs
    in boot, which shows in that it serves no clients, does not heed the signal."""
    broker = lab.processes.get(f"{node.name}/broker")
    orderly = True
    if broker is not None and alive(broker):
        patience = _STOP_PATIENCE if listens(node.address, node.ports.amqp) else _BOOTING_PATIENCE
        send(broker, signal.SIGTERM)
        orderly = not wait_gone([broker], patience)
    kill(store, lab, node)
    return orderly


def kill(store: Store, lab: Lab, node: Node) -> None:
    """SIGKILL for the broker, as a power cut does, and its epmd, which would hold the port name otherwise."""
    for role in (f"{node.name}/broker", f"{node.name}/epmd"):
        process = lab.processes.get(role)
        if process is not None:
            end([process])
        store.forget(lab, role)


def runs(lab: Lab, node: Node) -> bool:
    """Whether the broker's process lives (it may still boot, or hang)."""
    return alive(lab.processes.get(f"{node.name}/broker"))


def listens(address: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask until it is so. Raises LabError that names what did not come."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{what} was not ready within {seconds:g} s")
        time.sleep(0.1)


def wait_up(store: Store, lab: Lab, nodes: Sequence[Node], seconds: float, told: Callable[[str], None]) -> None:
    """Wait until every one of these nodes answers and sees all of them run. Raises LabError with the log's place as
    soon as a broker ends, or after `seconds`."""
    wanted = {node.node for node in nodes}
    waiting = list(nodes)
    deadline = time.monotonic() + seconds
    while waiting:
        for node in list(waiting):
            if not runs(lab, node):
                raise LabError(f"the broker of {node.name} ended while it booted: see {store.logs}/{node.name}.out")
            if _sees(lab, node, wanted):
                waiting.remove(node)
                told(f"{node.name} is up")
        if waiting and time.monotonic() > deadline:
            names = ", ".join(node.name for node in waiting)
            raise LabError(f"{names} did not join within {seconds:g} s: see {store.logs}")
        time.sleep(0.25)


def _sees(lab: Lab, node: Node, wanted: set[str]) -> bool:
    try:
        view = Api(lab, node, timeout=3.0).running()
    except LabError:
        return False
    return all(view.get(name) for name in wanted)
