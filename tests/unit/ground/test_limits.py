"""Limits intersect, remember who set each end, and refuse before anything is sent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies

from labkit.errors import LimitRefused
from labkit.limits import NO_LIMITS, Limits, within

RATING, BENCH, BOARD = within(0.0, 6.18, "rating"), Limits(high=2.0, high_from="bench"), within(0.0, 1.05, "board")
BOUNDS = strategies.floats(allow_nan=False)


def test_the_intersection_remembers_who_set_each_end() -> None:
    both = RATING & BENCH & BOARD
    assert both == Limits(0.0, 1.05, "rating", "board")
    with pytest.raises(LimitRefused, match=r"psu_a\.1\.voltage: 1\.2 V is above the limit of 1\.05 V \(board\); "
                                           "nothing was sent"):
        both.check(1.2, what="psu_a.1.voltage", unit="V")
    with pytest.raises(LimitRefused, match=r"-100 mV is below the limit of 0 V \(rating\)"):
        both.check(-0.1, what="x", unit="V")


@given(BOUNDS, BOUNDS, BOUNDS, BOUNDS, strategies.floats(allow_nan=False, allow_infinity=False))
def test_what_two_limits_allow_is_what_each_allows(a: float, b: float, c: float, d: float, value: float) -> None:
    one, other = Limits(a, b, "a", "b"), Limits(c, d, "c", "d")
    assert (value in (one & other)) == (value in one and value in other)
    assert (one & other).low == (other & one).low
    assert (one & other).high == (other & one).high


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
@pytest.mark.parametrize("unit", ["V", "s", "Hz", ""])
def test_what_is_not_a_number_is_refused_even_without_limits(value: float, unit: str) -> None:
    for limits in (NO_LIMITS, RATING):
        with pytest.raises(LimitRefused, match="nothing was sent"):
            limits.check(value, what="x", unit=unit)


def test_a_bound_that_is_not_a_number_cannot_be_made() -> None:
    for low, high in ((math.nan, 1.0), (0.0, math.nan)):
        with pytest.raises(ValueError, match="limits nothing"):
            Limits(low, high)


def test_limits_that_exclude_each_other_refuse_everything() -> None:
    empty = within(5.0, 9.0, "bench") & within(0.0, 1.0, "board")
    for value in (0.0, 0.5, 1.0, 3.0, 5.0, 7.0):
        with pytest.raises(LimitRefused):
            empty.check(value, what="x", unit="V")


def test_both_ends_belong_and_arithmetic_dust_is_forgiven() -> None:
    limits = within(0.1, 0.3, "x")
    for value in (0.1, 0.3, 0.1 + 0.2):
        limits.check(value, what="x", unit="V")
    with pytest.raises(LimitRefused):
        limits.check(0.300001, what="x", unit="V")
