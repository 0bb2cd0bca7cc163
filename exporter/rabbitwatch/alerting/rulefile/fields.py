"""Strict reading of YAML mappings: unknown fields and wrong types become errors at their line and column.

Used for rule files and for rule test files, which promtool reads as strictly. Types are as lenient as Prometheus'
reader, so that the same file loads in both: any scalar is text where text is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from rabbitwatch.alerting.rulefile.findings import Finding, Level
from rabbitwatch.alerting.rulefile.names import did_you_mean
from rabbitwatch.config.durations import parse_duration
from rabbitwatch.config.yamltree import MAX_BYTES, Path, Tree, parse
from rabbitwatch.errors import ConfigError, ConfigFileError, Place


@dataclass(slots=True)
class Fields:
    """One file while it is read. findings: in the order of reading; where: what the next findings are about."""

    tree: Tree
    source: Sequence[str]
    findings: list[Finding] = field(default_factory=list)
    where: str = ""

    def error(self, path: Path, message: str, *, of_key: bool = False) -> None:
        """Tell an error at the value (or the key) of `path`."""
        self.tell(Level.ERROR, self.tree.place(path, of_key=of_key), message)

    def tell(self, level: Level, place: Place, message: str) -> None:
        """Tell a finding at a place."""
        self.findings.append(Finding(level, message, place, self.where))

    def mapping(self, path: Path, what: str, known: Sequence[str]) -> dict[str, Any]:
        """The fields of the mapping at `path`; a field that is not `known` is an error. Null counts as empty."""
        value = self.at(path)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.error(path, f"{what} must be a mapping, with fields such as {known[0]!r}")
            return {}
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known, 0.6) or f"; known here: {', '.join(known)}"
                self.error((*path, key), f"field {key} not found in {what}{hint}", of_key=True)
        return value

    def items(self, path: Path, what: str) -> Iterator[Path]:
        """The paths of the items of the list at `path`; nothing when it is absent or null."""
        value = self.at(path)
        if isinstance(value, list):
            yield from ((*path, index) for index in range(len(value)))
        elif value is not None:
            self.error(path, f"{what} must be a list: start each item with '- '")

    def text(self, path: Path) -> str:
        """The scalar at `path` as it is written; "" when absent or null."""
        value = self.at(path)
        if isinstance(value, (dict, list)):
            self.error(path, f"{path[-1]} must be text, not a {'mapping' if isinstance(value, dict) else 'list'}")
            return ""
        if value is None:
            return ""
        return value if isinstance(value, str) else self.tree.spelt.get(path, str(value))

    def texts(self, path: Path) -> dict[str, str]:
        """The mapping of names to text at `path`, such as labels."""
        value = self.at(path)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.error(path, f"{path[-1]} must be a mapping of names to text")
            return {}
        return {key: self.text((*path, key)) for key in value}

    def seconds(self, path: Path) -> float | None:
        """The duration at `path`; None when absent, null or wrong."""
        if self.at(path) is None:
            return None
        text = self.text(path)
        try:
            return parse_duration(text)
        except ValueError:
            hint = f" (a unit is missing: {text}s or {text}m?)" if text.isdecimal() else " (write it like 15s or 1h30m)"
            self.error(path, f'{path[-1]}: not a valid duration string: "{text}"{hint}')
            return None

    def count(self, path: Path) -> int:
        """The whole number at `path`, 0 or more; 0 when absent."""
        value = self.at(path)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.error(path, f"{path[-1]} must be a whole number, 0 or more")
            return 0
        return value

    def at(self, path: Path) -> Any:
        """The value at `path`, or None."""
        value = self.tree.data
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def inside(self, path: Path, line: int, column: int) -> Place:
        """Where line and column (from 1) of the text at `path` stand in the file; the text's start where unsure."""
        start = self.tree.place(path)
        if start.line is None or start.column is None or start.line > len(self.source):
            return start
        opening = self.source[start.line - 1][start.column - 1 : start.column]
        if opening == "|":
            row = start.line + line
            first = next((text for text in self.source[start.line :] if text.strip()), "")
            indent = len(first) - len(first.lstrip(" "))
            return Place(start.file, row, indent + column) if row <= len(self.source) else start
        if line == 1 and opening != ">" and column <= len(self.source[start.line - 1]):
            return Place(start.file, start.line, start.column + column - 1 + (opening in "'\""))
        return start


def read_file(file: File) -> Fields:
    """The fields of a YAML file. What cannot be read or is no YAML is an error at its place, with data None."""
    name = str(file)
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        return _unreadable(name, f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        return _unreadable(name, f"is not UTF-8 text (byte {error.start + 1})")
    if len(raw) > MAX_BYTES:
        return _unreadable(name, f"is larger than {MAX_BYTES >> 20} MiB")
    return read_text(text, name)


def read_text(text: str, name: str) -> Fields:
    """The fields of YAML text; `name` stands for the file in places."""
    try:
        tree = parse(text, name)
    except ConfigFileError as error:
        return Fields(Tree(name), (), [_finding(each, name) for each in error.errors])
    return Fields(tree, text.splitlines(), [_finding(each, name) for each in tree.problems])


def _finding(error: ConfigError, name: str) -> Finding:
    return Finding(Level.ERROR, error.message, error.place or Place(name))


def _unreadable(name: str, message: str) -> Fields:
    return Fields(Tree(name), (), [Finding(Level.ERROR, message, Place(name))])
