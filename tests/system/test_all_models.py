"""The bench `all-models` served whole, and other people's clients alone talk to it: PyVISA, pymodbus, pyserial.

What the map says has to be enough for them; labkit itself gets the bench file.
"""

from __future__ import annotations

import json
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from labkit.bench.links import RealLinks
from labkit.bench.load import load_bench, shipped
from labkit.bench.opened import open_bench
from labkit.clock import WallClock
from labkit.instrument.registry import names
from tests.system.serving import Served, labkit, served

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
SCALE = 60.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("all"), bench="all-models", time_scale=SCALE) as twins:
        yield twins


@contextmanager
def visa(resource: str, entry: dict[str, Any]) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyvisa-py speaks of optional backends that are not installed
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        box = manager.open_resource(resource, timeout=5000, read_termination=entry.get("read_termination", "\n"),
                                    write_termination=entry.get("write_termination", "\n"))
        try:
            yield box
        finally:
            box.close()
            manager.close()


@contextmanager
def modbus_tcp(entry: dict[str, Any]) -> Iterator[Any]:
    host, _, port = entry["modbus_tcp"].rpartition(":")
    client = ModbusTcpClient(host, port=int(port), timeout=5, retries=0)
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


@contextmanager
def modbus_rtu(entry: dict[str, Any]) -> Iterator[Any]:
    client = ModbusSerialClient(entry["modbus_rtu"], baudrate=entry["baudrate"], timeout=5, retries=0)
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


@contextmanager
def line(entry: dict[str, Any]) -> Iterator[serial.Serial]:
    with serial.Serial(entry["serial"], entry["baudrate"], timeout=5) as port:
        yield port


def real(client: Any, address: int, unit: int) -> float:
    registers = client.read_holding_registers(address, count=2, device_id=unit).registers
    return float(struct.unpack("<f", struct.pack("<HH", *registers))[0])


def test_there_is_one_of_every_driver(bench: Served) -> None:
    assert {model.partition("#")[0] for model in bench.map["models"]} == set(names())


def test_every_address_in_the_map_answers(bench: Served) -> None:
    """What speaks messages says who it is, what has registers tells its part number; all are known as simulated."""
    asked = 0
    for model, entry in bench.map["models"].items():
        for key in ("visa", "scpi"):
            if key in entry:
                with visa(entry[key], entry if key == "visa" else {}) as box:
                    assert "SIM" in box.query("*IDN?"), model
                asked += 1
        for key, connect in (("modbus_tcp", modbus_tcp), ("modbus_rtu", modbus_rtu)):
            if key in entry:
                with connect(entry) as client:
                    part = client.read_holding_registers(16, count=15, device_id=entry["unit"]).registers
                    assert "".join(map(chr, part)).startswith("F4T"), model
                asked += 1
        if "serial" in entry and "prompt" not in entry:
            with line(entry) as port:
                port.write(f"*IDN?{entry['write_termination']}".encode())
                assert b"SIM" in port.read_until(entry["read_termination"].encode()), model
            with visa(f"ASRL{entry['serial']}::INSTR", entry) as box:
                assert "SIM" in box.query("*IDN?"), model
            asked += 1
        assert {"visa", "modbus_tcp", "serial"} & set(entry), f"{model} has no address"
    assert asked >= 7


def test_the_chamber_is_one_box_behind_three_doors(bench: Served) -> None:
    entry = bench.map["models"]["watlow-f4t"]
    with visa(entry["scpi"], {}) as scpi, modbus_tcp(entry) as tcp, modbus_rtu(entry) as rtu:
        scpi.write(":SOURCE:CLOOP1:SPOINT 40")
        assert float(scpi.query(":SOURCE:CLOOP1:SPOINT?")) == 40.0
        assert real(tcp, 2782, entry["unit"]) == real(rtu, 2782, entry["unit"]) == 40.0
        low, high = struct.unpack("<HH", struct.pack("<f", -10.0))
        assert not rtu.write_registers(2782, [low, high], device_id=entry["unit"]).isError()
        assert float(scpi.query(":SOURCE:CLOOP1:SPOINT?")) == real(tcp, 2782, entry["unit"]) == -10.0
        shown = [float(scpi.query(":SOURCE:CLOOP1:PVALUE?")), real(tcp, 2820, 1), real(rtu, 2820, 1)]
        assert max(shown) - min(shown) < 1.0
        assert rtu.write_register(2782, 0, device_id=entry["unit"]).exception_code == 3
        assert rtu.read_holding_registers(9000, count=1, device_id=entry["unit"]).exception_code == 2


