"""Which firing alerts lead to which repairs: pure, from the alerts as they leave the program and the bindings.

What a repair is about is told by the alert's labels `cluster`, `vhost`, `queue` and `policy`. An alert without a
cluster that is watched leads nowhere, whatever binding fits it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rabbitwatch.config.actions import BindingConfig
from rabbitwatch.config.matchers import match_all
from rabbitwatch.model.action import Cause, Target
from rabbitwatch.model.notice import OutAlert

RULE = "rule"
ALERTMANAGER = "alertmanager"

_ABOUT = ("vhost", "queue", "policy")

Key = tuple[int, str]
"""Of a binding and an alert: the binding's place in the list, and the fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A firing alert, a binding that fits it, and what a repair would be about. index: of the binding."""

    index: int
    binding: BindingConfig
    alert: OutAlert
    target: Target
    cause: Cause

    @property
    def key(self) -> Key:
        return self.index, self.alert.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Astray:
    """A firing alert that a binding fits, and that names no cluster which is watched."""

    index: int
    alert: OutAlert
    cause: Cause
    why: str

    @property
    def key(self) -> Key:
        return self.index, self.alert.fingerprint


def fitting(bindings: Sequence[BindingConfig], alert: OutAlert) -> Iterator[tuple[int, BindingConfig]]:
    """Bindings that fit the alert, the first one and those that `continue` leads to. One that is off decides too."""
    for index, binding in enumerate(bindings):
        if match_all(binding.matchers, alert.labels):
            yield index, binding
            if not binding.continue_:
                return


def bound(
    alerts: Iterable[OutAlert], bindings: Sequence[BindingConfig], clusters: Collection[str], source: str
) -> tuple[list[Bound], list[Astray]]:
    """What the firing ones of these alerts lead to, in their order. clusters: names of those that are watched."""
    found: list[Bound] = []
    astray: list[Astray] = []
    for alert in alerts:
        if alert.resolved:
            continue
        for index, binding in fitting(bindings, alert):
            if binding.mode == "off":
                continue
            cause = cause_of(alert, source)
            why = _why_astray(alert, clusters)
            if why:
                astray.append(Astray(index=index, alert=alert, cause=cause, why=why))
            else:
                found.append(Bound(index=index, binding=binding, alert=alert, target=target_of(alert), cause=cause))
    return found, astray


def target_of(alert: OutAlert) -> Target:
    """What the alert is about, by its labels."""
    return Target(alert.labels.get("cluster", ""), **{name: alert.labels.get(name, "") for name in _ABOUT})


def cause_of(alert: OutAlert, source: str) -> Cause:
    """The alert as the cause of a repair."""
    return Cause(source=source, alert=alert.name, fingerprint=alert.fingerprint, labels=alert.labels)


def _why_astray(alert: OutAlert, clusters: Collection[str]) -> str:
    cluster = alert.labels.get("cluster", "")
    if not cluster:
        return "the alert has no label cluster, so nothing says which cluster to repair"
    if cluster not in clusters:
        known = ", ".join(sorted(clusters)) or "none yet"
        return f"the alert is about cluster {cluster!r}, which this agent does not watch; it watches {known}"
    return ""
