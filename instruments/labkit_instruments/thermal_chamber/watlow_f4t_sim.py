"""Twin of the Watlow F4T: one object, asked as registers (Modbus TCP and RTU) and as SCPI, over one simulated chamber.

The registers are those that clients of the real one use; the SCPI face is :mod:`.watlow_f4t_scpi_sim`.

Every value of the controller lies in a pair of registers, the low word first; a number of 16 bits has 0 in its second
register. Addresses that the controller does not have answer with exception 2, values that it does not take with
exception 3. The reply takes 30 ms; controllers with old firmware were seen to take 100 to 500 ms (option
``latency_s``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import blake2b

from labkit.sim.twin import RegisterFault, Reply, TwinEnvironment
from labkit.sim.world import Chamber
from labkit_instruments.thermal_chamber.watlow_f4t_controller_sim import (
    CELSIUS,
    FAHRENHEIT,
    OFF,
    ON,
    PAUSED,
    STOPPED,
    Controller,
    Refused,
)
from labkit_instruments.thermal_chamber.watlow_f4t_scpi_sim import F4TMessages

_NONE, _OK, _SIXTY_HERTZ, _PROCESS_ALARM = 61, 138, 4, 76
_START, _RESUME = 1782, 147
_DOWN, _UP = 1457, 1456

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

    rtu_baud = 38400
    """The rate of the controller's serial port as delivered."""

    def __init__(self, env: TwinEnvironment) -> None:
        chamber = env.ports[1]
        if not isinstance(chamber, Chamber):
            raise TypeError(f"the controller {env.name} needs a simulated chamber, not {type(chamber).__name__}")
        self.latency_s = float(env.options.get("latency_s", 0.03))
        self._clock, self._cascade = env.clock, bool(env.options.get("cascade", False))
        self._controller = Controller(chamber, fahrenheit=env.options.get("units", "C") == "F")
        self._clock_offset = timedelta(0)
        self._cells: dict[int, Cell] = {}
        # Digit 7 D: profiles, 6 alarms. Digit 12: 1 one loop, 6 one cascade loop.
        part = "F4T1L1D" + "AAA0" + ("6" if self._cascade else "1") + "AAA"
        self._messages = F4TMessages(env, self._controller, part, self.latency_s)
        self._map_identity(env.serial, part)
        self._map_loop(2730, 2774)
        if self._cascade:
            self._map_cascade()
        self._map_profile()
        self._map_inputs_and_outputs()
        self._map_clock()

    # -- what the face calls ----------------------------------------------------------------------------------------

    def handle(self, message: str) -> Reply:
        """Perform one SCPI message."""
        return self._messages.handle(message)

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
            value: float = values[index]
            if cell.kind == "real":
                if index + 1 >= len(values):
                    raise RegisterFault(3)
                value = float(struct.unpack("<f", struct.pack("<HH", values[index], values[index + 1]))[0])
                if not math.isfinite(value):
                    raise RegisterFault(3)
            try:
                cell.write(value)
            except Refused:
                raise RegisterFault(3) from None
            index += 2  # a client that writes both registers of a pair of 16 bits sends the second as 0

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

    def _map_identity(self, serial: str, part: str) -> None:
        controller = self._controller
        number = int.from_bytes(blake2b(serial.encode(), digest_size=4).digest(), "little") % 1_000_000
        self._value(0, lambda: 35)
        self._value(12, lambda: number)
        self._text(16, part, 15)
        self._text(46, serial[:15], 15)
        self._value(90, lambda: _OK)
        self._choice(94, _SIXTY_HERTZ, 3, 4)
        self._value(1328, lambda: controller.display_units, self._set_display_units)
        for address in (6730, 14080):
            self._value(address, lambda: controller.units, lambda value: controller.set_units(int(value)))

    def _set_display_units(self, value: float) -> None:
        if int(value) not in (CELSIUS, FAHRENHEIT):
            raise RegisterFault(3)
        self._controller.display_units = int(value)

    def _map_loop(self, mode: int, limits: int) -> None:
        controller = self._controller
        shown, chamber = controller.shown, controller.chamber
        self._value(mode, lambda: controller.mode, lambda value: controller.set_mode(int(value)))
        self._real(limits, lambda: shown(controller.lowest_degc), controller.set_lowest)
        self._real(limits + 2, lambda: shown(controller.highest_degc), controller.set_highest)
        self._real(2782, lambda: shown(controller.set_point_degc), controller.set_point)
        self._real(2784, lambda: controller.manual_percent, controller.set_power)
        self._real(2808, chamber.power_percent)
        self._real(2810, lambda: shown(controller.working_degc()))
        self._value(2814, lambda: controller.mode)
        self._real(2820, lambda: shown(chamber.sensor()))

    def _map_cascade(self) -> None:
        """Map cascade loop 1; its air and product are the same simulated air."""
        controller = self._controller
        shown, chamber = controller.shown, controller.chamber
        self._value(4010, lambda: controller.mode, lambda value: controller.set_mode(int(value)))
        self._value(4012, lambda: controller.mode)
        self._real(4034, lambda: shown(controller.lowest_degc), controller.set_lowest)
        self._real(4036, lambda: shown(controller.highest_degc), controller.set_highest)
        self._real(4042, lambda: shown(controller.set_point_degc), controller.set_point)
        self._real(4044, lambda: controller.manual_percent, controller.set_power)
        self._real(4178, chamber.power_percent)
        for address in (4180, 4182):
            self._real(address, lambda: shown(chamber.sensor()))
        for address in (4188, 4190):
            self._real(address, lambda: shown(controller.working_degc()))
        self._choice(4200, OFF, OFF, ON)

    def _map_profile(self) -> None:
        controller = self._controller
        self._value(16558, lambda: controller.number, controller.select_profile)
        self._value(16560, lambda: controller.step, controller.select_step)
        self._value(16562, lambda: _NONE, self._action({_START: "start"}))
        self._value(16564, lambda: _NONE, self._action({_RESUME: "resume"}))
        self._value(16566, lambda: _NONE, self._action({PAUSED: "pause", STOPPED: "stop"}))
        self._value(16568, lambda: controller.state)
        self._value(16588, lambda: controller.number if controller.profile_runs else 0)
        self._value(16590, lambda: controller.step if controller.profile_runs else 0)

    def _action(self, actions: Mapping[int, str]) -> Writer:
        """Return what a register of the profile does with a number."""
        def write(value: float) -> None:
            if int(value) not in actions:
                raise Refused
            self._controller.steer_profile(actions[int(value)])
        return write

    def _map_inputs_and_outputs(self) -> None:
        for address in (16594, 16596, 16598, 16600, 16822, 16824, 16826, 16828):
            self._choice(address, OFF, OFF, ON)
        for key in range(4):
            self._map_key(6844 + 20 * key, 6850 + 20 * key)
        self._value(33718, lambda: ON if self._controller.runs else OFF)  # module 1, output 1: chamber runs
        for alarm in range(6):
            base = 100 * alarm
            self._choice(1330 + base, OFF, OFF, _PROCESS_ALARM, 24)
            for offset, default_degf in ((1334, 300.0), (1336, 32.0)):
                self._map_threshold(offset + base, (default_degf - 32.0) / 1.8)
            self._value(1356 + base, lambda: _NONE)

    def _map_threshold(self, address: int, default_degc: float) -> None:
        kept = {"degc": default_degc}

        def write(value: float) -> None:
            kept["degc"] = self._controller.meant(value)

        self._real(address, lambda: self._controller.shown(kept["degc"]), write)

    def _map_key(self, state: int, press: int) -> None:
        kept = {"value": OFF}

        def write(value: float) -> None:
            if int(value) not in (_DOWN, _UP):
                raise RegisterFault(3)
            kept["value"] = ON if int(value) == _DOWN else OFF

        self._value(state, lambda: kept["value"])
        self._value(press, lambda: _DOWN if kept["value"] == ON else _UP, write)

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
