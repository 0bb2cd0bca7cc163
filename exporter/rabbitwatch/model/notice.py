"""What leaves the program: alerts as the world outside knows them, and notices, which are groups of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rabbitwatch.model.remark import Remark

_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def fingerprint(labels: Mapping[str, str]) -> str:
    """16 hex digits of a label set, the same as in Prometheus and Alertmanager: FNV-1a over names and values, each
    followed by a byte 0xff, in the order of the names."""
    digest = _OFFSET
    for name in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode(), labels[name].encode()):
            digest = ((digest ^ byte) * _PRIME) & _MASK
    return f"{digest:016x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutAlert:
    """A firing or resolved alert with its external labels. Times are seconds since the epoch.

    starts_at: when it began to fire. ends_at: when it ended; None while it fires. updated_at: when it was last
    evaluated. blind_since: since when it is held only because the data that would decide about it cannot be had.
    remarks: the loud ones of a firing alert, newest last.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    updated_at: float
    generator_url: str = ""
    blind_since: float | None = None
    fingerprint: str = field(default="")
    remarks: Sequence[Remark] = ()

    def __post_init__(self) -> None:
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", fingerprint(self.labels))

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def resolved(self) -> bool:
        return self.ends_at is not None


def remark_id(fingerprint: str, remark: Remark) -> str:
    """Stands for a remark about this alert beside the fingerprints that were told; no fingerprint has a colon. A
    question that was answered is another: whoever was asked is told that nobody has to answer any more."""
    return f"{fingerprint}:{remark.id}{'?' if remark.approval else ''}"


def is_remark(told: str) -> bool:
    """Whether this is a remark, and no alert's fingerprint."""
    return ":" in told


class Reason(StrEnum):
    """Why a notice is sent, in Alertmanager's words, which has no remarks."""

    FIRST = "first notification"
    NEW = "new alerts added"
    REMARKED = "new remarks on alerts"
    SOME_RESOLVED = "some alerts resolved"
    ALL_RESOLVED = "all alerts resolved"
    REPEAT = "repeat interval elapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One group of alerts for one receiver, firing ones first. group_key: stable over restarts, in Alertmanager's
    form. at: when it was decided."""

    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    alerts: Sequence[OutAlert]
    reason: Reason
    at: float
    external_url: str = ""

    @property
    def firing(self) -> list[OutAlert]:
        return [alert for alert in self.alerts if not alert.resolved]

    @property
    def resolved(self) -> list[OutAlert]:
        return [alert for alert in self.alerts if alert.resolved]

    @property
    def news(self) -> tuple[frozenset[str], frozenset[str]]:
        """What it tells: of what fires, with its remarks, and the fingerprints of what is over."""
        return news(self.alerts)

    @property
    def status(self) -> str:
        """`firing` as long as any alert fires, else `resolved`."""
        return "firing" if self.firing else "resolved"

    @property
    def common_labels(self) -> dict[str, str]:
        """What all alerts share."""
        return _common(alert.labels for alert in self.alerts)

    @property
    def common_annotations(self) -> dict[str, str]:
        """What all alerts share."""
        return _common(alert.annotations for alert in self.alerts)


def news(alerts: Iterable[OutAlert]) -> tuple[frozenset[str], frozenset[str]]:
    """What telling of these alerts tells: of what fires, with its remarks, and the fingerprints of what is over."""
    firing: set[str] = set()
    resolved: set[str] = set()
    for alert in alerts:
        if alert.resolved:
            resolved.add(alert.fingerprint)
        else:
            firing.add(alert.fingerprint)
            firing |= {remark_id(alert.fingerprint, remark) for remark in alert.remarks}
    return frozenset(firing), frozenset(resolved)


def _common(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    each = iter(mappings)
    shared = dict(next(each, {}))
    for other in each:
        shared = {name: value for name, value in shared.items() if other.get(name) == value}
    return shared
