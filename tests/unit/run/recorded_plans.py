"""A small compiled plan, a journal that keeps its rows, and points to store."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from labkit.bench.load import load_bench
from labkit.bench.opened import OpenBench, RefusingLinks, open_bench
from labkit.clock import VirtualClock
from labkit.plan.compile import compile_plan
from labkit.plan.compiled import CompiledPlan
from labkit.run.record import PointResult
from labkit.yamlfile import parse_yaml

PLAN = """plan: small
axes:
  - {set: chamber.temperature, values: [25 degC, 85 degC], soak: {for: 5 min}}
  - {set: clocks.core.frequency, values: [1.0 GHz, 2.0 GHz]}
  - {set: rails.core.voltage, values: [0.80 V, 0.75 V, 0.60 V]}
test: {run: bist, meanwhile: [rails.core.measured_current]}
measure: [readings.tj]
limits: {rails.core.measured_current: {max: 4.2 A}, readings.tj: {min: -60 degC, max: 110 degC}}
"""


@lru_cache(maxsize=1)
def bench() -> OpenBench:
    """Return the shipped bench with links that refuse to speak."""
    return open_bench(load_bench("duo"), RefusingLinks(), VirtualClock(), {"A": "SN1", "B": "SN2"})


def compiled(judge: str = "spec") -> CompiledPlan:
    return compile_plan(parse_yaml(f"{PLAN}judge: {judge}\n", Path("small.yaml")), bench())


class Kept:
    """A journal that keeps what it was given."""

    def __init__(self) -> None:
        self.points, self.events, self.traces = [[""]][:0], [("",)][:0], [("",)][:0]

    def point(self, row: list[Any]) -> None:
        self.points.append(row)

    def event(self, *row: Any) -> None:
        self.events.append(row)

    def trace(self, *row: Any) -> None:
        self.traces.append(row)


def point(outcome: str, *, volts: float = 0.75, hertz: float = 1.0e9, amps: Any = 3.0, tj: Any = 40.0, site: str = "A",
          sequence: int = 0, reason: str = "") -> PointResult:
    return PointResult(
        site, 0, sequence, {"chamber.temperature": 25.0, "clocks.core.frequency": hertz, "rails.core.voltage": volts},
        {"rails.core.measured_current": amps, "readings.tj": tj, "rails.core.mode": "CV"}, outcome, reason)
