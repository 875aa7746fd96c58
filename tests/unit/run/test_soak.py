"""When is a temperature reached: in band, flat enough, both held without a break."""

from __future__ import annotations

import math
import random

import pytest

from labkit.plan.planfile import SoakSpec
from labkit.run.soak import Soak


def soak(target: float = 85.0, **rule: str) -> Soak:
    spec = {"within": "1 K", "slope": "0.1 K/min", "for": "5 min", "timeout": "90 min", **rule}
    return Soak(SoakSpec.model_validate(spec), target, 0.0)


def run(judge: Soak, temperature: object, until_s: float, every_s: float = 5.0) -> tuple[float | None, list[str]]:
    """Return when the soak was done (None: never), and the clauses in the order in which they were missing."""
    clauses: list[str] = []
    for index in range(int(until_s / every_s) + 1):
        now = index * every_s
        state = judge.sample(now, temperature(now))  # type: ignore[operator]
        if not clauses or clauses[-1] != state.clause:
            clauses.append(state.clause)
        if not state.clause:
            return now, clauses
    return None, clauses


def test_a_still_chamber_takes_the_hold_after_half_a_window_of_slope() -> None:
    done, clauses = run(soak(), lambda now: 85.0, 1000)
    assert clauses == ["slope", "hold", ""]
    assert done == 90.0 + 300.0


def test_out_of_band_nothing_counts() -> None:
    for offset in (1.001, -1.001, 40.0):
        done, clauses = run(soak(), lambda now, o=offset: 85.0 + o, 3000)
        assert (done, clauses) == (None, ["band"])
    assert run(soak(), lambda now: 86.0, 1000)[0] is not None  # the edge of the band belongs to it


def test_leaving_the_band_for_one_sample_starts_the_hold_again() -> None:
    def air(now: float) -> float:
        return 88.0 if now == 300.0 else 85.0

    done, clauses = run(soak(), air, 3000)
    assert clauses[:4] == ["slope", "hold", "band", "slope"]
    # The spike stays in the slope's window of three minutes; then the whole hold begins anew.
    assert done is not None
    assert done >= 300.0 + 300.0
    without = run(soak(), lambda now: 85.0, 3000)[0]
    assert without is not None
    assert done > without + 200


def test_a_slow_drift_inside_the_band_is_not_settled() -> None:
    assert run(soak(), lambda now: 84.1 + 0.11 * now / 60, 900) == (None, ["slope"])
    done, _ = run(soak(), lambda now: 84.1 + 0.09 * now / 60, 900)
    assert done == 390.0


@pytest.mark.parametrize("rate", [-0.3, 0.0, 0.05, 0.3])
def test_the_slope_is_the_least_squares_rate_in_kelvin_a_minute(rate: float) -> None:
    judge = soak()
    states = [judge.sample(t, 85.0 + rate * (t - 150) / 60) for t in range(0, 301, 5)]
    slope = states[-1].slope_k_per_min
    assert slope == pytest.approx(rate, abs=1e-9)


def test_noise_is_no_slope() -> None:
    dice = random.Random(1)
    done, _ = run(soak(), lambda now: 85.0 + dice.uniform(-0.05, 0.05), 1200)
    assert done is not None
    assert done < 600


def test_an_exponential_approach_waits_for_the_slope_and_not_for_the_band_alone() -> None:
    done, clauses = run(soak(), lambda now: 85.0 - 60.0 * math.exp(-now / 300), 5000)
    assert clauses == ["band", "slope", "hold", ""]
    in_band = 300 * math.log(60)
    assert done is not None
    assert done > in_band + 300 + 200


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reading_that_is_no_number_is_never_in_band(value: float) -> None:
    assert run(soak(), lambda now: value, 3000) == (None, ["band"])
    done, clauses = run(soak(), lambda now: value if now == 200.0 else 85.0, 3000)
    assert clauses == ["slope", "hold", "band", "hold", ""]
    assert done == 205.0 + 300.0


def test_the_time_allowed_counts_from_the_start() -> None:
    judge = Soak(SoakSpec.model_validate({"for": "1 min", "timeout": "10 min"}), 25.0, 1000.0)
    assert not judge.timed_out(1600.0)
    assert judge.timed_out(1600.1)


def test_the_last_clause_says_what_held_it_up() -> None:
    judge = soak()
    assert judge.last_clause == "band"
    run(judge, lambda now: 84.1 + 0.2 * now / 60, 200)
    assert judge.last_clause == "slope"


def test_a_short_hold_has_a_short_window_and_no_hold_only_wants_band_and_slope() -> None:
    done, clauses = run(soak(**{"for": "0 s"}), lambda now: 85.0, 100)
    assert (done, clauses) == (15.0, ["slope", ""])
    assert run(soak(**{"for": "1 min"}), lambda now: 85.0, 1000)[0] == 30.0 + 60.0


def test_samples_of_long_ago_are_forgotten() -> None:
    judge = soak()
    for t in range(0, 100_000, 5):
        judge.sample(float(t), 85.0)
    assert len(judge._samples) <= 180 / 5 + 1
