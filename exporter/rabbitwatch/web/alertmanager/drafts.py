"""The body of POST /silences, read and refused as Alertmanager does."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.model.silence import SilenceDraft
from rabbitwatch.web.alertmanager.reply import MISSING, TOO_FEW, RefusedError, coded


class _PostedMatcher(msgspec.Struct, rename="camel"):
    name: str | None = None
    value: str | None = None
    is_regex: bool | None = None
    is_equal: bool = True


class _Posted(msgspec.Struct, rename="camel"):
    """postableSilence; what it lacks is None."""

    id: str = ""
    comment: str | None = None
    created_by: str | None = None
    ends_at: str | None = None
    matchers: list[_PostedMatcher] | None = None
    starts_at: str | None = None
    annotations: dict[str, str] | None = None


_decode = msgspec.json.Decoder(_Posted).decode
OPERATORS = {
    (False, True): Operator.EQUAL,
    (False, False): Operator.NOT_EQUAL,
    (True, True): Operator.MATCHES,
    (True, False): Operator.NOT_MATCHES,
}
"""By isRegex and isEqual."""


def read(body: bytes) -> SilenceDraft:
    """What is asked for; RefusedError where the body says it wrongly."""
    if not body:
        raise coded(422, "silence in body is required", MISSING)
    try:
        posted = _decode(body)
        return SilenceDraft(
            id=posted.id,
            comment=_given(posted.comment, "comment"),
            created_by=_given(posted.created_by, "createdBy"),
            ends_at=_time(_given(posted.ends_at, "endsAt")),
            matchers=_matchers(posted.matchers),
            starts_at=_time(_given(posted.starts_at, "startsAt")),
            annotations=posted.annotations or {},
        )
    except (ValueError, RecursionError) as error:  # msgspec's errors are among them
        raise coded(400, f'parsing silence body from "" failed, because {error}') from None


def _matchers(posted: list[_PostedMatcher] | None) -> tuple[Matcher, ...]:
    if posted is None:
        raise coded(422, "matchers in body is required", MISSING)
    if not posted:
        raise coded(422, "matchers in body should have at least 1 items", TOO_FEW)
    return tuple(_matcher(index, each) for index, each in enumerate(posted))


def _matcher(index: int, posted: _PostedMatcher) -> Matcher:
    if posted.is_regex is None:
        raise coded(422, f"matchers.{index}.isRegex in body is required", MISSING)
    name = _given(posted.name, f"matchers.{index}.name")
    value = _given(posted.value, f"matchers.{index}.value")
    try:
        return Matcher(name, OPERATORS[posted.is_regex, posted.is_equal], value)
    except ValueError as error:
        raise RefusedError(400, f"silence invalid: invalid label matcher {index}: {error}") from None


def _given(value: str | None, name: str) -> str:
    if value is None:
        raise coded(422, f"{name} in body is required", MISSING)
    return value


def _time(text: str) -> float:
    """Seconds since the epoch; ValueError where it is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'parsing time "{text}": write it like 2026-05-01T12:00:00Z') from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
