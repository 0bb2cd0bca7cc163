"""The last line of defence against secrets in what the program prints: known values, and shapes that hold one.

Whoever makes a message keeps secrets out of it; this catches what a library or a broker's answer brings in.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

HIDDEN = "<secret>"
_SHORTEST = 4
_WELL_KNOWN = frozenset({"guest"})  # RabbitMQ's default password is the default user's name, and no secret

_SHAPES = (
    (re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer)\s+)[^\s'\",]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
)


class Redactor:
    """Replaces secrets in text. One instance serves the whole process; `know` may be called at any time."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: re.Pattern[str] | None = None
        self.know(secrets)

    def know(self, secrets: Iterable[str]) -> None:
        """The secrets from now on, instead of those before. Very short ones are left out: they would hide words."""
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= _SHORTEST and secret not in _WELL_KNOWN
            for spelling in (secret, repr(secret)[1:-1], base64.b64encode(secret.encode()).decode())
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text
