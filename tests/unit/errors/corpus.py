"""Every way in which a file can be wrong: good files, and one change each that breaks them."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.bench.load import shipped

FILES = {"board": "dpu-a0.yaml", "bench": "duo.yaml", "plan": "vtf-shmoo.yaml", "lab": "labkit.toml"}
"""The good files by kind, under the names they have in a lab folder."""

LAB_FILE = """station = "bench-3"
runs = "runs"
bench = "duo"
plan_folders = ["."]
driver_folders = ["drivers"]

[drivers]
acme-supply = "acme_supply:Supply"

[twins]
acme-supply = "acme_supply_sim:SupplyTwin"
"""


@dataclass(frozen=True)
class Case:
    """One change of one file. ``old`` becomes ``new``; without ``old`` the whole file becomes ``new``.

    ``lines`` tells whether the mistake stands in some line (a file of 10 MB is wrong as a whole).
    """

    topic: str
    kind: str
    new: str | bytes
    old: str = ""
    what: str = ""
    lines: bool = True

    @property
    def name(self) -> str:
        """What identifies the case in a test's output."""
        return f"{self.kind}: {self.topic}: {self.what or self.new or f'without {self.old}'!s}"[:100]


def good_files() -> dict[str, str]:
    """Return the text of each good file by kind."""
    found = {kind: shipped(kind)[Path(FILES[kind]).stem].read_text(encoding="utf-8") for kind in ("board", "bench", "plan")}  # type: ignore[index]
    return {**found, "lab": LAB_FILE}


def broken(case: Case) -> bytes:
    """Return the bytes of the file that the case breaks."""
    if not case.old:
        return case.new if isinstance(case.new, bytes) else case.new.encode()
    good, new = good_files()[case.kind], case.new
    assert isinstance(new, str)
    assert case.old in good, f"{case.old!r} does not stand in {FILES[case.kind]}"
    return good.replace(case.old, new, 1).encode()


def _cases(topic: str, *rows: tuple[str, str, str]) -> list[Case]:
    return [Case(topic, kind, new, old) for kind, old, new in rows]


def _whole(topic: str, kind: str, new: str | bytes, what: str, *, lines: bool = True) -> Case:
    return Case(topic, kind, new, "", what, lines)


_YAML = ("board", "bench", "plan")
_AXIS = "from: 0.90 V, to: 0.55 V, step: -10 mV"
_FREQUENCY = "from: 1.0 GHz, to: 2.2 GHz, step: 50 MHz"
_CORE_B = "core: {from: psu_b.1, sense: remote, leads: 12 mOhm}"

