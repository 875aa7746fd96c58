"""One point at one site: move there, run the test while the supplies are read, read the rest, classify."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

from labkit.bench.opened import OpenBench, Site
from labkit.errors import LinkTimeout
from labkit.instrument import BoundSetting, Measured, Operation, Port, Special
from labkit.plan.compiled import CompiledPlan
from labkit.quantity import render
from labkit.run.record import PointResult
from labkit.run.session import Session
from labkit.transport.link import Pending

_PROMPT_S = 2.0


class BoardSilent(Exception):
    """The board stopped answering outside its test."""


@dataclass(frozen=True)
class _Exchange:
    """What is read from one instrument in one message, and the columns it fills."""

    instruments: tuple[str, ...]
    port: Port
    operations: tuple[Operation, ...]
    columns: tuple[str, ...]


class PointMeter:
    """Measures the points of one site. Everything that can be prepared once is prepared here."""

    def __init__(
        self, plan: CompiledPlan, site: Site, bench: OpenBench, session: Session, air: Callable[[], Measured | None],
    ) -> None:
        self._site, self._bench, self._session, self._air = site, bench, session, air
        self._call = plan.sites[site.name].test
        self._free = nullcontext()
        under_load = [c.name for c in (*plan.meanwhile, *plan.conditions)]
        guarded = [c.name for c in plan.conditions if c.name.startswith("readings.")]  # the console is busy until then
        self._under_load = self._exchanges([name for name in under_load if name not in guarded])
        self._after = self._exchanges([*(c.name for c in plan.measure), *guarded])
        self._asked_under_load = [name for exchange in self._under_load for name in exchange.instruments]
        self._asked_after = [name for exchange in self._after for name in exchange.instruments]
        self._chamber_wanted = any(c.name == "chamber.measured_temperature" for c in plan.conditions)
        self._mode_columns = [c.name for c in plan.conditions if c.name.endswith(".mode")]
        self._trip_columns = [c.name for c in plan.conditions if c.name.endswith("_tripped")]
        self._measured_columns = [c.name for c in (*plan.conditions, *plan.meanwhile)
                                  if c.name.startswith("rails.") and c.name.endswith(".measured_voltage")]
        self._sense = {c.name: site.rails[c.name.split(".")[1]].wiring.sense for c in plan.conditions
                       if c.name.endswith(".sense")}
        if self._call is not None:
            spec, banner = self._call.spec, site.board.file.console.boot.banner
            self._result = re.compile(spec.expect)
            self._either = re.compile(f"(?:{spec.expect})|(?:{banner})" if banner else spec.expect)

    def _exchanges(self, names: list[str]) -> list[_Exchange]:
        groups: dict[str, tuple[tuple[str, ...], Port, list[Operation], list[str]]] = {}
        for name in names:
            if name == "chamber.measured_temperature":
                continue  # shared and slow: read by the chamber's watch, not at every point
            target = self._site.target(name)
            operation = target.prepare_get() if isinstance(target, BoundSetting) else target.prepare()
            owner = target.owner
            label = owner.label.rpartition(".")[0] or owner.label
            _, _, operations, columns = groups.setdefault(label, (owner.instruments, owner.port, [], []))
            operations.append(operation)
            columns.append(name)
        return [_Exchange(found[0], found[1], tuple(found[2]), tuple(found[3])) for _, found in sorted(groups.items())]

    def move(self, here: Mapping[str, float], there: Mapping[str, float]) -> None:
        """Set what differs between two points, in a safe order, and wait for the rails to settle.

        Voltage up before frequency up, frequency down before voltage down: with the rails first when any of them
        rises, last otherwise. Raises BoardSilent when the console does not confirm a clock.
        """
        changed = {name: value for name, value in there.items() if here.get(name) != value}
        rails = {n: v for n, v in changed.items() if n.startswith("rails.")}
        rising = any(value > here.get(name, -1e9) for name, value in rails.items())
        if rising:
            self._set_rails(here, rails)
        for name, value in changed.items():
            if name.startswith("clocks."):
                try:
                    cast("BoundSetting[float]", self._site.target(name)).set(value)
                except LinkTimeout as error:
                    if error.instrument != self._site.console.label:
                        raise  # a clock source that does not answer is no hang of the board
                    raise BoardSilent(f"no answer while {name} was set") from error
        if not rising:
            self._set_rails(here, rails)

    def _set_rails(self, here: Mapping[str, float], rails: Mapping[str, float]) -> None:
        settle = 0.0
        for name, value in rails.items():
            _, rail_name, row = name.split(".")
            rail = self._site.rails[rail_name]
            setting = cast("BoundSetting[float]", getattr(rail.channel, row))
            start = here.get(name) if row == "voltage" else None
            for step in rail.steps(start, value) if start is not None else [value]:
                with self._taking(rail.instruments):
                    setting.set(step)
            settle = max(settle, rail.spec.settle)
        if settle:
            self._session.clock.sleep(settle)

    def measure(self, result: PointResult) -> None:
        """Run the test and read everything; fills outcome, reason and values of ``result``."""
        if self._chamber_wanted:
            result.values["chamber.measured_temperature"] = self._air()
        console = self._site.console_port
        if self._call is not None:
            console.send(self._call.line)
        with self._taking(self._asked_under_load):
            self._collect(self._under_load, result)
        result.outcome, result.reason = self._classify() if self._call is not None else ("pass", "")
        if result.outcome in ("pass", "fail", "marginal"):
            try:
                with self._taking(self._asked_after):
                    self._collect(self._after, result)
            except LinkTimeout as error:
                if error.instrument != self._site.console.label:
                    raise
                result.outcome, result.reason = "hang", "no answer from the console after the test"
        self._check_supply(result)

    def _taking(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Hold the instruments that other sites speak to as well; mostly there is none."""
        return self._free if self._bench.shared.isdisjoint(names) else self._bench.taking(names)

    def _collect(self, exchanges: list[_Exchange], result: PointResult) -> None:
        """Ask all instruments, then collect, the latest first; a failure drains the others."""
        under_way: list[tuple[_Exchange, Pending[list[Any]]]] = []
        problem: Exception | None = None
        try:
            under_way.extend((exchange, exchange.port.start(exchange.operations)) for exchange in exchanges)
        except Exception as error:
            problem = error
        if len(under_way) > 1:
            under_way.sort(key=lambda pair: -pair[1].ready_at)
        for exchange, pending in under_way:
            try:
                result.values.update(zip(exchange.columns, pending.result(), strict=True))
            except Exception as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def _classify(self) -> tuple[str, str]:
        call, console = self._call, self._site.console_port
        assert call is not None  # noqa: S101  (asked only where there is a test)
        try:
            text = console.link.expect(self._either, call.spec.timeout)
        except LinkTimeout:
            return call.spec.silence, f"no answer to {call.line!r} within {call.spec.timeout:g} s"
        match = self._result.search(text)
        if match is None:
            return call.spec.boot_banner, f"the board restarted by itself during {call.line!r}"
        try:
            console.reply(call.line, _PROMPT_S)
        except LinkTimeout:
            return call.spec.silence, f"no prompt after {call.line!r}"
        outcome = call.spec.outcomes.get(match.group(1), "invalid")
        return outcome, "" if outcome == "pass" else match.group(0)

    def look(self, result: PointResult) -> None:
        """Read the supplies alone: for a board that fell silent before its test could run."""
        with self._taking(self._asked_under_load):
            self._collect(self._under_load, result)
        self._check_supply(result)

    def _check_supply(self, result: PointResult) -> None:
        """What the supply did is no result of the board: off, tripped, limiting, elsewhere than it was set."""
        problem = ""
        for name in self._trip_columns:
            if result.values.get(name) is True:
                problem = f"{_rail(name)}: its protection has tripped"
                result.supply_failed = True
        for name in self._mode_columns:
            mode = result.values.get(name)
            if mode == "off" and not problem:
                problem, result.supply_failed = f"{_rail(name)} was off", True
            elif mode == "CC" and not problem:
                problem = f"{_rail(name)} was in constant current: the limit made this result"
        for name, wanted in self._sense.items():
            if not problem and result.values.get(name, wanted) != wanted:
                problem = f"{_rail(name)} senses {result.values[name]}, the bench file says {wanted}"
        for name in self._measured_columns:
            asked, measured = result.axes.get(f"{_rail(name)}.voltage"), result.values.get(name)
            if not problem and asked is not None and measured is not None and (
                    isinstance(measured, Special) or abs(measured - asked) > 0.02 * asked + 0.01):
                shown = measured.value if isinstance(measured, Special) else render(measured, "V")
                problem = f"{_rail(name)} measures {shown}, but was set to {render(asked, 'V')}"
        if problem:
            result.outcome, result.reason = "invalid", problem


def _rail(column: str) -> str:
    return column.rpartition(".")[0]
