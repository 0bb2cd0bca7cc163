"""The agent's own families: declared in one place, so that the page of all metrics knows them.

Whoever has the figures fills them: OwnMetrics here, the rules in alerting/, the window in promql/.
"""

from __future__ import annotations

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from rabbitwatch.model.sample import Family, Kind


def own_family(name: str, kind: Kind, labels: tuple[str, ...], help: str) -> Family:  # noqa: A002
    """A family that the agent counts about itself; its unit is read off the name."""
    base = name.removesuffix("_total")
    unit = next((unit for unit in ("seconds", "bytes") if base.endswith(f"_{unit}")), "")
    return Family(name=name, kind=kind, labels=labels, help=help, source="the agent itself", unit=unit)


BUILD = own_family(
    "rabbitwatch_build_info",
    Kind.GAUGE,
    ("version", "python_version"),
    "The version of rabbitwatch and of the Python that it runs on.",
)
POLLS = own_family("rabbitwatch_polls_total", Kind.COUNTER, ("cluster",), "Polls that have ended.")
DURATION = own_family(
    "rabbitwatch_poll_duration_seconds", Kind.GAUGE, ("cluster",), "How long the last poll took, from its start."
)
SUCCESS = own_family(
    "rabbitwatch_poll_last_success_timestamp_seconds",
    Kind.GAUGE,
    ("cluster",),
    "When the last poll began in which any node told its view of the cluster.",
)
CYCLE_FAILURES = own_family(
    "rabbitwatch_cycle_failures_total",
    Kind.COUNTER,
    ("cluster",),
    "Polls from which no state could be made, because of a defect in rabbitwatch itself; the log has the traceback.",
)
CALLS = own_family("rabbitwatch_calls_total", Kind.COUNTER, ("cluster", "source"), "Questions asked of brokers.")
CALL_SECONDS = own_family(
    "rabbitwatch_call_seconds_total",
    Kind.COUNTER,
    ("cluster", "source"),
    "Time that questions took, answered or not. They overlap, so a second of time may hold several of calls.",
)
CALL_FAILURES = own_family(
    "rabbitwatch_call_failures_total",
    Kind.COUNTER,
    ("cluster", "source", "reason"),
    "Questions that were not answered, by reason.",
)
RELOAD_OK = own_family(
    "rabbitwatch_config_last_reload_successful",
    Kind.GAUGE,
    (),
    "1 when the configuration was taken over the last time it was loaded, 0 when it was refused and the old one stays.",
)
RELOAD_AT = own_family(
    "rabbitwatch_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    (),
    "When the configuration in use was loaded.",
)

RULE_EVALUATIONS = own_family(
    "rabbitwatch_rule_evaluations_total", Kind.COUNTER, ("group", "rule"), "Evaluations of a rule."
)
RULE_FAILURES = own_family(
    "rabbitwatch_rule_evaluation_failures_total",
    Kind.COUNTER,
    ("group", "rule"),
    "Evaluations of a rule that failed; its lastError in /api/v1/rules says why.",
)
GROUP_DURATION = own_family(
    "rabbitwatch_rule_group_last_duration_seconds",
    Kind.GAUGE,
    ("group",),
    "How long the last evaluation of the group took.",
)
GROUP_EVALUATED = own_family(
    "rabbitwatch_rule_group_last_evaluation_timestamp_seconds",
    Kind.GAUGE,
    ("group",),
    "When the group was last evaluated.",
)
ALERTS = own_family("rabbitwatch_alerts", Kind.GAUGE, ("state",), "Alerts by state.")
ALERTS_BLIND = own_family(
    "rabbitwatch_alerts_blind",
    Kind.GAUGE,
    (),
    "Alerts that are held because the data that would decide about them could not be had.",
)
WINDOW_SERIES = own_family("rabbitwatch_window_series", Kind.GAUGE, (), "Series of the last polls and of rules.")
WINDOW_SAMPLES = own_family("rabbitwatch_window_samples", Kind.GAUGE, (), "Samples of history that are held in memory.")
WINDOW_LIMIT = own_family("rabbitwatch_window_samples_limit", Kind.GAUGE, (), "The bound on samples of history.")
WINDOW_DROPPED = own_family(
    "rabbitwatch_window_dropped_samples_total",
    Kind.COUNTER,
    (),
    "Samples of history that were dropped before their time because of the bound.",
)

