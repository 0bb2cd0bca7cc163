"""The staleness marker, and the plain storage."""

from __future__ import annotations

import math
from array import array

from tests.unit.promql.data import MINUTE, load

from rabbitwatch.promql.labels import LabelSet, Matcher, MatchOp
from rabbitwatch.promql.storage import STALE, MemoryStorage, is_stale

M = (Matcher(MatchOp.EQUAL, "__name__", "m"),)


def test_the_marker_is_a_nan_of_its_own_and_survives_an_array() -> None:
    assert math.isnan(STALE)
    assert is_stale(STALE)
    assert is_stale(array("d", [STALE])[0])
    assert not is_stale(math.nan)
    assert not is_stale(1.0)


def test_ranges_are_open_on_the_left_and_closed_on_the_right() -> None:
    (found,) = load("m 1 2 3").select(M, 0, 2 * MINUTE)
    assert (list(found.timestamps), list(found.values)) == ([MINUTE, 2 * MINUTE], [2, 3])
    assert load("m 1 2 3").select(M, 2 * MINUTE, 9 * MINUTE) == []


def test_latest_looks_back_and_leaves_out_what_has_ended() -> None:
    storage = load("m{a='1'} 1 2\nm{a='2'} 1 stale\nn 5")
    found = storage.latest(M, MINUTE, 5 * MINUTE)
    assert (list(map(str, found.labels)), found.values, found.timestamps) == (['m{a="1"}'], [2], [MINUTE])
    assert len(storage.latest(M, 6 * MINUTE - 1, 5 * MINUTE).labels) == 1
    assert len(storage.latest(M, 6 * MINUTE, 5 * MINUTE).labels) == 0


def test_a_sample_that_is_not_newer_is_dropped() -> None:
    storage = MemoryStorage()
    for time in (5, 5, 4, 6):
        storage.append(LabelSet.of({"__name__": "m"}), time, float(time))
    assert list(storage.all()[0].timestamps) == [5, 6]
