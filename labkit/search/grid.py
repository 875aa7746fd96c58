"""The full grid: every point, row by row, in the order of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A point that a search wants measured: ``index`` is (i, j) into x and y as given."""

    index: tuple[int, int]
    x: float
    y: float


class Grid:
    """Asks for every point once: for each x in order, each y in order. What is told changes nothing.

    ``ask`` gives the same point until it was told; outcomes "infra", "invalid" and "aborted" are not told: the engine
    measures such a point again.
    """

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        if not len(x) or not len(y):
            raise ValueError("a grid needs at least one value on each axis")
        self._x, self._y = tuple(x), tuple(y)
        self._told = 0

    def ask(self) -> SearchPoint | None:
        """Return the next point, or None when all were told."""
        if self._told >= len(self._x) * len(self._y):
            return None
        i, j = divmod(self._told, len(self._y))
        return SearchPoint((i, j), self._x[i], self._y[j])

    def tell(self, point: SearchPoint, outcome: str, cost_s: float = 0.0) -> None:
        """Take the outcome of the point that was asked last."""
        i, j = point.index
        if i * len(self._y) + j != self._told:
            raise ValueError(f"{point} was told, but another point was asked")
        self._told += 1
