"""How long a run will take, from what bench and board files say: never from the twin's truth.

The time without recoveries is ramps, soaks and points. Recoveries are added for an assumed share of failing points
(the plan's ``assume``, an option, or what earlier runs of the plan showed).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from labkit.bench.benchfile import RampSpec
from labkit.bench.opened import OpenBench, Site
from labkit.plan.compiled import CompiledPlan

POWER_OFF_S = 2.0
"""How long a power cycle leaves the rails off."""
_BYTES_A_POINT = 200
_STATUS_S = 0.001
"""What a query of a status or setting costs beside a measurement in the same message."""
_SLOWEST = 0.05
"""K/min that a chamber still does when its cooling has all but ended."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Lab seconds and bytes. ``point_s`` is one point of the slowest site; sites run side by side."""

    points: int
    setup_s: float
    barriers_s: tuple[float, ...]
    """Ramp, settling and soak before each block."""
    return_s: float
    """The way back to the chamber's safe temperature."""
    points_s: float
    recovery_s: float
    failing_share: float
    point_s: float
    size_bytes: int

    @property
    def without_recoveries_s(self) -> float:
        """The run when no board ever hangs."""
        return self.setup_s + sum(self.barriers_s) + self.points_s + self.return_s

    @property
    def total_s(self) -> float:
        """The run with the assumed recoveries."""
        return self.without_recoveries_s + self.recovery_s


def estimate(
    plan: CompiledPlan, bench: OpenBench, failing_share: float | None = None, start_degc: float = 25.0,
) -> Estimate:
    """Return the estimate; ``failing_share`` (0..1) overrides the plan's, chambers start at ``start_degc``."""
    share = plan.file.assume.failing / 100 if failing_share is None else failing_share
    point_s = max(_point_s(plan, site) for site in bench.sites.values())
    barriers_s, return_s = _chamber_s(plan, bench, start_degc)
    boot_s = sum(site.board.file.console.boot.takes for site in bench.sites.values())  # one after the other
    per_site = plan.block_count * plan.points_per_block
    recoveries = per_site * share
    if plan.on_hang.recover == "none":
        recoveries = 0.0
    else:
        recoveries = min(recoveries, plan.on_hang.per_run)
        rows = plan.block_count * (len(plan.inner[0].values) if len(plan.inner) == 2 else 1)
        recoveries = min(recoveries, rows * max(plan.on_hang.per_row, 1))
    return Estimate(
        points=plan.point_count, setup_s=boot_s + 1.0, barriers_s=barriers_s, return_s=return_s,
        points_s=per_site * point_s,
        recovery_s=recoveries * recovery_s(plan, bench), failing_share=share, point_s=point_s,
        size_bytes=plan.point_count * _BYTES_A_POINT)


def slope_window_s(hold_s: float) -> float:
    """Return the time over which a soak fits its slope: three minutes, less where the hold is shorter."""
    return min(180.0, max(hold_s, 30.0))


def recovery_s(plan: CompiledPlan, bench: OpenBench) -> float:
    """Return what one hang costs: the silence, the power cycle and the boot of the slowest board."""
    costs = []
    for name, site in bench.sites.items():
        test = plan.sites[name].test
        silence = test.spec.timeout if test else 0.0
        costs.append(silence + POWER_OFF_S + site.board.file.console.boot.takes + 0.2)
    return max(costs)


def _point_s(plan: CompiledPlan, site: Site) -> float:
    supply = next(iter(site.rails.values())).supply
    latency, console = supply.latency, site.console.latency
    settle = max(rail.spec.settle for rail in site.rails.values())
    inner = plan.inner[-1].name
    move = latency.set_s + settle if inner.startswith("rails.") else console.set_s
    columns = (*plan.meanwhile, *plan.conditions, *plan.measure)
    of_supply = [column for column in columns if column.name.startswith("rails.")]
    supply_reads = sum(_STATUS_S if column.text else latency.read_s for column in of_supply)
    console_reads = sum(column.name.startswith("readings.") for column in columns) * console.read_s
    test = plan.sites[site.name].test
    test_s = test.spec.takes if test else 0.0
    return float(move + max(test_s, supply_reads) + console_reads)


def _chamber_s(plan: CompiledPlan, bench: OpenBench, start_degc: float) -> tuple[tuple[float, ...], float]:
    """Return the wait before each block (ramp, settling, hold), and the way back to the safe temperature."""
    axis = next((axis for axis in plan.outer if axis.name == "chamber.temperature"), None)
    if axis is None or not bench.chambers:
        return (0.0,) * plan.block_count, 0.0
    entry = bench.bench.file.instruments[next(iter(bench.chambers))]
    waits: list[float] = []
    here, there = start_degc, None
    for block in plan.blocks():
        target = block.values[axis.name]
        wait = 0.0
        if target != there and axis.soak is not None:
            moved = abs(target - here) > 0.5
            # The slope is judged once half of its window is filled.
            wait = axis.soak.hold + slope_window_s(axis.soak.hold) / 2
            wait += ramp_time_s(entry.ramp, here, target) + entry.ramp.settling if moved else 0.0
        waits.append(wait)
        here = there = target
    return tuple(waits), ramp_time_s(entry.ramp, here, entry.safe_temperature)


def ramp_time_s(ramp: RampSpec, start_degc: float, stop_degc: float) -> float:
    """Return how long a chamber takes between two temperatures; cooling slows down linearly below 20 degC."""
    if stop_degc >= start_degc:
        return (stop_degc - start_degc) / ramp.heating * 60
    seconds = max(0.0, start_degc - max(stop_degc, 20.0)) / ramp.cooling * 60
    low = min(start_degc, 20.0)
    if stop_degc < low:
        # rate(T) = cold + k (T + 55): the time is the integral of 1 / rate.
        k = (ramp.cooling - ramp.cooling_at_minus_55) / 75

        def rate(temperature: float) -> float:
            return max(float(ramp.cooling_at_minus_55 + k * (temperature + 55)), _SLOWEST)

        # Below the temperature where that law falls to the slowest rate, the slowest rate goes on.
        bend = max(stop_degc, (_SLOWEST - ramp.cooling_at_minus_55) / k - 55) if k > 1e-9 else stop_degc
        bend = min(bend, low)
        seconds += 60 * (math.log(rate(low) / rate(bend)) / k if abs(k) > 1e-9 else (low - bend) / rate(low))
        seconds += 60 * (bend - stop_degc) / _SLOWEST
    return float(seconds)
