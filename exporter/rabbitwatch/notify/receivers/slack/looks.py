"""What a severity and a state look like: a symbol of its own shape, a word and a colour, so that no one of them is
needed to tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rabbitwatch.model.notice import Notice, OutAlert


@dataclass(frozen=True, slots=True)
class Look:
    """symbol: an emoji character. colour: of the bar beside the message. rank: the higher, the worse."""

    symbol: str
    word: str
    colour: str
    rank: int


CRITICAL = Look("\N{POLICE CARS REVOLVING LIGHT}", "CRITICAL", "#b3261e", 3)
WARNING = Look("\N{WARNING SIGN}\ufe0f", "WARNING", "#e69f00", 2)
INFO = Look("\N{INFORMATION SOURCE}\ufe0f", "INFO", "#0072b2", 1)
FIRING = Look("\N{BELL}", "FIRING", "#6b7280", 0)
RESOLVED = Look("\N{WHITE HEAVY CHECK MARK}", "RESOLVED", "#009e73", -1)
SILENCED = Look("\N{BELL WITH CANCELLATION STROKE}", "SILENCED", "#9ca3af", -1)
ACTION = Look("\N{HAMMER AND WRENCH}\ufe0f", "Action", "#0072b2", -1)
WAITING = Look("\N{RAISED HAND}", "Waits for an approval", "#0072b2", -1)
REFUSED = Look("\N{NO ENTRY SIGN}", "Refused", "#b3261e", -1)
BLIND = "\N{BLACK QUESTION MARK ORNAMENT}"
"""Before what is held only because nobody can see."""

_BY_SEVERITY = {
    "critical": CRITICAL,
    "error": CRITICAL,
    "major": CRITICAL,
    "page": CRITICAL,
    "warning": WARNING,
    "minor": WARNING,
    "info": INFO,
    "none": FIRING,
}


def of_alert(alert: OutAlert) -> Look:
    """By its end and its label `severity`; an unknown severity is neither a bad nor a good one."""
    if alert.resolved:
        return RESOLVED
    return _BY_SEVERITY.get(alert.labels.get("severity", "").lower(), FIRING)


def worst(alerts: Iterable[OutAlert]) -> Look:
    """Of several alerts; RESOLVED of none."""
    return max((of_alert(alert) for alert in alerts), key=lambda look: look.rank, default=RESOLVED)


def of_notice(notice: Notice) -> Look:
    """By the worst alert that fires."""
    return worst(notice.firing)
