"""Chance by key: the same key gives the same draw, whatever was drawn before.

A shared stream of random numbers makes a result depend on how many draws came before it; a keyed hash does not. A key
is everything that names the draw, for example ``(seed, dut, "bist", condition, repeat)``. A draw costs about 2 us.
"""

from __future__ import annotations

import math
from array import array
from hashlib import blake2b

_STEPS = 1 << 52
_TWO_PI = 2.0 * math.pi


def _number(key: tuple[object, ...], size: int) -> int:
    """Return ``size`` bytes of hash over the key's repr, which tells 1 from 1.0 and from "1"."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=size).digest(), "little")


def keyed_uniform(*key: object) -> float:
    """Return a number in (0, 1), both ends excluded, drawn by this key.

    Keys are numbers, strings, None and tuples of those: things whose repr is the same in every process.
    """
    return ((_number(key, 8) >> 12) + 0.5) / _STEPS


def keyed_normal(*key: object) -> float:
    """Return a draw of the standard normal distribution (Box-Muller) by this key, within +-8.6."""
    number = _number(key, 16)
    radius = math.sqrt(-2.0 * math.log(((number >> 76) + 0.5) / _STEPS))
    return radius * math.cos(_TWO_PI * (number & (_STEPS - 1)) / _STEPS)


class Repeats:
    """How often each key has come before. Memory stays flat: two keys that share one of 65536 bins count together."""

    __slots__ = ("_bins",)

    def __init__(self) -> None:
        self._bins = array("I", [0]) * (1 << 16)

    def count(self, *key: object) -> int:
        """Return how often this key was counted before, and count it."""
        index = _number(key, 2)
        self._bins[index] += 1
        return self._bins[index] - 1
