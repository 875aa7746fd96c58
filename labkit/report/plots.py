"""The figures of a report as plain plotly.js specifications: data and layout, ready for JSON.

Built without plotly's Python classes, which take longer to check a figure than the page takes to write. The text
``$ink`` and ``$grid`` stands for colours of the page's theme, which its script puts in. All foreign text
is escaped here: plotly reads a little HTML in hovers and labels.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labkit.analysis.shmoo import NOT_TESTED, OUTCOMES, Shmoo
from labkit.quantity import render
from labkit.report.words import MARKS, Scale, conditions_text, name_of, number, scale_for
from labkit.store.load import RunData, section
from labkit.text import clean

if TYPE_CHECKING:
    import pandas as pd

SITE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#b8a800")
_HOVER_POINTS = 60_000
_TRACE_POINTS = 1_500
_LETTERS = {"hang": "H", "crash": "C", "invalid": "?", "infra": "!", "aborted": "a"}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One figure of the page: what plotly draws, its height in CSS pixels, and a sentence for those who cannot see."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int
    label: str


def text(value: object, limit: int = 200) -> str:
    """Return foreign text for plotly: cleaned and escaped."""
    return html.escape(clean(str(value), limit))


def measured_columns(points: pd.DataFrame, unit: str) -> list[str]:
    """Return the columns that hold measurements in ``unit``."""
    roles, units = section(points.attrs, "roles"), section(points.attrs, "units")
    return [name for name in points.columns if roles.get(name) == "measurement" and units.get(name) == unit]


def hover_texts(points: pd.DataFrame) -> list[str]:
    """Return what a hover says of each point: outcome, repeats aside, reason, limits broken, some measurements."""
    if len(points) > _HOVER_POINTS:
        return [text(outcome) for outcome in points["outcome"]]
    units, roles = section(points.attrs, "units"), section(points.attrs, "roles")
    measured = [name for name in points.columns
                if roles.get(name) == "measurement" and points[name].dtype.kind == "f"][:6]
    columns = [[f"{text(name_of(name))} {text(render(v, units.get(name, '')))}" if v == v else "" for v in
                points[name].tolist()] for name in measured]
    heads = zip(points["outcome"].tolist(), points["reason"].tolist(), points["violations"].tolist(), strict=True)
    tails = zip(*columns, strict=True) if columns else iter([()] * len(points))
    known: dict[tuple[str, str, str], str] = {}
    found: list[str] = []
    for head, tail in zip(heads, tails, strict=True):
        if head not in known:
            known[head] = "<br>".join([f"<b>{text(head[0])}</b>", *(text(part, 160) for part in head[1:] if part)])
        found.append("<br>".join([known[head], *(part for part in tail if part)]))
    return found


def shmoo_figure(shmoo: Shmoo, hovers: Sequence[str]) -> Figure:
    """Return the heat map of one shmoo with its spec box and nominal point."""
    x, y = scale_for(shmoo.x_values, shmoo.x_unit), scale_for(shmoo.y_values, shmoo.y_unit)
    columns, lines = _scaled(shmoo.x_values, x), _scaled(shmoo.y_values, y)
    codes = [[None if code == NOT_TESTED else int(code) for code in row] for row in shmoo.outcome]
    letters = [[_LETTERS.get(OUTCOMES[code], "") for code in row] for row in shmoo.outcome]
    said = [[hovers[at] if at >= 0 else "<b>not-tested</b>" for at in row] for row in shmoo.row]
    for row, column in zip(*np.nonzero((shmoo.pass_share > 0) & (shmoo.pass_share < 1)), strict=True):
        said[row][column] += f"<br>{shmoo.pass_share[row, column]:.0%} of the repeats pass"
    at = f"%{{x}} {x.unit}" + (f", %{{y}} {y.unit}" if shmoo.y_name else "")
    heat = {"type": "heatmap", "x": columns, "y": lines, "z": codes, "zmin": -0.5, "zmax": len(OUTCOMES) - 0.5,
            "colorscale": _colour_scale(), "showscale": False, "customdata": said, "text": letters,
            "texttemplate": "%{text}", "textfont": {"size": 8, "color": "#ffffff"}, "hoverongaps": False,
            "hovertemplate": f"{at}<br>%{{customdata}}<extra></extra>", "xgap": 0.6, "ygap": 0.6}
    layout = {
        "xaxis": _axis(f"{text(name_of(shmoo.x_name))} [{x.unit}]", _span(columns)),
        "yaxis": _axis(f"{text(name_of(shmoo.y_name))} [{y.unit}]" if shmoo.y_name else "", _span(lines)),
        "margin": {"l": 56, "r": 12, "t": 8, "b": 44}, "shapes": _spec_box(shmoo, x, y), "showlegend": False}
    label = f"Shmoo of {shmoo.dut}, {conditions_text(shmoo.conditions, shmoo.units)}"
    return Figure([heat, *_nominal(shmoo, x, y)], layout, 360 if shmoo.y_name else 160, label)


def _scaled(values: Floats, scale: Scale) -> list[float]:
    return [round(float(value) / scale.factor, 6) for value in values]


def _colour_scale() -> list[list[Any]]:
    """Return a scale with one flat step for each code."""
    steps: list[list[Any]] = []
    for code, outcome in enumerate(OUTCOMES):
        steps += [[code / len(OUTCOMES), MARKS[outcome].colour], [(code + 1) / len(OUTCOMES), MARKS[outcome].colour]]
    return steps


def _axis(title: str, span: list[float] | None = None) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": title, "standoff": 6}, "zeroline": False, "ticks": "outside",
                            "ticklen": 4, "gridcolor": "$grid", "linecolor": "$ink", "tickcolor": "$ink"}
    return axis | ({"range": span, "showgrid": False} if span else {})


def _span(values: Sequence[float]) -> list[float]:
    """Return the ends of an axis: half a cell beyond the outer values."""
    if len(values) < 2:
        return [values[0] - 0.5, values[0] + 0.5] if values else [0.0, 1.0]
    return [values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2]


def _spec_box(shmoo: Shmoo, x: Scale, y: Scale, *, cells: bool = True) -> list[dict[str, Any]]:
    """Return the spec box as a light line over a dark one, so that it shows on every colour.

    With ``cells`` it goes around the cells whose middle lies in it, else it is drawn where it is.
    """
    if not {shmoo.x_name, shmoo.y_name} & set(shmoo.spec):
        return []
    ends: list[float] = []
    for name, scale, values in ((shmoo.x_name, x, shmoo.x_values), (shmoo.y_name, y, shmoo.y_values)):
        low, high = shmoo.spec.get(name, (-math.inf, math.inf))
        first, last = _span(_scaled(values, scale))
        if high / scale.factor < first or low / scale.factor > last:
            return []
        half = (last - first) / max(len(values), 1) / 2 if cells else 0.0
        ends += [max(first, low / scale.factor - half), min(last, high / scale.factor + half)]
    where = {"type": "rect", "x0": ends[0], "x1": ends[1], "y0": ends[2], "y1": ends[3], "layer": "above"}
    return [{**where, "line": {"color": "#101010", "width": 3.5}},
            {**where, "line": {"color": "#ffffff", "width": 1.5}}]


def _nominal(shmoo: Shmoo, x: Scale, y: Scale) -> list[dict[str, Any]]:
    at_x, at_y = shmoo.nominal.get(shmoo.x_name), shmoo.nominal.get(shmoo.y_name, 0.0 if not shmoo.y_name else None)
    if at_x is None or at_y is None:
        return []
    return [{"type": "scatter", "mode": "markers", "x": [at_x / x.factor], "y": [at_y / y.factor], "name": "nominal",
             "marker": {"symbol": "diamond", "size": 11, "color": "#ffffff", "line": {"color": "#101010", "width": 2}},
             "hovertemplate": f"nominal<br>{x.text(at_x)}, {y.text(at_y)}<extra></extra>"}]


def edge_figure(shmoos: Sequence[Shmoo]) -> Figure | None:
    """Return the edges of one site's shmoos over each other: the lowest passing y over x."""
    shown = [shmoo for shmoo in shmoos if shmoo.y_name]
    if not shown:
        return None
    first = shown[0]
    x, y = scale_for(first.x_values, first.x_unit), scale_for(first.y_values, first.y_unit)
    data: list[dict[str, Any]] = []
    for at, shmoo in enumerate(shown):
        name = conditions_text(shmoo.conditions, shmoo.units) or "edge"
        edge = [None if math.isnan(v) else round(v / y.factor, 6) for v in shmoo.lowest_passing()]
        colour = _ramp(at / max(len(shown) - 1, 1))
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": text(name), "x": _scaled(shmoo.x_values, x), "y": edge,
            "line": {"color": colour, "width": 2, "dash": ("solid", "dash", "dot", "dashdot")[at % 4]},
            "marker": {"size": 6, "color": colour, "symbol": ("circle", "square", "triangle-up", "x")[at % 4]},
            "hovertemplate": f"%{{x}} {x.unit}, %{{y}} {y.unit}<extra>{text(name)}</extra>"})
    box = _spec_box(first, x, y, cells=False)[:1]
    for shape in box:
        shape.update(line={"color": "$ink", "width": 1.2, "dash": "dot"}, layer="between")
    layout = {"xaxis": _axis(f"{text(name_of(first.x_name))} [{x.unit}]", _span(_scaled(first.x_values, x))),
              "yaxis": _axis(f"lowest passing {text(name_of(first.y_name))} [{y.unit}]"), "shapes": box,
              "margin": {"l": 62, "r": 12, "t": 48, "b": 44}, "legend": _legend(), "showlegend": True}
    return Figure([*data, *_nominal(first, x, y)], layout, 340,
                  f"Lowest passing {name_of(first.y_name)} of {first.dut}")


