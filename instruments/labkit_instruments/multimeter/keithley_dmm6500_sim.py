"""Twin of the Keithley DMM6500: what PyMeasure, QCoDeS or a few lines of PyVISA expect of the meter.

It sees a :class:`~labkit.sim.world.signals.Signal` per channel of its scan card, or the one at its front terminals.
Headers stand in keithley_dmm6500_headers.py and keithley_dmm6500_system.py.

Assumed, because no source was found: FUNCtion? answers in quotes (the option ``unquoted`` of the bench leaves them
away; public drivers disagree); assigning a function to a channel that has it keeps its settings; a relay takes 4 ms;
with the rear terminals and no channel closed the input is open; 1 ms beside the integration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from labkit.instrument import Special
from labkit.limits import Limits, within
from labkit.sim.scpi import Command, Formats, Place, RegisterSpec, ScpiError
from labkit.sim.scpi.syntax import parse_channel_list
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world.signals import Signal
from labkit_instruments.multimeter.keithley_dmm6500 import DMM6500, CardChannel, DMM6500Front, FrontInput
from labkit_instruments.multimeter.keithley_dmm6500_headers import BY_NAME, SENSE
from labkit_instruments.multimeter.keithley_dmm6500_system import OTHERS
from labkit_instruments.multimeter.meter_sim import Function, MeterTwin

_KEPT = 100_000
_SHAKEN = 2_000  # beyond so many readings in one go the noise repeats
_RELAY_S, _OVERHEAD_S, _AC_S = 0.004, 0.001, 0.020
_SENTINELS = {Special.OVERLOAD: 9.9e37, Special.NEGATIVE_OVERLOAD: -9.9e37, Special.NOT_A_NUMBER: 9.91e37}


def _written(value: float | Special) -> str:
    return f"{_SENTINELS[value] if isinstance(value, Special) else value + 0.0:.6E}"


class DMM6500Twin(MeterTwin):
    """The twin with a scan card. ``env.ports`` holds the signal of each channel; a missing one is open."""

    driver = DMM6500
    model = "DMM6500"
    functions = BY_NAME
    rows = (*SENSE, *OTHERS)
    omitted = frozenset({*CardChannel.rows(), *FrontInput.rows(), *DMM6500.rows()})
    unlisted = True
    formats = Formats(real=lambda value: f"{value:.9G}", no_error='0,"No error;0;0 0"')
    registers = (RegisterSpec("questionable", "STATus:QUEStionable", "", 8),
                 RegisterSpec("operation", "STATus:OPERation", "", 128))
    slots = range(5)
    firmware = "1.7.12b"
    card = "2000,10-Chan Mux,0.0.0a,00000000"
    latencies_s: ClassVar[Mapping[str, float]] = {"set": 0.002, "query": 0.001, "*RST": 0.1, "self-test": 1.0}

    def __init__(self, env: TwinEnvironment) -> None:
        self._readings: list[float | Special] = []
        self._closed: list[int] = []
        self._closures: dict[Place, int] = {}
        super().__init__(env)
        if env.options.get("unquoted"):
            self.commands["function"].form = str

    def _declare(self, command: Command, keep: bool = False) -> None:
        """Declare a header, and its form with or without the number 1 (``[:SENSe[1]]``, ``CALCulate[1]``)."""
        super()._declare(command, keep)
        for plain, numbered in (("[SENSe:]", "SENSe1:"), ("CALCulate1:", "CALCulate:")):
            if command.notation.startswith(plain):
                notation = numbered + command.notation.removeprefix(plain)
                for query, exists in ((True, command.readable), (False, command.writable)):
                    if exists:
                        self.tree.add(notation, query, command, keep=True)

    def identity(self) -> str:
        """Return the answer to *IDN?, which has MODEL before the model."""
        return f"KEITHLEY INSTRUMENTS,MODEL DMM6500,{self.env.serial},{self.firmware}"

    def report(self, number: int, text: str) -> None:
        """Queue an error as an event: with its type and time behind the text."""
        now = self.clock.utc()
        super().report(number, f"{text};1;{now:%Y/%m/%d %H:%M:%S}.{now.microsecond // 1000:03d}")

    def after_reset(self) -> None:
        """Open every channel and forget the readings."""
        self._readings, self._closed = [], []

    # Channels.

    @property
    def _rear(self) -> bool:
        return bool(self.card)

    def seen_by(self, place: Place) -> Signal:
        """Return what a place is connected to: a channel its own, the meter itself what is closed now."""
        if place is not None or not self._rear:
            return self.input.signal(place or 1)
        return self.input.signal(self._closed[-1]) if self._closed else Signal()

    def _need(self, place: Place) -> int:
        if place is None:
            raise ScpiError(-109)
        if not self._rear:
            raise ScpiError(-241)
        return place

    def do_close(self, place: Place) -> None:
        """Close one channel and open the others."""
        channel = self._need(place)
        if self._closed != [channel]:
            self._closed, self._closures[channel] = [channel], self._closures.get(channel, 0) + 1
            self.busy(_RELAY_S)

    def do_close_too(self, place: Place) -> None:
        """Close a channel beside others."""
        channel = self._need(place)
        if channel not in self._closed:
            self._closed.append(channel)
            self._closures[channel] = self._closures.get(channel, 0) + 1
            self.busy(_RELAY_S)

    def do_open(self, place: Place) -> None:
        """Open channels."""
        channel = self._need(place)
        self._closed = [closed for closed in self._closed if closed != channel]

    def do_open_one(self, place: Place) -> None:
        """Open a channel, or all where none is named."""
        if place is None:
            self._closed = []
        else:
            self.do_open(place)

    def do_open_all(self, place: Place) -> None:
        """Open every channel."""
        self._closed = []

    def get_close(self, place: Place) -> str:
        """Return the channels that are closed, or whether one is."""
        if place is not None:
            return str(int(place in self._closed))
        return f"(@{','.join(map(str, sorted(self._closed)))})"

    get_close_too = get_close

    def get_closures(self, place: Place) -> str:
        """Return how often a relay has closed."""
        return str(self._closures.get(place, 0))

    def get_channel_state(self, place: Place) -> str:
        """Return whether a channel is closed."""
        return str(int(place in self._closed))

    def get_channel_type(self, place: Place) -> str:
        """Return the kind of a channel."""
        return "SWITCH"

    def get_terminals(self, place: Place) -> str:
        """Return which terminals are in use: the rear ones where a card is."""
        return "REAR" if self._rear else "FRON"

    def get_card(self, place: Place) -> str:
        """Return what is in the slot."""
        return self.card or "Empty Slot"

    # Measuring.

    def _set_up(self) -> tuple[Function, Place]:
        """Return the function that is measured now, and where its settings are kept."""
        channel = self._closed[-1] if self._rear and self._closed else None
        if channel is not None and self.value("function", channel) != "NONE":
            return BY_NAME[self.value("function", channel)], channel
        return BY_NAME[self.value("function")], None

    def _seconds(self, function: Function, place: Place) -> float:
        name = function.name
        if self.has("gate", name):
            return float(self.value(f"gate {name}", place)) + _OVERHEAD_S
        if not function.integrates:
            return _AC_S
        seconds = float(self.value(f"nplc {name}", place)) / self.line_hz
        return seconds * (2 if self.value(f"autozero {name}", place) else 1) + _OVERHEAD_S

    def _measure(self) -> float | Special:
        """Measure once, now."""
        function, place = self._set_up()
        name = function.name
        channel = 1 if not self._rear else self._closed[-1] if self._closed else 0
        seconds = self._seconds(function, place)
        value = self.input.measure(function, channel, self.held(function, place), seconds * self.line_hz)
        self.busy(seconds)
        if isinstance(value, Special):
            return value
        if name == "TEMP":
            unit = self.value("unit TEMP", place)
            value = value * 1.8 + 32.0 if unit == "FAHR" else value + 273.15 if unit == "KELV" else value
        return value - self.value(f"relative {name}", place) if self.value(f"relative_on {name}", place) else value

    def _acquire(self, count: int) -> None:
        taken = [self._measure() for _ in range(min(count, _SHAKEN))]
        self.busy((count - len(taken)) * self._seconds(*self._set_up()))
        self._readings += [taken[index % _SHAKEN] for index in range(count)]
        del self._readings[:-_KEPT]

    def get_read(self, *asked: Any) -> str:
        """Take the readings of the count; the last one is answered."""
        self._acquire(int(self.value("count")))
        return _written(self._readings[-1])

    def get_measure(self, name: str, place: Place, *asked: str) -> str:
        """Select a function, for the closed channel too, and read."""
        _, where = self._set_up()
        self.assign("function", where, name)
        return self.get_read()

    def get_fetch(self, place: Place, *asked: str) -> str:
        """Return the last reading."""
        return _written(self._readings[-1] if self._readings else Special.NOT_A_NUMBER)

    def do_initiate(self, place: Place) -> None:
        """Start: the scan, where one is made, else the readings of the count."""
        channels = self._scanned()
        if not channels:
            self._acquire(int(self.value("count")))
            return
        for _ in range(min(max(1, self.value("scan_count")), 1000)):
            for channel in channels:
                self.do_close(channel)
                self._acquire(1)

    def on_function(self, place: Place, value: str) -> None:
        """Select a function; the meter itself always has one."""
        if place is None and value == "NONE":
            raise ScpiError(-224)

    def limits_nplc(self, name: str, place: Place) -> Limits:
        """Return the range of the integration: it ends at a quarter of a second."""
        return within(0.0005, 15.0 if self.line_hz > 55 else 12.0, "mains")

    # Scans and buffers.

    def _scanned(self) -> tuple[int, ...]:
        text = self.value("scan")[0]
        return parse_channel_list(text) if text.strip("(@) ") else ()

    def on_scan(self, place: Place, value: tuple[str, ...]) -> None:
        """Take the list of channels to scan; an empty one ends scanning."""
        if not value[0].startswith("(") or any(n not in self.places for n in self._scanned()):
            raise ScpiError(-222)
        self.assign("scan", None, (value[0].replace(" ", ""),))

    def on_scan_add(self, place: Place, value: tuple[str, ...]) -> None:
        """Add channels to the scan."""
        added = (*self._scanned(), *parse_channel_list(value[0]))
        if any(n not in self.places for n in added):
            raise ScpiError(-222)
        self.assign("scan", None, (f"(@{','.join(map(str, added))})",))

    def get_scan_steps(self, place: Place) -> str:
        """Return how many steps a scan has."""
        return str(len(self._scanned()))

    def get_stored(self, *asked: Any) -> str:
        """Return how many readings the buffer holds."""
        return str(len(self._readings))

    def get_first(self, *asked: Any) -> str:
        """Return the index of the first reading in the buffer."""
        return str(int(bool(self._readings)))

    def get_data(self, place: Place, *asked: str) -> str:
        """Return readings by their indices, both ends included; raises ScpiError -109, -222."""
        if len(asked) < 2:
            raise ScpiError(-109)
        try:
            first, last = int(float(asked[0])), int(float(asked[1]))
        except (ValueError, OverflowError):
            raise ScpiError(-121) from None
        if not 1 <= first <= last <= len(self._readings):
            raise ScpiError(-222)
        return ",".join([_written(value) for value in self._readings[first - 1:last]])

    def on_clear_buffer(self, place: Place, value: tuple[str, ...]) -> None:
        """Forget the readings."""
        self._readings = []

    def get_statistic(self, what: str, place: Place, *asked: str) -> str:
        """Return a figure over the buffer."""
        numbers = [value for value in self._readings if not isinstance(value, Special)]
        if not numbers:
            return _written(Special.NOT_A_NUMBER)
        mean = sum(numbers) / len(numbers)
        figures: Mapping[str, Callable[[], float]] = {
            "AVERage": lambda: mean, "MAXimum": lambda: max(numbers), "MINimum": lambda: min(numbers),
            "STDDev": lambda: math.sqrt(sum((n - mean) ** 2 for n in numbers) / max(1, len(numbers) - 1)),
        }
        return _written(figures.get(what, lambda: max(numbers) - min(numbers))())

    def do_acquire(self, name: str, place: Place) -> None:
        """Take the present reading as the relative offset."""
        value = self.input.measure(BY_NAME[name], place or (self._closed[-1] if self._closed else 1),
                                   self.held(BY_NAME[name], place), 1.0)
        self.assign(f"relative {name}", place, value if isinstance(value, float) else 0.0)

    # Events and system.

    def get_error_code(self, place: Place) -> str:
        """Return and remove the number of the oldest error."""
        return str(self.errors.pop()[0])

    def get_error_count(self, place: Place) -> str:
        """Return how many errors wait."""
        return str(len(self.errors))

    def get_event_count(self, place: Place, *asked: str) -> str:
        """Return how many events wait: all are errors here."""
        return str(len(self.errors))

    def get_event(self, place: Place, *asked: str) -> str:
        """Return and remove the oldest event."""
        if not self.errors:
            return '0,"No error;0,0,0"'
        number, text = self.errors.pop()
        return f'{number},"{text}"'

    def do_clear_log(self, place: Place) -> None:
        """Empty the event log."""
        self.errors.clear()

    def get_line(self, place: Place) -> str:
        """Return the frequency of the mains."""
        return str(round(self.line_hz))

    def get_time(self, place: Place, *asked: str) -> str:
        """Return the time of the lab, in seconds since 1970 or with a parameter as text."""
        now = self.clock.utc()
        return f"{now:%a %b %d %H:%M:%S %Y}" if asked else str(int(now.timestamp()))

    def get_map(self, which: str, place: Place, *asked: str) -> str:
        """Return that no event is mapped."""
        return "0,0"


class DMM6500FrontTwin(DMM6500Twin):
    """The twin without a card. ``env.ports[1]`` is the signal at its front terminals."""

    driver = DMM6500Front
    card = ""
