import json
import sqlite3
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from labkit.errors import InfrastructureError
from labkit.store import parquet
from labkit.store.parquet import read_columns, read_groups, reading, write_parquet
from labkit.wholefile import whole_file

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from fake_run import SMALL, TJ, V, make_run


def test_every_point_is_written_once_in_order_with_units(tmp_path):
    folder = make_run(tmp_path)
    written = write_parquet(folder / "run.db", folder / "points.parquet", {"run": "0042"})
    table = pq.read_table(folder / "points.parquet")
    assert written == table.num_rows == 2 * 2 * 3 * 4
    keys = list(zip(*(table[name].to_pylist() for name in ("site", "block", "sequence")), strict=True))
    assert keys == sorted(set(keys))
    facts = json.loads(table.schema.metadata[b"labkit"])
    assert facts["format"] == 1
    assert facts["units"][V] == "V"
    assert facts["roles"][TJ] == "measurement"
    assert table.schema.metadata[b"run"] == b"0042"
    assert str(table.schema.field(V).type) == "double"
    assert pq.ParquetFile(folder / "points.parquet").metadata.row_group(0).column(0).compression == "ZSTD"


def test_small_groups_give_the_same_rows_as_one(tmp_path):
    folder = make_run(tmp_path)
    with reading(folder / "run.db") as connection:
        columns = read_columns(connection)
        whole = list(read_groups(connection, columns))
        parts = list(read_groups(connection, columns, rows=7))
    assert len(whole) == 1
    assert [part.num_rows for part in parts] == [7] * 6 + [6]
    assert [row for part in parts for row in part.to_pylist()] == whole[0].to_pylist()


def test_points_in_the_write_ahead_log_of_a_living_writer_are_seen(tmp_path):
    folder = make_run(tmp_path)
    writer = sqlite3.connect(folder / "run.db")
    try:
        writer.execute("INSERT INTO points(site, block, sequence, outcome) VALUES ('Z', 0, 0, 'pass')")
        writer.commit()
        assert (folder / "run.db-wal").stat().st_size > 0
        assert write_parquet(folder / "run.db", tmp_path / "p.parquet", {}) == 49
    finally:
        writer.close()


def test_a_log_that_sqlite_cannot_open_in_place_is_read_from_a_copy(tmp_path, monkeypatch):
    folder = make_run(tmp_path)
    opened = parquet._open

    def refuse(db):
        if db.parent == folder:
            raise sqlite3.OperationalError("unable to open database file")
        return opened(db)

    monkeypatch.setattr(parquet, "_open", refuse)
    assert write_parquet(folder / "run.db", tmp_path / "p.parquet", {}) == 48


def test_reading_a_finished_run_leaves_nothing_behind(tmp_path):
    folder = make_run(tmp_path)
    before = sorted(path.name for path in folder.iterdir())
    write_parquet(folder / "run.db", tmp_path / "p.parquet", {})
    assert sorted(path.name for path in folder.iterdir()) == before == ["run.db", "run.json"]


def test_a_stray_value_of_another_type_becomes_null_and_not_a_crash(tmp_path):
    folder = make_run(tmp_path)
    with sqlite3.connect(folder / "run.db") as db:
        db.execute(f'UPDATE points SET "{V}" = \'what\', reason = 7 WHERE site = \'A\' AND block = 0 AND sequence = 0')
    db.close()
    write_parquet(folder / "run.db", tmp_path / "p.parquet", {})
    first = pq.read_table(tmp_path / "p.parquet").slice(0, 1).to_pylist()[0]
    assert first[V] is None
    assert first["reason"] == "7"


def test_no_database_and_no_table_are_told_apart(tmp_path):
    with pytest.raises(InfrastructureError, match="no such file"), reading(tmp_path / "run.db"):
        pass
    (tmp_path / "junk.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(InfrastructureError, match="cannot be read"), reading(tmp_path / "junk.db"):
        pass
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    assert write_parquet(tmp_path / "empty.db", tmp_path / "p.parquet", {}) == 0


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(target) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(InfrastructureError, match="choose another folder"), whole_file(tmp_path / "no" / "x"):
        pass


def test_small_shape_is_what_the_other_tests_think():
    assert len(SMALL.frequencies) * len(SMALL.voltages) * len(SMALL.temperatures) * len(SMALL.sites) == 48
