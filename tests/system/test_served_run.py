"""The code path of real hardware: twins in one process, the run in another, over TCP, Modbus TCP and a pty."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

import labkit as lk
from labkit.bench.links import RealLinks
from labkit.bench.load import load_bench
from labkit.bench.opened import open_bench
from labkit.clock import WallClock
from tests.system.serving import Served, labkit, served, start

SHORT = ["-e", "chamber.temperature=25 degC, 45 degC", "-e", "clocks.core.frequency=1.0 GHz, 1.6 GHz, 2.2 GHz",
         "-e", "rails.core.voltage=0.90 V : 0.56 V : -20 mV"]
KEYS = ["site", "block", "sequence", "chamber.temperature", "clocks.core.frequency", "rails.core.voltage"]


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("fast"), time_scale=500) as twins:
        yield twins


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Slow enough to be interrupted at a moment that the test chooses."""
    with served(tmp_path_factory.mktemp("slow"), time_scale=60) as twins:
        yield twins


def outputs(twins: Served) -> list[str]:
    return [twins.ask(model, f"OUTP? (@{channel})") for model in ("keysight-e36312a", "keysight-e36312a#2")
            for channel in (1, 2)]


def test_the_map_says_where_each_model_answers(fast: Served) -> None:
    assert fast.map["format"] == 1 and fast.map["time_scale"] == 500
    models = fast.map["models"]
    assert set(models) == {"keysight-e36312a", "keysight-e36312a#2", "watlow-f4t", "board-console", "board-console#2"}
    assert models["keysight-e36312a"]["load_ohms"] == {"3": 10.0} and models["watlow-f4t"]["unit"] == 1
    identity = fast.ask("keysight-e36312a", "*IDN?").split(",")
    assert identity[:2] == ["Keysight Technologies", "E36312A"] and identity[2].startswith("SIM")


def test_a_load_on_a_free_channel_draws_what_ohm_says(fast: Served) -> None:
    amps = float(fast.ask("keysight-e36312a", "VOLT 5,(@3);CURR 1,(@3);OUTP 1,(@3)", "MEAS:CURR? (@3)"))
    time.sleep(0.05)  # 25 lab seconds: long settled
    amps = float(fast.ask("keysight-e36312a", "MEAS:CURR? (@3)"))
    fast.ask("keysight-e36312a", "OUTP 0,(@3);*OPC?")
    assert amps == pytest.approx(0.5, rel=0.01)


def test_a_console_answers_a_terminal_with_its_prompt(fast: Served) -> None:
    entry = fast.map["models"]["board-console"]
    with serial.Serial(entry["serial"], 115200, timeout=2) as port:
        port.reset_input_buffer()
        port.write(b"version\r")
        assert port.read_until(entry["prompt"].encode()).endswith(b"# ")


@pytest.mark.parametrize("visa", [None, "@py"])
def test_a_plan_over_served_twins_has_the_keys_and_the_verdict_of_the_one_in_process(
        fast: Served, tmp_path: Path, visa: str | None) -> None:
    bench = tmp_path / "live.yaml"
    text = Path(fast.bench).read_text()
    bench.write_text(text if visa is None else text.replace("bench: duo", f'bench: duo\nvisa: "{visa}"'))
    over = labkit("run", "vtf-shmoo", "--bench", str(bench), "--json", *SHORT, cwd=tmp_path)
    assert over.returncode == 0, over.stderr
    inside = labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", *SHORT, cwd=tmp_path)
    said, expected = json.loads(over.stdout), json.loads(inside.stdout)
    assert said["verdict"] == expected["verdict"] == "pass" and said["simulated"] is True
    ours, theirs = lk.load(tmp_path / said["folder"]), lk.load(tmp_path / expected["folder"])
    assert (ours[KEYS].to_numpy() == theirs[KEYS].to_numpy()).all()
    # The same parts at the same voltages: what is far from the edge cannot come out differently.
    far = (theirs["rails.core.voltage"] >= 0.80) | (theirs["clocks.core.frequency"] == 1.0e9) & (
        theirs["rails.core.voltage"] >= 0.62)
    assert (ours.outcome[far] == theirs.outcome[far]).all()
    assert outputs(fast) == ["0"] * 4


def test_a_bench_file_written_by_hand_is_known_as_simulated_by_its_serial_numbers(
        fast: Served, tmp_path: Path) -> None:
    bench = tmp_path / "mine.yaml"
    lines = Path(fast.bench).read_text().splitlines()
    bench.write_text("\n".join(line for line in lines if not line.startswith("simulated")))
    loaded = load_bench(str(bench))
    assert not loaded.file.simulated
    opened = open_bench(loaded, RealLinks(), WallClock(), {"A": "SN1"})
    try:
        identities = opened.identify()
    finally:
        opened.close()
    assert set(identities) == {"psu_a", "psu_b", "chamber"}
    assert all(identity.simulated for identity in identities.values())


