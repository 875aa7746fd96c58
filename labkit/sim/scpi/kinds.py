"""The kinds of parameters: how each is read from text, refused with the right number, and written in an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from labkit.instrument import Special
from labkit.sim.scpi.errors import ScpiError
from labkit.sim.scpi.formats import Formats

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:\s*[eE]\s*([-+]?\d+))?\s*(.*)\Z", re.DOTALL | re.ASCII)
_BASED = re.compile(r"#(?:[hH]([0-9A-Fa-f]{1,16})|[qQ]([0-7]{1,22})|[bB]([01]{1,64}))\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_SUFFIX = re.compile(r"[A-Za-z/%][A-Za-z0-9/.%-]*\Z")
_MULTIPLIERS = {
    "": 1.0, "EX": 1e18, "PE": 1e15, "T": 1e12, "G": 1e9, "MA": 1e6, "K": 1e3, "M": 1e-3, "U": 1e-6, "N": 1e-9,
    "P": 1e-12, "F": 1e-15, "A": 1e-18,
}
_UNITS = {"Ohm": "OHM", "Hz": "HZ", "degC": "CEL", "%": "PCT", "V/s": "V/S"}
_SYMBOLS = {
    "MIN": "MIN", "MINIMUM": "MIN", "MAX": "MAX", "MAXIMUM": "MAX", "DEF": "DEF", "DEFAULT": "DEF", "UP": "UP",
    "DOWN": "DOWN", "INF": "INF", "INFINITY": "INF", "NINF": "NINF", "NAN": "NAN",
}
_LONGEST_WORD = 32


@dataclass(frozen=True, slots=True)
class Symbol:
    """A word in place of a number: MIN, MAX, DEF, UP, DOWN, INF; what it means depends on the state."""

    word: str


class Kind(Protocol):
    """A kind of parameter."""

    def parse(self, text: str) -> Any:
        """Return the value of a parameter (blanks removed, not empty); raises ScpiError."""

    def form(self, value: Any, formats: Formats) -> str:
        """Return ``value`` as the model writes it in an answer."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number; ``symbols`` are the words it accepts. ``low`` and ``high`` bound it (-222 beyond)."""

    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    integer: bool = False
    symbols: tuple[str, ...] = ("MIN", "MAX", "DEF")

    def parse(self, text: str) -> float | Symbol:
        """Return the number, in the unit without multiplier, or the symbol."""
        match = _NUMBER.match(text)
        if match is None:
            return self._other(text)
        mantissa, exponent, suffix = match.groups()
        if len(mantissa) > 255:
            raise ScpiError(-124)
        if exponent is not None and (len(exponent) > 6 or abs(int(exponent)) > 32000):
            raise ScpiError(-123)
        value = float(f"{mantissa}e{exponent}" if exponent else mantissa)
        return self._whole(value * self._multiplier(suffix) if suffix else value)

    def _whole(self, value: float) -> float:
        if not self.integer:
            return value
        return int(math.copysign(math.floor(abs(value) + 0.5), value)) if math.isfinite(value) else value

    def _other(self, text: str) -> float | Symbol:
        based = _BASED.match(text)
        if based is not None:
            hexadecimal, octal, binary = based.groups()
            if hexadecimal:
                return self._whole(float(int(hexadecimal, 16)))
            return self._whole(float(int(octal, 8) if octal else int(binary, 2)))
        word = _SYMBOLS.get(text.upper())
        if word is not None and word in self.symbols:
            return Symbol(word)
        if _WORD.match(text):
            raise ScpiError(-141 if self.symbols else -148)
        raise ScpiError(_refusal(text, -121))

    def _multiplier(self, suffix: str) -> float:
        if not _SUFFIX.match(suffix):
            raise ScpiError(-121)
        if not self.unit:
            raise ScpiError(-138)
        unit, written = _UNITS.get(self.unit, self.unit.upper()), suffix.upper()
        if not written.endswith(unit):
            raise ScpiError(-131)
        prefix = written[:len(written) - len(unit)]
        if prefix not in _MULTIPLIERS:
            raise ScpiError(-131)
        # SCPI-99 volume 1, 7.2.2: MHZ and MOHM are mega, everywhere else M is milli.
        return 1e6 if prefix == "M" and unit in ("HZ", "OHM") else _MULTIPLIERS[prefix]

    def form(self, value: Any, formats: Formats) -> str:
        """Return NR1 or NR3 text; a :class:`~labkit.instrument.Special` as its sentinel."""
        if isinstance(value, Special):
            return formats.special(value)
        return formats.integer(int(value)) if self.integer else formats.real(float(value))


