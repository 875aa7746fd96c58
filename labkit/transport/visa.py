"""Messages through PyVISA: GPIB, USB, VXI-11, HiSLIP, serial instruments, and sockets where the bench asks for it.

Which VISA library does the work is the bench's choice: ``@py`` (PyVISA-py, nothing to install), ``@ivi`` (the vendor's)
or a path to one. Reads and writes go to the library's own calls, whose status says how a read ended: PyVISA's
``read()`` warns instead, and cuts a binary block at a terminator inside it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import warnings
from typing import Any

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.framing import Framing
from labkit.transport.pacing import Pacing
from labkit.transport.pending import BROKEN_OFF, ReplyUnderWay, Turn
from labkit.transport.tcp import reason

_CHUNK = 65536


class VisaLibraries:
    """The VISA libraries in use, each loaded once. Belongs to whoever opens links."""

    def __init__(self) -> None:
        self._managers: dict[str, Any] = {}
        self._loading = threading.Lock()

    def manager(self, library: str, name: str) -> Any:
        """Return PyVISA's resource manager over ``library``; raises LinkError for the instrument ``name``."""
        with self._loading:
            if library not in self._managers:
                self._managers[library] = _load(library, name)
            return self._managers[library]

    def close(self) -> None:
        """Let go of the libraries.

        They are not closed: PyVISA has one manager a library and process, and closing it would close the links of
        others. It closes itself when the last one lets go, or at the end of the process.
        """
        with self._loading:
            self._managers.clear()


def _load(library: str, name: str) -> Any:
    try:
        import pyvisa
    except ImportError:
        raise LinkError("PyVISA is not installed; `pip install pyvisa pyvisa-py`", instrument=name) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pyvisa.ResourceManager(library)
    except Exception as error:  # ValueError, OSError, LibraryError and what a broken library raises
        raise LinkError(f"the VISA library {library!r} cannot be used: {_remedy(library, error)}",
                        instrument=name) from None


def _remedy(library: str, error: Exception) -> str:
    said = (str(error) or type(error).__name__).splitlines()[0]
    if library == "@py":
        return f"{said}; `pip install pyvisa-py` (for USB also pyusb, for GPIB gpib-ctypes)"
    if library == "@ivi":
        return f"{said}; install NI-VISA or Keysight IO Libraries, or write visa: \"@py\" in the bench file"
    return f"{said}; check the path, or write visa: \"@py\" in the bench file"


