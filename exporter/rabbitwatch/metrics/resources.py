"""Families about the resources of nodes: memory, disk, descriptors, sockets, processes, and their alarms."""

from __future__ import annotations

from collections.abc import Callable

from rabbitwatch.metrics.family import NODE, Collector, gauge
from rabbitwatch.metrics.nodes import each
from rabbitwatch.model.broker import BrokerNode

_MILLISECONDS = 1000


def _figure(
    name: str,
    value: Callable[[BrokerNode], float | None],
    help: str,  # noqa: A002
    versions: str = "all",
) -> Collector:
    rows = each(lambda node: None if node.figures is None else value(node.figures))
    return gauge(name, NODE, rows, help, source="/api/nodes", versions=versions)


def _unless_zero(total: int | None) -> int | None:
    """A limit of 0 is how newer brokers say that they no longer count this."""
    return total or None


COLLECTORS = (
    _figure("node_memory_used_bytes", lambda n: n.mem_used, "Memory that the node uses."),
    _figure(
        "node_memory_limit_bytes",
        lambda n: _unless_zero(n.mem_limit),
        "Memory at which the node raises its alarm and blocks publishers.",
    ),
    _figure("node_memory_alarm", lambda n: n.mem_alarm, "1 while the node's memory alarm blocks publishers."),
    _figure("node_disk_free_bytes", lambda n: n.disk_free, "Free disk space of the node's data folder."),
    _figure(
        "node_disk_free_limit_bytes",
        lambda n: n.disk_free_limit,
        "Free disk space below which the node raises its alarm and blocks publishers.",
    ),
    _figure("node_disk_free_alarm", lambda n: n.disk_free_alarm, "1 while the node's disk alarm blocks publishers."),
    _figure(
        "node_file_descriptors_used",
        lambda n: n.fd_used if _unless_zero(n.fd_total) else None,
        "File descriptors that the node uses.",
    ),
    _figure(
        "node_file_descriptors_limit",
        lambda n: _unless_zero(n.fd_total),
        "File descriptors that the node may use.",
    ),
    _figure(
        "node_sockets_used",
        lambda n: n.sockets_used if _unless_zero(n.sockets_total) else None,
        "Sockets that the node uses.",
        "to 3.13; later brokers say 0 of 0, which is unknown",
    ),
    _figure(
        "node_sockets_limit",
        lambda n: _unless_zero(n.sockets_total),
        "Sockets that the node may use.",
        "to 3.13",
    ),
    _figure("node_erlang_processes_used", lambda n: n.proc_used, "Erlang processes of the node."),
    _figure(
        "node_erlang_processes_limit",
        lambda n: _unless_zero(n.proc_total),
        "Erlang processes that the node may have.",
    ),
    _figure("node_run_queue", lambda n: n.run_queue, "Erlang processes that wait for a processor."),
    _figure("node_processors", lambda n: _unless_zero(n.processors), "Processors that the node sees."),
    _figure(
        "node_uptime_seconds",
        lambda n: None if n.uptime is None else n.uptime / _MILLISECONDS,
        "Time since the node's Erlang VM started.",
    ),
    _figure(
        "node_net_ticktime_seconds",
        lambda n: n.net_ticktime,
        "Time after which a silent peer counts as gone, give or take a quarter.",
    ),
    _figure(
        "node_draining",
        lambda n: n.being_drained,
        "1 while the node is in maintenance mode.",
        "3.13 on",
    ),
)
