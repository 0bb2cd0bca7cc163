"""What is known of a value before the template runs, and what the check found."""

from __future__ import annotations

from dataclasses import dataclass, field

from rabbitwatch.alerting.templates.values import GoType


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a value.

    kind: its type, None if that shows only at run time. constant: its value where the text says it (None: unknown;
    only strings and numbers are kept). shape: a string that printf builds, with 1 for what is filled in.
    own: the alert's data or its labels, not a sample's.
    """

    kind: GoType | None = None
    constant: str | float | None = None
    shape: str | None = None
    own: bool = False


UNKNOWN = Fact()
DATA = Fact(GoType.DATA, own=True)

Position = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(slots=True)
class Findings:
    """What a template refers to, each with the first place, and what it does that is no error but no good either."""

    labels: dict[str, Position] = field(default_factory=dict)
    queries: dict[str, Position] = field(default_factory=dict)
    shapes: dict[str, Position] = field(default_factory=dict)
    unknown_query: bool = False
    warnings: list[tuple[Position, str]] = field(default_factory=list)
