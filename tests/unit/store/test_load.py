import json
import sys
from pathlib import Path

import pytest

from labkit.errors import ConfigError
from labkit.store.load import find_run, list_runs, load, open_run
from labkit.store.parquet import write_parquet

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from fake_run import I_CORE, Shape, V, make_run

TINY = {"temperatures": (25.0,), "frequencies": (1.0e9,), "voltages": (0.8, 0.7), "sites": ("A",)}


def test_journal_and_parquet_give_the_same_frame(tmp_path):
    folder = make_run(tmp_path)
    before = open_run(folder)
    write_parquet(folder / "run.db", folder / "points.parquet", {})
    after = open_run(folder)
    assert before.points.equals(after.points)
    assert before.points.attrs == after.points.attrs
    assert before.points.attrs["units"][V] == "V"
    assert before.points.attrs["simulated"] is True
    assert before.points.attrs["run"] == before.name == "0042-vtf-shmoo"
    assert len(before.events) >= 1
    assert set(before.traces["name"]) == {"chamber.measured_temperature"}
    (folder / "run.db").unlink()
    alone = open_run(folder)
    assert alone.points.equals(before.points)
    assert alone.events.empty


def test_a_running_run_is_read_from_its_journal_though_an_old_parquet_stands_there(tmp_path):
    folder = make_run(tmp_path, Shape(status="running", **TINY))
    (folder / "points.parquet").write_bytes(b"PAR1 cut short")
    assert len(open_run(folder).points) == 2


def test_a_torn_parquet_falls_back_to_the_journal(tmp_path):
    folder = make_run(tmp_path)
    (folder / "points.parquet").write_bytes(b"PAR1 cut short")
    assert len(open_run(folder).points) == 48


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"plan": 3, "sites": [], "counts": null, "run": null}'])
def test_any_run_json_is_survived(tmp_path, text):
    folder = make_run(tmp_path)
    (folder / "run.json").write_text(text)
    run = open_run(folder)
    assert len(run.points) == 48
    assert run.name == "0042-vtf-shmoo"
    assert not run.simulated
    assert list_runs(tmp_path)[0].plan == "vtf-shmoo"


def test_a_run_killed_before_its_first_point_is_empty_with_the_standing_columns(tmp_path):
    folder = tmp_path / "2026-11-22" / "0001-x"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "running"}')
    points = open_run(folder).points
    assert points.empty
    assert {"site", "outcome", "judged", "t_s"} <= set(points.columns)


def test_load_takes_whatever_find_run_takes(tmp_path):
    folder = make_run(tmp_path)
    for run in ("42", "0042-vtf", "last", str(folder), folder, open_run(folder)):
        points = load(run, tmp_path)
        assert points[I_CORE].dtype == float
        assert points["judged"].dtype == bool


def test_runs_are_found_by_number_name_plan_day_and_last(tmp_path):
    old = make_run(tmp_path, Shape(number=9, **TINY), day="2026-11-21")
    new = make_run(tmp_path, Shape(number=10, **TINY), day="2026-11-22")
    assert find_run("9", tmp_path) == find_run("0009", tmp_path) == old
    assert find_run("2026-11-21/0009", tmp_path) == old
    assert find_run("last", tmp_path) == find_run("vtf-shmoo", tmp_path) == new
    assert [run.name for run in list_runs(tmp_path)] == ["0010-vtf-shmoo", "0009-vtf-shmoo"]
    assert [run.name for run in list_runs(tmp_path, limit=1)] == ["0010-vtf-shmoo"]


def test_what_cannot_be_found_is_said_with_near_matches(tmp_path):
    with pytest.raises(ConfigError, match="no run under"):
        find_run("last", tmp_path)
    make_run(tmp_path, Shape(number=9, **TINY), day="2026-11-21")
    make_run(tmp_path, Shape(number=9, **TINY), day="2026-11-22")
    with pytest.raises(ConfigError, match=r"fits 2 runs \(2026-11-22/0009-vtf-shmoo, 2026-11-21/0009"):
        find_run("9", tmp_path)
    with pytest.raises(ConfigError, match="did you mean 0009-vtf-shmoo"):
        find_run("0009-vtf-shmop", tmp_path)
    with pytest.raises(ConfigError, match="not that of a run"):
        find_run(str(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match="is not a run folder"):
        open_run(tmp_path)


def test_listing_opens_only_what_it_shows(tmp_path, monkeypatch):
    for number in range(1, 6):
        make_run(tmp_path, Shape(number=number, **TINY))
    opened = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda text: opened.append(1) or loads(text))
    runs = list_runs(tmp_path, limit=2)
    assert [run.name for run in runs] == ["0005-vtf-shmoo", "0004-vtf-shmoo"]
    assert len(opened) == 2
    assert runs[0].duts == ("SIM-A",)
    assert sum(runs[0].counts.values()) == 2
