"""Message twins over TCP, as instruments offer them on port 5025: lines in, lines out, no protocol around."""

from __future__ import annotations

import logging
import socket
import threading

from labkit.clock import Clock
from labkit.sim.serve.framing import LineFramer
from labkit.sim.serve.listener import Pace, TcpServer
from labkit.sim.twin import MessageTwin

_LOG = logging.getLogger("labkit.sim.serve")
_RECEIVE = 8192  # more comes with the next call; a larger buffer is made and thrown away at every query


def serve_messages(
    twin: MessageTwin, *, clock: Clock, lock: threading.Lock, host: str = "127.0.0.1", port: int = 0,
    name: str = "instrument", end: str = "\n",
) -> TcpServer:
    """Return a server of a message twin, bound and not yet started; port 0 takes a free one.

    ``lock`` is the one of the bench; ``end`` is what answers end with. Several clients are served side by side, one
    message at a time. Raises ConfigError when the port is taken or the clock is virtual.
    """
    pace = Pace(clock)
    terminator = end.encode("ascii")

    def answer(line: str | None) -> tuple[str | None, float]:
        with lock:
            if line is None:
                overrun = getattr(twin, "overrun", None)
                if overrun is not None:
                    overrun()
                return None, clock.now()
            try:
                reply = twin.handle(line)
            except Exception:
                _LOG.exception("the twin of %s failed at %r; nothing is answered", name, line[:200])
                return None, clock.now()
            return reply.text, pace.occupy(reply.latency_s)

    def converse(connection: socket.socket) -> None:
        framer = LineFramer()
        while not pace.ended:
            data = connection.recv(_RECEIVE)
            if not data:
                return
            for line in framer.feed(data):
                text, ready_at = answer(line)
                if not pace.wait_until(ready_at):
                    return
                if text is not None:
                    connection.sendall(text.encode("latin-1", "replace") + terminator)

    return TcpServer(host, port, pace, converse, name)
