"""Messages over a serial port, through pyserial: instruments on RS-232, on USB that looks like it, on RS-485.

A serial line has no connection that could be dropped and made anew, so a late reply cannot be left behind as a
socket's can. :meth:`SerialMessageLink.clear` waits for it instead: an answer that is still owed gets one more time-out
to come and go, and then the line has to be silent. Whoever speaks SCPI proves afterwards with a number that cannot be
stale that answers match questions.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import SerialPort
from labkit.transport.framing import Framing, FramingError
from labkit.transport.pacing import Pacing, check_terminator, last_and_front
from labkit.transport.pending import BROKEN_OFF, ReplyUnderWay, Turn
from labkit.transport.serial_port import open_port

if TYPE_CHECKING:
    import serial

_SLICE_S = 0.05
_QUIET_S = 0.05
_QUIET_CHARACTERS = 20
_FAILED = "the serial port failed"
_PORT_GONE = (OSError, TypeError, AttributeError, ValueError)  # pyserial's, also when closed under its own wait


class SerialMessageLink:
    """A message link over one serial port. Opened when made, exclusively; text is Latin-1 both ways.

    ``timeout_s`` is real time: how long flow control may hold a message up, and how long a reply may take from the
    moment it is collected, on top of the time that its characters need at this rate. ``gap_s`` is the pause between the
    end of one exchange and the next message. Rules as for :class:`~labkit.transport.tcp.TcpLink`: a reply under way
    owns the link, what nobody asked for is refused, and after an error it stays shut until :meth:`clear`.
    """

    def __init__(
        self, name: str, address: SerialPort, *, timeout_s: float = 2.0, read_termination: str = "\n",
        write_termination: str = "\n", gap_s: float = 0.0,
    ) -> None:
        if not 0 < timeout_s < 1e6:
            raise ValueError(f"{name}: timeout_s is {timeout_s}; it must be above 0 s")
        self.name, self.address, self.timeout_s = name, address, timeout_s
        self._last, self._front = last_and_front(check_terminator(name, "read_termination", read_termination))
        self._write_termination = check_terminator(name, "write_termination", write_termination)
        self._closed = threading.Event()
        self._using = threading.RLock()  # re-entrant: a signal handler may close under the wait of its own thread
        self._pacing = Pacing(name, gap_s, self._closed)
        self._character_s = (1 + address.bytesize + (address.parity != "N") + address.stopbits) / address.baud
        self._turn = Turn(name, "line", self._closed.is_set)
        self._owed = False
        self._buffer = bytearray()
        self._port = self._open()

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
        """Throw away what is under way: wait for an answer that is still owed, then until the line is silent.

        Takes up to one time-out where an answer is owed. Raises LinkError when the line does not fall silent: somebody
        else speaks on it; the link stays shut and may be cleared again.
        """
        owed = self._owed or self._turn.pending is not None
        self._turn.drop()
        with self._using:
            if self._turn.fault == _FAILED and not self._closed.is_set():
                self._port.close()
                self._port = self._open()
            try:
                self._port.reset_output_buffer()
                silent = self._silence(owed)
            except _PORT_GONE as error:
                raise self._gone(error, None) from None
            if self._closed.is_set():
                raise self._turn.shut()
            if not silent:
                raise LinkError(f"{self.address.path} does not fall silent; check the rate, and whether another device "
                                "or program speaks on this line", instrument=self.name,
                                reply=self._buffer[-200:].decode("latin-1"))
            self._buffer.clear()
            self._turn.fault, self._owed = "", False
        self._pacing.end()

    def close(self) -> None:
        """Close the port. From another thread it breaks a wait there, which then raises LinkError."""
        self._closed.set()
        for cancel in ("cancel_read", "cancel_write"):
            with contextlib.suppress(*_PORT_GONE):
                getattr(self._port, cancel)()
        with self._using:
            self._port.close()

    def _open(self) -> serial.Serial:
        return open_port(self.name, self.address, read_timeout_s=_SLICE_S, write_timeout_s=self.timeout_s)

    def _silence(self, owed: bool) -> bool:
        """Read until nothing comes any more; return whether that was reached within two time-outs."""
        quiet_s = max(_QUIET_S, _QUIET_CHARACTERS * self._character_s)
        started = quiet_since = time.monotonic()
        tail = bytearray(self._buffer)
        while not self._closed.is_set():
            data = self._port.read(self._port.in_waiting or 1)
            now = time.monotonic()
            if data:
                tail, quiet_since = (tail + data)[-4096:], now
                owed = owed and not tail.endswith(self._last)
            elif now - quiet_since >= quiet_s and (not owed or now - started >= self.timeout_s):
                return True
            if now - started >= 2 * self.timeout_s + quiet_s:
                self._buffer = tail
                return False
        return True

    def _gone(self, error: BaseException, sent: str | None) -> LinkError:
        if self._closed.is_set():
            self._turn.fault = "it was closed"
            return self._turn.shut(sent)
        self._turn.fault = _FAILED
        return LinkError(f"the serial port {self.address.path} failed ({error}); check the cable and whether another "
                         "program reads it", instrument=self.name, sent=sent,
                         reply=self._buffer.decode("latin-1") or None)

    def _send(self, message: str, reply: ReplyUnderWay | None) -> None:
        self._turn.check(message)
        data = self._encode(message)
        self._pacing.wait()
        with self._using:
            self._refuse_stale(message)
            self._transmit(data, message)
            self._turn.pending = reply

    def _transmit(self, data: bytes, message: str) -> None:
        import serial

        started = time.monotonic()
        try:
            self._turn.fault = BROKEN_OFF  # stays so when a KeyboardInterrupt falls into the next lines
            sent = self._port.write(data)
        except serial.SerialTimeoutException:
            self._turn.fault = "a message could not be sent whole"
            raise LinkTimeout("the port takes no more characters; check flow control and that the instrument is "
                              "switched on", instrument=self.name, sent=message,
                              elapsed_s=time.monotonic() - started) from None
        except _PORT_GONE as error:
            raise self._gone(error, message) from None
        if sent != len(data):
            self._turn.fault = "a message could not be sent whole"
            raise LinkError(f"only {sent} of {len(data)} characters were sent", instrument=self.name, sent=message)
        self._turn.fault = ""

    def _encode(self, message: str) -> bytes:
        try:
            data = message.encode("latin-1")
        except UnicodeEncodeError as error:
            raise LinkError(f"the message holds {message[error.start]!r}, which no instrument understands; nothing was "
                            "sent", instrument=self.name, sent=message) from None
        if any(end in data for end in (b"\r", b"\n", self._write_termination)):
            raise LinkError("the message holds a line end and would be two messages; nothing was sent",
                            instrument=self.name, sent=message)
        return data + self._write_termination

    def _refuse_stale(self, message: str) -> None:
        """Raise LinkError when characters lie there that nobody asked for."""
        try:
            waiting = self._port.in_waiting
            self._buffer += self._port.read(waiting) if waiting else b""
        except _PORT_GONE as error:
            raise self._gone(error, message) from None
        if not self._buffer:
            return
        text = self._buffer.decode("latin-1")
        if text.strip("\r\n"):
            self._turn.fault = "an answer came that nobody asked for"
            said = "an answer lies there that nobody asked for: a message was answered twice, or echo is on"
        else:
            self._turn.fault = "a line end came that nobody expected"
            end = self._front + self._last.decode("ascii")
            said = f"answers end with more than {end!r}: {text!r} was left; correct the driver's read_termination"
        raise LinkError(f"{said} (nothing was sent)", instrument=self.name, sent=message, reply=text)

    def _collect(self, reply: ReplyUnderWay) -> str:
        """Wait for the whole reply and hand the link back, in step or marked as out of it."""
        self._turn.claim(reply)
        try:
            with self._using:
                return self._receive(reply.message)
        except BaseException:  # KeyboardInterrupt too: the reply is still on its way
            self._turn.fault, self._owed = self._turn.fault or BROKEN_OFF, True
            raise
        finally:
            self._turn.pending = None
            self._pacing.end()

    def _receive(self, message: str) -> str:
        started = time.monotonic()
        buffer, framing = self._buffer, Framing(self._last)
        try:
            while (end := framing.end(buffer)) < 0:
                if time.monotonic() - started > self.timeout_s + len(buffer) * self._character_s:
                    self._turn.fault = "an answer did not come in time"
                    raise LinkTimeout(
                        f"no complete answer within {self.timeout_s:g} s; check rate, parity and terminator",
                        instrument=self.name, sent=message, reply=buffer.decode("latin-1") if buffer else None,
                        elapsed_s=time.monotonic() - started)
                buffer += self._port.read(self._port.in_waiting or 1)
                if self._closed.is_set():
                    raise self._gone(OSError("closed"), message)
        except FramingError as error:
            self._turn.fault = "an answer had no end"
            raise LinkError(str(error), instrument=self.name, sent=message, reply=buffer[:200].decode("latin-1"),
                            elapsed_s=time.monotonic() - started) from None
        except _PORT_GONE as error:
            raise self._gone(error, message) from None
        text = framing.text(buffer, end)
        del buffer[:end + 1]
        return text.removesuffix(self._front) if len(text) > framing.block_end else text
