"""Regexes in the configuration: RE2, as in Prometheus, and always anchored at both ends."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import re2
from pydantic import AfterValidator

_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 writes to stderr itself otherwise


@lru_cache(maxsize=10_000)
def compiled(text: str) -> Any:
    """The regex, whose `fullmatch` is the anchored match; ValueError with RE2's reason where it is none."""
    try:
        return re2.compile(text, options=_QUIET)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        readable = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{text!r} is no RE2 regex: {readable}") from None


def _checked(text: str) -> str:
    compiled(text)
    return text


Pattern = Annotated[str, AfterValidator(_checked)]
