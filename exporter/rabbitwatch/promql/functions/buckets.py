"""Classic histograms: quantiles and fractions over rows that differ in `le`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rabbitwatch.promql.labels import LabelSet, quote
from rabbitwatch.promql.sums import INF, NAN
from rabbitwatch.promql.values import Notes, Vector

_TOLERANCE = 1e-12
_MINIMUM_NORMAL = 2.2250738585072014e-308


@dataclass(slots=True)
class Bucket:
    """How many observations are at most `bound`."""

    bound: float
    count: float


def histograms(vector: Vector, notes: Notes) -> dict[LabelSet, tuple[str, list[Bucket]]]:
    """Buckets, ascending and one a bound, by the labels without `le`; each with its metric's name."""
    found: dict[LabelSet, tuple[str, list[Bucket]]] = {}
    for labels, value in zip(vector.labels, vector.values, strict=True):
        text = labels.get("le")
        try:
            bound = float(text)
        except ValueError:
            notes.warn(f'bucket label "le" is missing or has a malformed value of {quote(text)}')
            continue
        found.setdefault(labels.drop(("le",)), (labels.name, []))[1].append(Bucket(bound, value))
    return {labels: (name, _coalesce(buckets)) for labels, (name, buckets) in found.items()}


def _coalesce(buckets: Iterable[Bucket]) -> list[Bucket]:
    result: list[Bucket] = []
    for bucket in sorted(buckets, key=lambda b: b.bound):
        if result and result[-1].bound == bucket.bound:
            result[-1].count += bucket.count
        else:
            result.append(bucket)
    return result


def _almost_equal(a: float, b: float) -> bool:
    both = abs(a) + abs(b)
    difference = abs(a - b)
    if a == 0 or b == 0 or both < _MINIMUM_NORMAL:
        return difference < _TOLERANCE * _MINIMUM_NORMAL
    return difference / min(both, 1.7976931348623157e308) < _TOLERANCE


def _make_monotonic(buckets: list[Bucket]) -> bool:
    """Raise counts that fall; True where one fell by more than rounding explains."""
    forced = False
    previous = buckets[0].count
    for bucket in buckets[1:]:
        if bucket.count == previous:
            continue
        if _almost_equal(previous, bucket.count):
            bucket.count = previous
        elif bucket.count < previous:
            bucket.count = previous
            forced = True
        else:
            previous = bucket.count
    return forced


def bucket_quantile(q: float, buckets: list[Bucket]) -> tuple[float, bool]:
    """The q-quantile, linear within a bucket, and whether the counts had to be made monotonic."""
    if math.isnan(q) or q < 0 or q > 1:
        return (NAN if math.isnan(q) else -INF if q < 0 else INF), False
    if buckets[-1].bound != INF:
        return NAN, False
    forced = _make_monotonic(buckets)
    observations = buckets[-1].count
    if len(buckets) < 2 or observations == 0 or math.isnan(observations):
        return NAN, forced
    rank = q * observations
    index = next((i for i, b in enumerate(buckets[:-1]) if b.count >= rank), len(buckets) - 1)
    if index == len(buckets) - 1:
        return buckets[-2].bound, forced
    bucket = buckets[index]
    if index == 0 and bucket.bound <= 0:
        return bucket.bound, forced
    start, count = 0.0, bucket.count
    if index:
        start = buckets[index - 1].bound
        count -= buckets[index - 1].count
        rank -= buckets[index - 1].count
    return start + (bucket.bound - start) * (rank / count if count else NAN), forced


def bucket_fraction(low: float, high: float, buckets: list[Bucket]) -> float:
    """Which share of the observations lies between the two bounds, linear within a bucket."""
    if buckets[-1].bound != INF or math.isnan(low) or math.isnan(high):
        return NAN
    _make_monotonic(buckets)
    count = buckets[-1].count
    if len(buckets) < 2 or count == 0 or math.isnan(count):
        return NAN
    return 0.0 if low >= high else (_rank(high, buckets) - _rank(low, buckets)) / count


def _rank(bound: float, buckets: list[Bucket]) -> float:
    """How many observations are at most `bound`, estimated."""
    if bound == INF:
        return buckets[-1].count
    start, below = (0.0 if buckets[0].bound > 0 else -INF), 0.0
    for bucket in buckets:
        if bound < bucket.bound:
            if bound <= start or math.isinf(start) or math.isinf(bucket.bound):
                return below
            return below + (bucket.count - below) * (bound - start) / (bucket.bound - start)
        start, below = bucket.bound, bucket.count
    return below
