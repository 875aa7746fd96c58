"""Lines out of a byte stream: ended by LF, a CR before it dropped, definite-length blocks left whole."""

from __future__ import annotations

from labkit.sim.scpi.syntax import block_end

_LONGEST_HEADER = 11
"""Bytes of ``#9`` and nine digits."""


class LineFramer:
    """Collects bytes and yields lines; never holds more than ``longest`` bytes and one receive."""

    def __init__(self, longest: int = 65536) -> None:
        self._longest = longest
        self._rest = b""
        self._skipping = False
        self._scanned = 0

    def feed(self, data: bytes) -> list[str | None]:
        """Return the lines that are now complete; None stands for one that was too long."""
        if not self._rest and not self._skipping and b"#" not in data and data.endswith(b"\n") and (
                len(data) <= self._longest):
            return [line.rstrip(b"\r").decode("latin-1") for line in data[:-1].split(b"\n")]
        self._rest += data
        lines: list[str | None] = []
        while True:
            end = self._line_end()
            if end is None:
                break
            line, self._rest, self._scanned = self._rest[:end], self._rest[end + 1:], 0
            if self._skipping or end > self._longest:
                lines.append(None)
                self._skipping = False
            else:
                lines.append(line.rstrip(b"\r").decode("latin-1"))
        if len(self._rest) > self._longest:
            self._rest, self._skipping, self._scanned = b"", True, 0
        return lines

    def _line_end(self) -> int | None:
        """Return where the first line ends: at an LF that is not inside a block. Goes on where it stopped before."""
        rest, position = self._rest, self._scanned
        settled = position
        while True:
            end = rest.find(b"\n", position)
            mark = -1 if self._skipping else rest.find(b"#", position, end if end >= 0 else len(rest))
            if mark < 0:
                self._scanned = max(settled, len(rest) - _LONGEST_HEADER)  # the last header may not be whole yet
                return end if end >= 0 else None
            after = self._block_end(mark)
            if after is None:
                position = mark + 1
            elif after > len(rest):
                self._scanned = mark
                return None
            else:
                position = settled = after

    def _block_end(self, mark: int) -> int | None:
        """Return where a block that begins at ``mark`` ends (perhaps beyond what came), None where none begins.

        A block stands where a parameter may, and fits the buffer: a stray ``#9`` must not swallow what follows.
        """
        before = self._rest[mark - 1:mark]
        header = self._rest[mark:mark + _LONGEST_HEADER].decode("latin-1")
        if before not in (b" ", b",", b"\t") or header[1:2] not in "123456789" or len(header) < 2:
            return None
        digits = header[2:2 + int(header[1])]
        if not (digits.isascii() and digits.isdigit()) or len(digits) < int(header[1]):
            return None
        after = mark + 2 + len(digits) + int(digits)
        if after > self._longest or block_end(header, 0) is None:
            return None
        return after
