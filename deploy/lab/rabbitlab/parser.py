"""The command line: what each command takes, and its help."""

from __future__ import annotations

import os
from argparse import REMAINDER, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rabbitlab import commands, order
from rabbitlab.state import Store

Command = Callable[[Namespace, Store], int]
_TOP = Path(__file__).resolve().parents[3]

_ABOUT = """Start and break real RabbitMQ clusters on one machine, without containers."""
_AFTER = """A first look:
  lab up --ram 3 --net-ticktime 10     two disc nodes and a ram node
  lab load --queues 5 --messages 100   queues to look at
  lab partition rabbit3                cut rabbit3 off; lab heal mends the link
  lab status                           who sees whom
  lab down                             end everything

Several labs stand side by side when each has a --state folder of its own (or LAB_STATE).
`lab COMMAND --help` tells more about each command."""


def parser() -> ArgumentParser:
    """The whole command line. Each command's namespace carries `command`, the function that does it."""
    top = ArgumentParser(
        prog="lab", description=_ABOUT, epilog=_AFTER, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    top.add_argument(
        "--state", default=os.environ.get("LAB_STATE") or str(_TOP / ".lab"), help="folder of this lab (.lab)"
    )
    top.add_argument(
        "--cache",
        default=os.environ.get("LAB_CACHE") or str(_TOP / ".cache"),
        help="folder for root folders of other RabbitMQ versions, shared by all labs (.cache)",
    )
    group = top.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def add(name: str, command: Command, summary: str, more: str = "") -> ArgumentParser:
        one = group.add_parser(name, help=summary, description=f"{summary}. {more}".strip(), allow_abbrev=False)
        one.set_defaults(command=command)
        return one

    _lifecycle(add)
    _faults(add)
    _traffic(add)
    return top


def _lifecycle(add: Callable[..., ArgumentParser]) -> None:
    _up(add("up", commands.up, "start a cluster", "When it fails or is interrupted, it ends what it started."))
    one = add("down", commands.down, "end everything that this lab started", "Finds the remains of a crashed lab too.")
    one.add_argument("--quiet", action="store_true", help="say nothing when all goes well")
    one = add("status", commands.status, "nodes, addresses, passwords, faults, and who sees whom")
    one.add_argument("--json", action="store_true", help="for programs")
    one = add("config", commands.config, "print the configuration of a rabbitwatch agent for this cluster")
    one.add_argument("--no-diagnostics", action="store_true", help="switch rabbitmq-diagnostics off")
    one.add_argument("--no-cookie-files", action="store_true", help="leave the cookie files out")
    one = add(
        "exec",
        commands.execute,
        "run a command where a node lives, such as: lab exec rabbit1 -- rabbitmqctl status",
        "Its network, host name, hosts file and environment are the node's; the node's Erlang cookie is used.",
    )
    one.add_argument("node", help="a node, or `observer`: this machine, with a hosts file that names all nodes")
    one.add_argument("words", nargs=REMAINDER, metavar="-- COMMAND", help="the command and its arguments")
    one = add("stop", commands.stop, "shut nodes down in good order")
    one.add_argument("nodes", nargs="+", metavar="NODE")
    one = add("kill", commands.kill, "end nodes as a power cut does (SIGKILL)")
    one.add_argument("nodes", nargs="+", metavar="NODE")
    one = add("start", commands.start, "start stopped nodes and wait until they answer")
    one.add_argument("nodes", nargs="+", metavar="NODE")
    one.add_argument("--no-wait", action="store_true", help="return at once")


def _up(one: ArgumentParser) -> None:
    def add(name: str, text: str, **more: Any) -> None:
        one.add_argument(name, help=text, **more)

    repeat: dict[str, Any] = {"action": "append", "default": []}
    add("--nodes", "how many (default 3): rabbit1, rabbit2, …", type=int, default=3, metavar="N")
    add("--ram", "which of them are ram nodes, such as rabbit3 or 2,3 (3.10 only)", default="", metavar="NODES")
    add("--version", f"of RabbitMQ: {', '.join(order.VERSIONS)} (default 3.10)", default="3.10", metavar="V")
    add(
        "--isolation",
        "netns (default; root): each node a host with its own address; loopback: one address, ports of its own each,"
        " as any user; there a cut closes the Erlang connection, so nodes notice at once instead of after net_ticktime",
        choices=order.ISOLATIONS,
        default="netns",
    )
    add("--cluster-name", "default lab", default="lab", metavar="NAME")
    add("--net-ticktime", "seconds until a node gives a silent peer up; the broker's own is 60", type=int, metavar="S")
    add("--partition-handling", "default ignore", choices=order.PARTITION_HANDLING, default="ignore")
    add("--mirror", "mirror queues master.*: all, exactly:2 or nodes:rabbit@rabbit1,rabbit@rabbit2", **repeat)
    add(
        "--policy",
        "any policy, as definitions export it: {name, pattern, definition, vhost, …}",
        metavar="JSON",
        **repeat,
    )
    add("--plugin", "beside rabbitmq_management and rabbitmq_prometheus; may be repeated", metavar="NAME", **repeat)
    add("--only-plugin", "instead of them; may be repeated", metavar="NAME", **repeat)
    add("--conf", "a line of rabbitmq.conf on every node, such as 'collect_statistics_interval = 1000'", **repeat)
    add("--nginx", "an nginx stream proxy on AMQP's port before all nodes", action="store_true")
    add(
        "--five-hosts",
        "four nodes with master.* queues of their own and a fifth, a ram node, that carries the mirrors",
        action="store_true",
    )
    add("--replace", "end the lab that is up in this state folder first", action="store_true")


def _faults(add: Callable[..., ArgumentParser]) -> None:
    one = add(
        "partition",
        commands.partition,
        "cut the traffic between brokers; their HTTP API stays reachable",
        "In netns packets are dropped and each side notices after net_ticktime; in loopback the Erlang connections are"
        " closed and both sides notice at once.",
    )
    one.add_argument("node", help="the node to cut off")
    one.add_argument("--from", dest="peers", metavar="NODES", help="only from these, such as rabbit2,rabbit3")
    one.add_argument(
        "--one-way",
        action="store_true",
        help="lose only what NODE sends: the others give it up after net_ticktime while it still hears and sees them,"
        " for about another net_ticktime (netns only)",
    )
    one = add(
        "heal",
        commands.heal,
        "mend all cuts",
        "With partition handling `ignore` the brokers stay divided until one side is restarted.",
    )
    one.add_argument("--rejoin", action="store_true", help="restart the nodes that were cut off, and wait for them")
    one = add(
        "cookie",
        commands.cookie,
        "restart a node with another Erlang cookie",
        "It then hangs in boot and its peers refuse it, so this does not wait.",
    )
    one.add_argument("node")
    one.add_argument("value", nargs="?", help="the new cookie")
    one.add_argument("--restore", action="store_true", help="back to the cluster's cookie, and wait for the node")
    one = add("alarm", commands.alarm, "raise or clear a node's memory or disk alarm, by moving its limit")
    one.add_argument("node")
    one.add_argument("resource", choices=("memory", "disk"))
    one.add_argument("switch", choices=("on", "off"))
    one = add("slow", commands.slow, "a node's management port answers the observer late; 0 undoes it")
    one.add_argument("node")
    one.add_argument("seconds", type=float)
    add("hang", commands.hang, "a node's management port accepts and never answers").add_argument("node")
    add("unhang", commands.unhang, "undo hang or slow").add_argument("node")


def _traffic(add: Callable[..., ArgumentParser]) -> None:
    one = add("load", commands.load, "make queues, fill them, and keep messages moving in the background")

    def option(name: str, text: str, **more: Any) -> None:
        one.add_argument(name, help=text, **more)

    option("--queues", "how many (default 3), durable, spread over the nodes in turn", type=int, default=3, metavar="N")
    option("--messages", "to publish into each now (default 0)", type=int, default=0, metavar="N")
    option("--size", "bytes of a message (default 100)", type=int, default=100, metavar="N")
    option("--prefix", "of the queues' names (default master.)", default="master.")
    option("--kind", "of queue (default classic)", choices=("classic", "quorum", "stream"), default="classic")
    option("--vhost", "made where it is missing (default /)", default="/")
    option("--node", "only on these nodes, such as rabbit1,rabbit2", default="", metavar="NODES")
    option("--consumers", "over all queues, in the background", type=int, default=0, metavar="N")
    option("--rate", "messages a second over all queues, in the background", type=float, default=0.0, metavar="R")
    option("--hold", "consumers acknowledge nothing, so that messages stay unacknowledged", action="store_true")
    option("--prefetch", "of each consumer (default 10)", type=int, default=10, metavar="N")
    option("--exclusive", "so many exclusive queues besides, in the background", type=int, default=0, metavar="N")
    option("--proxy", "through the nginx proxy", action="store_true")
    option("--stop", "end all background traffic; queues and messages stay", action="store_true")
    one = add(
        "unsync",
        commands.unsync,
        "make queues whose mirrors lag: they hold messages before a policy mirrors them (3.10 only)",
    )
    option("--queues", "how many (default 3)", type=int, default=3, metavar="N")
    option("--messages", "in each (default 100)", type=int, default=100, metavar="N")
    option("--size", "bytes of a message (default 100)", type=int, default=100, metavar="N")
    option("--prefix", "of the queues' names (default unsync.)", default="unsync.")
    option("--vhost", "made where it is missing (default /)", default="/")
    option("--node", "only on these nodes, such as rabbit1", default="", metavar="NODES")
