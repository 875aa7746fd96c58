"""An engine for twins of Stanford Research Systems instruments: four-letter commands, no tree, errors by number.

Syntax: a mnemonic of four letters (or a star and three), a question mark, parameters between commas; blanks between
them are optional (``CMOS?1``, ``CMOS? 1``, ``FREQ1e7``); semicolons chain commands, letters may be of either case.
Errors go into a buffer that ``LERR?`` empties from its oldest end, one number at a time, 0 when there is none.

Assumed, because no page was read: the depth of the error buffer; that the answers of several questions in one message
come in one line with semicolons between; bits 0 to 2 of the status byte.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from labkit.sim.twin import Reply, TwinEnvironment

_UNIT = re.compile(r"\s*(\*[A-Za-z]{3}|[A-Za-z]{4})\s*(\?)?\s*(.*?)\s*\Z", re.DOTALL)
_INTEGER = re.compile(r"[-+]?\d+\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z", re.ASCII)
_DEPTH = 20
_LONGEST_MESSAGE, _LONGEST_PARAMETER, _MOST_PARAMETERS = 255, 25, 3
_OPERATION_COMPLETE, _QUERY, _DEVICE, _EXECUTION, _COMMAND, _POWER_ON = 1, 4, 8, 16, 32, 128
_ERROR_BITS = ((10, 99, _EXECUTION), (100, 253, _COMMAND), (254, 254, _DEVICE))
ILLEGAL_VALUE, ILLEGAL_COMMAND, UNDEFINED, ILLEGAL_QUERY, ILLEGAL_SET = 10, 110, 111, 112, 113
NULL_PARAMETER, EXTRA_PARAMETERS, MISSING_PARAMETERS, PARAMETER_OVERFLOW = 114, 115, 116, 117
INVALID_FLOAT, INVALID_INTEGER, SYNTAX, TOO_MANY = 118, 120, 126, 254


class SrsError(Exception):
    """Something that a message asked for and that the instrument refuses, by the number that ``LERR?`` tells."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class SrsCommand:
    """What a mnemonic does. ``ask`` and ``put`` take the parameters as numbers; None where there is no such form.

    ``kinds`` has a letter for each parameter of a set: "i" integer, "f" floating point; the first ``asked`` of them are
    parameters of the question too. ``latency_s`` is how long a set keeps the instrument busy.
    """

    kinds: str = ""
    ask: Callable[..., str] | None = None
    put: Callable[..., None] | None = None
    asked: int = 0
    latency_s: float = 0.005


