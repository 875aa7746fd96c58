"""How a driver is written: a table of rows, each one quantity of the instrument in its manual's own notation.

::

    class Output(Channel):
        voltage = Setting(float, Scpi("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]"), unit="V",
                          limits=lambda ch: within(0, RATINGS[ch.number].volts, "E36312A"), doc="...", source=GUIDE)
        measured_voltage = Reading(analog, Scpi("MEASure[:SCALar]:VOLTage[:DC]"), unit="V", doc="...", source=GUIDE)

On an instrument object a row becomes something to act with: ``psu.channels[1].voltage.set(0.75)``,
``psu.channels[1].measured_voltage.read()``. Assignment is refused, so a typo never passes silently. A value is checked
against the effective limit (instrument ∩ bench ∩ board) before any byte is made from it, and an :class:`Operation`
that sets something cannot be had without that check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Literal, Protocol, Self, TypeVar, cast, overload

from labkit.clock import Clock
from labkit.errors import LimitRefused
from labkit.limits import NO_LIMITS, Limits
from labkit.text import near
from labkit.transport.link import Pending

T = TypeVar("T")


class Special(Enum):
    """What an instrument sends in place of a number (SCPI-99 volume 1, 7.2.1.4): never a float inside labkit."""

    OVERLOAD = "overload"
    NEGATIVE_OVERLOAD = "negative overload"
    NOT_A_NUMBER = "not a number"


Measured = float | Special
"""A measured quantity: a float in the row's unit, or the reason why there is none."""

analog = cast("type[Measured]", float)
"""What a row of measured values is declared with: ``Reading(analog, ...)`` reads :data:`Measured`."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row comes from and how good that is.

    ``manual``: the document and page were read; ``code``: a public driver that works with the instrument;
    ``assumed``: plausible, not seen. An assumed row never arms protection by itself.
    """

    quality: Literal["manual", "code", "assumed"]
    where: str


@dataclass(frozen=True, slots=True)
class Scpi:
    """A command of words: the header in the manual's notation.

    ``before`` is what has to be sent first for a row to mean what it says, in the same message where the family can:
    units as they go out, joined by semicolons, with ``{channel}`` for the number (``ROUT:CLOS (@{channel})``).
    ``placed`` False: the command itself takes no channel list, though the family's others do. ``index`` is a first
    parameter that belongs to the name (``CMOS 1,3.3`` and ``CMOS? 1``).
    """

    notation: str
    before: str = ""
    index: str = ""
    placed: bool = True


@dataclass(frozen=True, slots=True)
class Register:
    """A Modbus holding register, 0-based as on the wire; ``float32`` takes two, word order by the dialect."""

    address: int
    encoding: Literal["float32", "uint16", "int16", "uint32", "string16"] = "float32"


@dataclass(frozen=True, slots=True)
class Line:
    """A console command. ``send`` may hold ``{value}``; ``expect`` is a regular expression over the reply.

    Its first group is the value, where it has one; ``timeout_s`` is lab time.
    """

    send: str
    expect: str = ""
    timeout_s: float = 2.0


Wire = Scpi | Register | Line


@dataclass(frozen=True, eq=False)
class Row(Generic[T]):
    """One quantity of an instrument; ``values`` is the type of its value.

    ``name`` is filled in by the class that holds the row.
    """

    values: type[T]
    wire: Wire
    unit: str = ""
    limits: Limits | Callable[[Any], Limits] = NO_LIMITS
    words: Mapping[T, str] | None = None
    """For a closed set of values: what each is called on the wire, in the manual's notation (``EXTernal``)."""
    decode: Callable[[str], T] | None = None
    """Makes the value from the reply text where type and words do not suffice."""
    doc: str = ""
    source: Source = Source("assumed", "")
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def named(self, name: str) -> Self:
        """Return this row under ``name``: for rows that come from a file instead of standing in a class."""
        object.__setattr__(self, "name", name)
        return self

    def __set__(self, owner: Owner, value: object) -> None:
        verb = "set(value)" if isinstance(self, Setting) else "read()"
        raise AttributeError(f"{owner.label}.{self.name} is no attribute to assign: call .{self.name}.{verb}")


