"""The grid: every point once, the same answer until told, and nothing else accepted."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from labkit.search import SEARCHES, Grid, SearchPoint, make_search


@given(strategies.integers(1, 6), strategies.integers(1, 6))
def test_every_point_once_row_by_row(rows: int, columns: int) -> None:
    x, y = [10.0 * i for i in range(rows)], [float(j) for j in range(columns)]
    search, seen = Grid(x, y), []
    while (point := search.ask()) is not None:
        assert search.ask() == point  # asking changes nothing
        seen.append(point.index)
        assert (point.x, point.y) == (x[point.index[0]], y[point.index[1]])
        search.tell(point, "fail", 1.0)
    assert seen == [(i, j) for i in range(rows) for j in range(columns)]
    assert search.ask() is None


def test_only_the_point_that_was_asked_can_be_told() -> None:
    search = Grid([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="another point was asked"):
        search.tell(SearchPoint((0, 1), 1.0, 2.0), "pass")
    point = search.ask()
    assert point is not None
    search.tell(point, "pass")
    with pytest.raises(ValueError, match="another point was asked"):
        search.tell(point, "pass")


@pytest.mark.parametrize(("x", "y"), [([], [1.0]), ([1.0], []), ([], [])])
def test_an_empty_axis_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one value on each axis"):
        Grid(x, y)


def test_searches_are_found_by_name() -> None:
    assert isinstance(make_search("grid", x=[1.0], y=[2.0]), Grid)
    assert "grid" in SEARCHES
    with pytest.raises(ValueError, match=r"there is no search 'gird'; did you mean grid\?"):
        make_search("gird", x=[1.0], y=[2.0])
