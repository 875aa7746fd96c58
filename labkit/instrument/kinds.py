"""What an instrument can do for a plan. Kinds settle the names: ``voltage`` is what was set, ``measured_voltage`` what
was read, everywhere. They are structural: a driver matches by having the rows, not by inheriting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from labkit.instrument.base import Identity, Latency
from labkit.instrument.declare import BoundAction, BoundReading, BoundSetting, Measured


class PowerSupplyChannel(Protocol):
    """One output. Volts and amperes at the terminals, or at the sense point with ``sense`` "remote"."""

    label: str
    number: int

    @property
    def voltage(self) -> BoundSetting[float]:
        """The voltage that was set, V."""
    @property
    def current_limit(self) -> BoundSetting[float]:
        """The current at which the output goes into constant current, A."""
    @property
    def output(self) -> BoundSetting[bool]:
        """The output switch."""
    @property
    def ovp_level(self) -> BoundSetting[float]:
        """Over-voltage protection: the level that trips, V."""
    @property
    def ovp_enabled(self) -> BoundSetting[bool]:
        """Over-voltage protection: armed or not."""
    @property
    def ocp_enabled(self) -> BoundSetting[bool]:
        """Over-current protection: trip instead of limiting."""
    @property
    def sense(self) -> BoundSetting[str]:
        """Where the voltage is regulated: "local" or "remote"."""
    @property
    def measured_voltage(self) -> BoundReading[Measured]:
        """V, at the sense point."""
    @property
    def measured_current(self) -> BoundReading[Measured]:
        """A."""
    @property
    def mode(self) -> BoundReading[str]:
        """"CV", "CC", or "off" (also: unregulated)."""
    @property
    def ovp_tripped(self) -> BoundReading[bool]:
        """Over-voltage protection has tripped and is latched."""
    @property
    def ocp_tripped(self) -> BoundReading[bool]:
        """Over-current protection has tripped and is latched."""
    @property
    def clear_protection(self) -> BoundAction:
        """Clear latched trips; the cause must be gone. The output may come back on by itself: see the driver."""


class PowerSupply(Protocol):
    """A bench supply; ``slew_v_per_s`` is how fast its outputs rise by themselves."""

    label: str
    slew_v_per_s: float
    latency: ClassVar[Latency]

    @property
    def channels(self) -> Mapping[int, PowerSupplyChannel]:
        """The outputs by front-panel number."""
    def identify(self) -> Identity:
        """Who answers."""


class ThermalChamber(Protocol):
    """A chamber with one controlled temperature, degC."""

    label: str

    @property
    def temperature(self) -> BoundSetting[float]:
        """The set point, degC."""
    @property
    def measured_temperature(self) -> BoundReading[Measured]:
        """The air as the controller sees it, degC."""
    @property
    def control(self) -> BoundSetting[str]:
        """"auto" (holds the set point) or "off"."""
    def identify(self) -> Identity:
        """Who answers."""


class MultimeterChannel(Protocol):
    """One input of a meter. Reading a quantity selects input and function, waits, and measures: one operation.

    A model that cannot measure something lacks that row.
    """

    label: str
    number: int

    @property
    def measured_voltage(self) -> BoundReading[Measured]:
        """Direct voltage, V."""
    @property
    def measured_resistance(self) -> BoundReading[Measured]:
        """Resistance, Ohm."""
    @property
    def measured_temperature(self) -> BoundReading[Measured]:
        """Temperature of the sensor at the input, degC."""
    @property
    def measured_frequency(self) -> BoundReading[Measured]:
        """Frequency of an alternating voltage, Hz."""


class Multimeter(Protocol):
    """A meter with one input (channel 1) or a scan card."""

    label: str
    latency: ClassVar[Latency]

    @property
    def channels(self) -> Mapping[int, MultimeterChannel]:
        """The inputs by number."""
    def identify(self) -> Identity:
        """Who answers."""


class ClockSource(Protocol):
    """A generator whose output clocks a board. A model that cannot switch its output, or tell a lock, lacks the row."""

    label: str
    latency: ClassVar[Latency]

    @property
    def frequency(self) -> BoundSetting[float]:
        """Frequency, Hz."""
    @property
    def output(self) -> BoundSetting[bool]:
        """The output switch."""
    @property
    def locked(self) -> BoundReading[bool]:
        """No loop is unlocked now: the frequency is that of the time base."""
    def identify(self) -> Identity:
        """Who answers."""
