"""Mirrors: which lag, what hangs on them, and what a resync does."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, VHOST, Board
from dashboards.build.panels import About, above, bars, curves, number, rows


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-mirrors",
        "RabbitMQ mirrors and resync",
        "Mirrors that lag or are missing, the messages that hang on them, synchronisations, and repairs by the agent.",
        variables=["vhost"],
    )
    made.line(
        5,
        (
            6,
            number(
                About(
                    title="Messages at risk",
                    description="In mirrored queues that have no synchronised mirror: gone with the leader's node.",
                    steps=above(critical=1),
                    nothing="unknown",
                    alert="RabbitMQMessagesAtRisk",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_messages_at_risk{{{CLUSTER}}})", "{{cluster}}"),
                sparkline=True,
            ),
        ),
        (
            6,
            number(
                About(
                    title="Mirrors that lag",
                    description="Mirrors that exist and have not caught up.",
                    steps=above(1),
                    nothing="unknown",
                    alert="RabbitMQMirrorsLag",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_unsynchronised_mirrors{{{CLUSTER}}})", "{{cluster}}"),
                sparkline=True,
            ),
        ),
        (
            6,
            number(
                About(
                    title="Mirrors that are missing",
                    description="Mirrors that policies ask for, given the nodes that run, and that do not exist.",
                    steps=above(1),
                    nothing="unknown",
                    alert="RabbitMQMirrorsMissing",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_missing_mirrors{{{CLUSTER}}})", "{{cluster}}"),
                sparkline=True,
            ),
        ),
        (
            6,
            number(
                About(
                    title="Queues that no policy mirrors",
                    description="Durable classic queues that would stop with their node.",
                    steps=above(1),
                    nothing="unknown, or a single node",
                    alert="RabbitMQUnmirroredQueues",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_unmirrored_queues{{{CLUSTER}}})", "{{cluster}}"),
                sparkline=True,
            ),
        ),
    )
    made.line(
        9,
        (
            14,
            rows(
                About(
                    title="Queues whose mirrors lag",
                    description="Each queue with fewer synchronised mirrors than its policy asks for, with what hangs on it.",
                    nothing="no mirror lags",
                    alert="RabbitMQMirrorsLag",
                ),
                (
                    f"max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors_synchronised{{{VHOST}}}) "
                    f"< max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors_expected{{{VHOST}}})",
                    "",
                ),
                (
                    f"max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors_expected{{{VHOST}}}) > max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors_synchronised{{{VHOST}}})",
                    "",
                ),
                (f"max by (cluster, vhost, queue) (rabbitwatch_queue_messages_at_risk{{{VHOST}}}) > 0", ""),
                columns=[
                    ("cluster", "Cluster"),
                    ("vhost", "Vhost"),
                    ("queue", "Queue"),
                    ("Value #A", "Synchronised"),
                    ("Value #B", "Asked for"),
                    ("Value #C", "Messages at risk"),
                ],
                sort="Messages at risk",
            ),
        ),
        (
            10,
            bars(
                About(
                    title="Most messages at risk",
                    description="The ten queues whose loss would cost most.",
                    steps=above(critical=1),
                    nothing="none at risk",
                    alert="RabbitMQMessagesAtRisk",
                ),
                (
                    f"topk(10, max by (cluster, vhost, queue) (rabbitwatch_queue_messages_at_risk{{{VHOST}}}) > 0)",
                    "{{vhost}} {{queue}}",
                ),
            ),
        ),
    )
    made.line(
        8,
        (
            12,
            curves(
                About(
                    title="Lagging and missing mirrors by vhost",
                    description="Over time, to see whether they catch up by themselves.",
                    alert="RabbitMQMirrorsLag",
                ),
                (
                    f"max by (cluster, vhost) (rabbitwatch_vhost_unsynchronised_mirrors{{{VHOST}}})",
                    "{{vhost}} lag",
                ),
                (f"max by (cluster, vhost) (rabbitwatch_vhost_missing_mirrors{{{VHOST}}})", "{{vhost}} missing"),
            ),
        ),
        (
            12,
            curves(
                About(
                    title="Synchronisations under way",
                    description="Messages that each has copied. The queue is blocked until it is done; a flat line is a sync that stands still.",
                    alert="RabbitMQSyncStuck",
                    nothing="none under way",
                ),
                (
                    f"max by (cluster, vhost, queue) (rabbitwatch_queue_sync_messages{{{VHOST}}})",
                    "{{vhost}} {{queue}}",
                ),
            ),
        ),
    )
    return made