class VisaLink:
    """A message link over one VISA resource. Opened when made.

    ``read_termination`` is the last character of a reply where the resource has no END of its own (sockets, serial
    ports: LF); elsewhere None. ``timeout_s`` is real time, for each write and for each reply. ``gap_s`` is a pause
    between the end of one exchange and the next message, ``query_delay_s`` one between a question and the read of its
    answer (for talkers that hang when they are read too soon). Rules as for
    :class:`~labkit.transport.tcp.TcpLink`: a reply under way owns the link, and after an error it stays shut until
    :meth:`clear`.
    """

    def __init__(
        self, name: str, resource: str, *, library: str = "@py", libraries: VisaLibraries | None = None,
        timeout_s: float = 2.0, connect_timeout_s: float = 3.0, read_termination: str | None = None,
        write_termination: str = "\n", gap_s: float = 0.0, query_delay_s: float = 0.0,
    ) -> None:
        if not 0 < timeout_s < 4e6:
            raise ValueError(f"{name}: timeout_s is {timeout_s}; it must be above 0 s")
        self.name, self.resource, self.library, self.timeout_s = name, resource, library, timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._is_socket = resource.upper().endswith("::SOCKET")
        stream = self._is_socket or resource.upper().startswith("ASRL")
        self._termination = read_termination if read_termination is not None else "\n" if stream else ""
        self._write_termination = write_termination
        self._closed = threading.Event()
        self._pacing, self._delay = Pacing(name, gap_s, self._closed), Pacing(name, query_delay_s, self._closed)
        self._turn = Turn(name, "connection", self._closed.is_set)
        self._manager = (libraries or VisaLibraries()).manager(library, name)
        self._quiet = contextlib.ExitStack()
        self._session = self._open()

    def write(self, message: str) -> None:
        """Send one message that has no reply; raises LinkError, LinkTimeout."""
        self._send(message, None)
        self._pacing.end()

    def ask(self, message: str) -> ReplyUnderWay:
        """Send one message now; it is read when the result is collected, and until then owns the link."""
        reply = ReplyUnderWay(message, self._collect)
        self._send(message, reply)
        return reply

    def clear(self) -> None:
        """Clear the instrument's buffers (viClear), or open the resource anew where that cannot be or fails.

        A socket is always opened anew: nothing else is sure to leave a late reply behind. Raises LinkError.
        """
        self._turn.drop()
        if self._closed.is_set():
            raise self._turn.shut()
        cleared = False
        if not self._is_socket:
            with contextlib.suppress(Exception):  # whatever a library raises: the way out is below
                self._session.clear()
                cleared = True
        if not cleared:
            self._release()
            self._session = self._open()
        self._turn.fault = ""

    def close(self) -> None:
        """End the connection. A wait in another thread ends at the library's next look, at the latest at its time-out.

        It then raises LinkError.
        """
        self._closed.set()
        self._release()

    def _release(self) -> None:
        plain = _socket_of(self._session)
        with contextlib.suppress(OSError):
            if plain is not None:
                plain.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(Exception):  # a resource that is gone cannot be closed, and need not
            self._quiet.close()
        with contextlib.suppress(Exception):
            self._session.close()

    def _open(self) -> Any:
        started = time.monotonic()
        try:
            session = self._manager.open_resource(self.resource, open_timeout=round(self._connect_timeout_s * 1e3))
            self._prepare(session)
        except LinkError:
            raise
        except Exception as error:  # VisaIOError, ValueError, OSError and bare Exception, as the library pleases
            raise LinkError(f"{self.resource} cannot be opened through {self.library}: {_said(error)}; check that the "
                            "instrument is switched on and the resource in the bench file is right",
                            instrument=self.name, elapsed_s=time.monotonic() - started) from None
        return session

    def _prepare(self, session: Any) -> None:
        """Set time-out and terminator; keep the library's warnings to itself; switch Nagle's algorithm off."""
        session.timeout = max(1, round(self.timeout_s * 1e3))
        if not hasattr(session, "read_raw"):
            raise LinkError(f"{self.resource} does not carry messages; write a resource that ends in INSTR or SOCKET",
                            instrument=self.name)
        if self._termination:
            session.read_termination = self._termination
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(session.ignore_warning(*session.visalib.issue_warning_on))
        plain = _socket_of(session)
        if plain is not None:  # PyVISA-py 0.8.1 refuses the attribute, and calls a refused connection open
            plain.getpeername()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        elif self._is_socket:
            import pyvisa

            with contextlib.suppress(Exception):  # a library that lacks the attributes works all the same
                session.set_visa_attribute(pyvisa.constants.ResourceAttribute.tcpip_nodelay, True)
                session.set_visa_attribute(pyvisa.constants.ResourceAttribute.tcpip_keepalive, True)

    def _send(self, message: str, reply: ReplyUnderWay | None) -> None:
        self._turn.check(message)
        if self._write_termination and self._write_termination[-1] in message:
            raise LinkError("the message holds a line end and would be two messages; nothing was sent",
                            instrument=self.name, sent=message)
        try:
            data = (message + self._write_termination).encode("latin-1")
        except UnicodeEncodeError as error:
            raise LinkError(f"the message holds {message[error.start]!r}, which no instrument understands; nothing was "
                            "sent", instrument=self.name, sent=message) from None
        self._pacing.wait()
        started = time.monotonic()
        try:
            self._turn.fault = BROKEN_OFF  # stays so when a KeyboardInterrupt falls into the next lines
            count, _ = self._session.visalib.write(self._session.session, data)
        except BaseException as error:  # KeyboardInterrupt too: half the message may be out
            raise self._failed(error, message, started) from None
        if count != len(data):
            self._turn.fault = "a message could not be sent whole"
            raise LinkError(f"only {count} of {len(data)} bytes were sent", instrument=self.name, sent=message)
        self._turn.pending = reply
        self._turn.fault = ""
        self._delay.end()

    def _collect(self, reply: ReplyUnderWay) -> str:
        self._turn.claim(reply)
        self._delay.wait()
        started = time.monotonic()
        try:
            text = self._receive()
        except BaseException as error:  # KeyboardInterrupt too: the reply is still on its way
            raise self._failed(error, reply.message, started) from None
        finally:
            self._turn.pending = None
            self._pacing.end()
        return text

    def _receive(self) -> str:
        """Read until the library says END, or until the terminator that is not inside a block."""
        from pyvisa.constants import StatusCode

        framing = Framing((self._termination or "\n")[-1].encode("latin-1"))
        visalib, session = self._session.visalib, self._session.session
        buffer = bytearray()
        while True:
            data, status = visalib.read(session, _CHUNK)
            buffer += data
            end = framing.end(buffer)
            if status == StatusCode.success_max_count_read:
                continue
            if not self._termination or status != StatusCode.success_termination_character_read or end >= 0:
                break
        end = len(buffer)
        if end > framing.block_end and buffer.endswith((self._termination[-1:] or "\n").encode("latin-1")):
            end -= 1
        return framing.text(buffer, end)

    def _failed(self, error: BaseException, message: str, started: float) -> BaseException:
        """Return what to raise for ``error``, after which the link is out of step."""
        from pyvisa.constants import StatusCode
        from pyvisa.errors import VisaIOError

        elapsed_s = time.monotonic() - started
        if not isinstance(error, Exception):
            self._turn.fault = BROKEN_OFF
            return error
        if self._closed.is_set():
            return self._turn.shut()
        if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout:
            self._turn.fault = "an answer did not come in time"
            return LinkTimeout(f"no complete answer within {self.timeout_s:g} s", instrument=self.name, sent=message,
                               elapsed_s=elapsed_s)
        self._turn.fault = "the connection failed"
        return LinkError(f"the connection failed: {_said(error)}", instrument=self.name, sent=message,
                         elapsed_s=elapsed_s)


def _said(error: BaseException) -> str:
    """Return what a library says, in one line: ``VI_ERROR_RSRC_NFOUND: Insufficient location information...``."""
    description = getattr(error, "description", None)
    abbreviation = getattr(error, "abbreviation", None)
    if description and abbreviation:
        return f"{abbreviation}: {description}".rstrip(".")
    lines = reason(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _socket_of(session: Any) -> socket.socket | None:
    """Return the Python socket behind a resource of PyVISA-py, None behind any other."""
    try:
        found = session.visalib.sessions[session.session].interface
    except Exception:  # another library, or a resource that was closed
        return None
    return found if isinstance(found, socket.socket) else None
