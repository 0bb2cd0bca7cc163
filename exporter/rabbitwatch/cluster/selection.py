"""Which names the configuration includes: RE2 regexes, anchored, with a memory of verdicts."""

from __future__ import annotations

from functools import lru_cache

import re2

from rabbitwatch.config.selection import Selection

_REMEMBERED = 500_000


class Chooser:
    """Decides by name, and asks the regexes once per name: the names of a cluster hardly change between polls."""

    def __init__(self, include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        self._include = None if ".*" in include else _any_of(include)
        self._exclude = _any_of(exclude) if exclude else None
        self._verdicts: dict[str, bool] = {}
        self.everything = self._include is None and self._exclude is None

    def keeps(self, name: str) -> bool:
        """Does one of `include` match the whole name, and none of `exclude`?"""
        verdict = self._verdicts.get(name)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[name] = self._decide(name)
        return verdict

    def _decide(self, name: str) -> bool:
        text = name.encode("utf-8", "replace")  # a lone surrogate has no bytes of its own
        if self._include is not None and not self._include.fullmatch(text):
            return False
        return self._exclude is None or not self._exclude.fullmatch(text)


def _any_of(patterns: tuple[str, ...]) -> re2._Regexp:
    # as in Prometheus, a dot also matches a newline, which a queue's name may hold
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re2.compile(f"(?s:{joined})".encode())


@lru_cache(maxsize=64)
def _remembered(include: tuple[str, ...], exclude: tuple[str, ...]) -> Chooser:
    return Chooser(include, exclude)


def chooser(selection: Selection) -> Chooser:
    """The chooser of a selection; the same one for the same patterns, so that verdicts outlive a poll."""
    return _remembered(selection.include, selection.exclude)
