"""Compiled templates: the shipped ones, the configuration's, and the macros of its files."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import FileSystemLoader, Template
from jinja2.exceptions import SecurityError

from rabbitwatch.errors import ConfigError, ConfigFileError, Place, TemplateError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.texts.media import Medium
from rabbitwatch.notify.texts.sandbox import Budget, Sandbox, budget
from rabbitwatch.notify.texts.view import NoticeView, variables, view

_FOLDER = Path(__file__).resolve().parent.parent / "templates"
_MAX_FILE = 1 << 20
_QUOTED = re.compile(r"'([^']+)'")
_OBJECT = re.compile(r"'rabbitwatch\.notify\.texts\.view\.(Alert|Notice)View object'")
_OPENING = re.compile(r"\{[{%]-?\s*")

_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template can make Jinja2 and the filters raise."""


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text, and how messages call it: the key in the configuration, or the file's path."""

    text: str
    name: str


class TextError(TemplateError):
    """file: the file that is to blame, None for the template itself. rendering: whether it compiled."""

    def __init__(
        self, message: str, line: int | None, column: int | None, *, file: str | None, rendering: bool
    ) -> None:
        super().__init__(message, line, column)
        self.file = file
        self.rendering = rendering


class Library:
    """Templates by their sources, compiled once for each medium. Safe to use from several threads.

    files: their macros are known to every template of the configuration. ConfigFileError when one cannot be used.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files, errors = [], []
        self._lock = threading.Lock()
        self._sandboxes = {medium: Sandbox(medium, FileSystemLoader(_FOLDER)) for medium in Medium}
        self._compiled: dict[tuple[Source, Medium], Template] = {}
        self._shipped: dict[str, Source] = {}
        self._last: tuple[Notice, NoticeView] | None = None
        for file in files:
            try:
                self._files.append(self._read(file))
            except ConfigError as error:
                errors.append(error)
        if errors:
            raise ConfigFileError(errors)

    def shipped(self, name: str) -> Source:
        """The shipped text of that name."""
        if name not in self._shipped:
            path = _FOLDER / f"{name}.j2"
            self._shipped[name] = Source(path.read_text(encoding="utf-8"), path.name)
        return self._shipped[name]

    def render(self, source: Source, notice: Notice, medium: Medium) -> str:
        """The text; TextError when the template cannot be compiled, fails, or takes more than the sandbox allows."""
        template = self._template(source, medium)
        known = variables(self._view(notice))
        token = budget.set(left := Budget())
        try:
            for file in self._files:
                module = self._template(file, medium).make_module(known)
                known |= {name: macro for name, macro in vars(module).items() if not name.startswith("_")}
            pieces = []
            for piece in template.generate(known):
                left.write(len(piece))
                pieces.append(piece)
        except _FAILURES as error:
            raise self._failure(error, source, rendering=True) from None
        finally:
            budget.reset(token)
        return "".join(pieces)

    def _view(self, notice: Notice) -> NoticeView:
        """A mail has three texts about one notice, which may hold thousands of alerts."""
        last = self._last
        if last is None or last[0] is not notice:
            self._last = last = (notice, view(notice))
        return last[1]

    def _read(self, file: Path) -> Source:
        try:
            if file.stat().st_size > _MAX_FILE:
                raise ConfigError(f"{file}: is larger than {_MAX_FILE >> 20} MiB: no template is that long")
            source = Source(file.read_text(encoding="utf-8"), str(file))
        except OSError as error:
            raise ConfigError(f"notify.templates: cannot read {file}: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"notify.templates: {file} is not text in UTF-8") from None
        try:
            self._template(source, Medium.PLAIN)
        except TextError as error:
            raise ConfigError(error.message, Place(str(file), error.line, error.column)) from None
        return source

    def _template(self, source: Source, medium: Medium) -> Template:
        with self._lock:
            found = self._compiled.get((source, medium))
            if found is None:
                sandbox = self._sandboxes[medium]
                try:
                    code = sandbox.compile(source.text, source.name, source.name)
                except _FAILURES as error:
                    raise self._failure(error, source, rendering=False) from None
                found = Template.from_code(sandbox, code, sandbox.make_globals(None))
                self._compiled[source, medium] = found
        return found

    def _failure(self, error: Exception, source: Source, *, rendering: bool) -> TextError:
        blamed, line = source, None
        if isinstance(error, jinja2.TemplateSyntaxError):
            line = error.lineno
        else:
            by_name = {each.name: each for each in (source, *self._files)}
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in by_name]
            if frames:
                blamed, line = by_name[frames[-1].filename], frames[-1].lineno
        message = _message(error)
        file = blamed.name if blamed is not source or source in self._files else None
        return TextError(message, line, _column(blamed.text, line, message), file=file, rendering=rendering)


def _message(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    if isinstance(error, jinja2.TemplateNotFound):
        text = f"there is no template {error.name!r} to include"
    elif isinstance(error, RecursionError):
        text = "calls itself without end"
    elif isinstance(error, (jinja2.UndefinedError, SecurityError, jinja2.TemplateSyntaxError)):
        text = _OBJECT.sub(lambda match: "an alert" if match[1] == "Alert" else "the notice", text)
    elif not isinstance(error, jinja2.TemplateError):
        text = f"{type(error).__name__}: {text}"
    return " ".join(text.split())[:300]


def _column(text: str, line: int | None, message: str) -> int | None:
    """Jinja2 knows lines only: the column of what the message quotes, or of the line's first tag."""
    lines = text.splitlines()
    if line is None or not 0 < line <= len(lines):
        return None
    for quoted in _QUOTED.findall(message):
        at = lines[line - 1].find(quoted)
        if at >= 0:
            return at + 1
    opening = _OPENING.search(lines[line - 1])
    return opening.end() + 1 if opening else None