def test_a_load_draws_what_ohm_says(bench: Served) -> None:
    entry = bench.map["models"]["keysight-e36312a"]
    with visa(entry["visa"], entry) as supply:
        for channel, ohms in entry["load_ohms"].items():
            supply.write(f"VOLT 5,(@{channel});CURR 1,(@{channel});OUTP 1,(@{channel})")
            time.sleep(0.05)
            assert float(supply.query(f"MEAS:CURR? (@{channel})")) == pytest.approx(5.0 / ohms, rel=0.02)
            supply.write(f"OUTP 0,(@{channel})")


def test_the_board_boots_on_the_supply_that_feeds_it(bench: Served) -> None:
    models = bench.map["models"]
    entry = models["board-console"]
    with visa(models["keysight-e36312a"]["visa"], {}) as supply, line(entry) as console:
        supply.write("VOLT 0.75,(@1);CURR 4.5,(@1);OUTP 1,(@1);VOLT 1.8,(@2);CURR 0.8,(@2);OUTP 1,(@2)")
        assert console.read_until(entry["login_prompt"].encode()).endswith(entry["login_prompt"].encode())
        console.write(entry["username"].encode() + b"\r")
        assert console.read_until(entry["prompt"].encode()).endswith(entry["prompt"].encode())
        console.write(b"sensors tj\r")
        assert b"tj=" in console.read_until(entry["prompt"].encode())
        supply.write("OUTP 0,(@1);OUTP 0,(@2)")


def test_every_meter_sees_its_input(bench: Served) -> None:
    for model, entry in bench.map["models"].items():
        if "input" not in entry:
            continue
        with visa(entry["visa"], entry) as meter:
            for channel, given in entry.get("inputs", {"": entry["input"]}).items():
                if channel:  # a meter with a scan card
                    meter.write(f"ROUT:CLOS (@{channel})")
                for key, question in (("volts_dc", "MEAS:VOLT:DC?"), ("ohms", "MEAS:RES?"), ("hz", "MEAS:FREQ?")):
                    if key in given:
                        read = float(meter.query(question))
                        assert read == pytest.approx(given[key], rel=1e-3), (model, channel, key)


def test_labkits_own_drivers_know_all_of_them_by_the_bench_file(bench: Served) -> None:
    opened = open_bench(load_bench(bench.bench), RealLinks(), WallClock(SCALE), {"A": "SN1"})
    try:
        identities = opened.identify()
    finally:
        opened.close()
    assert set(identities) == {entry["instrument"] for model, entry in bench.map["models"].items()
                               if not model.startswith("board-console")}
    assert all(identity.simulated for identity in identities.values())


@pytest.mark.parametrize(("driver", "resource"), [
    ("watlow-f4t", "modbus-rtu:///dev/ttyUSB7?baud=38400&unit=1"),
    ("watlow-f4t-scpi", "TCPIP::10.0.0.20::5025::SOCKET"),
])
def test_a_plan_runs_with_the_chamber_behind_its_other_doors(tmp_path: Path, driver: str, resource: str) -> None:
    text = shipped("bench")["duo"].read_text(encoding="utf-8")
    text = text.replace('resource: "modbus-tcp://10.0.0.20:502"', f'resource: "{resource}"')
    (tmp_path / "doors.yaml").write_text(text.replace("driver: watlow-f4t\n", f"driver: {driver}\n"), encoding="utf-8")
    with served(tmp_path, bench="doors.yaml", time_scale=500) as twins:
        served_at = Path(twins.bench).read_text(encoding="utf-8")
        assert f"driver: {driver}\n" in served_at
        assert ("modbus-rtu:///dev/" in served_at) == (driver == "watlow-f4t")
        done = labkit("run", "vtf-shmoo", "--bench", twins.bench, "--dut", "A=SIM-A", "--dut", "B=SIM-B", "--yes",
                      "-e", "chamber.temperature=25 degC, 45 degC", "-e", "clocks.core.frequency=1.6 GHz",
                      "-e", "rails.core.voltage=0.90 V, 0.80 V", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "pass"
