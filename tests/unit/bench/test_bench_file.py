"""A bench file that is wrong is refused with file, line, key and a remedy, before a link is opened."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from pathlib import Path

import pytest
from written_bench import BENCH, BOARD, changed, load, opened, refusal, write

from labkit.bench.load import find_file, shipped
from labkit.errors import ConfigError, LimitRefused

MUTATIONS = [
    ("bench: one", "benchh: one", "benchh", "did you mean bench?"),
    ("driver: watlow-f4t", "driver: watlow-f4", "instruments.chamber.driver", "no driver 'watlow-f4' (`labkit drivers` lists them); did you mean watlow-f4t or watlow-f4t-scpi?"),
    ("  chamber:\n    driver: w", "  chamber:\n    drivr: w", "instruments.chamber.drivr", "did you mean driver?"),
    ("  psu_b: {", "  PSU_B: {", "instruments", "'PSU_B' cannot name an instrument; use small letters"),
    ("10.0.0.12", "10.0.0.11", "instruments.psu_b.resource", "psu_a has the same address as TCPIP::10.0.0.11::5025::SOCKET"),
    ("TCPIP::10.0.0.12", "tcpip0::10.0.0.11", "instruments.psu_b.resource", "psu_a has the same address"),
    ("ttyUSB1?baud=115200", "ttyUSB0?baud=9600", "sites.B.console", "site A has the same address"),
    ("modbus-tcp://10.0.0.20:502", "TCPIP::10.0.0.20::502::SOCKET", "instruments.chamber.resource", "but the driver speaks"),
    ("modbus-tcp://10.0.0.20:502", "10.0.0.20", "instruments.chamber.resource", "is no resource; write"),
    ("serial:///dev/ttyUSB1", "modbus-tcp://10.0.0.9", "sites.B.console", ""),
    ("loads: {3: 10 Ohm}", "loads: {3: 10}", "instruments.psu_a.loads", "10 has no unit; write it like 12 mOhm"),
    ("loads: {3: 10 Ohm}", "loads: {3: 0 Ohm}", "instruments.psu_a", "a load must be above zero"),
    ("loads: {3: 10 Ohm}", "loads: {1: 10 Ohm}", "sites.A.rails.core", "psu_a.1 has a load of its own (loads)"),
    ("loads: {3: 10 Ohm}", "timeout: 0 s", "instruments.psu_a", "timeout must be above zero"),
    ("loads: {3: 10 Ohm}", "timeout: 3", "instruments.psu_a.timeout", "3 has no unit"),
    ("loads: {3: 10 Ohm}", "calibration_due: 2027-13-01", "instruments.psu_a.calibration_due", "write it like 2027-03-01"),
    ("loads: {3: 10 Ohm}", "calibration_due: soon", "instruments.psu_a.calibration_due", "'soon' is no date"),
    ("heating: 5 K/min", "heating: 0 K/min", "instruments.chamber.ramp", "must be above zero"),
    ("cooling: 3 K/min", "cooling: -3 K/min", "instruments.chamber.ramp", "write both rates without a sign"),
    ("safe_temperature: 25 degC", "safe_temperature: 150 degC", "instruments.chamber.safe_temperature",
     "safe_temperature cannot be set: chamber.temperature: 150 degC is above the limit of 130 degC (limit of bench one)"),
    ("    board: b1\n    rails:\n      core: psu_b", "    board: b2\n    rails:\n      core: psu_b", "sites.B.board", "no board 'b2'"),
    ("core: psu_b.1", "core: psu_b.9", "sites.B.rails.core", "psu_b has no channel 9; it has 1, 2, 3"),
    ("core: psu_b.1", "core: psu_c.1", "sites.B.rails.core", "no instrument 'psu_c' on this bench; did you mean psu_"),
    ("core: psu_b.1", "core: psu_a.1", "sites.B.rails.core", "psu_a.1 feeds rail core of site A already; one channel feeds one rail"),
    ("core: psu_b.1", "core: chamber.1", "sites.B.rails.core", "chamber is a thermal-chamber, and a power-supply is needed here"),
    ("core: psu_b.1", "core: psu_b", "sites.B.rails.core", "write instrument.channel, like psu_a.1"),
    ("core: psu_b.1", "cor: psu_b.1", "sites.B.rails.cor", "the board b1 has no rail 'cor'; did you mean core?"),
    ("core: psu_b.1", "core: psu_b.3", "sites.B.rails.core", "current_limit of rail core of board b1 cannot be set"),
    ("leads: 12 mOhm", "leads: -12 mOhm", "sites.A.rails.core.leads", "leads cannot be below zero"),
    ("sense: remote", "sense: far", "sites.A.rails.core.sense", "'far' is not possible here; write 'local' or 'remote'"),
    ("ttyUSB1?baud=115200\"\n    chamber: chamber", "ttyUSB1\"\n    chamber: psu_b", "sites.B.chamber", "psu_b is a power-supply"),
    ("chamber.temperature: {", "chamber.temprature: {", "limits.chamber.temprature", "did you mean temperature?"),
    ("chamber.temperature: {", "chamber.measured_temperature: {", "limits.chamber.measured_temperature", "has no setting"),
    ("chamber.temperature: {", "champer.temperature: {", "limits.champer.temperature", "did you mean chamber?"),
    ("chamber.temperature: {", "temperature: {", "limits.temperature", "names no setting; write instrument.setting"),
    ("{min: -45 degC, max: 130 degC}", "{min: 130 degC, max: -45 degC}", "limits.chamber.temperature", "min lies above max"),
    ("{min: -45 degC, max: 130 degC}", "{min: -45 K}", "limits.chamber.temperature.min", "'-45 K' is not in degC"),
    ("{min: -45 degC, max: 130 degC}", "{}", "limits.chamber.temperature", "a limit needs min, max or both"),
    ("psu_a.1.voltage", "psu_a.9.voltage", "limits.psu_a.9.voltage", "psu_a has no channel 9; it has 1, 2, 3"),
    ("psu_a.1.voltage", "psu_a.voltage", "limits.psu_a.voltage", "voltage belongs to a channel; write psu_a.1.voltage"),
    ("psu_a.1.voltage", "psu_a.1.output", "limits.psu_a.1.output", "has no setting 'output'"),
    ("psu_a.1.voltage: {max: 1.0 V}", "psu_a.1.voltage: {max: 0.5 V}", "sites.A.rails.core",
     "nominal of rail core of board b1 cannot be set: psu_a.1.voltage: 750 mV is above the limit of 500 mV (limit of bench one)"),
]


@pytest.mark.parametrize(("old", "new", "key", "said"), MUTATIONS, ids=[f"{i}: {m[1]}" for i, m in enumerate(MUTATIONS)])
def test_a_bench_file_that_is_wrong(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    text, line = changed(BENCH, old, new)
    message = refusal(tmp_path, text)
    assert message.startswith("one.yaml:"), message
    stands, _, rest = message.removeprefix("one.yaml:").partition(": ")
    assert rest.startswith(key), message
    assert said in message
    last = key.rpartition(".")[2] if not key.startswith("limits.") else key.split(".")[1]
    assert int(stands) == line or last in text.splitlines()[int(stands) - 1], message


@pytest.mark.parametrize(("old", "new", "key", "said"), [
    ("      io: psu_b.2\n", "", "sites.B.rails", "the rail 'io' of board b1 is not wired; add it"),
    ("    clocks: {core: console}\n    console: \"serial:///dev/ttyUSB1", "    console: \"serial:///dev/ttyUSB1",
     "sites.B.clocks", "the clock 'core' of board b1 is not wired; add it"),
    ("    console: \"serial:///dev/ttyUSB1?baud=115200\"\n", "", "sites.B", "the key 'console' is missing; add it"),
    ("    chamber: chamber\nlimits", "    chamber: chamber\n    console_driver: watlow-f4t\nlimits", "sites.B.console_driver",
     "watlow-f4t is a thermal-chamber, and a board-console is needed here"),
    ("    chamber: chamber\nlimits", "    chamber: chamber\n    console_driver: nonsense\nlimits", "sites.B.console_driver",
     "there is no driver 'nonsense'"),
])
def test_what_is_missing_or_in_the_wrong_place(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    message = refusal(tmp_path, changed(BENCH, old, new)[0])
    assert message.startswith("one.yaml:")
    assert f": {key}: " in message
    assert said in message


def test_a_site_cannot_have_the_name_of_an_instrument_by_its_console(tmp_path: Path) -> None:
    text = BENCH.replace("  B:\n", "  b:\n").replace("psu_b", "console_b")
    assert "the console of site b is called console_b, as an instrument is; rename one" in refusal(tmp_path, text)


def test_the_bench_as_written_opens_with_every_limit_in_place(tmp_path: Path) -> None:
    bench = opened(tmp_path)
    core, other = bench.sites["A"].rails["core"].channel, bench.sites["B"].rails["core"].channel
    assert (core.voltage.limits.high, core.voltage.limits.high_from) == (1.0, "limit of bench one")
    assert (other.voltage.limits.high, other.voltage.limits.high_from) == (1.05, "abs_max of rail core of board b1")
    assert (core.current_limit.limits.high, core.ovp_level.limits.high) == (4.5, 1.05)
    assert list(bench.sites["A"].rails) == ["core", "io"]
    assert bench.shared == {"chamber"}
    assert list(bench.chambers) == ["chamber"]
    with pytest.raises(LimitRefused, match="limit of bench one"):
        bench.chambers["chamber"].temperature.prepare(131.0)
    with pytest.raises(RuntimeError, match="a check must not speak"):
        core.voltage.set(0.75)


@pytest.mark.parametrize(("name", "said"), [
    ("rails.cor.voltage", "the board b1 has no rail 'cor'; did you mean core?"),
    ("rails.core.volts", "psu_a.1 has no 'volts'"), ("clocks.io.frequency", "has no clock 'io'"),
    ("readings.tx", "has no reading 'tx'; known: fan, tj"), ("chamber.temprature", "did you mean temperature"),
    ("sensors.x", "names nothing of a site"), ("", "names nothing of a site"), ("rails.core", "names nothing of a site"),
    ("rails.core.clear_protection", "has no 'clear_protection'"),
])
def test_a_name_that_means_nothing_says_what_is_near(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        opened(tmp_path).sites["A"].target(name)
    assert said in str(problem.value)


def test_every_name_that_is_offered_can_be_used(tmp_path: Path) -> None:
    site = opened(tmp_path).sites["A"]
    assert {"rails.core.voltage", "clocks.core.frequency", "readings.tj", "chamber.temperature"} <= set(site.names())
    for name in site.names():
        assert site.target(name).unit is not None


def test_a_site_without_chamber_says_so(tmp_path: Path) -> None:
    text = BENCH.replace("ttyUSB0?baud=115200\"\n    chamber: chamber", "ttyUSB0?baud=115200\"")
    with pytest.raises(ConfigError, match=r"site A stands in no chamber; name one in the bench file"):
        opened(tmp_path, text).sites["A"].target("chamber.temperature")


def test_files_are_found_by_path_by_name_and_among_the_shipped(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert find_file(str(path), "bench") == path
    assert find_file("b1", "board", [tmp_path]) == tmp_path / "b1.yaml"
    for kind in ("plan", "bench", "board"):
        for name in shipped(kind):
            assert find_file(name, kind).stem == name
    with pytest.raises(ConfigError, match=r"there is no bench 'dou'; .*; did you mean duo\?"):
        find_file("dou", "bench")
    with pytest.raises(ConfigError, match=r"there is no plan file nowhere/x\.yaml"):
        find_file("nowhere/x.yaml", "plan")


def test_every_shipped_bench_and_board_loads() -> None:
    from labkit.bench.board import load_board
    from labkit.bench.load import load_bench

    for name in shipped("bench"):
        assert load_bench(name).name == name
    for name, path in shipped("board").items():
        assert load_board(path).name == name


def test_the_board_of_a_bench_may_lie_in_a_folder_beside_it(tmp_path: Path) -> None:
    (tmp_path / "benches").mkdir()
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b1.yaml").write_text(BOARD)
    (tmp_path / "benches" / "one.yaml").write_text(BENCH)
    from labkit.bench.load import load_bench

    assert load_bench(str(tmp_path / "benches" / "one.yaml")).board_of("A").name == "b1"


def test_one_site_can_be_opened_without_the_other(tmp_path: Path) -> None:
    bench = opened(tmp_path, sites="B")
    assert list(bench.sites) == ["B"]
    assert bench.shared == frozenset()
    assert load(tmp_path).console_name("B") == "console_B"
