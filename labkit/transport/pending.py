"""Whose turn it is on a message link: what keeps an old answer from being read as a new one.

The same for every transport: a reply under way owns its link, so asking again before it was collected is a
RuntimeError; and after a fault nothing is sent until the link was cleared.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.errors import LinkError

BROKEN_OFF = "a message or the wait for its answer was broken off"
"""The fault that stands while a message goes out or an answer is awaited, and stays when Ctrl-C falls into that."""


class ReplyUnderWay:
    """What asking a message link returns; it owns the link until it is collected."""

    __slots__ = ("_collect", "collected", "message", "ready_at")

    def __init__(self, message: str, collect: Callable[[ReplyUnderWay], str]) -> None:
        self.message, self._collect = message, collect
        self.collected, self.ready_at = False, 0.0

    def result(self) -> str:
        """Wait for the reply and return it without its terminator; once only. Raises LinkError, LinkTimeout."""
        return self._collect(self)


class Turn:
    """The bookkeeping of one message link. ``what`` is its word for itself in errors: "connection", "line".

    The link sets ``pending`` to the reply under way, and ``fault`` to what puts it out of step ("" where nothing does),
    as in "the line is out of step since an answer did not come in time".
    """

    __slots__ = ("_is_closed", "_name", "_what", "fault", "pending")

    def __init__(self, name: str, what: str, is_closed: Callable[[], bool]) -> None:
        self._name, self._what, self._is_closed = name, what, is_closed
        self.pending: ReplyUnderWay | None = None
        self.fault = ""

    def check(self, message: str) -> None:
        """Raise what forbids to send ``message`` now: RuntimeError (a reply is under way), LinkError."""
        if self.pending is not None:
            raise RuntimeError(f"{self._name}: {message!r} may not be sent before the reply to "
                               f"{self.pending.message!r} was collected")
        if self._is_closed():
            raise self.shut()
        if self.fault:
            raise LinkError(f"the {self._what} is out of step since {self.fault}; clear it first (nothing was sent)",
                            instrument=self._name, sent=message)

    def claim(self, reply: ReplyUnderWay) -> None:
        """Note that ``reply`` is being collected; RuntimeError the second time, LinkError once it was thrown away."""
        if reply.collected:
            raise RuntimeError(f"{self._name}: the reply to {reply.message!r} was collected already")
        reply.collected = True
        if self.pending is not reply:
            raise LinkError(f"this reply was thrown away when the {self._what} was cleared", instrument=self._name,
                            sent=reply.message)

    def drop(self) -> None:
        """Throw the reply under way away, and let nothing be sent until the link sets ``fault`` to ""."""
        self.pending = None
        self.fault = self.fault or "it was being cleared"

    def shut(self, sent: str | None = None) -> LinkError:
        """Return the error of a link that was closed."""
        return LinkError("the link was closed", instrument=self._name, sent=sent)
