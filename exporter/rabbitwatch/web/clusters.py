"""The assessed state of a cluster as JSON: /api/v1/clusters, and `rabbitwatch once --format json`.

An interface that other programs read: what is unknown is null or absent, never 0. Durations are seconds, sizes bytes,
times unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from rabbitwatch.model.cluster import ClusterState, Finding, NodeState, QueueState, QueueTotals

_FIGURES = (
    "uptime", "mem_used", "mem_limit", "mem_alarm", "disk_free", "disk_free_limit", "disk_free_alarm", "fd_used",
    "fd_total", "sockets_used", "sockets_total", "proc_used", "proc_total", "being_drained",
)  # fmt: skip


def document(state: ClusterState, findings: Sequence[Finding], sentence: str) -> dict[str, Any]:
    """One cluster. Of the queues only those that have series of their own are listed; the totals are over all."""
    return {
        "name": state.cluster,
        "at": state.at,
        "took": state.took,
        "sentence": sentence,
        "findings": [asdict(finding) for finding in findings],
        "nodes": [_node(node) for node in state.nodes],
        "views": {
            "running": _plain(state.views.running),
            "partitioned": _plain(state.views.partitioned),
            "connected": _plain(state.views.connected),
        },
        "components": [sorted(group) for group in state.components],
        "partitions": {
            "reportable": state.partitions.reportable,
            "reported": sorted([node, peer] for node, peer in state.partitions.reported),
        },
        "cookie_groups": state.cookie_groups,
        "mirroring_supported": state.mirroring_supported,
        "disc_nodes_running": state.disc_nodes_running,
        "vhosts": _plain(state.vhosts),
        "policies": [asdict(policy) for policy in state.policies.declared],
        "unexpected_policies": [asdict(policy) for policy in state.policies.unexpected],
        "queues": _queues(state),
        "sources": [asdict(source) for source in state.sources],
    }


def encode(content: object) -> bytes:
    """JSON in UTF-8, with a newline at the end."""
    return msgspec.json.encode(content) + b"\n"


def _plain(table: Mapping[str, Mapping[str, bool]]) -> dict[str, dict[str, bool]]:
    return {name: dict(row) for name, row in table.items()}


def _node(node: NodeState) -> dict[str, Any]:
    figures = node.figures
    return {
        "name": node.name,
        "url": node.url,
        "declared": node.declared,
        "missing": node.missing,
        "answered": node.answered,
        "poll_state": node.poll_state,
        "poll_reason": node.poll_reason,
        "running": node.running,
        "component_size": node.component_size,
        "type": node.type,
        "declared_type": node.declared_type,
        "type_mismatch": node.type_mismatch,
        "version": node.version,
        "erlang_version": node.erlang_version,
        "cookie_mismatch": node.cookie_mismatch,
        "cookie_file_differs": node.cookie_file_differs,
        "checks": dict(node.checks),
        "figures": {name: getattr(figures, name) for name in _FIGURES} if figures else None,
    }


def _queues(state: ClusterState) -> dict[str, Any]:
    queues = state.queues
    return {
        "complete": queues.complete,
        "hidden": queues.hidden,
        "totals": _totals(queues.totals),
        "by_vhost": {vhost: _totals(totals) for vhost, totals in queues.by_vhost.items()},
        "list": [_queue(queue) for queue in queues.shown],
    }


def _totals(totals: QueueTotals | None) -> dict[str, Any] | None:
    return None if totals is None else asdict(totals)


def _queue(queue: QueueState) -> dict[str, Any]:
    fields = {name: getattr(queue, name) for name in queue.__struct_fields__ if name != "labels"}
    return {"vhost": queue.vhost, "name": queue.name} | fields