class Setting(Row[T]):
    """A quantity that can be set, and asked for what was set."""

    @overload
    def __get__(self, owner: None, kind: type[Owner]) -> Setting[T]: ...
    @overload
    def __get__(self, owner: Owner, kind: type[Owner]) -> BoundSetting[T]: ...
    def __get__(self, owner: Owner | None, kind: type[Owner]) -> Setting[T] | BoundSetting[T]:
        """Return the row itself on the class, the thing to act with on an instrument."""
        return self if owner is None else cast(BoundSetting[T], owner.bound(self, BoundSetting))


class Reading(Row[T]):
    """A quantity that can only be read."""

    @overload
    def __get__(self, owner: None, kind: type[Owner]) -> Reading[T]: ...
    @overload
    def __get__(self, owner: Owner, kind: type[Owner]) -> BoundReading[T]: ...
    def __get__(self, owner: Owner | None, kind: type[Owner]) -> Reading[T] | BoundReading[T]:
        """Return the row itself on the class, the thing to act with on an instrument."""
        return self if owner is None else cast(BoundReading[T], owner.bound(self, BoundReading))


class Action(Row[None]):
    """A command without a value: clear a trip, select a bank."""

    def __init__(self, wire: Wire, doc: str = "", source: Source = Source("assumed", "")) -> None:
        super().__init__(type(None), wire, doc=doc, source=source)

    @overload
    def __get__(self, owner: None, kind: type[Owner]) -> Action: ...
    @overload
    def __get__(self, owner: Owner, kind: type[Owner]) -> BoundAction: ...
    def __get__(self, owner: Owner | None, kind: type[Owner]) -> Action | BoundAction:
        """Return the row itself on the class, the thing to act with on an instrument."""
        return self if owner is None else cast(BoundAction, owner.bound(self, BoundAction))


_CHECKED = object()


class Operation:
    """One thing to do on the wire: put a value, get one, or act. Made by the ``prepare`` methods of bound rows only.

    ``value`` of a put has passed the limits. Operations are immutable by habit and may be performed again.
    """

    __slots__ = ("channel", "row", "value", "verb")

    def __init__(self, verb: str, row: Row[Any], channel: int | None, value: Any, checked: object) -> None:
        if checked is not _CHECKED:
            raise TypeError("operations are made by .prepare() of a setting, reading or action, which checks limits")
        self.verb, self.row, self.channel, self.value = verb, row, channel, value

    def __repr__(self) -> str:
        where = "" if self.channel is None else f"{self.channel}."
        value = f" {self.value!r}" if self.verb == "put" else ""
        return f"<{self.verb} {where}{self.row.name}{value}>"


class Port(Protocol):
    """Speaks rows over a link: turns operations into messages or registers, and replies into values."""

    def start(self, operations: Sequence[Operation]) -> Pending[list[Any]]:
        """Begin to perform ``operations`` in order; the result holds the value of each get, in order."""

    def resync(self) -> None:
        """Make the next reply answer the next question, after an error on the link."""

    def close(self) -> None:
        """Close the link. May be called twice."""


class _Bound(Generic[T]):
    """A row of one owner (instrument or channel)."""

    __slots__ = ("_owner", "_row", "label")

    def __init__(self, owner: Owner, row: Row[T], label: str = "") -> None:
        self._owner, self._row = owner, row
        self.label = label or f"{owner.label}.{row.name}"

    @property
    def unit(self) -> str:
        """The canonical unit, "" for none."""
        return self._row.unit

    @property
    def row(self) -> Row[T]:
        """The declaration."""
        return self._row

    @property
    def owner(self) -> Owner:
        """The instrument or channel that this row acts on."""
        return self._owner


class BoundReading(_Bound[T]):
    """A reading of one instrument or channel."""

    __slots__ = ("_operation",)

    def __init__(self, owner: Owner, row: Row[T], label: str = "") -> None:
        super().__init__(owner, row, label)
        self._operation = Operation("get", row, owner.number, None, _CHECKED)

    def prepare(self) -> Operation:
        """Return the operation that reads, to be performed in one message with others."""
        return self._operation

    def read(self) -> T:
        """Ask the instrument now. A measured quantity may come back as :class:`Special`."""
        return cast(T, self._owner.perform([self._operation])[0])


