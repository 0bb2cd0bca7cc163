"""What a broker says about itself, as its management API spells it: typed, tolerant, unopinionated.

Every field may be missing or null in some version or state of a broker; None means "not told", never zero.
Sizes are bytes, `uptime` is milliseconds. Source: the management API of RabbitMQ 3.8 to 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Overview(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """GET /api/overview, the part that an observer needs."""

    node: str | None = None
    cluster_name: str | None = None
    rabbitmq_version: str | None = None
    erlang_version: str | None = None
    rates_mode: str | None = None
    object_totals: Mapping[str, Any] | None = None
    queue_totals: Mapping[str, Any] | None = None
    message_stats: Mapping[str, Any] | None = None
    churn_rates: Mapping[str, Any] | None = None


class ClusterLink(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of `cluster_links` in /api/nodes: a distribution connection of that node."""

    name: str | None = None
    peer_addr: str | None = None


class BrokerNode(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of GET /api/nodes. A node that is down has name, type and running=false alone."""

    name: str
    type: str | None = None
    running: bool | None = None
    partitions: list[str] | None = None
    uptime: int | None = None
    mem_used: int | None = None
    mem_limit: int | None = None
    mem_alarm: bool | None = None
    disk_free: int | None = None
    disk_free_limit: int | None = None
    disk_free_alarm: bool | None = None
    fd_used: int | None = None
    fd_total: int | None = None
    sockets_used: int | None = None
    sockets_total: int | None = None
    proc_used: int | None = None
    proc_total: int | None = None
    run_queue: int | None = None
    processors: int | None = None
    net_ticktime: int | None = None
    being_drained: bool | None = None
    rabbitmq_version: str | None = None
    enabled_plugins: list[str] | None = None
    cluster_links: list[ClusterLink] | None = None


class Queue(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of GET /api/queues?disable_stats=true&enable_queue_totals=true.

    leader: measured on 3.10.8, a quorum queue without one tells null; UNSET is "not told", as streams do. From 4.0 on
    the leader that was known last stays named, so whether its node runs decides.
    """

    name: str
    vhost: str
    type: str | None = None
    node: str | None = None
    state: str | None = None
    durable: bool | None = None
    auto_delete: bool | None = None
    exclusive: bool | None = None
    policy: str | None = None
    operator_policy: str | None = None
    effective_policy_definition: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] | None = None
    slave_nodes: list[str] | None = None
    synchronised_slave_nodes: list[str] | None = None
    sync_messages: int | None = None
    leader: str | msgspec.UnsetType | None = msgspec.UNSET
    members: list[str] | None = None
    online: list[str] | None = None
    messages: int | None = None
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None


class QueueDetail(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """GET /api/queues/<vhost>/<name>, the part that only this question answers cheaply: sizes and rates. Statistics, so
    up to five seconds old, and all absent for a moment after the queue was declared. message_stats: counters and their
    `_details`, absent where nothing was ever counted. backing_queue_status: `len` is the ready messages at the time of
    message_bytes; `messages` may be newer."""

    name: str
    vhost: str
    type: str | None = None
    node: str | None = None
    state: str | None = None
    exclusive: bool | None = None
    policy: str | None = None
    effective_policy_definition: Mapping[str, Any] | None = None
    slave_nodes: list[str] | None = None
    synchronised_slave_nodes: list[str] | None = None
    sync_messages: int | None = None
    messages: int | None = None
    messages_unacknowledged: int | None = None
    message_bytes: int | None = None
    backing_queue_status: Mapping[str, Any] | None = None
    message_stats: Mapping[str, Any] | None = None


class Policy(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of GET /api/policies or /api/operator-policies."""

    vhost: str
    name: str
    pattern: str | None = None
    apply_to: str | None = msgspec.field(default=None, name="apply-to")
    priority: int | None = None
    definition: Mapping[str, Any] | None = None


class Vhost(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of GET /api/vhosts; `cluster_state` maps node name to the state of the vhost there."""

    name: str
    cluster_state: Mapping[str, str] | None = None
    tracing: bool | None = None


class ClusterStatus(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`rabbitmq-diagnostics cluster_status --formatter json`; `ram_nodes` is gone in 4.3."""

    cluster_name: str | None = None
    disk_nodes: list[str] | None = None
    ram_nodes: list[str] | None = None
    running_nodes: list[str] | None = None
    partitions: Mapping[str, list[str]] | None = None
    versions: Mapping[str, Mapping[str, Any]] | None = None
    feature_flags: list[Mapping[str, Any]] | None = None


class CookieSources(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`rabbitmq-diagnostics erlang_cookie_sources --formatter json`; never holds the cookie."""

    cookie_file_path: str | None = None
    cookie_file_exists: bool | None = None
    cookie_file_access: str | None = None
    cookie_file_type: str | None = None
    os_env_cookie_set: bool | None = None
    switch_cookie_set: bool | None = None
    effective_user: str | None = None
    home_dir: str | None = None
