"""What each command does, from parsed arguments to an exit code. parser.py says what the arguments are."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path

from rabbitlab import brokers, cluster, faults, order, places, report, rules, traffic
from rabbitlab.errors import LabError
from rabbitlab.state import Lab, Node, Store
from rabbitlab.traffic import Load
from rabbitlab.unsync import unsync as make_lag

_LAUNCHER = Path(__file__).resolve().parents[1] / "lab"
_START_PATIENCE = 180.0


class Progress:
    """Lines on stderr with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"lab {time.monotonic() - self._start:5.1f}s  {text}", file=sys.stderr, flush=True)


def _silence(_text: str) -> None:
    """Progress that nobody wants to see."""


def up(given: Namespace, store: Store) -> int:
    policies = [order.policy_from_json(text) for text in given.policy]
    policies += [order.mirror_policy(mode) for mode in given.mirror]
    wished = order.Order(
        nodes=given.nodes,
        ram=order.ram_names(given.ram),
        version=given.version,
        isolation=given.isolation,
        cluster_name=given.cluster_name,
        net_ticktime=given.net_ticktime,
        partition_handling=given.partition_handling,
        policies=tuple(policies),
        plugins=tuple(given.only_plugin) or (*order.DEFAULT_PLUGINS, *given.plugin),
        conf=tuple(given.conf),
        nginx=given.nginx,
        five_hosts=given.five_hosts,
    )
    lab = cluster.up(store, order.check(wished), Path(given.cache).absolute(), Progress(), given.replace)
    print(report.table(lab))
    return 0


def down(given: Namespace, store: Store) -> int:
    ended = cluster.down(store, _silence if given.quiet else Progress())
    if not ended and not given.quiet:
        print(f"lab: no lab is up in {store.folder}", file=sys.stderr)
    return 0


def status(given: Namespace, store: Store) -> int:
    lab = store.load()
    seen = report.status(store, lab)
    print(json.dumps(seen, indent=2) if given.json else report.table(lab, seen))
    return 0


def config(given: Namespace, store: Store) -> int:
    lab = store.load()
    text = report.agent_config(store, lab, _LAUNCHER, not given.no_diagnostics, not given.no_cookie_files)
    print(text, end="")
    return 0


def execute(given: Namespace, store: Store) -> int:
    lab = store.load()
    words = given.words[1:] if given.words[:1] == ["--"] else given.words
    if not words:
        raise LabError("exec: no command: write lab exec NODE -- COMMAND …")
    if given.node == "observer":
        argv, env = places.at_observer(store, lab, words), places.visitor_environment(store, lab, None)
    else:
        node = lab.node(given.node)
        argv, env = places.inside(store, lab, node, words), places.visitor_environment(store, lab, node)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - the same process goes on, so that its caller can end it
    except OSError as error:
        raise LabError(f"exec: {argv[0]}: {error.strerror}") from None


def partition(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        node = lab.node(given.node)
        peers = _named(lab, given.peers.split(",")) if given.peers else [it for it in lab.nodes if it is not node]
        if node in peers:
            raise LabError(f"partition: {node.name} cannot be cut from itself")
        faults.cut(store, lab, node, peers, given.one_way)
    return 0


def heal(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        cut_off = list(dict.fromkeys(start for start, _, _ in lab.cuts))
        faults.heal(store, lab)
        if given.rejoin:
            faults.rejoin(store, lab, cut_off)
            _wait(store, lab, [lab.node(name) for name in cut_off])
    return 0


def stop(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        for node in _named(lab, given.nodes):
            if not faults.stop(store, lab, node):
                print(f"lab: {node.name} did not heed the signal and was killed", file=sys.stderr)
    return 0


def kill(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        for node in _named(lab, given.nodes):
            faults.kill(store, lab, node)
    return 0


def start(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        nodes = _named(lab, given.nodes)
        for node in nodes:
            faults.start(store, lab, node)
        if not given.no_wait:
            _wait(store, lab, nodes)
    return 0


def _wait(store: Store, lab: Lab, nodes: list[Node]) -> None:
    """Until each of them runs in its own view; whom else it sees is not the lab's to demand after a fault."""
    for node in nodes:
        brokers.wait_up(store, lab, [node], _START_PATIENCE, Progress())


def cookie(given: Namespace, store: Store) -> int:
    if (given.value is None) != given.restore:
        raise LabError("cookie: give either a VALUE or --restore")
    with store.locked():
        lab = store.load()
        node = lab.node(given.node)
        faults.change_cookie(store, lab, node, given.value)
        if given.restore:
            _wait(store, lab, [node])
    return 0


def alarm(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        faults.alarm(store, lab, lab.node(given.node), given.resource, given.switch == "on")
    return 0


def slow(given: Namespace, store: Store) -> int:
    if given.seconds < 0:
        raise LabError("slow: 0 or more seconds")
    return _answer(given, store, f"{given.seconds:g}" if given.seconds else None)


def hang(given: Namespace, store: Store) -> int:
    return _answer(given, store, rules.HANG)


def unhang(given: Namespace, store: Store) -> int:
    return _answer(given, store, None)


def _answer(given: Namespace, store: Store, how: str | None) -> int:
    with store.locked():
        lab = store.load()
        faults.answer(store, lab, lab.node(given.node), how)
    return 0


def load(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        if given.stop:
            print(f"{traffic.stop(store, lab)} background processes ended")
            return 0
        wished = _load(given, lab)
        traffic.fill(lab, wished)
        total = wished.queues * wished.messages
        print(f"{wished.queues} queues {wished.prefix}* in vhost {wished.vhost}, {total} messages published")
        if wished.steady:
            print(f"steady traffic in the background ({traffic.begin(store, lab, wished)}): end it with load --stop")
    return 0


def _load(given: Namespace, lab: Lab) -> Load:
    if given.proxy and lab.proxy_address is None:
        raise LabError("load --proxy: this lab has no proxy; start it with up --nginx")
    nodes = tuple(node.name for node in _named(lab, given.node.split(","))) if given.node else ()
    names = ("prefix", "queues", "messages", "size", "kind", "vhost", "consumers", "rate", "hold", "prefetch")
    wished = {name: getattr(given, name) for name in names}
    return traffic.check(Load(**wished, nodes=nodes, exclusive=given.exclusive, proxy=given.proxy))


def unsync(given: Namespace, store: Store) -> int:
    with store.locked():
        lab = store.load()
        nodes = tuple(node.name for node in _named(lab, given.node.split(","))) if given.node else ()
        names = ("prefix", "queues", "messages", "size", "vhost")
        wished = Load(**{name: getattr(given, name) for name in names}, nodes=nodes)
        for queue in make_lag(lab, traffic.check(wished)):
            mirrors, in_step = queue["slave_nodes"], queue["synchronised_slave_nodes"]
            print(f"{queue['name']} on {queue['node']}: {len(in_step)} of {len(mirrors)} mirrors in step")
    return 0


def _named(lab: Lab, names: list[str]) -> list[Node]:
    return [lab.node(name) for name in names]
