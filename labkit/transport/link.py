"""What a transport offers to the layer above: three kinds of link, and the reply that is under way.

A *message link* carries text messages that have an end (SCPI over a socket, GPIB, USB). A *stream link* carries the
endless text of a console. A *register link* reads and writes numbered 16-bit registers (Modbus). The in-process twins
offer the same three, so nothing above knows whether steel or a simulation answers.

Every link translates its library's exceptions into :class:`~labkit.errors.LinkError` and
:class:`~labkit.errors.LinkTimeout`, once, here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """A reply under way. It owns its link: nobody else may speak there until :meth:`result` was called."""

    ready_at: float
    """Lab time at which the reply is due (virtual twins know it; 0.0 elsewhere): collect the latest one first."""

    def result(self) -> T_co:
        """Wait for the reply and return it; raises LinkError, LinkTimeout."""


class MessageLink(Protocol):
    """Text messages with an end. Terminators are the link's business; messages carry none."""

    name: str

    def write(self, message: str) -> None:
        """Send one message that has no reply."""

    def ask(self, message: str) -> Pending[str]:
        """Send one message that has one reply, without waiting for it."""

    def clear(self) -> None:
        """Throw away whatever is under way, so that the next reply answers the next question (may reconnect)."""

    def close(self) -> None:
        """End the connection. May be called twice, and from another thread to break a wait."""


class StreamLink(Protocol):
    """The text of a console, both ways. Times are lab seconds: boots and tests scale with the bench's clock."""

    name: str

    def send(self, text: str) -> None:
        """Send the characters of ``text`` as they are, line end included."""

    def expect(self, pattern: re.Pattern[str], timeout_s: float, at_least_s: float = 0.0) -> str:
        """Return what arrives, up to and including the first match; later text stays for the next call.

        Raises LinkTimeout after ``timeout_s`` lab seconds, on a real line not before ``at_least_s`` real ones (what is
        mere input and output does not scale); its ``reply`` is what arrived until then.
        """

    def drain(self) -> str:
        """Return and forget everything that has already arrived."""

    def close(self) -> None:
        """End the connection. May be called twice."""


class RegisterLink(Protocol):
    """16-bit registers, numbered from 0 as on the wire. Values are 0..65535."""

    name: str

    def read(self, address: int, count: int) -> list[int]:
        """Return ``count`` holding registers from ``address`` on; raises LinkError on a device exception."""

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write consecutive holding registers."""

    def clear(self) -> None:
        """Throw away whatever is under way (may reconnect)."""

    def close(self) -> None:
        """End the connection. May be called twice."""


Link = MessageLink | StreamLink | RegisterLink


class Done(Generic[T]):
    """A reply that is already there."""

    __slots__ = ("_value", "ready_at")

    def __init__(self, value: T) -> None:
        self._value, self.ready_at = value, 0.0

    def result(self) -> T:
        """Return the value."""
        return self._value


class Later(Generic[T]):
    """The work of a link that cannot split a question from its answer: done when collected."""

    __slots__ = ("_call", "ready_at")

    def __init__(self, call: Callable[[], T]) -> None:
        self._call, self.ready_at = call, 0.0

    def result(self) -> T:
        """Do the input and output now, and return what came."""
        return self._call()
