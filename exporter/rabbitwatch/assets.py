"""Where the shipped rules, dashboards and runbooks are: beside the source in a checkout, in the package in a wheel."""

from __future__ import annotations

from pathlib import Path

from rabbitwatch.errors import RabbitwatchError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent
_ELSEWHERE = {"runbooks": "docs/runbooks"}
"""Folders that a checkout has under another name."""


def shipped(name: str) -> Path:
    """The folder `rules`, `dashboards` or `runbooks`; raises RabbitwatchError when the installation lacks it."""
    for candidate in (_PACKAGE / "shipped" / name, _CHECKOUT / _ELSEWHERE.get(name, name)):
        if candidate.is_dir():
            return candidate
    raise RabbitwatchError(f"this installation of rabbitwatch lacks its folder {name!r}: install it again")
