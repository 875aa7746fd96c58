"""Runs on other wirings: probes, ganged channels, external clocks, guards, golden tests, reference points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_engine import DEEP, SMALL, bench_files, run

from labkit.errors import ConfigError
from labkit.run.launch import RunRequest, launch, prepare
from labkit.sim.world import Board
from labkit.store.load import open_run

DMM = "  dmm:     {driver: keithley-dmm6500, resource: \"TCPIP::10.0.0.13::5025::SOCKET\"}\n  chamber:\n"
CLOCK = "  clkgen:  {driver: srs-cg635, resource: \"GPIB0::23::INSTR\"}\n  chamber:\n"


def probed(port: int, volts: int, air: int) -> tuple[str, str]:
    """Return the change that gives a site probes on two channels of the meter."""
    console = f'console: "serial:///dev/ttyUSB{port}'
    return console, (f"probes: {{core_sense: {{with: dmm.{volts}, at: rails.core}}, "
                     f"board_air: {{with: dmm.{air}, at: temperature}}}}, {console}")


def test_a_meter_shared_by_two_sites_reads_each_site_s_rail_and_air(tmp_path: Path) -> None:
    bench_files(
        tmp_path, bench=[("  chamber:\n", DMM), probed(0, 1, 6), probed(1, 2, 7)],
        plan=[("[rails.core.measured_current]", "[rails.core.measured_current, probes.core_sense]"),
              ("measure: [readings.tj]", "measure: [readings.tj, probes.board_air]")])
    outcome, points = run(tmp_path, SMALL)
    assert outcome.exit_code == 0, outcome.reasons
    # Remote sense: the supply regulates at the load, where the probe sits.
    assert (points["probes.core_sense"] - points["rails.core.voltage"]).abs().max() < 0.005
    assert (points["probes.board_air"] - points["chamber.temperature"]).abs().max() < 3.0
    assert points.attrs["units"]["probes.core_sense"] == "V"


def test_local_sense_loses_the_leads_drop_and_nothing_corrects_it_silently(tmp_path: Path) -> None:
    bench_files(
        tmp_path, bench=[("  chamber:\n", DMM), ("sense: remote, leads: 12 mOhm", "sense: local, leads: 12 mOhm"),
                         probed(0, 1, 6)],
        plan=[("[rails.core.measured_current]", "[rails.core.measured_current, probes.core_sense]")])
    outcome, points = run(tmp_path, SMALL, sites=("A",))
    drop = points["rails.core.measured_voltage"] - points["probes.core_sense"]
    assert drop.between(0.010, 0.060).all()
    expected = points["rails.core.measured_current"] * 0.012
    assert (drop - expected).abs().max() < 0.003
    info = open_run(outcome.folder).info
    assert info["sites"]["A"]["wiring"]["core"] == {"from": "psu_a.1", "sense": "local", "leads_ohm": 0.012}


def test_ganged_channels_act_as_one_and_share_the_current(tmp_path: Path) -> None:
    bench_files(
        tmp_path, bench=[("{from: psu_a.1, sense: remote, leads: 12 mOhm}", "{from: core_a, sense: remote}"),
                         ("io: psu_a.2", "io: psu_b.3"), ("loads: {3: 10 Ohm}}\n  chamber", "}\n  chamber"),
                         ("limits:\n", "channels:\n  core_a: {parallel: [psu_a.2, psu_a.3]}\nlimits:\n"),
                         (", loads: {3: 10 Ohm}", "")],
        board=[("current_limit: 4.5 A", "current_limit: 2.0 A")], plan=[("max: 4.2 A", "max: 1.9 A")])
    outcome, points = run(tmp_path, {**SMALL, "clocks.core.frequency": "1.0 GHz"}, sites=("A",))
    assert outcome.exit_code == 0, outcome.reasons
    # More than one channel alone can give (1.03 A).
    assert points["rails.core.measured_current"].max() > 1.2
    assert (points["rails.core.mode"] == "CV").all()
    assert (points["rails.core.measured_voltage"] - points["rails.core.voltage"]).abs().max() < 0.005


def test_one_clock_source_on_two_boards_is_a_shared_axis(tmp_path: Path) -> None:
    wiring = [("  chamber:\n", CLOCK), ("clocks: {core: console}", "clocks: {core: clkgen}")]
    board = [("max: 2.4 GHz", "max: 2.0 GHz")]
    bench_files(tmp_path, bench=wiring, board=board)
    outcome, points = run(tmp_path, SMALL)
    assert outcome.exit_code == 0, outcome.reasons
    assert points.groupby("site")["block"].max().eq(3).all()  # two temperatures times two frequencies are blocks now
    slow, fast = (points[points["clocks.core.frequency"] == hz]["rails.core.measured_current"].mean()
                  for hz in (1.0e9, 1.6e9))
    assert fast > 1.2 * slow, "the boards really run at the generator's frequency"
    plan = (tmp_path / "plan.yaml").read_text().splitlines()
    axes = [line for line in plan if line.startswith("  - {set: ")]
    swapped = [*axes[:1], axes[2], axes[1]]
    (tmp_path / "plan.yaml").write_text("\n".join(plan).replace("\n".join(axes), "\n".join(swapped)))
    with pytest.raises(ConfigError, match=r"clocks\.core\.frequency is one setting for several sites"):
        prepare(RunRequest(str(tmp_path / "plan.yaml"), str(tmp_path / "bench.yaml"), simulate=True, overrides=SMALL))


def test_a_guard_switches_the_rails_off_until_the_die_is_cool_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sensor, hot = Board.sensor_degc, iter([False] * 7 + [True] + [False] * 1000)
    monkeypatch.setattr(Board, "sensor_degc", lambda self: 130.0 if next(hot) else sensor(self))
    outcome, points = run(tmp_path, SMALL, sites=("A",))
    events = open_run(outcome.folder).events.text
    assert events.str.contains("guard tripped: readings.tj 130 degC beyond 110 degC; rails off").sum() == 1
    assert events.str.contains("guard released").sum() == 1
    again = points[points.attempt == 2]
    assert len(again) == 1 and again.outcome.iloc[0] == "pass" and again.guards.iloc[0] == ""
    assert outcome.exit_code == 0


def test_a_board_that_fails_its_golden_test_has_not_recovered(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.run.point import PointMeter

    measure = PointMeter.measure

    def broken_after_a_hang(self: PointMeter, result: Any) -> None:
        measure(self, result)
        if result.block == -1:
            result.outcome, result.reason = "fail", "BIST FAIL"

    monkeypatch.setattr(PointMeter, "measure", broken_after_a_hang)
    outcome, points = run(tmp_path, DEEP, sites=("A",))
    assert points.outcome.isin(["hang", "crash"]).sum() == 1
    assert "golden test at nominal gave fail" in open_run(outcome.folder).info["sites"]["A"]["reason"]


def test_reference_points_stand_at_start_every_so_many_and_end_and_are_no_points_of_the_plan(tmp_path: Path) -> None:
    bench_files(tmp_path, plan=[("judge: spec", "judge: spec\nreference: {every: 5}")])
    outcome, points = run(tmp_path, SMALL, sites=("A",))
    references = points[points.sequence < 0]
    assert references.groupby("block").sequence.apply(sorted).tolist() == [[-4, -3, -2, -1]] * 2
    assert (references["rails.core.voltage"] == 0.75).all() and (references["clocks.core.frequency"] == 1.6e9).all()
    assert not references.judged.any() and references.reason.str.startswith("reference point").all()
    assert sum(outcome.counts["A"].values()) == 24 == len(points[points.sequence >= 0])


def test_what_duts_csv_says_and_the_attempt_are_stored_with_the_run(tmp_path: Path) -> None:
    duts = tmp_path / "duts.csv"
    duts.write_text("serial,lot,wafer,x,y,rework\nSN7,L12,3,4,5,\nSN8,L12,3,4,6,R12 replaced\n")
    request = RunRequest("vtf-shmoo", "duo", {"A": "SN7", "B": "SN8"}, simulate=True, overrides=SMALL,
                         runs=tmp_path / "runs", duts_file=duts, operator="kim", tags={"why": "test"})
    for attempt in (1, 2):
        info = open_run(launch(prepare(request)).folder).info
        assert info["sites"]["A"]["about"] == {"lot": "L12", "wafer": "3", "x": "4", "y": "5"}
        assert info["sites"]["B"]["about"]["rework"] == "R12 replaced"
        assert info["sites"]["A"]["attempt"] == attempt
        assert info["operator"] == "kim" and info["tags"] == {"why": "test"}
