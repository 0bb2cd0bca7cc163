"""What is wrong with a rule file: findings with a place, and the error that carries all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.errors import Place, RuleError


class Level(StrEnum):
    """ERROR: the file is refused. WARNING: it works, but hardly as meant. NOTE: only told by `check rules`."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell about a rule file; `where` says in which group and rule, in promtool's words."""

    level: Level
    message: str
    place: Place
    where: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.where}: {self.message}" if self.where else f"{self.place}: {self.message}"


class RuleFileError(RuleError):
    """Rule files that cannot be used; the text has one line for each error, in the order of the lines."""

    def __init__(self, errors: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Those that make a file unusable."""
    return [finding for finding in findings if finding.level is Level.ERROR]


def by_place(findings: Iterable[Finding]) -> list[Finding]:
    """In the order of a reader: by file, line and column."""
    return sorted(findings, key=lambda f: (f.place.file, f.place.line or 0, f.place.column or 0))
