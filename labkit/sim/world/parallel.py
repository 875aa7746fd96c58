"""Supply channels in parallel: several outlets on one load, sharing the current."""

from __future__ import annotations

from labkit.sim.world.outlet import Outlet, OutletState


class ParallelOutlets:
    """One load fed by ``count`` channels. Each channel sees its own share through its :class:`Share`.

    The highest voltage that is on wins, and current limits add up: what an engineer gets who wires two equal channels
    together and sets them alike.
    """

    def __init__(self, outlet: Outlet, count: int) -> None:
        self.outlet = outlet
        self.shares = tuple(Share(self) for _ in range(count))

    def drive(self) -> None:
        """Drive the load with what the channels together do."""
        on = [share for share in self.shares if share.on]
        self.outlet.drive(on=bool(on), volts=max((s.volts for s in on), default=0.0),
                          amps=sum(s.amps for s in on), remote=bool(on) and all(s.remote for s in on))


class Share:
    """One of the channels in parallel: an outlet for its supply."""

    def __init__(self, together: ParallelOutlets) -> None:
        self._together = together
        self.on, self.volts, self.amps, self.remote = False, 0.0, 0.0, False

    def drive(self, *, on: bool, volts: float, amps: float, remote: bool) -> None:
        """Set what this channel does."""
        self.on, self.volts, self.amps, self.remote = on, volts, amps, remote
        self._together.drive()

    def observe(self, ahead_s: float = 0.0) -> OutletState:
        """Return what this channel sees: the common voltage, and its part of the current by its current limit."""
        state = self._together.outlet.observe(ahead_s)
        if not self.on:
            return OutletState(state.terminal_volts, state.sense_volts, 0.0, "off")
        limits = sum(share.amps for share in self._together.shares if share.on)
        part = self.amps / limits if limits else 0.0
        return OutletState(state.terminal_volts, state.sense_volts, state.amps * part, state.mode)

    @property
    def mode(self) -> str:
        """CV or CC of the load, "off" while this channel is."""
        return self._together.outlet.mode if self.on else "off"

    @property
    def highest_volts(self) -> float:
        """The highest voltage that the terminals can reach from here."""
        return self._together.outlet.highest_volts
