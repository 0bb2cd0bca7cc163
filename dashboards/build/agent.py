"""The agent itself: whether it polls, evaluates and tells, and what it costs."""

from __future__ import annotations

from dashboards.build.house import CLUSTER, Board
from dashboards.build.panels import CRITICAL, GOOD, About, above, curves, number, rows, states


def board() -> Board:
    """The dashboard."""
    made = Board(
        "rabbitwatch-agent",
        "rabbitwatch agent",
        "Who watches the watcher: polls, sources that do not answer, rules, notices, memory.",
    )
    made.line(
        4,
        (
            5,
            number(
                About(
                    title="Age of the oldest poll",
                    description="Above a minute the agent does not see what happens.",
                    unit="s",
                    steps=above(60, 120),
                    nothing="nothing polled",
                    alert="RabbitwatchDataStale",
                    decimals=0,
                ),
                (
                    f"max(time() - max by (cluster) (rabbitwatch_observation_timestamp_seconds{{{CLUSTER}}}))",
                    "age",
                ),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Questions without an answer",
                    description="Of those asked in the last poll.",
                    steps=above(1),
                    nothing="nothing polled",
                    alert="RabbitwatchSourceFailing",
                ),
                (
                    f"count(rabbitwatch_source_up{{{CLUSTER}}} == 0) or vector(0) and on () count(rabbitwatch_source_up{{{CLUSTER}}})",
                    "questions",
                ),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Configuration",
                    description="Was the last reload taken over?",
                    words={"1": ("current", GOOD), "0": ("REFUSED", CRITICAL)},
                    steps=[(None, CRITICAL), (1, GOOD)],
                    alert="RabbitwatchReloadFailed",
                ),
                ("min(rabbitwatch_config_last_reload_successful)", "reload"),
            ),
        ),
        (
            5,
            number(
                About(
                    title="Alerts held blind",
                    description="They would resolve only because the data that would decide cannot be had.",
                    steps=above(1),
                    alert="RabbitwatchAlertsBlind",
                ),
                ("max(rabbitwatch_alerts_blind)", "alerts"),
            ),
        ),
        (
            4,
            number(
                About(title="Version", description="Of rabbitwatch.", nothing="not told"),
                ("max by (version) (rabbitwatch_build_info)", "{{version}}"),
                each="version",
            ),
        ),
    )
    made.row("Polling")
    made.line(
        8,
        (
            8,
            curves(
                About(
                    title="Length of a poll",
                    description="All nodes are asked at the same time, so this is about the slowest.",
                    unit="s",
                ),
                (f"max by (cluster) (rabbitwatch_poll_duration_seconds{{{CLUSTER}}})", "{{cluster}}"),
            ),
        ),
        (
            8,
            states(
                About(
                    title="Sources",
                    description="Which questions to which nodes are answered.",
                    words={"1": ("answered", GOOD), "0": ("NO ANSWER", CRITICAL)},
                    steps=[(None, CRITICAL), (1, GOOD)],
                    alert="RabbitwatchSourceFailing",
                ),
                (f"max by (cluster, node, source) (rabbitwatch_source_up{{{CLUSTER}}})", "{{node}} {{source}}"),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Slowest questions",
                    description="The ten that took longest.",
                    unit="s",
                    alert="RabbitMQManagementSlow",
                ),
                (
                    f"topk(10, max by (cluster, node, source) (rabbitwatch_source_duration_seconds{{{CLUSTER}}}))",
                    "{{node}} {{source}}",
                ),
            ),
        ),
    )
    made.row("Rules and notices")
    made.line(
        8,
        (
            8,
            curves(
                About(
                    title="Evaluation of rule groups",
                    description="How long each group took the last time.",
                    unit="s",
                    alert="RabbitwatchNotEvaluating",
                ),
                ("max by (group) (rabbitwatch_rule_group_last_duration_seconds)", "{{group}}"),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Notices",
                    description="Tries to hand notices over in five minutes, and those that failed.",
                    alert="RabbitwatchNotificationFailing",
                    nothing="no receiver",
                ),
                (
                    "sum by (receiver, integration) (increase(rabbitwatch_notification_requests_total[5m]))",
                    "{{integration}} tries",
                ),
                (
                    "sum by (receiver, integration) (increase(rabbitwatch_notification_requests_failed_total[5m]))",
                    "{{integration}} failed",
                ),
            ),
        ),
        (
            8,
            rows(
                About(
                    title="Rules that have failed",
                    description="In the last hour.",
                    nothing="none",
                    alert="RabbitwatchRuleFailing",
                ),
                ("max by (group, rule) (increase(rabbitwatch_rule_evaluation_failures_total[1h])) > 0", ""),
                columns=[("group", "Group"), ("rule", "Rule"), ("Value", "Failures")],
                sort="Failures",
            ),
        ),
    )
    made.row("Cost")
    made.line(
        7,
        (
            8,
            curves(
                About(title="Memory", description="Resident, of the agent's process.", unit="bytes"),
                (
                    "max by (instance) (process_resident_memory_bytes and on (instance, job) rabbitwatch_build_info)",
                    "agent",
                ),
            ),
        ),
        (
            8,
            curves(
                About(title="Processor", description="Cores that the agent uses.", unit="short"),
                (
                    "max by (instance) (rate(process_cpu_seconds_total[5m]) and on (instance, job) rabbitwatch_build_info)",
                    "agent",
                ),
            ),
        ),
        (
            8,
            curves(
                About(
                    title="Window",
                    description="Samples of history in memory, as a share of the bound; beyond it, samples are dropped.",
                    unit="percentunit",
                    steps=above(0.9, 1),
                    alert="RabbitwatchHistoryDropped",
                ),
                ("max(rabbitwatch_window_samples / rabbitwatch_window_samples_limit)", "used"),
            ),
        ),
    )
    return made
