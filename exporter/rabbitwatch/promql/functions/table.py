"""Every function, by how it is evaluated. A new one is one line in one of these tables."""

from __future__ import annotations

from rabbitwatch.promql.functions.calls import CALLS
from rabbitwatch.promql.functions.elementwise import PLAIN
from rabbitwatch.promql.functions.ranges import RANGE_FUNCTIONS

SUPPORTED = frozenset({*PLAIN, *RANGE_FUNCTIONS, *CALLS})
NATIVE_HISTOGRAMS_ONLY = frozenset(
    {"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"}
)


def is_supported(name: str) -> bool:
    """Whether the engine has the function."""
    return name in SUPPORTED


def why_not(name: str) -> str:
    """Why a function that the parser knows is refused."""
    if name in NATIVE_HISTOGRAMS_ONLY:
        return f"{name}() works on native histograms, which this engine does not have; classic ones are supported"
    if name == "histogram_quantiles":
        return "histogram_quantiles() is not supported: ask histogram_quantile() once for each quantile"
    if name == "info":
        return "info() is not supported: join the labels with `* on (...) group_left (...)` instead"
    return f"unknown function with name {name!r}"
