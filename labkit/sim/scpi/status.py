"""Status registers of IEEE 488.2 (chapter 11) and SCPI-99 (volume 1, chapter 9): conditions, events, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ERROR_QUEUE, QUESTIONABLE, MESSAGE_AVAILABLE, EVENT_SUMMARY, MASTER, OPERATION = 4, 8, 16, 32, 64, 128
"""Bits of the status byte, as weights."""
OPERATION_COMPLETE, QUERY, DEVICE, EXECUTION, COMMAND, POWER_ON = 1, 4, 8, 16, 32, 128
"""Bits of the standard event status register, as weights."""
_ALL = 0x7FFF


@dataclass(frozen=True, slots=True)
class RegisterSpec:
    """A register of a model: ``notation`` without the leaf, ``places`` the suffixes (None: one, without suffix).

    ``parent`` names the register that its summary goes into, "" the status byte; ``bit`` the weight there, shifted up
    by place - 1 where there are several. ``condition`` and ``filters`` say which leaves exist.
    """

    name: str
    notation: str
    parent: str
    bit: int
    places: tuple[int | None, ...] = (None,)
    condition: bool = True
    filters: bool = False


class Register:
    """Condition, transition filters, latched event, enable."""

    __slots__ = ("condition", "enable", "event", "negative", "positive")

    def __init__(self) -> None:
        self.condition = self.event = self.enable = 0
        self.positive, self.negative = _ALL, 0

    def update(self, condition: int) -> None:
        """Take a new condition; its transitions are latched as the filters say."""
        if condition != self.condition:
            rising, falling = condition & ~self.condition, self.condition & ~condition
            self.event |= (rising & self.positive) | (falling & self.negative)
            self.condition = condition

    def take_event(self) -> int:
        """Return and clear the event register."""
        event, self.event = self.event, 0
        return event


class Status:
    """All registers of one instrument. ``specs`` are in order from the leaves to the status byte."""

    def __init__(self, specs: Sequence[RegisterSpec]) -> None:
        self._specs = tuple(specs)
        self._registers = {(spec.name, place): Register() for spec in specs for place in spec.places}
        self._children = {(spec.parent, None) for spec in specs}
        self._own: dict[tuple[str, int | None], int] = {}
        self.event, self.event_enable, self.service_enable = POWER_ON, 0, 0
        self.power_on_clear = True

    def register(self, name: str, place: int | None = None) -> Register:
        """Return one register."""
        return self._registers[name, place]

    def set_condition(self, name: str, place: int | None, condition: int) -> None:
        """Say what the instrument itself puts into a condition register; summaries of others come beside it."""
        self._own[name, place] = condition
        if (name, place) not in self._children:
            self._registers[name, place].update(condition)

    def cascade(self) -> int:
        """Carry every summary up and return the two summary bits of the status byte (QUES, OPER, and a model's own)."""
        sums: dict[tuple[str, int | None], int] = {}
        for spec in self._specs:
            for place in spec.places:
                register = self._registers[spec.name, place]
                if (spec.name, place) in self._children:
                    register.update(self._own.get((spec.name, place), 0) | sums.get((spec.name, place), 0))
                if register.event & register.enable:
                    weight = spec.bit << (place - 1) if place is not None else spec.bit
                    sums[spec.parent, None] = sums.get((spec.parent, None), 0) | weight
        return sums.get(("", None), 0)

    def byte(self, errors: bool, available: bool) -> int:
        """Return the status byte with MSS in bit 6, as *STB? does."""
        value = self.cascade()
        if errors:
            value |= ERROR_QUEUE
        if available:
            value |= MESSAGE_AVAILABLE
        if self.event & self.event_enable:
            value |= EVENT_SUMMARY
        return value | MASTER if value & self.service_enable & ~MASTER else value

    def note_error(self, number: int) -> None:
        """Set the bit of the standard event register that belongs to an error number."""
        if -200 < number <= -100:
            self.event |= COMMAND
        elif -300 < number <= -200:
            self.event |= EXECUTION
        elif -500 < number <= -400:
            self.event |= QUERY
        else:
            self.event |= DEVICE

    def take_event(self) -> int:
        """Return and clear the standard event register (*ESR?)."""
        event, self.event = self.event, 0
        return event

    def clear(self) -> None:
        """Clear all event registers (*CLS); enables and conditions stay."""
        self.event = 0
        for register in self._registers.values():
            register.event = 0

    def preset(self) -> None:
        """STATus:PRESet: enables to 0, filters to rising edges."""
        for register in self._registers.values():
            register.enable, register.positive, register.negative = 0, _ALL, 0
