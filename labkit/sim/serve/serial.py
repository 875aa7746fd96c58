"""Message twins on a pseudo-terminal, as instruments offer them on RS-232: lines in, lines out."""

from __future__ import annotations

import logging
import threading
from collections import deque

from labkit.clock import Clock
from labkit.sim.serve.framing import LineFramer
from labkit.sim.serve.listener import Pace
from labkit.sim.serve.pty import PtyServer
from labkit.sim.twin import MessageTwin

_LOG = logging.getLogger("labkit.sim.serve")


def serve_messages_serial(
    twin: MessageTwin, *, clock: Clock, lock: threading.Lock, name: str = "instrument", end: str = "\n",
) -> PtyServer:
    """Return a server of a message twin on a new pseudo-terminal, not yet started.

    CR, LF and both together end a message, as instruments on RS-232 take them; ``end`` is what answers end with. A
    terminal has no rate: characters come as fast as they are read. Raises ConfigError where the system has no
    pseudo-terminals (Windows) or the clock is virtual.
    """
    pace = Pace(clock)
    return PtyServer(MessageTalker(twin, pace, lock, name, end), pace, name)


class MessageTalker:
    """Performs lines one after the other and keeps each answer until the instrument is done with it."""

    def __init__(self, twin: MessageTwin, pace: Pace, lock: threading.Lock, name: str, end: str) -> None:
        self._twin, self._pace, self._lock, self._name = twin, pace, lock, name
        self._end, self._framer = end.encode("ascii"), LineFramer()
        self._answers: deque[tuple[float, bytes]] = deque()

    def due(self) -> float | None:
        """Return when the next answer is ready."""
        return self._answers[0][0] if self._answers else None

    def exchange(self, data: bytes) -> bytes:
        """Perform what came and return the answers that are ready."""
        for line in self._framer.feed(data.replace(b"\r", b"\n")) if data else ():
            if line != "":
                self._perform(line)
        out, now = b"", self._pace.clock.now()
        while self._answers and self._answers[0][0] <= now:
            out += self._answers.popleft()[1]
        return out

    def _perform(self, line: str | None) -> None:
        with self._lock:
            if line is None:
                overrun = getattr(self._twin, "overrun", None)
                if overrun is not None:
                    overrun()
                return
            try:
                reply = self._twin.handle(line)
            except Exception:
                _LOG.exception("the twin of %s failed at %r; nothing is answered", self._name, line[:200])
                return
            ready_at = self._pace.occupy(reply.latency_s)
        if reply.text is not None:
            self._answers.append((ready_at, reply.text.encode("latin-1", "replace") + self._end))
