"""From an address in a bench file to an open link: which transport serves it.

A raw socket is labkit's own; every other VISA resource goes through PyVISA, and so does the socket of a bench that
names a VISA library. Serial ports go through pyserial, registers through pymodbus.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from labkit.clock import Clock
from labkit.errors import LinkError
from labkit.text import near
from labkit.transport.address import (
    Address,
    LinkKind,
    ModbusRtu,
    ModbusTcp,
    SerialPort,
    TcpSocket,
    Visa,
    parse_resource,
)
from labkit.transport.link import Link
from labkit.transport.visa import VisaLibraries

_WORDS = {"message": "messages (SCPI)", "stream": "the text of a console", "register": "Modbus registers"}
_EXAMPLES = {
    "message": "TCPIP::10.0.0.11::5025::SOCKET, GPIB0::22::INSTR or serial:///dev/ttyUSB0?baud=9600",
    "stream": "serial:///dev/ttyUSB0?baud=115200",
    "register": "modbus-tcp://10.0.0.20:502 or modbus-rtu:///dev/ttyUSB0?baud=38400&unit=1",
}
COMMON_OPTIONS = ("read_termination", "write_termination", "gap_s", "query_delay_s")
"""What a family of instruments may need of any transport; each takes what it has a use for.

Terminators belong to every message link; ``gap_s``, the pause between two exchanges, to messages and registers;
``query_delay_s``, the pause before an answer is read, to PyVISA, since elsewhere reading disturbs nobody.
"""
_TCP_OPTIONS = ("connect_timeout_s", "reconnect_s")
_VISA_OPTIONS = ("connect_timeout_s",)


class LinkOpener:
    """Opens links, and closes all it opened, once and for all. Holds the VISA libraries in use."""

    def __init__(self) -> None:
        self._libraries = VisaLibraries()
        self._links: list[Link] = []
        self._closed = False

    def open(
        self, name: str, resource_text: str, *, kind: LinkKind | str, clock: Clock, visa: str | None = None,
        timeout_s: float | None = None, options: Mapping[str, Any] | None = None,
    ) -> Link:
        """Return an open link of ``kind`` to the instrument ``name`` at ``resource_text``.

        ``visa`` is the VISA library for message links ("@py", "@ivi", a path); None leaves sockets to labkit and the
        rest to "@py". ``timeout_s`` is real time, None the transport's own. ``options`` are :data:`COMMON_OPTIONS`,
        which each transport may have no use for, and the link's own keys.
        Raises ValueError when the resource cannot be read, cannot serve ``kind`` or an option is unknown (nothing was
        opened then), LinkError when it cannot be opened.
        """
        address = check_resource(resource_text, kind)
        chosen = dict(options or {})
        if isinstance(address, TcpSocket) and visa is None:
            link = self._tcp(name, address, timeout_s, chosen)
        elif isinstance(address, TcpSocket | Visa):
            link = self._visa(name, resource_text.strip(), visa or "@py", timeout_s, chosen)
        elif isinstance(address, SerialPort) and kind == "message":
            link = self._serial_message(name, address, timeout_s, chosen)
        elif isinstance(address, SerialPort):
            link = self._serial(name, address, clock, timeout_s, chosen)
        else:
            link = self._modbus(name, address, timeout_s, chosen)
        self._links.append(link)
        if self._closed:  # from another thread, while this one was connecting
            link.close()
            raise LinkError("the link was closed", instrument=name)
        return link

    def close(self) -> None:
        """Close every link that was opened here. May be called twice, and from another thread to break waits."""
        self._closed = True
        links, self._links = self._links, []
        for link in links:
            with contextlib.suppress(Exception):  # the others still have to be closed
                link.close()
        self._libraries.close()

    def _tcp(self, name: str, address: TcpSocket, timeout_s: float | None, options: dict[str, Any]) -> Link:
        from labkit.transport.tcp import TcpLink

        taken = _taken(options, (*_TCP_OPTIONS, "read_termination", "write_termination", "gap_s"), "a socket")
        patience = {"reconnect_s": timeout_s} if timeout_s is not None else {}
        return TcpLink(name, address, **{**_timeout(timeout_s), **patience, **taken})

    def _visa(
        self, name: str, resource: str, library: str, timeout_s: float | None, options: dict[str, Any],
    ) -> Link:
        from labkit.transport.visa import VisaLink

        taken = _taken(options, (*_VISA_OPTIONS, *COMMON_OPTIONS), "a VISA resource")
        return VisaLink(name, resource, library=library, libraries=self._libraries, **_timeout(timeout_s), **taken)

    def _serial_message(
        self, name: str, address: SerialPort, timeout_s: float | None, options: dict[str, Any],
    ) -> Link:
        from labkit.transport.serial_message import SerialMessageLink

        taken = _taken(options, ("read_termination", "write_termination", "gap_s"), "a serial port")
        return SerialMessageLink(name, address, **_timeout(timeout_s), **taken)

    def _serial(
        self, name: str, address: SerialPort, clock: Clock, timeout_s: float | None, options: dict[str, Any],
    ) -> Link:
        from labkit.transport.serial_port import SerialLink

        _taken(options, (), "a console")
        return SerialLink(name, address, clock, **({} if timeout_s is None else {"write_timeout_s": timeout_s}))

    def _modbus(
        self, name: str, address: ModbusTcp | ModbusRtu, timeout_s: float | None, options: dict[str, Any],
    ) -> Link:
        from labkit.transport.modbus import ModbusLink

        return ModbusLink(name, address, **_timeout(timeout_s), **_taken(options, ("gap_s",), "a Modbus device"))


def check_resource(resource_text: str, kind: LinkKind | str) -> Address:
    """Return the address, which can serve ``kind``; raises ValueError with what to write. Opens nothing."""
    address = parse_resource(resource_text)
    if kind not in _WORDS:
        raise ValueError(f"there is no kind of link {kind!r}{near(kind, _WORDS)}")
    serves = (address.kind, "message") if isinstance(address, SerialPort) else (address.kind,)
    if kind not in serves:
        raise ValueError(f"{resource_text.strip()} carries {_WORDS[address.kind]}, but the driver speaks "
                         f"{_WORDS[kind]}; write {_EXAMPLES[kind]}, or check the driver's name")
    return address


def _timeout(timeout_s: float | None) -> dict[str, Any]:
    return {} if timeout_s is None else {"timeout_s": timeout_s}


def _taken(options: Mapping[str, Any], takes: tuple[str, ...], what: str) -> dict[str, Any]:
    """Return the options that a transport takes, without those of the common set that it has no use for."""
    known = {*takes, *COMMON_OPTIONS}
    for key in options:
        if key not in known:
            raise ValueError(f"{what} has no option {key!r}{near(key, known)}; remove it")
    return {key: value for key, value in options.items() if key in takes}
