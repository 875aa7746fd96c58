"""The flagship plan on the simulated bench, as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import labkit as lk
from tests.system.serving import labkit

KEYS = ["site", "block", "sequence"]
TIMES = ["t_s", "utc", "duration_s"]


def points(folder: Path, *args: str) -> pd.DataFrame:
    done = labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", "--no-report", *args, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    return lk.load(folder / json.loads(done.stdout)["folder"])


@pytest.fixture(scope="module")
def flagship(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("flagship")
    done = labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_last_line_is_one_json_object_with_what_the_run_came_to(flagship: tuple[Path, dict[str, object]]) -> None:
    folder, said = flagship
    assert {"run", "folder", "verdict", "points", "virtual_s", "wall_s", "simulated"} <= set(said)
    assert said["verdict"] == "pass" and said["simulated"] is True
    assert sum(said["points"].values()) == 5400
    assert said["virtual_s"] > 3600 > 60 > said["wall_s"]
    assert (folder / str(said["folder"]) / "report.html").stat().st_size > 1_000_000


def test_the_run_folder_holds_every_point_once_with_units(flagship: tuple[Path, dict[str, object]]) -> None:
    folder, said = flagship
    frame = lk.load(folder / str(said["folder"]))
    assert len(frame) == 5400 and not frame.duplicated(KEYS).any()
    assert frame.groupby(["site", "block"]).size().eq(900).all()
    assert frame.attrs["units"]["rails.core.voltage"] == "V" and frame.attrs["simulated"] is True
    measured = frame[frame.outcome == "pass"]
    assert measured["rails.core.measured_current"].between(0.1, 4.5).all()
    assert (measured["rails.core.mode"] == "CV").all()
    # Remote sense: the rail is where it was asked to be, within what a bench supply promises.
    assert (measured["rails.core.measured_voltage"] - measured["rails.core.voltage"]).abs().max() < 0.005
    assert (measured["chamber.measured_temperature"] - measured["chamber.temperature"]).abs().max() < 2.0


def test_the_edge_is_where_physics_puts_it(flagship: tuple[Path, dict[str, object]]) -> None:
    folder, said = flagship
    frame = lk.load(folder / str(said["folder"]))
    passing = frame[frame.outcome.isin(["pass", "marginal"])]
    vmin = passing.groupby(["site", "chamber.temperature", "clocks.core.frequency"])["rails.core.voltage"].min()
    for _, of_slice in vmin.groupby(level=[0, 1]):
        rising = of_slice.to_numpy()
        assert rising[-1] - rising[0] > 0.1, "faster clocks need more voltage"
    # Temperature inversion: at a low clock's edge the cold board needs more voltage than the hot one.
    for site in ("A", "B"):
        assert vmin[site, -40.0, 1.7e9] > vmin[site, 85.0, 1.7e9]


def test_the_same_command_twice_gives_the_same_points_bit_for_bit(
        flagship: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, said = flagship
    pd.testing.assert_frame_equal(points(tmp_path), lk.load(folder / str(said["folder"])), check_exact=True)


def test_another_seed_gives_other_parts_and_the_same_keys(
        flagship: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, said = flagship
    first, second = lk.load(folder / str(said["folder"])), points(tmp_path, "--seed", "7")
    pd.testing.assert_frame_equal(first[KEYS], second[KEYS])
    assert (first.outcome != second.outcome).any()


def test_without_memory_a_site_gives_the_same_points_alone_together_and_in_part(tmp_path: Path) -> None:
    together = points(tmp_path, "--world", "memoryless").drop(columns=TIMES)
    of_a = together[together.site == "A"].reset_index(drop=True)
    alone = points(tmp_path, "--world", "memoryless", "--site", "A").drop(columns=TIMES)
    pd.testing.assert_frame_equal(alone, of_a, check_exact=True)
    hot = points(tmp_path, "--world", "memoryless", "--site", "A", "-e", "chamber.temperature=85 degC")
    values = [c for c in alone.columns if c not in ("block", "sequence")]
    pd.testing.assert_frame_equal(
        hot[values], of_a[of_a["chamber.temperature"] == 85.0][values].reset_index(drop=True), check_exact=True)


def test_with_full_physics_a_site_alone_has_the_same_keys(
        flagship: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, said = flagship
    together = lk.load(folder / str(said["folder"]))
    alone = points(tmp_path, "--site", "B")
    pd.testing.assert_frame_equal(alone[KEYS], together[together.site == "B"][KEYS].reset_index(drop=True))


def test_the_estimate_without_recoveries_is_within_a_tenth(tmp_path: Path) -> None:
    # A window in which no board fails: the estimate's time without recoveries is then the run's own.
    quiet = ["-e", "rails.core.voltage=0.90 V : 0.80 V : -5 mV"]
    said = json.loads(labkit("check", "vtf-shmoo", "--bench", "duo", "--json", *quiet, cwd=tmp_path).stdout)
    run = json.loads(labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", *quiet, cwd=tmp_path).stdout)
    assert set(run["points"]) == {"pass"}
    assert said["without_recoveries_s"] == pytest.approx(run["virtual_s"], rel=0.10)


def test_the_share_of_failing_points_is_learned_from_earlier_runs(tmp_path: Path) -> None:
    before = json.loads(labkit("check", "vtf-shmoo", "--bench", "duo", "--json", cwd=tmp_path).stdout)
    run = json.loads(labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--json", cwd=tmp_path).stdout)
    after = json.loads(labkit("check", "vtf-shmoo", "--bench", "duo", "--json", cwd=tmp_path).stdout)
    share = (run["points"]["hang"] + run["points"]["crash"]) / 5400
    assert before["failing_source"].startswith("assumed") and after["failing_source"].startswith("learned from 1")
    assert after["failing_share"] == pytest.approx(share)
    assert abs(after["total_s"] - run["virtual_s"]) < abs(before["total_s"] - run["virtual_s"])


@pytest.mark.parametrize("command", [
    ["runs"], ["show"], ["shmoo"], ["report"], ["export", "--to", "csv"], ["export", "--to", "json"],
    ["export", "--to", "parquet"], ["drivers"], ["schema", "plan"], ["show", "--json"], ["runs", "--json"],
])
def test_every_command_reads_the_last_run(flagship: tuple[Path, dict[str, object]], command: list[str]) -> None:
    folder, said = flagship
    done = labkit(*command, cwd=folder)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
    if command[0] in ("runs", "show"):
        assert str(said["run"]) in done.stdout
