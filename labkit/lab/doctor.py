"""The doctor: everything that keeps a station from running, found in a second, without speaking to an instrument."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labkit.bench.duts import read_duts
from labkit.bench.load import load_bench
from labkit.bench.opened import RefusingLinks, open_bench
from labkit.clock import VirtualClock, WallClock
from labkit.errors import LabkitError
from labkit.lab import software, station
from labkit.lab.finding import Finding, ok, problem
from labkit.labfile import LAB_FILE, Lab, find_lab


def examine(bench: str | None = None, runs: Path | None = None) -> Iterator[Finding]:
    """Yield a finding for everything that was looked at; ``bench`` and ``runs`` default to what labkit.toml says."""
    yield software.check_python(sys.version_info[:3], sys.executable)
    yield from software.check_packages(software.needed_packages())
    yield software.check_terminal(software.terminal_encodings())
    lab, found = _lab()
    yield found
    if lab is not None:
        yield check_duts(lab.folder / "duts.csv")
    runs = runs or (lab.runs if lab else Path("runs"))
    yield station.check_disk(runs, station.free_bytes(runs))
    folder = station.nearest_folder(runs).resolve()
    yield from station.check_writing(runs, station.file_system_of(folder, station.read_mounts()))
    clock = WallClock()
    yield station.check_clock(clock.utc(), station.installed_at(), [clock.now() for _ in range(1000)])
    yield from software.check_visa()
    yield from station.check_ports(station.serial_ports())
    yield from software.check_drivers()
    for name in dict.fromkeys(name for name in (bench, lab.file.bench if lab else "") if name):
        yield check_bench(name)


def check_duts(path: Path) -> Finding:
    """Judge the list of boards."""
    if not path.is_file():
        return ok("boards", f"no {path}; it is where lot, wafer, firmware and rework of each board are kept")
    try:
        return ok("boards", f"{path}: {len(read_duts(path))} boards")
    except LabkitError as error:
        return problem("boards", str(error), "correct the list")


def _lab() -> tuple[Lab | None, Finding]:
    try:
        lab = find_lab()
        if lab is None:
            return None, ok("lab", f"no {LAB_FILE} in this folder or above; `labkit init DIR` makes a lab folder")
        folders = [*lab.plan_folders, *lab.driver_folders]
    except LabkitError as error:
        return None, problem("lab", str(error), f"correct {LAB_FILE}")
    return lab, ok("lab", f"{lab.document.path} (plans in {', '.join(map(str, folders))}; runs in {lab.runs})")


def check_bench(name: str) -> Finding:
    """Load a bench with its boards, and judge wiring and limits; nothing is opened."""
    try:
        bench = load_bench(name)
        duts = {site: f"SIM-{site}" for site in bench.file.sites}
        open_bench(bench, RefusingLinks(), VirtualClock(), duts).close()
    except LabkitError as error:
        return problem("bench", str(error), f"correct the bench {name} or its boards")
    return ok("bench", f"{bench.name}: {len(bench.file.instruments)} instruments, sites {', '.join(bench.file.sites)} "
              f"({bench.document.path})")


def as_dict(findings: list[Finding]) -> Mapping[str, Any]:
    """Return what was found as one object for --json."""
    return {
        "problems": sum(finding.level == "problem" for finding in findings),
        "warnings": sum(finding.level == "warning" for finding in findings),
        "checks": [{"check": f.check, "level": f.level, "text": f.text, "remedy": f.remedy, "detail": f.detail}
                   for f in findings],
    }
