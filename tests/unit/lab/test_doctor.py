"""The doctor: each check on what it judges, without touching this computer's settings."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from labkit.lab import software, station
from labkit.lab.doctor import as_dict, check_bench, check_duts, examine
from labkit.lab.station import Port

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_python() -> None:
    assert software.check_python((3, 11, 7), "python").level == "ok"
    old = software.check_python((3, 10, 1), "python")
    assert (old.level, old.remedy) == ("problem", "install Python 3.11 or newer")


@pytest.mark.parametrize(("installed", "level", "text"), [
    ("3.8", "ok", ""), ("3.10.1", "ok", ""), ("4.0", "problem", "x 4.0 is installed, and >=3.8,<4 is needed"),
    ("3.7.9", "problem", "x 3.7.9 is installed"), (None, "problem", "x is not installed"), ("3.8rc1", "ok", ""),
])
def test_a_package(installed: str | None, level: str, text: str) -> None:
    first = software.check_packages(["x>=3.8,<4", "y>=1; extra == 'dev'"], lambda name: installed)[0]
    assert first.level == level and text in first.text
    assert level == "ok" or first.remedy == 'pip install "x>=3.8,<4"'


def test_the_packages_that_labkit_itself_needs_are_there() -> None:
    assert [f for f in software.check_packages(software.needed_packages()) if f.level != "ok"] == []


def test_the_terminal() -> None:
    assert software.check_terminal({"output": "utf-8", "file names": "UTF-8"}).level == "ok"
    odd = software.check_terminal({"output": "cp1252", "file names": "utf-8"})
    assert odd.level == "warning" and "output cp1252" in odd.text and "PYTHONUTF8" in odd.remedy


def test_visa_that_breaks_on_import_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyvisa.ctwrapper.highlevel", None)
    found = software.check_visa()
    assert found[0].level == "warning" and "ImportError" not in found[0].text and "Traceback" in found[0].detail


def test_a_driver_that_breaks_shows_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_for_tests.py").write_text("raise RuntimeError('no licence')\n")
    (tmp_path / "labkit.toml").write_text('driver_folders = ["."]\n[drivers]\nacme = "broken_for_tests:Supply"\n')
    problems = [f for f in software.check_drivers() if f.level == "problem"]
    assert len(problems) == 1 and "no licence" in problems[0].text
    assert "broken_for_tests.py" in problems[0].detail and "RuntimeError" in problems[0].detail


def test_a_driver_that_is_installed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [EntryPoint("a", "one:A", "labkit.drivers"), EntryPoint("a", "two:A", "labkit.drivers")]
    monkeypatch.setattr(software, "entry_points", lambda group: twice if group == "labkit.drivers" else [])
    first = software.check_drivers()[0]
    assert first.level == "warning" and "one:A, two:A" in first.text


@pytest.mark.parametrize(("free", "level"), [(50e9, "ok"), (1e9, "warning"), (5e7, "problem")])
def test_disk(free: float, level: str) -> None:
    assert station.check_disk(Path("runs"), int(free)).level == level


def test_writing_leaves_nothing_behind_and_makes_no_folder(tmp_path: Path) -> None:
    assert [f.level for f in station.check_writing(tmp_path / "a" / "runs", "ext4")] == ["ok", "ok"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_runs_should_go(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    (found,) = station.check_writing(tmp_path / "runs", "")
    assert found.level == "problem" and "is a file" in found.text


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(station.tempfile, "TemporaryDirectory", refuse)
    (found,) = station.check_writing(tmp_path, "")
    assert found.level == "problem" and "Permission denied" in found.text and "--runs" in found.remedy


@pytest.mark.parametrize(("mode", "file_system", "level"), [
    ("wal", "ext4", "ok"), ("wal", "", "ok"), ("wal", "nfs4", "problem"), ("wal", "cifs", "problem"),
    ("delete", "ext4", "problem"), ("", "", "problem"),
])
def test_the_journal(mode: str, file_system: str, level: str) -> None:
    assert station.check_journal(mode, file_system, Path("runs")).level == level


def test_sqlite_that_refuses_is_no_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(station.sqlite3, "connect", refuse)
    assert station.write_ahead_mode(tmp_path / "x.db") == ""


def test_the_file_system_is_that_of_the_nearest_mount() -> None:
    mounts = ("/dev/a / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/b /data/local\\040disk xfs rw 0 0\nbroken\n"
              "overlay / overlay rw 0 0\n")
    assert station.file_system_of(Path("/home/me"), mounts) == "overlay"  # the later mount covers the earlier
    assert station.file_system_of(Path("/data/runs"), mounts) == "nfs4"
    assert station.file_system_of(Path("/data/local disk/runs"), mounts) == "xfs"
    assert station.file_system_of(Path("/data"), "") == ""


def test_serial_ports() -> None:
    assert station.check_ports([])[0].level == "ok"
    found = station.check_ports([Port("/dev/ttyUSB0", "FT232R", True), Port("/dev/ttyUSB1", "FT232R", False, "uucp"),
                                 Port("/dev/ttyUSB2", "FT232R", False)])
    assert [f.level for f in found] == ["ok", "warning", "warning"]
    assert "usermod -aG uucp" in found[1].remedy and "usermod -aG dialout" in found[2].remedy


@pytest.mark.parametrize(("utc", "readings", "level"), [
    (NOW, [0.0, 0.1, 0.1], "ok"), (datetime(1970, 1, 1, tzinfo=UTC), [], "problem"),
    (datetime(2099, 1, 1, tzinfo=UTC), [], "problem"), (NOW, [0.2, 0.1], "problem"),
])
def test_the_clock(utc: datetime, readings: list[float], level: str) -> None:
    assert station.check_clock(utc, datetime(2026, 6, 1, tzinfo=UTC), readings).level == level


def test_a_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_bench("duo").level == "ok"
    assert "did you mean duo?" in check_bench("dua").text


def test_the_list_of_boards(tmp_path: Path) -> None:
    path = tmp_path / "duts.csv"
    assert check_duts(path).level == "ok"
    path.write_text("serial,lot\nA1,x\n")
    assert check_duts(path).text.endswith("1 boards")
    path.write_text("lot\nx\n")
    assert check_duts(path).level == "problem"


def test_a_broken_labkit_toml_does_not_end_the_examination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labkit.toml").write_text("runs = runs\n")
    found = list(examine("duo"))
    said = as_dict(found)
    assert {f.check for f in found if f.level == "problem"} == {"lab", "drivers", "bench"}
    assert said["problems"] == 3 and len(said["checks"]) == len(found)
    assert [path.name for path in tmp_path.iterdir()] == ["labkit.toml"]
