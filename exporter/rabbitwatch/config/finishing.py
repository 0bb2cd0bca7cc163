"""What remains to be done once a file has its shape: secrets are read from files, relative paths become absolute.

Both rules hold for every section alike, so that no model has to repeat them: a secret `password` can be given as
`password_file`, and a relative path counts from the folder of the configuration file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr

from rabbitwatch.config.problems import located
from rabbitwatch.config.receivers import STANDARD_OUTPUT, HttpAuth
from rabbitwatch.config.yamltree import Path as Where
from rabbitwatch.config.yamltree import Tree
from rabbitwatch.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

_SEPARATORS = re.compile(r"[/@:?&=#]")
_TOKEN_LENGTH = 16
_TELLING = re.compile("auth|token|key|secret|cookie|password", re.IGNORECASE)
"""Names of headers whose values are secrets."""

Report = Callable[[ConfigError], None]


def finish(model: M, folder: Path, tree: Tree, report: Report) -> M:
    """`model` with its paths absolute and its secrets read; what goes wrong is reported, never raised."""
    return _Finisher(folder, tree, report).model(model, ())


def secrets(value: object) -> Iterator[str]:
    """Every secret that a configuration holds, wherever it stands: for the logs' last line of defence. Of a secret
    address its tokens too, because a library may log the address in another form."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
        yield from _tokens(value.get_secret_value())
    elif isinstance(value, BaseModel):
        if isinstance(value, HttpAuth):
            yield from (text for name, text in value.headers.items() if _TELLING.search(name))
        for name in type(value).model_fields:
            yield from secrets(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from secrets(item)


def _tokens(text: str) -> Iterator[str]:
    """The parts of an address that nobody writes by hand: long, with a digit; not its host."""
    _, colon, rest = text.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2] if text.startswith("http") else ""
    for part in _SEPARATORS.split(rest if colon else ""):
        if len(part) >= _TOKEN_LENGTH and any(c.isdigit() for c in part) and part not in host:
            yield part


class _Finisher:
    def __init__(self, folder: Path, tree: Tree, report: Report) -> None:
        self._folder = folder
        self._tree = tree
        self._report = report

    def model(self, model: M, at: Where) -> M:
        changes: dict[str, Any] = {}
        for name in type(model).model_fields:
            old = getattr(model, name)
            new = self._value(old, (*at, name))
            if new is not old:
                changes[name] = new
        finished = model.model_copy(update=changes) if changes else model
        return self._with_secrets(finished, at)

    def _value(self, value: Any, at: Where) -> Any:
        if isinstance(value, BaseModel):
            return self.model(value, at)
        if isinstance(value, Path):
            return value if value.is_absolute() or value == STANDARD_OUTPUT else self._folder / value
        if isinstance(value, tuple):
            new = tuple(self._value(item, (*at, index)) for index, item in enumerate(value))
            return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
        return value

    def _with_secrets(self, model: M, at: Where) -> M:
        found: dict[str, SecretStr] = {}
        for name, info in type(model).model_fields.items():
            file = getattr(model, f"{name}_file", None)
            if not isinstance(file, Path) or SecretStr not in {info.annotation, *get_args(info.annotation)}:
                continue
            if {name, f"{name}_file"} <= model.model_fields_set:
                self._report(located(self._tree, at, f"{name} and {name}_file are both given: keep one"))
                continue
            secret = self._read(file, (*at, f"{name}_file"))
            if secret is not None:
                found[name] = SecretStr(secret)
        return model.model_copy(update=found) if found else model

    def _read(self, file: Path, at: Where) -> str | None:
        try:
            text = file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            self._report(located(self._tree, at, f"cannot read {file}: {error.strerror or error}"))
            return None
        except UnicodeDecodeError:
            self._report(located(self._tree, at, f"{file} is not text in UTF-8"))
            return None
        if not text:
            self._report(located(self._tree, at, f"{file} is empty"))
            return None
        return text
