"""`labkit check --connect`: who answers at each address, how it stands, and what stands in the way of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.serving import Served, labkit, served


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("connect"), time_scale=200) as found:
        yield found


def look(
    twins: Served, folder: Path, *changes: tuple[str, str], options: tuple[str, ...] = (),
) -> tuple[int, list[dict[str, str]]]:
    text = Path(twins.bench).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "bench.yaml").write_text(text)
    done = labkit("check", "--connect", "bench.yaml", "--json", *options, cwd=folder)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def said(found: list[dict[str, str]], level: str) -> str:
    return "\n".join(f"{finding['instrument']}: {finding['text']}" for finding in found if finding["level"] == level)


def test_a_good_bench_is_told_instrument_by_instrument(twins: Served, tmp_path: Path) -> None:
    code, found = look(twins, tmp_path)
    assert code == 0 and not said(found, "problem")
    for part in ("psu_a: Keysight Technologies E36312A, serial SIM00001", "chamber: Watlow Electric F4T",
                 "channel 1 (site A rail core): output off, sense local", "calibrated until 2027-03-01"):
        assert part in said(found, "ok")
    assert "the bench file says remote" in said(found, "warning")


def test_a_wrong_serial_number_other_firmware_and_a_missing_instrument_are_all_named_in_one_look(
        twins: Served, tmp_path: Path) -> None:
    port = twins.map["models"]["keysight-e36312a#2"]["visa"].split("::")[2]
    code, found = look(
        twins, tmp_path, ("  psu_a:\n", "  psu_a:\n    serial: MY1\n    firmware: '9.9'\n    warm_up: 30 min\n"),
        (f"::{port}::", "::1::"))
    assert code == 3
    assert "psu_a: the bench file expects serial MY1" in said(found, "problem")
    assert "psu_b: no connection to 127.0.0.1 port 1" in said(found, "problem")
    assert "expects firmware 9.9" in said(found, "warning")
    assert "chamber: Watlow Electric F4T" in said(found, "ok"), "one that fails does not hide the others"


def test_what_stands_in_the_error_queue_a_latched_trip_and_an_output_that_is_on_are_seen(
        twins: Served, tmp_path: Path) -> None:
    twins.ask("keysight-e36312a", "*RST;*CLS", "NONSENSE", "VOLT 5,(@3);:VOLT:PROT 3,(@3);:VOLT:PROT:STAT 1,(@3)",
              "OUTP 1,(@3);:OUTP 1,(@2);*OPC?")
    twins.ask("keysight-e36312a", "MEAS:VOLT? (@3)")
    code, found = look(twins, tmp_path)
    twins.ask("keysight-e36312a", "*RST;*OPC?")
    assert code == 3
    assert "channel 3: over-voltage protection has tripped" in said(found, "problem")
    assert "its error queue held: -113" in said(found, "warning")
    assert "channel 2 is on" in said(found, "warning")


def test_a_past_calibration_is_refused_unless_it_is_waived_with_a_reason_that_is_stored(
        twins: Served, tmp_path: Path) -> None:
    late = ("2027-03-01", "2020-03-01")
    code, found = look(twins, tmp_path, late)
    assert code == 3 and "calibration was due on 2020-03-01" in said(found, "problem")
    code, found = look(twins, tmp_path, late, options=("--waive-calibration", "borrowed meter agrees"))
    assert code == 0 and "waived: borrowed meter agrees" in said(found, "warning")
    text = (tmp_path / "bench.yaml").read_text().replace("simulated: true\n", "")
    (tmp_path / "bench.yaml").write_text(text)
    refused = labkit("run", "vtf-shmoo", "--bench", "bench.yaml", "--dut", "A=1", "--dut", "B=2", "--yes", cwd=tmp_path)
    assert refused.returncode == 2 and "past their calibration date: psu_a (2020-03-01)" in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_notes_and_marks_stay_with_the_run(tmp_path: Path) -> None:
    quick = ["-e", "chamber.temperature=25 degC", "-e", "clocks.core.frequency=1.6 GHz",
             "-e", "rails.core.voltage=0.75 V"]
    for _ in range(2):
        assert labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", *quick, cwd=tmp_path).returncode == 0
    assert labkit("note", "last", "fan was loud \x1b[2J", cwd=tmp_path).returncode == 0
    marked = labkit("mark", "last", "void", "wrong heat sink", cwd=tmp_path)
    assert marked.returncode == 0 and "SIM-A: 0001-vtf-shmoo counts" in marked.stdout
    shown = labkit("show", "last", cwd=tmp_path).stdout
    assert "fan was loud \\x1b[2J" in shown and "[void] wrong heat sink" in shown
    assert "pass void" in labkit("runs", cwd=tmp_path).stdout
    from labkit.store.notes import attempts, counting

    runs = tmp_path / "runs"
    assert [folder.name for folder in attempts(runs, "vtf-shmoo", "SIM-A")] == ["0001-vtf-shmoo", "0002-vtf-shmoo"]
    latest = counting(runs, "vtf-shmoo", "SIM-A")
    assert latest is not None and latest.name == "0001-vtf-shmoo"
    labkit("mark", "last", "counts", "it was the right one", cwd=tmp_path)
    latest = counting(runs, "vtf-shmoo", "SIM-A")
    assert latest is not None and latest.name == "0002-vtf-shmoo"
