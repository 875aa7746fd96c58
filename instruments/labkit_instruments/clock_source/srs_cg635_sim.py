"""Twin of the SRS CG635: what its public drivers and a few lines of PyVISA expect of the box.

Assumed, because no page was read: outputs settle in 30 ms after a change of octave and 5 ms otherwise; the CMOS output
stops working above 250 MHz without an error; levels that would cross push the other one away and tell so (51 to 62);
LCKR? holds what has been and is emptied by reading; the phase range of 360 deg; reply formats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

from labkit.sim.srs import ILLEGAL_VALUE, SrsCommand, SrsError, SrsTwin, byte, inside, one_of
from labkit.sim.twin import TwinEnvironment

_BAD_FREQUENCY, _BAD_PHASE, _BAD_VOLTAGE, _NO_PRBS = 20, 30, 40, 71
_RF_UNLOCKED, _OUTPUT_OFF, _PHASE_SHIFT = 1, 16, 32
_RANGES = {("CMOS", 0): (-1.0, 1.0), ("CMOS", 1): (-0.5, 6.0), ("QOUT", 0): (-3.0, 4.8), ("QOUT", 1): (-2.0, 5.0)}
_STANDARDS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "CMOS": ((0.0, 1.2), (0.0, 1.8), (0.0, 2.5), (0.0, 3.3), (0.0, 5.0)),
    "QOUT": ((-1.8, -1.0), (-0.5, 0.5), (1.07, 1.43), (1.5, 2.3), (3.2, 4.0)),
}
_CHANGED = {("QOUT", 0): 51, ("QOUT", 1): 52, ("CMOS", 0): 61, ("CMOS", 1): 62}
_TOP_OF_OCTAVES, _OVERLAP = 2.05e9, 960.0 / 1024.0
_SLEWING_ABOVE_HZ = 0.94e6
CMOS_HZ = 250e6
"""The highest frequency at the CMOS output, Hz."""


class Line(Protocol):
    """What the Q outputs clock."""

    def drive(self, *, hz: float, on: bool) -> None:
        """Set the frequency that comes out."""


class CG635Twin(SrsTwin):
    """The twin. ``env.ports[1]`` is the line that its Q outputs clock; missing, nothing is connected."""

    model = "CG635"
    firmware: ClassVar[str] = "ver1.00"
    characters_per_s = 960.0

    def __init__(self, env: TwinEnvironment) -> None:
        self._hz, self._phase, self._running = 10e6, 0.0, 1
        self._levels = {"CMOS": [0.0, 3.3], "QOUT": [1.07, 1.43]}
        self._octave, self._settled_at, self._unlocked_until = 0, 0.0, 0.0
        self._lock_events = self._instrument_events = 0
        self._enables = dict.fromkeys(("LCKE", "INSE", "CESE"), 0)
        self._display = 0
        self._line: Line | None = env.ports.get(1)
        self._timebase = int(env.options.get("timebase", 0))
        super().__init__(env)

    # What is at the outputs.

    @property
    def frequency_hz(self) -> float:
        """The frequency at Q now, Hz; 0 while stopped or while the octave changes."""
        return self._hz if self._running and self.clock.now() >= self._unlocked_until else 0.0

    @property
    def cmos_hz(self) -> float:
        """The frequency at the CMOS output now, Hz; 0 above what it can do."""
        return self.frequency_hz if self._hz <= CMOS_HZ else 0.0

    @property
    def cmos_levels(self) -> tuple[float, float]:
        """Low and high level of the CMOS output, V."""
        low, high = self._levels["CMOS"]
        return low, high

    # Commands.

    def commands(self) -> Mapping[str, SrsCommand]:
        """Return what the CG635 has besides the common commands."""
        return {
            "FREQ": SrsCommand("f", ask=lambda: f"{self._hz:.12g}", put=self._set_frequency),
            "PHAS": SrsCommand("f", ask=lambda: f"{self._phase:.10g}", put=self._set_phase),
            "RPHS": SrsCommand(put=self._zero_phase),
            "CMOS": SrsCommand("if", ask=self._level("CMOS"), put=self._set_level("CMOS"), asked=1),
            "QOUT": SrsCommand("if", ask=self._level("QOUT"), put=self._set_level("QOUT"), asked=1),
            "STDC": SrsCommand("i", ask=lambda: self._standard("CMOS"), put=self._set_standard("CMOS")),
            "STDQ": SrsCommand("i", ask=lambda: self._standard("QOUT"), put=self._set_standard("QOUT")),
            "RUNS": SrsCommand("i", ask=lambda: str(self._running), put=self._run),
            "TIMB": SrsCommand(ask=lambda: str(self._timebase)),
            "DISP": SrsCommand("i", ask=lambda: str(self._display), put=self._show),
            "PRBS": SrsCommand("i", ask=self._no_prbs, put=self._refuse_prbs),
            "LCKR": SrsCommand(ask=self._take_lock_events),
            "INSR": SrsCommand(ask=self._take_instrument_events),
            "CESR": SrsCommand(ask=lambda: "0"),
            **{name: SrsCommand("i", ask=self._enable(name), put=self._set_enable(name)) for name in self._enables},
        }

    def restore_defaults(self) -> None:
        """10 MHz, LVDS and 3.3 V CMOS, running."""
        self._hz, self._phase, self._running, self._display = 10e6, 0.0, 1, 0
        self._levels = {"CMOS": [0.0, 3.3], "QOUT": [1.07, 1.43]}
        self._octave, self._settled_at, self._unlocked_until = _octave(self._hz), self.now() + 0.030, 0.0
        self._drive()

    def _drive(self) -> None:
        if self._line is not None:
            self._line.drive(hz=self._hz, on=bool(self._running))

    def clear_registers(self) -> None:
        """Empty the lock and instrument event registers."""
        self._lock_events = self._instrument_events = 0

    def summary(self) -> int:
        """Return bits 0 (instrument) and 1 (lock) of the status byte."""
        self._look()
        return ((1 if self._instrument_events & self._enables["INSE"] else 0)
                | (2 if self._lock_events & self._enables["LCKE"] else 0))

    def ready_at(self) -> float:
        """Return when the outputs have settled."""
        return max(self.now(), self._settled_at)

    def _set_frequency(self, hz: float) -> None:
        inside(hz, 1e-6, 2.05e9, _BAD_FREQUENCY)
        octave = self._octave if _fits(hz, self._octave) else _octave(hz)
        moved = octave != self._octave
        slews = moved and max(hz, self._hz) > _SLEWING_ABOVE_HZ
        self._hz, self._octave = hz, octave
        if slews:
            self._unlocked_until = self.now() + 0.025
            self._look()
        self._settled_at = self.now() + (0.030 if slews else 0.005)
        self._drive()

    def _set_phase(self, degrees: float) -> None:
        self._phase = inside(degrees, -360.0, 360.0, _BAD_PHASE)
        self._lock_events |= _PHASE_SHIFT
        self._settled_at = self.now() + 0.005

    def _zero_phase(self) -> None:
        self._phase = 0.0

    def _run(self, on: int) -> None:
        self._running = one_of(on, 2)
        self._drive()
        self._settled_at = self.now() + 0.005
        self._look()

    def _show(self, what: int) -> None:
        self._display = one_of(what, 8)

    def _refuse_prbs(self, on: int) -> None:
        raise SrsError(_NO_PRBS)

    def _no_prbs(self) -> str:
        raise SrsError(_NO_PRBS)

    # Levels.

    def _level(self, output: str) -> Callable[[int], str]:
        return lambda which: f"{self._levels[output][one_of(which, 2)]:.2f}"

    def _set_level(self, output: str) -> Callable[[int, float], None]:
        def put(which: int, volts: float) -> None:
            low, high = _RANGES[output, one_of(which, 2)]
            levels = self._levels[output]
            levels[which] = round(inside(volts, low, high, _BAD_VOLTAGE), 2)
            if levels[0] > levels[1]:  # the other one gives way, within its own range
                other = 1 - which
                low, high = _RANGES[output, other]
                levels[other] = min(max(levels[which], low), high)
                self.report(_CHANGED[output, other])
            self._settled_at = self.now() + 0.005
        return put

    def _standard(self, output: str) -> str:
        levels = tuple(self._levels[output])
        return str(next((i for i, known in enumerate(_STANDARDS[output]) if known == levels), -1))

    def _set_standard(self, output: str) -> Callable[[int], None]:
        def put(which: int) -> None:
            if not 0 <= which < len(_STANDARDS[output]):
                raise SrsError(ILLEGAL_VALUE)
            self._levels[output] = list(_STANDARDS[output][which])
            self._settled_at = self.now() + 0.005
        return put

    # Registers.

    def _look(self) -> None:
        """Latch what is so now into the lock register."""
        if self.now() < self._unlocked_until:
            self._lock_events |= _RF_UNLOCKED
        if not self._running:
            self._lock_events |= _OUTPUT_OFF

    def _take_lock_events(self) -> str:
        self._look()
        found, self._lock_events = self._lock_events, 0
        return str(found)

    def _take_instrument_events(self) -> str:
        found, self._instrument_events = self._instrument_events, 0
        return str(found)

    def _enable(self, name: str) -> Callable[[], str]:
        return lambda: str(self._enables[name])

    def _set_enable(self, name: str) -> Callable[[int], None]:
        def put(value: int) -> None:
            self._enables[name] = byte(value)
        return put


def _octave(hz: float) -> int:
    """Return the number of halvings of the highest octave in which ``hz`` lies: 0 to 50."""
    return max(0, min(50, math.floor(math.log2(_TOP_OF_OCTAVES / hz))))


def _fits(hz: float, octave: int) -> bool:
    """Tell whether the oscillator can make ``hz`` in that octave; neighbours overlap (960 to 2050, 480 to 1024 MHz)."""
    top = _TOP_OF_OCTAVES / 2.0 ** octave
    return octave >= 50 or top / 2.0 * _OVERLAP <= hz <= top
