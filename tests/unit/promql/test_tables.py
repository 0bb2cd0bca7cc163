"""Range functions over a table give what they give for each series alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.promql.functions.ranges import RANGE_FUNCTIONS, Span
from rabbitwatch.promql.functions.steps import Steps
from rabbitwatch.promql.functions.tables import TABLE_FUNCTIONS, Table

NUMBERS = st.one_of(
    st.integers(min_value=0, max_value=5).map(float),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9),
)
PARAMETERS = {"predict_linear": (3600.0,)}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    polls = draw(st.integers(min_value=1, max_value=6))
    width = draw(st.integers(min_value=1, max_value=4))
    times = sorted(draw(st.sets(st.integers(min_value=1, max_value=300_000), min_size=polls, max_size=polls)))
    scrapes = [draw(st.lists(NUMBERS, min_size=width, max_size=width)) for _ in range(polls)]
    return Table(times, scrapes)


@pytest.mark.parametrize("name", sorted(TABLE_FUNCTIONS))
@given(table=tables())
def test_a_table_gives_what_its_series_give(name: str, table: Table) -> None:
    span = Span(0, 300_000, 300_000)
    parameters = PARAMETERS.get(name, ())
    together = TABLE_FUNCTIONS[name](table, span, *parameters)
    alone = [RANGE_FUNCTIONS[name](times, values, span, *parameters) for times, values in table.each()]
    assert list(together) == alone


def test_of_wider_scrapes_only_the_places_count() -> None:
    nan = float("nan")
    scrapes = [[1.0, nan, 7.0], [3.0, nan, 2.0, 5.0], [2.0, 4.0, 9.0, nan]]
    wide, plain = Table([0, 1000, 2000], scrapes, [2, 0]), Table([0, 1000, 2000], [[7.0, 1.0], [2.0, 3.0], [9.0, 2.0]])
    for name, function in TABLE_FUNCTIONS.items():
        parameters = PARAMETERS.get(name, ())
        assert list(function(wide, Span(-1, 2000, 2000), *parameters)) == list(
            function(plain, Span(-1, 2000, 2000), *parameters)
        )


def test_steps_between_the_same_scrapes_are_found_once() -> None:
    compared = []

    def differs(before: float, after: float) -> bool:
        compared.append((before, after))
        return before > after

    one, two, three = [1.0, 5.0], [2.0, 4.0], [1.0, 6.0]
    first = Steps()
    assert [(before, list(places)) for before, places in first.where(differs, [one, two, two])] == [(one, [1])]
    assert compared == [(1.0, 2.0), (5.0, 4.0)]
    compared.clear()
    second = first.next()
    found = list(second.where(differs, [one, two, three]))
    assert [(before, list(places)) for before, places in found] == [(one, [1]), (two, [0])]
    assert compared == [(2.0, 1.0), (4.0, 6.0)]
    compared.clear()
    assert len(list(second.next().where(differs, [two, three]))) == 1
    assert compared == []
