"""The chip of one board: speed over voltage and temperature, current, and how a test ends. Pure functions of a part.

Speed follows the alpha-power law with a threshold that falls and a mobility that falls with temperature: cold is worse
at low voltage, hot at high voltage (temperature inversion).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from labkit.sim.world.model import BoardModel
from labkit.sim.world.noise import keyed_normal, keyed_uniform

_KELVIN = 273.15
_ROOM_DEGC = 25.0


class Outcome(Enum):
    """How a self-test ends, by depth below the edge: up to 5, 15, 30, 60 mV and beyond."""

    PASS = "pass"  # noqa: S105  (no password)
    CORRECTED = "corrected"
    """Right result, errors were corrected on the way."""
    FAIL = "fail"
    """Wrong result."""
    CRASH = "crash"
    """The board reboots by itself."""
    HANG = "hang"
    """Silence until a power cycle."""
    DEAD = "dead"
    """Silence, and no boot at this voltage either."""


class State(Enum):
    """What the chip does."""

    OFF = "off"
    BOOTING = "booting"
    UP = "up"
    HUNG = "hung"
    """Silent until a power cycle."""
    TRIPPED = "tripped"
    """Switched itself off because of heat; silent until a power cycle."""


_DEPTHS = ((0.0, Outcome.PASS), (0.005, Outcome.CORRECTED), (0.015, Outcome.FAIL), (0.030, Outcome.CRASH),
           (0.060, Outcome.HANG))


def classify(depth_v: float) -> Outcome:
    """Return how a test ends that runs ``depth_v`` volts below the edge (negative: above it)."""
    for limit, outcome in _DEPTHS:
        if depth_v <= limit:
            return outcome
    return Outcome.DEAD


def _cut_normal(*key: object) -> float:
    return max(-3.0, min(3.0, keyed_normal(*key)))


@dataclass(frozen=True)
class Part:
    """What makes this part differ from the typical one."""

    vmin_v: float = 0.0
    floor_v: float = 0.0
    leakage: float = 1.0
    sensor_k: float = 0.0

    @classmethod
    def drawn(cls, model: BoardModel, seed: int, dut: str) -> Part:
        """Return the part with this serial number: the same for the same seed, whatever else is on the bench."""
        slow = _cut_normal(seed, dut, "part")
        vmin = slow * model.part_v + _cut_normal(seed, "lot", model.board) * model.lot_v
        if keyed_uniform(seed, dut, "outlier") < model.outliers:
            vmin += model.outlier_v
        other = _cut_normal(seed, dut, "leakage")
        leak = model.leak_sigma * (-model.leak_speed * slow + math.sqrt(1 - model.leak_speed**2) * other)
        return cls(
            vmin_v=vmin, floor_v=_cut_normal(seed, dut, "floor") * model.floor_part_v, leakage=math.exp(leak),
            sensor_k=_cut_normal(seed, dut, "sensor") * model.sensor_offset_k)


TYPICAL = Part()
"""The part in the middle of every distribution."""


class Silicon:
    """A model and a part, with the law's constants worked out once."""

    __slots__ = ("_last", "_log_scale", "_static_s", "model", "part")

    def __init__(self, model: BoardModel, part: Part = TYPICAL) -> None:
        self.model, self.part = model, part
        self._log_scale = math.log(model.fmax_hz) - (
            model.alpha * math.log(0.75 - model.vth_v) - math.log(0.75))
        self._static_s = model.static_amps / model.nominal_v
        self._last = (0.0, 0.0, 0.0)  # the last question to speed_vmin and its answer: most are asked several times

    def threshold(self, degc: float) -> float:
        """Return the threshold voltage, V; never below 50 mV."""
        return max(0.05, self.model.vth_v - self.model.vth_slope_v_per_k * (degc - _ROOM_DEGC))

    def fmax(self, volts: float, degc: float) -> float:
        """Return the highest clock in Hz of the typical part with ``volts`` at the transistors."""
        over = volts - self.threshold(degc)
        if over <= 0:
            return 0.0
        return math.exp(self._log_scale + self.model.alpha * math.log(over) - math.log(volts)
                        - self.model.mobility * math.log((degc + _KELVIN) / (_ROOM_DEGC + _KELVIN)))

    def speed_vmin(self, hz: float, degc: float) -> float:
        """Return the voltage at the transistors at which :meth:`fmax` of the typical part is ``hz``.

        Newton steps on the logarithm of the overdrive: the slope lies between alpha - 1 and alpha, so five suffice.
        """
        last_hz, last_degc, last_volts = self._last
        if last_hz == hz and last_degc == degc:
            return last_volts
        alpha, threshold = self.model.alpha, self.threshold(degc)
        wanted = math.log(hz) - self._log_scale + self.model.mobility * math.log(
            (degc + _KELVIN) / (_ROOM_DEGC + _KELVIN))
        log_over, volts = -1.0, threshold + math.exp(-1.0)
        for _ in range(12):
            step = (wanted - alpha * log_over + math.log(volts)) / (alpha - 1 + threshold / volts)
            log_over += step
            volts = threshold + math.exp(log_over)
            if abs(step) < 1e-9:
                break
        self._last = (hz, degc, volts)
        return volts

    def vmin(self, hz: float, degc: float, amps: float) -> float:
        """Return the lowest rail voltage at which a test of this part passes half of the time."""
        model, part = self.model, self.part
        speed = self.speed_vmin(hz, degc) + part.vmin_v + amps * model.path_ohms
        floor = model.floor_v + part.floor_v
        if degc < _ROOM_DEGC:
            floor += model.floor_slope_v_per_k * (_ROOM_DEGC - degc)
        return speed if speed > floor else floor

    def depth(self, volts: float, hz: float, degc: float, amps: float, extra_v: float = 0.0) -> float:
        """Return how far below the edge (V, negative above it) the rail is; ``extra_v`` raises the edge."""
        model = self.model
        depth = max(self.vmin(hz, degc, amps) + extra_v - volts, volts - model.ceiling_v)
        if model.hole_width_hz and abs(hz - model.hole_hz) < model.hole_width_hz / 2 \
                and abs(volts - model.hole_v) < model.hole_width_v / 2:
            depth = max(depth, 0.010)
        return depth

    def edge_noise(self, *key: object) -> float:
        """Return the depth that chance adds to one test, V: logistic, and rarely wide (a lapse, either way)."""
        model, draw = self.model, keyed_uniform(*key)
        if draw < model.lapse:
            return model.lapse_v * (2.0 * draw / model.lapse - 1.0)
        draw = (draw - model.lapse) / (1.0 - model.lapse)
        return -model.edge_v * math.log(1.0 / draw - 1.0) if 0.0 < draw < 1.0 else 0.0

    def leak_at(self, degc: float) -> float:
        """Return the leakage in A at 0.75 V."""
        return self.model.leak_amps * self.part.leakage * math.exp((degc - 85.0) / self.model.leak_kelvin)

    def core_amps(self, volts: float, hz_activity: float, leak: float) -> float:
        """Return the current of the core rail; ``hz_activity`` is clock times activity, ``leak`` from leak_at."""
        if volts <= 0.0:
            return 0.0
        model = self.model
        leaking = leak * math.exp((volts - 0.75) / model.leak_volts)
        if volts < 0.3:
            leaking *= volts / 0.3
        return volts * (self._static_s + model.switched_f * hz_activity) + leaking