_INTEGRATION = ("receiver", "integration")
NOTICES = own_family(
    "rabbitwatch_notifications_total", Kind.COUNTER, _INTEGRATION, "Notices that have arrived at the receiver."
)
NOTICES_LOST = own_family(
    "rabbitwatch_notifications_failed_total",
    Kind.COUNTER,
    _INTEGRATION,
    "Notices that were given up: their alerts were over before they arrived. /api/v1/notices says which and why.",
)
NOTICE_REQUESTS = own_family(
    "rabbitwatch_notification_requests_total", Kind.COUNTER, _INTEGRATION, "Tries to hand a notice over."
)
NOTICE_REQUEST_FAILURES = own_family(
    "rabbitwatch_notification_requests_failed_total",
    Kind.COUNTER,
    _INTEGRATION,
    "Tries to hand a notice over that have failed; most are tried again.",
)
NOTICE_REQUEST_SECONDS = own_family(
    "rabbitwatch_notification_request_seconds_total", Kind.COUNTER, _INTEGRATION, "Time that such tries took."
)
NOTICES_FAILING = own_family(
    "rabbitwatch_notification_failing_seconds",
    Kind.GAUGE,
    _INTEGRATION,
    "For how long every try has failed; 0 when the last has not, before the first, and when nothing is left to try.",
)
NOTICES_WAITING = own_family(
    "rabbitwatch_notification_queue_length",
    Kind.GAUGE,
    _INTEGRATION,
    "Notices under way, and those that wait for their next try or for the receiver's rate limit.",
)
NOTICE_GROUPS = own_family(
    "rabbitwatch_notification_groups", Kind.GAUGE, (), "Groups of alerts that the routes have made."
)
NOTICE_LOG_FAILURES = own_family(
    "rabbitwatch_notification_log_failures_total",
    Kind.COUNTER,
    (),
    "Times that the delivery log could not be written. Notices go out all the same; a restart might repeat them.",
)
SLACK_CONNECTED = own_family(
    "rabbitwatch_slack_socket_connected",
    Kind.GAUGE,
    ("connection",),
    "Whether the connection to Slack's Socket Mode stands, without which the buttons of its messages do nothing. One "
    "for each app token, in the order of the configuration.",
)
_ALERTMANAGER = ("alertmanager",)
HANDED_OVER = own_family(
    "rabbitwatch_alertmanager_alerts_sent_total",
    Kind.COUNTER,
    _ALERTMANAGER,
    "Alerts that an Alertmanager took, each time that they were sent.",
)
HANDOVER_DROPPED = own_family(
    "rabbitwatch_alertmanager_alerts_dropped_total",
    Kind.COUNTER,
    _ALERTMANAGER,
    "Alerts that an Alertmanager refused, and those that were over and forgotten before it could be told.",
)
HANDOVER_REQUESTS = own_family(
    "rabbitwatch_alertmanager_requests_total", Kind.COUNTER, _ALERTMANAGER, "Requests to an Alertmanager."
)
HANDOVER_FAILURES = own_family(
    "rabbitwatch_alertmanager_requests_failed_total",
    Kind.COUNTER,
    _ALERTMANAGER,
    "Requests to an Alertmanager that have failed; they are tried again.",
)
HANDOVER_SECONDS = own_family(
    "rabbitwatch_alertmanager_request_seconds_total", Kind.COUNTER, _ALERTMANAGER, "Time that such requests took."
)
HANDOVER_WAITING = own_family(
    "rabbitwatch_alertmanager_queue_length", Kind.GAUGE, _ALERTMANAGER, "Alerts that wait to be sent."
)
HANDOVER_AT = own_family(
    "rabbitwatch_alertmanager_last_success_timestamp_seconds",
    Kind.GAUGE,
    _ALERTMANAGER,
    "When an Alertmanager last took alerts.",
)