def _legend() -> dict[str, Any]:
    return {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}


def _ramp(share: float) -> str:
    """Return a colour from cold blue over grey-violet to hot orange."""
    stops = np.array([[0, 114, 178], [122, 104, 150], [213, 94, 0]], dtype=float)
    mixed = [np.interp(share, (0, 0.5, 1), stops[:, part]) for part in range(3)]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def timeline_figure(run: RunData) -> Figure | None:
    """Return temperatures (air, and what the boards read) above currents, over the time of the run."""
    points = run.points
    span = max(points["t_s"].max() if len(points) else 0.0, run.traces["t_s"].max() if len(run.traces) else 0.0, 1.0)
    unit, seconds = ("h", 3600.0) if span > 7200 else ("min", 60.0) if span > 180 else ("s", 1.0)
    warm, amps = measured_columns(points, "degC"), measured_columns(points, "A")
    data = [_trace(name, str(site), part["t_s"] / seconds, part["value"], "y", f"%{{x:.2f}} {unit}, %{{y:.2f}} degC")
            for (name, site), part in run.traces.groupby(["name", "site"]) if "temperature" in str(name)]
    for column, axis, of in [*((name, "y", "degC") for name in warm[:3]), *((name, "y2", "A") for name in amps[:3])]:
        for at, (site, part) in enumerate(points[["site", "t_s", column]].dropna().groupby("site")):
            hover = f"%{{x:.2f}} {unit}, %{{y:.3f}} {of}"
            trace = _trace(column, str(site), part["t_s"] / seconds, part[column], axis, hover)
            data.append(trace | {"mode": "markers", "marker": {"size": 3, "color": SITE_COLOURS[at % 8]}})
    if not data:
        return None
    settles, both = _settle_shapes(run, seconds), any(trace["yaxis"] == "y2" for trace in data)
    layout = {"xaxis": _axis(f"time [{unit}]") | {"anchor": "y2" if both else "y"},
              "yaxis": _axis("temperature [degC]") | {"domain": [0.42 if both else 0.0, 1.0]},
              "shapes": settles, "margin": {"l": 62, "r": 12, "t": 48, "b": 44}, "legend": _legend()}
    if both:
        layout["yaxis2"] = _axis("current [A]") | {"domain": [0.0, 0.36], "rangemode": "tozero"}
    return Figure(data, layout, 460, "Temperatures and currents over the run")


