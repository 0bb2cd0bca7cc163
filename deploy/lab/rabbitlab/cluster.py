"""A whole cluster: up, dressed, and down again."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from rabbitlab import brokers, faults, network, processes, proxy, roots, traffic
from rabbitlab.errors import LabError
from rabbitlab.management import Api, permit, segment
from rabbitlab.order import Order
from rabbitlab.state import Lab, Node, Ports, Store, new_lab
from rabbitlab.traffic import Load

Told = Callable[[str], None]
_UP_PATIENCE = 240.0
_AMQP_PORT = 5672
_LOOPBACK = "127.0.0.1"
_BLOCK = 100
_FIRST_BLOCK, _LAST_BLOCK = 21000, 31900
"""Loopback labs take a block of ports below the range from which the kernel takes its own."""


def up(store: Store, order: Order, cache: Path, told: Told, replace: bool = False) -> Lab:
    """Start a cluster as ordered and wait until all its nodes see each other.

    Ends the remains of a lab that crashed here; a lab that is up is ended only with `replace`. When anything fails or
    is interrupted, everything is ended again.
    """
    _check_machine(order)
    root = roots.provide(order.version, cache, told)
    with store.locked():
        _make_room(store, told, replace)
        shutil.rmtree(store.logs, ignore_errors=True)  # of an `up` that failed
        lab = new_lab(order, processes.identify(os.getpid()))
        lab.root = str(root) if root else None
        lab.cookie = secrets.token_hex(10).upper()
        lab.users = {name: secrets.token_hex(8) for name in ("admin", "monitor")}
        store.save(lab)
        try:
            _build(store, lab, told)
            lab.phase, lab.owner = "up", None
            store.save(lab)
        except BaseException:
            told("ending what was started")
            _end_all(store, lab, keep_logs=True)
            raise
    return lab


def down(store: Store, told: Told) -> bool:
    """End everything that the lab of this folder started, and remove its files. False when there was none."""
    with store.locked():
        lab = store.find()
        if lab is None:
            store.clear()
            return False
        _end_all(store, lab)
        told("everything is ended")
    return True


def _check_machine(order: Order) -> None:
    if order.isolation == "netns":
        network.check_possible()
    if order.nginx:
        proxy.check_possible()


def _make_room(store: Store, told: Told, replace: bool) -> None:
    old = store.find()
    if old is None:
        return
    running = any(processes.alive(process) for process in old.processes.values())
    if old.phase == "up" and running and not replace:
        raise LabError(f"a lab is up in {store.folder}: end it with `lab down`, or give --replace")
    told("ending the remains of an earlier lab")
    _end_all(store, old)


def _end_all(store: Store, lab: Lab, keep_logs: bool = False) -> None:
    """What is recorded and whoever carries our mark; then the network, then the files.

    Twice, because a process may have started another between the search and the signal.
    """
    for _ in range(2):
        processes.end({*lab.processes.values(), *processes.marked(lab.mark)})
    if lab.order.isolation == "netns":
        network.remove(lab)
    store.clear(keep_logs)


def _build(store: Store, lab: Lab, told: Told) -> None:
    _take_addresses(store, lab)
    if lab.order.isolation == "netns":
        network.write_hosts(store, lab)
        for node in lab.nodes:
            network.plug_in(lab, node.name, node.address)
    for node in lab.nodes:
        brokers.write_files(store, lab, node)
    told(f"starting {len(lab.nodes)} nodes of RabbitMQ {version(lab)}")
    _start_all(store, lab)
    brokers.wait_up(store, lab, lab.nodes, _UP_PATIENCE, told)
    _dress(lab)
    if lab.order.nginx:
        proxy.start(store, lab, _AMQP_PORT if lab.subnet else lab.epmd_port + _BLOCK - 1)
    if lab.order.five_hosts:
        for node in lab.nodes[:-1]:
            traffic.fill(lab, Load(prefix=f"master.{node.name}.", queues=2, messages=20, nodes=(node.name,)))


def _start_all(store: Store, lab: Lab) -> None:
    seed = brokers.seed(lab)
    faults.start(store, lab, seed)
    ready = f"the first node, {seed.name} (see {store.logs}),"
    brokers.wait_until(
        lambda: brokers.listens(seed.address, seed.ports.amqp) or not brokers.runs(lab, seed), _UP_PATIENCE, ready
    )
    for node in lab.nodes:
        if node is not seed:
            faults.start(store, lab, node)


def version(lab: Lab) -> str:
    """The broker's full version."""
    return roots.broker_version(Path(lab.root or "/")) or lab.order.version


def _take_addresses(store: Store, lab: Lab) -> None:
    """Choose what no other lab and nobody else on the machine uses, and write it down before it is used."""
    with network.machine_lock():
        if lab.order.isolation == "netns":
            lab.subnet = network.free_subnet()
            lab.nodes = [_netns_node(lab, number) for number in range(1, lab.order.nodes + 1)]
            store.save(lab)
            network.build_switch(lab)
        else:
            block = _free_block()
            lab.epmd_port = block
            lab.nodes = [_loopback_node(lab, block, number) for number in range(1, lab.order.nodes + 1)]
            store.save(lab)


def _kind(lab: Lab, name: str) -> str:
    return "ram" if name in lab.order.ram else "disc"


def _netns_node(lab: Lab, number: int) -> Node:
    name = f"rabbit{number}"
    address = f"{lab.subnet}.{network.FIRST_NODE + number - 1}"
    return Node(name, f"rabbit@{name}", address, _kind(lab, name), Ports(), network.namespace(lab, name))


def _loopback_node(lab: Lab, block: int, number: int) -> Node:
    name = f"rabbit{number}"
    ports = Ports(*(block + offset + number for offset in (0, 20, 40, 60, 80)))
    return Node(name, f"{name}@localhost", _LOOPBACK, _kind(lab, name), ports)


def _free_block() -> int:
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1, _BLOCK):
        if all(_free(port) for port in range(block, block + _BLOCK)):
            return block
    raise LabError(f"no {_BLOCK} free ports in a row between {_FIRST_BLOCK} and {_LAST_BLOCK + _BLOCK}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _dress(lab: Lab) -> None:
    """The user for the agent, the cluster's name, vhosts and policies."""
    api = Api(lab, lab.nodes[0], timeout=30.0)
    api.call("PUT", "users/monitor", {"password": lab.users["monitor"], "tags": "monitoring"})
    api.call("PUT", "cluster-name", {"name": lab.order.cluster_name})
    for vhost in sorted({"/", *(policy["vhost"] for policy in lab.order.policies)}):
        api.call("PUT", f"vhosts/{segment(vhost)}", {})
        permit(api, vhost)
    for policy in lab.order.policies:
        body = {key: policy[key] for key in ("pattern", "definition", "apply-to", "priority")}
        api.call("PUT", f"policies/{segment(policy['vhost'])}/{segment(policy['name'])}", body)
