"""In-process faces of twins: the three kinds of link, with the twin's latency in the time of the clock.

A twin serves one message at a time: what comes while it is busy begins when it is free. Asking returns at once, and
collecting waits only for what is left, so two supplies asked together cost one latency, as on the bench.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from labkit.clock import Clock
from labkit.errors import LinkError, LinkTimeout
from labkit.sim.twin import MessageTwin, RegisterFault, RegisterTwin, StreamTwin
from labkit.transport.modbus import EXCEPTIONS

_LOOK_S = 0.25
"""How long a console with nothing to print is left alone before it is looked at again: its board may be switched on
meanwhile by somebody else."""
_KEPT_CHARACTERS = 1_000_000


class TwinMessageLink:
    """A message link to a twin. ``timeout_s`` is lab time; a twin that stays silent costs all of it.

    It is as strict as a socket's link: a reply under way owns the link, an answer that nobody asked for is refused, and
    after a time-out nothing is sent before :meth:`clear`.
    """

    __slots__ = ("_busy_until", "_closed", "_fault", "_pending", "_stray", "_twin", "clock", "name", "timeout_s")

    def __init__(self, name: str, twin: MessageTwin, clock: Clock, timeout_s: float = 2.0) -> None:
        self.name, self.clock, self.timeout_s = name, clock, timeout_s
        self._twin, self._busy_until, self._closed = twin, 0.0, False
        self._pending: TwinReply | None = None
        self._stray: deque[TwinReply] = deque()
        self._fault = ""

    def write(self, message: str) -> None:
        """Send one message without waiting; the twin is busy with it."""
        reply = self._send(message)
        if reply.text is not None:
            self._stray.append(reply)

    def ask(self, message: str) -> TwinReply:
        """Send one message and return its reply under way, which owns the link until it is collected."""
        reply = self._pending = self._send(message)
        return reply

    def _send(self, message: str) -> TwinReply:
        if self._pending is not None or self._fault or self._stray or self._closed or "\n" in message:
            self._check(message)
        sent_at = self.clock.now()
        reply = self._twin.handle(message)
        ready_at = (self._busy_until if self._busy_until > sent_at else sent_at) + reply.latency_s
        self._busy_until = ready_at
        return TwinReply(self, message, reply.text, sent_at, ready_at)

    def _check(self, message: str) -> None:
        """Raise what a socket's link raises where a message may not be sent now."""
        if self._pending is not None:
            raise RuntimeError(f"{self.name}: {message!r} may not be sent before the reply to "
                               f"{self._pending.message!r} was collected")
        problem, reply = "", None
        if self._closed:
            problem = "the link was closed"
        elif self._fault:
            problem = f"the connection is out of step since {self._fault}; clear it first (nothing was sent)"
        elif "\n" in message:
            problem = "the message holds a line end and would be two messages; nothing was sent"
        elif self._stray and self._stray[0].ready_at <= self.clock.now():
            reply, self._fault = self._stray[0].text, "an answer came that nobody asked for"
            problem = "an answer lies there that nobody asked for: a message was answered twice (nothing was sent)"
        if problem:
            raise LinkError(problem, instrument=self.name, sent=message, reply=reply)

    def collect(self, reply: TwinReply) -> str:
        """Wait for a reply, and return it; what a :class:`TwinReply` calls. Raises LinkError, LinkTimeout."""
        if self._pending is not reply:
            if reply.collected:
                raise RuntimeError(f"{self.name}: the reply to {reply.message!r} was collected already")
            reply.collected = True
            raise LinkError("the link was closed" if self._closed else
                            "this reply was thrown away when the connection was cleared",
                            instrument=self.name, sent=reply.message)
        reply.collected, self._pending = True, None
        if self._stray:
            self._stray.append(reply)
            reply = self._stray.popleft()
        clock = self.clock
        left_s = reply.ready_at - clock.now()
        if reply.text is not None and left_s <= self.timeout_s:
            if left_s > 0.0:
                self._fault = "a wait for an answer was broken off"
                clock.sleep(left_s)
                self._fault = ""
            return reply.text
        self._fault = "an answer did not come in time"
        clock.sleep(self.timeout_s)
        raise LinkTimeout(f"no complete answer within {self.timeout_s:g} s", instrument=self.name, sent=reply.message,
                          elapsed_s=clock.now() - reply.sent_at)

    def clear(self) -> None:
        """Forget every answer under way, as a new connection would; raises LinkError once closed."""
        if self._closed:
            raise LinkError("the link was closed", instrument=self.name)
        self._pending, self._fault = None, ""
        self._stray.clear()

    def close(self) -> None:
        """End the connection."""
        self._closed, self._pending = True, None


