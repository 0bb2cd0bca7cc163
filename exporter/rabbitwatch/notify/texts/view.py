"""A notice as templates see it: sorted, with its hostile parts made visible, and with nothing else within reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from urllib.parse import urlencode

from rabbitwatch.config.matchers import Matcher, Operator, spelled
from rabbitwatch.model.notice import Notice, OutAlert
from rabbitwatch.notify.receivers.slack.buttons import silenced_labels
from rabbitwatch.notify.remarks import ACTION, approval_url
from rabbitwatch.notify.runbook import runbook_link
from rabbitwatch.notify.texts.filters import truncate
from rabbitwatch.notify.texts.media import one_line

_RANKS = {"critical": 0, "page": 0, "error": 1, "warning": 2, "info": 3, "none": 4}
_UNKNOWN_RANK = 2
_NAMED = 2
_WORD = 60
_LONGEST_URL = 2000


class Texts(dict[str, str]):
    """Labels or annotations; one that is missing is empty, as in Prometheus' and Alertmanager's templates."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One alert. duration: seconds from its start to its end, or to the notice. runbook: its address, see
    notify/runbook.py; where there is none, the text of annotation `runbook_url` or `runbook`. action: what is done
    about it, perhaps in several lines; approval_url: where people approve or decline that, empty where nobody has to.
    """

    name: str
    status: str
    severity: str
    summary: str
    description: str
    runbook: str
    action: str
    approval_url: str
    labels: Texts
    annotations: Texts
    starts_at: float
    ends_at: float | None
    blind_since: float | None
    duration: float
    generator_url: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """What a template may name.

    title: such as `[FIRING:2] RabbitMQClusterSplit orders`. severity: the worst that fires, or that of what is over.
    names: of the alerts, the worst first, each once. now: when the notice was decided. silence_url: the agent's page
    with the form filled in; empty where nothing fires, or where the labels would silence too much.
    """

    title: str
    status: str
    receiver: str
    reason: str
    severity: str
    names: Sequence[str]
    alerts: Sequence[AlertView]
    firing: Sequence[AlertView]
    resolved: Sequence[AlertView]
    group_key: str
    group_labels: Texts
    common_labels: Texts
    common_annotations: Texts
    external_url: str
    silence_url: str
    now: float


def view(notice: Notice) -> NoticeView:
    """The worst first, then the oldest."""
    firing = sorted((_alert(alert, notice) for alert in notice.firing), key=_order)
    resolved = sorted((_alert(alert, notice) for alert in notice.resolved), key=_order)
    both = [*firing, *resolved]
    names = list(dict.fromkeys(alert.name for alert in firing or resolved))
    return NoticeView(
        title=_title(notice, names),
        status=notice.status,
        receiver=notice.receiver,
        reason=str(notice.reason),
        severity=both[0].severity if both else "",
        names=names,
        alerts=both,
        firing=firing,
        resolved=resolved,
        group_key=one_line(notice.group_key),
        group_labels=_labels(notice.group_labels),
        common_labels=_labels(notice.common_labels),
        common_annotations=_common([alert.annotations for alert in both]),
        external_url=notice.external_url.rstrip("/"),
        silence_url=silence_url(notice) if firing else "",
        now=notice.at,
    )


def variables(shown: NoticeView) -> dict[str, object]:
    """The names that a template finds; `notice` is all of them together."""
    return {"notice": shown, **{field.name: getattr(shown, field.name) for field in fields(shown)}}


def _title(notice: Notice, names: Sequence[str]) -> str:
    """Status, what, and where: the group's labels and the cluster, if all alerts are of one."""
    status = f"[FIRING:{len(notice.firing)}]" if notice.firing else "[RESOLVED]"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    what = ", ".join(truncate(name, _WORD) for name in names[:_NAMED]) + more
    where = [value for name, value in sorted(notice.group_labels.items()) if name != "alertname" and value]
    where.append(notice.common_labels.get("cluster", ""))
    words = [truncate(one_line(word), _WORD) for word in dict.fromkeys(where)]
    return " ".join(filter(None, [status, what, *words]))


def silence_url(notice: Notice) -> str:
    """The agent's page with the form for a silence filled in; empty where there is none, or nothing to silence."""
    labels = silenced_labels(notice)
    matchers = spelled(Matcher(name, Operator.EQUAL, value) for name, value in sorted(labels.items()))
    query = urlencode({"filter": matchers, "duration": "1h"})
    url = f"{notice.external_url.rstrip('/')}/silences?{query}"
    return url if notice.external_url and labels and len(url) <= _LONGEST_URL else ""


def _alert(alert: OutAlert, notice: Notice) -> AlertView:
    annotations = _annotations(alert)
    address = runbook_link(annotations, notice.external_url)
    until = notice.at if alert.ends_at is None else alert.ends_at
    return AlertView(
        name=one_line(alert.name),
        status="resolved" if alert.resolved else "firing",
        severity=one_line(alert.labels.get("severity", "")),
        summary=annotations["summary"],
        description=annotations["description"],
        runbook=address or annotations["runbook_url"] or annotations["runbook"],
        action=annotations[ACTION],
        approval_url=approval_url(notice.external_url, alert.remarks[-1].approval) if alert.remarks else "",
        labels=_labels(alert.labels),
        annotations=annotations,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        blind_since=alert.blind_since,
        duration=max(0.0, until - alert.starts_at),
        generator_url=alert.generator_url,
        fingerprint=alert.fingerprint,
    )


def _labels(labels: Mapping[str, str]) -> Texts:
    return Texts({name: one_line(value) for name, value in labels.items()})


def _annotations(alert: OutAlert) -> Texts:
    """Line breaks that a rule's author wrote stay; those that came with a label's value do not."""
    hostile = {value: shown for value in alert.labels.values() if (shown := one_line(value)) != value}
    if not hostile:
        return Texts(alert.annotations)
    found = Texts()
    for name, text in alert.annotations.items():
        found[name] = reduce(lambda so_far, each: so_far.replace(*each), hostile.items(), text)
    return found


def _common(each: Sequence[Texts]) -> Texts:
    first = each[0] if each else Texts()
    return Texts({name: text for name, text in first.items() if all(other.get(name) == text for other in each)})


def _order(alert: AlertView) -> tuple[int, float, str, str]:
    return _RANKS.get(alert.severity.lower(), _UNKNOWN_RANK), alert.starts_at, alert.name, alert.fingerprint