def _trace(name: object, site: str, t: pd.Series, v: pd.Series, axis: str, hover: str) -> dict[str, Any]:
    title = text(f"{name_of(str(name))} {site}".strip())
    at, values = thinned(t.to_numpy(dtype=float), v.to_numpy(dtype=float))
    return {"type": "scatter", "mode": "lines", "name": title, "x": at, "y": values, "yaxis": axis,
            "line": {"color": "$ink", "width": 1.3}, "hovertemplate": f"{hover}<extra>{title}</extra>"}


def thinned(t: Floats, v: Floats, most: int = _TRACE_POINTS) -> tuple[list[float], list[float]]:
    """Return at most ``most`` points of a series: of each stretch the lowest and the highest, so no peak is lost."""
    known = np.isfinite(t) & np.isfinite(v)
    order = np.argsort(t[known], kind="stable")
    t, v = t[known][order], v[known][order]
    if len(t) > most:
        stretches = np.array_split(np.arange(len(t)), most // 2)
        kept = np.unique([pick for part in stretches for pick in (part[v[part].argmin()], part[v[part].argmax()])])
        t, v = t[kept], v[kept]
    return [round(float(value), 5) for value in t], [float(f"{value:.5g}") for value in v]


def _settle_shapes(run: RunData, seconds: float) -> list[dict[str, Any]]:
    """Return a shaded band for each wait for a temperature, and a dotted line at its target until the next."""
    listed = run.info.get("settles")
    shapes: list[dict[str, Any]] = []
    for settle in (section(item) for item in (listed if isinstance(listed, list) else [])):
        block, took, target = settle.get("block"), number(settle.get("took_s")), number(settle.get("target"))
        if took is None or settle.get("unit") != "degC":
            continue
        points = run.points[run.points["block"] == block]
        end = number(settle.get("t_s"))
        if end is None:
            before = run.points.loc[run.points["block"] < block, "t_s"] if isinstance(block, int) else points["t_s"]
            end = (float(before.max()) if len(before) else 0.0) + took
        last = max(end, float(points["t_s"].max()) if len(points) else end)
        shapes.append({"type": "rect", "xref": "x", "yref": "y domain", "x0": (end - took) / seconds,
                       "x1": end / seconds, "y0": 0, "y1": 1, "fillcolor": "$grid", "opacity": 0.55,
                       "line": {"width": 0}, "layer": "below"})
        if target is not None:
            shapes.append({"type": "line", "x0": (end - took) / seconds, "x1": last / seconds, "y0": target,
                           "y1": target, "line": {"color": "$ink", "width": 1, "dash": "dot"}})
    return shapes
