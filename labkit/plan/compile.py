"""From plan file and bench to a compiled plan: every name, value and limit is checked here, nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from labkit.bench.opened import OpenBench, Site, Target
from labkit.errors import ConfigError, LimitRefused
from labkit.instrument import BoundSetting
from labkit.plan.compiled import Axis, Bounds, Column, CompiledPlan, Guard, SitePlan, TestCall
from labkit.plan.planfile import AxisSpec, PlanFile, TestRun
from labkit.quantity import QuantityError, parse, render
from labkit.text import near
from labkit.yamlfile import Document, KeyPath, validate

_FINEST_STEP_V = 0.001
"""Steps finer than this are below what bench supplies resolve."""


def compile_plan(document: Document, bench: OpenBench, overrides: Mapping[str, str] | None = None) -> CompiledPlan:
    """Return the plan ready to run on ``bench``; raises ConfigError naming file, line and key.

    ``overrides`` replaces the values of axes, as text: ``"0.75 V"``, ``"0.7 V, 0.8 V"`` or ``"0.9 V:0.6 V:-10 mV"``.
    """
    file = _override(validate(PlanFile, document), overrides or {}, document)
    compiler = _Compiler(document, file, bench, overrides or {})
    axes = tuple(compiler.axis(index, spec) for index, spec in enumerate(file.axes))
    compiler.check_order(axes)
    compiler.check_ramps()
    taken = [axis.name for axis in axes]
    meanwhile = compiler.columns(file.test.meanwhile if file.test else [], ("test", "meanwhile"), taken)
    measure = compiler.columns(file.measure, ("measure",), [*taken, *(column.name for column in meanwhile)])
    stored = {column.name: column for column in (*meanwhile, *measure)}
    sites = {name: compiler.site(site, axes) for name, site in bench.sites.items()}
    return CompiledPlan(
        document, file, axes, sites, meanwhile, measure, compiler.conditions(axes, stored),
        compiler.limits(stored), dict(overrides or {}))


def _override(file: PlanFile, overrides: Mapping[str, str], document: Document) -> PlanFile:
    axes = list(file.axes)
    for name, text in overrides.items():
        names = [axis.set for axis in axes]
        if name not in names:
            raise ConfigError(f"-e {name}: the plan {file.plan} has no such axis{near(name, names)}")
        old = axes[names.index(name)]
        parts = [part.strip() for part in text.split(":")]
        keys = {"set": name, "soak": old.soak}
        if len(parts) == 3:
            keys |= {"from": parts[0], "to": parts[1], "step": parts[2]}
        else:
            keys["values"] = [part.strip() for part in text.split(",")]  # type: ignore[assignment]
        axes[names.index(name)] = AxisSpec.model_validate(keys)
    return file.model_copy(update={"axes": axes})


class _Compiler:
    """The parts of a compilation, with what they share."""

    def __init__(
        self, document: Document, file: PlanFile, bench: OpenBench, overrides: Mapping[str, str],
    ) -> None:
        self.document, self.file, self.bench, self.overrides = document, file, bench, overrides

    def error(self, problem: str, key: KeyPath) -> ConfigError:
        if len(key) > 1 and key[0] == "axes":
            name = self.file.axes[cast(int, key[1])].set
            if name in self.overrides:  # the file is not to blame
                return ConfigError(f"-e {name}: {problem}")
        return self.document.error(problem, key)

    def targets(self, name: str, key: KeyPath) -> dict[str, Target]:
        """Return what ``name`` means at each site."""
        try:
            return {site.name: site.target(name) for site in self.bench.sites.values()}
        except ConfigError as error:
            raise self.error(error.problem, key) from None

    def axis(self, index: int, spec: AxisSpec) -> Axis:
        key: KeyPath = ("axes", index)
        targets = self.targets(spec.set, (*key, "set"))
        first = next(iter(targets.values()))
        if not isinstance(first, BoundSetting):
            raise self.error(f"{spec.set} can only be read; an axis needs something that can be set", (*key, "set"))
        if first.row.values is not float:
            raise self.error(f"{spec.set} is a word or a switch; an axis needs a setting with a number", (*key, "set"))
        try:
            values = spec.numbers(first.unit)
        except QuantityError as error:
            raise self.error(str(error), key) from None
        if len(set(values)) != len(values):
            raise self.error(f"{spec.set} has a value twice; keep one", key)
        for site, target in targets.items():
            self._check_values(self.bench.sites[site], spec.set, cast("BoundSetting[float]", target), values, key)
        owners = {id(target.owner) for target in targets.values()}
        shared = spec.set.startswith("chamber.") or len(owners) < len(targets)
        if spec.soak is not None and not spec.set.startswith("chamber."):
            raise self.error(f"{spec.set} settles by its board file; soak is for chamber.temperature", (*key, "soak"))
        return Axis(spec.set, first.unit, values, shared, spec.soak)

    def _check_values(
        self, site: Site, name: str, setting: BoundSetting[float], values: Sequence[float], key: KeyPath,
    ) -> None:
        for value in values:
            try:
                setting.limits.check(value, what=setting.label, unit=setting.unit)
            except LimitRefused as error:
                raise self.error(f"{str(error).removesuffix('; nothing was sent')}; shorten the axis", key) from None
        parts = name.split(".")
        if parts[0] == "rails" and parts[2] == "voltage":
            low, high = site.rails[parts[1]].spec.sweep
            for value in values:
                if not low - 1e-9 <= value <= high + 1e-9:
                    raise self.error(
                        f"{render(value, 'V')} lies outside what the board {site.board.name} lets a plan set on rail "
                        f"{parts[1]} (sweep {render(low, 'V')} to {render(high, 'V')}); shorten the axis", key)
        if parts[0] == "clocks":
            step = site.board.file.clocks[parts[1]].step
            for value in values:
                if step and abs(value / step - round(value / step)) > 1e-6:
                    raise self.error(f"{render(value, 'Hz', 6)} is no multiple of the clock's step "
                                     f"{render(step, 'Hz', 6)}; change the axis", key)

    def check_order(self, axes: Sequence[Axis]) -> None:
        own = next((i for i, axis in enumerate(axes) if not axis.shared), len(axes))
        for index, axis in enumerate(axes):
            if axis.shared and index > own:
                raise self.error(
                    f"{axis.name} is one setting for several sites and must stand above {axes[own].name}, which each "
                    "site has for itself; move it up", ("axes", index))
        if own == len(axes):
            raise self.error("every axis is shared by all sites; add an axis that each site has for itself", ("axes",))

    def check_ramps(self) -> None:
        """Refuse a supply that is faster than a rail's ramp and cannot step finely enough to keep it."""
        for site in self.bench.sites.values():
            for rail in site.rails.values():
                if rail.largest_step < _FINEST_STEP_V:
                    raise site.board.document.error(
                        f"rail {rail.name} allows {rail.spec.ramp:g} V/s, but {rail.wiring.source} rises at "
                        f"{rail.supply.slew_v_per_s:g} V/s and would have to be set in steps of "
                        f"{render(rail.largest_step, 'V')}; use a supply with a programmable ramp",
                        ("rails", rail.name, "ramp"))

    def columns(self, names: Sequence[str], key: KeyPath, taken: Sequence[str]) -> tuple[Column, ...]:
        """Return the columns that ``names`` fill; ``taken`` are names that the points have already."""
        found: list[Column] = []
        for index, name in enumerate(names):
            row = next(iter(self.targets(name, (*key, index)).values())).row
            if name in taken or name in [column.name for column in found]:
                raise self.error(f"{name} is stored with every point already; remove it here", (*key, index))
            if name.startswith("clocks."):
                raise self.error(f"{name} is set by a console line and cannot be read back; remove it", (*key, index))
            found.append(Column(name, row.unit, text=row.values is not float))
        return tuple(found)

    def conditions(self, axes: Sequence[Axis], stored: Mapping[str, Column]) -> tuple[Column, ...]:
        """Return what is stored with every point unasked: voltage and mode of each swept rail, chamber air."""
        wanted = []
        for rail in next(iter(self.bench.sites.values())).rails:
            swept = any(axis.name.startswith(f"rails.{rail}.") for axis in axes)
            rows = ("measured_voltage", "mode", "ovp_tripped", "ocp_tripped", "sense") if swept else (
                "mode", "ovp_tripped", "ocp_tripped")
            wanted += [f"rails.{rail}.{row}" for row in rows]
        if all(site.chamber is not None for site in self.bench.sites.values()):
            wanted.append("chamber.measured_temperature")
        for site in self.bench.sites.values():
            wanted += [f"readings.{name}" for name in site.board.file.guards if f"readings.{name}" not in wanted]
        return self.columns([name for name in wanted if name not in stored], (), [])

    def limits(self, stored: Mapping[str, Column]) -> dict[str, Bounds]:
        found = {}
        for name, spec in self.file.limits.items():
            if name not in stored:
                raise self.error(f"{name} is limited but never measured; add it to measure{near(name, stored)}",
                                 ("limits", name))
            if stored[name].text:
                raise self.error(f"{name} is a word or a switch, which no min or max can judge; remove this limit",
                                 ("limits", name))
            ends = []
            for end, default in (("min", -math.inf), ("max", math.inf)):
                text = getattr(spec, end)
                try:
                    ends.append(default if text is None else parse(text, stored[name].unit))
                except QuantityError as error:
                    raise self.error(str(error), ("limits", name, end)) from None
            if ends[0] > ends[1]:
                raise self.error("min lies above max; no value could pass, so correct one", ("limits", name))
            found[name] = Bounds(*ends)
        return found

    def site(self, site: Site, axes: Sequence[Axis]) -> SitePlan:
        spec: dict[str, tuple[float, float]] = {}
        nominal: dict[str, float] = {}
        for axis in axes:
            parts = axis.name.split(".")
            if parts[0] == "rails" and parts[2] == "voltage":
                rail = site.rails[parts[1]].spec
                spec[axis.name], nominal[axis.name] = rail.spec, rail.nominal
            elif parts[0] == "clocks":
                clock = site.board.file.clocks[parts[1]]
                spec[axis.name], nominal[axis.name] = clock.box, clock.nominal
        test = self._test(site, self.file.test) if self.file.test else None
        return SitePlan(site.name, site.dut, site.board.name, test, spec, nominal, self._guards(site, axes, nominal))

    def _guards(self, site: Site, axes: Sequence[Axis], nominal: Mapping[str, float]) -> tuple[Guard, ...]:
        """Return the board's guards in the units of their readings, and check what reference points need."""
        missing = [axis.name for axis in axes if axis.name not in nominal and not axis.name.startswith("chamber.")]
        if self.file.reference is not None and missing:
            raise self.error(f"{missing[0]} has no nominal value, so there is no reference point; leave reference out",
                             ("reference",))
        found = []
        board = site.board
        for name, spec in board.file.guards.items():
            key = ("guards", name)
            if name not in site.readings:
                raise board.document.error(f"there is no reading {name!r} to guard{near(name, site.readings)}", key)
            unit = site.readings[name].unit
            try:
                trip, resume = parse(spec.trip, unit), parse(spec.resume, unit)
            except QuantityError as error:
                raise board.document.error(str(error), key) from None
            if trip == resume:
                raise board.document.error("trip and resume are the same; resume must lie on the safe side of trip",
                                           key)
            found.append(Guard(f"readings.{name}", trip, resume, unit))
        return tuple(found)

    def _test(self, site: Site, run: TestRun) -> TestCall:
        tests = site.board.file.tests
        if run.run not in tests:
            raise self.error(f"the board {site.board.name} has no test {run.run!r}{near(run.run, tests)}",
                             ("test", "run"))
        spec = tests[run.run]
        try:
            line = spec.command(run.args)
        except KeyError as error:
            raise self.error(f"the test {run.run} needs the argument {error}; add it to args", ("test",)) from None
        except ValueError as error:
            raise self.error(f"the test {run.run} cannot be called like this: {error}", ("test", "args")) from None
        unused = [name for name in run.args if name not in spec.arguments]
        if unused:
            raise self.error(f"the test {run.run} takes no argument {unused[0]!r}; remove it"
                             f"{near(unused[0], spec.arguments)}", ("test", "args", unused[0]))
        return TestCall(run.run, spec, line)
