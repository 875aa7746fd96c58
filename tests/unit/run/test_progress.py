"""How long a run will still take, and what earlier runs taught."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded_plans import bench, compiled, point

from labkit.clock import VirtualClock
from labkit.plan.estimate import estimate
from labkit.run.learned import failing_share
from labkit.run.progress import Progress


@pytest.fixture
def progress() -> Progress:
    plan = compiled()
    return Progress(plan, estimate(plan, bench()))


def test_before_the_first_point_it_says_what_the_estimate_says(progress: Progress) -> None:
    e = progress.estimate
    assert progress.total == 24
    assert progress.elapsed_s == 0.0
    assert progress.left_s == pytest.approx(sum(e.barriers_s) + e.points_s + e.recovery_s + e.return_s)


def test_the_time_left_falls_to_the_way_back(progress: Progress) -> None:
    clock = VirtualClock()
    progress.begin(clock)
    left = [progress.left_s]
    for block in range(2):
        clock.sleep(progress.estimate.barriers_s[block])
        for index in range(6):
            clock.sleep(0.1)
            for site in "AB":
                one = point("pass", site=site, sequence=block * 6 + index)
                one.started_s = clock.now() - 0.1
                progress.point(site, block * 6 + index + 1, one)
            left.append(progress.left_s)
    assert left == sorted(left, reverse=True)
    assert min(left) >= 0.0
    assert progress.left_s == pytest.approx(progress.estimate.return_s)
    progress.phase("making safe")
    assert progress.left_s == progress.estimate.return_s
    assert progress.counts["A"] == {"pass": 12}


def test_the_slowest_site_decides(progress: Progress) -> None:
    progress.begin(VirtualClock())
    before = progress.left_s
    for index in range(6):
        progress.point("A", index + 1, point("pass", sequence=index))
    assert progress.left_s == pytest.approx(before, rel=0.2)  # B has not begun
    assert progress.done == {"A": 6, "B": 0}


def test_what_happens_is_kept_and_told(progress: Progress) -> None:
    told: list[tuple[str, str]] = []
    progress.listeners.append(lambda kind, text: told.append((kind, text)))
    for number in range(9):
        progress.event("warning", "A" if number else "", f"event {number}")
    progress.phase("soaking")
    progress.reading("chamber.measured_temperature", 24.96, "degC")
    assert [text for _, _, text in progress.events] == [f"event {n}" for n in range(4, 9)]
    assert told[0] == ("event", "bench: event 0")
    assert told[-1] == ("phase", "soaking")
    assert progress.readings == {"chamber.measured_temperature": "24.96 degC"}


def _run(root: Path, name: str, data: object) -> None:
    folder = root / "2026-11-22" / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(data) if not isinstance(data, str) else data)


def test_the_share_of_failing_points_is_learned_from_complete_runs_of_this_plan(tmp_path: Path) -> None:
    def counts(hang: int, crash: int, good: int) -> dict[str, object]:
        return {"status": "complete", "counts": {"A": {"hang": hang, "pass": good}, "B": {"crash": crash}}}

    assert failing_share(tmp_path, "shmoo") is None
    assert failing_share(tmp_path / "nowhere", "shmoo") is None
    _run(tmp_path, "0001-shmoo", counts(1, 1, 8))
    _run(tmp_path, "0002-shmoo", counts(3, 1, 6))
    _run(tmp_path, "0003-shmoo", {**counts(10, 0, 0), "status": "aborted"})
    _run(tmp_path, "0004-other-shmoo", counts(10, 0, 0))  # another plan whose name ends alike
    for number, broken in enumerate(("", "{", "[]", '{"status": "complete", "counts": [1]}', '{"status": "complete"}')):
        _run(tmp_path, f"{number + 10:04d}-shmoo", broken)
    assert failing_share(tmp_path, "shmoo") == (pytest.approx(0.3), 2)


def test_only_the_latest_five_runs_count(tmp_path: Path) -> None:
    for number in range(8):
        _run(tmp_path, f"{number:04d}-p", {"status": "complete", "counts": {"A": {"hang": int(number < 3), "pass": 1}}})
    assert failing_share(tmp_path, "p") == (0.0, 5)