class BoundSetting(_Bound[T]):
    """A setting of one instrument or channel, with its effective limit."""

    __slots__ = ("_get", "limits")

    def __init__(self, owner: Owner, row: Row[T], label: str = "") -> None:
        super().__init__(owner, row, label)
        self.limits: Limits = row.limits(owner) if callable(row.limits) else row.limits
        self._get = Operation("get", row, owner.number, None, _CHECKED)

    def restrict(self, limits: Limits) -> None:
        """Narrow the effective limit; it can never be widened."""
        self.limits = self.limits & limits

    def prepare(self, value: T) -> Operation:
        """Return the operation that sets ``value`` (canonical unit); raises LimitRefused before anything is sent."""
        row = self._row
        if row.words is None and row.values in (float, int):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise LimitRefused(f"{self.label}: {value!r} is not a number; nothing was sent")
            self.limits.check(value, what=self.label, unit=row.unit)
            if row.values is int and value != int(value):
                raise LimitRefused(f"{self.label}: {value!r} is not a whole number; nothing was sent")
        else:
            self._check_word(value)
        return Operation("put", self._row, self._owner.number, value, _CHECKED)

    def _check_word(self, value: object) -> None:
        """Refuse what is no value of a closed set, no switch position, or text that would be a second command."""
        row = self._row
        if row.words is not None:
            if not any(value == word and type(value) is type(word) for word in row.words):
                raise LimitRefused(
                    f"{self.label}: {value!r} is none of {', '.join(map(str, row.words))}; nothing was sent")
        elif row.values is bool and not isinstance(value, bool):
            # "off" is true to Python: sent as 1 it would switch an output on.
            raise LimitRefused(f"{self.label}: {value!r} is neither True nor False; nothing was sent")
        elif row.values is str and not (isinstance(value, str) and value.isprintable() and ";" not in value):
            raise LimitRefused(f"{self.label}: {value!r} is not text on one line without semicolons; nothing was sent")

    def set(self, value: T) -> None:
        """Set ``value`` now, and read the instrument's error queue in the same message where it has one."""
        self._owner.perform([self.prepare(value)])

    def prepare_get(self) -> Operation:
        """Return the operation that asks what was set."""
        return self._get

    def get(self) -> T:
        """Ask the instrument what was set."""
        return cast(T, self._owner.perform([self._get])[0])


class BoundAction(_Bound[None]):
    """A command of one instrument or channel."""

    __slots__ = ()

    def prepare(self) -> Operation:
        """Return the operation that acts."""
        return Operation("act", self._row, self._owner.number, None, _CHECKED)

    def act(self) -> None:
        """Do it now."""
        self._owner.perform([self.prepare()])


class Owner:
    """Something that has rows: an instrument or one of its channels. Closed: unknown attributes cannot be set."""

    label: str
    number: int | None
    instruments: tuple[str, ...]
    """The instruments that are spoken to when this owner is: taken together where several sites share one."""
    port: Port
    clock: Clock
    _cache: dict[str, object]
    _sealed = False

    def bound(self, row: Row[Any], make: Callable[[Owner, Row[Any]], object]) -> object:
        """Return the row bound to this owner, made once."""
        found = self._cache.get(row.name)
        if found is None:
            found = self._cache[row.name] = make(self, row)
        return found

    def perform(self, operations: Sequence[Operation]) -> list[Any]:
        """Perform operations in one block and return the values of the gets."""
        return self.port.start(operations).result()

    @classmethod
    def rows(cls) -> dict[str, Row[Any]]:
        """Return the declared rows by name, those of base classes first."""
        found: dict[str, Row[Any]] = {}
        for base in reversed(cls.__mro__):
            found.update({name: row for name, row in vars(base).items() if isinstance(row, Row)})
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if self._sealed and name != "_sealed" and not isinstance(getattr(type(self), name, None), Row):
            raise AttributeError(f"{self.label} has no attribute {name!r}{near(name, type(self).rows())}")
        object.__setattr__(self, name, value)


class Channel(Owner):
    """One channel of an instrument: the number is the one on its front panel, from 1."""

    number: int

    def __init__(self, instrument: Owner, number: int) -> None:
        self._cache = {}
        self.label = f"{instrument.label}.{number}"
        self.number, self.port, self.clock = number, instrument.port, instrument.clock
        self.instruments = instrument.instruments
        self._sealed = True
