"""Limits of settings: where each bound comes from, and their intersection.

The effective limit of a setting is what the instrument, the bench and the board allow together. A bound remembers who
set it, so that a refusal can say which of the three to look at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from labkit.errors import LimitRefused
from labkit.quantity import render


@dataclass(frozen=True, slots=True)
class Limits:
    """An interval, both ends included; ``low_from`` and ``high_from`` say who set each end."""

    low: float = -math.inf
    high: float = math.inf
    low_from: str = ""
    high_from: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise ValueError("a bound that is not a number limits nothing")

    def __and__(self, other: Limits) -> Limits:
        """Return what both allow. May be empty; then every value is refused."""
        low_other, high_other = other.low > self.low, other.high < self.high
        return Limits(
            other.low if low_other else self.low, other.high if high_other else self.high,
            other.low_from if low_other else self.low_from, other.high_from if high_other else self.high_from,
        )

    def __contains__(self, value: float) -> bool:
        return self.low - _slack(self.low) <= value <= self.high + _slack(self.high)

    def check(self, value: float, *, what: str, unit: str) -> None:
        """Raise :class:`LimitRefused` when ``value`` (in ``unit``) lies outside, or is not a number."""
        try:
            value = float(value)
        except OverflowError:  # an int of hundreds of digits
            value = math.inf if value > 0 else -math.inf
        if value in self and math.isfinite(value):
            return
        shown = render(value, unit, 6)
        if not math.isfinite(value):
            raise LimitRefused(f"{what}: {shown} is not a value that can be set; nothing was sent")
        if value > self.high:
            bound, source, word = self.high, self.high_from, "above"
        else:
            bound, source, word = self.low, self.low_from, "below"
        by = f" ({source})" if source else ""
        raise LimitRefused(f"{what}: {shown} is {word} the limit of {render(bound, unit, 6)}{by}; nothing was sent")


def _slack(bound: float) -> float:
    """Return the rounding that arithmetic on axis values may add: far below the resolution of any instrument."""
    return abs(bound) * 1e-12 if math.isfinite(bound) else 0.0


NO_LIMITS = Limits()


def within(low: float, high: float, source: str) -> Limits:
    """Return limits whose two ends come from one ``source``."""
    return Limits(low, high, source, source)
