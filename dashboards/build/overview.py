"""For the wall: whether the clusters are well, seen in one second; and what is wrong, in five."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, Board
from dashboards.build.panels import CRITICAL, GOOD, UNKNOWN, WARNING, About, above, bars, curves, number, rows, states

STATE = f"""
max by (cluster) (
    label_replace(2 * max by (cluster) (ALERTS{{alertstate="firing", severity="critical", {CLUSTER}}}), "by", "a", "", "")
  or
    label_replace(max by (cluster) (ALERTS{{alertstate="firing", severity="warning", {CLUSTER}}}), "by", "b", "", "")
  or
    label_replace(2 * (max by (cluster) (rabbitwatch_cluster_components{{{CLUSTER}}}) > bool 1), "by", "c", "", "")
  or
    label_replace(max by (cluster) (rabbitwatch_cluster_messages_at_risk{{{CLUSTER}}}) > bool 0, "by", "d", "", "")
  or
    label_replace(
      2 * (max by (cluster) (rabbitwatch_cluster_nodes_running{{{CLUSTER}}}) < bool max by (cluster) (rabbitwatch_cluster_nodes{{{CLUSTER}}})),
      "by", "e", "", ""
    )
)
and on (cluster)
  (time() - max by (cluster) (rabbitwatch_observation_timestamp_seconds{{{CLUSTER}}}) < 120)
or on (cluster)
  3 + 0 * max by (cluster) (last_over_time(rabbitwatch_cluster_nodes{{{CLUSTER}}}[1h]))
""".strip()
"""0, 1 or 2; 3 where the last poll is older than two minutes: an old picture is no picture."""

WORDS = {"0": ("WELL", GOOD), "1": ("WARNING", WARNING), "2": ("CRITICAL", CRITICAL), "3": ("UNKNOWN", UNKNOWN)}
STEPS = [(None, GOOD), (1, WARNING), (2, CRITICAL), (3, UNKNOWN)]


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-overview",
        "RabbitMQ overview",
        "All clusters at a glance, for a wall screen (open it with &kiosk).",
        refresh="15s",
    )
    made.line(
        8,
        (
            16,
            number(
                About(
                    title="Clusters",
                    description=(
                        "The worst that is known of each cluster: critical or warning alerts that fire, a split, nodes "
                        "that do not run, messages without a synchronised mirror. A cluster that was not polled for two "
                        "minutes is unknown, for nobody knows how it is."
                    ),
                    words=WORDS,
                    steps=STEPS,
                    nothing="UNKNOWN: no fresh data",
                    alert="RabbitwatchDataStale",
                ),
                (STATE, "{{cluster}}"),
                each="cluster",
            ),
        ),
        (
            8,
            number(
                About(
                    title="Age of the data",
                    description="How long ago the last poll of each cluster began. Above a minute, something is wrong.",
                    unit="s",
                    steps=above(60, 120),
                    nothing="UNKNOWN: nothing polled",
                    alert="RabbitwatchDataStale",
                    decimals=0,
                ),
                (f"time() - max by (cluster) (rabbitwatch_observation_timestamp_seconds{{{CLUSTER}}})", "{{cluster}}"),
                each="cluster",
            ),
        ),
    )
    made.line(
        7,
        (
            12,
            rows(
                About(
                    title="What fires",
                    description="Alerts that fire now, and for how many objects.",
                    nothing="nothing fires",
                    alert="",
                ),
                (
                    "sort_desc(count by (cluster, severity, alertname) "
                    f'(ALERTS{{alertstate="firing", severity!~"none|info", {CLUSTER}}}))',
                    "",
                ),
                columns=[
                    ("severity", "Severity"),
                    ("cluster", "Cluster"),
                    ("alertname", "Alert"),
                    ("Value", "How many"),
                ],
            ),
        ),
        (
            4,
            number(
                About(
                    title="Groups of nodes",
                    description=(
                        "Into how many groups that cannot see each other the nodes of a cluster fall. 1 is healthy; 2 is "
                        "a split, seen while it lasts."
                    ),
                    steps=above(critical=2),
                    nothing="unknown: no node answers",
                    alert="RabbitMQClusterSplit",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_components{{{CLUSTER}}})", "{{cluster}}"),
                each="cluster",
            ),
        ),
        (
            4,
            number(
                About(
                    title="Messages at risk",
                    description="Messages of mirrored queues with no synchronised mirror: lost when one node is.",
                    steps=above(critical=1),
                    nothing="unknown",
                    alert="RabbitMQMessagesAtRisk",
                ),
                (f"max by (cluster) (rabbitwatch_cluster_messages_at_risk{{{CLUSTER}}})", "{{cluster}}"),
                each="cluster",
            ),
        ),
        (
            4,
            number(
                About(
                    title="Nodes that do not run",
                    description="Members of which nobody who answers says that they run.",
                    steps=above(critical=1),
                    nothing="unknown: no node answers",
                    alert="RabbitMQNodeDown",
                ),
                (
                    f"max by (cluster) (rabbitwatch_cluster_nodes{{{CLUSTER}}}) "
                    f"- max by (cluster) (rabbitwatch_cluster_nodes_running{{{CLUSTER}}})",
                    "{{cluster}}",
                ),
                each="cluster",
            ),
        ),
    )
    made.line(
        8,
        (
            8,
            states(
                About(
                    title="State over time",
                    description="As the first panel, over time. A gap: nobody knew.",
                    words=WORDS,
                    steps=STEPS,
                ),
                (STATE, "{{cluster}}"),
            ),
        ),
        (
            8,
            curves(
                About(title="Messages", description="Messages in all queues of a cluster, hidden ones included."),
                (f"max by (cluster) (rabbitwatch_cluster_messages{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            8,
            bars(
                About(
                    title="Deepest queues",
                    description="The ten queues with the most messages.",
                    alert="RabbitMQQueueDeep",
                ),
                (
                    f"topk(10, max by (cluster, vhost, queue) (rabbitwatch_queue_messages{{{CLUSTER}}}))",
                    "{{cluster}} {{vhost}} {{queue}}",
                ),
            ),
        ),
    )
    return made
