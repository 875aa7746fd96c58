"""Numbers with units, as people write them in files and read them on screens.

Inside labkit a quantity is a float in the canonical unit of its dimension (:data:`CANONICAL`); text is only at the
edges. Prefixes are those from femto to tera that laboratories use, and each unit is known by name, so that ``5 min``
is never five milli-inches and a stray character never a prefix.
"""

from __future__ import annotations

import math
import re

CANONICAL = ("V", "A", "W", "Ohm", "Hz", "F", "H", "s", "degC", "K", "K/min", "V/s", "%", "")
"""The unit of each dimension in which labkit computes. ``degC`` is a temperature, ``K`` a difference of two."""

_TIME = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "\u03bcs": 1e-6, "ns": 1e-9, "ps": 1e-12,
         "min": 60.0, "h": 3600.0, "d": 86400.0}
_RATES = {
    "K/min": {"K/min": 1.0, "K/s": 60.0, "K/h": 1 / 60, "degC/min": 1.0, "degC/s": 60.0},
    "V/s": {"V/s": 1.0, "V/ms": 1e3, "V/us": 1e6, "mV/us": 1e3, "mV/ms": 1.0, "mV/s": 1e-3, "kV/s": 1e3},
}
_ALIASES = {"°C": "degC", "C": "degC", "percent": "%"}
_WITH_PREFIX = frozenset(("V", "A", "W", "Ohm", "Hz", "F", "H"))
_OHMS = frozenset(("Ohms", "ohm", "ohms", "\u03a9", "\u2126"))
_NUMBER = re.compile(r"\s*([-+]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+))(?:[eE]([-+]?[0-9]{1,4}))?\s*(\S.*)?\s*\Z")
_SI = re.compile(r"([fpnuµμmkKMGT]?)(V|A|W|Ohms?|ohms?|[\u03a9\u2126]|Hz|F|H)\Z")
_EXPONENTS = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "": 0, "k": 3, "K": 3,
              "M": 6, "G": 9, "T": 12}
_EXAMPLE = {
    "V": "0.75 V", "A": "4.5 A", "W": "75 W", "Ohm": "12 mOhm", "Hz": "1.6 GHz", "F": "10 uF", "H": "1 uH",
    "s": "5 min", "degC": "25 degC", "K": "1 K", "K/min": "0.1 K/min", "V/s": "1 V/ms", "%": "5 %", "": "3",
}


class QuantityError(ValueError):
    """A text that is not a quantity of the dimension wanted; the message says what to write."""


def parse(text: object, unit: str) -> float:
    """Return the value of ``text`` (``"750 mV"``) in the canonical ``unit`` (``"V"``).

    Raises :class:`QuantityError` for a missing or wrong unit, a value that is not a finite number, or no number.
    A number without unit is accepted only where ``unit`` is "" (dimensionless). A ``unit`` that labkit does not know
    (``rpm``) is accepted as written, without prefixes.
    """
    example = f"write it like {_EXAMPLE.get(unit, f'3 {unit}')}"
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        found = "nothing" if text is None else "true or false" if isinstance(text, bool) else f"a {type(text).__name__}"
        raise QuantityError(f"expected a quantity, found {found}; {example}")
    if isinstance(text, int | float):
        try:
            value = float(text)
        except OverflowError:
            value = math.inf
        if unit != "":
            raise QuantityError(f"{value:g} has no unit; {example}")
        if not math.isfinite(value):
            raise QuantityError(f"{value:g} is not a finite number")
        return value
    match = _NUMBER.match(text)
    if match is None:
        raise QuantityError(f"{text!r} is not a quantity; {example}")
    number, written = f"{match.group(1)}e{match.group(2) or 0}", (match.group(3) or "").strip()
    if written == "" and unit != "":
        raise QuantityError(f"{text.strip()!r} has no unit; {example}")
    result = _value(number, _ALIASES.get(written, written), unit)
    if result is None:
        raise QuantityError(f"{text.strip()!r} is not in {_name(unit)}; {example}")
    if not math.isfinite(result):
        raise QuantityError(f"{text.strip()!r} is not a finite number; {example}")
    return result


def _value(number: str, written: str, unit: str) -> float | None:
    """Return the number in canonical ``unit``, or None where ``written`` is another dimension."""
    if unit == "s":
        return float(number) * _TIME[written] if written in _TIME else None
    if unit == "degC":
        if written == "degF":
            return (float(number) - 32) / 1.8
        return float(number) if written == "degC" else None
    if unit == "K":
        scale = {"K": 1.0, "mK": 1e-3, "degC": 1.0}.get(written)
        return float(number) * scale if scale is not None else None
    if unit in _RATES:
        scale = _RATES[unit].get(written)
        return float(number) * scale if scale is not None else None
    match = _SI.match(written) if unit in _WITH_PREFIX else None
    if match is None:
        return float(number) if written == unit and unit not in _WITH_PREFIX else None
    name = "Ohm" if match.group(2) in _OHMS else match.group(2)
    mantissa, _, exponent = number.partition("e")  # moved in decimal: 2.05 mV is the float nearest to 0.00205
    return float(f"{mantissa}e{int(exponent) + _EXPONENTS[match.group(1)]}") if name == unit else None


def _name(unit: str) -> str:
    return {"": "plain numbers", "s": "seconds, minutes or hours", "degC": "degC"}.get(unit, unit)


_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"))


def render(value: float, unit: str, digits: int = 4) -> str:
    """Return ``value`` in canonical ``unit`` for people: ``0.75, "V"`` gives ``750 mV``; seconds become min and h."""
    if unit == "s" and 60 <= abs(value) < math.inf:
        return render_duration(value)
    if unit != "s" and unit not in _WITH_PREFIX:
        return f"{value:.{digits}g} {unit}".rstrip()
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    scale, prefix = next(((s, p) for s, p in _PREFIXES if abs(value) >= s * 0.99999), _PREFIXES[-1])
    return f"{value / scale:.{digits}g} {prefix}{unit}"


def render_duration(seconds: float) -> str:
    """Return a duration as two units at most: ``2 h 14 min``, ``3 min 20 s``, ``4.2 s``."""
    if -math.inf < seconds <= -60:
        return f"-{render_duration(-seconds)}"
    if not 60 <= seconds < math.inf:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {secs:02d} s"