@dataclass(frozen=True, slots=True)
class Boolean:
    """ON, OFF, or a number that rounds to zero or not (SCPI-99 volume 1, 7.3)."""

    def parse(self, text: str) -> bool:
        """Return the truth."""
        word = text.upper()
        if word in ("1", "ON"):
            return True
        if word in ("0", "OFF"):
            return False
        if _WORD.match(text):
            raise ScpiError(-224)
        value = Number(symbols=()).parse(text)
        if isinstance(value, Symbol) or not math.isfinite(value):
            raise ScpiError(-224)
        return round(value) != 0

    def form(self, value: Any, formats: Formats) -> str:
        """Return what the model writes for off and on."""
        return formats.boolean[bool(value)]


@dataclass(frozen=True, slots=True)
class Word:
    """One of a closed set of words, short or long form and nothing between; ``words`` maps values to notations."""

    words: Mapping[Any, str]
    _by_text: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for value, notation in self.words.items():
            self._by_text[short_form(notation)] = value
            self._by_text[notation.upper()] = value

    def parse(self, text: str) -> Any:
        """Return the value that the word stands for; words that are numbers (``RANGe 4|40``) count as words."""
        said = text.upper()
        if said in self._by_text:
            return self._by_text[said]
        if _WORD.match(text):
            raise ScpiError(-224 if len(text) <= _LONGEST_WORD else -144)
        raise ScpiError(_refusal(text, -128 if _NUMBER.match(text) else -141))

    def form(self, value: Any, formats: Formats) -> str:
        """Return the short form."""
        return short_form(self.words[value])


def words(notations: str) -> Word:
    """Return the kind for ``"FIXed|STEP|LIST"``; the value of each word is its short form."""
    return Word({short_form(notation): notation for notation in notations.split("|")})


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, with either quote; a doubled quote stands for one."""

    longest: int = 4096

    def parse(self, text: str) -> str:
        """Return what stands between the quotes."""
        quote = text[0]
        if quote not in "\"'":
            raise ScpiError(-148 if _WORD.match(text) else _refusal(text, -128 if _NUMBER.match(text) else -104))
        inner = text[1:-1]
        if len(text) < 2 or text[-1] != quote or quote in inner.replace(quote * 2, ""):
            raise ScpiError(-151)
        if len(inner) > self.longest:
            raise ScpiError(-223)
        return inner.replace(quote * 2, quote)

    def form(self, value: Any, formats: Formats) -> str:
        """Return the string in double quotes."""
        doubled = str(value).replace('"', '""')
        return f'"{doubled}"'


@dataclass(frozen=True, slots=True)
class Raw:
    """Anything, as written: for commands whose parameters only the twin's own method understands."""

    def parse(self, text: str) -> str:
        """Return the text."""
        return text

    def form(self, value: Any, formats: Formats) -> str:
        """Return the text."""
        return str(value)


def short_form(notation: str) -> str:
    """Return the capitals and digits of a word in manual notation."""
    return "".join(c for c in notation if not c.islower())


def _refusal(text: str, otherwise: int) -> int:
    """Return the number for a parameter of another type than wanted: string, expression, block; or ``otherwise``."""
    if text[0] in "\"'":
        return -158 if len(text) > 1 and text[-1] == text[0] else -151
    if text[0] == "(":
        return -178
    if text[0] == "#" and len(text) > 1 and text[1].isdigit():
        return -168
    return otherwise
