"""Two heat capacities in a row: die and sink, the sink in air. Exact for a constant power over one step."""

from __future__ import annotations

import math

from labkit.sim.world.model import BoardModel


class TwoNode:
    """Temperatures of die and sink; :meth:`step` moves them by a fixed time."""

    __slots__ = ("_m", "die_degc", "die_k_per_w", "sink_degc", "sink_k_per_w")

    def __init__(self, model: BoardModel, degc: float, step_s: float) -> None:
        self.die_degc = self.sink_degc = degc
        self.die_k_per_w, self.sink_k_per_w = model.die_k_per_w, model.sink_k_per_w
        self._m = _exponential(
            -1.0 / (model.die_k_per_w * model.die_j_per_k), 1.0 / (model.die_k_per_w * model.die_j_per_k),
            1.0 / (model.die_k_per_w * model.sink_j_per_k),
            -(1.0 / model.die_k_per_w + 1.0 / model.sink_k_per_w) / model.sink_j_per_k, step_s)

    def step(self, watts: float, air_degc: float) -> None:
        """Go one step with ``watts`` into the die and air of ``air_degc`` around the sink."""
        sink_end = air_degc + self.sink_k_per_w * watts
        die_end = sink_end + self.die_k_per_w * watts
        die, sink = self.die_degc - die_end, self.sink_degc - sink_end
        a, b, c, d = self._m
        self.die_degc = die_end + a * die + b * sink
        self.sink_degc = sink_end + c * die + d * sink


def _exponential(a: float, b: float, c: float, d: float, step_s: float) -> tuple[float, float, float, float]:
    """Return exp([[a, b], [c, d]] * step_s) for a matrix with two different real eigenvalues."""
    middle, half = (a + d) / 2.0, math.sqrt((a - d) ** 2 / 4.0 + b * c)
    fast, slow = math.exp((middle - half) * step_s), math.exp((middle + half) * step_s)
    # Sylvester's formula: exp(M) = (slow * (M - l1) - fast * (M - l2)) / (l2 - l1).
    l1, l2 = middle - half, middle + half
    return tuple(  # type: ignore[return-value]  # four items, as listed
        (slow * (value - one * l1) - fast * (value - one * l2)) / (l2 - l1)
        for value, one in ((a, 1.0), (b, 0.0), (c, 0.0), (d, 1.0)))
