"""What a family of instruments asks of any transport: pauses between messages, in real time whatever the bench's clock
does, and line ends.
"""

from __future__ import annotations

import threading
import time

LONGEST_S = 60.0
"""A longer pause is a mistake of units."""


class Pacing:
    """Keeps ``gap_s`` between the end of one exchange and the next message.

    A message without a reply ends when it was sent, a question when its reply was read or given up. ``least_s`` is what
    the transport keeps in any case.
    """

    __slots__ = ("_closed", "_ended", "gap_s")

    def __init__(self, name: str, gap_s: float, closed: threading.Event, least_s: float = 0.0) -> None:
        if not 0 <= gap_s <= LONGEST_S:
            raise ValueError(f"{name}: gap_s is {gap_s}; it must be 0 to {LONGEST_S:g} s")
        self.gap_s, self._closed, self._ended = max(gap_s, least_s), closed, 0.0

    def wait(self) -> None:
        """Wait for what is left of the gap; closing the link ends it."""
        if self.gap_s:
            left_s = self._ended + self.gap_s - time.monotonic()
            if left_s > 0:
                self._closed.wait(left_s)

    def end(self) -> None:
        """An exchange has ended now."""
        if self.gap_s:
            self._ended = time.monotonic()


def check_terminator(name: str, what: str, terminator: str) -> bytes:
    """Return a terminator as bytes; raises ValueError unless it is one to four control characters or ASCII."""
    if not 1 <= len(terminator) <= 4 or not terminator.isascii():
        raise ValueError(f"{name}: {what} is {terminator!r}; write one to four ASCII characters, like '\\r\\n'")
    return terminator.encode("ascii")


def last_and_front(terminator: bytes) -> tuple[bytes, str]:
    """Return the byte that ends a reply, and what is dropped in front of it; a CR is dropped there in any case."""
    front = terminator[:-1].decode("ascii")
    return terminator[-1:], "" if front == "\r" else front
