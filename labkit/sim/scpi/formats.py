"""How a model writes numbers, truth and errors: two instruments that agree on everything else differ here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labkit.instrument import Special

_SENTINELS = {Special.OVERLOAD: 9.9e37, Special.NEGATIVE_OVERLOAD: -9.9e37, Special.NOT_A_NUMBER: 9.91e37}


def nr3(decimals: int) -> Callable[[float], str]:
    """Return a writer of numbers with sign, ``decimals`` and a two-digit exponent: ``+7.50000000E-01``."""
    pattern = f"%+.{decimals}E"
    return lambda value: pattern % (value + 0.0)


def fixed(decimals: int) -> Callable[[float], str]:
    """Return a writer of numbers with a fixed number of ``decimals`` and no plus sign: ``5.000``."""
    pattern = f"%.{decimals}f"
    return lambda value: pattern % (value + 0.0)


def signed(value: int) -> str:
    """Return an integer with its sign, as Keysight writes them: ``+4``."""
    return f"{value:+d}"


_NR3_8 = nr3(8)


@dataclass(frozen=True, slots=True)
class Formats:
    """The writers of one model. ``error`` holds the places ``number`` and ``text``; ``boolean`` is (off, on)."""

    real: Callable[[float], str] = _NR3_8
    integer: Callable[[int], str] = str
    boolean: tuple[str, str] = ("0", "1")
    error: str = '{number},"{text}"'
    no_error: str = '0,"No error"'

    def special(self, value: Special) -> str:
        """Return the sentinel that stands for ``value`` (SCPI-99 volume 1, 7.2.1.4)."""
        return self.real(_SENTINELS[value])
