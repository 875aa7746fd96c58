"""Links that play an instrument from a script, and a driver with one row of each sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from labkit.clock import VirtualClock
from labkit.errors import LinkError, LinkTimeout
from labkit.instrument import (
    Action,
    Channel,
    Identity,
    Instrument,
    Reading,
    Register,
    RegisterDialect,
    Scpi,
    ScpiDialect,
    Setting,
    analog,
)
from labkit.limits import within
from labkit.transport.link import Later, Pending


class Messages:
    """A message link: answers by a table or a function, and keeps what was sent."""

    name = "box"

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer, self.sent, self.cleared, self.closed = answer, [""][:0], 0, 0

    def write(self, message: str) -> None:
        self.sent.append(message)

    def ask(self, message: str) -> Pending[str]:
        self.sent.append(message)
        return Later(lambda: self.answer(message))

    def clear(self) -> None:
        self.cleared += 1

    def close(self) -> None:
        self.closed += 1


class Registers:
    """A register link over a dictionary."""

    name = "chamber"

    def __init__(self, held: dict[int, int]) -> None:
        self.held, self.written, self.cleared, self.broken = held, [], 0, False  # type: ignore[var-annotated]

    def read(self, address: int, count: int) -> list[int]:
        if self.broken:
            self.broken = False
            raise LinkError("garbled", instrument=self.name)
        return [self.held.get(address + i, 0) for i in range(count)]

    def write(self, address: int, values: Sequence[int]) -> None:
        self.written.append((address, list(values)))
        self.held.update({address + i: value for i, value in enumerate(values)})

    def clear(self) -> None:
        self.cleared += 1

    def close(self) -> None:
        pass


class Console:
    """A stream link: each line that is sent makes the text that ``answer`` returns for it arrive."""

    name = "console"

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer, self.sent, self.arrived = answer, [""][:0], ""

    def send(self, text: str) -> None:
        self.sent.append(text)
        self.arrived += self.answer(text)

    def expect(self, pattern: re.Pattern[str], timeout_s: float, at_least_s: float = 0.0) -> str:
        match = pattern.search(self.arrived)
        if match is None:
            raise LinkTimeout("nothing", instrument=self.name, reply=self.arrived)
        found, self.arrived = self.arrived[:match.end()], self.arrived[match.end():]
        return found

    def drain(self) -> str:
        found, self.arrived = self.arrived, ""
        return found

    def close(self) -> None:
        pass


class Output(Channel):
    voltage = Setting(float, Scpi("[SOURce:]VOLTage"), unit="V", limits=within(0.0, 6.0, "rating"), doc="V.")
    current = Reading(analog, Scpi("MEASure:CURRent"), unit="A", doc="A.")
    output = Setting(bool, Scpi("OUTPut[:STATe]"), doc="Switch.")
    sense = Setting(str, Scpi("VOLTage:SENSe"), words={"local": "INTernal", "remote": "EXTernal"}, doc="Where.")
    mode = Reading(str, Scpi("STATus:ISUMmary<n>"), doc="Mode.", decode=lambda text: "CC" if text == "1" else "CV")
    clear = Action(Scpi("VOLTage:PROTection:CLEar"))


class Box(Instrument):
    kind = "power-supply"
    manufacturer, models = "ACME", ("X1", "X2")
    dialect = ScpiDialect(channel="list")
    channel_type = Output
    channel_numbers = (1, 2)

    label_text = Setting(str, Scpi("DISPlay:TEXT"), doc="Text.")
    count = Setting(int, Scpi("COUNt"), limits=within(1, 100, "rating"), doc="Count.")
    idn_bit = Reading(int, Scpi("*STB"), doc="Status.")

    @property
    def channels(self) -> dict[int, Output]:
        return self._channels  # type: ignore[return-value]

    def identify(self) -> Identity:
        return Identity("ACME", "X1", "1", "1")


class Chamber(Instrument):
    kind = "thermal-chamber"
    dialect = RegisterDialect()
    temperature = Setting(float, Register(10), unit="degC", limits=within(-80.0, 200.0, "rating"), doc="Set point.")
    air = Reading(analog, Register(20), unit="degC", doc="Air.")
    control = Setting(str, Register(30, "uint16"), words={"auto": "10", "off": "62"}, doc="Mode.")
    offset = Setting(int, Register(40, "int16"), doc="Offset.")
    steps = Setting(int, Register(50, "uint32"), doc="Steps.")
    door = Reading(bool, Register(60, "uint16"), doc="Door.")
    part = Reading(str, Register(70, "string16"), doc="Part.")


def box(answer: Callable[[str], str], dialect: Any = None) -> tuple[Any, Messages]:
    link = Messages(answer)
    return Box("psu_a", link, VirtualClock(), dialect), link  # type: ignore[arg-type]
