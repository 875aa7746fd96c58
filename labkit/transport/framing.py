"""Where a text reply ends: at its terminator, but never inside a definite-length block (IEEE 488.2, 8.7.9).

``#<n><length><bytes>`` may hold any byte, the terminator too. A block begins only where a value may begin (at the
start, behind ``;``, ``,`` or a blank) and outside quotes, so ``#HFF`` and ``"see #12"`` are plain text.
"""

from __future__ import annotations

import re

LONGEST_REPLY = 16 * 1024 * 1024
"""Bytes; a longer reply is taken for a fault of the link."""

_QUOTE, _CR = ord('"'), ord("\r")


class FramingError(ValueError):
    """What arrives cannot be one reply; the message says why."""


class Framing:
    """Looks for the end of one reply in a buffer that grows; goes on where it left off."""

    __slots__ = ("_plain", "_position", "_quoted", "_terminator", "_terminator_byte", "block_end")

    def __init__(self, terminator: bytes = b"\n") -> None:
        if len(terminator) != 1:
            raise ValueError(f"terminator {terminator!r} is not one byte")
        self._terminator, self._terminator_byte = terminator, terminator[0]
        self._plain, self._position, self._quoted = 0, 0, False
        self.block_end = 0

    def end(self, buffer: bytes | bytearray) -> int:
        """Return the index of the terminator that ends the reply, or -1 while there is none.

        ``buffer`` begins with the reply and may only have grown since the last call. Raises FramingError when the
        reply is, or announces to be, longer than :data:`LONGEST_REPLY`.
        """
        if self._position == 0 and buffer.find(b"#", self._plain) < 0:  # the common case, at the speed of memchr
            found = buffer.find(self._terminator, self._plain)
            self._plain = len(buffer)
        else:
            found = self._scan(buffer)
        if found < 0 and len(buffer) > LONGEST_REPLY:
            raise FramingError(f"the answer is longer than {LONGEST_REPLY} bytes and has no end")
        return found

    def text(self, buffer: bytes | bytearray, end: int) -> str:
        """Return the reply in front of ``end`` as Latin-1, without a CR there unless it is the last byte of a block."""
        if end > self.block_end and buffer[end - 1] == _CR:
            end -= 1
        return buffer[:end].decode("latin-1")

    def _scan(self, buffer: bytes | bytearray) -> int:
        marks = re.compile(b'["#' + re.escape(self._terminator) + b"]")
        while True:
            match = marks.search(buffer, self._position)
            if match is None:
                self._position = max(self._position, len(buffer))
                return -1
            at = match.start()
            byte = buffer[at]
            if byte == self._terminator_byte:
                self._position = at
                return at
            if byte == _QUOTE:
                self._quoted = not self._quoted
            elif not self._quoted and (at == 0 or buffer[at - 1] in b";, "):
                behind = _behind_block(buffer, at)
                if behind is None:
                    self._position = at
                    return -1
                if behind > at + 1:
                    self.block_end = behind
                self._position = behind
                continue
            self._position = at + 1


def _behind_block(buffer: bytes | bytearray, at: int) -> int | None:
    """Return the position behind the block at ``at``, behind the ``#`` where it is none, None where bytes lack."""
    head = bytes(buffer[at + 1:at + 11])
    if not head:
        return None
    digits = head[0] - ord("0")
    if not 1 <= digits <= 9:
        return at + 1
    if len(head) < 1 + digits:
        return None if head.isdigit() else at + 1
    length = head[1:1 + digits]
    if not length.isdigit():
        return at + 1
    if int(length) > LONGEST_REPLY:
        raise FramingError(f"the answer announces {int(length)} bytes; the longest accepted has {LONGEST_REPLY}")
    return at + 2 + digits + int(length)
