"""A bench and a board as somebody writes them, and what a changed line in them leads to."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from pathlib import Path

import pytest

from labkit.bench.load import Bench, load_bench
from labkit.bench.opened import OpenBench, RefusingLinks, open_bench
from labkit.clock import VirtualClock
from labkit.errors import ConfigError

BOARD = r"""board: b1
rails:
  core: {nominal: 0.75 V, spec: [0.70 V, 0.80 V], sweep: [0.50 V, 0.95 V], ovp: 1.02 V, abs_max: 1.05 V, current_limit: 4.5 A, ramp: 1 V/ms}
  io: {nominal: 1.8 V, spec: [1.71 V, 1.89 V], sweep: [1.62 V, 1.98 V], ovp: 2.1 V, abs_max: 2.16 V, current_limit: 0.8 A, settle: 5 ms}
clocks:
  core: {nominal: 1.6 GHz, min: 0.8 GHz, max: 2.4 GHz, step: 25 MHz, set: "pll core {value:MHz}", expect: "ok"}
console:
  prompt: "# "
  boot: {expect: "login:", timeout: 60 s, takes: 20 s, banner: "Boot ROM"}
readings:
  tj: {send: "sensors tj", expect: "tj=([-+0-9.]+)", unit: degC}
  fan: {send: "fan", expect: "fan=([0-9]+)", unit: rpm}
tests:
  bist: {send: "bist all loops={loops}", expect: "BIST (PASS|FAIL)", timeout: 5 s, takes: 50 ms, args: {loops: 100}}
model: {vth_v: 0.30 V}
"""

BENCH = r"""bench: one
instruments:
  psu_a: {driver: keysight-e36312a, resource: "TCPIP::10.0.0.11::5025::SOCKET", loads: {3: 10 Ohm}}
  psu_b: {driver: keysight-e36312a, resource: "TCPIP::10.0.0.12::5025::SOCKET"}
  chamber:
    driver: watlow-f4t
    resource: "modbus-tcp://10.0.0.20:502"
    ramp: {heating: 5 K/min, cooling: 3 K/min}
    safe_temperature: 25 degC
sites:
  A:
    board: b1
    rails:
      core: {from: psu_a.1, sense: remote, leads: 12 mOhm}
      io: psu_a.2
    clocks: {core: console}
    console: "serial:///dev/ttyUSB0?baud=115200"
    chamber: chamber
  B:
    board: b1
    rails:
      core: psu_b.1
      io: psu_b.2
    clocks: {core: console}
    console: "serial:///dev/ttyUSB1?baud=115200"
    chamber: chamber
limits:
  chamber.temperature: {min: -45 degC, max: 130 degC}
  psu_a.1.voltage: {max: 1.0 V}
"""


def write(folder: Path, bench: str = BENCH, board: str = BOARD) -> Path:
    (folder / "b1.yaml").write_text(board, encoding="utf-8")
    path = folder / "one.yaml"
    path.write_text(bench, encoding="utf-8")
    return path


def changed(text: str, old: str, new: str) -> tuple[str, int]:
    """Return the text with one place changed, and the line of the change."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new), text[: text.index(old)].count("\n") + 1


def load(folder: Path, bench: str = BENCH, board: str = BOARD) -> Bench:
    return load_bench(str(write(folder, bench, board)))


def opened(folder: Path, bench: str = BENCH, board: str = BOARD, sites: str = "AB") -> OpenBench:
    return open_bench(load(folder, bench, board), RefusingLinks(), VirtualClock(), {s: f"SN{s}" for s in sites})


def refusal(folder: Path, bench: str = BENCH, board: str = BOARD) -> str:
    """Return the message, with paths shortened to the file's name."""
    with pytest.raises(ConfigError) as problem:
        opened(folder, bench, board)
    return str(problem.value).replace(f"{folder}/", "")
