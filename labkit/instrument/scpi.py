"""Rows over SCPI: operations become one compound message with the error queue asked last, replies become values.

A set and the queries beside it travel in one message (``VOLT 0.75,(@1);:MEAS:CURR? (@1);:SYST:ERR?``): one round
trip, no lone write that Nagle's algorithm could hold back, and an error belongs to the block that caused it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from labkit.clock import Clock
from labkit.errors import DeviceError, LinkError, ReplyError
from labkit.instrument.declare import Operation, Row, Scpi, Special
from labkit.instrument.notation import parse_notation, shortest
from labkit.transport.link import Done, MessageLink, Pending

_DRAIN_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class ScpiDialect:
    """How one family writes SCPI.

    ``channel``: "list" puts ``(@n)`` behind (Keysight), "suffix" puts the number at the header's ``<n>``, "none" has no
    channels. ``error_query``: "" where the instrument keeps no error queue; ``error_texts``: what its numbers mean,
    where it answers with a number alone. ``compound``: whether several commands may stand in one message, and several
    answers in one line; where not, ``error_with_set`` still puts the error query behind a set (``FREQ 1e7;LERR?``),
    which makes one answer. ``proof``: a number that can be set and asked without any effect, with which a
    re-synchronisation proves that answers match questions; "" where the family documents none.
    """

    channel: Literal["none", "list", "suffix"] = "none"
    error_query: str = "SYST:ERR?"
    compound: bool = True
    error_with_set: bool = False
    error_texts: Mapping[int, str] | None = None
    proof: str = "*ESE"
    link_kind: str = "message"

    def open(self, name: str, link: MessageLink, clock: Clock) -> ScpiPort:
        """Return a port for the instrument ``name``."""
        return ScpiPort(name, link, clock, self)


class ScpiPort:
    """Performs operations over a message link."""

    def __init__(self, name: str, link: MessageLink, clock: Clock, dialect: ScpiDialect) -> None:
        self.name, self.link, self._clock, self._dialect = name, link, clock, dialect
        self._texts: dict[tuple[Row[Any], int | None, str], tuple[str, str]] = {}
        self._questions: dict[Operation, str] = {}
        self._dirty = False

    def start(self, operations: Sequence[Operation]) -> Pending[list[Any]]:
        """Send the operations, and the error query, as one message (or one by one where the family cannot)."""
        if self._dirty:
            self.resync()
        if not self._dialect.compound:
            return Done([value for op in operations for value in self._one_by_one(op)])
        return self._exchange(operations, self._dialect.error_query)

    def _one_by_one(self, op: Operation) -> list[Any]:
        """Perform one operation where a message holds one answer: the error queue is asked in a message of its own."""
        for unit in filter(None, _before(op).split(";:")):
            self._send_alone(unit)
        if self._dialect.error_with_set and op.verb != "get":
            units = (self._unit(op), self._dialect.error_query)
            return self._reply_to(";".join(units), [], asks_error=True).result()
        values = self._exchange([op], "").result()
        errors = self.drain_errors()
        if errors:
            raise DeviceError(errors, instrument=self.name, sent=self._unit(op))
        return values

    def _send_alone(self, unit: str) -> None:
        """Send one unit; the answer of a question is dropped: it told of the past and cleared it."""
        if unit.endswith("?"):
            self.query(unit)
            return
        try:
            self.link.write(unit)
        except LinkError:
            self._dirty = True
            raise

    def _exchange(self, operations: Sequence[Operation], error_query: str) -> Pending[list[Any]]:
        questions = self._questions
        units = [questions.get(op) or self._unit(op) for op in operations]
        gets = [op.row for op in operations if op.verb == "get"]
        if error_query:
            units.append(error_query)
        if not units:
            return Done([])
        return self._reply_to(";:".join(units).replace(";:*", ";*"), gets, bool(error_query))

    def _reply_to(self, message: str, gets: list[Row[Any]], asks_error: bool) -> Pending[list[Any]]:
        started = self._clock.now()
        try:
            if not gets and not asks_error:
                self.link.write(message)
                return Done([])
            return _Reply(self, self.link.ask(message), gets, message, started, asks_error)
        except LinkError:
            self._dirty = True
            raise

    def _unit(self, op: Operation) -> str:
        key = (op.row, op.channel, op.verb)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self._compile(op)
        head, tail = text
        if op.verb == "get":
            self._questions[op] = head  # a bound row asks with one and the same operation, again and again
        return f"{head}{encode(op.row, op.value)}{tail}" if op.verb == "put" else head

    def _compile(self, op: Operation) -> tuple[str, str]:
        wire = op.row.wire
        if not isinstance(wire, Scpi):
            raise TypeError(f"{self.name}.{op.row.name}: {wire!r} is not a SCPI row")
        dialect, channel = self._dialect.channel, op.channel
        numbered = any(node.suffix for node in parse_notation(wire.notation))
        if dialect == "suffix" and channel is not None and not numbered:
            raise TypeError(f"{self.name}.{op.row.name}: {wire.notation!r} has no <n> for the channel number; the "
                            "instrument would act on whichever channel is selected")
        header = shortest(wire.notation, channel)
        placed = dialect == "list" and channel is not None and not numbered and wire.placed
        place = f"(@{channel})" if placed else ""
        before = _before(op) if self._dialect.compound else ""
        if before.endswith("?"):
            raise TypeError(f"{self.name}.{op.row.name}: {before!r} answers; its answer would be taken for another's")
        header = f"{before};:{header}" if before else header
        if op.verb == "put":
            return (f"{header} {wire.index}," if wire.index else f"{header} "), f",{place}" if place else ""
        mark = "?" if op.verb == "get" else ""
        said = ",".join(filter(None, (wire.index, place)))
        return (f"{header}{mark} {said}" if said else f"{header}{mark}"), ""

    def query(self, message: str) -> str:
        """Ask raw text: unguarded, for identification and by hand; not for settings."""
        if self._dirty:
            self.resync()
        try:
            return self.link.ask(message).result()
        except LinkError:
            self._dirty = True
            raise

    def resync(self) -> None:
        """Reconnect or clear the link, then prove with a number that cannot be stale that answers match questions."""
        self._dirty = True
        self.link.clear()
        if self._dialect.proof:
            self._prove()
        self._dirty = False
        self.drain_errors()

    def _prove(self) -> None:
        proof = self._dialect.proof
        for nonce in (17, 34, 5):
            reply = self._echo(nonce)
            if reply.strip().lstrip("+") != str(nonce):
                raise LinkError("answers do not match questions after a re-synchronisation; check for a second program "
                                "on this instrument", instrument=self.name, sent=f"{proof} {nonce};{proof}?",
                                reply=reply)
        self._echo(0)

    def _echo(self, number: int) -> str:
        proof = self._dialect.proof
        if self._dialect.compound:
            return self.link.ask(f"{proof} {number};{proof}?").result()
        self.link.write(f"{proof} {number}")
        return self.link.ask(f"{proof}?").result()

    def drain_errors(self) -> tuple[tuple[int, str], ...]:
        """Return and remove what is in the error queue."""
        found: list[tuple[int, str]] = []
        while self._dialect.error_query and len(found) < _DRAIN_AT_MOST:
            number, text = self.error_of(self.query(self._dialect.error_query))
            if number == 0:
                break
            found.append((number, text))
        return tuple(found)

    def error_of(self, text: str) -> tuple[int, str]:
        """Return number and meaning of an answer to the error query; raises ReplyError."""
        number, meaning = parse_error(text, self.name)
        texts = self._dialect.error_texts
        return number, meaning if texts is None else texts.get(number, "error without a name here")

    def mark_dirty(self) -> None:
        """Refuse to trust the next reply before a :meth:`resync`."""
        self._dirty = True

    def close(self) -> None:
        """Close the link."""
        self.link.close()


class _Reply:
    """The values of one message, under way."""

    __slots__ = ("_asks_error", "_gets", "_message", "_pending", "_port", "_started", "ready_at")

    def __init__(
        self, port: ScpiPort, pending: Pending[str], gets: list[Row[Any]], message: str, started: float,
        asks_error: bool,
    ) -> None:
        self._port, self._pending, self._gets, self._message, self._started = port, pending, gets, message, started
        self._asks_error = asks_error
        self.ready_at = pending.ready_at

    def result(self) -> list[Any]:
        """Wait, parse, and raise DeviceError when the error queue was not empty."""
        port = self._port
        try:
            reply = self._pending.result()
        except BaseException:  # a cancelled wait leaves an answer under way just as a time-out does
            port.mark_dirty()
            raise
        fields = split_reply(reply)
        asks_error = self._asks_error
        if asks_error and fields and fields[-1][:2] not in ("+0", "0,"):
            self._raise_errors(fields[-1], reply)
        if len(fields) != len(self._gets) + asks_error:
            port.mark_dirty()
            raise ReplyError(f"{len(self._gets) + asks_error} values were asked for, {len(fields)} came",
                             instrument=port.name, sent=self._message, reply=reply)
        try:
            return [decode(row, text) for row, text in zip(self._gets, fields, strict=False)]
        except ValueError as error:
            port.mark_dirty()
            raise ReplyError(str(error), instrument=port.name, sent=self._message, reply=reply,
                             elapsed_s=port._clock.now() - self._started) from None

    def _raise_errors(self, field: str, reply: str) -> None:
        try:
            first = self._port.error_of(field)
        except ReplyError:
            self._port.mark_dirty()
            raise ReplyError("the last part of the answer is no error-queue entry", instrument=self._port.name,
                             sent=self._message, reply=reply) from None
        if first[0] != 0:
            raise DeviceError((first, *self._port.drain_errors()), instrument=self._port.name, sent=self._message)


def _before(op: Operation) -> str:
    """Return what goes out before an operation, joined by ``;:``; nothing for most rows."""
    wire = op.row.wire
    if not isinstance(wire, Scpi) or not wire.before:
        return ""
    return wire.before.replace("{channel}", str(op.channel)).replace(";", ";:").replace(";:*", ";*")


def split_reply(reply: str) -> list[str]:
    """Return the answers of a compound message: split at ``;`` outside quotes."""
    quote = reply.find('"')
    if quote < 0 or reply.rfind(";") < quote:
        return reply.split(";")
    fields: list[str] = []
    quoted = False
    for piece in reply.split(";"):
        if quoted:
            fields[-1] += f";{piece}"
        else:
            fields.append(piece)
        quoted ^= piece.count('"') % 2 == 1
    return fields


def parse_error(text: str, instrument: str) -> tuple[int, str]:
    """Return number and text of an error-queue entry (``-113,"Undefined header"``)."""
    number, _, rest = text.strip().partition(",")
    try:
        return int(number), rest.strip().strip('"')
    except ValueError:
        raise ReplyError("the answer is no error-queue entry", instrument=instrument, reply=text) from None


def encode(row: Row[Any], value: Any) -> str:
    """Return the parameter text of ``value``: booleans as 1 and 0, words shortened, numbers in up to twelve digits.

    Twelve carry a clock of 1 GHz to the mHz, and still hide what binary fractions do to the last two.
    """
    if row.words is not None:
        return "".join(c for c in row.words[value] if not c.islower())
    if row.values is bool:
        return "1" if value else "0"
    if row.values is str:
        return str(value)
    return f"{value:.12g}"


def decode(row: Row[Any], text: str) -> Any:
    """Return the value that a reply means for ``row``; raises ValueError where it means none."""
    text = text.strip()
    if row.decode is not None:
        return row.decode(text)
    if row.words is not None:
        return _word(row, text.strip('"'))
    if row.values is float:
        return number(text)
    if row.values is bool:
        if text in ("1", "ON", "+1"):
            return True
        if text in ("0", "OFF", "+0"):
            return False
        raise ValueError(f"{text!r} is neither on nor off")
    if row.values is int:
        return int(text)
    return text.strip('"')


def _word(row: Row[Any], text: str) -> Any:
    said = text.upper()
    for value, notation in (row.words or {}).items():
        if said in ("".join(c for c in notation if not c.islower()).upper(), notation.upper()):
            return value
    raise ValueError(f"{text!r} is none of {', '.join((row.words or {}).values())}")


def number(text: str) -> float | Special:
    """Return a number, or the :class:`Special` that a sentinel stands for (9.91E37, +-9.9E37 and beyond)."""
    value = float(text)
    if -9.8e37 < value < 9.8e37:
        return value
    if value != value or abs(value) == 9.91e37:
        return Special.NOT_A_NUMBER
    return Special.OVERLOAD if value > 0 else Special.NEGATIVE_OVERLOAD
