"""Messages over a raw TCP socket (``TCPIP::host::port::SOCKET``), in labkit's own buffered socket.

Twice as fast as PyVISA-py, and without its stall: Nagle's algorithm is off, so a setting followed by a question is
never held back by a delayed acknowledgement. The time-out is the kernel's (SO_RCVTIMEO): Python's own costs a ``poll``
a call.

Two rules keep an old answer from being read as a new one (:class:`~labkit.transport.pending.Turn`). A reply under way
owns its link: asking again before it was collected is a RuntimeError. And a link that erred stays shut until
:meth:`TcpLink.clear` has made a new connection.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import TcpSocket
from labkit.transport.framing import Framing, FramingError
from labkit.transport.pacing import Pacing, check_terminator, last_and_front
from labkit.transport.pending import BROKEN_OFF, ReplyUnderWay, Turn

_SLOWEST_BYTES_PER_S = 100_000.0
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
_NO_ANSWER_IN_TIME = (BlockingIOError, TimeoutError)  # what SO_RCVTIMEO raises on POSIX, and on Windows


def connect(name: str, host: str, port: int, *, timeout_s: float, connect_timeout_s: float) -> socket.socket:
    """Return a connected socket: no delay, keepalive, not inherited by child processes, time-out in the kernel.

    Raises LinkError (refused, unknown host) and LinkTimeout (nobody answers) for the instrument ``name``.
    """
    started = time.monotonic()
    try:
        sock = socket.create_connection((host, port), timeout=connect_timeout_s)
    except TimeoutError:
        raise LinkTimeout(f"no answer from {host} port {port}; check that the instrument is switched on and that the "
                          "address in the bench file is right", instrument=name,
                          elapsed_s=time.monotonic() - started) from None
    except (OSError, UnicodeError) as error:
        raise LinkError(f"no connection to {host} port {port}: {reason(error)}; check that the instrument is switched "
                        "on, that address and port in the bench file are right and that no other program holds it",
                        instrument=name) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        if hasattr(socket, option):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    sock.settimeout(None)
    set_kernel_timeout(sock, timeout_s)
    return sock


def set_kernel_timeout(sock: socket.socket, timeout_s: float) -> None:
    """Let every send and receive end after ``timeout_s``; through Python's own time-out where the kernel refuses."""
    if sys.platform == "win32":
        value = struct.pack("@L", max(1, math.ceil(timeout_s * 1e3)))
    else:
        microseconds = max(1, math.ceil(timeout_s * 1e6))  # zero would mean for ever
        value = struct.pack("@ll", *divmod(microseconds, 1_000_000))
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
    except OSError:
        sock.settimeout(timeout_s)


