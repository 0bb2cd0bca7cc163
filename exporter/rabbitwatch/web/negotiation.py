"""What a client accepts, from its headers: which exposition format, and whether gzip."""

from __future__ import annotations

from collections.abc import Iterator

_OPENMETRICS = "application/openmetrics-text"
_OPENMETRICS_VERSIONS = {"", "0.0.1", "1.0.0"}


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics, in a version that is served, is preferred to the text format, as Prometheus asks.

    A client that names neither, or accepts anything, gets the text format.
    """
    openmetrics = text = 0.0
    for media, parameters, weight in _weighted(accept):
        if media == _OPENMETRICS and parameters.get("version", "") in _OPENMETRICS_VERSIONS:
            openmetrics = max(openmetrics, weight)
        elif media == "text/plain" and parameters.get("version", "0.0.4") == "0.0.4":
            text = max(text, weight)
    return openmetrics > 0 and openmetrics >= text


def wants_gzip(accept_encoding: str) -> bool:
    """Whether the client reads gzip; `gzip;q=0` says that it does not."""
    weights = {coding: weight for coding, _, weight in _weighted(accept_encoding)}
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weighted(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for part in header.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        if not name:
            continue
        parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        yield name, parameters, _weight(parameters.pop("q", "1"))


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
