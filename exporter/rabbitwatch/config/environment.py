"""`${NAME}` and `${NAME:-default}` in the values of the configuration file."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?"
_REFERENCE = re.compile(rf"\$(?:(?P<dollar>\$)|\{{{_NAME}\}}|(?P<bad>\{{))")


def expand(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its references filled in; `$$` gives one dollar, and any other lone dollar stays as it is.

    An empty variable counts as set, but `${NAME:-default}` prefers the default to it, as a shell does. ValueError
    when a variable without a default is not set, or when a reference is malformed; the message holds no value.
    """

    def fill(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["bad"]:
            raise ValueError("'${' starts no variable reference: write ${NAME} or ${NAME:-default}, or $${ for itself")
        name, default = match["name"], match["default"]
        if default is not None:
            return environment.get(name) or default
        if name not in environment:
            raise ValueError(f"the environment variable {name} is not set: set it, or write ${{{name}:-default}}")
        return environment[name]

    return _REFERENCE.sub(fill, text)
