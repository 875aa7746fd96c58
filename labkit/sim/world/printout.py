"""Text that a console will show: each piece at its time, unless the power goes first."""

from __future__ import annotations

import heapq
import math


class Printout:
    """Pieces of text in order of their lab time; equal times keep the order in which they were scheduled."""

    __slots__ = ("_pieces", "_sequence")

    def __init__(self) -> None:
        self._pieces: list[tuple[float, int, str]] = []
        self._sequence = 0

    def say(self, when: float, text: str) -> None:
        """Schedule ``text``."""
        self._sequence += 1
        heapq.heappush(self._pieces, (when, self._sequence, text))

    @property
    def due(self) -> float:
        """When the next piece comes; infinity when nothing is scheduled."""
        return self._pieces[0][0] if self._pieces else math.inf

    def take(self, now: float) -> str:
        """Return and forget everything that is due by ``now``."""
        taken = ""
        pieces = self._pieces
        while pieces and pieces[0][0] <= now:
            taken += heapq.heappop(pieces)[2]
        return taken

    def cut(self, now: float) -> None:
        """Forget what is due after ``now``: its author has lost its power."""
        self._pieces = [piece for piece in self._pieces if piece[0] <= now]
        heapq.heapify(self._pieces)
