"""The journal: what was acknowledged is on disk, what cannot be stored stops the run, and no row slips between."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import InfrastructureError
from labkit.store.journal import Journal, StoredColumn, quoted

COLUMNS = [StoredColumn("rails.core.voltage", "axis", "V"),
           StoredColumn("readings.tj", "measurement", "degC", flagged=True),
           StoredColumn("rails.core.mode", "condition", text=True)]


def row(sequence: int, site: str = "A", tj: float | None = 25.0) -> list[Any]:
    return [site, 0, sequence, "SN1", 0.75, tj, None, "CV",
            "pass", "", 1, "", "", 1.5, "2000-01-01T00:00:01.500+00:00", 0.5, 1]


def stored(path: Path, what: str = "points") -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(f"SELECT * FROM {what}").fetchall()
    finally:
        db.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "threaded"])
def test_rows_events_and_traces_come_back_as_they_were_put(path: Path, inline: bool) -> None:
    journal = Journal(path, COLUMNS, inline=inline)
    rows = [row(i, tj=None if i == 2 else float(i)) for i in range(5)]
    for one in rows:
        journal.point(one)
    journal.event(1.0, "2000", "warning", "A", "text; with 'quotes' and \n lines, 25 °C")
    journal.trace(2.0, "", "chamber.measured_temperature", 24.9)
    journal.trace(3.0, "", "chamber.measured_temperature", None)
    journal.close()
    journal.close()
    assert not path.with_name("run.db-wal").exists()  # one file to copy (a reader below leaves its own)
    assert stored(path) == [tuple(one) for one in rows]
    assert stored(path, "events") == [(1, 1.0, "2000", "warning", "A", "text; with 'quotes' and \n lines, 25 °C")]
    assert stored(path, "traces") == [(2.0, "", "chamber.measured_temperature", 24.9),
                                      (3.0, "", "chamber.measured_temperature", None)]


def test_the_table_describes_its_columns(path: Path) -> None:
    Journal(path, COLUMNS, inline=True).close()
    names = [name for name, *_ in stored(path, "columns")]
    db = sqlite3.connect(path)
    assert [r[1] for r in db.execute("PRAGMA table_info(points)")] == names
    db.close()
    described = {name: (role, unit) for name, role, unit, _ in stored(path, "columns")}
    assert described["readings.tj"] == ("measurement", "degC")
    assert described["readings.tj.flag"] == ("measurement", "")
    assert described["duration_s"] == ("outcome", "s")


def test_a_thread_commits_within_the_period(path: Path) -> None:
    journal = Journal(path, COLUMNS, inline=False)
    try:
        journal.point(row(0))
        before = time.monotonic()
        while not stored(path):
            assert time.monotonic() - before < 1.0
            time.sleep(0.002)
    finally:
        journal.close()


def test_inline_rows_are_committed_at_the_latest_after_five_hundred_or_a_period(path: Path) -> None:
    journal = Journal(path, COLUMNS, inline=True)
    for i in range(1100):
        journal.point(row(i))
        assert len(journal._pending) < 500
    assert len(stored(path)) > 600
    time.sleep(0.045)
    journal.point(row(1100))
    assert len(stored(path)) == 1101
    journal.point(row(1101))
    journal.flush()
    assert len(stored(path)) == 1102
    journal.close()


def test_no_row_slips_between_two_commits(path: Path) -> None:
    # The producer and the writer meet at the pending rows; switching threads as often as possible makes them collide.
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    journal = Journal(path, COLUMNS, inline=False)
    stop = threading.Event()

    def flushes() -> None:
        while not stop.is_set():
            journal.flush()

    try:
        other = threading.Thread(target=flushes)
        other.start()
        for i in range(4000):
            journal.point(row(i))
        stop.set()
        other.join()
    finally:
        sys.setswitchinterval(switch)
        journal.close()
    assert [r[2] for r in stored(path)] == list(range(4000))


def test_the_same_point_twice_is_an_error_and_not_a_silent_overwrite(path: Path) -> None:
    journal = Journal(path, COLUMNS, inline=True)
    journal.point(row(0, tj=1.0))
    journal.flush()
    journal.point(row(0, tj=2.0))
    with pytest.raises(InfrastructureError, match="UNIQUE"):
        journal.flush()
    journal.close()
    assert [r[5] for r in stored(path)] == [1.0]


def _fill_the_disk(journal: Journal) -> None:
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")


def test_a_full_disk_loses_nothing_that_was_committed_and_stops_the_run(path: Path) -> None:
    journal = Journal(path, COLUMNS, inline=True)
    for i in range(20):
        journal.point(row(i))
    journal.flush()
    _fill_the_disk(journal)
    for i in range(20, 400):
        journal.point([*row(i)[:9], "x" * 500, *row(i)[10:]])
        if len(journal._pending) == 0:
            break
    with pytest.raises(InfrastructureError, match=r"cannot be written: database or disk is full; free some space"):
        journal.flush()
    with pytest.raises(InfrastructureError, match="free some space, then run again"):
        journal.point(row(1000))
    with pytest.raises(InfrastructureError, match="free some space"):
        journal.event(1.0, "", "error", "", "text")
    journal.close()
    assert [r[2] for r in stored(path)][:20] == list(range(20))


def test_a_full_disk_in_the_writer_thread_is_told_at_the_next_put(path: Path) -> None:
    journal = Journal(path, COLUMNS, inline=False)
    journal.point(row(0))
    journal.flush()
    _fill_the_disk(journal)
    with pytest.raises(InfrastructureError, match="disk is full"):
        for i in range(1, 5000):
            journal.point([*row(i)[:9], "x" * 500, *row(i)[10:]])
            time.sleep(0.001)
    journal.close()
    assert stored(path)[0][2] == 0


@pytest.mark.parametrize("value", [10**30, object(), "lone \ud800"], ids=["big", "object", "surrogate"])
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "threaded"])
def test_a_value_that_cannot_be_stored_is_told_and_not_swallowed(path: Path, inline: bool, value: Any) -> None:
    journal = Journal(path, COLUMNS, inline=inline)
    journal.point(row(0))
    journal.flush()
    with pytest.raises(InfrastructureError, match="cannot be written"):
        for i in range(1, 1000):
            journal.point([*row(i)[:5], value, *row(i)[6:]])
            time.sleep(0.001)
    with pytest.raises(InfrastructureError):
        journal.point(row(2000))
    journal.close()
    assert [r[2] for r in stored(path)] == [0]


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "threaded"])
def test_a_row_after_the_end_is_refused(path: Path, inline: bool) -> None:
    journal = Journal(path, COLUMNS, inline=inline)
    journal.close()
    with pytest.raises(InfrastructureError, match="was closed; a row that comes now would be lost"):
        journal.point(row(0))


def test_a_folder_that_is_not_there_and_a_file_that_is(tmp_path: Path, path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"cannot be made: .*; does its folder exist"):
        Journal(tmp_path / "nowhere" / "run.db", COLUMNS, inline=True)
    Journal(path, COLUMNS, inline=True).close()
    with pytest.raises(InfrastructureError, match="already exists"):
        Journal(path, COLUMNS, inline=True)
    path.write_bytes(b"no database, and long enough to be seen as none" * 100)
    with pytest.raises(InfrastructureError, match="cannot be written"):
        Journal(path, COLUMNS, inline=True)


def test_names_are_quoted() -> None:
    assert quoted('a"b; DROP TABLE x') == '"a""b; DROP TABLE x"'
