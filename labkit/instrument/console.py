"""Rows over a console: send a line, read up to the prompt, take the value out of what was printed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from labkit.errors import LinkTimeout, ReplyError
from labkit.instrument.declare import Line, Operation, Row
from labkit.instrument.registers import special
from labkit.quantity import QuantityError, parse
from labkit.transport.link import Pending, StreamLink

_FIELD = re.compile(r"\{value(?::([A-Za-z%]+))?\}")


class ConsolePort:
    """Performs operations over a stream link. The first line goes out at once, its reply is read when collected."""

    def __init__(self, name: str, link: StreamLink, prompt: str) -> None:
        self.name, self.link = name, link
        self.prompt = re.compile(rf"(?:\A|(?<=[\r\n])){re.escape(prompt)}")
        self._patterns: dict[str, re.Pattern[str]] = {}

    def start(self, operations: Sequence[Operation]) -> Pending[list[Any]]:
        """Send the first line; the rest follows as the replies are collected."""
        return _Replies(self, list(operations))

    def command(self, line: str, timeout_s: float) -> str:
        """Send one line and return what is printed before the next prompt; raises LinkTimeout on silence."""
        self.send(line)
        return self.reply(line, timeout_s)

    def send(self, line: str) -> None:
        """Forget what was printed unasked, and send one line."""
        if not line.isprintable():
            raise ValueError(f"{self.name}: {line!r} is not one line of text; a second line would be a second command")
        self.link.drain()
        self.link.send(line + "\n")

    def reply(self, line: str, timeout_s: float) -> str:
        """Return what is printed before the next prompt, without the echo of ``line``."""
        try:
            text = self.link.expect(self.prompt, timeout_s, at_least_s=timeout_s)
        except LinkTimeout as error:
            raise LinkTimeout("the console did not come back to its prompt", instrument=self.name, sent=line,
                              reply=error.reply, elapsed_s=timeout_s) from None
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
        if lines and lines[0].strip() == line.strip():
            del lines[0]
        return "\n".join(lines)

    def value(self, row: Row[Any], text: str, sent: str) -> Any:
        """Return the value that ``text`` holds for ``row``."""
        wire = row.wire
        assert isinstance(wire, Line)  # noqa: S101  (checked where the line was made)
        pattern = self._patterns.get(wire.expect)
        if pattern is None:
            pattern = self._patterns[wire.expect] = re.compile(wire.expect)
        match = pattern.search(text)
        if match is None or match.group(1 if pattern.groups else 0) is None:
            raise ReplyError(f"the console did not print {wire.expect!r}", instrument=self.name, sent=sent, reply=text)
        said = match.group(1 if pattern.groups else 0)
        if row.values is not float:
            return said
        try:
            number = float(said)
            return number if math.isfinite(number) else special(number)
        except ValueError:
            raise ReplyError(f"{said!r} is no number", instrument=self.name, sent=sent, reply=text) from None

    def line(self, op: Operation) -> str:
        """Return the line to send for ``op``."""
        wire = op.row.wire
        if not isinstance(wire, Line):
            raise TypeError(f"{self.name}.{op.row.name}: {wire!r} is not a console row")
        if op.verb == "put":
            return fill(wire.send, op.value, op.row.unit)
        if _FIELD.search(wire.send):
            raise TypeError(f"{self.name}.{op.row.name} can only be set: its console line takes a value")
        return wire.send

    def resync(self) -> None:
        """Ask for a fresh prompt."""
        self.command("", 2.0)

    def close(self) -> None:
        """Close the link."""
        self.link.close()


class _Replies:
    """The values of several lines, under way."""

    __slots__ = ("_operations", "_port", "_sent", "ready_at")

    def __init__(self, port: ConsolePort, operations: list[Operation]) -> None:
        self._port, self._operations, self.ready_at = port, operations, 0.0
        self._sent = port.line(operations[0]) if operations else ""
        if operations:
            port.send(self._sent)

    def result(self) -> list[Any]:
        """Collect, sending line by line."""
        port, values, sent = self._port, [], self._sent
        for index, op in enumerate(self._operations):
            if index:
                sent = port.line(op)
                port.send(sent)
            wire = op.row.wire
            text = port.reply(sent, wire.timeout_s if isinstance(wire, Line) else 2.0)
            if op.verb == "get":
                values.append(port.value(op.row, text, sent))
            elif isinstance(wire, Line) and wire.expect and not re.search(wire.expect, text):
                raise ReplyError(f"the console did not confirm with {wire.expect!r}", instrument=port.name, sent=sent,
                                 reply=text)
        return values


def fill(template: str, value: float | str, unit: str) -> str:
    """Return ``template`` with ``{value}`` or ``{value:MHz}`` replaced; the written unit scales a value in ``unit``.

    Raises ValueError where the written unit is of another dimension.
    """

    def text(match: re.Match[str]) -> str:
        written = match.group(1)
        if written is None or isinstance(value, str):
            return f"{value:.12g}" if not isinstance(value, str) else value
        try:
            return f"{value / parse(f'1 {written}', unit):.12g}"
        except QuantityError as error:
            raise ValueError(f"{{value:{written}}}: {error}") from None

    return _FIELD.sub(text, template)
