"""What every view of a run shares: the mark and colour of each outcome, and how numbers of an axis are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.quantity import render
from labkit.text import clean


@dataclass(frozen=True)
class Mark:
    """How an outcome looks: ``glyph`` (``plain`` in ASCII), ``colour`` on a page, ``style`` in a terminal.

    The colours (#rrggbb) differ in lightness as well as in hue, for the colour-blind; the styles are the terminal's own
    colours, so that they show on a dark and on a light ground.
    """

    glyph: str
    plain: str
    colour: str
    style: str
    meaning: str


MARKS: Mapping[str, Mark] = {
    "pass": Mark("■", "*", "#3aa88c", "green", "the test passed"),
    "fail": Mark("×", "x", "#c4462b", "bold red", "the test failed"),
    "marginal": Mark("▲", "m", "#f2c744", "bold yellow", "passed with corrected errors"),
    "hang": Mark("H", "H", "#7d4fa3", "bold magenta", "no answer in time; recovered"),
    "crash": Mark("C", "C", "#5a1846", "bold white on dark_red", "the board rebooted by itself"),
    "invalid": Mark("?", "?", "#5fb4e5", "bold cyan", "measured under conditions that do not count"),
    "infra": Mark("!", "!", "#1f5fa8", "bold blue", "an instrument failed, not the board"),
    "aborted": Mark("a", "a", "#8c8c8c", "bright_black", "stopped before it ended"),
    "not-tested": Mark("·", ".", "#d9d9d9", "dim", "not measured"),
}

VERDICT_COLOURS: Mapping[str, str] = {
    "pass": "#1e7d64", "fail": "#b03a21", "inconclusive": "#8a6a00", "aborted": "#5c5c5c", "error": "#7a1f5c",
    "unset": "#5c5c5c",
}

_SCALED = ("V", "A", "W", "Ohm", "Hz", "F", "H")
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))


@dataclass(frozen=True)
class Scale:
    """One prefix and one number of decimals for all values of an axis: ``label(0.75)`` gives ``750`` with ``mV``."""

    factor: float
    unit: str
    decimals: int

    def label(self, value: float) -> str:
        """Return the number alone."""
        return f"{value / self.factor:.{self.decimals}f}"

    def text(self, value: float) -> str:
        """Return the number with its unit."""
        return f"{self.label(value)} {self.unit}".rstrip()


def scale_for(values: Iterable[float], unit: str) -> Scale:
    """Return the scale of an axis that holds ``values`` in canonical ``unit``: as few decimals as tell them apart."""
    known = sorted({float(value) for value in values if math.isfinite(value)})
    largest = max((abs(value) for value in known), default=0.0)
    factor, prefix = 1.0, ""
    if unit in _SCALED and largest > 0:
        factor, prefix = next(((f, p) for f, p in _PREFIXES if largest >= f * 0.99999), _PREFIXES[-1])
    scaled = [value / factor for value in known]
    decimals = next((d for d in range(5) if all(abs(v - round(v, d)) < 0.3 * 10**-(d + 1) for v in scaled)), 4)
    return Scale(factor, f"{prefix}{unit}", decimals)


def name_of(axis: str) -> str:
    """Return the name of a column for people: ``rails.core.voltage`` gives ``core voltage``."""
    parts = axis.split(".")
    if parts[0] in ("rails", "clocks", "readings", "probes") and len(parts) > 1:
        parts = parts[1:]
    return clean(" ".join(parts).replace("_", " "), 80)


def conditions_text(conditions: Mapping[str, float], units: Mapping[str, str]) -> str:
    """Return the other axes of a shmoo in one line: ``chamber temperature -40 degC``."""
    return ", ".join(f"{name_of(name)} {render(value, units.get(name, ''))}" for name, value in conditions.items())


def word(value: Any, limit: int = 300) -> str:
    """Return any value of run.json as one clean line; missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(str(value), limit).replace("\n", " ").replace("\t", " ")


def number(value: Any) -> float | None:
    """Return a finite number of run.json, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
