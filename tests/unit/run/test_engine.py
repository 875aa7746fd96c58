"""The engine on simulated benches, in process: order of power, recoveries, losses, and safety on every way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import labkit as lk
from labkit.bench.load import shipped
from labkit.bench.simulate import SimulatedBench
from labkit.errors import ConfigError, LinkError, LinkTimeout
from labkit.run import launch as launching
from labkit.run.launch import RunOutcome, RunRequest, launch, prepare
from labkit.sim.link import TwinMessageLink
from labkit.store.journal import Journal
from labkit.store.load import open_run

SMALL = {"chamber.temperature": "25 degC, 30 degC", "clocks.core.frequency": "1.0 GHz, 1.6 GHz",
         "rails.core.voltage": "0.80 V : 0.70 V : -20 mV"}
DEEP = {"chamber.temperature": "25 degC", "clocks.core.frequency": "1.6 GHz, 2.2 GHz",
        "rails.core.voltage": "0.90 V : 0.56 V : -20 mV"}


def bench_files(folder: Path, *, board: Sequence[tuple[str, str]] = (), bench: Sequence[tuple[str, str]] = (),
                plan: Sequence[tuple[str, str]] = ()) -> None:
    for kind, name, changes in (("board", "dpu-a0", board), ("bench", "duo", bench), ("plan", "vtf-shmoo", plan)):
        text = shipped(kind)[name].read_text()  # type: ignore[index]
        for old, new in ((("board: dpu-a0,", "board: board.yaml,"),) if kind == "bench" else ()) + tuple(changes):
            assert old in text, old
            text = text.replace(old, new)
        (folder / f"{kind}.yaml").write_text(text)


def run(folder: Path, overrides: dict[str, str], **more: Any) -> tuple[RunOutcome, pd.DataFrame]:
    local = (folder / "bench.yaml").exists()
    request = RunRequest(str(folder / "plan.yaml") if local else "vtf-shmoo",
                         str(folder / "bench.yaml") if local else "duo",
                         simulate=True, overrides=overrides, runs=folder / "runs", **more)
    outcome = launch(prepare(request))
    return outcome, lk.load(outcome.folder)


class Wire:
    """What went over the message links of a run, in order, and what a test makes of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.refuse: Callable[[str, str], Exception | None] = lambda name, message: None
        self.twins: dict[str, Any] = {}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    seen = Wire()
    ask, make = TwinMessageLink.ask, SimulatedBench.__init__

    def watched(self: TwinMessageLink, message: str) -> Any:
        problem = seen.refuse(self.name, message)
        if problem is not None:
            raise problem
        seen.sent.append((self.name, message))
        return ask(self, message)

    def made(self: SimulatedBench, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        seen.twins.update(self.twins)

    monkeypatch.setattr(TwinMessageLink, "ask", watched)
    monkeypatch.setattr(SimulatedBench, "__init__", made)
    return seen


def all_off(wire: Wire) -> bool:
    """Ask the twins themselves, not labkit."""
    return all(wire.twins[name].handle("OUTP? (@1,2)").text == "0,0" for name in ("psu_a", "psu_b"))


def test_rails_come_up_in_order_with_limit_and_protection_first_and_go_off_in_reverse(
        tmp_path: Path, wire: Wire) -> None:
    outcome, _ = run(tmp_path, SMALL)
    of_a = [message for name, message in wire.sent if name == "psu_a"]
    switched = [(match.group(2), match.group(1)) for message in of_a
                for match in re.finditer(r"OUTP ([01]),\(@(\d)\)", message)]
    assert switched == [("1", "1"), ("2", "1"), ("2", "0"), ("1", "0")]
    first_on = next(index for index, message in enumerate(of_a) if "OUTP 1,(@1)" in message)
    before, on = of_a[first_on - 1], of_a[first_on]
    for part in ("CURR 4.5,(@1)", "VOLT:PROT 1.02,(@1)", "VOLT:PROT:STAT 1,(@1)", "VOLT:SENS EXT,(@1)"):
        assert part in before, "set and read back before anything is switched on"
        assert 0 <= on.index(part) < on.index("OUTP 1"), "and armed again in the message that switches on"
    assert outcome.exit_code == 0 and all_off(wire)


def test_every_message_ends_with_the_error_queue(tmp_path: Path, wire: Wire) -> None:
    run(tmp_path, SMALL)
    assert all(message.endswith("SYST:ERR?") for _, message in wire.sent if message != "*IDN?")


def test_a_hang_costs_the_rest_of_its_row_after_two_and_every_row_is_tried(tmp_path: Path) -> None:
    _, points = run(tmp_path, DEEP)
    for _, row in points.groupby(["site", "clocks.core.frequency"]):
        hung = row.outcome.isin(["hang", "crash"])
        assert hung.sum() <= 2
        if hung.sum() == 2:
            last = row.index[hung][-1]
            rest = row.loc[last + 1:]
            assert (rest.outcome == "not-tested").all()
            assert rest.reason.str.contains("hung 2 times in this row").all()
    assert points.outcome.isin(["hang", "crash"]).any() and (points.outcome == "not-tested").any()


def test_the_budget_of_a_run_and_no_recovery_at_all_leave_the_rest_not_tested(tmp_path: Path) -> None:
    bench_files(tmp_path, plan=[("per_run: 200", "per_run: 1")])
    outcome, points = run(tmp_path, DEEP, sites=("A",))
    assert points.outcome.isin(["hang", "crash"]).sum() == 2  # the second one finds the budget used up
    assert points.reason.str.contains("budget of 1 recoveries").sum() > 0
    bench_files(tmp_path, plan=[("recover: power-cycle", "recover: none")])
    outcome, points = run(tmp_path, DEEP, sites=("A",))
    assert points.outcome.isin(["hang", "crash"]).sum() == 1
    assert points.outcome.iloc[-1] == "not-tested" and outcome.exit_code == 3, outcome.reasons


def test_after_a_power_cycle_the_point_s_settings_are_applied_again(tmp_path: Path) -> None:
    _, points = run(tmp_path, DEEP)
    after = points[points.outcome.shift(1).isin(["hang", "crash"]) & points.outcome.isin(["pass", "fail", "marginal"])]
    difference = (after["rails.core.measured_voltage"] - after["rails.core.voltage"]).abs()
    assert difference.max() < 0.005


def test_a_supply_that_dies_costs_its_site_and_not_the_others(tmp_path: Path, wire: Wire) -> None:
    def refuse(name: str, message: str) -> Exception | None:
        dead = name == "psu_b" and len(wire.sent) > 80 and ("MEAS" in message or "VOLT" in message)
        return LinkError("no connection", instrument=name, sent=message) if dead else None

    wire.refuse = refuse
    outcome, points = run(tmp_path, SMALL)
    assert (points[points.site == "A"].outcome == "pass").all()
    of_b = points[points.site == "B"]
    assert len(of_b) == len(points) / 2 and "infra" in set(of_b.outcome) and of_b.outcome.iloc[-1] == "not-tested"
    info = open_run(outcome.folder).info
    assert info["sites"]["B"]["status"] == "dropped" and outcome.verdict == "inconclusive"
    events = open_run(outcome.folder).events
    dropped = events[events.text.str.contains("site B dropped")].index[0]
    assert "off, read back" in events.text[dropped + 1], "a dropped site does not wait for the end to be switched off"
    assert all_off(wire)


def test_a_point_lost_to_an_instrument_is_measured_again_and_counted(tmp_path: Path, wire: Wire) -> None:
    lost = iter([False] * 60 + [True])

    def refuse(name: str, message: str) -> Exception | None:
        if name == "psu_a" and "MEAS" in message and next(lost, False):
            return LinkTimeout("no answer", instrument=name, sent=message)
        return None

    wire.refuse = refuse
    outcome, points = run(tmp_path, {**SMALL, "rails.core.voltage": "0.80 V : 0.70 V : -5 mV"})
    assert outcome.verdict == "pass" and (points.outcome == "pass").all()
    assert (points.attempt == 2).sum() == 1


def test_a_chamber_that_never_settles_is_a_result_and_the_other_temperatures_are_measured(tmp_path: Path) -> None:
    bench_files(tmp_path, plan=[("timeout: 90 min", "timeout: 12 min")])
    outcome, points = run(tmp_path, {**SMALL, "chamber.temperature": "-40 degC, 25 degC"})
    cold, warm = points[points.block == 0], points[points.block == 1]
    assert (cold.outcome == "not-tested").all() and cold.reason.str.contains("did not settle at -40 degC").all()
    settles = open_run(outcome.folder).info["settles"]
    assert settles[0]["settled"] is False and settles[0]["last_clause"] == "band"
    assert outcome.verdict == "inconclusive" and len(warm) == len(cold)


def test_an_edge_that_the_current_limit_made_is_invalid_not_fail(tmp_path: Path) -> None:
    bench_files(tmp_path, board=[("current_limit: 4.5 A", "current_limit: 2.2 A")],
                plan=[("max: 4.2 A", "max: 2.1 A")])
    _, points = run(tmp_path, {**DEEP, "rails.core.voltage": "0.90 V : 0.84 V : -20 mV"}, sites=("A",))
    limited = points[points["rails.core.mode"] == "CC"]
    assert len(limited) > 0 and (limited.outcome == "invalid").all()
    assert limited.reason.str.contains("constant current").all()


def test_a_limit_broken_inside_the_box_fails_the_run_and_outside_it_does_not(tmp_path: Path) -> None:
    bench_files(tmp_path, plan=[("max: 4.2 A", "max: 1.5 A")])
    outcome, points = run(tmp_path, SMALL)
    assert outcome.verdict == "fail" and outcome.exit_code == 1 and "broke a limit" in outcome.reasons[0]
    broken = points[points.violations != ""]
    assert (broken["rails.core.measured_current"] > 1.5).all() and (broken.outcome == "pass").all()
    outcome, _ = run(tmp_path, {**SMALL, "rails.core.voltage": "0.90 V : 0.82 V : -20 mV"})
    assert outcome.verdict == "unset" and "no point of the plan lies inside the box" in outcome.reasons[-1]


def test_a_full_disk_ends_the_run_safe_with_what_was_stored(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Journal.__init__

    def small(self: Journal, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self._db.execute("PRAGMA max_page_count=24")

    monkeypatch.setattr(Journal, "__init__", small)
    outcome, points = run(tmp_path, {**DEEP, "rails.core.voltage": "0.90 V : 0.60 V : -1 mV"})
    assert outcome.exit_code == 3 and outcome.verdict == "error" and "full" in outcome.problem
    assert 0 < len(points) < 1204 and all_off(wire)


def test_an_error_that_is_not_labkit_s_own_still_leaves_everything_off(
        tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = launching.Recorder.store
    count = 0

    def breaks(self: Any, result: Any) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise ZeroDivisionError("a bug")
        stored(self, result)

    monkeypatch.setattr(launching.Recorder, "store", breaks)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, SMALL)
    assert all_off(wire)


def test_an_output_that_stays_on_is_reported_above_everything_else(tmp_path: Path, wire: Wire) -> None:
    def refuse(name: str, message: str) -> Exception | None:
        return LinkError("no connection", instrument=name, sent=message) if "OUTP 0,(@1)" in message else None

    wire.refuse = refuse
    outcome, _ = run(tmp_path, SMALL)
    assert outcome.exit_code == 5 and outcome.reasons[0].startswith("NOT VERIFIED SAFE")
    assert "psu_a.1" in outcome.reasons[0] and "psu_b.1" in outcome.reasons[0]


def test_the_chamber_ends_at_its_safe_temperature_and_is_waited_for(tmp_path: Path, wire: Wire) -> None:
    outcome, _ = run(tmp_path, {**SMALL, "chamber.temperature": "-20 degC"})
    data = open_run(outcome.folder)
    assert data.traces[data.traces.name == "chamber.measured_temperature"].value.iloc[-1] > 15
    assert data.events.text.str.contains("chamber at").any()


def test_a_rail_with_a_slow_ramp_is_led_up_in_steps_and_a_ramp_finer_than_a_supply_steps_is_refused(
        tmp_path: Path, wire: Wire) -> None:
    bench_files(tmp_path, board=[("ramp: 1 V/ms", "ramp: 10 V/s")])
    outcome, _ = run(tmp_path, SMALL, sites=("A",))
    volts = [float(match.group(1)) for name, message in wire.sent if name == "psu_a"
             for match in re.finditer(r"VOLT ([0-9.]+),\(@1\)", message)]
    assert outcome.exit_code == 0 and volts[0] == 0.0 and max(volts) == 0.8
    # 10 V/s at 8 ms a set: never more than 80 mV at once, but for the return from a switched-off rail.
    assert max(abs(b - a) for a, b in pairwise(volts)) <= 0.080 + 1e-9
    bench_files(tmp_path, board=[("ramp: 1 V/ms", "ramp: 0.1 V/s")])
    with pytest.raises(ConfigError, match=r"board.yaml:4: rails.core.ramp: rail core allows 0.1 V/s"):
        run(tmp_path, SMALL)
