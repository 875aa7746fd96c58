import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from labkit.errors import ConfigError
from labkit.store.export import export, file_name, safe_cell
from labkit.store.load import open_run

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from fake_run import I_CORE, make_run

HOSTILE = "\x1b]52;c;aGk=\x07\u202eevil"


def test_csv_has_units_in_its_first_row_and_a_row_a_point(tmp_path):
    run = open_run(make_run(tmp_path))
    target = export(run, "csv", tmp_path / "a.csv")
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(run.points)
    assert float(rows[0]["rails.core.voltage [V]"]) == run.points["rails.core.voltage"][0]
    assert rows[0]["simulated"] == "1"
    assert rows[0]["run"] == "0042-vtf-shmoo"
    assert rows[0]["site"] == "A"
    assert rows[0][f"{I_CORE}.flag"] in ("", "overload")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_text_cell_is_a_formula(text):
    assert safe_cell(text)[0] == "'"
    assert safe_cell(f"a{text}") == f"a{text}"


def test_hostile_text_is_harmless_in_csv_and_whole_in_json(tmp_path):
    run = open_run(make_run(tmp_path, text=HOSTILE))
    run.points.loc[0, "reason"] = "=HYPERLINK(1)" + HOSTILE
    written = export(run, "csv", tmp_path / "a.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK(1)\\x1b]52" in written
    assert not {"\x1b", "\x07", "\u202e"} & set(written)
    written = export(run, "json", tmp_path / "a.json").read_text(encoding="utf-8")
    assert written.isascii()
    assert "\x1b" not in written
    assert json.loads(written)["points"][0]["reason"] == "=HYPERLINK(1)" + HOSTILE


def test_json_holds_run_units_and_points_with_null_for_nan(tmp_path):
    run = open_run(make_run(tmp_path))
    run.points.loc[0, I_CORE] = float("nan")
    run.points.loc[1, I_CORE] = float("inf")

    def refuse(name):
        raise AssertionError(name)

    text = export(run, "json", tmp_path / "a.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    assert found["simulated"] is True
    assert found["units"]["rails.core.voltage"] == "V"
    assert found["plan"]["name"] == "vtf-shmoo"
    assert "source" not in found["plan"]
    assert len(found["points"]) == 48
    assert found["points"][0][I_CORE] is None
    assert found["points"][1][I_CORE] is None
    assert found["points"][0]["judged"] in (True, False)


def test_an_empty_run_exports(tmp_path):
    run = open_run(make_run(tmp_path))
    run = replace(run, points=run.points.iloc[:0])
    assert json.loads(export(run, "json", tmp_path / "a.json").read_text())["points"] == []
    assert len(export(run, "csv", tmp_path / "a.csv").read_text().splitlines()) == 1
    assert pq.read_table(export(run, "parquet", tmp_path / "a.parquet")).num_rows == 0


def test_parquet_keeps_units_and_the_stamp(tmp_path):
    run = open_run(make_run(tmp_path))
    table = pq.read_table(export(run, "parquet", tmp_path / "a.parquet"))
    assert table.num_rows == 48
    assert table.schema.metadata[b"simulated"] == b"true"
    assert json.loads(table.schema.metadata[b"labkit"])["units"]["rails.core.voltage"] == "V"


def test_a_run_name_cannot_lead_out_of_the_folder(tmp_path):
    run = open_run(make_run(tmp_path))
    run.info["run"] = "../../etc/passwd\x00"
    out = tmp_path / "out"
    out.mkdir()
    target = export(run, "csv", out)
    assert target.parent == out
    assert [path.name for path in out.iterdir()] == [target.name]
    assert "/" not in file_name("../../x")
    assert file_name("..") == "run"


def test_unknown_format_and_missing_folder_are_named(tmp_path):
    run = open_run(make_run(tmp_path))
    with pytest.raises(ConfigError, match="did you mean parquet"):
        export(run, "parqet", tmp_path / "a")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="make it first"):
        export(run, "csv", tmp_path / "no" / "a.csv")
