"""What a simulated Watlow F4T is and does, whatever it is asked through: both faces of the twin act on this.

:mod:`.watlow_f4t_sim` shows it as Modbus registers, :mod:`.watlow_f4t_scpi_sim` as SCPI. A set point written through
one is read back through the other, as in the box. Temperatures are in degC here; the communication units belong to the
faces' common setting, as the controller's manual has one for its Ethernet port.
"""

from __future__ import annotations

from labkit.sim.world import Chamber

AUTO, MANUAL, OFF, ON = 10, 54, 62, 63
CELSIUS, FAHRENHEIT = 15, 30
PAUSED, STOPPED, RUNNING, TERMINATED, NOT_STARTED = 146, 148, 149, 253, 251
_K_PER_PERCENT = 1.2  # where the air ends up with a fixed output


class Refused(ValueError):
    """A value that the controller does not take."""


class Controller:
    """One control loop over one chamber, its profile, its units and the event output that lets the chamber run."""

    def __init__(self, chamber: Chamber, *, fahrenheit: bool = False) -> None:
        self.chamber = chamber
        self.units = FAHRENHEIT if fahrenheit else CELSIUS
        self.display_units = FAHRENHEIT
        self.mode, self.set_point_degc, self.manual_percent = AUTO, 25.0, 0.0
        self.lowest_degc, self.highest_degc = -60.0, 180.0
        self.state, self.number, self.step = NOT_STARTED, 1, 1
        self.enabled = True
        """Event output 1: whether the chamber's heater and compressor may run at all."""
        self._apply()

    @property
    def runs(self) -> bool:
        """Whether the chamber is being controlled."""
        return self.enabled and self.mode != OFF

    @property
    def profile_runs(self) -> bool:
        """Whether a profile has the set point, running or paused."""
        return self.state in (RUNNING, PAUSED)

    def shown(self, degc: float) -> float:
        """Return a temperature in the communication units."""
        return degc * 1.8 + 32.0 if self.units == FAHRENHEIT else degc

    def meant(self, value: float) -> float:
        """Return the degC that a number in the communication units means."""
        return (value - 32.0) / 1.8 if self.units == FAHRENHEIT else value

    def working_degc(self) -> float:
        """Return the set point that the controller works with: the chamber's own while control is on."""
        held = self.chamber.set_point_degc
        return self.set_point_degc if held is None else held

    def _apply(self) -> None:
        """Bring the chamber to what mode and set point say. A running profile keeps its own set point."""
        if not self.runs:
            self.chamber.command(None)
        elif self.mode == MANUAL:
            self.chamber.command(25.0 + _K_PER_PERCENT * self.manual_percent)
        elif not self.profile_runs:
            self.chamber.command(self.set_point_degc)

    def enable(self, on: bool) -> None:
        """Switch event output 1."""
        self.enabled = on
        self._apply()

    def set_mode(self, mode: int) -> None:
        """Set the control mode; raises Refused."""
        if mode not in (AUTO, MANUAL, OFF):
            raise Refused
        self.mode = mode
        self._apply()

    def set_units(self, units: int) -> None:
        """Set the communication units; raises Refused."""
        if units not in (CELSIUS, FAHRENHEIT):
            raise Refused
        self.units = units

    def set_point(self, value: float) -> None:
        """Set the set point, in the communication units; raises Refused outside its limits (float32 rounding aside)."""
        degc = self.meant(value)
        if not self.lowest_degc - 1e-4 <= degc <= self.highest_degc + 1e-4:
            raise Refused
        self.set_point_degc = degc
        self._apply()

    def set_lowest(self, value: float) -> None:
        """Set the lowest set point; raises Refused."""
        self.lowest_degc = self._limit(value, -80.0, self.highest_degc)

    def set_highest(self, value: float) -> None:
        """Set the highest set point; raises Refused."""
        self.highest_degc = self._limit(value, self.lowest_degc, 200.0)

    def _limit(self, value: float, low: float, high: float) -> float:
        degc = self.meant(value)
        if not low <= degc <= high:
            raise Refused
        return degc

    def set_power(self, percent: float) -> None:
        """Set the output of manual mode, -100..100 %; raises Refused."""
        if not -100.0 <= percent <= 100.0:
            raise Refused
        self.manual_percent = percent
        self._apply()

    def select_profile(self, number: float) -> None:
        """Choose a profile, 1..40; raises Refused."""
        if not 1 <= number <= 40:
            raise Refused
        self.number = int(number)

    def select_step(self, step: float) -> None:
        """Choose the step to start with, 1..50; raises Refused."""
        if not 1 <= step <= 50:
            raise Refused
        self.step = int(step)

    def steer_profile(self, action: str) -> None:
        """Start, pause, resume or stop the chosen profile; raises Refused where that cannot be done now."""
        allowed = {"start": not self.profile_runs, "resume": self.state == PAUSED, "pause": self.profile_runs,
                   "stop": self.profile_runs}
        if not allowed[action]:
            raise Refused
        self.state = {"start": RUNNING, "resume": RUNNING, "pause": PAUSED, "stop": TERMINATED}[action]
        if action in ("pause", "stop"):
            self._apply()
