"""The simulated twin of a bench: one world, wired as the bench file wires the instruments, and a twin of each.

In process it hands out links with virtual latency; :mod:`labkit.bench.served` serves the same twins over real
transports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from labkit.bench.load import Bench
from labkit.clock import Clock
from labkit.sim.link import TwinMessageLink, TwinRegisterLink, TwinStreamLink
from labkit.sim.registry import twin
from labkit.sim.twin import MessageTwin, RegisterTwin, StreamTwin, Twin, TwinEnvironment
from labkit.sim.world import World
from labkit.transport.link import Link


class SimulatedBench:
    """World and twins of a bench. Also a source of links, by instrument name instead of address."""

    def __init__(self, bench: Bench, clock: Clock, *, seed: int, duts: Mapping[str, str]) -> None:
        self.bench = bench
        memoryless = bench.file.world == "memoryless"
        world = World(clock, seed, memoryless=memoryless)
        options: dict[str, Any] = {"memoryless": memoryless}
        chambers = {name: world.add_chamber(name) for name, cls in bench.drivers.items()
                    if cls.kind == "thermal-chamber"}
        ports: dict[str, dict[int, Any]] = {name: {} for name in bench.drivers}
        for name, chamber in chambers.items():
            ports[name][1] = chamber
        self.twins: dict[str, Twin] = {}
        for site, dut in duts.items():
            entry, board_file = bench.file.sites[site], bench.board_of(site)
            board = world.add_board(site, dut, board_file.model, chambers[entry.chamber] if entry.chamber else None)
            for rail, wiring in entry.rails.items():
                ports[wiring.instrument][wiring.channel] = board.feed(rail, lead_ohms=wiring.leads)
            name = bench.console_name(site)
            console = board_file.file.console
            environment = TwinEnvironment(name, f"SIM-{dut}", clock, seed, {1: board}, {
                **options, "prompt": console.prompt})
            self.twins[name] = twin(entry.console_driver)(environment)
        for number, (name, cls) in enumerate(bench.drivers.items(), start=1):
            loads = bench.file.instruments[name].loads
            for channel in cls.channel_numbers:
                if channel not in ports[name]:
                    ports[name][channel] = (
                        world.resistor_outlet(loads[channel]) if channel in loads else world.open_outlet())
            serial = bench.file.instruments[name].serial or ""
            # The box's own serial keys its gain error: the same bench file is the same bench.
            environment = TwinEnvironment(name, serial if serial.startswith("SIM") else f"SIM{number:05d}", clock, seed,
                                          ports[name], options)
            self.twins[name] = twin(bench.file.instruments[name].driver)(environment)

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
