"""Plans on the shipped bench: as somebody writes them, compiled without any instrument."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pytest

from labkit.bench.load import load_bench
from labkit.bench.opened import OpenBench, RefusingLinks, open_bench
from labkit.clock import VirtualClock
from labkit.errors import ConfigError
from labkit.plan.compile import compile_plan
from labkit.plan.compiled import CompiledPlan
from labkit.yamlfile import parse_yaml

PLAN = """plan: small
axes:
  - {set: chamber.temperature, values: [25 degC, 85 degC], soak: {within: 1 K, slope: 0.1 K/min, for: 5 min, timeout: 90 min}}
  - {set: clocks.core.frequency, from: 1.0 GHz, to: 1.2 GHz, step: 50 MHz}
  - {set: rails.core.voltage, from: 0.80 V, to: 0.70 V, step: -50 mV}
search: grid
test: {run: bist, args: {loops: 10}, meanwhile: [rails.core.measured_current]}
measure: [readings.tj]
limits: {rails.core.measured_current: {max: 4.2 A}}
judge: spec
on_hang: {recover: power-cycle, per_row: 2, per_run: 200}
assume: {failing: 10 %}
"""


@lru_cache(maxsize=4)
def bench(sites: str = "AB") -> OpenBench:
    """Return the shipped bench with links that refuse to speak."""
    return open_bench(load_bench("duo"), RefusingLinks(), VirtualClock(), {s: f"SIM-{s}" for s in sites})


def compiled(text: str = PLAN, overrides: Mapping[str, str] | None = None, sites: str = "AB") -> CompiledPlan:
    return compile_plan(parse_yaml(text, Path("small.yaml")), bench(sites), overrides)


def refusal(text: str, overrides: Mapping[str, str] | None = None, sites: str = "AB") -> str:
    with pytest.raises(ConfigError) as problem:
        compiled(text, overrides, sites)
    return str(problem.value)


def changed(text: str, old: str, new: str) -> tuple[str, int]:
    """Return the text with one place changed, and the line of the change."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new), text[: text.index(old)].count("\n") + 1
