"""The simulated twin of a bench: one world, wired as the bench file wires the instruments, and a twin of each.

In process it hands out links with virtual latency; :mod:`labkit.bench.served` serves the same twins over real
transports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from labkit.bench.bench import Bench
from labkit.clock import Clock
from labkit.instrument import Instrument
from labkit.sim.link import TwinMessageLink, TwinRegisterLink, TwinStreamLink
from labkit.sim.registry import twin
from labkit.sim.twin import MessageTwin, RegisterTwin, StreamTwin, Twin, TwinEnvironment
from labkit.sim.world import Board, Chamber, State, World
from labkit.sim.world.parallel import ParallelOutlets
from labkit.sim.world.signals import Signal
from labkit.transport.link import Link


class SimulatedBench:
    """World and twins of a bench. Also a source of links, by instrument name instead of address."""

    def __init__(self, bench: Bench, clock: Clock, *, seed: int, duts: Mapping[str, str]) -> None:
        self.bench = bench
        memoryless = bench.file.world == "memoryless"
        self._clock, self._seed = clock, seed
        self._options: dict[str, Any] = {"memoryless": memoryless}
        self._world = World(clock, seed, memoryless=memoryless)
        self._ports: dict[str, dict[int, Any]] = {name: {} for name in bench.drivers}
        self.twins: dict[str, Twin] = {}
        for name, cls in bench.drivers.items():
            if cls.kind == "thermal-chamber":
                self._ports[name][1] = self._world.add_chamber(name)
        for site, dut in duts.items():
            self._add_site(site, dut)
        for number, (name, cls) in enumerate(bench.drivers.items(), start=1):
            self._add_instrument(name, cls, number)

    def _add_site(self, site: str, dut: str) -> None:
        bench, entry, board_file = self.bench, self.bench.file.sites[site], self.bench.board_of(site)
        chamber = self._ports[entry.chamber][1] if entry.chamber else None
        board = self._world.add_board(site, dut, board_file.model, chamber)
        for rail, wiring in entry.rails.items():
            outlet = board.feed(rail, lead_ohms=wiring.leads)
            gang = bench.file.channels.get(wiring.source)
            shares = ParallelOutlets(outlet, len(gang.parallel)).shares if gang else (outlet,)
            for source, share in zip(gang.parallel if gang else [wiring.source], shares, strict=True):
                instrument, _, channel = source.rpartition(".")
                self._ports[instrument][int(channel)] = share
        for source in set(entry.clocks.values()) - {"console"}:
            # One generator may clock several boards: its output port holds them all.
            self._ports[source].setdefault(1, ClockLine()).boards.append(board)
        for probe in entry.probes.values():
            instrument, _, channel = probe.meter.rpartition(".")
            self._ports[instrument][int(channel)] = _signal(probe.rail, board, chamber)
        name, console = bench.console_name(site), board_file.file.console
        self.twins[name] = twin(entry.console_driver)(TwinEnvironment(
            name, f"SIM-{dut}", self._clock, self._seed, {1: board}, {**self._options, "prompt": console.prompt}))

    def _add_instrument(self, name: str, cls: type[Instrument], number: int) -> None:
        entry, ports = self.bench.file.instruments[name], self._ports[name]
        if cls.kind == "power-supply":
            for channel in cls.channel_numbers:
                if channel not in ports:
                    ports[channel] = (self._world.resistor_outlet(entry.loads[channel]) if channel in entry.loads
                                      else self._world.open_outlet())
        for channel, spec in entry.inputs.items():
            ports[channel] = Signal(**spec.given())
        # The box's own serial keys its gain error: the same bench file is the same bench.
        serial = entry.serial if entry.serial and entry.serial.startswith("SIM") else f"SIM{number:05d}"
        self.twins[name] = twin(entry.driver)(TwinEnvironment(
            name, serial, self._clock, self._seed, ports, self._options))

    def open(
        self, name: str, resource: str, *, kind: str, visa: str | None, timeout_s: float, clock: Clock,
        options: Mapping[str, Any],
    ) -> Link:
        """Return an in-process link to the twin of instrument ``name``."""
        box = self.twins[name]
        if kind == "message":
            return TwinMessageLink(name, cast(MessageTwin, box), clock, timeout_s)
        if kind == "stream":
            return TwinStreamLink(name, cast(StreamTwin, box), clock)
        return TwinRegisterLink(name, cast(RegisterTwin, box), clock)

    def close(self) -> None:
        """Nothing is open."""


class ClockLine:
    """The output of a clock source as the boards on it see it: what its twin drives."""

    def __init__(self) -> None:
        self.boards: list[Board] = []
        self.hz = 0.0

    def drive(self, *, hz: float, on: bool) -> None:
        """Set the frequency that comes out; boards that are up follow, others find it when they boot."""
        self.hz = hz if on else 0.0
        for board in self.boards:
            board.clock_in = self.hz
            if self.hz and board.state is State.UP:
                board.set_clock(self.hz)


def _signal(rail: str | None, board: Board, chamber: Chamber | None) -> Signal:
    """Return what a probe sees: the rail at the load, or the air beside the board."""
    if rail is not None:
        return Signal(volts_dc=lambda: board.rail_volts(rail))
    return Signal(degc=chamber.air) if chamber is not None else Signal()
