"""Shmoo: the outcome over two axes, one matrix a site and combination of the other axes.

The convention is the field's: frequency (the outer of the two axes) to the right, voltage (the inner) upwards. A cell
that nobody measured is ``not-tested`` and never a fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labkit.errors import ConfigError
from labkit.store.load import section
from labkit.text import near

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = ("pass", "fail", "marginal", "hang", "crash", "invalid", "infra", "aborted", "not-tested")
"""Outcomes of a point; a cell's code is the place in this row."""

NOT_TESTED = OUTCOMES.index("not-tested")

_RESULTS = ("pass", "marginal", "fail", "hang", "crash")
# A cell shows the worst result; a point without a result (infra is measured again) shows only where nothing else is.
_WORSE = ("not-tested", "aborted", "infra", "invalid", *_RESULTS)
_RANK = np.array([_WORSE.index(outcome) for outcome in OUTCOMES])


@dataclass(frozen=True)
class Shmoo:
    """One matrix of outcomes. Rows go with ``y_values``, columns with ``x_values``, both rising.

    ``outcome`` holds places in :data:`OUTCOMES` (int8), ``pass_share`` the share of a cell's results that pass (NaN
    without result), ``row`` the position in ``points`` of the point shown (-1: none). ``conditions`` are the other
    axes. ``nominal`` and ``spec`` map an axis to the board's value and box where it has one. ``counts`` is cells by
    outcome. With one axis only, ``y_name`` is "" and there is one row.
    """

    site: str
    dut: str
    conditions: Mapping[str, float]
    x_name: str
    x_unit: str
    x_values: npt.NDArray[np.float64]
    y_name: str
    y_unit: str
    y_values: npt.NDArray[np.float64]
    outcome: npt.NDArray[np.int8]
    pass_share: npt.NDArray[np.float64]
    row: npt.NDArray[np.int64]
    counts: Mapping[str, int]
    units: Mapping[str, str] = field(default_factory=dict)
    nominal: Mapping[str, float] = field(default_factory=dict)
    spec: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def lowest_passing(self) -> npt.NDArray[np.float64]:
        """Return for each x the y of the edge: the lowest pass before the first tested cell that does not pass.

        Walked down from the highest pass, so an island of passes below a failure does not count, and a ceiling above
        does not hide the edge. NaN where nothing passes.
        """
        edge = np.full(len(self.x_values), np.nan)
        for column in range(len(self.x_values)):
            reached = False
            for row in reversed(range(len(self.y_values))):
                code = self.outcome[row, column]
                if code == 0:
                    edge[column], reached = self.y_values[row], True
                elif reached and code != NOT_TESTED:
                    break
        return edge


def axis_names(points: pd.DataFrame, info: Mapping[str, Any]) -> list[str]:
    """Return the axes of a run, outermost first: those of the plan that have a column, else those the journal names."""
    planned = [str(axis.get("name")) for axis in _axes(info)]
    found = [name for name in planned if name in points]
    return found or [name for name, role in section(points.attrs, "roles").items() if role == "axis" and name in points]


def shmoo_matrices(
    points: pd.DataFrame, info: Mapping[str, Any], x: str | None = None, y: str | None = None,
) -> list[Shmoo]:
    """Return the shmoos of a run, by site and then by rising values of the other axes.

    ``x`` and ``y`` are axes of the run; by default the last two, y the inner one. Repeats of a cell fold into the
    worst result. Empty where the run has no axis or no point yet. Raises :class:`ConfigError` for an unknown axis.
    """
    names = axis_names(points, info)
    x, y = _chosen(names, x, y)
    if x is None or points.empty:
        return []
    others = [name for name in names if name not in (x, y)]
    frame = of_the_plan(points).reset_index(drop=True).dropna(subset=[name for name in (x, y) if name])
    grid_x = _values(frame, info, x)
    grid_y = _values(frame, info, y) if y else np.zeros(1)
    shmoos: list[Shmoo] = []
    keys = [frame[name].round(9) for name in others]
    for key, part in sorted(frame.groupby([frame["site"], *keys], dropna=False), key=lambda item: item[0]):
        values = [float(str(value)) for value in key[1:]] if isinstance(key, tuple) else []
        conditions = dict(zip(others, values, strict=True))
        shmoos.append(_matrix(part, info, (x, y or ""), (grid_x, grid_y), conditions, section(points.attrs, "units")))
    return shmoos


