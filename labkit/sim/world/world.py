"""The simulated world of one bench: chambers, boards and the outlets that supplies drive."""

from __future__ import annotations

import math

from labkit.clock import Clock
from labkit.sim.world.board import Board
from labkit.sim.world.chamber import Chamber
from labkit.sim.world.model import BoardModel
from labkit.sim.world.outlet import Outlet, Resistor
from labkit.sim.world.timeline import Timeline


class World:
    """Everything physical on a simulated bench, sharing one clock and one seed.

    With ``memoryless`` nothing has a history: an outcome or reading depends only on seed, DUT, test and the volts,
    hertz and degC asked for, never on order, neighbours, restarts or times.
    """

    def __init__(
        self, clock: Clock, seed: int, *, memoryless: bool = False, ambient_degc: float = 25.0,
    ) -> None:
        self.timeline = Timeline(clock, seed, memoryless=memoryless, ambient_degc=ambient_degc)

    def add_chamber(self, name: str) -> Chamber:
        """Return a chamber at the room's temperature, control off."""
        return Chamber(self.timeline, name)

    def add_board(self, site: str, dut: str, model: BoardModel, chamber: Chamber | None) -> Board:
        """Return an unpowered board, in a chamber or (None) in the room."""
        return Board(self.timeline, site, dut, model, chamber)

    def open_outlet(self) -> Outlet:
        """Return an outlet with nothing connected."""
        return Outlet(self.timeline, Resistor(math.inf))

    def resistor_outlet(self, ohms: float) -> Outlet:
        """Return an outlet with a resistor connected; raises ValueError unless ``ohms`` is positive."""
        return Outlet(self.timeline, Resistor(ohms))
