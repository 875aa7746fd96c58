import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from fake_run import Shape, make_run

from labkit.analysis.shmoo import shmoo_matrices
from labkit.report.html import report_page, write_report
from labkit.report.plots import edge_figure, hover_texts, shmoo_figure, thinned, timeline_figure
from labkit.store.load import RunData, open_run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e%{x}"


def body_of(page: str) -> str:
    """Return the page without plotly's own script."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def figures_of(page: str):
    return json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def run(tmp_path) -> RunData:
    return open_run(make_run(tmp_path))


def test_the_page_says_what_an_engineer_looks_for_and_failures_come_first(run):
    page = body_of(report_page(run))
    wanted = ["SIMULATED", "What was run", "Failures", "Shmoo", "Edge", "Current and temperature", "Settling",
              "Outcomes", "Recoveries", "Provenance"]
    assert [page.index(word) for word in wanted] == sorted(page.index(word) for word in wanted)
    for text in ("SIM-A", "Keysight Technologies", "SIM0001", "2.1.3", "2027-03-01", "ab" * 32, "f189ac7+dirty",
                 "bench: duo", "core measured current ≤ 4.2 A", "No hardware was measured"):
        assert text in page


def test_a_real_run_has_no_stamp_and_an_unsafe_end_is_an_alarm(run):
    run.info.update(simulated=False, safe={"verified": False, "text": "psu_a does not answer"})
    page = body_of(report_page(run))
    assert "SIMULATED" not in page
    assert "NOT VERIFIED SAFE: psu_a does not answer" in page


def test_nothing_is_fetched_and_only_the_pages_own_scripts_may_run(run):
    page = report_page(run)
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', body_of(page))
    assert "url(http" not in page
    assert "<link" not in body_of(page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy


def test_foreign_text_is_never_markup(tmp_path):
    run = open_run(make_run(tmp_path, text=HOSTILE))
    for site in run.info["sites"].values():
        site.update(dut=HOSTILE, board=HOSTILE, status="dropped")
    run.info.update(verdict=HOSTILE, run=HOSTILE, status=HOSTILE)
    run.points.loc[0, "violations"] = HOSTILE
    page = report_page(run)
    assert page.count("<script") == 3
    assert "<img" not in body_of(page)
    assert not {"\x1b", "\u202e"} & set(page)
    assert "&lt;img src=x" in body_of(page)
    said = [text for figure in figures_of(page) for trace in figure["data"] for row in trace.get("customdata", [])
            for text in row]
    assert any("&lt;script&gt;" in text for text in said)
    assert not any("<script" in text or "<img" in text for text in said)


@pytest.mark.parametrize("info", [{}, {"plan": 3, "sites": {"A": None}, "settles": [None, {"took_s": "x"}]},
                                  {"plan": {"axes": "?"}, "verdict_reasons": "no", "safe": [], "counts": 1,
                                   "instruments": {"a": None}, "boards": {"b": 1}, "tags": []}])
def test_half_a_run_still_makes_a_page(run, info):
    assert "Failures" in report_page(replace(run, info=info))
    empty = replace(run, info=info, points=run.points.iloc[:0], events=run.events.iloc[:0], traces=run.traces.iloc[:0])
    assert "No point was judged" in report_page(empty)


def test_the_report_is_one_whole_file_of_a_bearable_size(run, tmp_path):
    target = write_report(run, tmp_path / "report.html")
    assert 4e6 < target.stat().st_size < 8e6
    assert target.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert not list(tmp_path.glob(".*.part"))


def test_untested_cells_stay_empty_and_the_box_goes_around_the_cells_inside(run):
    run.points.loc[0, "outcome"] = "not-tested"
    shmoo = shmoo_matrices(run.points, run.info)[0]
    figure = shmoo_figure(shmoo, hover_texts(run.points))
    heat = figure.data[0]
    assert heat["z"][-1][0] is None  # the first point: highest voltage, lowest frequency
    assert heat["y"] == [650.0, 700.0, 750.0, 800.0]
    assert heat["x"] == [1.0, 1.5, 2.0]
    box = figure.layout["shapes"][0]
    assert [box["y0"], box["y1"], box["x0"]] == pytest.approx([675.0, 825.0, 0.75])
    assert figure.data[1]["x"] == [1.6]


def test_the_hover_says_outcome_reason_and_measurements(run):
    at = int(np.flatnonzero(run.points["reason"] != "")[0])
    said = hover_texts(run.points)[at]
    assert run.points["reason"][at] in said
    assert f"<b>{run.points['outcome'][at]}</b>" in said
    assert "tj " in hover_texts(run.points)[0]


def test_the_edges_of_all_temperatures_stand_in_one_figure(run):
    shmoos = [shmoo for shmoo in shmoo_matrices(run.points, run.info) if shmoo.site == "A"]
    figure = edge_figure(shmoos)
    assert [trace["name"] for trace in figure.data] == [
        "chamber temperature 25 degC", "chamber temperature 85 degC", "nominal"]


def test_the_time_line_has_air_die_and_current_and_the_settle_bands(run):
    figure = timeline_figure(run)
    names = {trace["name"] for trace in figure.data}
    assert names >= {"chamber measured temperature", "tj A", "core measured current B"}
    bands = [shape for shape in figure.layout["shapes"] if shape["type"] == "rect"]
    assert len(bands) == 2
    assert bands[0]["x0"] == pytest.approx(0.0)
    assert bands[1]["x0"] >= bands[0]["x1"]


def test_thinning_keeps_the_peaks():
    t = np.arange(100_000.0)
    v = np.sin(t / 1000)
    v[54_321], v[70_001], v[3] = 9.0, -9.0, np.nan
    at, values = thinned(t, v, most=1000)
    assert len(at) <= 1000
    assert max(values) == 9.0
    assert min(values) == -9.0
    assert at == sorted(at)


def test_the_flagships_hovers_and_pages_take_no_time(tmp_path):
    run = open_run(make_run(tmp_path, Shape()))
    assert len(run.points) == 5400
    page = report_page(run)
    assert len(page) < 8e6
    assert len(figures_of(page)) == 6 + 2 + 1