def reason(error: BaseException) -> str:
    """Return what the system says about an error, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class TcpLink:
    """A message link over one socket. Opened when made.

    ``write_termination`` ends what is sent; the last character of ``read_termination`` ends what is received, and the
    others in front of it, or a CR, are dropped. ``gap_s`` is a pause between the end of one exchange and the next
    message, for instruments behind slow terminal servers.

    ``timeout_s`` is real time, also on a bench whose clock is scaled: how long a write may be held up, and how long a
    reply may take from the moment it is collected (and 10 us a byte on top, so that a long block is not cut off).
    Text is Latin-1 both ways, so that every byte of a block survives. ``reconnect_s`` bounds :meth:`clear`.
    """

    def __init__(
        self, name: str, address: TcpSocket, *, timeout_s: float = 2.0, connect_timeout_s: float = 3.0,
        reconnect_s: float = 5.0, read_termination: str = "\n", write_termination: str = "\n", gap_s: float = 0.0,
    ) -> None:
        for what, seconds in (("timeout_s", timeout_s), ("connect_timeout_s", connect_timeout_s)):
            if not 0 < seconds < 1e6:
                raise ValueError(f"{name}: {what} is {seconds}; it must be above 0 s")
        self.name, self.address, self.timeout_s = name, address, timeout_s
        self._connect_timeout_s, self._reconnect_s = connect_timeout_s, reconnect_s
        self._write_termination = check_terminator(name, "write_termination", write_termination)
        self._last, self._front = last_and_front(
            check_terminator(name, "read_termination", read_termination))
        self._closed = threading.Event()
        self._pacing = Pacing(name, gap_s, self._closed)
        self._using = threading.RLock()  # re-entrant: a signal handler may close under the wait of its own thread
        self._turn = Turn(name, "connection", self._closed.is_set)
        self._buffer = bytearray()
        self._sock = self._connect()
        self._has_input = _input_probe(self._sock)

    def write(self, message: str) -> None:
        """Send one message that has no reply; raises LinkError, LinkTimeout."""
        self._send(message, None)
        self._pacing.end()

    def ask(self, message: str) -> ReplyUnderWay:
        """Send one message and return the reply under way, which owns the link until it is collected."""
        reply = ReplyUnderWay(message, self._collect)
        self._send(message, reply)
        return reply

    def clear(self) -> None:
        """Drop the connection with everything under way and make a new one, trying for up to ``reconnect_s``.

        Raises LinkError when nobody answers by then; the link stays shut and may be cleared again.
        """
        self._turn.drop()
        with self._using:
            self._sock.close()
            self._buffer.clear()
        deadline, pause_s = time.monotonic() + self._reconnect_s, 0.05
        while True:
            try:
                fresh = self._connect()
                break
            except LinkError:
                if time.monotonic() + pause_s > deadline:
                    raise
            if self._closed.wait(pause_s):
                raise self._turn.shut()
            pause_s = min(2 * pause_s, 0.5)
        with self._using:
            if self._closed.is_set():
                fresh.close()
                raise self._turn.shut()
            self._sock, self._has_input = fresh, _input_probe(fresh)
            self._turn.fault = ""

    def close(self) -> None:
        """End the connection. From another thread it breaks a wait there, which then raises LinkError."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes whoever waits; closing alone would not
        with self._using:
            self._sock.close()

    def _connect(self) -> socket.socket:
        return connect(self.name, self.address.host, self.address.port, timeout_s=self.timeout_s,
                       connect_timeout_s=self._connect_timeout_s)

    def _send(self, message: str, reply: ReplyUnderWay | None) -> None:
        self._turn.check(message)
        data = self._encode(message)
        self._pacing.wait()
        started = time.monotonic()
        with self._using:
            try:
                if self._buffer or self._has_input():
                    self._refuse_stale(message)
                self._turn.fault = BROKEN_OFF  # stays so when a KeyboardInterrupt falls into the next lines
                self._sock.sendall(data)
                self._turn.pending = reply
                self._turn.fault = ""
            except _NO_ANSWER_IN_TIME:
                self._turn.fault = "a message could not be sent whole"
                raise LinkTimeout("the instrument takes no data; its input may be full or the program in it stuck",
                                  instrument=self.name, sent=message, elapsed_s=time.monotonic() - started) from None
            except OSError as error:
                raise self._broken(error, message, started) from None

    def _encode(self, message: str) -> bytes:
        try:
            data = message.encode("latin-1")
        except UnicodeEncodeError as error:
            raise LinkError(f"the message holds {message[error.start]!r}, which no instrument understands; nothing was "
                            "sent", instrument=self.name, sent=message) from None
        if b"\n" in data or self._write_termination in data:
            raise LinkError("the message holds a line end and would be two messages; nothing was sent",
                            instrument=self.name, sent=message)
        return data + self._write_termination

    def _refuse_stale(self, message: str) -> None:
        """Raise LinkError: bytes lie there that nobody asked for, or the peer has closed in the meantime."""
        if not self._buffer:
            self._buffer += self._sock.recv(4096)
            if not self._buffer:
                raise ConnectionResetError("the instrument closed the connection")
        self._turn.fault = "an answer came that nobody asked for"
        raise LinkError("an answer lies there that nobody asked for: a message was answered twice, or the port belongs "
                        "to something else than this instrument (nothing was sent)", instrument=self.name, sent=message,
                        reply=self._buffer.decode("latin-1"))

    def _broken(self, error: OSError, message: str, started: float) -> LinkError:
        """Return the LinkError for a connection that is no more, and remember it."""
        if self._closed.is_set():
            self._turn.fault = "it was closed"
            return self._turn.shut()
        said = reason(error)
        self._turn.fault = "the connection was lost"
        return LinkError(f"the connection was lost: {said}", instrument=self.name, sent=message,
                         reply=self._buffer.decode("latin-1") if self._buffer else None,
                         elapsed_s=time.monotonic() - started)

    def _collect(self, reply: ReplyUnderWay) -> str:
        """Wait for the whole reply and hand the link back, in step or marked as out of it."""
        self._turn.claim(reply)
        try:
            with self._using:
                text = self._receive(reply.message)
        except BaseException:  # KeyboardInterrupt too: the reply is still on its way
            self._turn.fault = self._turn.fault or BROKEN_OFF
            raise
        finally:
            self._turn.pending = None
            self._pacing.end()
        return text

    def _receive(self, message: str) -> str:
        started = time.monotonic()
        buffer, sock = self._buffer, self._sock
        try:
            chunk = sock.recv(4096)
            last = self._last
            if chunk.find(last) == len(chunk) - 1 and chunk and b"#" not in chunk:  # nearly always: one whole line
                return self._line(chunk)
            framing = Framing(last)
            while True:
                if not chunk:
                    raise ConnectionResetError("the instrument closed the connection")
                buffer += chunk
                end = framing.end(buffer)
                if end >= 0:
                    break
                if time.monotonic() - started > self.timeout_s + len(buffer) / _SLOWEST_BYTES_PER_S:
                    raise TimeoutError
                chunk = sock.recv(65536)
        except _NO_ANSWER_IN_TIME:
            self._turn.fault = "an answer did not come in time"
            raise LinkTimeout(
                f"no complete answer within {self.timeout_s:g} s", instrument=self.name, sent=message,
                reply=buffer.decode("latin-1") if buffer else None, elapsed_s=time.monotonic() - started) from None
        except FramingError as error:
            self._turn.fault = "an answer had no end"
            raise LinkError(str(error), instrument=self.name, sent=message, reply=buffer[:200].decode("latin-1"),
                            elapsed_s=time.monotonic() - started) from None
        except OSError as error:
            raise self._broken(error, message, started) from None
        text = framing.text(buffer, end)
        del buffer[:end + 1]
        return text.removesuffix(self._front) if len(text) > framing.block_end else text

    def _line(self, chunk: bytes) -> str:
        """Return a whole reply without what ends it."""
        return chunk[:-1].removesuffix(b"\r").decode("latin-1").removesuffix(self._front)


def _input_probe(sock: socket.socket) -> Callable[[], object]:
    """Return a test, true where the socket has something to read (data, or its end), without waiting."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        return lambda: poller.poll(0)
    return lambda: select.select([sock], [], [], 0)[0]
