"""Run folders: numbered without gaps in meaning, also when two begin at once; whole or as they were."""

from __future__ import annotations

import json
import threading
from datetime import date
from pathlib import Path

import pytest

from labkit.errors import InfrastructureError
from labkit.store import folder as folders
from labkit.store.folder import new_run_folder, read_json, run_folders, write_json

DAY = date(2026, 11, 22)


def test_numbers_go_on_over_days_and_plans(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    assert list(run_folders(root)) == []
    made = [new_run_folder(root, plan, day) for plan, day in (
        ("a", DAY), ("b", DAY), ("a", date(2026, 11, 23)))]
    assert [str(m.relative_to(root)) for m in made] == ["2026-11-22/0001-a", "2026-11-22/0002-b", "2026-11-23/0003-a"]
    assert list(run_folders(root)) == made[::-1]  # newest first


def test_what_is_no_run_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "2026-11-22").mkdir()
    (tmp_path / "2026-11-23").write_text("a file with the name of a day")
    (tmp_path / "2026-11-22" / "readme.txt").write_text("x")
    assert list(run_folders(tmp_path)) == []
    assert new_run_folder(tmp_path, "a", DAY).name == "0001-a"
    (tmp_path / "2026-11-22" / "12345-long").mkdir()
    assert new_run_folder(tmp_path, "a", DAY).name == "12346-a"


def test_runs_that_start_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    made: list[Path] = []
    start = threading.Barrier(8)

    def begin(number: int) -> None:
        start.wait()
        made.extend(new_run_folder(tmp_path, f"plan{number % 3}", DAY) for _ in range(5))

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [int(m.name.partition("-")[0]) for m in made]
    assert len(set(numbers)) == 40
    assert len(list(run_folders(tmp_path))) == 40


def test_a_rival_of_another_plan_that_came_between_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another process makes 0001-other after this one looked and before it made its own.
    make = Path.mkdir

    def mkdir(self: Path, *args: object, **kwargs: object) -> None:
        if self.name == "0001-mine":
            make(self.with_name("0001-other"))
        make(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert new_run_folder(tmp_path, "mine", DAY).name == "0002-mine"
    assert sorted(f.name for f in run_folders(tmp_path)) == ["0001-other", "0002-mine"]


def test_a_place_where_no_folder_can_be_made_names_the_option(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(InfrastructureError, match=r"no run folder can be made under .*; choose another with --runs"):
        new_run_folder(blocked, "a", DAY)


def test_a_json_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / folders.RUN_JSON
    write_json(path, {"status": "running", "note": "25 °C"})
    assert read_json(path) == {"status": "running", "note": "25 °C"}
    for broken in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, broken)
        assert read_json(path)["status"] == "running"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]  # nothing half written stays


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"n": -1, "fill": "x" * 20000})
    stop, problems = threading.Event(), [""][:0]

    def reads() -> None:
        while not stop.is_set():
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                problems.append(str(error))

    reader = threading.Thread(target=reads)
    reader.start()
    for n in range(50):
        write_json(path, {"n": n, "fill": "x" * 20000})
    stop.set()
    reader.join()
    assert problems == []


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00", '{"a": 1'])
def test_a_broken_or_missing_json_is_an_empty_object(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    assert read_json(path) == {}
    path.write_text(text)
    assert read_json(path) == {}
    path.write_bytes(b"\xff\xfe")
    assert read_json(path) == {}
