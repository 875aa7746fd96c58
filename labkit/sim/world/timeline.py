"""How the world moves: on a fixed grid of one second and at the events in between, never by how often it is asked."""

from __future__ import annotations

import math
from typing import Protocol

from labkit.clock import Clock

STEP_S = 1.0
"""The grid of everything that changes slowly: temperatures, drift."""


class Actor(Protocol):
    """A thing of the world that changes with time."""

    event_at: float
    """Lab time of its next event; infinity while there is none."""

    def happen(self, at: float) -> None:
        """Perform the event that is due at ``at``; must move ``event_at``."""

    def tick(self, at: float) -> None:
        """Go on to the grid time ``at``, one step after the last."""


class Timeline:
    """The world's time, seed and order of events.

    :meth:`sync` is called first by everything that reads or changes the world: it performs what was due until now, in
    order of time, so the state never depends on who asked when. With ``memoryless`` nothing has a history: there is no
    grid, only events.

    Twins are called one at a time (see :mod:`labkit.sim.twin`): nothing here is guarded against threads.
    """

    def __init__(self, clock: Clock, seed: int, *, memoryless: bool, ambient_degc: float) -> None:
        self.clock, self.seed = clock, seed
        self.memoryless, self.ambient_degc = memoryless, ambient_degc
        self.start = clock.now()
        self._actors: list[Actor] = []
        self._steps = 0
        self._next = 0.0

    def join(self, actor: Actor) -> None:
        """Let an actor take part; at one grid time actors tick in the order in which they joined."""
        self.sync()
        self._actors.append(actor)
        self._next = 0.0

    def stale(self) -> None:
        """Tell that an actor's next event has moved."""
        self._next = 0.0

    def sync(self) -> float:
        """Perform everything that is due, and return the time."""
        now = self.clock.now()
        if now >= self._next:
            self._advance(now)
        return now

    def _advance(self, now: float) -> None:
        actors = self._actors
        while True:
            grid = math.inf if self.memoryless else self.start + (self._steps + 1) * STEP_S
            first: Actor | None = None
            due = grid
            for actor in actors:
                at = actor.event_at
                if at <= due and at < math.inf:
                    first, due = actor, at
            if due > now:
                self._next = due
                return
            if first is not None:
                first.happen(due)
                continue
            self._steps += 1
            for actor in actors:
                actor.tick(grid)
