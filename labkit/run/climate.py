"""The chamber during a run: ramp and soak as a barrier for all sites, and a watch on its air below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from labkit.bench.opened import OpenBench
from labkit.errors import InstrumentError, ReplyError
from labkit.instrument import Measured, Owner
from labkit.instrument.kinds import ThermalChamber
from labkit.plan.planfile import SoakSpec
from labkit.quantity import render, render_duration
from labkit.run.record import Recorder
from labkit.run.session import Session
from labkit.run.soak import Soak

T = TypeVar("T")

AIR = "chamber.measured_temperature"
_WATCH_S = 10.0
_TRACE_S = 20.0
_PATIENCE_S = 120.0
_BAND_WIDER = 2.0
"""How far from the target a soaked chamber may drift while points are taken, in units of the soak's ``within``."""
_SAFE_WITHIN_K = 5.0
_SAFE_TIMEOUT_S = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Settle:
    """How one shared condition was reached; a time-out is a result."""

    block: int
    setting: str
    target: float
    unit: str
    settled: bool
    took_s: float
    last_clause: str
    t_s: float
    """Run time at which it was reached, or given up."""

    @property
    def problem(self) -> str:
        """Why nothing can be measured here, "" when settled."""
        if self.settled:
            return ""
        return (f"{self.setting} did not settle at {render(self.target, self.unit)} within "
                f"{render_duration(self.took_s)} (still missing: {self.last_clause})")


