"""Twin of the Keysight E36312A: what PyMeasure, QCoDeS, python-ivi or a few lines of PyVISA expect of the box.

Physics are the world's: the twin tells each outlet what is programmed and measures what the outlet shows, with the
fixed errors of this one unit (drawn from its serial number) and the noise of each reading. Headers without physics
stand in keysight_e36312a_headers.py.

Assumed, because no source was found: over-current delay 50 ms after *RST; current limits at the nominal rating after
*RST (as the E3631A); OUTPut? answers 0 while a trip is latched, and OUTPut ON then takes effect when the trip is
cleared; accuracy and noise (inside the data sheet's order of 0.03 % and a few mV).
"""

from __future__ import annotations

import math
from typing import Protocol

from labkit.sim.scpi import Place
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world.noise import keyed_normal
from labkit.sim.world.outlet import OutletState
from labkit_instruments.power_supply.keysight_e36312a_headers import E36312AFront

_OV, _OC = 512, 1024
_MODE_BITS = {"CC": 1, "CV": 2, "off": 0}
_ROUNDING_V = 1e-6  # what is so far below its protection level cannot exceed it by rounding


class Outlet(Protocol):
    """What an output is connected to: :class:`labkit.sim.world.outlet.Outlet`."""

    highest_volts: float
    """What the terminals stay below until the output is driven again, V."""

    @property
    def mode(self) -> str:
        """What the output does now: "CV", "CC" or "off"."""
    def drive(self, *, on: bool, volts: float, amps: float, remote: bool) -> None:
        """Set what the output does."""
    def observe(self, ahead_s: float = 0.0) -> OutletState:
        """Return what the output sees ``ahead_s`` from now; infinity: once settled."""


class _Open:
    """An output with nothing connected."""

    def __init__(self) -> None:
        self.mode, self.highest_volts = "off", 0.0

    def drive(self, *, on: bool, volts: float, amps: float, remote: bool) -> None:
        self.mode = "CV" if on else "off"
        self.highest_volts = volts if on else 0.0

    def observe(self, ahead_s: float = 0.0) -> OutletState:
        return OutletState(self.highest_volts, self.highest_volts, 0.0, self.mode)


