"""The simulated world: the physics that the twins of one bench share."""

from labkit.sim.world.board import Board
from labkit.sim.world.chamber import Chamber
from labkit.sim.world.model import BoardModel
from labkit.sim.world.noise import keyed_normal, keyed_uniform
from labkit.sim.world.outlet import Load, Outlet, OutletState, Resistor
from labkit.sim.world.printout import Printout
from labkit.sim.world.signals import Signal
from labkit.sim.world.silicon import TYPICAL, Outcome, Part, Silicon, State, classify
from labkit.sim.world.timeline import Timeline
from labkit.sim.world.world import World

RailFeed = Outlet
"""An outlet seen from the board: what :meth:`Board.feed` returns."""

__all__ = [
    "TYPICAL",
    "Board",
    "BoardModel",
    "Chamber",
    "Load",
    "Outcome",
    "Outlet",
    "OutletState",
    "Part",
    "Printout",
    "RailFeed",
    "Resistor",
    "Signal",
    "Silicon",
    "State",
    "Timeline",
    "World",
    "classify",
    "keyed_normal",
    "keyed_uniform",
]
