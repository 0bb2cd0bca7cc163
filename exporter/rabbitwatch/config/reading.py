"""From the text of one YAML file to one checked model; both configuration files are read by this."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rabbitwatch.config.finishing import finish
from rabbitwatch.config.problems import problems
from rabbitwatch.config.yamltree import MAX_BYTES, Tree, parse
from rabbitwatch.errors import ConfigError, ConfigFileError, Place

M = TypeVar("M", bound=BaseModel)


def read(path: Path, model: type[M], *, expand: Callable[[str], str] = str) -> tuple[M, Tree]:
    """The checked model of the file at `path`, and the tree that knows its places.

    An empty file is a model of defaults. Raises ConfigFileError with everything that is wrong, by line. `expand` is
    applied to every text value.
    """
    tree = parse(_text(path), str(path), expand=expand)
    if tree.data is not None and not isinstance(tree.data, dict):
        known = ", ".join(model.model_fields)
        raise ConfigFileError([ConfigError(f"must be a mapping with the keys {known}", tree.place(()))])
    found = list(tree.problems)
    loaded: M | None = None
    try:
        loaded = model.model_validate({} if tree.data is None else tree.data)
    except ValidationError as error:
        found += problems(error, model, tree)
    if loaded is not None:
        loaded = finish(loaded, path.absolute().parent, tree, found.append)
    raise_all(found)
    if loaded is None:  # every finding of the model was about a value that the tree had reported: cannot be empty
        raise ConfigFileError([ConfigError("cannot be used", Place(str(path)))])
    return loaded, tree


def raise_all(found: list[ConfigError]) -> None:
    """Raises ConfigFileError, first lines first and no line twice, unless there is nothing to say."""
    if found:
        unique = {str(error): error for error in found}
        raise ConfigFileError(sorted(unique.values(), key=_position))


def _position(error: ConfigError) -> tuple[int, int]:
    place = error.place
    return (place.line or 0, place.column or 0) if place else (0, 0)


def _text(path: Path) -> str:
    place = Place(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ConfigFileError([ConfigError("is a folder, not a file", place)])
        if status.st_size > MAX_BYTES:
            raise ConfigFileError(
                [ConfigError(f"has more than {MAX_BYTES >> 20} MiB: this is no configuration", place)]
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigFileError([ConfigError(f"cannot be read: {error.strerror or error}", place)]) from None
    except UnicodeDecodeError as error:
        raise ConfigFileError([ConfigError(f"is not text in UTF-8 (byte {error.start})", place)]) from None
