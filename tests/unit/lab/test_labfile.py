"""labkit.toml: found from below, strict, with the line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.bench.load import find_file, own
from labkit.errors import ConfigError
from labkit.instrument.registry import driver, names
from labkit.labfile import find_lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder: Path, text: str) -> str:
    (folder / "labkit.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        found = find_lab()
        assert found is not None
        print(found.plan_folders, found.driver_folders)
    return str(problem.value)


def test_outside_a_lab_folder_there_is_none(lab: Path) -> None:
    assert find_lab() is None
    assert own("plan") == {}


def test_an_empty_file_makes_a_lab_folder_with_defaults(lab: Path) -> None:
    (lab / "labkit.toml").write_text("")
    found = find_lab()
    assert found is not None
    assert (found.runs, found.plan_folders, found.driver_folders) == (Path("runs"), [Path()], [])
    assert (found.file.bench, found.file.station) == ("", "")


def test_from_below_the_paths_lead_back(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab / "labkit.toml").write_text('runs = "data"')
    (lab / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(lab / "a" / "b")
    found = find_lab()
    assert found is not None and found.runs == Path("../../data")


def test_the_nearest_one_counts(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab / "a").mkdir()
    (lab / "labkit.toml").write_text('station = "outer"')
    (lab / "a" / "labkit.toml").write_text('station = "inner"')
    monkeypatch.chdir(lab / "a")
    found = find_lab()
    assert found is not None and found.file.station == "inner"


@pytest.mark.parametrize(("text", "said"), [
    ('\nsation = "x"', "labkit.toml:2: sation: unknown key 'sation'; did you mean station?"),
    ("runs = 5", "labkit.toml:1: runs: expected text here, found 5; put it in quotes"),
    ('runs = " "', "labkit.toml:1: runs: the name of the folder is empty; write one"),
    ("# one\n# two\nruns = runs", "labkit.toml:3: is not TOML: invalid value; write key"),
    ('runs = "x', "labkit.toml:1: is not TOML: "),
    ('runs = "x"\nruns = "y"', "labkit.toml:2: a key or table stands here a second time; keep one"),
    ("[drivers]\n[drivers]", "labkit.toml:2: a key or table stands here a second time; keep one"),
    ('[drivers]\na = "b"', "labkit.toml:2: drivers.a: 'b' names no class; write it like \"my_supply:MySupply\""),
    ('[drivers]\n"a.b" = 3', "labkit.toml:2: drivers.a.b: expected text here, found 3"),
    ('[twins]\na = "b:C"', "labkit.toml:2: twins.a: this twin has no driver of its name; add one"),
    ('plan_folders = ["plans"]', "labkit.toml:1: plan_folders: there is no folder 'plans' beside this file; make it"),
    ('driver_folders = ["x"]', "labkit.toml:1: driver_folders: there is no folder 'x'"),
    ("plan_folders = [" * 3000, "labkit.toml"),
])
def test_a_file_that_is_wrong_names_the_line(lab: Path, text: str, said: str) -> None:
    assert refused(lab, text).startswith(said)


def test_a_windows_file_with_a_byte_order_mark_is_read(lab: Path) -> None:
    (lab / "labkit.toml").write_bytes(b'\xef\xbb\xbfstation = "x"\r\nruns = "y"\r\n')
    found = find_lab()
    assert found is not None and (found.file.station, found.file.runs) == ("x", "y")


def test_own_files_go_before_shipped_ones_and_a_file_without_its_key_is_not_passed_over(lab: Path) -> None:
    (lab / "labkit.toml").write_text("")
    (lab / "vtf-shmoo.yaml").write_text("plan: vtf-shmoo\n")
    (lab / "benches").mkdir()
    (lab / "benches" / "duo.yaml").write_text("bench: duo\n")
    assert find_file("vtf-shmoo", "plan") == Path("vtf-shmoo.yaml")
    assert find_file("duo", "bench", [Path("elsewhere")]) == Path("benches/duo.yaml")
    assert (own("plan"), own("bench")) == (
        {"vtf-shmoo": Path("vtf-shmoo.yaml")}, {"duo": Path("benches/duo.yaml")})
    (lab / "vtf-shmoo.yaml").write_text("pln: vtf-shmoo\n")
    assert find_file("vtf-shmoo", "plan") == Path("vtf-shmoo.yaml"), "the shipped plan must not run in its place"
    (lab / "vtf-shmoo.yaml").write_text("bench: vtf-shmoo\n")
    assert find_file("vtf-shmoo", "plan").is_absolute(), "a bench of that name hides no plan"
    with pytest.raises(ConfigError, match=r"there is no plan 'duos'; a path to a \.yaml file works too; did you mean"):
        (lab / "duo.yaml").write_text("plan: duo\n")
        find_file("duos", "plan")


def test_a_board_beside_its_bench_goes_before_that_of_the_lab_folder(lab: Path) -> None:
    (lab / "labkit.toml").write_text("")
    for folder in ("boards", "other/boards"):
        (lab / folder).mkdir(parents=True)
        (lab / folder / "b.yaml").write_text("board: b\n")
    assert find_file("b", "board", [Path("other")]) == Path("other/boards/b.yaml")
    assert find_file("b", "board") == Path("boards/b.yaml")


def test_an_own_driver_is_found_and_cannot_take_the_name_of_an_installed_one(lab: Path) -> None:
    (lab / "drivers").mkdir()
    (lab / "drivers" / "acme_supply_for_tests.py").write_text(
        "from labkit_instruments.power_supply.keysight_e36312a import E36312A\n\n\nclass Supply(E36312A):\n    pass\n")
    (lab / "labkit.toml").write_text(
        'driver_folders = ["drivers"]\n[drivers]\nacme-supply = "acme_supply_for_tests:Supply"\n')
    assert "acme-supply" in names() and driver("acme-supply").kind == "power-supply"
    (lab / "labkit.toml").write_text('[drivers]\nkeysight-e36312a = "acme_supply_for_tests:Supply"\n')
    with pytest.raises(ConfigError, match=r"labkit\.toml:2: drivers\.keysight-e36312a: an installed driver has"):
        names()