CASES: list[Case] = [
    *_cases(
        "Unknown key",
        ("board", "ovp: 1.02 V", "opv: 1.02 V"), ("board", "clocks:\n", "clock:\n"), ("board", "login: root", "user: root"),
        ("bench", "calibration_due:", "calibration_date:"), ("bench", "sense: remote", "sensing: remote"), ("bench", "limits:\n", "limit:\n"),
        ("plan", "judge: spec", "juge: spec"), ("plan", "within: 1 K", "band: 1 K"), ("plan", "per_row: 2", "per_line: 2"),
        ("lab", "station =", "sation ="), ("lab", "runs =", "run_folder =")),
    *_cases(
        "A key is missing",
        ("board", "nominal: 0.75 V, ", ""), ("board", "  prompt: \"# \"\n", ""), ("bench", "driver: watlow-f4t\n    ", ""),
        ("bench", "console: \"serial:///dev/ttyUSB1?baud=115200\", ", ""), ("plan", "set: rails.core.voltage, ", "")),
    Case("A key is missing", "plan", "", "plan: vtf-shmoo\n", lines=False),
    Case("A key is missing", "bench", "", "bench: duo\n", lines=False),
    *_cases(
        "Wrong dimension",
        ("board", "current_limit: 4.5 A", "current_limit: 4.5 V"), ("board", "ramp: 1 V/ms", "ramp: 1 V"), ("board", "timeout: 60 s", "timeout: 60 K"),
        ("bench", "leads: 12 mOhm", "leads: 12 mV"), ("bench", "safe_temperature: 25 degC", "safe_temperature: 298 K"), ("bench", "max: 130 degC", "max: 130 V"),
        ("plan", "slope: 0.1 K/min", "slope: 0.1 K"), ("plan", "values: [-40 degC", "values: [-40 K"), ("plan", "{max: 4.2 A}", "{max: 4.2 W}")),
    *_cases(
        "A unit is missing, or is none",
        ("board", "nominal: 0.75 V", "nominal: 0.75"), ("board", "settle: 5 ms", "settle: 5"), ("board", "nominal: 1.6 GHz", "nominal: 1600 mhz"),
        ("bench", "loads: {3: 10 Ohm}", "loads: {3: 10}"), ("bench", "heating: 5 K/min", "heating: 5"),
        ("plan", "for: 5 min", "for: 300"), ("plan", "to: 0.55 V", "to: 0.55"), ("plan", "step: -10 mV", "step: -10 millivolt")),
    *_cases(
        "Not a number",
        ("board", "nominal: 0.75 V", "nominal: nan V"), ("board", "settle: 5 ms", "settle: .nan"), ("bench", "max: 130 degC", "max: .inf"), ("bench", "leads: 12 mOhm", "leads: twelve mOhm"),
        ("plan", "values: [-40 degC", "values: [nan degC"), ("plan", "{max: 4.2 A}", "{max: 1e999 A}"), ("plan", "per_run: 200", "per_run: many")),
    *_cases(
        "A value of the wrong type",
        ("board", "spec: [0.70 V, 0.80 V]", "spec: 0.70 V"), ("board", "sweep: [0.50 V, 0.95 V]", "sweep: [0.50 V]"), ("board", "rails:  # power-up", "rails: core  # power-up"),
        ("bench", "slot: fixture-3", "slot: 3"), ("bench", "bench: duo", "bench: duo\nsimulated: maybe"), ("bench", "calibration_due: 2027-03-01", "calibration_due: 1.3.2027"),
        ("plan", "judge: spec", "judge: specs"), ("plan", "measure: [readings.tj]", "measure: readings.tj"), ("plan", "per_row: 2", "per_row: -1"),
        ("lab", 'plan_folders = ["."]', 'plan_folders = "."'), ("lab", 'runs = "runs"', "runs = 5"), ("lab", '"acme_supply:Supply"', '"acme_supply.py"')),
    *_cases(
        "A key stands twice",
        ("board", "board: dpu-a0", "board: dpu-a0\nboard: dpu-b0"), ("board", "settle: 5 ms}\n  io", "settle: 5 ms, settle: 9 ms}\n  io"),
        ("bench", "  psu_b:   {", "  psu_a:   {"), ("plan", "judge: spec", "judge: spec\njudge: all"), ("lab", 'bench = "duo"', 'bench = "duo"\nbench = "trio"'),
        ("lab", "[twins]", "[drivers]")),
    *_cases(
        "Aliases, cycles and tags",
        ("board", "settle: 5 ms}\n  io:   {", "settle: 5 ms}\n  io:   &again {again: *again, "), ("bench", "  A: {board", "  A: &a {board"),
        ("plan", "measure: [readings.tj]", "measure: *everything"), ("plan", "search: grid", "search: !!python/name:os.system grid")),
    *(_whole("Alias bomb", kind, f"{kind}: x\na: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)), "lists of lists of lists, by aliases") for kind in _YAML),
    *_cases(
        "What YAML readers disagree about",
        ("board", "login: root", "login: no"), ("board", "timeout: 60 s", "timeout: 1:00"), ("bench", "slot: fixture-3", "slot: 012"),
        ("plan", "recover: power-cycle", "recover: off")),
    *_cases(
        "Not YAML, not TOML",
        ("board", "spec: [0.70 V, 0.80 V]", "spec: [0.70 V, 0.80 V"), ("bench", "io: psu_a.2}", "io: psu_a.2"), ("plan", "judge: spec", "judge spec"), ("plan", "judge: spec", "\tjudge: spec"),
        ("plan", "title: Voltage, temperature and frequency shmoo", 'title: "Voltage'), ("lab", 'runs = "runs"', "runs = runs"), ("lab", 'bench = "duo"', "bench: duo")),
    *_cases(
        "Unknown driver, file or name",
        ("bench", "driver: watlow-f4t", "driver: watlow-f4"), ("bench", "board: dpu-a0", "board: dpu-a1"), ("bench", "chamber: chamber}", "chamber: oven}"),
        ("bench", "from: psu_a.1", "from: psu_c.1"), ("bench", "from: psu_a.1", "from: psu_a.7"), ("bench", "core: {from: psu_a.1", "cor: {from: psu_a.1"), ("bench", "chamber.temperature: {", "chamber.temprature: {"),
        ("plan", "set: chamber.temperature", "set: chamber.temprature"), ("plan", "set: rails.core.voltage", "set: rails.vcore.voltage"), ("plan", "set: rails.core.voltage", "set: core.voltage"),
        ("plan", "run: bist", "run: bits"), ("plan", "loops: 100", "loop: 100"), ("plan", "readings.tj", "readings.tjunction"), ("plan", "search: grid", "search: gird"),
        ("lab", 'plan_folders = ["."]', 'plan_folders = ["plans"]'), ("lab", "[twins]\nacme-supply", "[twins]\nacme-suply"), ("lab", 'bench = "duo"', 'bench = "dou"')),
    *_cases(
        "Wired twice, or not at all",
        ("bench", "io: psu_a.2", "io: psu_a.1"), ("bench", _CORE_B, _CORE_B.replace("psu_b", "psu_a")), ("bench", "10.0.0.12", "10.0.0.11"), ("bench", "ttyUSB1", "ttyUSB0"),
        ("bench", ", io: psu_a.2", ""), ("bench", "clocks: {core: console}, ", ""), ("bench", "io: psu_a.2", "io: psu_a.3"), ("bench", "core: {from: psu_a.1, sense", "core: {from: chamber.1, sense")),
    *_cases(
        "Probes, channels in parallel, guards",
        ("bench", "limits:\n", "channels: {both: {parallel: [psu_a.1]}}\nlimits:\n"), ("bench", "limits:\n", "channels: {both: {parallel: [psu_a.1, psu_a.1]}}\nlimits:\n"),
        ("bench", "core: {from: psu_a.1, sense", "core: {from: both, sense"), ("bench", ", chamber: chamber}\n  B", ", chamber: chamber, probes: {vcore: {with: psu_a.3, at: rails.core}}}\n  B"),
        ("bench", ", chamber: chamber}\n  B", ", chamber: chamber, probes: {vcore: {with: dmm.1, at: core}}}\n  B"), ("bench", "clocks: {core: console}", "clocks: {core: psu_a}"), ("bench", "clocks: {core: console}", "clocks: {core: generator}"),
        ("board", "  tj: {trip: 110 degC", "  tz: {trip: 110 degC"), ("board", "trip: 110 degC", "trip: 110 V"), ("board", ", resume: 90 degC", ""), ("board", "resume: 90 degC", "resume: 110 degC"),
        ("board", "guards:\n", "guard:\n"), ("plan", "judge: spec", "judge: spec\nreference: {every: 0}"), ("plan", "per_run: 200", "per_run: 200, golden: bist")),
    *_cases(
        "An address that leads nowhere",
        ("bench", '"modbus-tcp://10.0.0.20:502"', '"10.0.0.20"'), ("bench", "TCPIP::10.0.0.11::5025::SOCKET", "TCPIP::10.0.0.11::SOCKET"), ("bench", "serial:///dev/ttyUSB0?baud=115200", "serial:///dev/ttyUSB0?baut=115200"),
        ("bench", '"modbus-tcp://10.0.0.20:502"', '"TCPIP::10.0.0.20::5025::SOCKET"')),
    *_cases(
        "A limit or rail outside what the instrument can do",
        ("bench", "max: 130 degC", "max: 300 degC"), ("bench", "min: -45 degC", "min: -95 degC"), ("bench", "limits:\n", "limits:\n  psu_a.1.voltage: {max: 25 V}\n"), ("bench", "min: -45 degC", "min: 140 degC"),
        ("bench", "safe_temperature: 25 degC", "safe_temperature: 150 degC"), ("bench", "limits:\n", "limits:\n  psu_a.1.voltage: {max: 0.6 V}\n"),
        ("bench", "core: {from: psu_a.1, sense: remote, leads: 12 mOhm}, io: psu_a.2", "core: {from: psu_a.2, sense: remote, leads: 12 mOhm}, io: psu_a.1"),
        ("board", "current_limit: 4.5 A", "current_limit: 9 A"), ("board", "sweep: [0.50 V, 0.95 V], ovp: 1.02 V, abs_max: 1.05 V", "sweep: [0.50 V, 6.50 V], ovp: 6.55 V, abs_max: 7 V"),
        ("board", "ovp: 1.02 V, abs_max: 1.05 V", "ovp: 8 V, abs_max: 9 V"), ("board", "ramp: 1 V/ms", "ramp: 0.1 V/s")),
    *_cases(
        "Voltages and frequencies that contradict each other",
        ("board", "ovp: 1.02 V", "ovp: 1.2 V"), ("board", "nominal: 0.75 V", "nominal: 1.2 V"), ("board", "spec: [0.70 V, 0.80 V]", "spec: [0.80 V, 0.70 V]"), ("board", "sweep: [0.50 V, 0.95 V]", "sweep: [0.50 V, 1.04 V]"),
        ("board", "max: 2.4 GHz", "max: 1.4 GHz"), ("board", "takes: 50 ms", "takes: 50 s"), ("bench", "{min: -45 degC, max: 130 degC}", "{min: 130 degC, max: -45 degC}"), ("plan", "{max: 4.2 A}", "{min: 5 A, max: 4.2 A}"),
        ("plan", "timeout: 90 min", "timeout: 1 min")),
    *_cases(
        "A plan beyond the board, the bench or the instrument",
        ("plan", _AXIS, "from: 1.10 V, to: 0.55 V, step: -10 mV"), ("plan", _AXIS, "from: 0.90 V, to: 0.40 V, step: -10 mV"), ("plan", _FREQUENCY, "from: 1.0 GHz, to: 3.0 GHz, step: 50 MHz"),
        ("plan", _FREQUENCY, "from: 1.0 GHz, to: 2.2 GHz, step: 40 MHz"), ("plan", "85 degC]", "145 degC]")),
    *_cases(
        "Axes that are empty, endless or in the wrong order",
        ("plan", "values: [-40 degC, 25 degC, 85 degC]", "values: []"), ("plan", _AXIS, "from: 0.90 V, to: 0.55 V, step: 10 mV"), ("plan", _AXIS, "from: 0.90 V, to: 0.55 V, step: 0 V"), ("plan", _AXIS, "from: 0.90 V, to: 0.55 V, step: -1 nV"),
        ("plan", _AXIS, "from: 0.90 V, to: 0.55 V, step: -20 mV"), ("plan", _AXIS, "from: 0.90 V, to: 0.55 V"), ("plan", "values: [-40 degC, 25 degC", "values: [25 degC, 25 degC"), ("plan", "set: clocks.core.frequency", "set: rails.core.voltage"),
        ("plan", "set: clocks.core.frequency", "set: readings.tj"), ("plan", "set: clocks.core.frequency", "set: rails.core.output")),
    _whole("Axes that are empty, endless or in the wrong order", "plan", "plan: vtf-shmoo\naxes:\n  - {set: rails.core.voltage, values: [0.75 V]}\n  - {set: chamber.temperature, values: [25 degC]}\nmeasure: [readings.tj]\n",
           "the chamber, one for all sites, below a voltage that each site has for itself"),
    _whole("Axes that are empty, endless or in the wrong order", "plan", "plan: vtf-shmoo\naxes: []\nmeasure: [readings.tj]\n", "axes: []"),
    _whole("Axes that are empty, endless or in the wrong order", "plan", "plan: vtf-shmoo\naxes:\n  - {set: rails.core.voltage, values: [0.75 V]}\n", "neither test nor measure", lines=False),
    *_cases(
        "Limits that would never judge",
        ("plan", "limits: {rails.core.measured_current:", "limits: {readings.tmax:"), ("plan", "{max: 4.2 A}", "{}"), ("bench", "{min: -45 degC, max: 130 degC}", "{}")),
    *_cases(
        "Patterns and console lines",
        ("board", "tj=([-+0-9.]+)", "tj=([-+0-9.+"), ("board", "tj=([-+0-9.]+)", "tj=[-+0-9.]+"), ("board", "pll core {value:MHz}", "pll core 1600"), ("board", "loops={loops}", "loops={loops"),
        ("board", 'send: "sensors tj"', 'send: "sensors tj\\nreboot"'), ("board", "send: \"sensors tj\"", "send: \"sens\\e[2Jors tj\"")),
    *(_whole("Too large", kind, f"{kind}: x\n".encode() + b"# filler\n" * 1_200_000, "10 MB of comments", lines=False) for kind in _YAML),
    _whole("Too large", "lab", b"# filler\n" * 1_200_000, "10 MB of comments", lines=False),
    *(_whole("Nested deep", kind, f"{kind}: x\nrails: " + "[" * 5000 + "]" * 5000, "5,000 brackets", lines=False) for kind in _YAML),
    _whole("Nested deep", "plan", "plan: x\nrails:\n" + "".join(f"{' ' * i}a:\n" for i in range(1, 60)), "60 levels of keys"),
    _whole("Nested deep", "lab", "runs = " + "[" * 5000 + "]" * 5000, "5,000 brackets", lines=False),
    *(_whole("Wrong encoding", kind, f"{kind}: x\n# 25 °C\n".encode("latin-1"), "saved as Latin-1, with a degree sign") for kind in _YAML),
    _whole("Wrong encoding", "lab", 'station = "Prüfplatz"\n'.encode("latin-1"), "saved as Latin-1, with an umlaut"),
    _whole("Wrong encoding", "bench", "bench: duo\n".encode("utf-16"), "saved as UTF-16"),
    *(_whole("Binary, or no such file at all", kind, bytes(range(32)) * 20, "bytes 0 to 31", lines=kind == "lab") for kind in (*_YAML, "lab")),
    *(_whole("Binary, or no such file at all", kind, "", "an empty file", lines=False) for kind in _YAML),
    _whole("Binary, or no such file at all", "plan", "- a\n- b\n", "a list", lines=False),
]
