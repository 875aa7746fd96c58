"""Twin of the Watlow F4T: the registers that clients of the real one use, over one simulated chamber.

Every value of the controller lies in a pair of registers, the low word first; a number of 16 bits has 0 in its second
register. Addresses that the controller does not have answer with exception 2, values that it does not take with
exception 3. The reply takes 30 ms; controllers with old firmware were seen to take 100 to 500 ms (option
``latency_s``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import blake2b

from labkit.sim.twin import RegisterFault, TwinEnvironment
from labkit.sim.world import Chamber

_AUTO, _MANUAL, _OFF, _ON = 10, 54, 62, 63
_CELSIUS, _FAHRENHEIT = 15, 30
_NONE, _OK, _SIXTY_HERTZ, _NOT_STARTED, _PROCESS_ALARM = 61, 138, 4, 251, 76
_START, _PAUSE, _RESUME, _TERMINATE, _RUNNING, _TERMINATED = 1782, 146, 147, 148, 149, 253
_DOWN, _UP = 1457, 1456
_K_PER_PERCENT = 1.2  # where the air ends up with a fixed output

Reader = Callable[[], float]
Writer = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of the controller; ``write`` None is a value that can only be read.

    ``kind``: "real" a float32, "number" 16 bits and an empty second register, "char" one register alone.
    """

    read: Reader
    write: Writer | None = None
    kind: str = "number"


