"""Mirrors that lag: queues that hold messages get a mirroring policy afterwards, and nothing synchronises them."""

from __future__ import annotations

from typing import Any

from rabbitlab import brokers, traffic
from rabbitlab.errors import LabError
from rabbitlab.management import Api, segment
from rabbitlab.state import Lab
from rabbitlab.traffic import Load

POLICY = "ha-unsync"
_PATIENCE = 60.0


def unsync(lab: Lab, load: Load) -> list[dict[str, Any]]:
    """Make the queues of `load` with mirrors that hold none of their messages. Returns the broker's word on each.

    Mirrors hold only what is published after they were made; ha-sync-mode manual keeps it so.
    """
    if not lab.order.mirrors:
        raise LabError(f"unsync: RabbitMQ {lab.order.version} has no mirrored queues; use a lab of version 3.10")
    if len(lab.nodes) < 2:
        raise LabError("unsync: one node has no mirrors; use a lab of two nodes or more")
    if load.messages < 1:
        raise LabError("unsync: --messages must be 1 or more: an empty queue's mirrors are in step")
    traffic.fill(lab, load)
    api = Api(lab, lab.nodes[0], timeout=30.0)
    policy = {
        "pattern": "^" + load.prefix.replace(".", r"\."),
        "definition": {"ha-mode": "all", "ha-sync-mode": "manual"},
        "apply-to": "queues",
        "priority": 10,
    }
    api.call("PUT", f"policies/{segment(load.vhost)}/{POLICY}", policy)
    brokers.wait_until(lambda: all(_lags(queue) for queue in _queues(api, load)), _PATIENCE, "the lag of the mirrors")
    return _queues(api, load)


def _queues(api: Api, load: Load) -> list[dict[str, Any]]:
    # The cheap form, which is not cached with old statistics and carries the mirrors all the same.
    path = f"queues/{segment(load.vhost)}?disable_stats=true&enable_queue_totals=true"
    wanted = set(load.names())
    return [queue for queue in api.call("GET", path) if queue["name"] in wanted]


def _lags(queue: dict[str, Any]) -> bool:
    return len(queue.get("synchronised_slave_nodes") or []) < len(queue.get("slave_nodes") or [])
