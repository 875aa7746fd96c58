"""The doors of served instruments: which there are, what the map says of them, what the bench file asks for."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from labkit.bench.faces import Faces, serve_faces
from labkit.bench.load import load_bench
from labkit.bench.served import ServedBench
from labkit.clock import WallClock
from labkit.errors import ConfigError
from labkit.instrument import Instrument, ScpiDialect
from labkit.sim.serve import Server
from labkit.sim.twin import Reply
from labkit.transport.address import ModbusRtu, ModbusTcp, SerialPort, TcpSocket, parse_resource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")

BENCH = """
bench: doors
instruments:
  psu: {driver: keysight-e36312a, resource: "TCPIP::10.0.0.11::5025::SOCKET", loads: {3: 10 Ohm}}
  cold: {driver: watlow-f4t, resource: "modbus-rtu:///dev/ttyUSB1?baud=19200&unit=5"}
  hot: {driver: watlow-f4t, resource: "modbus-tcp://10.0.0.20:502?unit=9"}
  third: {driver: watlow-f4t-scpi, resource: "TCPIP::10.0.0.21::5025::SOCKET"}
sites:
  A:
    {board: dpu-a0, rails: {core: psu.1, io: psu.2}, clocks: {core: console}, chamber: cold,
     console: "serial:///dev/ttyUSB0?baud=57600"}
"""


class Box(Instrument):
    """Speaks messages, and is nothing that exists."""

    kind = "power-supply"
    dialect = ScpiDialect()
    link_options: ClassVar = {"read_termination": "\r\n"}


class BoxTwin:
    map_keys: ClassVar = {"chamber_type": "none"}

    def handle(self, message: str) -> Reply:
        return Reply("1" if "?" in message else None, 0.0)


def faces(resource: str, driver: type[Instrument] = Box) -> Faces:
    return serve_faces("box", BoxTwin(), driver, resource, clock=WallClock(), lock=threading.Lock())


def close(*servers: Server) -> None:
    for server in servers:
        server.close()


def test_a_bench_asks_for_a_transport_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "doors.yaml"
    path.write_text(BENCH, encoding="utf-8")
    served = ServedBench(load_bench(str(path)), seed=1, time_scale=10.0, duts={"A": "SIM-A"})
    try:
        models = served.map()["models"]
        cold, hot, third = (models[name] for name in ("watlow-f4t", "watlow-f4t#2", "watlow-f4t-scpi"))
        assert {"modbus_tcp", "modbus_rtu", "scpi"} <= set(cold) & set(hot)
        assert {"modbus_tcp", "modbus_rtu", "visa"} <= set(third)
        assert (cold["unit"], cold["baudrate"], hot["unit"], hot["baudrate"]) == (5, 19200, 9, 38400)
        assert models["keysight-e36312a"] == {
            "visa": models["keysight-e36312a"]["visa"], "load_ohms": {"3": 10.0}, "instrument": "psu"}
        assert models["board-console"]["baudrate"] == 57600
        assert (models["board-console"]["login_prompt"], models["board-console"]["username"]) == ("login:", "root")
        live_path = tmp_path / "live.yaml"
        live_path.write_text(served.bench_text(), encoding="utf-8")
        live = load_bench(str(live_path))
        address = {name: parse_resource(entry.resource) for name, entry in live.file.instruments.items()}
        assert address["cold"] == ModbusRtu(cold["modbus_rtu"], 19200, 5)
        host, port = hot["modbus_tcp"].split(":")
        assert address["hot"] == ModbusTcp(host, int(port), 9)
        assert address["third"] == parse_resource(third["visa"])
        assert parse_resource(live.file.sites["A"].console) == SerialPort(models["board-console"]["serial"], 57600)
    finally:
        served.close()


@pytest.mark.parametrize(("resource", "keys"), [
    ("TCPIP::10.0.0.1::5025::SOCKET", {"visa"}), ("GPIB0::3::INSTR", {"visa"}),
    ("serial:///dev/ttyUSB3?baud=9600&flow=rtscts", {"serial", "baudrate"}),
    ("ASRL/dev/ttyUSB3::INSTR", {"serial", "baudrate"}),
])
def test_messages_stand_where_the_bench_file_says(resource: str, keys: set[str]) -> None:
    found = faces(resource)
    try:
        entry = found.keys()
        assert set(entry) == keys | {"read_termination", "write_termination", "chamber_type"}
        assert (entry["read_termination"], entry["write_termination"]) == ("\r\n", "\n")
        address = parse_resource(found.resource())
        if resource.startswith("serial"):
            assert address == SerialPort(entry["serial"], 9600)
        elif resource.startswith("ASRL"):
            assert found.resource() == f"ASRL{entry['serial']}::INSTR"
        else:
            assert isinstance(address, TcpSocket)
            assert found.resource() == entry["visa"]
    finally:
        close(*found.servers.values())


def test_what_does_not_speak_scpi_says_host_and_port_too() -> None:
    class Other(Box):
        """Speaks a language of its own."""

        dialect = type("Own", (), {"link_kind": "message"})()  # type: ignore[assignment]

    found = faces("TCPIP::10.0.0.1::2049::SOCKET", Other)
    try:
        host, port = found.keys()["tcp"].split(":")
        assert found.keys()["visa"] == f"TCPIP::{host}::{port}::SOCKET"
    finally:
        close(*found.servers.values())


@pytest.mark.parametrize(("replace", "by", "said"), [
    ("loads: {3: 10 Ohm}", "inputs: {1: {hz: 1 kHz}}", "psu is a power-supply, and inputs are for kind multimeter and"),
    ("loads: {3: 10 Ohm}", "sources: {1: {volts: 5 V, ohms: 1 Ohm}}", "sources are for kind electronic-load"),
    ("loads: {3: 10 Ohm}", "loads: {4: 10 Ohm}", "psu has no channel 4; it has 1, 2, 3"),
    ("loads: {3: 10 Ohm}", "inputs: {1: {}}", "an input needs volts_dc, ohms or hz"),
    ("loads: {3: 10 Ohm}", "inputs: {1: {ohms: -1 Ohm}}", "cannot be below zero"),
    ("loads: {3: 10 Ohm}", "sources: {1: {volts: 5 V, ohms: 0 Ohm}}", "must be above zero"),
])
def test_what_cannot_be_connected(tmp_path: Path, replace: str, by: str, said: str) -> None:
    path = tmp_path / "doors.yaml"
    path.write_text(BENCH.replace(replace, by), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_bench(str(path))