class F4TTwin:
    """The controller. ``env.ports[1]`` is the chamber.

    Options: ``latency_s`` (0.03), ``units`` ("C" or "F"), ``cascade`` (False: loop 1 alone; True: cascade loop 1
    steers the same chamber).
    """

    def __init__(self, env: TwinEnvironment) -> None:
        chamber = env.ports[1]
        if not isinstance(chamber, Chamber):
            raise TypeError(f"the controller {env.name} needs a simulated chamber, not {type(chamber).__name__}")
        self.latency_s = float(env.options.get("latency_s", 0.03))
        self._chamber, self._clock = chamber, env.clock
        self._units = _FAHRENHEIT if env.options.get("units", "C") == "F" else _CELSIUS
        self._cascade = bool(env.options.get("cascade", False))
        self._mode, self._set_point_degc, self._manual_percent = _AUTO, 25.0, 0.0
        self._lowest_degc, self._highest_degc = -60.0, 180.0
        self._state, self._number, self._step = _NOT_STARTED, 1, 1
        self._clock_offset = timedelta(0)
        self._cells: dict[int, Cell] = {}
        self._map_identity(env.serial)
        self._map_loop(2730, 2774)
        if self._cascade:
            self._map_cascade()
        self._map_profile()
        self._map_inputs_and_outputs()
        self._map_clock()
        self._apply()

    # -- what the face calls ----------------------------------------------------------------------------------------

    def read(self, address: int, count: int) -> list[int]:
        """Return ``count`` registers; raises RegisterFault 2 where one of them does not exist, 3 for a bad count."""
        if not 1 <= count <= 125:
            raise RegisterFault(3)
        registers: list[int] = []
        while len(registers) < count:
            here = address + len(registers)
            cell = self._cells.get(here)
            if cell is not None:
                words = self._words(cell)
            elif here - 1 in self._cells:
                words = self._words(self._cells[here - 1])[1:]
            else:
                raise RegisterFault(2)
            if not words:  # behind a single character there is nothing
                raise RegisterFault(2)
            registers.extend(words[:count - len(registers)])
        return registers

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write registers; raises RegisterFault 2 for an address that cannot be written, 3 for a value not taken."""
        if not values or len(values) > 123:
            raise RegisterFault(3)
        index = 0
        while index < len(values):
            cell = self._cells.get(address + index)
            if cell is None or cell.write is None:
                raise RegisterFault(2)
            if cell.kind == "real":
                if index + 1 >= len(values):
                    raise RegisterFault(3)
                value = float(struct.unpack("<f", struct.pack("<HH", values[index], values[index + 1]))[0])
                if not math.isfinite(value):
                    raise RegisterFault(3)
                cell.write(value)
                index += 2
            else:
                cell.write(values[index])
                index += 2  # a client that writes both registers of a pair sends the second as 0

    def _words(self, cell: Cell) -> list[int]:
        value = cell.read()
        if cell.kind == "real":
            return list(struct.unpack("<HH", struct.pack("<f", value)))
        low, high = int(value) & 0xFFFF, int(value) >> 16 & 0xFFFF
        return [low] if cell.kind == "char" else [low, high]

    # -- the map ----------------------------------------------------------------------------------------------------

    def _value(self, address: int, read: Reader, write: Writer | None = None) -> None:
        self._cells[address] = Cell(read, write)

    def _real(self, address: int, read: Reader, write: Writer | None = None) -> None:
        self._cells[address] = Cell(read, write, "real")

    def _text(self, address: int, text: str, words: int) -> None:
        for index in range(words):
            code = ord(text[index]) if index < len(text) else 0
            self._cells[address + index] = Cell(partial(int, code), None, "char")

    def _choice(self, address: int, default: int, *allowed: int) -> None:
        """Map a value that is kept and means nothing to the simulated chamber."""
        kept = {"value": default}

        def write(value: float) -> None:
            if allowed and int(value) not in allowed:
                raise RegisterFault(3)
            kept["value"] = int(value)

        self._value(address, lambda: kept["value"], write)

    def _map_identity(self, serial: str) -> None:
        number = int.from_bytes(blake2b(serial.encode(), digest_size=4).digest(), "little") % 1_000_000
        # Digit 7 D: profiles, 6 alarms. Digit 12: 1 one loop, 6 one cascade loop.
        part = "F4T1L1D" + "AAA0" + ("6" if self._cascade else "1") + "AAA"
        self._value(0, lambda: 35)
        self._value(12, lambda: number)
        self._text(16, part, 15)
        self._text(46, serial[:15], 15)
        self._value(90, lambda: _OK)
        self._choice(94, _SIXTY_HERTZ, 3, 4)
        self._choice(1328, _FAHRENHEIT, _CELSIUS, _FAHRENHEIT)
        for address in (6730, 14080):
            self._value(address, lambda: self._units, self._set_units)

    def _map_loop(self, mode: int, limits: int) -> None:
        self._value(mode, lambda: self._mode, self._set_mode)
        self._real(limits, lambda: self._shown(self._lowest_degc), self._set_lowest)
        self._real(limits + 2, lambda: self._shown(self._highest_degc), self._set_highest)
        self._real(2782, lambda: self._shown(self._set_point_degc), self._set_point)
        self._real(2784, lambda: self._manual_percent, self._set_power)
        self._real(2808, self._chamber.power_percent)
        self._real(2810, lambda: self._shown(self._working()))
        self._value(2814, lambda: self._mode)
        self._real(2820, lambda: self._shown(self._chamber.sensor()))

    def _map_cascade(self) -> None:
        """Map cascade loop 1; its air and product are the same simulated air."""
        self._value(4010, lambda: self._mode, self._set_mode)
        self._value(4012, lambda: self._mode)
        self._real(4034, lambda: self._shown(self._lowest_degc), self._set_lowest)
        self._real(4036, lambda: self._shown(self._highest_degc), self._set_highest)
        self._real(4042, lambda: self._shown(self._set_point_degc), self._set_point)
        self._real(4044, lambda: self._manual_percent, self._set_power)
        self._real(4178, self._chamber.power_percent)
        for address in (4180, 4182):
            self._real(address, lambda: self._shown(self._chamber.sensor()))
        for address in (4188, 4190):
            self._real(address, lambda: self._shown(self._working()))
        self._choice(4200, _OFF, _OFF, _ON)

    def _map_profile(self) -> None:
        self._value(16558, lambda: self._number, self._set_number)
        self._value(16560, lambda: self._step, self._set_step)
        self._value(16562, lambda: _NONE, self._start)
        self._value(16564, lambda: _NONE, self._resume)
        self._value(16566, lambda: _NONE, self._end)
        self._value(16568, lambda: self._state)
        self._value(16588, lambda: self._number if self._state in (_RUNNING, _PAUSE) else 0)
        self._value(16590, lambda: self._step if self._state in (_RUNNING, _PAUSE) else 0)

    def _map_inputs_and_outputs(self) -> None:
        for address in (16594, 16596, 16598, 16600, 16822, 16824, 16826, 16828):
            self._choice(address, _OFF, _OFF, _ON)
        for key in range(4):
            self._map_key(6844 + 20 * key, 6850 + 20 * key)
        self._value(33718, lambda: _OFF if self._mode == _OFF else _ON)  # module 1, output 1: chamber runs
        for alarm in range(6):
            base = 100 * alarm
            self._choice(1330 + base, _OFF, _OFF, _PROCESS_ALARM, 24)
            for offset, default_degf in ((1334, 300.0), (1336, 32.0)):
                self._map_threshold(offset + base, (default_degf - 32.0) / 1.8)
            self._value(1356 + base, lambda: _NONE)

    def _map_threshold(self, address: int, default_degc: float) -> None:
        kept = {"degc": default_degc}

        def write(value: float) -> None:
            kept["degc"] = self._meant(value)

        self._real(address, lambda: self._shown(kept["degc"]), write)

    def _map_key(self, state: int, press: int) -> None:
        kept = {"value": _OFF}

        def write(value: float) -> None:
            if int(value) not in (_DOWN, _UP):
                raise RegisterFault(3)
            kept["value"] = _ON if int(value) == _DOWN else _OFF

        self._value(state, lambda: kept["value"])
        self._value(press, lambda: _DOWN if kept["value"] == _ON else _UP, write)

    def _map_clock(self) -> None:
        for index, name in enumerate(("hour", "minute", "second", "month", "day", "year")):
            self._value(14664 + 2 * index, partial(self._date, name), partial(self._set_date, name))

    def _date(self, name: str) -> int:
        return int(getattr(self._clock.utc() + self._clock_offset, name))

    def _set_date(self, name: str, value: float) -> None:
        shown = self._clock.utc() + self._clock_offset
        try:
            self._clock_offset += shown.replace(**{name: int(value)}) - shown  # type: ignore[arg-type]
        except (ValueError, OverflowError):
            raise RegisterFault(3) from None

    # -- what writing does ------------------------------------------------------------------------------------------

    def _shown(self, degc: float) -> float:
        return degc * 1.8 + 32.0 if self._units == _FAHRENHEIT else degc

    def _meant(self, value: float) -> float:
        return (value - 32.0) / 1.8 if self._units == _FAHRENHEIT else value

    def _within(self, value: float) -> float:
        """Return the temperature meant; exception 3 outside the set point limits (a float32's rounding aside)."""
        degc = self._meant(value)
        if not self._lowest_degc - 1e-4 <= degc <= self._highest_degc + 1e-4:
            raise RegisterFault(3)
        return degc

    def _working(self) -> float:
        """Return the set point that the controller works with: the chamber's own while control is on."""
        held = self._chamber.set_point_degc
        return self._set_point_degc if held is None else held

    def _apply(self) -> None:
        """Bring the chamber to what mode and set point say. A running profile keeps its own set point."""
        if self._mode == _OFF:
            self._chamber.command(None)
        elif self._mode == _MANUAL:
            self._chamber.command(25.0 + _K_PER_PERCENT * self._manual_percent)
        elif self._state not in (_RUNNING, _PAUSE):
            self._chamber.command(self._set_point_degc)

    def _set_mode(self, value: float) -> None:
        if int(value) not in (_AUTO, _MANUAL, _OFF):
            raise RegisterFault(3)
        self._mode = int(value)
        self._apply()

    def _set_units(self, value: float) -> None:
        if int(value) not in (_CELSIUS, _FAHRENHEIT):
            raise RegisterFault(3)
        self._units = int(value)

    def _set_point(self, value: float) -> None:
        self._set_point_degc = self._within(value)
        self._apply()

    def _set_lowest(self, value: float) -> None:
        self._lowest_degc = self._limit(value, -80.0, self._highest_degc)

    def _set_highest(self, value: float) -> None:
        self._highest_degc = self._limit(value, self._lowest_degc, 200.0)

    def _limit(self, value: float, low: float, high: float) -> float:
        degc = self._meant(value)
        if not low <= degc <= high:
            raise RegisterFault(3)
        return degc

    def _set_power(self, value: float) -> None:
        if not -100.0 <= value <= 100.0:
            raise RegisterFault(3)
        self._manual_percent = value
        self._apply()

    def _set_number(self, value: float) -> None:
        if not 1 <= value <= 40:
            raise RegisterFault(3)
        self._number = int(value)

    def _set_step(self, value: float) -> None:
        if not 1 <= value <= 50:
            raise RegisterFault(3)
        self._step = int(value)

    def _start(self, value: float) -> None:
        if int(value) != _START or self._state in (_RUNNING, _PAUSE):
            raise RegisterFault(3)
        self._state = _RUNNING

    def _resume(self, value: float) -> None:
        if int(value) != _RESUME or self._state != _PAUSE:
            raise RegisterFault(3)
        self._state = _RUNNING

    def _end(self, value: float) -> None:
        action = int(value)
        if action not in (_PAUSE, _TERMINATE) or self._state not in (_RUNNING, _PAUSE):
            raise RegisterFault(3)
        self._state = _PAUSE if action == _PAUSE else _TERMINATED
        self._apply()
