"""Soak: when is a temperature reached? In band, flat enough, both held without a break.

The rule is a function of samples, so it is the same under virtual and wall time; waiting is the engine's.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from labkit.plan.estimate import slope_window_s
from labkit.plan.planfile import SoakSpec


@dataclass(frozen=True, slots=True)
class SoakState:
    """Where a soak stands: ``clause`` is what is still missing ("band", "slope", "hold", or "" when done)."""

    clause: str
    held_s: float
    slope_k_per_min: float | None


class Soak:
    """Judges samples against a target; the timer restarts whenever band or slope is left.

    The slope is a least-squares fit over the last three minutes (or the hold, where that is shorter), as soak rules
    of environmental standards take it (MIL-DTL-87104C uses readings over ten minutes, thermal forcing units a window).
    """

    def __init__(self, spec: SoakSpec, target: float, started_s: float) -> None:
        self.spec, self.target, self.started_s = spec, target, started_s
        self.last_clause = "band"
        self._window_s = slope_window_s(spec.hold)
        self._samples: deque[tuple[float, float]] = deque()
        self._good_since: float | None = None

    def sample(self, now_s: float, value: float) -> SoakState:
        """Take a sample and return where the soak stands."""
        samples = self._samples
        if not math.isfinite(value):
            return self._missing("band", None)
        samples.append((now_s, value))
        while samples[0][0] < now_s - self._window_s:
            samples.popleft()
        if abs(value - self.target) > self.spec.within:
            return self._missing("band", None)
        slope = self._slope()
        if slope is None or abs(slope) > self.spec.slope:
            return self._missing("slope", slope)
        if self._good_since is None:
            self._good_since = now_s
        held = now_s - self._good_since
        clause = "" if held >= self.spec.hold else "hold"
        return SoakState(clause, held, slope)

    def timed_out(self, now_s: float) -> bool:
        """Tell whether the time allowed has passed."""
        return now_s - self.started_s > self.spec.timeout

    def _missing(self, clause: str, slope: float | None) -> SoakState:
        self._good_since = None
        self.last_clause = clause
        return SoakState(clause, 0.0, slope)

    def _slope(self) -> float | None:
        """Return the slope over the window, K/min; None until the samples span half of it."""
        samples = self._samples
        span = samples[-1][0] - samples[0][0]
        if span < self._window_s / 2 or len(samples) < 3:
            return None
        n, origin = len(samples), samples[0][0]
        mean_t = sum(t for t, _ in samples) / n - origin
        mean_v = sum(v for _, v in samples) / n
        covariance = sum((t - origin - mean_t) * (v - mean_v) for t, v in samples)
        variance = sum((t - origin - mean_t) ** 2 for t, _ in samples)
        return 60.0 * covariance / variance
