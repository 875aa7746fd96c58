"""Estimates: ramps as the integral says, nothing negative, waits where the chamber moves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies
from plan_files import PLAN, bench, compiled

from labkit.bench.benchfile import RampSpec
from labkit.plan.estimate import estimate, ramp_time_s, recovery_s

RATES = strategies.floats(0.1, 20.0)
TEMPERATURES = strategies.floats(-75.0, 200.0)


def _integrated_s(ramp: RampSpec, start: float, stop: float, step_k: float = 0.002) -> float:
    """Return the time by adding up steps of temperature: the law as the bench file's page says it."""
    if stop >= start:
        return (stop - start) / ramp.heating * 60
    seconds, count = 0.0, max(1, round((start - stop) / step_k))
    width = (start - stop) / count
    for i in range(count):
        here = start - (i + 0.5) * width
        rate = ramp.cooling
        if here < 20.0:
            rate = ramp.cooling_at_minus_55 + (ramp.cooling - ramp.cooling_at_minus_55) * (here + 55) / 75
        seconds += width / max(rate, 0.05) * 60
    return seconds


@pytest.mark.parametrize(("rates", "start", "stop"), [
    ((5.0, 3.0, 0.5), 25.0, -40.0), ((5.0, 3.0, 0.5), 125.0, -55.0), ((5.0, 3.0, 0.5), 85.0, 25.0),
    ((5.0, 3.0, 0.5), 10.0, -10.0), ((5.0, 3.0, 0.5), -40.0, 85.0), ((3.0, 2.0, 2.0), 25.0, -40.0),
    ((3.0, 1.0, 4.0), 25.0, -40.0), ((3.0, 2.0, 0.5), 20.0, -73.0), ((3.0, 2.0, 0.5), -66.0, -75.0),
    ((3.0, 2.0, 0.5), 20.0, 20.0), ((5.0, 3.0, 0.1), 150.0, -75.0),
])
def test_a_ramp_takes_what_the_integral_of_its_rate_says(
    rates: tuple[float, float, float], start: float, stop: float,
) -> None:
    heating, cooling, cold = rates
    ramp = RampSpec(heating=f"{heating} K/min", cooling=f"{cooling} K/min", cooling_at_minus_55=f"{cold} K/min")  # type: ignore[arg-type]
    assert ramp_time_s(ramp, start, stop) == pytest.approx(_integrated_s(ramp, start, stop), rel=1e-3, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(RATES, RATES, RATES, TEMPERATURES, TEMPERATURES)
def test_any_ramp_agrees_with_the_integral(
    heating: float, cooling: float, cold: float, start: float, stop: float,
) -> None:
    ramp = RampSpec.model_construct(heating=heating, cooling=cooling, cooling_at_minus_55=cold, settling=0.0)
    found = ramp_time_s(ramp, start, stop)
    assert found >= 0.0
    assert found == pytest.approx(_integrated_s(ramp, start, stop, 0.05), rel=2e-2, abs=0.5)


@settings(max_examples=60)
@given(TEMPERATURES, TEMPERATURES, TEMPERATURES)
def test_a_ramp_by_way_of_a_stop_takes_as_long(a: float, b: float, c: float) -> None:
    low, middle, high = sorted((a, b, c))
    ramp = RampSpec()
    assert ramp_time_s(ramp, high, low) == pytest.approx(
        ramp_time_s(ramp, high, middle) + ramp_time_s(ramp, middle, low), rel=1e-9, abs=1e-6)


def test_a_barrier_stands_where_the_chamber_moves() -> None:
    plan = compiled()
    found = estimate(plan, bench())
    ramp = bench().bench.file.instruments["chamber"].ramp
    # Already at 25 degC: half the slope's window, then the hold. Then up to 85: ramp and settling before it.
    soak = 90.0 + 300.0
    assert found.barriers_s == pytest.approx((soak, 60 / 5 * 60 + ramp.settling + soak))
    assert found.return_s == pytest.approx(ramp_time_s(ramp, 85.0, 25.0))
    assert found.points == 60
    assert found.points_s == pytest.approx(30 * found.point_s)
    assert found.without_recoveries_s == pytest.approx(
        found.setup_s + sum(found.barriers_s) + found.points_s + found.return_s)
    assert found.total_s == found.without_recoveries_s + found.recovery_s
    assert estimate(plan, bench(), start_degc=-40.0).barriers_s[0] > 300.0


def test_no_barrier_without_a_chamber_axis_and_none_within_one_temperature() -> None:
    text = PLAN.replace(PLAN[PLAN.index("  - {set: chamber"):PLAN.index("  - {set: clocks")], "")
    found = estimate(compiled(text), bench())
    assert (found.barriers_s, found.return_s) == ((0.0,), 0.0)
    three = PLAN.replace("  - {set: clocks", "  - {set: rails.io.voltage, values: [1.71 V, 1.89 V]}\n  - {set: clocks")
    assert [wait > 0 for wait in estimate(compiled(three), bench()).barriers_s] == [True, False, True, False]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_recoveries_are_bounded_by_rows_and_by_the_run(share: float) -> None:
    plan = compiled()
    cost = recovery_s(plan, bench())
    assert cost > 20.0  # silence, power cycle and boot
    found = estimate(plan, bench(), share)
    assert 0.0 <= found.recovery_s <= min(30 * share, 10 * 2, 200) * cost + 1e-6
    assert found.failing_share == share


def test_nothing_is_recovered_where_the_plan_says_so() -> None:
    text = PLAN.replace("recover: power-cycle", "recover: none")
    assert estimate(compiled(text), bench(), 1.0).recovery_s == 0.0


def test_a_plan_that_only_measures_is_estimated_too() -> None:
    text = PLAN.replace("test: {run: bist, args: {loops: 10}, meanwhile: [rails.core.measured_current]}\n", "").replace(
        "{rails.core.measured_current: {max: 4.2 A}}", "{}")
    found = estimate(compiled(text), bench())
    assert found.point_s > 0.0
    assert all(value >= 0 for value in (found.setup_s, found.points_s, found.recovery_s, found.size_bytes))
