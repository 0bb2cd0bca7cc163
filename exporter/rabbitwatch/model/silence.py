"""A silence: what a person wants to hear nothing about for a while. The noun and its states are Alertmanager's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rabbitwatch.config.matchers import Matcher, Matchers, Operator, match_all

LATEST = 253_370_764_800.0
"""The beginning of the year 9999: what is later cannot be written everywhere."""


class SilenceState(StrEnum):
    """Whether it has begun and not ended, in Alertmanager's words."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDraft:
    """What somebody asks for. id: of the silence to change; empty for a new one. Times are seconds since the epoch; a
    start in the past means now."""

    matchers: Matchers
    starts_at: float
    ends_at: float
    created_by: str
    comment: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What was granted. Under one id the matchers never change. updated_at: when it was last changed, by which the
    two agents of a pair tell which of two versions is the newer."""

    id: str
    matchers: Matchers
    starts_at: float
    ends_at: float
    created_by: str
    comment: str
    updated_at: float
    annotations: Mapping[str, str] = field(default_factory=dict)

    def state(self, now: float) -> SilenceState:
        """Active from its start on, and no more at its end."""
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if now >= self.starts_at else SilenceState.PENDING

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it is about an alert with these labels, at any time."""
        return match_all(self.matchers, labels)

    def record(self) -> dict[str, Any]:
        """As plain values: for the database and for the peer. `of_record` reads it back."""
        return {
            "id": self.id,
            "matchers": [[matcher.name, matcher.operator.value, matcher.value] for matcher in self.matchers],
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "created_by": self.created_by,
            "comment": self.comment,
            "updated_at": self.updated_at,
            "annotations": dict(self.annotations),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Silence:
        """From what `record` has made, perhaps in a later version: keys it does not know are left out. ValueError where
        it is none."""
        try:
            return cls(
                id=_text(record["id"]),
                matchers=tuple(Matcher(_text(n), Operator(op), _text(v)) for n, op, v in record["matchers"]),
                starts_at=_time(record["starts_at"]),
                ends_at=_time(record["ends_at"]),
                created_by=_text(record["created_by"]),
                comment=_text(record["comment"]),
                updated_at=_time(record["updated_at"]),
                annotations={_text(n): _text(v) for n, v in record.get("annotations", {}).items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no record of a silence: {error!r}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _time(value: Any) -> float:
    if not 0 <= float(value) <= LATEST:
        raise ValueError(f"{value!r} is no time that a silence can have")
    return float(value)
