"""What the input of a meter sees: constants, or things of the world that change."""

from __future__ import annotations

import math
from collections.abc import Callable

Value = float | Callable[[], float]


class Signal:
    """One input. What is not given is what an open input shows: no voltage, no current, endless resistance."""

    def __init__(
        self, *, volts_dc: Value = 0.0, ohms: Value = math.inf, hz: Value = 0.0, amps: Value = 0.0,
        degc: Value = math.nan,
    ) -> None:
        self._values: dict[str, Value] = {"volts_dc": volts_dc, "ohms": ohms, "hz": hz, "amps": amps, "degc": degc}

    def _now(self, what: str) -> float:
        value = self._values[what]
        return value() if callable(value) else value

    def volts_dc(self) -> float:
        """Direct voltage, V."""
        return self._now("volts_dc")

    def ohms(self) -> float:
        """Resistance, Ohm; infinity for an open input."""
        return self._now("ohms")

    def hz(self) -> float:
        """Frequency, Hz; 0 where nothing alternates."""
        return self._now("hz")

    def amps(self) -> float:
        """Direct current, A."""
        return self._now("amps")

    def degc(self) -> float:
        """Temperature of the sensor, degC; not a number where none is connected."""
        return self._now("degc")
