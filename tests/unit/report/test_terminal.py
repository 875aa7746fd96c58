import io

import pytest
from fake_run import SMALL, Shape, make_run
from rich.console import Console

from labkit.analysis.shmoo import shmoo_matrices
from labkit.report.terminal import render_runs, render_shmoo, render_shmoos, render_summary
from labkit.report.words import MARKS, scale_for
from labkit.store.load import list_runs, open_run

HOSTILE = "[bold]x[/] \x1b[2J\x1b]52;c;aGk=\x07\u202e"


def shown(renderable, width=120):
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_voltage_rises_upwards_with_units_box_and_nominal(tmp_path):
    run = open_run(make_run(tmp_path))
    text = shown(render_shmoo(shmoo_matrices(run.points, run.info)[0], color=False, width=80, run=run.name))
    lines = text.splitlines()
    labels = [line.split()[0] for line in lines if line[:4].strip().isdigit() and line[3] == " "]
    assert labels == ["800", "750", "700", "650"]
    assert "core voltage [mV]" in text
    assert "core frequency [GHz]" in text
    assert "SIM-A  site A\nchamber temperature 25 degC\n" in text
    assert "┌" in text
    assert "◆ nominal (core voltage 750 mV, core frequency 1.6 GHz)" in text
    assert next(line for line in lines if line.startswith("750")).endswith("◂")
    assert run.name in text


@pytest.mark.parametrize("unicode", [True, False])
def test_not_tested_never_looks_like_a_fail_and_every_outcome_has_its_own_mark(unicode):
    marks = [mark.glyph if unicode else mark.plain for mark in MARKS.values()]
    assert len(set(marks)) == len(marks)
    assert len({mark.colour for mark in MARKS.values()}) == len(marks)
    assert unicode or all(mark.isascii() for mark in marks)


def test_plain_output_is_ascii_and_without_colour(tmp_path):
    run = open_run(make_run(tmp_path))
    text = render_shmoos(shmoo_matrices(run.points, run.info), color=False, width=100, unicode=False, run=run.name)
    assert text.plain.isascii()
    assert not any(span.style for span in text.spans)
    assert any(span.style for span in render_shmoos(
        shmoo_matrices(run.points, run.info), color=True, width=100).spans)


@pytest.mark.parametrize(("width", "most"), [(200, 200), (100, 100), (60, 60), (40, 40), (30, 31)])
def test_the_map_keeps_to_the_width_and_folds_columns_to_the_worst(tmp_path, width, most):
    run = open_run(make_run(tmp_path, Shape(temperatures=(25.0, 85.0))))
    text = render_shmoos(shmoo_matrices(run.points, run.info), color=False, width=width)
    maps = [line for line in text.plain.splitlines() if "│" in line or "└" in line]
    assert max(len(line.rstrip()) for line in maps) <= most
    assert ("the worst is shown" in text.plain) == (width == 30)
    beside = any(line.count("900 │") == 2 for line in maps)
    assert beside == (width >= 100)


def test_one_site_is_never_beside_another(tmp_path):
    run = open_run(make_run(tmp_path))
    text = render_shmoos(shmoo_matrices(run.points, run.info), color=False, width=200).plain
    assert not any("site A" in line and "site B" in line for line in text.splitlines())
    assert any(line.count("site A") == 2 for line in text.splitlines())


def test_foreign_text_reaches_no_terminal_raw(tmp_path):
    run = open_run(make_run(tmp_path, text=HOSTILE))
    run.info["sites"]["A"]["dut"] = HOSTILE
    text = shown(render_summary(run)) + shown(render_runs(list_runs(tmp_path)))
    text += shown(render_shmoos(shmoo_matrices(run.points, run.info), color=True, width=100, run=HOSTILE))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[bold]x[/]" in text


def test_the_summary_says_verdict_counts_stamp_and_folder(tmp_path):
    folder = make_run(tmp_path)
    run = open_run(folder)
    text = shown(render_summary(run), width=250)
    assert run.info["verdict"].upper() in text
    assert "SIMULATED" in text
    assert str(folder) in text
    assert str(int(((run.points["site"] == "A") & (run.points["outcome"] == "pass")).sum())) in text
    run.info.clear()
    assert "UNSET" in shown(render_summary(run))
    run.info.update(safe={"verified": False, "text": "psu_a does not answer"})
    assert "NOT VERIFIED SAFE: psu_a does not answer" in shown(render_summary(run))


def test_nothing_to_show_is_said(tmp_path):
    assert "no runs yet" in shown(render_runs([]))
    assert "no shmoo" in render_shmoos([], color=False, width=80).plain


@pytest.mark.parametrize(("values", "unit", "text"), [
    ((0.55, 0.56, 0.9), "V", "550 mV"), ((1.0e9, 1.05e9, 2.2e9), "Hz", "1.00 GHz"), ((-40.0, 25.0), "degC", "-40 degC"),
    ((0.0,), "V", "0 V"), ((0.99, 1.05), "V", "0.99 V"), ((), "Hz", ""), ((3.0,), "", "3"),
])
def test_an_axis_has_one_prefix_and_as_few_decimals_as_needed(values, unit, text):
    scale = scale_for(values, unit)
    assert not values or scale.text(values[0]) == text


def test_the_small_run_has_two_slices_a_site(tmp_path):
    run = open_run(make_run(tmp_path))
    assert len(shmoo_matrices(run.points, run.info)) == len(SMALL.temperatures) * len(SMALL.sites)