class SrsTwin:
    """The base of SRS twins. A model adds its commands, its settings' defaults and what its registers show."""

    manufacturer: ClassVar[str] = "Stanford Research Systems"
    model: ClassVar[str]
    firmware: ClassVar[str] = "ver1.00"
    characters_per_s: ClassVar[float] = math.inf
    """How fast the line is: 960 at 9600 baud."""

    def __init__(self, env: TwinEnvironment) -> None:
        self.env, self.clock = env, env.clock
        self.spent_s = 0.0
        self._errors: deque[int] = deque()
        self._replies: list[str] = []
        self._event, self._event_enable, self._service_enable, self._power_on_clear = _POWER_ON, 0, 0, 1
        self._completing: list[float] = []
        self.table: Mapping[str, SrsCommand] = {**self._common(), **self.commands()}
        self.restore_defaults()

    # What a model may replace.

    def commands(self) -> Mapping[str, SrsCommand]:
        """Return the model's own commands by mnemonic, in capitals."""
        return {}

    def restore_defaults(self) -> None:
        """Bring every setting to its *RST value."""

    def clear_registers(self) -> None:
        """Empty the model's own event registers, for *CLS."""

    def summary(self) -> int:
        """Return the bits of the status byte that come from the model's own registers."""
        return 0

    def ready_at(self) -> float:
        """Return the lab time at which everything set so far is carried out, for *OPC."""
        return self.now()

    # The engine.

    def now(self) -> float:
        """Return the lab time at which the command under way is performed."""
        return self.clock.now() + self.spent_s

    def handle(self, message: str) -> Reply:
        """Perform one message; answers come joined by semicolons."""
        self.spent_s, self._replies = (len(message) + 1) / self.characters_per_s, []
        if len(message) > _LONGEST_MESSAGE:
            self.overrun()
            return Reply(None, self.spent_s)
        for unit in message.split(";"):
            if not unit.strip():
                continue
            try:
                answer = self._perform(unit)
            except SrsError as error:
                self.report(error.code)
                continue
            if answer is not None:
                self._replies.append(answer)
        text = ";".join(self._replies) if self._replies else None
        self.spent_s += 0.0 if text is None else (len(text) + 2) / self.characters_per_s
        return Reply(text, self.spent_s)

    def _perform(self, unit: str) -> str | None:
        match = _UNIT.match(unit)
        if match is None:
            raise SrsError(ILLEGAL_COMMAND)
        name, asks, rest = match.group(1).upper(), match.group(2) is not None, match.group(3)
        command = self.table.get(name)
        if command is None:
            raise SrsError(UNDEFINED)
        if (command.ask if asks else command.put) is None:
            raise SrsError(ILLEGAL_QUERY if asks else ILLEGAL_SET)
        values = self._parameters(rest, command.kinds[:command.asked] if asks else command.kinds)
        if asks and command.ask is not None:
            self.spent_s += 0.002
            return command.ask(*values)
        if command.put is not None:
            command.put(*values)
            self.spent_s += command.latency_s
        return None

    def _parameters(self, rest: str, kinds: str) -> list[float]:
        texts = [text.strip() for text in rest.split(",")] if rest else []
        if len(texts) > _MOST_PARAMETERS or any(len(text) > _LONGEST_PARAMETER for text in texts):
            raise SrsError(PARAMETER_OVERFLOW)
        if len(texts) != len(kinds):
            raise SrsError(EXTRA_PARAMETERS if len(texts) > len(kinds) else MISSING_PARAMETERS)
        return [self._number(text, kind) for text, kind in zip(texts, kinds, strict=True)]

    @staticmethod
    def _number(text: str, kind: str) -> float:
        if not text:
            raise SrsError(NULL_PARAMETER)
        if kind == "i":
            if not _INTEGER.match(text):
                raise SrsError(INVALID_INTEGER)
            return int(text)
        if not _FLOAT.match(text):
            raise SrsError(INVALID_FLOAT)
        value = float(text)
        if not math.isfinite(value):
            raise SrsError(INVALID_FLOAT)
        return value

    def report(self, code: int) -> None:
        """Put an error into the buffer; when it is full its newest entry becomes 254."""
        if len(self._errors) >= _DEPTH:
            self._errors[-1] = code = TOO_MANY
        else:
            self._errors.append(code)
        self._event |= next((bit for low, high, bit in _ERROR_BITS if low <= code <= high), _DEVICE)

    def overrun(self) -> None:
        """Throw away what came and what would be answered: the input buffer of 255 characters ran over."""
        self._replies = []
        self.report(PARAMETER_OVERFLOW)

    # IEEE 488.2 and the error buffer.

    def _common(self) -> Mapping[str, SrsCommand]:
        return {
            "*IDN": SrsCommand(ask=lambda: f"{self.manufacturer},{self.model},s/n{self.env.serial},{self.firmware}"),
            "*RST": SrsCommand(put=self.restore_defaults, latency_s=0.1),
            "*CLS": SrsCommand(put=self._clear),
            "*ESR": SrsCommand("i", ask=self._take_event),
            "*ESE": SrsCommand("i", ask=lambda: str(self._event_enable), put=self._set_event_enable),
            "*SRE": SrsCommand("i", ask=lambda: str(self._service_enable), put=self._set_service_enable),
            "*STB": SrsCommand(ask=lambda: str(self._status_byte())),
            "*PSC": SrsCommand("i", ask=lambda: str(self._power_on_clear), put=self._set_power_on_clear),
            "*OPC": SrsCommand(ask=self._wait_until_complete, put=lambda: self._completing.append(self.ready_at())),
            "*WAI": SrsCommand(put=lambda: self._wait()),
            "*TST": SrsCommand(ask=lambda: "0"),
            "LERR": SrsCommand(ask=lambda: str(self._errors.popleft() if self._errors else 0)),
        }

    def _clear(self) -> None:
        self._errors.clear()
        self._completing.clear()
        self._event = 0
        self.clear_registers()

    def _complete(self) -> None:
        """Set the operation complete bit of every *OPC whose time has come."""
        if any(at <= self.now() for at in self._completing):
            self._completing = [at for at in self._completing if at > self.now()]
            self._event |= _OPERATION_COMPLETE

    def _take_event(self) -> str:
        self._complete()
        event, self._event = self._event, 0
        return str(event)

    def _status_byte(self) -> int:
        self._complete()
        value = self.summary() | (16 if self._replies else 0) | (32 if self._event & self._event_enable else 0)
        return value | 64 if value & self._service_enable & ~64 else value

    def _wait(self) -> None:
        self.spent_s += max(0.0, self.ready_at() - self.now())

    def _wait_until_complete(self) -> str:
        self._wait()
        return "1"

    def _set_event_enable(self, value: int) -> None:
        self._event_enable = byte(value)

    def _set_service_enable(self, value: int) -> None:
        self._service_enable = byte(value) & ~64

    def _set_power_on_clear(self, value: int) -> None:
        self._power_on_clear = one_of(value, 2)


def byte(value: int) -> int:
    """Return ``value`` when it is 0 to 255; raises SrsError 10."""
    return one_of(value, 256)


def one_of(value: int, count: int) -> int:
    """Return ``value`` when it is 0 to ``count`` - 1; raises SrsError 10."""
    if not 0 <= value < count:
        raise SrsError(ILLEGAL_VALUE)
    return value


def inside(value: float, low: float, high: float, code: int) -> float:
    """Return ``value`` when it lies between ``low`` and ``high``; raises SrsError ``code``."""
    if not low <= value <= high:
        raise SrsError(code)
    return value
