"""What goes wrong in a night and must cost no more than it should: one test a way in which a run was once fooled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_engine import DEEP, SMALL, Wire, all_off, bench_files, run, wire  # noqa: F401  (wire is a fixture)

from labkit.bench.simulate import SimulatedBench
from labkit.errors import IdentityError, LinkTimeout
from labkit.instrument import Identity
from labkit.run import launch as launching
from labkit.run.point import BoardSilent, PointMeter
from labkit.run.request import RunRequest, prepare
from labkit.sim.link import TwinRegisterLink
from labkit.store.load import open_run

LONG = {**SMALL, "rails.core.voltage": "0.80 V : 0.70 V : -2 mV"}


def meddle(monkeypatch: pytest.MonkeyPatch, wire: Wire, at: int, act: Callable[[Wire], None]) -> None:  # noqa: F811
    """Let somebody else do something to the bench, once, when ``at`` messages have gone out."""
    done: list[bool] = []

    def refuse(name: str, message: str) -> None:
        if len(wire.sent) >= at and not done:
            done.append(True)
            act(wire)

    wire.refuse = refuse


def test_a_chamber_that_leaves_its_band_is_soaked_again_before_the_next_point(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def warm(seen: Wire) -> None:
        seen.twins["chamber"].write(2782, [0, 0x4270])  # 60 degC, low word first

    meddle(monkeypatch, wire, 150, warm)
    outcome, points = run(tmp_path, {
        "chamber.temperature": "25 degC", "clocks.core.frequency": "1.0 GHz : 1.6 GHz : 50 MHz",
        "rails.core.voltage": "0.80 V : 0.70 V : -1 mV"})
    data = open_run(outcome.folder)
    assert data.events.text.str.contains("left its band at 25 degC").sum() >= 1
    assert len(data.info["settles"]) >= 2 and data.info["settles"][-1]["settled"]
    # Ten seconds may pass before the air is looked at again: until then, and no longer, it may be off.
    assert (points["chamber.measured_temperature"] - 25.0).abs().max() < 4.0
    assert outcome.exit_code == 0


def test_one_lost_reply_of_the_chamber_in_a_soak_ends_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, lost = TwinRegisterLink.read, iter([False] * 40 + [True] * 3)

    def flaky(self: TwinRegisterLink, address: int, count: int) -> list[int]:
        if next(lost, False):
            raise LinkTimeout("no answer", instrument=self.name, sent=f"read of register {address}")
        return read(self, address, count)

    monkeypatch.setattr(TwinRegisterLink, "read", flaky)
    outcome, points = run(tmp_path, SMALL)
    assert outcome.exit_code == 0 and (points.outcome == "pass").all()
    assert open_run(outcome.folder).events.text.str.contains("asking again").any()


def test_one_lost_reply_in_a_recovery_does_not_cost_the_site(tmp_path: Path, wire: Wire) -> None:  # noqa: F811
    starts = 0

    def refuse(name: str, message: str) -> Exception | None:
        nonlocal starts
        starts += name == "psu_a" and "OUTP 1,(@1)" in message
        if name == "psu_a" and starts == 2 and "OUTP 1,(@1)" in message:
            return LinkTimeout("no answer", instrument=name, sent=message)
        return None

    wire.refuse = refuse
    outcome, points = run(tmp_path, DEEP)
    assert not open_run(outcome.folder).info["sites"]["A"]["reason"] and starts > 2
    assert (points[points.site == "A"].reason.str.contains("dropped")).sum() == 0


def test_a_board_that_falls_silent_in_its_golden_test_costs_a_recovery_and_not_the_run(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.run.site_run import SiteRun

    check, silent = SiteRun._check_golden, iter([True])
    move = PointMeter.move

    def once(self: SiteRun) -> None:
        if next(silent, False):
            monkeypatch.setattr(PointMeter, "move", quiet)
        check(self)

    def quiet(self: PointMeter, here: Any, there: Any) -> None:
        monkeypatch.setattr(PointMeter, "move", move)
        raise BoardSilent("no answer while clocks.core.frequency was set")

    monkeypatch.setattr(SiteRun, "_check_golden", once)
    outcome, points = run(tmp_path, DEEP, sites=("A",))
    assert outcome.verdict in ("pass", "fail") and len(points) == 36
    assert open_run(outcome.folder).events.text.str.contains("recovered by power cycle at attempt 2").sum() == 1


def test_one_lost_reply_on_ganged_channels_of_two_supplies_is_measured_again(
        tmp_path: Path, wire: Wire) -> None:  # noqa: F811
    bench_files(
        tmp_path, bench=[("{from: psu_a.1, sense: remote, leads: 12 mOhm}", "{from: core_a, sense: remote}"),
                         ("io: psu_a.2", "io: psu_b.3"), (", loads: {3: 10 Ohm}", ""),
                         ("limits:\n", "channels:\n  core_a: {parallel: [psu_a.1, psu_b.2]}\nlimits:\n"),
                         ("  B: {board: board.yaml, slot: fixture-4, rails: {core: {from: psu_b.1, sense: remote, "
                          "leads: 12 mOhm}, io: psu_b.2}", "  B: {board: board.yaml, slot: fixture-4, rails: {core: "
                          "psu_a.2, io: psu_a.3}")],
        board=[("current_limit: 4.5 A", "current_limit: 2.0 A")], plan=[("max: 4.2 A", "max: 1.9 A")])
    lost = iter([False] * 5 + [True])

    def refuse(name: str, message: str) -> Exception | None:
        if name == "psu_a" and "MEAS:CURR" in message and next(lost, False):
            return LinkTimeout("no answer", instrument=name, sent=message)
        return None

    wire.refuse = refuse
    outcome, points = run(tmp_path, {**SMALL, "clocks.core.frequency": "1.0 GHz"}, sites=("A",))
    assert outcome.exit_code == 0 and (points.outcome == "pass").all() and (points.attempt == 2).sum() == 1


@pytest.mark.parametrize(("said", "reason"), [
    ("OUTP 0,(@1)", "rails.core was off"), ("OUTP 0,(@2)", "rails.io was off"),
])
def test_a_supply_that_somebody_switches_off_is_no_hang_of_the_board(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch, said: str, reason: str) -> None:  # noqa: F811
    meddle(monkeypatch, wire, 150, lambda seen: seen.twins["psu_a"].handle(said))
    outcome, points = run(tmp_path, LONG, sites=("A",))
    assert outcome.verdict == "pass" and set(points.outcome) == {"pass"}, points.reason.unique()
    assert open_run(outcome.folder).events.text.str.contains(f"{reason}: recovered by power cycle").sum() == 1


def test_a_voltage_that_is_not_the_one_asked_for_is_measured_again_and_never_passes(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def other(seen: Wire) -> None:
        seen.twins["psu_a"].on_voltage(1, 0.95)
        seen.twins["psu_a"].assign("voltage", 1, 0.95)
        seen.twins["psu_a"].carry_out(1)

    meddle(monkeypatch, wire, 151, other)
    _, points = run(tmp_path, LONG, sites=("A",))
    passed = points[points.outcome == "pass"]
    assert (passed["rails.core.measured_voltage"] - passed["rails.core.voltage"]).abs().max() < 0.026


def test_sense_switched_behind_labkit_s_back_is_seen(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    meddle(monkeypatch, wire, 150, lambda seen: seen.twins["psu_a"].handle("VOLT:SENS INT,(@1)"))
    outcome, points = run(tmp_path, LONG, sites=("A",))
    local = points[points["rails.core.sense"] == "local"]
    assert len(local) > 0 and (local.outcome == "invalid").all()
    assert local.reason.str.contains("rails.core senses local, the bench file says remote").all()
    assert outcome.verdict == "inconclusive"


def test_a_bench_that_claims_to_be_simulated_and_is_not_is_refused(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench_files(tmp_path, bench=[("bench: duo", "bench: duo\nsimulated: true\ntime_scale: 50")])
    prepared = prepare(RunRequest(str(tmp_path / "plan.yaml"), str(tmp_path / "bench.yaml"), runs=tmp_path / "runs"))

    def real(*args: Any, **kwargs: Any) -> dict[str, Identity]:
        return {"psu_a": Identity("Keysight", "E36312A", "MY1", "1"), "psu_b": Identity("K", "E36312A", "SIM2", "1")}

    with pytest.raises(IdentityError, match=r"psu_a: a real instrument answers here \(serial MY1\).*simulated: true"):
        launching._all_or_none(prepared, real())
    hand_written = prepare(RunRequest("vtf-shmoo", "duo", {"A": "1", "B": "2"}))
    assert launching._all_or_none(hand_written, {"psu_a": Identity("K", "E", "SIM1", "1")}) is True
    assert launching._all_or_none(hand_written, {"psu_a": Identity("K", "E", "MY1", "1")}) is False
    with pytest.raises(IdentityError, match="psu_b is a twin"):
        launching._all_or_none(hand_written, real())


def test_a_bug_leaves_a_finished_record_behind(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def breaks(self: Any, result: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(launching.Recorder, "store", breaks)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, SMALL)
    info = json.loads(next(tmp_path.glob("runs/*/*/run.json")).read_text())
    assert (info["status"], info["verdict"], info["exit_code"]) == ("error", "error", 3)
    assert info["safe"]["verified"] and "labkit itself failed: ZeroDivisionError" in info["verdict_reasons"][0]
    assert all_off(wire)




def test_two_boards_that_are_swapped_are_seen_before_a_setting_reaches_the_wrong_one(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimulatedBench._add_site

    def crossed(self: SimulatedBench, site: str, dut: str) -> None:
        made(self, site, dut)
        if site == "B":  # the supplies of the two sites are exchanged on the table
            for channel in (1, 2):
                ports = self._ports
                ports["psu_a"][channel], ports["psu_b"][channel] = ports["psu_b"][channel], ports["psu_a"][channel]

    monkeypatch.setattr(SimulatedBench, "_add_site", crossed)
    outcome, points = run(tmp_path, SMALL)
    assert outcome.exit_code == 3 and outcome.verdict == "error" and len(points) == 0
    assert "the console of site B printed" in outcome.problem and "swapped" in outcome.problem
    assert open_run(outcome.folder).info["safe"]["verified"]


def test_one_lost_reply_of_the_chamber_while_points_are_taken_ends_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.run.climate import Climate

    read, hold = Climate._read, Climate._holds
    lost = iter([True])

    def flaky(self: Climate) -> Any:
        if self._heard_s > 0 and "block" in told and next(lost, False):
            raise LinkTimeout("no answer", instrument="chamber", sent="read of 2820")
        return read(self)

    told: list[str] = []

    def holds(self: Climate) -> bool:
        told.append("block")
        return hold(self)

    monkeypatch.setattr(Climate, "_read", flaky)
    monkeypatch.setattr(Climate, "_holds", holds)
    outcome, points = run(tmp_path, LONG)
    assert outcome.exit_code == 0 and (points.outcome == "pass").all()
    assert open_run(outcome.folder).events.text.str.contains("asking again").sum() == 1


def test_a_chamber_that_is_never_heard_again_costs_its_points_and_the_run_still_ends_in_order(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = TwinRegisterLink.read
    def dies(self: TwinRegisterLink, address: int, count_: int) -> list[int]:
        if self.clock.now() > 440 and address == 2820:  # some seconds after the soak
            raise LinkTimeout("no answer", instrument=self.name, sent=f"read of register {address}")
        return read(self, address, count_)

    monkeypatch.setattr(TwinRegisterLink, "read", dies)
    _, points = run(tmp_path, {
        "chamber.temperature": "25 degC", "clocks.core.frequency": "1.0 GHz : 2.2 GHz : 50 MHz",
        "rails.core.voltage": "0.85 V : 0.75 V : -1 mV"})
    assert len(points) == 2 * 25 * 101
    lost = points[points.reason.str.contains("the chamber cannot be watched")]
    assert len(lost) > 0 and (lost.outcome == "not-tested").all()
    assert points.groupby("site").outcome.last().eq("not-tested").all() and (points.outcome == "pass").any()
