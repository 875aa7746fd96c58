"""A thermal chamber: air that follows its set point as fast as heater and compressor allow, walls behind it.

Numbers are those of a mid-size mechanically cooled chamber: heating 5 K/min, cooling 3 K/min at 20 degC falling to
0.5 K/min at -55 degC, air time constant 25 s, walls 8 min, overshoot 1.5 to 3 % of the step (at most 4 K) that rings
with a period of 6 min, 500 W of cooling at 20 degC falling to 150 W at -40 degC.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from labkit.sim.world.noise import keyed_normal, keyed_uniform
from labkit.sim.world.timeline import STEP_S, Timeline

HEAT_K_PER_MIN = 5.0
COOL_K_PER_MIN = 3.0
LOWEST_DEGC, HIGHEST_DEGC = -60.0, 180.0
"""What the machine can reach; a set point beyond is approached up to here."""
_AIR_S, _WALL_S, _DRIFT_S = 25.0, 480.0, 1200.0
_RING_S, _RING_DECAY_S = 360.0, 150.0
_RING_END_S = 8 * _RING_DECAY_S
_RING_PEAK = 0.5858  # the highest value of sin(2 pi t/360) exp(-t/150), 69 s after its start
_ARRIVED_K = 0.5
_NOISE_K = 0.05
_AIR_J_PER_K, _WALL_W_PER_K, _LOSS_W_PER_K = 9000.0, 8.0, 4.0
_OVERLOAD_K_PER_W = 0.1


def cooling_rate(degc: float) -> float:
    """Return how fast the machine cools at this air temperature, K/min."""
    return min(COOL_K_PER_MIN, max(0.5, COOL_K_PER_MIN - (20.0 - degc) * 2.5 / 75.0))


def capacity(degc: float) -> float:
    """Return how much heat the machine takes away while it holds this temperature, W."""
    return min(500.0, max(150.0, 500.0 - (20.0 - degc) * 350.0 / 60.0))


class Chamber:
    """The chamber; boards that stand in it warm it.

    In a memoryless world the air moves linearly (5 K/min up, 3 K/min down) to the set point and then is the set point.
    """

    event_at = math.inf

    def __init__(self, timeline: Timeline, name: str) -> None:
        self.name = name
        self._timeline = timeline
        self._set_point: float | None = None
        self._base = self._air = self._walls = timeline.ambient_degc
        self._from, self._since = self._air, timeline.start
        self._overshoot, self._error_k = 0.0, 0.0
        self._ring_peak, self._ring_since = 0.0, -math.inf
        self._rate_k_per_s, self._heat_w = 0.0, 0.0
        self._loads: list[Callable[[], float]] = []
        self._followers: list[Callable[[float], None]] = []
        timeline.join(self)

    @property
    def set_point_degc(self) -> float | None:
        """What the controller was told, or None while control is off."""
        return self._set_point

    @property
    def load_w(self) -> float:
        """Heat that the boards gave off in the last step of the grid, W."""
        return self._heat_w

    def put_in(self, power_w: Callable[[], float], set_point_moved: Callable[[float], None]) -> None:
        """Put something inside: ``power_w`` returns its mean heat over the last step.

        ``set_point_moved`` is called in a memoryless world, where temperatures follow the set point and not the air.
        """
        self._loads.append(power_w)
        self._followers.append(set_point_moved)

    def command(self, set_point_degc: float | None) -> None:
        """Tell the controller its set point; None switches control off, and the chamber drifts to the room's."""
        now = self._timeline.sync()
        if set_point_degc == self._set_point:
            return
        here = self.air_at(now)
        self._set_point = set_point_degc
        self._from, self._since = here, now
        self._base, self._ring_peak = here, 0.0
        self._overshoot = 0.0
        if self._timeline.memoryless:
            for moved in self._followers:
                moved(now)
        if set_point_degc is None:
            return
        key = (self._timeline.seed, self.name, round(set_point_degc, 1))
        self._error_k = max(-0.3, min(0.3, 0.1 * keyed_normal(*key, "settled")))
        step = set_point_degc - here
        if abs(step) > 1.0:
            share = 0.015 + 0.015 * keyed_uniform(*key, "overshoot")
            self._overshoot = math.copysign(min(4.0, share * abs(step)), step)

    def air(self) -> float:
        """Return the true air temperature now, degC."""
        return self.air_at(self._timeline.sync())

    def sensor(self) -> float:
        """Return what the controller's sensor shows, degC: it samples once a second, with 0.05 K of noise."""
        now = self._timeline.sync()
        sample: object = self._set_point if self._timeline.memoryless else int(now - self._timeline.start)
        return self.air_at(now) + _NOISE_K * keyed_normal(self._timeline.seed, self.name, "sensor", sample)

    def power_percent(self) -> float:
        """Return the controller's output: 100 full heating, -100 full cooling."""
        now = self._timeline.sync()
        if self._set_point is None:
            return 0.0
        rate, walls, air = self._rate_k_per_s, self._walls, self.air_at(now)
        if self._timeline.memoryless:
            moving = self._set_point - air
            rate = 0.0 if abs(moving) < 1e-9 else math.copysign(self._slope(moving), moving)
            walls = air
        loss = _LOSS_W_PER_K * (air - self._timeline.ambient_degc)
        watts = _AIR_J_PER_K * rate + _WALL_W_PER_K * (air - walls) + loss - self._heat_w
        # The capacity is what the machine can take from a load, beyond what comes in through its own walls.
        full = _AIR_J_PER_K * HEAT_K_PER_MIN / 60 if watts > 0 else capacity(air) - min(0.0, loss)
        return max(-100.0, min(100.0, 100.0 * watts / full))

    @staticmethod
    def _slope(moving: float) -> float:
        return (HEAT_K_PER_MIN if moving > 0 else COOL_K_PER_MIN) / 60.0

    def air_at(self, now: float) -> float:
        """Return the air temperature at ``now``, a time to which the world has already been brought."""
        if not self._timeline.memoryless:
            return self._air
        target = self._timeline.ambient_degc if self._set_point is None else self._set_point
        moving = target - self._from
        gone = self._slope(moving) * (now - self._since)
        return target if gone >= abs(moving) else self._from + math.copysign(gone, moving)

    def happen(self, at: float) -> None:
        """Do nothing: a chamber has no events of its own."""

    def tick(self, at: float) -> None:
        """Go one step: base line, ring, walls."""
        self._heat_w = sum([load() for load in self._loads])
        before = self._air
        if self._set_point is None:
            rest = self._timeline.ambient_degc + self._heat_w / _LOSS_W_PER_K
            self._base += (rest - self._base) * STEP_S / _DRIFT_S
        else:
            self._approach(at, self._target(self._set_point))
        self._air = self._base + self._ring(at)
        self._walls += (self._air - self._walls) * STEP_S / _WALL_S
        self._rate_k_per_s = (self._air - before) / STEP_S

    def _target(self, set_point: float) -> float:
        """Return where the air settles: within 0.3 K of the set point, higher when the load exceeds the machine."""
        aim = max(LOWEST_DEGC, min(HIGHEST_DEGC, set_point))
        excess = max(0.0, self._heat_w - capacity(aim)) if self._heat_w > 150.0 else 0.0
        return aim + self._error_k + excess * _OVERLOAD_K_PER_W

    def _approach(self, at: float, target: float) -> None:
        missing = target - self._base
        rate = missing / _AIR_S
        rate = min(HEAT_K_PER_MIN / 60.0, rate) if rate > 0 else max(-cooling_rate(self._base) / 60.0, rate)
        self._base += rate * STEP_S
        if self._overshoot and abs(missing) < _ARRIVED_K:
            self._ring_peak, self._ring_since, self._overshoot = self._overshoot, at, 0.0

    def _ring(self, at: float) -> float:
        if self._ring_peak == 0.0:
            return 0.0
        age = at - self._ring_since
        if age > _RING_END_S:
            self._ring_peak = 0.0
            return 0.0
        swing = math.sin(2.0 * math.pi * age / _RING_S) * math.exp(-age / _RING_DECAY_S)
        return self._ring_peak / _RING_PEAK * swing