def of_the_plan(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that the plan's search asked for: reference points have negative sequences."""
    return points[points["sequence"] >= 0] if "sequence" in points.columns else points


def _chosen(names: list[str], x: str | None, y: str | None) -> tuple[str | None, str | None]:
    for name in (x, y):
        if name is not None and name not in names:
            raise ConfigError(f"the run has no axis {name!r}{near(name, names)}")
    if x is not None and x == y:
        raise ConfigError(f"a shmoo needs two axes, and {x!r} was given for both; leave one out")
    if y is None and len(names) > 1:
        y = next(name for name in reversed(names) if name != x)
    if x is None:
        x = next((name for name in reversed(names) if name != y), None)
    return x, y


def _axes(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    axes = section(info, "plan").get("axes")
    return [section(axis) for axis in axes] if isinstance(axes, list) else []


def _values(frame: pd.DataFrame, info: Mapping[str, Any], name: str) -> npt.NDArray[np.float64]:
    """Return the values of an axis, rising: those planned, and those measured that the plan does not list."""
    listed = [axis.get("values") for axis in _axes(info) if axis.get("name") == name]
    planned = [float(v) for v in (listed[0] if listed and isinstance(listed[0], list) else [])
               if isinstance(v, int | float)]
    measured = frame[name].to_numpy(dtype=float)
    values: npt.NDArray[np.float64] = np.unique(np.concatenate([np.asarray(planned, dtype=float), measured]))
    if len(values) < 2:
        return values
    apart = np.diff(values) > 1e-9 * np.abs(values).max()
    distinct: npt.NDArray[np.float64] = values[np.concatenate([[True], apart])]
    return distinct


def _nearest(grid: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the place of each value in the rising ``grid``."""
    if len(grid) < 2:
        return np.zeros(len(values), dtype=np.int64)
    middles = (grid[1:] + grid[:-1]) / 2
    return np.searchsorted(middles, values).astype(np.int64)


def _matrix(
    part: pd.DataFrame, info: Mapping[str, Any], names: tuple[str, str],
    grids: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], conditions: Mapping[str, float],
    units: Mapping[str, str],
) -> Shmoo:
    (x, y), (grid_x, grid_y) = names, grids
    shape = (len(grid_y), len(grid_x))
    codes = np.array([_code(text) for text in part["outcome"].astype(str)], dtype=np.int8)
    column = _nearest(grid_x, part[x].to_numpy(dtype=float))
    line = _nearest(grid_y, part[y].to_numpy(dtype=float)) if y else np.zeros(len(part), dtype=np.int64)
    order = np.argsort(_RANK[codes], kind="stable")  # the worst is written last
    outcome = np.full(shape, NOT_TESTED, dtype=np.int8)
    row = np.full(shape, -1, dtype=np.int64)
    outcome[line[order], column[order]] = codes[order]
    row[line[order], column[order]] = part.index.to_numpy()[order]
    site = str(part["site"].iloc[0])
    facts = section(info, "sites", site)
    return Shmoo(
        site=site, dut=_dut(part["dut"], facts), conditions=conditions, x_name=x, x_unit=units.get(x, ""),
        x_values=grid_x, y_name=y, y_unit=units.get(y, ""), y_values=grid_y, outcome=outcome,
        pass_share=_shares(shape, line, column, codes), row=row, units=units,
        counts={name: int((outcome == code).sum()) for code, name in enumerate(OUTCOMES)},
        nominal=_nominal(facts), spec=_spec(facts))


def _code(outcome: str) -> int:
    """Return the code of an outcome; a word of a later labkit counts as invalid, never as a pass."""
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else OUTCOMES.index("invalid")


def _shares(
    shape: tuple[int, int], line: npt.NDArray[np.int64], column: npt.NDArray[np.int64], codes: npt.NDArray[np.int8],
) -> npt.NDArray[np.float64]:
    results, passes = np.zeros(shape), np.zeros(shape)
    counted = np.isin(codes, [OUTCOMES.index(outcome) for outcome in _RESULTS])
    np.add.at(results, (line[counted], column[counted]), 1)
    np.add.at(passes, (line[codes == 0], column[codes == 0]), 1)
    shares: npt.NDArray[np.float64] = np.divide(passes, results, out=np.full(shape, np.nan), where=results > 0)
    return shares


def _dut(column: Iterable[str], facts: Mapping[str, Any]) -> str:
    return str(facts.get("dut") or next(iter(column), ""))


def _nominal(facts: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(v) for name, v in section(facts, "nominal").items() if isinstance(v, int | float)}


def _spec(facts: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the box of each axis; an end that is missing is open."""
    box = {}
    for name, ends in section(facts, "spec").items():
        if isinstance(ends, list | tuple) and len(ends) == 2:
            low, high = (float(e) if isinstance(e, int | float) else o for e, o in zip(ends, (-np.inf, np.inf),
                                                                                       strict=True))
            box[name] = (low, high)
    return box
