"""Which point next: ask and tell; no input, no output, no clock.

A search is a class with ``ask`` and ``tell``; :func:`make_search` finds it by the name that a plan writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from labkit.search.grid import Grid, SearchPoint
from labkit.text import near

__all__ = ["SEARCHES", "Grid", "Search", "SearchPoint", "make_search"]


class Search(Protocol):
    """What the engine needs of a search."""

    def ask(self) -> SearchPoint | None:
        """Return the point to measure next, the same one until it was told; None when done."""

    def tell(self, point: SearchPoint, outcome: str, cost_s: float = 0.0) -> None:
        """Take the outcome of a point and what it cost in lab seconds."""


SEARCHES: dict[str, Callable[..., Search]] = {"grid": Grid}
"""The searches by the name that a plan writes."""


def make_search(kind: str, *, x: Sequence[float], y: Sequence[float], **options: Any) -> Search:
    """Return the search ``kind`` over axis values ``x`` (outer) and ``y`` (inner); ValueError names what is wrong."""
    if kind not in SEARCHES:
        raise ValueError(f"there is no search {kind!r}{near(kind, SEARCHES)}")
    return SEARCHES[kind](x, y, **options)
