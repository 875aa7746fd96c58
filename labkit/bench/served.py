"""Served twins: every instrument of a bench on a real transport of this computer, for any program.

The map says where each model answers; the bench file that comes with it is the same bench with those addresses.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

from labkit.bench.bench import Bench
from labkit.bench.faces import Faces, serve_faces
from labkit.bench.load import shipped
from labkit.bench.simulate import SimulatedBench
from labkit.clock import WallClock
from labkit.sim.serve import Server, serve_stream
from labkit.sim.twin import StreamTwin
from labkit.transport.address import SerialPort, parse_resource

MAP_FORMAT = 1


class ServedBench:
    """The twins of a bench on loopback ports and pseudo terminals. Nothing listens before :meth:`start`."""

    def __init__(self, bench: Bench, *, seed: int, time_scale: float, duts: Mapping[str, str]) -> None:
        self.bench, self.time_scale = bench, time_scale
        clock = WallClock(time_scale)
        simulated = SimulatedBench(bench, clock, seed=seed, duts=duts)
        lock = threading.Lock()
        self._consoles: dict[str, Server] = {}
        self._faces: dict[str, Faces] = {}
        self._sites = {bench.console_name(site): site for site in duts}
        try:
            for name, box in simulated.twins.items():
                if name in self._sites:
                    self._consoles[name] = serve_stream(cast(StreamTwin, box), clock=clock, lock=lock, name=name)
                else:
                    self._faces[name] = serve_faces(name, box, bench.drivers[name],
                                                    bench.file.instruments[name].resource, clock=clock, lock=lock)
        except BaseException:
            self.close()
            raise

    def _servers(self) -> Iterator[Server]:
        yield from self._consoles.values()
        for faces in self._faces.values():
            yield from faces.servers.values()

    def start(self) -> None:
        """Begin to answer at every door."""
        for server in self._servers():
            server.start()

    def close(self) -> None:
        """End every server."""
        for server in self._servers():
            server.close()

    def map(self) -> dict[str, Any]:
        """Return where every model answers; the second instrument of a model is ``model#2``."""
        models: dict[str, Any] = {}
        entries = [(self.bench.file.sites[site].console_driver, name, self._console_entry(name, site))
                   for name, site in self._sites.items()]
        entries += [(self.bench.file.instruments[name].driver, name, self._entry(name)) for name in self._faces]
        for driver, name, entry in entries:
            count = sum(key.partition("#")[0] == driver for key in models)
            models[f"{driver}#{count + 1}" if count else driver] = {**entry, "instrument": name}
        return {"format": MAP_FORMAT, "time_scale": self.time_scale, "models": models}

    def _console_entry(self, name: str, site: str) -> dict[str, Any]:
        console = self.bench.board_of(site).file.console
        entry: dict[str, Any] = {
            "serial": self._consoles[name].address, "baudrate": self._console_baud(site), "prompt": console.prompt}
        return {**entry, "login_prompt": console.boot.expect, "username": console.login} if console.login else entry

    def _console_baud(self, site: str) -> int:
        address = parse_resource(self.bench.file.sites[site].console)
        return address.baud if isinstance(address, SerialPort) else 115200

    def _entry(self, name: str) -> dict[str, Any]:
        """Return the addresses of an instrument, and what hangs on it."""
        written, entry = self.bench.file.instruments[name], self._faces[name].keys()
        if written.loads:
            entry["load_ohms"] = {str(channel): ohms for channel, ohms in written.loads.items()}
        inputs = {channel: spec.given() for channel, spec in written.inputs.items()}
        sources = {channel: spec.given() for channel, spec in written.sources.items()}
        for key, connected in (("input", inputs), ("source", sources)):
            by_channel = {str(channel): given for channel, given in sorted(connected.items())}
            if by_channel:
                entry[key] = next(iter(by_channel.values()))
            if len(by_channel) > 1:
                entry[f"{key}s"] = by_channel
        return entry

    def bench_text(self) -> str:
        """Return the bench file with the served addresses, stamped simulated."""
        from ruamel.yaml import YAML

        data: dict[str, Any] = json.loads(json.dumps(self.bench.document.data))
        for name, site in self._sites.items():
            data["sites"][site]["console"] = f"serial://{self._consoles[name].address}?baud={self._console_baud(site)}"
        for name, faces in self._faces.items():
            data["instruments"][name]["resource"] = faces.resource()
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
