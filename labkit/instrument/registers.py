"""Rows over Modbus registers: float32 in two registers with a word order, integers, text one character a register."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from labkit.clock import Clock
from labkit.errors import LimitRefused, ReplyError
from labkit.instrument.declare import Operation, Register, Row, Special
from labkit.transport.link import Later, Pending, RegisterLink

WordOrder = Literal["low-first", "high-first"]
_RANGE = {"uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF), "uint32": (0, 0xFFFFFFFF)}
_WIDTH = {"float32": 2, "uint32": 2, "uint16": 1, "int16": 1, "string16": 15}


@dataclass(frozen=True, slots=True)
class RegisterDialect:
    """How one family lays out its registers; ``word_order``: which half of a 32-bit value comes first."""

    word_order: WordOrder = "low-first"
    link_kind: str = "register"

    def open(self, name: str, link: RegisterLink, clock: Clock) -> RegisterPort:
        """Return a port for the instrument ``name``."""
        return RegisterPort(name, link, self.word_order)


class RegisterPort:
    """Performs operations one transfer at a time, when the result is collected."""

    def __init__(self, name: str, link: RegisterLink, word_order: WordOrder) -> None:
        self.name, self.link, self._order = name, link, word_order
        self._dirty = False

    def start(self, operations: Sequence[Operation]) -> Pending[list[Any]]:
        """Perform the operations when collected: Modbus has one question under way at a time."""
        return Later(lambda: self._perform(operations))

    def _perform(self, operations: Sequence[Operation]) -> list[Any]:
        if self._dirty:
            self.resync()
        values = []
        for op in operations:
            wire = op.row.wire
            if not isinstance(wire, Register):
                raise TypeError(f"{self.name}.{op.row.name}: {wire!r} is not a register row")
            try:
                if op.verb == "put":
                    self.link.write(wire.address, self._encode(op.row, wire, op.value))
                else:
                    values.append(self._decode(op.row, wire, self.link.read(wire.address, _WIDTH[wire.encoding])))
            except LimitRefused:
                raise
            except BaseException:  # a cancelled wait leaves an answer under way just as a time-out does
                self._dirty = True
                raise
        return values

    def resync(self) -> None:
        """Reconnect: Modbus TCP matches answers by transaction number, RTU by silence."""
        self.link.clear()
        self._dirty = False

    def close(self) -> None:
        """Close the link."""
        self.link.close()

    def _encode(self, row: Row[Any], wire: Register, value: Any) -> list[int]:
        raw = int(row.words[value]) if row.words is not None else value
        try:
            return to_registers(raw, wire.encoding, self._order)
        except ValueError as error:
            raise LimitRefused(f"{self.name}.{row.name}: {error}; nothing was sent") from None

    def _decode(self, row: Row[Any], wire: Register, registers: list[int]) -> Any:
        raw = from_registers(registers, wire.encoding, self._order)
        if row.words is None:
            if row.values is bool:
                return bool(raw)
            return special(raw) if isinstance(raw, float) and not math.isfinite(raw) else raw
        for value, number in row.words.items():
            if int(number) == raw:
                return value
        raise ReplyError(f"register {wire.address} ({row.name}) holds {raw}, which is none of "
                         f"{', '.join(f'{n} {v}' for v, n in row.words.items())}", instrument=self.name)


def special(value: float) -> Special:
    """Return what a float32 that is no number stands for: an open or shorted sensor, a process value not there."""
    if math.isnan(value):
        return Special.NOT_A_NUMBER
    return Special.OVERLOAD if value > 0 else Special.NEGATIVE_OVERLOAD


def to_registers(value: float | str, encoding: str, order: WordOrder) -> list[int]:
    """Return the registers that hold ``value``; raises ValueError for a value that they cannot hold."""
    if encoding == "string16":
        text = str(value)
        if len(text) > _WIDTH[encoding] or any(ord(c) > 0xFFFF for c in text):
            raise ValueError(f"{text!r} does not fit into {_WIDTH[encoding]} characters")
        return [ord(c) for c in text.ljust(_WIDTH[encoding], "\0")]
    if encoding != "float32":
        low, high = _RANGE[encoding]
        if int(value) != value or not low <= value <= high:
            raise ValueError(f"{value} is no {encoding} ({low} to {high})")
        if encoding != "uint32":
            return [int(value) & 0xFFFF]
    try:
        packed = struct.pack(">f", value) if encoding == "float32" else struct.pack(">I", int(value))
    except OverflowError:
        raise ValueError(f"{value} is beyond what a float32 holds") from None
    high, low = struct.unpack(">HH", packed)
    return [low, high] if order == "low-first" else [high, low]


def from_registers(registers: Sequence[int], encoding: str, order: WordOrder) -> float | int | str:
    """Return the value that ``registers`` hold. float32 comes back with the digits that 32 bits carry."""
    if encoding == "string16":
        return "".join(chr(r) for r in registers if r).strip()
    if encoding == "uint16":
        return registers[0]
    if encoding == "int16":
        return registers[0] - 0x10000 if registers[0] & 0x8000 else registers[0]
    first, second = registers
    high, low = (second, first) if order == "low-first" else (first, second)
    packed = struct.pack(">HH", high, low)
    if encoding == "uint32":
        return int(struct.unpack(">I", packed)[0])
    return float(f"{struct.unpack('>f', packed)[0]:.7g}")
