"""A lab folder as `labkit init` makes it: runs as it is, is found from below, and never overwrites."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.system.serving import labkit


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init") / "my lab"
    done = labkit("init", str(folder), cwd=folder.parent)
    assert done.returncode == 0 and "labkit run my-plan --sim" in done.stdout, done.stderr
    return folder


def test_the_plan_runs_simulated_as_it_is(lab: Path) -> None:
    done = labkit("run", "my-plan", "--bench", "my-bench", "--sim", "--json", cwd=lab)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["verdict"] == "pass" and said["wall_s"] < 10, done.stderr
    assert (lab / said["folder"] / "report.html").exists() and said["folder"].startswith("runs")


def test_the_commands_of_its_readme_work_in_order(lab: Path) -> None:
    commands = [line.removeprefix("$ labkit ") for line in (lab / "README.md").read_text().splitlines()
                if line.startswith("$ labkit ")]
    assert len(commands) == 3
    for command in commands:
        done = labkit(*command.split(), cwd=lab)
        assert done.returncode == 0 and done.stdout.strip(), done.stderr


def test_folders_below_find_the_lab_folder(lab: Path) -> None:
    done = labkit("run", "my-plan", "--sim", "--json", cwd=lab / "boards")
    assert done.returncode == 0, done.stderr
    assert (lab / "boards" / json.loads(done.stdout)["folder"]).resolve().is_relative_to(lab.resolve() / "runs")
    assert not (lab / "boards" / "runs").exists()


def test_options_and_environment_win_over_labkit_toml(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = labkit("check", "my-plan", "--bench", "duo", "--json", cwd=lab)
    assert json.loads(done.stdout)["bench"] == "duo", done.stderr
    monkeypatch.setenv("LABKIT_BENCH", "duo")
    monkeypatch.setenv("LABKIT_RUNS", "elsewhere")
    assert json.loads(labkit("check", "my-plan", "--json", cwd=lab).stdout)["bench"] == "duo"
    assert "no runs under elsewhere" in labkit("runs", cwd=lab).stdout


def test_an_own_file_goes_before_a_shipped_one_of_that_name(lab: Path) -> None:
    own = lab / "vtf-shmoo.yaml"
    own.write_text((lab / "my-plan.yaml").read_text().replace("plan: my-plan", "plan: vtf-shmoo"))
    try:
        said = json.loads(labkit("check", "vtf-shmoo", "--bench", "duo", "--json", cwd=lab).stdout)
    finally:
        own.unlink()
    assert said["points"] == 2 * json.loads(labkit("check", "my-plan", "--json", cwd=lab).stdout)["points"]


def test_nothing_is_overwritten(lab: Path) -> None:
    before = {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}
    done = labkit("init", str(lab), cwd=lab.parent)
    assert done.returncode == 2 and "my-plan.yaml" in done.stderr and "nothing is overwritten" in done.stderr
    assert {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()} == before


def test_an_existing_folder_with_other_files_is_filled(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = labkit("init", ".", cwd=tmp_path)
    assert done.returncode == 0 and "cd ." not in done.stdout, done.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine" and (tmp_path / "labkit.toml").exists()


def test_one_file_in_the_way_keeps_the_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "duts.csv").write_text("mine")
    done = labkit("init", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2 and "holds duts.csv already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["duts.csv"]
    (tmp_path / "file").write_text("")
    assert "is a file" in labkit("init", str(tmp_path / "file"), cwd=tmp_path).stderr


def test_the_list_of_boards_names_the_simulated_one(lab: Path) -> None:
    with (lab / "duts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["serial", "lot", "wafer", "x", "y", "firmware", "rework", "note"]
    assert rows[0]["serial"] == "SIM-A" and not any(None in row for row in rows)


def test_the_doctor_finds_a_new_lab_folder_well(lab: Path) -> None:
    done = labkit("doctor", "--json", cwd=lab)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["problems"] == 0, done.stdout
    assert {"python", "packages", "visa", "serial", "disk", "runs", "journal", "clock", "terminal", "drivers", "lab",
            "bench", "boards"} == {check["check"] for check in said["checks"]}
    assert not list(lab.glob(".labkit-doctor*"))


def test_the_doctor_ends_with_3_where_something_is_broken(tmp_path: Path) -> None:
    (tmp_path / "labkit.toml").write_text('driver_folders = ["."]\n[drivers]\nacme-supply = "acme_supply:Supply"\n')
    (tmp_path / "acme_supply.py").write_text("import acme_protocol_that_nobody_has\n")
    done = labkit("doctor", "--bench", "dou", cwd=tmp_path)
    assert done.returncode == 3 and done.stderr == ""
    assert "problem  drivers   the driver 'acme-supply' (acme_supply:Supply) cannot be imported" in done.stdout
    assert 'acme_supply.py", line 1, in <module>' in done.stdout and "did you mean duo?" in done.stdout


def test_a_driver_of_the_lab_folder_is_as_good_as_an_installed_one(lab: Path, tmp_path: Path) -> None:
    for path in lab.rglob("*"):
        if path.suffix == ".yaml":
            (tmp_path / path.relative_to(lab)).parent.mkdir(exist_ok=True)
            (tmp_path / path.relative_to(lab)).write_text(path.read_text().replace("keysight-e36312a", "acme-supply"))
    (tmp_path / "labkit.toml").write_text(
        'driver_folders = ["drivers"]\n[drivers]\nacme-supply = "acme_supply:Supply"\n'
        '[twins]\nacme-supply = "acme_supply:Twin"\n')
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "acme_supply.py").write_text(
        "from labkit_instruments.power_supply.keysight_e36312a import E36312A as Supply\n"
        "from labkit_instruments.power_supply.keysight_e36312a_sim import E36312ATwin as Twin\n")
    done = labkit("run", "my-plan", "--bench", "my-bench", "--sim", "--json", "--no-report", cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["verdict"] == "pass", done.stderr
    assert "acme-supply" in labkit("drivers", cwd=tmp_path).stdout
