"""From pydantic's findings to lines that a person can act on: the place, the key, the nearest known key.

No line repeats a value that the file gave, because it may be a secret in the wrong place; the models' own messages
quote what they refuse where that is safe.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rabbitwatch.config.yamltree import Path, Tree, spell
from rabbitwatch.errors import ConfigError

_SAID = {
    "path_type": "must be the path of a file",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}


class KeyedError(ValueError):
    """Raised by a validator of a whole section or list to say which of its keys or entries is to blame."""

    def __init__(self, key: str | int, message: str) -> None:
        super().__init__(message)
        self.key = key


def problems(error: ValidationError, model: type[BaseModel], tree: Tree) -> Iterator[ConfigError]:
    """One ConfigError for each finding that the tree has not reported itself."""
    for detail in error.errors(include_url=False):
        loc = _path(detail, tree)
        if any(loc[: len(spoilt)] == spoilt for spoilt in tree.spoilt):
            continue
        if detail["type"] == "too_short" and detail["input"]:
            continue  # its entries are wrong, each with a line of its own; pydantic counts the good ones only
        if detail["type"] == "extra_forbidden":
            yield located(tree, loc[:-1], _unknown_key(str(loc[-1]), loc[:-1], model), at=loc, of_key=True)
        elif detail["type"] == "missing":
            yield located(tree, loc[:-1], f"lacks the key {loc[-1]!r}")
        elif detail["input"] is None:
            yield located(tree, loc, "has no value: give one, or remove the key", of_key=True)
        else:
            yield located(tree, loc, _said(detail))


def located(tree: Tree, path: Path, message: str, *, at: Path | None = None, of_key: bool = False) -> ConfigError:
    """The error for what stands at `path`; `at` where the finger points elsewhere than at the value itself."""
    text = f"{spell(path)}: {message}" if path else message
    return ConfigError(text, tree.place(path if at is None else at, of_key=of_key))


def _path(detail: ErrorDetails, tree: Tree) -> Path:
    """pydantic's location without the steps that are not in the file (such as the members of a union)."""
    path: Path = ()
    last = len(detail["loc"]) - 1
    for index, step in enumerate(detail["loc"]):
        absent = detail["type"] in {"missing", "extra_forbidden"} and index == last
        if (*path, step) in tree.values or absent:
            path = (*path, step)
    cause = detail.get("ctx", {}).get("error")
    return (*path, cause.key) if isinstance(cause, KeyedError) else path


def _said(detail: ErrorDetails) -> str:
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error" | "enum":
            return f"must be {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "greater_than":
            return f"must be more than {context['gt']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "too_short":
            return "must not be empty"
        case "string_type":
            container = isinstance(detail["input"], (list, dict))
            return "must be text, not a list or a mapping" if container else "must be text: put it in quotes"
        case kind:
            text = detail["msg"]
            return _SAID.get(kind, text[:1].lower() + text[1:])


def _unknown_key(key: str, path: Path, model: type[BaseModel]) -> str:
    section = _model_at(model, path)
    known = sorted(_keys(section)) if section else []
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    elsewhere: dict[str, Path] = {}
    for found in sorted(_everywhere(model), key=len):
        elsewhere.setdefault(str(found[-1]), found)
    nearer = difflib.get_close_matches(key, elsewhere, n=1, cutoff=0.8)
    if near and (not nearer or _likeness(key, near[0]) >= _likeness(key, nearer[0])):
        return f"unknown key {key!r}, did you mean {near[0]!r}?"
    if nearer:
        home = spell(elsewhere[nearer[0]][:-1]) or "the top of the file"
        meant = "" if nearer[0] == key else f", did you mean {nearer[0]!r}"
        return f"unknown key {key!r} here{meant}: it belongs to {home}"
    return f"unknown key {key!r}; known here: {', '.join(known)}"


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield info.alias or name


def _annotation(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if key in (info.alias, name):
            return info.annotation
    return None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's annotation mentions: itself, in a list, as a mapping's values, in a union."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models(argument)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the section at `path`; steps into lists do not change the model."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, str) and current is not None:
            annotation = _annotation(current, step)
            if annotation is not None:
                current = next(_models(annotation), None)
    return current


def _everywhere(
    model: type[BaseModel], path: Path = (), above: frozenset[type[BaseModel]] = frozenset()
) -> Iterator[Path]:
    """Every key of every section, to say where a misplaced key belongs. A section that holds itself, such as a route,
    is entered once."""
    for key in _keys(model):
        yield (*path, key)
        for inner in _models(_annotation(model, key)):
            if inner not in above | {model}:
                yield from _everywhere(inner, (*path, key), above | {model})
