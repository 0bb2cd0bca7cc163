"""Every error that rabbitwatch raises on purpose, as one tree.

    RabbitwatchError             one readable line: the place and the remedy
    ├── ConfigError              the configuration file (or web.yml) cannot be used
    │   └── ConfigFileError      all that is wrong with one file, one line each
    ├── CallError                a broker, a command or a file did not answer as it should
    │   └── UnsentError              the request surely never reached anybody
    ├── RuleError                a rule file or an expression cannot be used
    │   └── QueryError           an expression failed, or asked for more than the limits allow
    ├── TemplateError            a template cannot be used, or failed while it was rendered
    ├── StorageError             the agent's own database cannot be used
    ├── SilenceError             a silence was refused
    │   └── SilenceNotFoundError     there is none of that id
    ├── DeliveryError            a notice did not reach its receiver
    └── ActionError              a repair was asked for that cannot be: an unknown cluster, nobody to act as

No message holds a secret: whoever raises has redacted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class RabbitwatchError(Exception):
    """The root; its text is one line that a person can act on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something is wrong; lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


class ConfigError(RabbitwatchError):
    """The configuration cannot be used; the text starts with the place, where one is known."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class ConfigFileError(ConfigError):
    """Everything that is wrong with one file, in the order of its lines; the text has one line for each."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class CallFailure(StrEnum):
    """Why a call has no answer; these are also the values of `rabbitwatch_node_poll_state`."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNAUTHORISED = "unauthorised"
    ERROR = "error"


class CallError(RabbitwatchError):
    """A call to a broker, a command or a file gave no usable answer."""

    def __init__(self, kind: CallFailure, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class UnsentError(CallError):
    """No connection came about, so nobody heard the request: nothing can have come of it."""


class RuleError(RabbitwatchError):
    """A rule file or an expression cannot be used; the text starts with the place, where one is known."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class QueryError(RuleError):
    """An expression failed while it was evaluated, or asked for more than the limits allow."""


class TemplateError(RabbitwatchError):
    """A template cannot be used, or failed while it was rendered.

    line and column count from 1 inside the template's own text, where the place is known.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class StorageError(RabbitwatchError):
    """The agent's own database cannot be used."""


class SilenceError(RabbitwatchError):
    """A silence cannot be made or changed as somebody asked; nothing was changed."""


class SilenceNotFoundError(SilenceError):
    """There is no silence of that id, or none any more."""


class DeliveryError(RabbitwatchError):
    """A notice was not delivered by this attempt.

    permanent: trying the same again will not help (a wrong token, an unknown channel). retry_after: seconds to wait
    before the next attempt, where the other side said so.
    """

    def __init__(self, reason: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after


class ActionError(RabbitwatchError):
    """A repair was asked for that cannot be; nothing was done."""
