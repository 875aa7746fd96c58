"""Twin of the Keysight 34465A: what QCoDeS, python-ivi or a few lines of PyVISA expect of the meter.

It sees the :class:`~labkit.sim.world.signals.Signal` of channel 1. A reading takes its integration time, twice with
autozero, in the time of the clock. Headers stand in keysight_34465a_headers.py.

Assumed, because no source was found: readings in memory end at 50 000 (error 531); with the trigger source BUS READ? is
-214, with EXTernal and INTernal it stays silent; SYSTem:PRESet does what *RST does; MEASure? with a resolution takes
the shortest integration that has it; 0.5 ms beside the integration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from labkit.instrument import Special
from labkit.sim.scpi import Formats, Number, Place, RegisterSpec, ScpiError, nr3, signed
from labkit.sim.scpi.common import COMMON
from labkit.sim.twin import TwinEnvironment
from labkit_instruments.multimeter.keysight_34465a import K34465A, Input
from labkit_instruments.multimeter.keysight_34465a_headers import BY_NAME, OTHERS, SENSE
from labkit_instruments.multimeter.meter_sim import Function, MeterTwin

# Integration in power line cycles, and the resolution that it gives as a part of the range (QCoDeS, with option DIG).
_RESOLUTIONS = ((0.001, 30e-6), (0.002, 15e-6), (0.006, 6e-6), (0.02, 3e-6), (0.06, 1.5e-6), (0.2, 0.7e-6),
                (1.0, 0.3e-6), (10.0, 0.1e-6), (100.0, 0.03e-6))
_MEMORY = 50_000
_SHAKEN = 2_000  # beyond so many readings in one go the noise repeats
_OVERHEAD_S, _AC_S, _CAPACITANCE_S = 0.0005, 0.040, 0.300
_READING = nr3(8)


class K34465ATwin(MeterTwin):
    """The twin. ``env.ports[1]`` is the signal at its input; ``line_hz`` among its options is 50 or 60."""

    driver = K34465A
    model = "34465A"
    functions = BY_NAME
    rows = (*SENSE, *OTHERS)
    omitted = frozenset({*Input.rows(), *K34465A.rows()})
    formats = Formats(real=nr3(8), integer=signed, no_error='+0,"No error"', error='{number:+d},"{text}"')
    registers = (RegisterSpec("questionable", "STATus:QUEStionable", "", 8),
                 RegisterSpec("operation", "STATus:OPERation", "", 128))
    common = (*COMMON, "*OPT")
    options_text = "0,0,DIG,MEM,0"
    slots = range(5)
    firmware = "A.02.16-02.40-02.16-00.51-03-01"
    forms: ClassVar[Mapping[str, Callable[[Any], str]]] = {"read": lambda text: text, "fetch": lambda text: text}
    latencies_s: ClassVar[Mapping[str, float]] = {"set": 0.002, "query": 0.001, "*RST": 0.1, "self-test": 2.0}

    def __init__(self, env: TwinEnvironment) -> None:
        self._readings: list[float | Special] = []
        self._done_at, self._armed = 0.0, False
        super().__init__(env)

    def after_reset(self) -> None:
        """Forget readings and what was under way."""
        self._readings, self._done_at, self._armed = [], 0.0, False

    # What is measured.

    def _measured(self) -> Function:
        return BY_NAME[self.value("function")]

    def _seconds(self, function: Function) -> float:
        """Return how long one reading takes."""
        name = function.name
        if name in ("FREQ", "PER"):
            return float(self.value(f"gate {name}")) + _OVERHEAD_S
        if not function.integrates:
            return _CAPACITANCE_S if name == "CAP" else _AC_S if name.endswith("AC") else 1 / self.line_hz
        if self.value(f"aperture_on {name}"):
            seconds = float(self.value(f"aperture {name}"))
        else:
            seconds = self.value(f"nplc {name}") / self.line_hz
        # Four-wire resistance has no switch for it: the meter always measures the zero.
        zero = self.value(f"autozero {name}") if self.has("autozero", name) else True
        return float(seconds * (2 if zero else 1) + _OVERHEAD_S + self.value("delay"))

    def _one(self, function: Function) -> float | Special:
        name = function.name
        cycles = self._seconds(function) * self.line_hz
        value = self.input.measure(function, 1, self.held(function, None), cycles)
        if isinstance(value, Special):
            return value
        if name == "TEMP":
            unit = self.value("unit")
            value = value * 1.8 + 32.0 if unit == "F" else value + 273.15 if unit == "K" else value
        if self.has("null_on", name) and self.value(f"null_on {name}"):
            value -= self.value(f"null {name}")
        return value

    def _acquire(self, triggers: float) -> None:
        """Take the readings of ``triggers`` triggers into memory, from now on."""
        wanted = triggers * self.value("samples")
        if wanted > _MEMORY:
            raise ScpiError(531, "Insufficient memory")
        function, count = self._measured(), int(wanted)
        taken = [self._one(function) for _ in range(min(count, _SHAKEN))]
        self._readings += [taken[index % _SHAKEN] for index in range(count)]
        self._done_at = self.clock.now() + self.spent_s + count * self._seconds(function)

    def do_initiate(self, place: Place) -> None:
        """Start; with the bus as source wait for *TRG."""
        self._readings, self._armed = [], False
        if self.value("trigger_from") == "IMM":
            self._acquire(self.value("triggers"))
        else:
            self._armed = True

    def do_abort(self, place: Place) -> None:
        """End what is under way."""
        self._armed, self._done_at = False, 0.0

    def trigger(self) -> None:
        """Take the samples of one trigger; -211 when nothing waits for the bus."""
        if not self._armed or self.value("trigger_from") != "BUS":
            raise ScpiError(-211)
        self._acquire(1.0)
        self._armed = len(self._readings) < self.value("triggers") * self.value("samples")

    def get_fetch(self, place: Place) -> str | None:
        """Return what is in memory once it is complete; -230 for nothing, silence while a trigger is missing."""
        if self._armed and not self._readings:
            return None
        if not self._readings:
            raise ScpiError(-230)
        self.busy(max(0.0, self._done_at - self.clock.now() - self.spent_s))
        return self._written(self._readings)

    def get_read(self, place: Place) -> str | None:
        """Start, wait, and return what was measured."""
        if self.value("trigger_from") == "BUS":
            raise ScpiError(-214, "Trigger deadlock")
        self.do_initiate(place)
        return self.get_fetch(place)

    def _written(self, readings: list[float | Special]) -> str:
        special = self.formats.special
        return ",".join([special(r) if isinstance(r, Special) else _READING(r) for r in readings])

    def get_last(self, place: Place) -> str:
        """Return the last reading with its unit."""
        unit = {"degC": "C", "Ohm": "OHM", "Hz": "HZ"}.get(self._measured().unit, self._measured().unit)
        last = self._readings[-1:] or [Special.NOT_A_NUMBER]
        return f"{self._written(last)} {unit}"

    def get_points(self, place: Place) -> str:
        """Return how many readings are in memory."""
        return signed(len(self._readings))

    def _take(self, count: Any) -> list[float | Special]:
        number = int(count) if isinstance(count, float | int) else len(self._readings)
        taken, self._readings = self._readings[:number], self._readings[number:]
        return taken

    def get_remove(self, place: Place, count: Any = None, wait: str = "") -> str:
        """Return and forget the oldest readings; -222 when there are not so many."""
        if count is None:
            raise ScpiError(-109)
        if isinstance(count, float) and count > len(self._readings):
            raise ScpiError(-222)
        return self._written(self._take(count))

    def get_remove_block(self, place: Place, count: Any = None) -> str:
        """Return and forget readings as a block: ``R?``."""
        self.busy(max(0.0, self._done_at - self.clock.now() - self.spent_s))
        text = self._written(self._take(count))
        length = str(len(text))
        return f"#{len(length)}{length}{text}"

    # How it is measured.

    def on_range(self, name: str, place: Place, value: float) -> None:
        """Take the range that holds the value, end autorange; the resolution follows."""
        super().on_range(name, place, value)
        self._resolve(name)

    def on_nplc(self, name: str, place: Place, value: float) -> None:
        """Take the next integration time that the meter has; aperture in seconds ends."""
        self.assign(f"nplc {name}", None, next(cycles for cycles, _ in _RESOLUTIONS if cycles >= value))
        self.assign(f"aperture_on {name}", None, False)
        self._resolve(name)

    def on_aperture(self, name: str, place: Place, value: float) -> None:
        """Integrate for seconds instead of power line cycles."""
        self.assign(f"aperture_on {name}", None, True)

    def _resolve(self, name: str) -> None:
        """Let the resolution follow integration and range again."""
        if self.has("resolution", name):
            self.assign(f"resolution {name}", None, 0.0)

    def get_resolution(self, name: str, place: Place) -> float:
        """Return the resolution asked for, or the one that integration and range give."""
        asked = float(self.value(f"resolution {name}"))
        return asked or dict(_RESOLUTIONS)[self.value(f"nplc {name}")] * self.get_range(name, place)

    def on_resolution(self, name: str, place: Place, value: float) -> None:
        """Take the shortest integration that has the resolution."""
        part = value / self.get_range(name, place)
        cycles = next((cycles for cycles, has in _RESOLUTIONS if has <= part * (1 + 1e-9)), 100.0)
        self.assign(f"nplc {name}", None, cycles)

    def on_function(self, place: Place, value: str) -> None:
        """Forget readings of another function."""
        self._readings = []

    def on_configure(self, name: str, place: Place, value: tuple[str, ...]) -> None:
        """CONFigure: everything of the function to its default, then range and resolution."""
        function = BY_NAME[name]
        wanted = self._wanted(function, value)
        self.assign("function", None, name)
        for key, command in self.commands.items():
            if command.stateful and command.resets and key.endswith(f" {name}") and not key.startswith("configure"):
                self.assign(key, None, command.default(None))
        for key, text in (("trigger_from", "IMM"), ("triggers", 1.0), ("samples", 1.0), ("delay_auto", True)):
            self.assign(key, None, text)
        self._readings, self._armed = [], False
        if self.has("range", name):
            if wanted[0] is not None:
                self.on_range(name, None, wanted[0])
            if wanted[1] is not None and self.has("resolution", name):
                self.assign(f"resolution {name}", None, wanted[1])
                self.on_resolution(name, None, wanted[1])
            else:
                self._resolve(name)

    def _wanted(self, function: Function, texts: tuple[str, ...]) -> list[float | None]:
        """Return range and resolution asked for, None where the meter chooses; raises ScpiError -108, -222."""
        if texts and not function.ranges and function.name not in ("FREQ", "PER", "TEMP"):
            raise ScpiError(-108)
        wanted: list[float | None] = [None, None]
        top = function.ranges[-1] if function.ranges else 1e9
        for index, text in enumerate(texts[:2]):
            if text.upper() in ("AUTO", "DEF", "DEFAULT") or not function.ranges:
                continue
            number = Number(function.unit, 0.0, top).parse(text)
            if not isinstance(number, float | int):
                lowest = {"MIN": True, "MAX": False}[number.word]
                edge = (function.ranges[0] if lowest else top) if index == 0 else (0.0 if lowest else top)
                wanted[index] = edge
            elif not 0.0 <= number <= top:
                raise ScpiError(-222)
            else:
                wanted[index] = float(number)
        return wanted

    def get_measure(self, name: str, place: Place, *texts: str) -> str | None:
        """MEASure?: CONFigure, then READ?."""
        self.on_configure(name, place, texts)
        return self.get_read(place)

    def get_configuration(self, place: Place) -> str:
        """Return function, range and resolution in quotes."""
        name = self.value("function")
        parts = [_READING(self.get_range(name, place))] if self.has("range", name) else []
        if self.has("resolution", name):
            parts.append(_READING(self.get_resolution(name, place)))
        return f'"{name} {",".join(parts)}"' if parts else f'"{name}"'

    # The rest.

    def get_junction(self, place: Place, which: str = "") -> str:
        """Return the temperature of the reference junction."""
        return _READING(23.0)

    def get_interface(self, place: Place, which: str = "") -> str:
        """Return whether an interface is enabled."""
        return "1"

    def get_terminals(self, place: Place) -> str:
        """Return which terminals are in use."""
        return "FRON"

    def get_line(self, place: Place) -> str:
        """Return the frequency of the mains."""
        return signed(round(self.line_hz))

    def do_clear_text(self, place: Place) -> None:
        """Take the text off the display."""
        self.assign("text", None, "")

    def do_preset(self, place: Place) -> None:
        """Preset: to defaults, as *RST."""
        self.reset()

    def get_learn(self, place: Place) -> str:
        """Return the settings as commands that would bring them back."""
        said = [f':FUNC "{self.value("function")}"', f":TRIG:SOUR {self.value('trigger_from')}",
                f":TRIG:COUN {_READING(self.value('triggers'))}", f":TRIG:DEL {_READING(self.value('delay'))}",
                f":TRIG:DEL:AUTO {self.value('delay_auto'):d}", ":TRIG:SLOP NEG",
                f":SAMP:COUN {signed(int(self.value('samples')))}"]
        for name in ("CURR", "VOLT"):
            said += [f":{name}:NPLC {_READING(self.value(f'nplc {name}'))}",
                     f":{name}:RANG {_READING(self.get_range(name, None))}",
                     f":{name}:RANG:AUTO {self.value(f'autorange {name}'):d}",
                     f":{name}:ZERO:AUTO {self.value(f'autozero {name}'):d}"]
        return "*RST;" + ";".join(said)