class Climate:
    """The chamber of a bench, as the run uses it."""

    def __init__(self, bench: OpenBench, session: Session, recorder: Recorder) -> None:
        self._bench, self._session, self._recorder = bench, session, recorder
        self._chamber: ThermalChamber | None = next(iter(bench.chambers.values()), None)
        self._air: Measured | None = None
        self._read_s = self._traced_s = self._heard_s = -1e9
        self._target, self._spec = 0.0, None  # type: float, SoakSpec | None
        self._lost: dict[int, str] = {}
        self.settles: list[Settle] = []

    def air(self) -> Measured | None:
        """Return the air temperature, read again when it is older than ten seconds; None where there is none."""
        if self._chamber is None:
            return None
        if self._session.clock.now() - self._read_s >= _WATCH_S:
            with self._bench.taking((self._chamber.label,)):
                if self._session.clock.now() - self._read_s >= _WATCH_S:  # another site may have read it meanwhile
                    self._look()
        return self._air

    def _look(self) -> None:
        """Read the air; one lost answer leaves the last value for two seconds more, two minutes without any raise."""
        try:
            self._read()
        except InstrumentError as error:
            now = self._session.clock.now()
            if now - self._heard_s > _PATIENCE_S:
                raise
            self._read_s = now - _WATCH_S + 2.0
            self._recorder.event("warning", "", f"{error}; asking again")

    def stay(self, block: int) -> str:
        """Look whether the chamber still holds its soak, soak again where it does not; return why it cannot, or "".

        Called by every site before each point: the first one that sees it waits for the soak, the others for the first.
        """
        if self._spec is None or block in self._lost:
            return self._lost.get(block, "")
        try:
            if not self._holds():
                with self._session.clock.lock("climate"):
                    if block not in self._lost and not self._holds():
                        self._soak_again(block, self._spec)
        except InstrumentError as error:
            self._lost[block] = f"the chamber cannot be watched: {error}"
        return self._lost.get(block, "")

    def _soak_again(self, block: int, spec: SoakSpec) -> None:
        self._recorder.event("warning", "", f"the chamber left its band at {self._target:g} degC (air "
                                            f"{_shown(self._air)}); soaking again")
        settle = self.go_to(block, self._target, spec)
        if settle.problem:
            self._lost[block] = settle.problem
            self._recorder.event("error", "", f"{settle.problem}; the rest of its points are not tested")

    def _holds(self) -> bool:
        air = self.air()
        return isinstance(air, float) and self._spec is not None and (
            abs(air - self._target) <= _BAND_WIDER * self._spec.within)

    def _read(self) -> Measured | None:
        assert self._chamber is not None  # noqa: S101  (asked only where there is one)
        self._air = self._chamber.measured_temperature.read()
        now = self._session.clock.now()
        self._read_s = self._heard_s = now
        if isinstance(self._air, float) and now - self._traced_s >= _TRACE_S:
            self._traced_s = now
            self._recorder.trace("", AIR, self._air, "degC")
        return self._air

    def go_to(self, block: int, target: float, spec: SoakSpec | None) -> Settle:
        """Set the chamber and wait until it has soaked; without a soak rule, only set. Keeps what came of it."""
        started = self._session.clock.now()
        self._target, self._spec = target, spec
        self._patiently(lambda: self._command(target))
        settled, clause = (True, "") if spec is None else self._soak(Soak(spec, target, started), spec)
        now = self._session.clock.now()
        settle = Settle(block, "chamber.temperature", target, "degC", settled, now - started, clause, now)
        self.settles.append(settle)
        return settle

    def _command(self, target: float) -> None:
        chamber = self._chamber
        assert chamber is not None  # noqa: S101  (a plan that sets chamber.temperature compiles only with one)
        point, control = cast(Owner, chamber).perform([
            chamber.temperature.prepare(target), chamber.control.prepare("auto"), chamber.temperature.prepare_get(),
            chamber.control.prepare_get()])
        if not isinstance(point, float) or abs(point - target) > 0.1 or control != "auto":
            raise ReplyError(f"the set point reads back {point} (control {control}) after {target:g} degC was set",
                             instrument=chamber.label)

    def _soak(self, soak: Soak, spec: SoakSpec) -> tuple[bool, str]:
        """Wait for the soak; return whether it was reached, and the clause that was met (or is missing) last."""
        session, target = self._session, soak.target
        poll = min(5.0, max(1.0, spec.hold / 20))
        session.phase(f"chamber to {target:g} °C")
        told = ""
        while True:
            air = self._patiently(self._read)
            now = session.clock.now()
            if isinstance(air, float):
                state = soak.sample(now, air)
                if not state.clause:
                    return True, soak.last_clause
                if state.clause != told:
                    told = state.clause
                    session.phase(_PHASES[told].format(target=target))
            if soak.timed_out(now):
                return False, told or soak.last_clause
            session.sleep(poll)

    def _patiently(self, call: Callable[[], T]) -> T:
        """Do something with the chamber; one that does not answer is asked again for two minutes."""
        began = self._session.clock.now()
        told = False
        while True:
            try:
                return call()
            except InstrumentError as error:
                if self._session.clock.now() - began > _PATIENCE_S:
                    raise
                if not told:
                    self._recorder.event("warning", "", f"{error}; asking again")
                told = True
                self._session.sleep(5.0)

    def end_warm(self, target: float) -> str:
        """Wait until the chamber is near its safe temperature, so that nobody opens it cold; returns what happened.

        A chamber far from it after two hours is reported, not waited for.
        """
        if self._chamber is None:
            return ""
        session = self._session
        started = session.clock.now()
        session.phase(f"chamber back to {target:g} °C")
        while session.clock.now() - started < _SAFE_TIMEOUT_S:
            air = self._patiently(self._read)
            if isinstance(air, float) and abs(air - target) <= _SAFE_WITHIN_K:
                return f"{self._chamber.label} at {air:.1f} degC"
            session.sleep(10.0)
        return f"{self._chamber.label} still at {_shown(self._air)} after {render_duration(_SAFE_TIMEOUT_S)}"


_PHASES = {
    "band": "chamber to {target:g} °C", "slope": "settling at {target:g} °C", "hold": "soaking at {target:g} °C",
}


def _shown(air: Measured | None) -> str:
    return f"{air:.1f} degC" if isinstance(air, float) else "not measured"