def test_ctrl_c_once_stops_after_the_point_and_leaves_everything_off(slow: Served, tmp_path: Path) -> None:
    # A window in which no board hangs: at the moment of the look no site is being power-cycled.
    process = start("run", "vtf-shmoo", "--bench", slow.bench, "--json", "-e", "chamber.temperature=25 degC",
                    "-e", "rails.core.voltage=0.90 V : 0.80 V : -2 mV", cwd=tmp_path)
    wait_for_points(tmp_path, process)
    assert outputs(slow) == ["1"] * 4
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    said = json.loads(out)
    assert process.returncode == 4 and said["verdict"] == "aborted", err
    assert "aborted" not in said["points"], "the point under way was finished"
    assert outputs(slow) == ["0"] * 4


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_a_second_ctrl_c_or_a_sigterm_stops_at_once_in_the_middle_of_a_soak(
        slow: Served, tmp_path: Path, signals: list[signal.Signals]) -> None:
    process = start("run", "vtf-shmoo", "--bench", slow.bench, "--json", cwd=tmp_path)
    until = time.monotonic() + 30
    while outputs(slow) != ["1"] * 4:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    time.sleep(1.5)  # booted; the chamber is on its way to -40 degC, which takes minutes even at this scale
    began = time.monotonic()
    for number in signals:
        os.kill(process.pid, number)
        time.sleep(0.05)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 4 and time.monotonic() - began < 5
    assert json.loads(out)["reasons"][0] == ("Ctrl-C" if signals[0] == signal.SIGINT else "SIGTERM")
    assert outputs(slow) == ["0"] * 4


def test_a_bench_that_dies_is_reported_as_not_verified_safe(tmp_path: Path) -> None:
    with served(tmp_path, time_scale=50) as twins:
        text = Path(twins.bench).read_text()
        Path(twins.bench).write_text(text.replace("driver: keysight", "timeout: 0.5 s\n    driver: keysight")
                                     .replace("driver: watlow", "timeout: 0.5 s\n    driver: watlow"))
        process = start("run", "vtf-shmoo", "--bench", twins.bench, "--json", "-e", "chamber.temperature=25 degC",
                        cwd=tmp_path)
        wait_for_points(tmp_path, process)
        twins.process.kill()
        out, _ = process.communicate(timeout=100)
    said = json.loads(out)
    assert process.returncode == 5 == said["exit_code"]
    assert said["reasons"][0].startswith("NOT VERIFIED SAFE") and "psu_a" in said["reasons"][0]
    assert len(lk.load(tmp_path / said["folder"])) > 0, "what was measured is still there"


def wait_for_points(folder: Path, process: object) -> None:
    """Wait until the journal of the run in ``folder`` holds points."""
    until = time.monotonic() + 40
    while True:
        assert time.monotonic() < until, "no point was ever stored"
        for db in folder.glob("runs/*/*/run.db"):
            try:
                if len(lk.load(db.parent)) >= 5:
                    return
            except Exception:
                continue
        time.sleep(0.1)


def test_the_flagship_over_every_transport_has_the_keys_and_the_verdict_of_the_one_in_process(tmp_path: Path) -> None:
    """Labkit's socket, PyVISA, Modbus RTU on a pty, and consoles on ptys, in one run of 5,400 points."""
    with served(tmp_path, time_scale=1000) as twins:
        text = Path(twins.bench).read_text()
        rtu = twins.map["models"]["watlow-f4t"]
        text = re.sub(r"modbus-tcp://\S+", f"modbus-rtu://{rtu['modbus_rtu']}?baud={rtu['baudrate']}&unit=1", text)
        text = text.replace("  psu_b:\n", '  psu_b:\n    visa: "@py"\n')
        assert "modbus-rtu" in text and "@py" in text
        Path(twins.bench).write_text(text)
        began = time.monotonic()
        over = labkit("run", "vtf-shmoo", "--bench", twins.bench, "--json", cwd=tmp_path, timeout_s=115)
        took = time.monotonic() - began
        assert over.returncode == 0, over.stderr
        assert outputs(twins) == ["0"] * 4
    said = json.loads(over.stdout)
    inside = json.loads(labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", cwd=tmp_path).stdout)
    assert said["verdict"] == inside["verdict"] == "pass" and took < 90
    ours, theirs = lk.load(tmp_path / said["folder"]), lk.load(tmp_path / inside["folder"])
    assert len(ours) == 5400 and (ours[KEYS].to_numpy() == theirs[KEYS].to_numpy()).all()
