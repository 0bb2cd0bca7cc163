"""What a broker version has and has not: the one place where rabbitwatch gates by version."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RELEASE = re.compile(r"(\d+)\.(\d+)", re.ASCII)

_MIRRORING_GONE = (4, 0)
_OPERATOR_MIRRORS_REFUSED = (3, 10)
_KHEPRI_FIRST = (3, 13)
_KHEPRI_ONLY = (4, 3)

SYNC_CRITICAL_CHECK = "if_node_is_mirror_sync_critical"


def release(version: str | None) -> tuple[int, int] | None:
    """(major, minor) of `3.10.8`, `4.0.0-rc.1` and the like; None for anything else."""
    match = _RELEASE.match(version or "")
    return (int(match[1]), int(match[2])) if match else None


def _agreed(verdicts: Iterable[bool | None]) -> bool | None:
    """The common verdict; None when there is none, or when nodes differ, as during a rolling upgrade."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else None


def has_mirroring(versions: Iterable[str]) -> bool | None:
    """Do these versions mirror classic queues (up to 3.13)?"""
    return _agreed(None if (r := release(v)) is None else r < _MIRRORING_GONE for v in versions)


def mirrors_by_operator(versions: Iterable[str]) -> bool | None:
    """Do operator policies take ha-* keys? Measured: 3.10.8 refuses them (`not recognised`); later 3.x were not run, so
    None; from 4.0 on nothing takes them."""
    return _agreed(_operator_mirrors(release(version)) for version in versions)


def _operator_mirrors(known: tuple[int, int] | None) -> bool | None:
    if known is None or _OPERATOR_MIRRORS_REFUSED < known < _MIRRORING_GONE:
        return None
    return False


def keeps_mnesia(versions: Iterable[str]) -> bool | None:
    """Is the metadata store Mnesia by version alone? From 3.13 to 4.2 it may be either, so None."""
    return _agreed(_mnesia(release(version)) for version in versions)


def _mnesia(known: tuple[int, int] | None) -> bool | None:
    if known is None or _KHEPRI_FIRST <= known < _KHEPRI_ONLY:
        return None
    return known < _KHEPRI_FIRST


def means_something(check: str, version: str | None) -> bool:
    """Does this health check say anything on this version? The mirror check passes on every 4.x without looking."""
    if check != SYNC_CRITICAL_CHECK:
        return True
    known = release(version)
    return known is not None and known < _MIRRORING_GONE
