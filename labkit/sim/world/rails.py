"""The rails of a board: what loads its outlets, and when a rail counts as good or lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labkit.sim.world.outlet import Outlet, Resistor
from labkit.sim.world.silicon import Silicon


@dataclass(frozen=True, slots=True)
class Rail:
    """One rail: its outlet, the voltage at which it counts as good and the one at which it is lost."""

    outlet: Outlet
    good_v: float
    lost_v: float


class CoreLoad:
    """The core rail: static, leaking and switched current."""

    __slots__ = ("_amps", "discharge_s", "driven", "hz_activity", "leak")

    def __init__(self, silicon: Silicon, driven: Callable[[float], None], degc: float) -> None:
        self._amps, self.driven = silicon.core_amps, driven
        self.discharge_s = silicon.model.discharge_s
        self.hz_activity, self.leak = 0.0, silicon.leak_at(degc)

    def amps(self, volts: float) -> float:
        """Return the current at ``volts``."""
        return self._amps(volts, self.hz_activity, self.leak)


class StaticLoad(Resistor):
    """Another rail: a resistor whose changes concern the board."""

    def __init__(self, ohms: float, discharge_s: float, driven: Callable[[float], None]) -> None:
        super().__init__(ohms)
        self.discharge_s, self._driven = discharge_s, driven

    def driven(self, now: float) -> None:
        """Tell the board."""
        self._driven(now)
