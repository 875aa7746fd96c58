"""The SCPI face of the simulated Watlow F4T: the same controller as its registers show.

There is no error queue in the documented command set. What is refused is refused in silence here, and a query that
does not exist gets no answer; SYSTem:ERRor? answers all the same, since some programs that work with the box ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from labkit.limits import Limits
from labkit.sim.scpi import Boolean, Entry, Formats, Number, Place, ScpiError, ScpiTwin, fixed, words
from labkit.sim.twin import TwinEnvironment
from labkit_instruments.thermal_chamber.watlow_f4t_controller_sim import (
    CELSIUS,
    FAHRENHEIT,
    PAUSED,
    RUNNING,
    Controller,
    Refused,
)
from labkit_instruments.thermal_chamber.watlow_f4t_scpi import F4TScpi

_UNITS = {"degC": CELSIUS, "degF": FAHRENHEIT}
_NAMES = {number: name for name, number in _UNITS.items()}


def _switch(on: bool) -> str:
    return "ON" if on else "OFF"


class F4TMessages(ScpiTwin):
    """SCPI over a :class:`~.watlow_f4t_controller_sim.Controller`; ``part`` is the part number of the box."""

    driver = F4TScpi
    omitted: ClassVar[frozenset[str]] = frozenset({"control"})
    common: ClassVar[tuple[str, ...]] = ("*IDN", "*CLS", "*OPC")
    formats: ClassVar[Formats] = Formats(real=fixed(4))
    firmware: ClassVar[str] = "04:06:0011"
    defaults: ClassVar[Mapping[str, Any]] = {"ramp_rate": 0.0}
    forms: ClassVar[Mapping[str, Any]] = {"outputs": _switch, "loop_error": str}
    rows: ClassVar[tuple[Entry, ...]] = (
        Entry("OUTPut<n>[:STATe]", (Boolean(),), False, channel="suffix", suffixes=tuple(range(1, 9)), name="outputs"),
        Entry("UNITS:TEMPerature", (words("C|F"),), "C", name="units_too"),
        Entry("SOURce:CLOop1:IDLE", (Number(low=-80.0, high=400.0),), 25.0),
        Entry("SOURce:CLOop1:RTIMe", (Number(low=0.0, high=9999.0),), 0.0, name="ramp_time"),
        Entry("PROGram[:SELected]:NUMBer", (Number(low=1, high=40, integer=True),), 1, name="number"),
        Entry("PROGram[:SELected]:STEP", (Number(low=1, high=50, integer=True),), 1, name="step"),
        Entry("PROGram[:SELected]:NAME", access="query", name="name"),
        Entry("PROGram[:SELected]:STATe", (words("STArt|PAUSe|RESume|STOP"),), "STOP", name="steer"),
    )

    def __init__(self, env: TwinEnvironment, controller: Controller, part: str, latency_s: float) -> None:
        self._controller, self._part, self._latency_s = controller, part, latency_s
        super().__init__(env)

    def latency(self, name: str, otherwise: str) -> float:
        """Return the same lab seconds for everything: the box polls its port."""
        return self._latency_s

    def identity(self) -> str:
        """Return maker, part number, serial number and firmware."""
        return f"{self.driver.manufacturer},{self._part},{self.env.serial},{self.firmware}"

    def limits_temperature(self, place: Place) -> Limits:
        """Bound set points by the controller's own limits, in the communication units."""
        controller = self._controller
        return Limits(controller.shown(controller.lowest_degc), controller.shown(controller.highest_degc))

    def get_temperature(self, place: Place) -> float:
        """Return the set point."""
        return self._controller.shown(self._controller.set_point_degc)

    def on_temperature(self, place: Place, value: float) -> None:
        """Set the set point."""
        self._controller.set_point(value)

    def get_measured_temperature(self, place: Place) -> float:
        """Return the process value."""
        return self._controller.shown(self._controller.chamber.sensor())

    def get_loop_error(self, place: Place) -> str:
        """Return that the sensor is there."""
        return "NONE"

    def get_units(self, place: Place) -> str:
        """Return the communication units."""
        return _NAMES[self._controller.units]

    def on_units(self, place: Place, value: str) -> None:
        """Set the communication units."""
        self._controller.set_units(_UNITS[value])

    def get_units_too(self, place: Place) -> str:
        """Return the communication units, by the other header that programs use."""
        return self.get_units(place)[-1]

    def on_units_too(self, place: Place, value: str) -> None:
        """Set the communication units, by the other header that programs use."""
        self.on_units(place, f"deg{value}")

    def get_display_units(self, place: Place) -> str:
        """Return what the display shows."""
        return _NAMES[self._controller.display_units]

    def on_display_units(self, place: Place, value: str) -> None:
        """Set what the display shows."""
        self._controller.display_units = _UNITS[value]

    def get_outputs(self, place: Place) -> bool:
        """Return an event output; the first is the chamber's."""
        return self._controller.runs if place == 1 else bool(self.value("outputs", place))

    def on_outputs(self, place: Place, value: bool) -> None:
        """Switch an event output; the first lets the chamber run."""
        if place == 1:
            self._controller.enable(value)

    def get_ramp_time(self, place: Place) -> float:
        """Return the ramp rate: the header is kept for old programs."""
        return float(self.value("ramp_rate"))

    def on_ramp_time(self, place: Place, value: float) -> None:
        """Set the ramp rate: the header is kept for old programs."""
        self.assign("ramp_rate", None, value)

    def get_number(self, place: Place) -> int:
        """Return the chosen profile."""
        return self._controller.number

    def on_number(self, place: Place, value: int) -> None:
        """Choose a profile."""
        self._controller.select_profile(value)

    def get_step(self, place: Place) -> int:
        """Return the step to start with."""
        return self._controller.step

    def on_step(self, place: Place, value: int) -> None:
        """Choose the step to start with."""
        self._controller.select_step(value)

    def get_name(self, place: Place) -> str:
        """Return the name of the chosen profile."""
        return f'"PROFILE{self._controller.number}"'

    def get_steer(self, place: Place) -> str:
        """Return what the profile does."""
        return {RUNNING: "STA", PAUSED: "PAUS"}.get(self._controller.state, "STOP")

    def on_steer(self, place: Place, value: str) -> None:
        """Start, pause, resume or stop the profile; -221 where that cannot be done now."""
        try:
            self._controller.steer_profile({"STA": "start", "PAUS": "pause", "RES": "resume", "STOP": "stop"}[value])
        except Refused:
            raise ScpiError(-221) from None
