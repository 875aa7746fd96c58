"""The chamber during a run: ramp and soak as a barrier for all sites, and a watch on its air below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from labkit.bench.opened import OpenBench
from labkit.instrument import Owner, Special
from labkit.instrument.kinds import ThermalChamber
from labkit.plan.planfile import SoakSpec
from labkit.quantity import render, render_duration
from labkit.run.record import Recorder
from labkit.run.session import Session
from labkit.run.soak import Soak

AIR = "chamber.measured_temperature"
_WATCH_S = 10.0
_TRACE_S = 20.0
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
        self._air: float | None = None
        self._read_s = self._traced_s = -1e9

    def air(self) -> float | None:
        """Return the air temperature, read again when it is older than ten seconds; None where there is none."""
        if self._chamber is None:
            return None
        if self._session.clock.now() - self._read_s >= _WATCH_S:
            with self._bench.taking((self._chamber.label,)):
                if self._session.clock.now() - self._read_s >= _WATCH_S:  # another site may have read it meanwhile
                    self._read()
        return self._air

    def _read(self) -> float | None:
        assert self._chamber is not None  # noqa: S101  (asked only where there is one)
        value = self._chamber.measured_temperature.read()
        now = self._session.clock.now()
        self._read_s = now
        self._air = None if isinstance(value, Special) else value
        if self._air is not None and now - self._traced_s >= _TRACE_S:
            self._traced_s = now
            self._recorder.trace("", AIR, self._air, "degC")
        return self._air

    def go_to(self, block: int, target: float, spec: SoakSpec | None) -> Settle:
        """Set the chamber and wait until it has soaked; without a soak rule, only set."""
        chamber, session = self._chamber, self._session
        assert chamber is not None  # noqa: S101  (a plan that sets chamber.temperature compiles only with one)
        started = session.clock.now()
        cast(Owner, chamber).perform([chamber.temperature.prepare(target), chamber.control.prepare("auto")])
        if spec is None:
            return Settle(block, "chamber.temperature", target, "degC", True, 0.0, "", started)
        soak = Soak(spec, target, started)
        poll = min(5.0, max(1.0, spec.hold / 20))
        session.phase(f"chamber to {target:g} °C")
        told = ""
        while True:
            air = self._read()
            now = session.clock.now()
            if air is not None:
                state = soak.sample(now, air)
                if not state.clause:
                    return Settle(block, "chamber.temperature", target, "degC", True, now - started, soak.last_clause,
                                  now)
                if state.clause != told:
                    told = state.clause
                    session.phase(_PHASES[told].format(target=target))
            if soak.timed_out(now):
                return Settle(block, "chamber.temperature", target, "degC", False, now - started,
                              told or soak.last_clause, now)
            session.sleep(poll)

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
            air = self._read()
            if air is not None and abs(air - target) <= _SAFE_WITHIN_K:
                return f"{self._chamber.label} at {air:.1f} degC"
            session.sleep(10.0)
        return f"{self._chamber.label} still at {self._air} degC after {render_duration(_SAFE_TIMEOUT_S)}"


_PHASES = {
    "band": "chamber to {target:g} °C", "slope": "settling at {target:g} °C", "hold": "soaking at {target:g} °C",
}
