"""The text of a console on a serial port, through pyserial.

Times given to :meth:`SerialLink.expect` are lab seconds: a boot that a scaled twin performs N times faster is waited
for N times shorter. Input and output themselves never scale, so on a scaled clock :data:`IO_GRACE_S` of real time is
allowed on top for the way there and back; a write that flow control holds up ends after ``write_timeout_s`` real
seconds.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import threading
import time
from typing import TYPE_CHECKING

from labkit.clock import Clock
from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import ModbusRtu, SerialPort

if TYPE_CHECKING:
    import serial

IO_GRACE_S = 0.5
"""Real seconds on top of a scaled wait: operating system, USB adapter and thread switches do not scale."""
KEPT_CHARACTERS = 1024 * 1024
"""What a console may have said and nobody has read yet; the oldest is dropped beyond that."""
LONGEST_MATCH = 16384
"""Characters over which one match of a pattern may stretch once more than that has arrived without one."""

_SLICE_S = 0.05
_PORT_GONE = (OSError, TypeError, AttributeError, ValueError)  # pyserial's, also when closed under its own wait


def open_port(
    name: str, address: SerialPort | ModbusRtu, *, read_timeout_s: float, write_timeout_s: float,
) -> serial.Serial:
    """Return an open serial port that no other program can open as well.

    Raises LinkError for the instrument ``name``: no such port, no permission, in use.
    """
    import serial

    path = address.path if isinstance(address, SerialPort) else address.port
    flow = address.flow if isinstance(address, SerialPort) else "none"
    try:
        return serial.Serial(
            path, baudrate=address.baud, bytesize=address.bytesize, parity=address.parity, stopbits=address.stopbits,
            timeout=read_timeout_s, write_timeout=write_timeout_s, rtscts=flow == "rtscts", xonxoff=flow == "xonxoff",
            exclusive=True)
    except Exception as error:  # pyserial lets termios.error and others through
        raise LinkError(f"the serial port {path} cannot be opened: {_why(error)}", instrument=name) from None


def _why(error: Exception) -> str:
    """Return what to do about a port that cannot be opened."""
    said = str(error)
    number = getattr(error, "errno", None)
    if number == 2 or "FileNotFoundError" in said:
        return "there is no such port; is the cable plugged in? `labkit doctor` lists the ports"
    if number == 13 or "PermissionError" in said:
        return ("no permission; on Linux add yourself to the group dialout and log in again, on Windows close the "
                "program that holds it")
    if "exclusively lock" in said or number in (11, 16):
        return "another program holds it; close that terminal first"
    return said


class SerialLink:
    """A stream link over one serial port. Opened when made, exclusively; text is UTF-8 both ways.

    Bytes that are no UTF-8 appear as ``\\xNN``. Waits end with Cancelled when the ``clock`` is cancelled.
    """

    def __init__(
        self, name: str, address: SerialPort, clock: Clock, *, write_timeout_s: float = 5.0,
    ) -> None:
        self.name, self.address = name, address
        self._clock, self._write_timeout_s = clock, write_timeout_s
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
        self._text = ""
        self._closed = threading.Event()
        self._using = threading.RLock()  # re-entrant: a signal handler may close under the wait of its own thread
        self._port = open_port(name, address, read_timeout_s=_SLICE_S, write_timeout_s=write_timeout_s)

    def send(self, text: str) -> None:
        """Send the characters of ``text`` as they are; raises LinkError, LinkTimeout (flow control)."""
        import serial

        data = text.encode("utf-8", errors="backslashreplace")
        started = time.monotonic()
        with self._using:
            try:
                sent = self._port.write(data)
            except serial.SerialTimeoutException:
                raise LinkTimeout(
                    "the port takes no more characters; check flow control and the other end", instrument=self.name,
                    sent=text, elapsed_s=time.monotonic() - started) from None
            except _PORT_GONE as error:
                raise self._gone(error, text) from None
        if sent != len(data):
            raise LinkError(f"only {sent} of {len(data)} characters were sent", instrument=self.name, sent=text)

    def expect(self, pattern: re.Pattern[str], timeout_s: float, at_least_s: float = 0.0) -> str:
        """Return what arrives up to and including the first match of ``pattern``.

        Raises LinkTimeout after ``timeout_s`` lab seconds, not before ``at_least_s`` real ones (a prompt is input and
        output, which does not scale); what arrived stays and is in its ``reply``. The pattern is
        tried whenever characters arrive: one that is content with less than all (``[0-9]+``) has to go on to what
        follows (``[0-9]+\\r?\\n``), or it matches half a number.
        """
        started = time.monotonic()
        grace_s = IO_GRACE_S if self._clock.scale != 1 else 0.0
        deadline = started + max(timeout_s / self._clock.scale + grace_s, at_least_s)
        searched = 0
        while True:
            match = pattern.search(self._text, max(0, searched - LONGEST_MATCH))
            if match is not None:
                found, self._text = self._text[:match.end()], self._text[match.end():]
                return found
            searched = len(self._text)
            if time.monotonic() >= deadline:
                raise LinkTimeout(
                    f"nothing that matches {pattern.pattern!r} within {timeout_s:g} s", instrument=self.name,
                    reply=self._text, elapsed_s=(time.monotonic() - started) * self._clock.scale)
            self._clock.sleep(0)  # raises Cancelled when a stop was asked for
            searched -= self._receive(wait=True)

    def drain(self) -> str:
        """Return and forget everything that has already arrived."""
        self._receive(wait=False)
        text, self._text = self._text, ""
        return text

    def close(self) -> None:
        """Close the port. From another thread it breaks a wait there, which then raises LinkError."""
        self._closed.set()
        for cancel in ("cancel_read", "cancel_write"):
            with contextlib.suppress(*_PORT_GONE):
                getattr(self._port, cancel)()
        with self._using:
            self._port.close()

    def _receive(self, *, wait: bool) -> int:
        """Take what has arrived, waiting a moment for it if asked to; return how many old characters were dropped."""
        with self._using:
            try:
                data = self._port.read(self._port.in_waiting or 1) if wait else self._port.read(self._port.in_waiting)
            except _PORT_GONE as error:
                raise self._gone(error, None) from None
            if self._closed.is_set():
                raise self._gone(OSError("closed"), None)
        self._text += self._decoder.decode(data)
        excess = max(0, len(self._text) - KEPT_CHARACTERS)
        self._text = self._text[excess:]
        return excess

    def _gone(self, error: BaseException, sent: str | None) -> LinkError:
        if self._closed.is_set():
            return LinkError("the link was closed", instrument=self.name, sent=sent)
        return LinkError(f"the serial port {self.address.path} failed ({error}); check the cable and whether another "
                         "program reads it", instrument=self.name, sent=sent, reply=self._text or None)
