"""From points to rows and a verdict: what judges, what it takes to fail, and values that are no numbers."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest
from recorded_plans import Kept, compiled, point

from labkit.analysis.shmoo import OUTCOMES
from labkit.clock import VirtualClock
from labkit.instrument import Special
from labkit.run.record import PointResult, Recorder, stored_columns
from labkit.run.session import Session
from labkit.store.journal import Journal


def recorder(judge: str = "spec") -> tuple[Recorder, Kept]:
    kept = Kept()
    return Recorder(compiled(judge), cast(Journal, kept), Session(VirtualClock())), kept


def verdict(*points: PointResult, judge: str = "spec", complete: bool = True) -> tuple[str, list[str]]:
    record, _ = recorder(judge)
    for one in points:
        record.store(one)
    return record.verdict(complete)


def named(kept: Kept) -> dict[str, Any]:
    columns = ["site", "block", "sequence", "dut"]
    for column in stored_columns(compiled()):
        columns += [column.name, f"{column.name}.flag"] if column.flagged else [column.name]
    columns += ["outcome", "reason", "judged", "violations", "guards", "t_s", "utc", "duration_s", "attempt"]
    return dict(zip(columns, kept.points[-1], strict=True))


@pytest.mark.parametrize(("outcome", "result"), [
    ("pass", "pass"), ("fail", "fail"), ("hang", "fail"), ("crash", "fail"), ("marginal", "inconclusive"),
    ("invalid", "inconclusive"), ("infra", "inconclusive"), ("not-tested", "inconclusive"), ("aborted", "inconclusive"),
])
def test_the_verdict_of_one_judged_point_beside_good_ones(outcome: str, result: str) -> None:
    assert verdict(point("pass"), point(outcome), point("pass"))[0] == result
    assert verdict(point("pass"), point(outcome, volts=0.60))[0] == "pass"  # outside the box: data, no verdict
    assert verdict(point("pass"), point(outcome, hertz=2.0e9))[0] == "pass"


def test_every_outcome_has_a_verdict() -> None:
    for outcome in OUTCOMES:
        assert verdict(point(outcome))[0] in ("pass", "fail", "inconclusive")


def test_fail_outranks_what_is_unsure_and_both_are_told() -> None:
    worst, reasons = verdict(point("marginal", reason="CORRECTED"), point("hang", reason="no answer"), point("pass"))
    assert worst == "fail"
    assert reasons == ["1 judged points hung; first site A at 25 degC, 1 GHz, 750 mV: no answer",
                       "1 judged points were marginal; first site A at 25 degC, 1 GHz, 750 mV: CORRECTED"]


def test_a_run_that_did_not_end_never_passes_and_one_that_judged_nothing_has_no_verdict() -> None:
    assert verdict(point("pass"), complete=False) == ("inconclusive", ["the run did not reach its end"])
    assert verdict(point("fail"), complete=False)[0] == "fail"
    assert verdict(point("pass", volts=0.60))[0] == "unset"
    assert verdict()[0] == "unset"
    assert verdict(complete=False)[0] == "inconclusive"


def test_who_judges_is_the_plans_word() -> None:
    outside = point("fail", volts=0.60, hertz=2.0e9)
    assert verdict(outside, judge="all")[0] == "fail"
    assert verdict(outside, judge="none") == ("pass", [])
    assert verdict(point("fail"), judge="none")[0] == "pass"


@pytest.mark.parametrize(("volts", "hertz", "judged"), [
    (0.70, 0.8e9, 1), (0.80, 1.6e9, 1), (0.7 - 1e-12, 1e9, 1), (0.1 + 0.7, 1e9, 1), (0.699, 1e9, 0), (0.801, 1e9, 0),
    (0.75, 1.61e9, 0), (0.75, 0.79e9, 0),
])
def test_the_box_has_both_its_edges(volts: float, hertz: float, judged: int) -> None:
    record, kept = recorder()
    record.store(point("pass", volts=volts, hertz=hertz))
    assert named(kept)["judged"] == judged


@pytest.mark.parametrize(("values", "violations"), [
    ({"amps": 4.2}, ""), ({"amps": 4.21}, "rails.core.measured_current 4.21 A > 4.2 A"),
    ({"amps": 5}, "rails.core.measured_current 5 A > 4.2 A"), ({"amps": None}, ""),
    ({"amps": Special.OVERLOAD}, "rails.core.measured_current overload"),
    ({"amps": math.nan}, "rails.core.measured_current not a number"),
    ({"tj": -61.0}, "readings.tj -61 degC < -60 degC"),
    ({"amps": 9.0, "tj": 120.0}, "rails.core.measured_current 9 A > 4.2 A; readings.tj 120 degC > 110 degC"),
])
def test_a_limit_on_a_measurement_judges(values: dict[str, Any], violations: str) -> None:
    record, kept = recorder()
    record.store(point("pass", **values))
    found = named(kept)["violations"]
    assert found == violations
    assert record.verdict(True)[0] == ("fail" if violations else "pass")


def test_a_broken_limit_outside_the_box_is_data() -> None:
    record, kept = recorder()
    record.store(point("pass", volts=0.60, amps=9.0))
    record.store(point("pass"))
    assert kept.points[0][-6] == "rails.core.measured_current 9 A > 4.2 A"
    assert record.verdict(True)[0] == "pass"


@pytest.mark.parametrize(("value", "stored", "flag"), [
    (25.5, 25.5, None), (0, 0, None), (None, None, None), (Special.OVERLOAD, None, "overload"),
    (Special.NEGATIVE_OVERLOAD, None, "negative overload"), (Special.NOT_A_NUMBER, None, "not a number"),
    (math.nan, None, "not a number"), (math.inf, None, "not a number"),
])
def test_what_is_no_number_is_stored_as_none_with_the_reason_beside_it(value: Any, stored: Any, flag: Any) -> None:
    record, kept = recorder()
    record.store(point("pass", tj=value))
    row = named(kept)
    assert (row["readings.tj"], row["readings.tj.flag"]) == (stored, flag)


def test_a_row_fits_the_table_that_the_journal_makes(tmp_path: Path) -> None:
    plan = compiled()
    journal = Journal(tmp_path / "run.db", stored_columns(plan), inline=True)
    clock = VirtualClock()
    record = Recorder(plan, journal, Session(clock))
    clock.sleep(10.0)
    one = point("fail", reason="BIST FAIL\x1b[2J", tj=Special.OVERLOAD)
    one.values["rails.core.mode"] = "C\x07V"
    one.started_s = 9.5
    record.store(one)
    journal.close()
    db = sqlite3.connect(tmp_path / "run.db")
    db.row_factory = sqlite3.Row
    row = dict(db.execute("SELECT * FROM points").fetchone())
    db.close()
    assert (row["site"], row["dut"], row["outcome"], row["judged"]) == ("A", "SN1", "fail", 1)
    assert row["reason"] == "BIST FAIL\\x1b[2J"
    assert row["rails.core.mode"] == "C\\x07V"
    assert (row["readings.tj"], row["readings.tj.flag"]) == (None, "overload")
    assert (row["t_s"], row["duration_s"], row["utc"]) == (10.0, 0.5, "2000-01-01T00:00:10.000+00:00")


def test_points_are_counted_by_site_and_observers_are_told() -> None:
    told: list[tuple[str, int, str]] = []

    class Watcher:
        def begin(self, clock: object) -> None: ...
        def point(self, site: str, done: int, row: PointResult) -> None:
            told.append((site, done, row.outcome))
        def event(self, level: str, site: str, text: str) -> None:
            told.append((site, 0, text))
        def stopping(self, text: str) -> None:
            pass

        def reading(self, name: str, value: float, unit: str) -> None:
            told.append((name, int(value), unit))

    kept = Kept()
    record = Recorder(compiled(), cast(Journal, kept), Session(VirtualClock(), (cast(Any, Watcher()),)))
    record.store(point("pass"))
    record.store(point("hang", sequence=1))
    record.store(point("pass", site="B"))
    record.event("warning", "A", "dropped\x1b")
    record.trace("", "chamber.measured_temperature", 25.0, "degC")
    assert told == [("A", 1, "pass"), ("A", 2, "hang"), ("B", 1, "pass"), ("A", 0, "dropped\\x1b"),
                    ("chamber.measured_temperature", 25, "degC")]
    assert record.counts["A"] == {"pass": 1, "hang": 1}
    assert len(kept.events) == len(kept.traces) == 1
