"""Served twins: every instrument of a bench on a real transport of this computer, for any program.

The map says where each model answers; the bench file that comes with it is the same bench with those addresses.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping
from typing import Any, cast

from labkit.bench.bench import Bench
from labkit.bench.load import shipped
from labkit.bench.simulate import SimulatedBench
from labkit.clock import WallClock
from labkit.sim.serve import Server, serve_messages, serve_registers, serve_stream
from labkit.sim.twin import MessageTwin, RegisterTwin, StreamTwin

MAP_FORMAT = 1


class ServedBench:
    """The twins of a bench on loopback ports and pseudo terminals. Nothing listens before :meth:`start`."""

    def __init__(self, bench: Bench, *, seed: int, time_scale: float, duts: Mapping[str, str]) -> None:
        self.bench, self.time_scale = bench, time_scale
        clock = WallClock(time_scale)
        simulated = SimulatedBench(bench, clock, seed=seed, duts=duts)
        lock = threading.Lock()
        self.servers: dict[str, Server] = {}
        self._sites = {bench.console_name(site): site for site in duts}
        for name, box in simulated.twins.items():
            kind = "stream" if name in self._sites else bench.drivers[name].dialect.link_kind
            if kind == "message":
                self.servers[name] = serve_messages(cast(MessageTwin, box), clock=clock, lock=lock, name=name)
            elif kind == "register":
                self.servers[name] = serve_registers(cast(RegisterTwin, box), clock=clock, lock=lock, name=name)
            else:
                self.servers[name] = serve_stream(cast(StreamTwin, box), clock=clock, lock=lock, name=name)

    def start(self) -> None:
        """Begin to answer on every port."""
        for server in self.servers.values():
            server.start()

    def close(self) -> None:
        """End every server."""
        for server in self.servers.values():
            server.close()

    def map(self) -> dict[str, Any]:
        """Return where every model answers; the second instrument of a model is ``model#2``."""
        models: dict[str, Any] = {}
        for name, server in self.servers.items():
            if name in self._sites:
                site = self._sites[name]
                driver = self.bench.file.sites[site].console_driver
                entry: dict[str, Any] = {
                    "serial": server.address, "prompt": self.bench.board_of(site).file.console.prompt}
            else:
                driver = self.bench.file.instruments[name].driver
                entry = self._entry(name, server)
            count = sum(key.partition("#")[0] == driver for key in models)
            models[f"{driver}#{count + 1}" if count else driver] = {**entry, "instrument": name}
        return {"format": MAP_FORMAT, "time_scale": self.time_scale, "models": models}

    def _entry(self, name: str, server: Server) -> dict[str, Any]:
        host, _, port = server.address.rpartition(":")
        if self.bench.drivers[name].dialect.link_kind == "register":
            return {"modbus_tcp": server.address, "unit": 1}
        loads = self.bench.file.instruments[name].loads
        entry: dict[str, Any] = {"visa": f"TCPIP::{host}::{port}::SOCKET"}
        return {**entry, "load_ohms": {str(channel): ohms for channel, ohms in loads.items()}} if loads else entry

    def bench_text(self) -> str:
        """Return the bench file with the served addresses, stamped simulated."""
        from ruamel.yaml import YAML

        data: dict[str, Any] = json.loads(json.dumps(self.bench.document.data))
        for name, server in self.servers.items():
            if name in self._sites:
                data["sites"][self._sites[name]]["console"] = f"serial://{server.address}?baud=115200"
            elif self.bench.drivers[name].dialect.link_kind == "register":
                data["instruments"][name]["resource"] = f"modbus-tcp://{server.address}?unit=1"
            else:
                data["instruments"][name]["resource"] = self._entry(name, server)["visa"]
        served = set(self._sites.values())
        data["sites"] = {name: entry for name, entry in data["sites"].items() if name in served}
        for entry in data["sites"].values():
            path = self.bench.boards[entry["board"]].document.path
            if shipped("board").get(entry["board"]) != path:
                entry["board"] = str(path.resolve())
        data |= {"simulated": True, "time_scale": self.time_scale}
        writer: Any = YAML(typ="safe", pure=True)
        writer.default_flow_style, writer.width, writer.sort_base_mapping_type_on_output = None, 200, False
        out = io.StringIO()
        writer.dump(data, out)
        return f"# Served twins of bench {self.bench.name}; valid while `labkit sim serve` runs.\n{out.getvalue()}"
