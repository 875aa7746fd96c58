"""Doctor: what the computer itself brings: disk, SQLite, serial ports, clock."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from labkit.lab.finding import Finding, ok, problem, warning

LOW_BYTES, TOO_LOW_BYTES = 2_000_000_000, 200_000_000
"""A long run is some 100 MB; below the first an overnight sweep is a risk, below the second it will not end."""

NETWORK_FILE_SYSTEMS = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph",
                                  "glusterfs", "fuse.glusterfs", "lustre", "beegfs", "virtiofs"))


def nearest_folder(path: Path) -> Path:
    """Return ``path``, or the nearest folder above it that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_disk(runs: Path, free_bytes: int) -> Finding:
    """Judge the space left where runs go."""
    shown = f"{free_bytes / 1e9:.1f} GB free for {runs}"
    if free_bytes < TOO_LOW_BYTES:
        return problem("disk", shown, "free some space, or choose another disk with runs in labkit.toml")
    if free_bytes < LOW_BYTES:
        return warning("disk", shown, "free some space before a long run")
    return ok("disk", shown)


def free_bytes(runs: Path) -> int:
    """Return the space left where runs go."""
    return shutil.disk_usage(nearest_folder(runs)).free


def check_writing(runs: Path, file_system: str) -> list[Finding]:
    """Try a write and a write-ahead log where runs go, and leave nothing behind."""
    folder = nearest_folder(runs)
    remedy = "choose another folder with --runs or runs in labkit.toml"
    if not folder.is_dir():
        return [problem("runs", f"{folder} is a file, where the folder of runs should be", remedy)]
    try:
        with tempfile.TemporaryDirectory(prefix=".labkit-doctor-", dir=folder) as scratch:
            (Path(scratch) / "file").write_bytes(b"x")
            found = [ok("runs", f"{runs} can be written")]
            found.append(check_journal(write_ahead_mode(Path(scratch) / "run.db"), file_system, runs))
            return found
    except OSError as error:
        return [problem("runs", f"{folder} cannot be written ({error.strerror or error})", remedy)]


def write_ahead_mode(path: Path) -> str:
    """Return the journal mode that SQLite gives a database at ``path`` when asked for WAL; "" where it fails."""
    try:
        with closing(sqlite3.connect(path)) as db:
            mode = str(db.execute("PRAGMA journal_mode=WAL").fetchone()[0])
            db.execute("CREATE TABLE points (key INTEGER)")
            db.commit()
            return mode
    except sqlite3.Error:
        return ""


def check_journal(mode: str, file_system: str, runs: Path) -> Finding:
    """Judge whether the journal of a run can be kept: SQLite's write-ahead log needs memory shared by processes."""
    remedy = "keep runs on a disk of this computer, and copy finished run folders"
    if mode != "wal":
        return problem("journal", f"SQLite cannot keep a write-ahead log in {runs}", remedy)
    if file_system in NETWORK_FILE_SYSTEMS:
        return problem("journal", f"{runs} is on a network file system ({file_system}), where a write-ahead log is not "
                       "safe", remedy)
    return ok("journal", f"SQLite {sqlite3.sqlite_version} keeps a write-ahead log" + (
        f" on {file_system}" if file_system else ""))


def file_system_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that ``folder`` (absolute) is on, by the text of /proc/mounts; "" unknown."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:
            continue
        point = Path(parts[1].replace("\\040", " "))
        if (point == folder or point in folder.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), parts[2]
    return kind


def read_mounts() -> str:
    """Return /proc/mounts; "" where there is none."""
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True)
class Port:
    """A serial port: its device, what is plugged in, whether this user may use it, and the group that may."""

    device: str
    description: str
    allowed: bool
    group: str = ""


def check_ports(ports: Sequence[Port]) -> list[Finding]:
    """Judge whether the serial ports can be used."""
    if not ports:
        return [ok("serial", "no serial port found; USB adapters appear when plugged in")]
    found = []
    for port in ports:
        if port.allowed:
            found.append(ok("serial", f"{port.device} {port.description}"))
            continue
        group = port.group or "dialout"
        found.append(warning("serial", f"{port.device} {port.description}: this user may not open it",
                             f"sudo usermod -aG {group} $USER, then log out and in"))
    return found


def serial_ports() -> list[Port]:
    """Return the serial ports of this computer; opens none."""
    from serial.tools.list_ports import comports

    return [Port(port.device, port.description if port.description != "n/a" else "", _allowed(port.device),
                 _group(port.device)) for port in sorted(comports())]


def _allowed(device: str) -> bool:
    return sys.platform == "win32" or os.access(device, os.R_OK | os.W_OK)


def _group(device: str) -> str:
    try:
        return Path(device).group()
    except (OSError, KeyError, NotImplementedError):
        return ""


def check_clock(utc: datetime, known_past: datetime, readings: Sequence[float]) -> Finding:
    """Judge the clock: not before a moment that is known to be over, no more than decades after, never backwards.

    ``readings`` are of the clock that runs are timed with, in the order they were taken, in seconds.
    """
    shown = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    remedy = "set the clock, and let the network keep it (timedatectl set-ntp true)"
    if utc < known_past - timedelta(days=1):
        return problem("clock", f"{shown} lies before labkit was installed ({known_past:%Y-%m-%d})", remedy)
    if utc > known_past + timedelta(days=20 * 365):
        return problem("clock", f"{shown} lies decades after labkit was installed", remedy)
    if any(later < earlier for earlier, later in pairwise(readings)):
        return problem("clock", "the monotonic clock runs backwards", "update the kernel or the hypervisor")
    return ok("clock", shown)


def installed_at() -> datetime:
    """Return when this file was written: a moment that is known to be over."""
    return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