class E36312ATwin(E36312AFront):
    """The twin. ``env.ports`` holds the outlet of each channel; a missing one is an open output."""

    def __init__(self, env: TwinEnvironment) -> None:
        super().__init__(env)
        self._outlets: dict[Place, Outlet] = {place: env.ports.get(place or 1) or _Open() for place in self.places}
        self._memoryless = bool(env.options.get("memoryless"))
        self._errors = {(place, what): self._unit_error(place, what) for place in self.places
                        for what in ("set V", "set A", "read V", "read A")}
        self._reads = {(place, unit): 0 for place in self.places for unit in "VA"}
        self._tripped: dict[Place, int] = dict.fromkeys(self.places, 0)
        self._changed_at: dict[Place, float] = dict.fromkeys(self.places, 0.0)
        self._watched: tuple[Place, ...] = ()
        self._initiated: set[Place] = set()
        self.after_reset()

    def _unit_error(self, place: Place, what: str) -> tuple[float, float]:
        """Return gain and offset error of this unit: fixed, within 2.5 standard deviations."""
        def draw(part: str) -> float:
            return max(-2.5, min(2.5, keyed_normal("E36312A", self.env.serial, place, what, part)))
        gain, offset = (1.0e-4, 5e-4) if what.endswith("V") else (1.5e-4, 3e-4)
        return draw("gain") * gain, draw("offset") * offset

    # What is programmed.

    def carry_out(self, place: Place) -> None:
        """Tell the outlet what this channel does now, as its converters make it: in steps of 0.1 mV and 0.1 mA."""
        state = self.state
        gain, offset = self._errors[place, "set V"]
        volts = max(0.0, round((state["voltage", place] * (1 + gain) + offset) * 1e4) / 1e4)
        gain, offset = self._errors[place, "set A"]
        amps = max(0.0, round((state["current_limit", place] * (1 + gain) + offset) * 1e4) / 1e4)
        on = state["output", place] and not self._tripped[place]
        self._outlets[place].drive(on=on, volts=volts, amps=amps, remote=state["sense", place] == "remote")
        self._changed_at[place] = self._time()
        self.status.set_condition("channel", place, self._condition(place))
        self._watch()

    def _watch(self) -> None:
        """Find the channels whose protection can trip before something is set again, and look at them."""
        state = self.state
        self._watched = tuple([place for place in self.places if state["output", place] and self._can_trip(place)])
        self.attend()

    def _can_trip(self, place: Place) -> bool:
        if self._tripped[place]:
            return False
        state = self.state
        near = self._outlets[place].highest_volts > state["ovp_level", place] - _ROUNDING_V
        return bool(state["ocp_enabled", place] or (state["ovp_enabled", place] and near))

    def after_reset(self) -> None:
        """Clear latched trips, then carry the settings out."""
        self._tripped = dict.fromkeys(self.places, 0)
        self._initiated.clear()
        for place in self.places:
            self.carry_out(place)

    def on_voltage(self, place: Place, value: float) -> None:
        """Carry the voltage out."""
        self.carry_out(place)

    on_current_limit = on_output = on_sense = on_voltage

    def on_ovp_level(self, place: Place, value: float) -> None:
        """Judge by the new protection setting at once."""
        self._changed_at[place] = self._time()
        self._watch()

    on_ovp_enabled = on_ocp_enabled = on_ovp_level

    def get_output(self, place: Place) -> bool:
        """Return the output switch as it is: off while a trip is latched."""
        self.attend()
        return bool(self.value("output", place)) and not self._tripped[place]

    # What is seen.

    def _time(self) -> float:
        return self.clock.now() + self.spent_s

    def _look(self, place: Place, ahead_s: float) -> OutletState:
        """Return what the outlet will show ``ahead_s`` from now: later units of a message happen later."""
        return self._outlets[place].observe(math.inf if self._memoryless else ahead_s)

    def _measure(self, place: Place, unit: str, true: float) -> float:
        gain, offset = self._errors[place, f"read {unit}"]
        low = place == 1
        noise = (6e-5 if low else 2e-4) if unit == "V" else (8e-5 if low else 3e-5)
        count = 0
        if not self._memoryless:
            count = self._reads[place, unit] = self._reads[place, unit] + 1
        draw = keyed_normal(self.env.seed, self.env.serial, place, unit, round(true * 1e6), count)
        return true * (1 + gain) + offset + noise * draw

    def get_measured_voltage(self, place: Place) -> float:
        """Return volts at the sense point, in the middle of the time that the reading takes."""
        return self._measure(place, "V", self._look(place, self.spent_s + 0.010).sense_volts)

    def get_measured_current(self, place: Place) -> float:
        """Return amperes, in the middle of the time that the reading takes."""
        return self._measure(place, "A", self._look(place, self.spent_s + 0.010).amps)

    def get_mode(self, place: Place) -> int:
        """Return the condition register of a channel: 1 CC, 2 CV, 512 over-voltage, 1024 over-current latched."""
        self.attend()
        return self._condition(place)

    def _condition(self, place: Place) -> int:
        return _MODE_BITS[self._outlets[place].mode] | self._tripped[place]

    # Protection and status.

    def attend(self) -> None:
        """Let protection trip that has a reason to, as of now."""
        for place in self._watched:
            if self._tripped[place]:  # by the look that followed another channel's trip
                continue
            state = self._look(place, self.spent_s)
            if self.value("ovp_enabled", place) and state.terminal_volts > self.value("ovp_level", place):
                self._trip(place, _OV)
            elif self.value("ocp_enabled", place) and state.mode == "CC" and self._delay_is_over(place):
                self._trip(place, _OC)

    def _delay_is_over(self, place: Place) -> bool:
        """Return whether the last change of a setting is longer ago than over-current is allowed to last."""
        return bool(self._time() - self._changed_at[place] >= self.value("ocp_delay_ms", place) / 1e3 - 1e-9)

    def poll(self) -> None:
        """Evaluate protection at the present time, without a message."""
        self.spent_s = 0.0
        self.attend()

    def _trip(self, place: Place, reason: int) -> None:
        self._tripped[place] |= reason
        self.carry_out(place)

    def _clear(self, place: Place, reason: int) -> None:
        """Forget a latched trip; the output returns, and trips again while its cause is there."""
        if self._tripped[place] & reason:
            self._tripped[place] &= ~reason
            self.carry_out(place)
            if reason & _OV and self.value("output", place) and self.value("ovp_enabled", place) and (
                    self.value("voltage", place) > self.value("ovp_level", place)):
                self._trip(place, _OV)

    def get_ovp_tripped(self, place: Place) -> bool:
        """Return whether the over-voltage trip is latched."""
        self.attend()
        return bool(self._tripped[place] & _OV)

    def get_ocp_tripped(self, place: Place) -> bool:
        """Return whether the over-current trip is latched."""
        self.attend()
        return bool(self._tripped[place] & _OC)

    def do_clear_protection(self, place: Place) -> None:
        """Clear an over-voltage trip."""
        self._clear(place, _OV)

    def do_clear_overcurrent(self, place: Place) -> None:
        """Clear an over-current trip."""
        self._clear(place, _OC)

    def do_clear_both(self, place: Place) -> None:
        """Clear either trip: not in the guide, tolerated because other supplies of the maker have it."""
        self._clear(place, _OV | _OC)

    def refresh_status(self) -> None:
        """Put the mode and the trips of each channel into its condition register."""
        for place in self.places:
            self.status.set_condition("channel", place, self.get_mode(place))
        self.status.cascade()
