"""Which question each source of an observation is: the two tables that poll.py asks from.

A new source that is asked in every cycle is one function and one line here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from rabbitwatch.clients import plugin
from rabbitwatch.clients.cookie import cookie_file_hash
from rabbitwatch.clients.payload import Payload, decode_list, decode_object
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.broker import BrokerNode, Overview, Policy, Queue, Vhost
from rabbitwatch.model.observation import PluginView, Source
from rabbitwatch.sources.access import Access

Call = Callable[[Access, float], Payload[Any]]

QUEUES_PATH = "/api/queues?disable_stats=true&enable_queue_totals=true"
"""The cheap form: without statistics, with the three message counts (3.10 and later; older brokers ignore both). One
stable set of arguments, because the broker caches by them."""

RECORDS_PATH = "/api/queues?disable_stats=true"
"""All queues as the metadata store has them, without counts. Measured, what the form with counts gets wrong:

- It leaves out queues that cannot tell their counts, those that matter: on 4.3.6 classic queues whose node is down
  (3.10.8 keeps them), on 3.10.8 a quorum queue just after a member was killed.
- Its mirrors are those that the queue last spoke of: on 3.10.8 an idle queue with both mirrors synchronised was told
  with one of them for as long as one looked, on every node, while the store, the full list and rabbitmqctl had both.

A running queue is "live" here on 3.10.8, not "running"."""

_COLUMNS = (
    "vhost,name,type,node,state,durable,auto_delete,exclusive,policy,operator_policy,effective_policy_definition,"
    "arguments,slave_nodes,synchronised_slave_nodes,sync_messages,leader,members,online,"
    "messages,messages_ready,messages_unacknowledged"
)

STATISTICS_PATH = f"/api/queues?columns={_COLUMNS}"
"""The same from the statistics, for twice the broker's time or more. Measured on 3.10.8: while a queue is being
synchronised, the cheap list waits for it, on every node, as long as it answers nobody; and once it answers, with
`{syncing,N}`, the cheap list fails, with 500 and no body, because that is no JSON. This one answers at once, and
tells the state `syncing` and how many messages have been copied, both up to five seconds late, at the end as well."""


def overview(access: Access, within: float) -> Payload[Overview]:
    """What the node says about itself and the cluster's totals."""
    return decode_object(access.api.get("/api/overview", within=within), Overview)


def nodes(access: Access, within: float) -> Payload[tuple[BrokerNode, ...]]:
    """The node's view of everyone. With statistics: without them the broker leaves out partitions and alarms."""
    return decode_list(access.api.get("/api/nodes", within=within), BrokerNode)


def links(access: Access, within: float) -> Payload[PluginView]:
    """The node's distribution links, from the metrics plugin: the one answer that does not hang before the tick."""
    return Payload(plugin.read_links(access.plugin.get(plugin.METRICS_PATH, within=within, expects=plugin.MEDIA)))


def consumers(access: Access, within: float) -> Payload[Mapping[tuple[str, str], int]]:
    """Consumers of the queues whose leader is on this node, which the cheap queue list lacks."""
    return plugin.read_consumers(access.plugin.get(plugin.CONSUMERS_PATH, within=within, expects=plugin.MEDIA))


def cookie_file(access: Access, within: float) -> Payload[str]:  # noqa: ARG001  a file has no deadline of its own
    """The hash of the node's cookie from its file; a file on a hanging network share is the lane's business."""
    if access.cookie_file is None:
        raise CallError(CallFailure.ERROR, "no cookie_file is configured")
    return Payload(cookie_file_hash(access.cookie_file))


def queues(access: Access, within: float, *, expected: int | None = 0) -> Payload[tuple[Queue, ...]]:
    """All queues as the node's component sees them: counts from the cheap list, mirrors from the metadata store.

    expected: how many there are; None when some may be left out for all that is known. The store is asked, at the
    price of a second list, where queues are left out or any queue is mirrored. Queues that only it has tell no counts.
    Where the cheap list takes half of the time or fails, a queue is being synchronised, and the statistics are asked
    instead.
    """
    deadline = time.monotonic() + within
    try:
        told = decode_list(access.api.get(QUEUES_PATH, within=within / 2), Queue)
    except CallError as error:
        if error.kind not in (CallFailure.TIMEOUT, CallFailure.ERROR):
            raise
        return _by_statistics(access, max(0.0, deadline - time.monotonic()), error)
    complete = expected is not None and len(told.value) >= expected
    if complete and all(queue.slave_nodes is None for queue in told.value):
        return told
    try:
        records = decode_list(access.api.get(RECORDS_PATH, within=max(0.0, deadline - time.monotonic())), Queue)
    except CallError as error:
        flaw = f"mirrors may be out of date, and queues that cannot tell their counts are missing: {error.reason}"
        return Payload(told.value, (*told.flaws, flaw))
    return Payload(_joined(told.value, records.value), told.flaws + records.flaws)


def _by_statistics(access: Access, within: float, error: CallError) -> Payload[tuple[Queue, ...]]:
    told = decode_list(access.api.get(STATISTICS_PATH, within=within), Queue)
    if any(queue.state == "syncing" for queue in told.value):
        return told
    flaw = f"states may be some seconds old, perhaps a queue is being synchronised: {error.reason}"
    return Payload(told.value, (*told.flaws, flaw))


def _joined(told: tuple[Queue, ...], records: tuple[Queue, ...]) -> tuple[Queue, ...]:
    """The queues as told, with the mirrors of their records; then those that are in the records alone."""
    left = {(queue.vhost, queue.name): queue for queue in records}
    return (*(_with_mirrors(queue, left.pop((queue.vhost, queue.name), queue)) for queue in told), *left.values())


def _with_mirrors(queue: Queue, record: Queue) -> Queue:
    if record.slave_nodes == queue.slave_nodes and record.synchronised_slave_nodes == queue.synchronised_slave_nodes:
        return queue
    return msgspec.structs.replace(
        queue, slave_nodes=record.slave_nodes, synchronised_slave_nodes=record.synchronised_slave_nodes
    )


def policies(access: Access, within: float) -> Payload[tuple[Policy, ...]]:
    """All policies, of every vhost."""
    return decode_list(access.api.get("/api/policies", within=within), Policy)


def operator_policies(access: Access, within: float) -> Payload[tuple[Policy, ...]]:
    """All operator policies, of every vhost."""
    return decode_list(access.api.get("/api/operator-policies", within=within), Policy)


def vhosts(access: Access, within: float) -> Payload[tuple[Vhost, ...]]:
    """All vhosts with their state on each node."""
    return decode_list(access.api.get("/api/vhosts", within=within), Vhost)


NODE_CALLS: Mapping[Source, Call] = MappingProxyType(
    {
        Source.OVERVIEW: overview,
        Source.NODES: nodes,
        Source.PLUGIN: links,
        Source.PLUGIN_CONSUMERS: consumers,
        Source.COOKIE_FILE: cookie_file,
    }
)
"""Asked of every node, all at the same time."""

OBJECT_CALLS: Mapping[Source, Call] = MappingProxyType(
    {
        Source.QUEUES: queues,
        Source.POLICIES: policies,
        Source.OPERATOR_POLICIES: operator_policies,
        Source.VHOSTS: vhosts,
    }
)
"""Asked of one node of every component."""
