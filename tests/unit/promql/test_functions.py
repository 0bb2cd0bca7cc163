"""No value makes a function raise: what Go computes as an infinity or a NaN is one here too."""

from __future__ import annotations

import math
import operator
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.promql.aggregate import REDUCERS
from rabbitwatch.promql.functions.elementwise import DATES, PLAIN, clamper, rounder
from rabbitwatch.promql.functions.ranges import RANGE_FUNCTIONS, Span
from rabbitwatch.promql.functions.table import SUPPORTED
from rabbitwatch.promql.operators import ARITHMETIC, COMPARE
from rabbitwatch.promql.sums import Reach, format_float, mean, quantile, total, totals

ANY = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]))
MANY = st.lists(ANY, min_size=1, max_size=8)
PARAMETERS = {"quantile_over_time": (0.3,), "predict_linear": (60.0,), "double_exponential_smoothing": (0.5, 0.5)}


@pytest.mark.parametrize("name", sorted(RANGE_FUNCTIONS))
@given(values=MANY)
def test_range_functions_take_any_value(name: str, values: list[float]) -> None:
    times = [1000 * (i + 1) for i in range(len(values))]
    result = RANGE_FUNCTIONS[name](times, values, Span(0, 9000, 9000), *PARAMETERS.get(name, ()))
    assert result is None or isinstance(result, float)


@pytest.mark.parametrize("name", sorted(PLAIN | DATES))
@given(value=ANY)
def test_elementwise_functions_take_any_value(name: str, value: float) -> None:
    assert isinstance((PLAIN | DATES)[name](value), float)


@given(value=ANY, to=ANY, high=ANY)
def test_functions_with_parameters_take_any_value(value: float, to: float, high: float) -> None:
    assert isinstance(rounder(to)(value), float)
    clamp = clamper(to, high)
    assert clamp is None or isinstance(clamp(value), float)


@pytest.mark.parametrize("name", sorted(REDUCERS))
@given(values=MANY)
def test_aggregations_take_any_value(name: str, values: list[float]) -> None:
    assert isinstance(REDUCERS[name](values), float)


@pytest.mark.parametrize("op", sorted(ARITHMETIC | COMPARE))
@given(left=ANY, right=ANY)
def test_operators_take_any_value(op: str, left: float, right: float) -> None:
    assert isinstance((ARITHMETIC | COMPARE)[op](left, right), float | bool)


@given(st.lists(st.floats(min_value=-1e15, max_value=1e15), min_size=1, max_size=50))
def test_sums_are_compensated(values: list[float]) -> None:
    exact = math.fsum(values)
    size = math.fsum(map(abs, values))
    assert abs(total(values) - exact) <= size * 1e-15
    assert abs(mean(values) - exact / len(values)) <= size * 1e-15


def one_by_one(values: list[float]) -> tuple[float, float]:
    """Neumaier's sum as Prometheus takes it: the plain sum, and its compensation."""
    plain = compensation = 0.0
    for value in values:
        new = plain + value
        compensation += (plain - new) + value if abs(plain) >= abs(value) else (value - new) + plain
        plain = new
    return plain, compensation


SIZES = st.sampled_from([1e-300, 1e-9, 1e-3, 1.0, 1e3, 1e12, 1e200])


@given(st.lists(st.builds(operator.mul, st.floats(min_value=-9, max_value=9), SIZES), min_size=1, max_size=40))
def test_sums_are_the_same_bit_for_bit_whatever_way_they_take(values: list[float]) -> None:
    plain, compensation = one_by_one(values)
    assert total(values) == plain + compensation
    rows = [[value, 1.0] for value in values]
    assert totals(rows, Reach.of(rows)) == [plain + compensation, len(values)]
    assert mean(values) == plain / len(values) + compensation / len(values)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_sums_of_many_rates_are_the_same_bit_for_bit(size: float) -> None:
    chance = random.Random(1)
    values = [size * chance.random() + chance.randrange(9) for _ in range(10_000)]
    plain, compensation = one_by_one(values)
    assert total(values) == plain + compensation
    assert mean(values) == plain / len(values) + compensation / len(values)


def test_whole_numbers_take_the_fast_path_only_where_it_is_exact() -> None:
    assert total([2.0**53, 1.0, -(2.0**53)]) == 1
    assert total([1.0, 1e100, 1.0, -1e100]) == 2
    assert mean([1e308, 1e308]) == 1e308


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_lies_among_the_values(values: list[float], q: float) -> None:
    assert min(values) - 1e-9 <= quantile(q, values) <= max(values) + 1e-9
    assert (quantile(0, values), quantile(1, values)) == (min(values), max(values))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((6.0, "6"), (0.1, "0.1"), (1.5e-7, "0.00000015"), (math.inf, "+Inf"), (-2.5, "-2.5")),
        (1e16, "10000000000000000"),
        (1.2345678901234567e17, "123456789012345660"),
        (123456789012345680.0, "123456789012345680"),
        (2.0**63, "9223372036854776000"),
        (1e20, "100000000000000000000"),
        (1.1e20, "110000000000000000000"),
        (1e21, "1" + "0" * 21),
        (1.5e22, "15" + "0" * 21),
        (1.7976931348623157e308, "17976931348623157" + "0" * 292),
    ],
)
def test_values_become_labels_as_go_prints_them(value: float, text: str) -> None:
    """The large ones as promtool 2.42 prints count_values of them."""
    assert format_float(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_values_read_back(value: float) -> None:
    assert float(format_float(value)) == value
    assert "e" not in format_float(value)


def test_every_function_of_item_two_is_there() -> None:
    listed = """abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max
    clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv
    double_exponential_smoothing exp floor histogram_fraction histogram_quantile hour idelta increase irate label_join
    label_replace last_over_time ln log10 log2 mad_over_time max_over_time min_over_time minute month pi predict_linear
    present_over_time quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_by_label sort_by_label_desc
    sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year"""
    assert set(listed.split()) <= SUPPORTED
