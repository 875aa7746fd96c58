"""Real processes for system tests: `labkit` as people start it, and served twins that end with the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABKIT = [sys.executable, "-m", "labkit.cli.main"]


def labkit(*args: str, cwd: Path, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    """Run `labkit` to its end."""
    return subprocess.run([*LABKIT, *args], cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False)


def start(*args: str, cwd: Path) -> subprocess.Popen[str]:
    """Start `labkit` and return the process."""
    return subprocess.Popen([*LABKIT, *args], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@dataclass
class Served:
    """Served twins: where they are, and their process."""

    folder: Path
    map: dict[str, Any]
    process: subprocess.Popen[str]

    @property
    def bench(self) -> str:
        return str(self.folder / "live.yaml")

    def ask(self, model: str, *messages: str) -> str:
        """Ask a message twin over a connection of one's own; returns the answer to the last message."""
        _, host, port, _ = [part for part in self.map["models"][model]["visa"].split("::") if part]
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(("\n".join(messages) + "\n").encode())
            return sock.makefile().readline().strip()


@contextmanager
def served(folder: Path, *, time_scale: float, bench: str = "duo") -> Iterator[Served]:
    """Serve a bench until the body ends."""
    process = start("sim", "serve", bench, "--map", "map.json", "--bench-out", "live.yaml", "--time-scale",
                    f"{time_scale:g}", cwd=folder)
    try:
        until = time.monotonic() + 20
        while not (folder / "map.json").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "the map never came"
            time.sleep(0.02)
        yield Served(folder, json.loads((folder / "map.json").read_text()), process)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
