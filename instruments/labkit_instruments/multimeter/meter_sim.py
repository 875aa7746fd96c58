"""What the twins of meters share: functions and their names, ranges, the error of one unit, noise, overload.

Errors and noise are assumed: inside the order of the data sheets of 6.5-digit meters (tens of ppm of the reading, a few
ppm of the range, noise that falls with the root of the integration time). An alternating signal is not modelled: AC
functions read zero, frequency reads what the signal says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from labkit.instrument import Special
from labkit.instrument.notation import parse_notation
from labkit.sim.scpi import Boolean, Formats, Place, ScpiError, ScpiTwin
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world.noise import keyed_normal
from labkit.sim.world.signals import Signal

_OVER_RANGE = 1.2
_TRUE_ERRORS: Mapping[str, tuple[float, float, float]] = {
    # Gain, offset as a part of the range (of 1 where there is none), noise likewise at one power line cycle.
    "volts_dc": (1.5e-5, 2e-6, 3e-7), "amps": (1e-4, 1e-5, 2e-6), "ohms": (3e-5, 3e-6, 1e-6),
    "hz": (3e-6, 0.0, 0.0), "period": (3e-6, 0.0, 0.0), "degc": (0.0, 0.15, 0.01),
}


@dataclass(frozen=True, slots=True)
class Function:
    """Something a meter measures. ``name`` is how the meter says it, ``notation`` its node in the tree of headers.

    ``quantity`` is what it sees of a :class:`Signal` ("" for nothing: zero); ``ranges`` rise, empty where there are
    none; ``integrates``: whether power line cycles and autozero apply.
    """

    name: str
    notation: str
    unit: str
    quantity: str = ""
    ranges: tuple[float, ...] = ()
    integrates: bool = False

    def range_for(self, value: float) -> float:
        """Return the lowest range that holds ``value``, the highest where none does."""
        return next((r for r in self.ranges if abs(value) <= r), self.ranges[-1])

    def auto_range(self, value: float) -> float:
        """Return the range that autorange would take for ``value``: over-range is used."""
        return next((r for r in self.ranges if abs(value) <= r * _OVER_RANGE), self.ranges[-1])


def decades(low: float, high: float, first: float = 1.0) -> tuple[float, ...]:
    """Return ranges in decades from ``first`` * ``low`` to ``high``."""
    count = round(math.log10(high / low)) + 1
    return tuple(float(f"{first * low * 10 ** n:.6g}") for n in range(count))


class FunctionName:
    """The parameter of ``FUNC "VOLT:DC"``, in either quote or none; answered short, in double quotes."""

    def __init__(self, functions: Iterable[Function], *, quoted: bool = True) -> None:
        self._quoted = quoted
        self._by_text = {text: function.name for function in functions for text in _spellings(function.notation)}

    def parse(self, text: str) -> str:
        """Return the short name; raises ScpiError -151, -224."""
        if text[0] in "\"'":
            if len(text) < 2 or text[-1] != text[0]:
                raise ScpiError(-151)
            text = text[1:-1]
        found = self._by_text.get(text.strip().upper())
        if found is None:
            raise ScpiError(-224)
        return found

    def form(self, value: Any, formats: Formats) -> str:
        """Return the name as the model answers."""
        return f'"{value}"' if self._quoted else str(value)


def _spellings(notation: str) -> Iterable[str]:
    nodes = parse_notation(notation)
    for words in product(*[(node.short, node.long, *(("",) if node.optional else ())) for node in nodes]):
        yield ":".join(word for word in words if word)


class Once:
    """ON, OFF, or ONCE, which leaves it off."""

    def parse(self, text: str) -> bool:
        """Return the truth."""
        return False if text.upper() == "ONCE" else Boolean().parse(text)

    def form(self, value: Any, formats: Formats) -> str:
        """Return what the model writes for off and on."""
        return formats.boolean[bool(value)]


class Converter:
    """The analog half of one unit: what it makes of a signal. Its errors are fixed by its serial number."""

    def __init__(self, env: TwinEnvironment, model: str) -> None:
        self._env, self._model = env, model
        self._memoryless = bool(env.options.get("memoryless"))
        self._count = 0
        self._open = Signal()

    def signal(self, channel: int) -> Signal:
        """Return what is connected there; an open input where nothing is."""
        found: Signal = self._env.ports.get(channel) or self._open
        return found

    def measure(self, function: Function, channel: int, held: float | None, cycles: float) -> float | Special:
        """Return what the meter reads. ``held`` is the range held, None with autorange; ``cycles`` the integration."""
        true = self._true(function.quantity, self.signal(channel))
        if math.isnan(true) or math.isinf(true):
            return Special.NEGATIVE_OVERLOAD if true == -math.inf else Special.OVERLOAD
        span = 1.0
        if function.ranges:
            span = held if held is not None else function.auto_range(true)
            if abs(true) > span * _OVER_RANGE:
                return Special.OVERLOAD if true > 0 else Special.NEGATIVE_OVERLOAD
        gain, offset, noise = _TRUE_ERRORS.get(function.quantity, (0.0, 0.0, 0.0))
        if not self._memoryless:
            self._count += 1
        shake = noise and keyed_normal(self._env.seed, self._env.serial, function.name, channel, f"{true:.9g}",
                                       self._count) * noise / math.sqrt(max(cycles, 1e-3))
        return true * (1 + gain * self._draw(function, "gain")) + span * (offset * self._draw(function, "zero") + shake)

    def _draw(self, function: Function, part: str) -> float:
        return max(-2.5, min(2.5, keyed_normal(self._model, self._env.serial, function.name, part)))

    @staticmethod
    def _true(quantity: str, signal: Signal) -> float:
        if quantity == "period":
            hz = signal.hz()
            return 1.0 / hz if hz > 0 else 0.0
        return float(getattr(signal, quantity)()) if quantity else 0.0


class MeterTwin(ScpiTwin):
    """What the twins of meters do alike: ranges, and questions with one answer.

    Settings are kept under ``"range <function>"``, ``"autorange <function>"``.
    """

    functions: ClassVar[Mapping[str, Function]] = {}
    model: ClassVar[str]

    def __init__(self, env: TwinEnvironment) -> None:
        self.input = Converter(env, self.model)
        self.line_hz = float(env.options.get("line_hz", 50))
        super().__init__(env)

    def seen_by(self, place: Place) -> Signal:
        """Return the signal that settings of a place are about."""
        return self.input.signal(place or 1)

    def has(self, setting: str, function: str) -> bool:
        """Tell whether a function has a setting."""
        return f"{setting} {function}" in self.commands

    def held(self, function: Function, place: Place) -> float | None:
        """Return the range held, None where the meter chooses."""
        if not self.has("range", function.name):
            return function.ranges[-1] if function.ranges else None
        if self.value(f"autorange {function.name}", place):
            return None
        return float(self.value(f"range {function.name}", place))

    def on_range(self, name: str, place: Place, value: float) -> None:
        """Take the range that holds the value, and end autorange."""
        self.assign(f"range {name}", place, self.functions[name].range_for(value))
        self.assign(f"autorange {name}", place, False)

    def get_range(self, name: str, place: Place) -> float:
        """Return the range in use: with autorange the one that the signal asks for."""
        function = self.functions[name]
        if not self.value(f"autorange {name}", place) or not function.quantity:
            return float(self.value(f"range {name}", place))
        true = getattr(self.seen_by(place), function.quantity)()
        return function.auto_range(true) if math.isfinite(true) else function.ranges[-1]

    def on_autorange(self, name: str, place: Place, value: bool) -> None:
        """Hold the range in use when autorange ends."""
        if not value:
            self.assign(f"autorange {name}", place, True)
            self.assign(f"range {name}", place, self.get_range(name, place))
            self.assign(f"autorange {name}", place, False)

    def get_fixed(self, text: str, place: Place, *parameters: Any) -> str:
        """Return the one answer that there is."""
        return text
