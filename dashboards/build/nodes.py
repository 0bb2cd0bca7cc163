"""Nodes: whether they run and answer, and what they use of what they have."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, Board
from dashboards.build.panels import CRITICAL, GOOD, About, above, below, curves, rows, states

SHARES = (
    ("File descriptors", "file_descriptors", "RabbitMQFileDescriptorsHigh"),
    ("Sockets", "sockets", "RabbitMQSocketsHigh"),
    ("Erlang processes", "erlang_processes", "RabbitMQErlangProcessesHigh"),
)


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-nodes",
        "RabbitMQ nodes",
        "Which nodes run and answer, their type, and what they use of what they have.",
    )
    made.line(
        8,
        (
            12,
            states(
                About(
                    title="Does the management API answer",
                    description="Each node is asked by itself. A node may run and not answer; see who sees whom on the cluster's dashboard.",
                    words={"1": ("answers", GOOD), "0": ("SILENT", CRITICAL)},
                    steps=[(None, CRITICAL), (1, GOOD)],
                    alert="RabbitMQNodeSilent",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_up{{{CLUSTER}}})", "{{node}}"),
            ),
        ),
        (
            12,
            rows(
                About(
                    title="Members",
                    description="Type as observed, how many nodes are in the same group, how long it has run, of how many queues it holds the leader.",
                    nothing="unknown",
                    alert="RabbitMQNodeDown",
                ),
                (f"max by (cluster, node, type) (rabbitwatch_node_type{{{CLUSTER}}}) == 1", ""),
                (f"max by (cluster, node) (rabbitwatch_node_component_size{{{CLUSTER}}})", ""),
                (f"max by (cluster, node) (rabbitwatch_node_uptime_seconds{{{CLUSTER}}})", ""),
                (f"max by (cluster, node) (rabbitwatch_node_queue_leaders{{{CLUSTER}}})", ""),
                columns=[
                    ("cluster", "Cluster"),
                    ("node", "Node"),
                    ("type", "Type"),
                    ("Value #B", "Sees"),
                    ("Value #C", "Runs for"),
                    ("Value #D", "Leaders"),
                ],
                hidden=["Value #A"],
                units={"Runs for": "s"},
            ),
        ),
    )
    made.line(
        8,
        (
            12,
            curves(
                About(
                    title="Memory",
                    description="Used by each node. At the broker's limit publishers of the whole cluster are blocked.",
                    unit="bytes",
                    alert="RabbitMQMemoryHigh",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_memory_used_bytes{{{CLUSTER}}})", "{{node}}"),
            ),
        ),
        (
            12,
            curves(
                About(
                    title="Free disk space",
                    description="Of each node's data folder. Below the broker's limit publishers of the whole cluster are blocked.",
                    unit="bytes",
                    alert="RabbitMQDiskLow",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_disk_free_bytes{{{CLUSTER}}})", "{{node}}"),
            ),
        ),
    )
    made.line(
        7,
        *(
            (
                8,
                curves(
                    About(
                        title=title,
                        description=f"{title} that each node uses, as a share of what it may.",
                        unit="percentunit",
                        steps=above(0.8, 0.95),
                        alert=alert,
                    ),
                    (
                        f"max by (cluster, node) (rabbitwatch_node_{name}_used{{{CLUSTER}}}) "
                        f"/ max by (cluster, node) (rabbitwatch_node_{name}_limit{{{CLUSTER}}})",
                        "{{node}}",
                    ),
                ),
            )
            for title, name, alert in SHARES
        ),
    )
    made.line(
        7,
        (
            8,
            curves(
                About(
                    title="Run queue for each processor",
                    description="Erlang processes that wait, for each processor of the node: above 1 for long, it is overloaded.",
                    steps=above(1),
                    alert="RabbitMQRunQueueHigh",
                ),
                (
                    f"max by (cluster, node) (rabbitwatch_node_run_queue{{{CLUSTER}}}) "
                    f"/ max by (cluster, node) (rabbitwatch_node_processors{{{CLUSTER}}})",
                    "{{node}}",
                ),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Queue leaders",
                    description="Of how many queues each node holds the leader: work lies where leaders are.",
                    alert="RabbitMQLeadersUnbalanced",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_queue_leaders{{{CLUSTER}}})", "{{node}}"),
                stacked=True,
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Uptime",
                    description="A fall to zero is a restart.",
                    unit="s",
                    steps=below(600, 60),
                    alert="RabbitMQNodeRestarted",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_uptime_seconds{{{CLUSTER}}})", "{{node}}"),
            ),
        ),
    )
    made.line(
        7,
        (
            12,
            rows(
                About(
                    title="Health checks that fail",
                    description="Of rabbitmq-diagnostics, on the node itself.",
                    nothing="none fails, or none is run",
                    alert="RabbitMQHealthCheckFailing",
                ),
                (f"max by (cluster, node, check) (rabbitwatch_node_check_passed{{{CLUSTER}}}) == 0", ""),
                columns=[("cluster", "Cluster"), ("node", "Node"), ("check", "Check")],
                hidden=["Value"],
            ),
        ),
        (
            12,
            rows(
                About(
                    title="Nodes that are not as declared",
                    description="Type other than declared (1), or cookie other than most nodes have (1).",
                    nothing="all as declared, as far as known",
                    alert="RabbitMQNodeTypeMismatch",
                ),
                (f"max by (cluster, node) (rabbitwatch_node_type_mismatch{{{CLUSTER}}}) == 1", ""),
                (f"max by (cluster, node) (rabbitwatch_node_cookie_mismatch{{{CLUSTER}}}) == 1", ""),
                columns=[("cluster", "Cluster"), ("node", "Node"), ("Value #A", "Type"), ("Value #B", "Cookie")],
            ),
        ),
    )
    return made