_CLUSTER = ("cluster",)
ACTIONS = own_family(
    "rabbitwatch_actions_total",
    Kind.COUNTER,
    ("cluster", "action", "outcome"),
    "Repairs that were asked of a broker and have come to an end: done, stalled (no progress any more), timed_out (no "
    "end was seen in time), failed (the broker refused, or was never reached).",
)
ACTION_REFUSALS = own_family(
    "rabbitwatch_action_refusals_total",
    Kind.COUNTER,
    ("cluster", "action", "guard"),
    "Refusals by guards, each counted when it is recorded: once for as long as the same refuse the same.",
)
ACTION_ERRORS = own_family(
    "rabbitwatch_action_errors_total",
    Kind.COUNTER,
    _CLUSTER,
    "Times that repairs of a cluster were broken off by a defect in rabbitwatch itself; the log has the traceback.",
)
ACTION_AUDIT_FAILURES = own_family(
    "rabbitwatch_action_audit_failures_total",
    Kind.COUNTER,
    (),
    "Times that something about repairs could not be read or recorded. Nothing is done that is not on record.",
)
ACTION_AUDIT_ENTRIES = own_family(
    "rabbitwatch_action_audit_entries_total",
    Kind.COUNTER,
    (),
    "Number of the last entry of the audit of repairs. One that falls means that its end was cut off.",
)
ACTION_AUDIT_HEAD = own_family(
    "rabbitwatch_action_audit_head",
    Kind.GAUGE,
    (),
    "The first 48 bits of the hash of the audit's last entry, as a number: with the number of entries, what shows that "
    "the whole chain was made anew.",
)
ACTION_AUDIT_PROBLEMS = own_family(
    "rabbitwatch_action_audit_problems",
    Kind.GAUGE,
    (),
    "What the last look at the whole audit found wrong: lines that are missing, changed or out of order.",
)
ACTION_WEBHOOK_REFUSALS = own_family(
    "rabbitwatch_action_webhook_refusals_total",
    Kind.COUNTER,
    (),
    "Requests to the webhook for Alertmanager that were refused: no or a wrong token or signature, a replayed or "
    "unreadable one. At most one a minute of each kind is counted.",
)
ACTIONS_PAUSED = own_family(
    "rabbitwatch_actions_paused", Kind.GAUGE, (), "Whether repairs are paused, by a person or by the configuration."
)
ACTIONS_OPEN = own_family(
    "rabbitwatch_actions_open",
    Kind.GAUGE,
    _CLUSTER,
    "Repairs that were asked of a broker and whose end is not on record.",
)
ACTION_OPEN_SECONDS = own_family(
    "rabbitwatch_action_open_seconds",
    Kind.GAUGE,
    _CLUSTER,
    "For how long the oldest of them has been open; 0 where there is none.",
)
ACTION_LEASE_HELD = own_family(
    "rabbitwatch_action_lease_held",
    Kind.GAUGE,
    _CLUSTER,
    "Whether this agent holds the lease, without which it does not act. Only where a binding may act.",
)
APPROVALS_WAITING = own_family(
    "rabbitwatch_action_approvals_waiting", Kind.GAUGE, _CLUSTER, "Questions to people that wait for an answer."
)
ACTION_FIGHTS = own_family(
    "rabbitwatch_action_fights",
    Kind.GAUGE,
    _CLUSTER,
    "Repairs that are needed again and again, so that something undoes them, and that are refused for that.",
)

OF_POLLS = (
    BUILD,
    POLLS,
    DURATION,
    SUCCESS,
    CYCLE_FAILURES,
    CALLS,
    CALL_SECONDS,
    CALL_FAILURES,
    RELOAD_OK,
    RELOAD_AT,
)
OF_RULES = (
    RULE_EVALUATIONS,
    RULE_FAILURES,
    GROUP_DURATION,
    GROUP_EVALUATED,
    ALERTS,
    ALERTS_BLIND,
    WINDOW_SERIES,
    WINDOW_SAMPLES,
    WINDOW_LIMIT,
    WINDOW_DROPPED,
)
OF_NOTICES = (
    NOTICES,
    NOTICES_LOST,
    NOTICE_REQUESTS,
    NOTICE_REQUEST_FAILURES,
    NOTICE_REQUEST_SECONDS,
    NOTICES_FAILING,
    NOTICES_WAITING,
    NOTICE_GROUPS,
    NOTICE_LOG_FAILURES,
    SLACK_CONNECTED,
    HANDED_OVER,
    HANDOVER_DROPPED,
    HANDOVER_REQUESTS,
    HANDOVER_FAILURES,
    HANDOVER_SECONDS,
    HANDOVER_WAITING,
    HANDOVER_AT,
)
OF_ACTIONS = (
    ACTIONS,
    ACTION_REFUSALS,
    ACTION_ERRORS,
    ACTION_AUDIT_FAILURES,
    ACTION_AUDIT_ENTRIES,
    ACTION_AUDIT_HEAD,
    ACTION_AUDIT_PROBLEMS,
    ACTION_WEBHOOK_REFUSALS,
    ACTIONS_PAUSED,
    ACTIONS_OPEN,
    ACTION_OPEN_SECONDS,
    ACTION_LEASE_HELD,
    APPROVALS_WAITING,
    ACTION_FIGHTS,
)
FAMILIES = OF_POLLS + OF_RULES + OF_NOTICES + OF_ACTIONS


def gathered(family: Family) -> CounterMetricFamily | GaugeMetricFamily:
    """The family with no samples yet, for a collector that reads its figures when it is asked for them."""
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    return make(family.name.removesuffix("_total"), family.help, labels=family.labels)
