"""Queues: how deep, how fast they grow, who consumes, which do not work."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, QUEUE, VHOST, Board
from dashboards.build.panels import About, above, bars, curves, number, rows


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-queues",
        "RabbitMQ queues",
        "Depth, growth, consumers and state of queues.",
        variables=["vhost", "queue"],
    )
    made.line(
        4,
        (
            6,
            number(
                About(title="Queues", description="Included queues, hidden ones too.", nothing="unknown"),
                (f"sum(max by (cluster, vhost) (rabbitwatch_vhost_queues{{{VHOST}}}))", "queues"),
            ),
        ),
        (
            6,
            number(
                About(
                    title="Messages", description="In all these queues, ready and unacknowledged.", nothing="unknown"
                ),
                (f"sum(max by (cluster, vhost) (rabbitwatch_vhost_messages{{{VHOST}}}))", "messages"),
                sparkline=True,
            ),
        ),
        (
            6,
            number(
                About(
                    title="Unacknowledged",
                    description="Messages that consumers have and have not acknowledged.",
                    nothing="unknown",
                    alert="RabbitMQUnacknowledgedHigh",
                ),
                (f"sum(max by (cluster, vhost) (rabbitwatch_vhost_messages_unacknowledged{{{VHOST}}}))", "messages"),
                sparkline=True,
            ),
        ),
        (
            6,
            number(
                About(
                    title="Queues of unknown depth",
                    description="Queues that do not tell how much they hold, such as those on a dead node.",
                    steps=above(1),
                    nothing="unknown",
                    alert="RabbitMQQueueDepthUnknown",
                ),
                (f"sum(max by (cluster, vhost) (rabbitwatch_vhost_queues_depth_unknown{{{VHOST}}}))", "queues"),
            ),
        ),
    )
    made.line(
        9,
        (
            12,
            bars(
                About(
                    title="Deepest queues",
                    description="The fifteen with the most messages.",
                    alert="RabbitMQQueueDeep",
                    nothing="no queue matches",
                ),
                (
                    f"topk(15, max by (cluster, vhost, queue) (rabbitwatch_queue_messages{{{QUEUE}}}))",
                    "{{vhost}} {{queue}}",
                ),
            ),
        ),
        (
            12,
            bars(
                About(
                    title="Fastest growing queues",
                    description="The fifteen that gained the most messages a second over ten minutes.",
                    unit="cps",
                    alert="RabbitMQQueueGrowing",
                    nothing="none grows",
                ),
                (
                    f"topk(15, max by (cluster, vhost, queue) (deriv(rabbitwatch_queue_messages{{{QUEUE}}}[10m])) > 0)",
                    "{{vhost}} {{queue}}",
                ),
            ),
        ),
    )
    made.line(
        9,
        (
            12,
            curves(
                About(
                    title="Messages by queue",
                    description="Of the ten deepest. Choose queues above to see others.",
                    alert="RabbitMQQueueDeep",
                ),
                (
                    f"topk(10, max by (cluster, vhost, queue) (rabbitwatch_queue_messages{{{QUEUE}}}))",
                    "{{vhost}} {{queue}}",
                ),
            ),
        ),
        (
            12,
            curves(
                About(
                    title="Messages by vhost",
                    description="Ready and unacknowledged, stacked.",
                ),
                (f"max by (cluster, vhost) (rabbitwatch_vhost_messages_ready{{{VHOST}}})", "{{vhost}} ready"),
                (
                    f"max by (cluster, vhost) (rabbitwatch_vhost_messages_unacknowledged{{{VHOST}}})",
                    "{{vhost}} unacknowledged",
                ),
                stacked=True,
            ),
        ),
    )
    made.line(
        9,
        (
            14,
            rows(
                About(
                    title="Queues with messages and no consumer",
                    description="Messages that nobody takes.",
                    nothing="every queue with messages has a consumer, or consumers are unknown",
                    alert="RabbitMQNoConsumers",
                ),
                (
                    f"max by (cluster, vhost, queue) (rabbitwatch_queue_messages{{{QUEUE}}}) > 0 "
                    f"and on (cluster, vhost, queue) max by (cluster, vhost, queue) (rabbitwatch_queue_consumers{{{QUEUE}}}) == 0",
                    "",
                ),
                columns=[("cluster", "Cluster"), ("vhost", "Vhost"), ("queue", "Queue"), ("Value", "Messages")],
                sort="Messages",
            ),
        ),
        (
            10,
            curves(
                About(
                    title="Queues by state",
                    description="All that do not run: down, minority, crashed, stopped and so on; syncing ones are blocked.",
                    steps=above(1),
                    alert="RabbitMQQueuesUnavailable",
                    nothing="all run",
                ),
                (
                    f'max by (cluster, state) (rabbitwatch_cluster_queues_by_state{{{CLUSTER}, state!="running"}}) > 0',
                    "{{cluster}} {{state}}",
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
                    title="Quorum queues and streams: members offline",
                    description="Members whose node does not run. At half of them, the queue stops.",
                    alert="RabbitMQMembersOffline",
                    nothing="none offline, or no such queues",
                ),
                (
                    f"sum by (cluster, vhost) (max by (cluster, vhost, queue) (rabbitwatch_queue_members{{{QUEUE}}}) "
                    f"- max by (cluster, vhost, queue) (rabbitwatch_queue_members_online{{{QUEUE}}}))",
                    "{{vhost}}",
                ),
            ),
        ),
        (
            12,
            curves(
                About(
                    title="Queues without a series of their own",
                    description="queues.limit shows only the deepest and the unhealthy ones; sums are over all.",
                    alert="RabbitwatchQueuesHidden",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_queues_hidden{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
    )
    return made
