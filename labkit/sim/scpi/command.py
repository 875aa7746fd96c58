"""What a header stands for: parameters, addressing, state and behaviour of one command of a twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from labkit.limits import NO_LIMITS, Limits
from labkit.sim.scpi.errors import ScpiError
from labkit.sim.scpi.formats import Formats
from labkit.sim.scpi.kinds import Kind, Number, Symbol

Place = int | None
"""A channel number or numeric suffix; None where a command has neither."""
Addressing = Literal["none", "list", "suffix", "selected"]


@dataclass(frozen=True)
class Entry:
    """A row of the twin's own: a header that the driver never sends but that other programs do.

    ``kinds`` are its parameters, the last one repeated without end with ``many``; fewer than ``required`` are -109
    (None: all are required). ``query_kinds`` are parameters of the query. ``name`` attaches behaviour (``get_<name>``,
    ``on_<name>``, ``do_<name>``); without behaviour the value is kept and answered, no more. ``channel`` "list": the
    trailing list, or the selected channel; "suffix": the ``<n>`` of the header; "selected": always the selected one.
    ``suffixes`` are the legal numbers where they are not the channels. Entries of one ``name`` with different
    ``topic`` (the functions of a meter) share their methods, which get the topic first; their state is kept under
    ``"<name> <topic>"``.
    """

    notation: str
    kinds: tuple[Kind, ...] = ()
    default: Any = None
    channel: Addressing = "none"
    access: Literal["set", "query", "both"] = "both"
    name: str = ""
    required: int | None = None
    many: bool = False
    query_kinds: tuple[Kind, ...] = ()
    suffixes: tuple[int, ...] = ()
    resets: bool = True
    topic: str = ""

    @property
    def key(self) -> str:
        """What its state is kept under."""
        return f"{self.name} {self.topic}" if self.topic else self.name or self.notation


@dataclass(eq=False, slots=True)
class Command:
    """An entry or a driver's row, made ready to run. ``default`` and ``limits`` are asked with the place."""

    key: str
    notation: str
    kinds: tuple[Kind, ...]
    required: int
    many: bool
    query_kinds: tuple[Kind, ...]
    addressing: Addressing
    places: tuple[Place, ...]
    default: Callable[[Place], Any]
    limits: Callable[[Place], Limits]
    get: Callable[..., Any] | None = None
    changed: Callable[[Place, Any], None] | None = None
    act: Callable[[Place], None] | None = None
    step: Callable[[Place], float] | None = None
    form: Callable[[Any], str] | None = None
    resets: bool = True
    readable: bool = True
    writable: bool = True
    measures: bool = False
    set_latency_s: float = 0.0
    query_latency_s: float = 0.0

    @staticmethod
    def limits_everywhere(place: Place) -> Limits:
        """Return no limits: what entries have whose kinds say it all."""
        return NO_LIMITS

    @property
    def stateful(self) -> bool:
        """Whether a value is kept for it."""
        return self.writable and bool(self.kinds)

    def parse(self, parameters: tuple[str, ...]) -> tuple[Any, ...]:
        """Return the values of the parameters; raises ScpiError -108, -109 and what the kinds raise."""
        if len(parameters) < self.required:
            raise ScpiError(-109)
        if len(parameters) > len(self.kinds) and not self.many:
            raise ScpiError(-108)
        if len(parameters) > 4096:
            raise ScpiError(-223)
        last = len(self.kinds) - 1
        return tuple(self.kinds[min(i, last)].parse(text) for i, text in enumerate(parameters))

    def settle(self, index: int, value: Any, place: Place, current: Any) -> Any:
        """Return the value meant: symbols resolved, range checked. Raises ScpiError -222, -224."""
        kind = self.kinds[index] if index < len(self.kinds) else self.kinds[-1]
        if not isinstance(kind, Number):
            return value
        limits = self._limits(kind, place)
        if isinstance(value, Symbol):
            value = self.symbol(value, place, current, kind)
            if value in (math.inf, -math.inf):
                return value
        if not (limits.low <= value <= limits.high or value in limits) or not math.isfinite(value):
            raise ScpiError(-222)
        return value

    def symbol(self, symbol: Symbol, place: Place, current: Any, kind: Number) -> float:
        """Return what MIN, MAX, DEF, UP, DOWN or INF stands for now; raises ScpiError -224 where for nothing."""
        limits = self._limits(kind, place)
        word = symbol.word
        if word in ("UP", "DOWN") and self.step is not None and isinstance(current, int | float):
            return current + (self.step(place) if word == "UP" else -self.step(place))
        value = {"MIN": limits.low, "MAX": limits.high, "INF": math.inf, "NINF": -math.inf}.get(word)
        if word == "DEF":
            found = self.default(place)
            value = float(found) if isinstance(found, int | float) else None
        if value is None or (not math.isfinite(value) and word in ("MIN", "MAX")):
            raise ScpiError(-224)
        return value

    def _limits(self, kind: Number, place: Place) -> Limits:
        limits = self.limits(place)
        if kind.low == -math.inf and kind.high == math.inf:
            return limits
        return limits & Limits(kind.low, kind.high)

    def answer(self, value: Any, formats: Formats) -> str:
        """Return the text for a value of this command: as its form says, or as its kinds do."""
        if self.form is not None:
            return self.form(value)
        if isinstance(value, tuple):
            last = len(self.kinds) - 1
            return ",".join(self.kinds[min(i, last)].form(part, formats) for i, part in enumerate(value))
        return self.kinds[0].form(value, formats)