class TwinReply:
    """A reply of a twin under way; ``ready_at`` is the lab time at which it is there."""

    __slots__ = ("_link", "collected", "message", "ready_at", "sent_at", "text")

    def __init__(
        self, link: TwinMessageLink, message: str, text: str | None, sent_at: float, ready_at: float,
    ) -> None:
        self._link, self.message, self.text = link, message, text
        self.sent_at, self.ready_at, self.collected = sent_at, ready_at, False

    def result(self) -> str:
        """Wait until the reply is there and return it, once; raises LinkTimeout, LinkError."""
        return self._link.collect(self)


class TwinStreamLink:
    """A stream link to a console twin."""

    __slots__ = ("_arrived", "_closed", "_twin", "clock", "name")

    def __init__(self, name: str, twin: StreamTwin, clock: Clock) -> None:
        self.name, self.clock = name, clock
        self._twin, self._arrived, self._closed = twin, "", False

    def send(self, text: str) -> None:
        """Send characters."""
        if self._closed:
            raise self._refusal(text)
        self._twin.feed(text)

    def expect(self, pattern: re.Pattern[str], timeout_s: float, at_least_s: float = 0.0) -> str:
        """Return what arrives up to the end of the first match; raises LinkTimeout with what came until then."""
        if self._closed:
            raise self._refusal()
        clock = self.clock
        started = clock.now()
        deadline = started + timeout_s
        while True:
            came = self._pull()
            match = pattern.search(self._arrived)
            if match is not None:
                found, self._arrived = self._arrived[:match.end()], self._arrived[match.end():]
                return found
            now = clock.now()
            if now >= deadline:
                raise LinkTimeout(
                    f"nothing that matches {pattern.pattern!r} within {timeout_s:g} s", instrument=self.name,
                    reply=self._arrived, elapsed_s=now - started)
            wake = self._twin.due()
            if wake is None or (wake <= now and not came):
                wake = now + _LOOK_S
            clock.sleep((wake if wake < deadline else deadline) - now)

    def drain(self) -> str:
        """Return and forget what has arrived."""
        if self._closed:
            raise self._refusal()
        self._pull()
        arrived, self._arrived = self._arrived, ""
        return arrived

    def close(self) -> None:
        """End the connection."""
        self._closed = True

    def _pull(self) -> bool:
        text = self._twin.take()
        if text:
            self._arrived = (self._arrived + text)[-_KEPT_CHARACTERS:]
        return bool(text)

    def _refusal(self, sent: str | None = None) -> LinkError:
        return LinkError("the link was closed", instrument=self.name, sent=sent)


class TwinRegisterLink:
    """A register link to a Modbus twin: one transfer at a time, each takes the twin's latency."""

    __slots__ = ("_busy_until", "_closed", "_twin", "clock", "name")

    def __init__(self, name: str, twin: RegisterTwin, clock: Clock) -> None:
        self.name, self.clock = name, clock
        self._twin, self._busy_until, self._closed = twin, 0.0, False

    def read(self, address: int, count: int) -> list[int]:
        """Return registers; raises LinkError for an exception answer."""
        sent = f"read of {_span(address, count)}"
        self._check(sent)
        try:
            values = self._twin.read(address, count)
        except RegisterFault as fault:
            self._wait()
            raise self._translated(fault, sent) from None
        self._wait()
        return list(values)

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write registers; raises LinkError for an exception answer."""
        sent = f"write of {list(values)} to {_span(address, len(values))}"
        self._check(sent)
        try:
            self._twin.write(address, values)
        except RegisterFault as fault:
            self._wait()
            raise self._translated(fault, sent) from None
        self._wait()

    def clear(self) -> None:
        """Do nothing: no transfer is ever under way."""

    def close(self) -> None:
        """End the connection."""
        self._closed = True

    def _wait(self) -> None:
        now = self.clock.now()
        self._busy_until = max(now, self._busy_until) + self._twin.latency_s
        self.clock.sleep(self._busy_until - now)

    def _translated(self, fault: RegisterFault, sent: str) -> LinkError:
        meaning = EXCEPTIONS.get(fault.code, "it gives no reason that is known here")
        return LinkError(f"the device refuses with Modbus exception {fault.code}: {meaning}", instrument=self.name,
                         sent=sent, elapsed_s=self._twin.latency_s)

    def _check(self, sent: str) -> None:
        if self._closed:
            raise LinkError("the link was closed", instrument=self.name, sent=sent)


def _span(address: int, count: int) -> str:
    return f"register {address}" if count == 1 else f"registers {address}..{address + count - 1}"
