"""Pieces of history, as they leave the window for the disk and come back after a restart."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.window.columns import Columns, Key
from rabbitwatch.promql.window.table import TierView, View

Marks = Mapping[tuple[str, str], int]
"""By scope and family: the time up to which history is stored already."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Polls of one family in one scope. rows: one a time, a cell for each key; a row may lack the last keys' cells.

    token: equal tokens mean equal keys, so that those need not be encoded again.
    """

    scope: str
    family: str
    label_names: tuple[str, ...]
    keys: Sequence[Key]
    times: Sequence[int]
    rows: Sequence[array[float]]
    token: object = None


@dataclass(frozen=True, slots=True)
class RuleStretch:
    """Samples of one series that a rule makes."""

    labels: LabelSet
    times: array[int]
    values: array[float]


def stretches(scope: str, view: View, after_ms: int) -> Iterator[Stretch]:
    """The history of a table that is newer than `after_ms`."""
    for number, tier in enumerate(view.tiers):
        newer = [i for i, at in enumerate(tier.times) if at > after_ms]
        if newer:
            yield _stretch(scope, view.columns, tier, newer, (number, len(tier.rows[-1])))


def _stretch(scope: str, columns: Columns, tier: TierView, newer: list[int], shape: tuple[int, int]) -> Stretch:
    width = shape[1]
    keys = columns.keys[:width] if tier.columns is None else [columns.keys[c] for c in tier.columns[:width]]
    times, rows = [tier.times[i] for i in newer], [tier.rows[i] for i in newer]
    return Stretch(scope, columns.name, columns.label_names, keys, times, rows, (columns, *shape))
