"""A supply output and the wires to its load: what the supply drives, and what it sees.

The load's voltage settles to its new value within about 10 ms after a change, and discharges slowly when the output
is switched off. In between it is a closed form of the time since the last change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from labkit.sim.world.timeline import Timeline

SETTLE_S = 0.0025
"""Time constant of an output that is on: 1 % left after 11 ms, as on bench supplies."""


@dataclass(frozen=True, slots=True)
class OutletState:
    """What a supply sees of its output now.

    ``terminal_volts`` at its terminals (where over-voltage protection looks), ``sense_volts`` where it regulates: at
    the load with remote sense, at the terminals with local sense. ``mode`` is "CV", "CC" or "off".
    """

    terminal_volts: float
    sense_volts: float
    amps: float
    mode: str


class Load(Protocol):
    """What hangs on an output."""

    discharge_s: float

    def amps(self, volts: float) -> float:
        """Return the current at ``volts``; never falls when the voltage rises."""

    def driven(self, now: float) -> None:
        """Take note that the output was changed and solved; may solve it again."""


class Resistor:
    """A load that obeys Ohm's law; infinite ohms is an open output."""

    def __init__(self, ohms: float) -> None:
        if not ohms > 0:
            raise ValueError(f"a load of {ohms} Ohm is not positive")
        self.ohms = ohms
        self.discharge_s = 0.1 if ohms < math.inf else 0.5

    def amps(self, volts: float) -> float:
        """Return volts over ohms."""
        return volts / self.ohms

    def driven(self, now: float) -> None:
        """Do nothing: a resistor has no state."""


class Outlet:
    """One supply channel, wired through leads to a load."""

    __slots__ = ("_amps_limit", "_changed", "_lead_ohms", "_load", "_mode", "_on", "_remote", "_residual", "_tau",
                 "_timeline", "_volts_set", "highest_volts", "settled_amps", "target_volts")

    def __init__(self, timeline: Timeline, load: Load, *, lead_ohms: float = 0.0) -> None:
        self._timeline, self._load, self._lead_ohms = timeline, load, lead_ohms
        self._on, self._volts_set, self._amps_limit, self._remote = False, 0.0, 0.0, False
        self._residual, self._changed, self._tau = 0.0, timeline.start, SETTLE_S
        self._mode = "off"
        self.target_volts = 0.0
        """The voltage at the load once settled."""
        self.settled_amps = 0.0
        """The current once settled, A."""
        self.highest_volts = 0.0
        """What the terminals stay below until the next :meth:`drive`, whatever the load does, V: what is driven, what
        is left of the last change, and the drop that the current limit makes in the leads."""

    @property
    def asked_volts(self) -> float:
        """The voltage that the supply was told to make, V; 0 while off."""
        return self._volts_set if self._on else 0.0

    @property
    def mode(self) -> str:
        """What the supply does now: "CV", "CC" or "off"."""
        self._timeline.sync()
        return self._mode

    def drive(self, *, on: bool, volts: float, amps: float, remote: bool) -> None:
        """Set what the supply does: ``volts`` and the current limit ``amps``; ``remote`` sense regulates at the load.

        Takes effect at once; calls that change nothing leave no trace.
        """
        now = self._timeline.sync()
        if (on, volts, amps, remote) == (self._on, self._volts_set, self._amps_limit, self._remote):
            return
        before = self.volts_at(now)
        self._on, self._volts_set, self._amps_limit, self._remote = on, volts, amps, remote
        self._tau = SETTLE_S if on else self._load.discharge_s
        self.solve()
        settled = on and self._timeline.memoryless
        self._residual, self._changed = 0.0 if settled else before - self.target_volts, now
        self.highest_volts = self.asked_volts + max(0.0, self._residual) + amps * self._lead_ohms
        self._load.driven(now)

    def observe(self, ahead_s: float = 0.0) -> OutletState:
        """Return what the supply sees ``ahead_s`` from now (infinity: once settled), if nothing happens until then.

        Changes nothing.
        """
        now = self._timeline.sync()
        volts = self.volts_at(now)
        if not self._on:
            return OutletState(volts, volts, 0.0, "off")
        amps = self.settled_amps
        if volts != self.target_volts:
            amps = min(self._load.amps(volts), self._amps_limit)
        terminal = volts + amps * self._lead_ohms
        sense = volts if self._remote else terminal
        settled = self._volts_set if self._mode == "CV" else self.target_volts + (sense - volts)
        change, flow = sense - settled, amps - self.settled_amps
        if ahead_s == 0.0 or (change == 0.0 and flow == 0.0):
            return OutletState(terminal, sense, amps, self._mode)
        left = math.exp(-ahead_s / SETTLE_S)
        later = settled + change * left
        return OutletState(later + (terminal - sense), later, self.settled_amps + flow * left, self._mode)

    def volts_at(self, when: float) -> float:
        """Return the voltage at the load at a time since the last change."""
        age = when - self._changed
        if self._residual == 0.0 or age > 40.0 * self._tau:
            return self.target_volts
        return self.target_volts + self._residual * math.exp(-age / self._tau)

    def crossing(self, when: float, volts: float) -> float:
        """Return the time after ``when`` at which the load reaches ``volts``; infinity when it does not."""
        here, target = self.volts_at(when), self.target_volts
        if (here - volts) * (target - volts) >= 0.0:
            return math.inf
        return when + self._tau * math.log((here - target) / (volts - target))

    def solve(self) -> None:
        """Find the settled state for the load as it is now: constant voltage, or constant current if that is less."""
        if not self._on:
            self.target_volts, self.settled_amps, self._mode = 0.0, 0.0, "off"
            return
        load, volts = self._load, self._volts_set
        amps = load.amps(volts)
        if not self._remote and self._lead_ohms:
            for _ in range(6):
                volts = max(0.0, self._volts_set - amps * self._lead_ohms)
                amps = load.amps(volts)
        self._mode = "CV"
        if amps > self._amps_limit:
            self._mode = "CC"
            volts, amps = self._limited(volts), self._amps_limit
        self.target_volts, self.settled_amps = volts, amps

    def _limited(self, high: float) -> float:
        """Return the voltage at which the load takes the current limit."""
        low = 0.0
        for _ in range(48):
            middle = 0.5 * (low + high)
            if self._load.amps(middle) > self._amps_limit:
                high = middle
            else:
                low = middle
        return low
