"""Links for tests of drivers: a wire transcript, typed from the instrument's manual, is played against the driver.

::

    with expected(E36312A, [("VOLT 3.3,(@1);:SYST:ERR?", '+0,"No error"')]) as psu:
        psu.channels[1].voltage.set(3.3)

What the driver sends beyond the transcript, otherwise than it says, or not at all, is an AssertionError. A transcript
must not be made by running the driver: its whole worth is that it comes from somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from labkit.clock import Clock, VirtualClock
from labkit.errors import LinkError, LinkTimeout
from labkit.transport.link import Link

T_co = TypeVar("T_co", covariant=True)

CLEAR = "<clear>"
"""Stands in a transcript where the driver is expected to clear the link: ``(CLEAR, None)``."""

Answer = str | list[int] | Exception | None
"""What comes back: text, registers, an exception that the link raises instead, or None for nothing."""


class _Script:
    """The pairs of a transcript, taken one by one."""

    def __init__(self, name: str, pairs: Sequence[tuple[object, Answer]]) -> None:
        self.name, self._pairs, self._next = name, list(pairs), 0

    def take(self, sent: object) -> Answer:
        """Return the answer to ``sent``, which must be what the transcript says next."""
        if self._next >= len(self._pairs):
            raise AssertionError(f"{self.name} sent {sent!r} after the end of the transcript")
        wanted, answer = self._pairs[self._next]
        if sent != wanted:
            raise AssertionError(f"{self.name} sent {sent!r}; line {self._next + 1} of the transcript has {wanted!r}")
        self._next += 1
        return answer

    def done(self) -> None:
        """Raise AssertionError when something of the transcript was never sent."""
        rest = [wanted for wanted, _ in self._pairs[self._next:]]
        if rest:
            raise AssertionError(f"{self.name} never sent {rest!r}")


class TranscriptLink:
    """A message link that plays (message, reply) pairs; a reply of None: the message has none."""

    def __init__(self, pairs: Sequence[tuple[str, str | Exception | None]], name: str = "instrument") -> None:
        self.name = name
        self._script = _Script(name, pairs)
        self._unread: _TranscriptReply | None = None
        self.closed = False

    def write(self, message: str) -> None:
        """Take a message that has no reply."""
        self._refuse_unread(message)
        answer = self._script.take(message)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            raise AssertionError(f"{self.name} wrote {message!r} without waiting for the reply {answer!r}")

    def ask(self, message: str) -> _TranscriptReply:
        """Take a message that has a reply; a missing one is a LinkTimeout when it is collected."""
        self._refuse_unread(message)
        answer = self._script.take(message)
        self._unread = _TranscriptReply(self, message, answer)
        return self._unread

    def clear(self) -> None:
        """Take a clear; the transcript has to expect it."""
        self._unread = None
        self._script.take(CLEAR)

    def close(self) -> None:
        """Remember that the link was closed."""
        self.closed = True

    def done(self) -> None:
        """Raise AssertionError when something was never sent or never read."""
        if self._unread is not None:
            raise AssertionError(f"{self.name} never read the reply to {self._unread.message!r}")
        self._script.done()

    def _refuse_unread(self, message: str) -> None:
        if self._unread is not None:
            raise AssertionError(f"{self.name} sent {message!r} before it read the reply to {self._unread.message!r}")


class _TranscriptReply:
    """A reply of a :class:`TranscriptLink`, not read yet."""

    def __init__(self, link: TranscriptLink, message: str, answer: Answer) -> None:
        self._link, self.message, self._answer, self.ready_at = link, message, answer, 0.0

    def result(self) -> str:
        """Return the reply, or raise what stands in its place."""
        self._link._unread = None
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is None:
            raise LinkTimeout("no answer in the transcript", instrument=self._link.name, sent=self.message)
        return str(self._answer)


class RegisterTranscript:
    """A register link that plays (("read", address, count), values) and (("write", address, [values]), None)."""

    def __init__(self, pairs: Sequence[tuple[object, Answer]], name: str = "instrument") -> None:
        self.name = name
        self._script = _Script(name, pairs)
        self.closed = False

    def read(self, address: int, count: int) -> list[int]:
        """Return the registers that the transcript has."""
        answer = self._script.take(("read", address, count))
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, list) or len(answer) != count:
            raise AssertionError(f"the transcript has {answer!r} where {count} registers were read")
        return answer

    def write(self, address: int, values: Sequence[int]) -> None:
        """Take registers."""
        answer = self._script.take(("write", address, list(values)))
        if isinstance(answer, Exception):
            raise answer

    def clear(self) -> None:
        """Take a clear; the transcript has to expect it."""
        self._script.take(CLEAR)

    def close(self) -> None:
        """Remember that the link was closed."""
        self.closed = True

    def done(self) -> None:
        """Raise AssertionError when something was never read or written."""
        self._script.done()


class StreamTranscript:
    """A stream link that plays (characters sent, text that then arrives); text that no wait takes is unread."""

    def __init__(self, pairs: Sequence[tuple[str, str | Exception | None]], name: str = "instrument") -> None:
        self.name = name
        self._script = _Script(name, pairs)
        self._text = ""
        self.closed = False

    def send(self, text: str) -> None:
        """Take characters, exactly those of the transcript."""
        answer = self._script.take(text)
        if isinstance(answer, Exception):
            raise answer
        self._text += str(answer or "")

    def expect(self, pattern: re.Pattern[str], timeout_s: float, at_least_s: float = 0.0) -> str:
        """Return the text up to the first match; a LinkTimeout at once where there is none."""
        match = pattern.search(self._text)
        if match is None:
            raise LinkTimeout(f"nothing that matches {pattern.pattern!r} within {timeout_s:g} s", instrument=self.name,
                              reply=self._text)
        found, self._text = self._text[:match.end()], self._text[match.end():]
        return found

    def drain(self) -> str:
        """Return and forget what has arrived."""
        text, self._text = self._text, ""
        return text

    def close(self) -> None:
        """Remember that the link was closed."""
        self.closed = True

    def done(self) -> None:
        """Raise AssertionError when something was never sent, or arrived and was never read."""
        if self._text:
            raise AssertionError(f"{self.name} never read {self._text!r}")
        self._script.done()


class DriverClass(Protocol[T_co]):
    """A driver: makes an instrument from a name, a link and a clock."""

    @property
    def dialect(self) -> Any:
        """How it speaks; ``link_kind`` says over which kind of link."""

    def __call__(self, name: str, link: Link, clock: Clock) -> T_co:
        """Return the instrument."""


@contextmanager
def expected(
    driver_class: DriverClass[T_co], pairs: Sequence[tuple[Any, Any]], *, clock: Clock | None = None,
) -> Iterator[T_co]:
    """Open a driver on a transcript; at the end everything in it must have been used.

    Time is virtual unless a ``clock`` is given. An exception inside is not covered up by what was left over.
    """
    makers: dict[str, Any] = {"message": TranscriptLink, "register": RegisterTranscript, "stream": StreamTranscript}
    link = makers[driver_class.dialect.link_kind](pairs, "instrument")
    yield driver_class("instrument", link, clock or VirtualClock())
    link.done()


def timed_out(sent: str | None = None) -> LinkError:
    """Return the time-out to put into a transcript in place of an answer."""
    return LinkTimeout("no answer in time", instrument="instrument", sent=sent)
