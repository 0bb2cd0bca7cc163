"""Who sees whom, what partitions are reported, whose cookie and version differ."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, Board
from dashboards.build.panels import CRITICAL, GOOD, About, above, below, curves, number, rows, states

YES_NO = {"1": ("runs", GOOD), "0": ("DOWN", CRITICAL)}


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-cluster",
        "RabbitMQ cluster and partitions",
        "What each node sees of the others, side by side: splits while they last, cookies, versions, drift of policies.",
    )
    made.row("Splits and partitions")
    made.line(
        4,
        (
            5,
            number(
                About(
                    title="Groups of nodes",
                    description="Groups that cannot see each other: 1 is healthy, 2 and more is a split.",
                    steps=above(critical=2),
                    nothing="unknown: no node answers",
                    alert="RabbitMQClusterSplit",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_components{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Different views",
                    description="Different answers to the question which nodes run: 1 when all agree.",
                    steps=above(critical=2),
                    nothing="unknown: no node answers",
                    alert="RabbitMQViewsDisagree",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_running_sets{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Partitioned nodes, as reported",
                    description="Nodes in partitions that brokers report themselves, which they do only after the link has healed.",
                    steps=above(critical=1),
                    nothing="not reportable, or unknown",
                    alert="RabbitMQPartitionReported",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_partitioned_nodes{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Contested queues",
                    description="Queues that two sides of a split both claim: what happens to them on one side will be lost.",
                    steps=above(critical=1),
                    nothing="unknown",
                    alert="RabbitMQContestedQueues",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_contested_queues{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            4,
            number(
                About(
                    title="Disc nodes that run",
                    description="At 0, definitions are in memory only and gone when the last node stops.",
                    steps=below(2, 1),
                    nothing="unknown",
                    alert="RabbitMQNoDiscNode",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_disc_nodes_running{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
    )
    made.line(
        9,
        (
            12,
            states(
                About(
                    title="Who sees whom",
                    description="For each observer and node: does the observer say that the node runs? Rows that differ are a split.",
                    words=YES_NO,
                    steps=[(None, CRITICAL), (1, GOOD)],
                    alert="RabbitMQClusterSplit",
                ),
                (
                    f"max by (cluster, observer, node) (rabbitwatch_view_running{{{CLUSTER}}})",
                    "{{observer}} sees {{node}}",
                ),
            ),
        ),
        (
            12,
            states(
                About(
                    title="Distribution connections",
                    description=(
                        "Has the observer's runtime a connection to the node? After a split has healed these are up "
                        "although the databases may still be divided."
                    ),
                    words={"1": ("up", GOOD), "0": ("DOWN", CRITICAL)},
                    steps=[(None, CRITICAL), (1, GOOD)],
                    alert="RabbitMQDistributionLinkDown",
                ),
                (
                    f"max by (cluster, observer, node) (rabbitwatch_view_connected{{{CLUSTER}}})",
                    "{{observer}} to {{node}}",
                ),
            ),
        ),
    )
    made.line(
        7,
        (
            12,
            curves(
                About(
                    title="Groups, views and one-way cuts",
                    description="How splits began and ended: groups of nodes, different views, pairs that see each other one way only.",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_components{{{CLUSTER}}})", "{{cluster}} groups"),
                (f"max by (cluster) (rabbitwatch_cluster_running_sets{{{CLUSTER}}})", "{{cluster}} views"),
                (f"max by (cluster) (rabbitwatch_cluster_asymmetric_views{{{CLUSTER}}})", "{{cluster}} one-way pairs"),
            ),
        ),
        (
            12,
            curves(
                About(
                    title="What observers count",
                    description="Connections, channels, queues and so on in the whole cluster, by each observer. Lines that part: they look at different clusters.",
                    alert="RabbitMQObjectCountsDiffer",
                ),
                (
                    f'max by (cluster, observer, kind) (rabbitwatch_view_objects{{{CLUSTER}, kind=~"queues|connections"}})',
                    "{{observer}} {{kind}}",
                ),
            ),
        ),
    )
    made.row("Identity and definitions")
    made.line(
        6,
        (
            4,
            number(
                About(
                    title="Cookies",
                    description="How many different Erlang cookies the nodes have: 1 is healthy.",
                    steps=above(critical=2),
                    nothing="unknown: fewer than two cookies are known",
                    alert="RabbitMQCookieMismatch",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_cookie_groups{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            4,
            number(
                About(
                    title="Versions",
                    description="How many different versions of the broker run: 2 only during an upgrade.",
                    steps=above(2),
                    nothing="unknown",
                    alert="RabbitMQMixedVersions",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_versions{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            8,
            rows(
                About(
                    title="Versions by node",
                    description="What each node runs.",
                    nothing="unknown",
                    alert="RabbitMQMixedVersions",
                ),
                (
                    "max by (cluster, node, rabbitmq_version, erlang_version) "
                    f"(rabbitwatch_node_version_info{{{CLUSTER}}})",
                    "",
                ),
                columns=[
                    ("cluster", "Cluster"),
                    ("node", "Node"),
                    ("rabbitmq_version", "RabbitMQ"),
                    ("erlang_version", "Erlang"),
                ],
                hidden=["Value"],
            ),
        ),
        (
            8,
            rows(
                About(
                    title="Drift of policies",
                    description="Declared policies that are missing or changed on the broker, and those that nobody declared.",
                    nothing="no drift, or no policy is declared",
                    alert="RabbitMQPolicyDrift",
                    steps=above(1),
                ),
                (f"max by (cluster, vhost, policy, kind) (rabbitwatch_policy_drift{{{CLUSTER}}}) == 1", ""),
                columns=[("cluster", "Cluster"), ("vhost", "Vhost"), ("policy", "Policy"), ("kind", "Drift")],
                hidden=["Value"],
            ),
        ),
    )
    made.row("Clients")
    made.line(
        7,
        (
            8,
            curves(
                About(
                    title="Connections and channels",
                    description="Of clients, summed over the groups of nodes.",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_connections{{{CLUSTER}}})", "{{cluster}} connections"),
                (f"max by (cluster) (rabbitwatch_cluster_channels{{{CLUSTER}}})", "{{cluster}} channels"),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Connections opened and closed",
                    description="A second. Many with few open connections: a client that connects for each message.",
                    unit="cps",
                    alert="RabbitMQConnectionChurn",
                ),
                (
                    f"max by (cluster) (rate(rabbitwatch_cluster_connections_opened_total{{{CLUSTER}}}[5m]))",
                    "{{cluster}} opened",
                ),
                (
                    f"max by (cluster) (rate(rabbitwatch_cluster_connections_closed_total{{{CLUSTER}}}[5m]))",
                    "{{cluster}} closed",
                ),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Messages that matched no queue",
                    description="Dropped, or returned to their publisher because it asked for that. A second.",
                    unit="cps",
                    steps=above(WARN_UNROUTABLE),
                    alert="RabbitMQUnroutableMessages",
                ),
                (
                    f"max by (cluster) (rate(rabbitwatch_cluster_messages_dropped_unroutable_total{{{CLUSTER}}}[5m]))",
                    "{{cluster}} dropped",
                ),
                (
                    f"max by (cluster) (rate(rabbitwatch_cluster_messages_returned_unroutable_total{{{CLUSTER}}}[5m]))",
                    "{{cluster}} returned",
                ),
            ),
        ),
    )
    return made


WARN_UNROUTABLE = 0.1
