"""Addresses of instruments, as a bench file writes them.

=====================================================  =============================================
``TCPIP::10.0.0.11::5025::SOCKET``                     raw socket; a VISA resource, opened by labkit itself
``modbus-tcp://10.0.0.20:502?unit=1``                  Modbus TCP; port 502 and unit 1 where not written
``modbus-rtu:///dev/ttyUSB0?baud=38400&unit=1``        Modbus RTU on a serial port
``serial:///dev/ttyUSB0?baud=115200``                  console or instrument on a serial port; ``serial://COM3?...``
``GPIB0::22::INSTR``, ``USB0::...``, ``ASRL...``       any other VISA resource, opened through PyVISA
=====================================================  =============================================

Everything that is wrong with an address is a ValueError of one sentence that shows a right one; who knows the file
adds the place. Nothing is opened here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from labkit.text import clean, near

LinkKind = Literal["message", "stream", "register"]
Parity = Literal["N", "E", "O"]
FlowControl = Literal["none", "rtscts", "xonxoff"]

_EXAMPLES = (
    "TCPIP::10.0.0.11::5025::SOCKET, GPIB0::22::INSTR, modbus-tcp://10.0.0.20:502, "
    "modbus-rtu:///dev/ttyUSB0?baud=38400&unit=1 or serial:///dev/ttyUSB0?baud=115200"
)
_SOCKET = re.compile(r"TCPIP(?P<board>\d*)::(?P<host>\[[^\]]*\]|.*?)::(?P<port>[^:]*)::SOCKET", re.IGNORECASE)
_VISA = re.compile(
    r"(?:ASRL[^\s:]+|(?:GPIB|USB|TCPIP|VICP|PXI|VXI|FIREWIRE|PRLGX-TCPIP|PRLGX-ASRL)\d*::[^\s:]+)"
    r"(?:::[^\s:]+)*", re.IGNORECASE)
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9-]*)://(?P<place>[^?]*)(?:\?(?P<query>.*))?", re.IGNORECASE | re.DOTALL)
_HOST_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?")


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """A raw TCP socket. ``host`` is a name, an IPv4 or an IPv6 literal (without brackets); ``port`` 1..65535."""

    host: str
    port: int
    kind: ClassVar[LinkKind] = "message"

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True, slots=True)
class ModbusTcp:
    """A Modbus TCP server and the unit behind it, 0..255."""

    host: str
    port: int = 502
    unit: int = 1
    kind: ClassVar[LinkKind] = "register"

    def __str__(self) -> str:
        return f"{self.host} port {self.port} unit {self.unit}"


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port for text. ``path`` is what the system calls it; ``baud`` in bits a second.

    It carries the stream of a console, or the messages of an instrument: the driver says which.
    """

    path: str
    baud: int = 115200
    bytesize: int = 8
    parity: Parity = "N"
    stopbits: float = 1
    flow: FlowControl = "none"
    kind: ClassVar[LinkKind] = "stream"

    def __str__(self) -> str:
        return f"{self.path} at {self.baud} baud"


@dataclass(frozen=True, slots=True)
class ModbusRtu:
    """A unit, 1..247, on a serial line that speaks Modbus RTU."""

    port: str
    baud: int = 19200
    unit: int = 1
    bytesize: int = 8
    parity: Parity = "N"
    stopbits: float = 1
    kind: ClassVar[LinkKind] = "register"

    def __str__(self) -> str:
        return f"{self.port} at {self.baud} baud unit {self.unit}"


@dataclass(frozen=True, slots=True)
class Visa:
    """Any other VISA resource: GPIB, USB, ASRL, TCPIP with INSTR."""

    resource: str
    kind: ClassVar[LinkKind] = "message"

    def __str__(self) -> str:
        return self.resource


Address = TcpSocket | ModbusTcp | ModbusRtu | SerialPort | Visa


def parse_resource(text: str) -> Address:
    """Return the address that ``text`` writes; raises ValueError with one sentence that says what to write."""
    text = text.strip()
    if not text:
        raise ValueError(f"the resource is empty; write {_EXAMPLES}")
    match = _SOCKET.fullmatch(text)
    if match is not None:
        return _tcp_socket(match["host"], match["port"], text)
    if re.fullmatch(r"TCPIP\d*::.*::SOCKET", text, re.IGNORECASE):
        raise ValueError(f"{clean(text, 100)!r} has no host and port that can be read; write it like "
                         "TCPIP::10.0.0.11::5025::SOCKET")
    match = _URL.fullmatch(text)
    if match is not None:
        return _url(match["scheme"].lower(), match["place"], match["query"], text)
    if _VISA.fullmatch(text):
        return Visa(text)
    if re.match(r"/dev/|COM\d+$|\\\\\.\\", text):
        raise ValueError(f"{clean(text, 100)!r} does not say how to use the port; write "
                         f"serial://{clean(text, 100)}?baud=115200")
    raise ValueError(f"{clean(text, 100)!r} is no resource; write {_EXAMPLES}")


def _tcp_socket(host: str, port: str, text: str) -> TcpSocket:
    example = "TCPIP::10.0.0.11::5025::SOCKET"
    return TcpSocket(_host(host, text, example), _integer("port", port, 1, 65535, text, example))


def _url(scheme: str, place: str, query: str | None, text: str) -> Address:
    if scheme == "modbus-tcp":
        return _modbus_tcp(place, query, text)
    if scheme == "modbus-rtu":
        return _modbus_rtu(place, query, text)
    if scheme == "serial":
        return _serial(place, query, text)
    raise ValueError(f"{clean(text, 100)!r} begins with {scheme}://, which labkit does not know"
                     f"{near(scheme, ('modbus-tcp', 'modbus-rtu', 'serial'))}")


def _modbus_tcp(place: str, query: str | None, text: str) -> ModbusTcp:
    example = "modbus-tcp://10.0.0.20:502?unit=1"
    match = _HOST_PORT.fullmatch(place.rstrip("/"))
    if match is None:
        raise ValueError(f"{clean(text, 100)!r} has no host and port that can be read; write {example}")
    keys = _keys(query, ("unit",), text, example)
    port = match["port"]
    return ModbusTcp(
        _host(match["host"], text, example),
        502 if port is None else _integer("port", port, 1, 65535, text, example),
        _integer("unit", keys.get("unit", "1"), 0, 255, text, example))


def _modbus_rtu(place: str, query: str | None, text: str) -> ModbusRtu:
    example = "modbus-rtu:///dev/ttyUSB0?baud=38400&unit=1"
    keys = _keys(query, ("baud", "unit", "bytesize", "parity", "stopbits"), text, example)
    return ModbusRtu(
        _path(place, text, example), _baud(keys.get("baud", "19200"), text, example),
        _integer("unit", keys.get("unit", "1"), 1, 247, text, example),
        _integer("bytesize", keys.get("bytesize", "8"), 7, 8, text, example),
        _parity(keys.get("parity", "N"), text, example), _stopbits(keys.get("stopbits", "1"), text, example))


def _serial(place: str, query: str | None, text: str) -> SerialPort:
    example = "serial:///dev/ttyUSB0?baud=115200"
    keys = _keys(query, ("baud", "bytesize", "parity", "stopbits", "flow"), text, example)
    return SerialPort(
        _path(place, text, example), _baud(keys.get("baud", "115200"), text, example),
        _integer("bytesize", keys.get("bytesize", "8"), 5, 8, text, example),
        _parity(keys.get("parity", "N"), text, example), _stopbits(keys.get("stopbits", "1"), text, example),
        _flow(keys.get("flow", "none"), text, example))


def _host(host: str, text: str, example: str) -> str:
    """Return a host name or literal; an IPv6 literal stands in brackets and is returned without them."""
    if host.startswith("[") and host.endswith("]") and _IPV6.fullmatch(host[1:-1]):
        return host[1:-1]
    if not host:
        raise ValueError(f"{clean(text, 100)!r} names no host; write it like {example}")
    if ":" in host or not _HOST.fullmatch(host):
        hint = "an IPv6 address stands in brackets, like [fe80::1]" if ":" in host else f"write it like {example}"
        raise ValueError(f"{clean(host, 60)!r} is no host name or address; {hint}")
    return host


def _path(path: str, text: str, example: str) -> str:
    """Return the name of a serial port: ``/dev/ttyUSB0``, ``COM3``."""
    path = path if path.startswith("/") else path.rstrip("/")
    if not path.strip("/") or not path.isprintable() or path != path.strip():
        raise ValueError(f"{clean(text, 100)!r} names no serial port; write it like {example} (COM3 on Windows)")
    return path


def _keys(query: str | None, known: tuple[str, ...], text: str, example: str) -> dict[str, str]:
    """Return the ``key=value`` pairs behind the question mark; refuses unknown and repeated keys."""
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        key, equals, value = part.partition("=")
        if key not in known:
            raise ValueError(f"{clean(text, 100)!r} has the unknown option {clean(key, 40)!r}; write it like "
                             f"{example}{near(key, known)}")
        if not equals or not value:
            raise ValueError(f"{clean(text, 100)!r} gives {key} no value; write it like {example}")
        if key in found:
            raise ValueError(f"{clean(text, 100)!r} gives {key} twice; keep one of them")
        found[key] = value
    return found


def _integer(what: str, written: str, low: int, high: int, text: str, example: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", written) or not low <= int(written) <= high:
        raise ValueError(f"{what} {clean(written, 40)!r} in {clean(text, 100)!r} is not a whole number from {low} to "
                         f"{high}; write it like {example}")
    return int(written)


def _baud(written: str, text: str, example: str) -> int:
    return _integer("baud", written, 50, 20_000_000, text, example)


def _parity(written: str, text: str, example: str) -> Parity:
    letter = written.upper()
    if letter == "N":
        return "N"
    if letter == "E":
        return "E"
    if letter == "O":
        return "O"
    raise ValueError(f"parity {clean(written, 40)!r} in {clean(text, 100)!r} is none of N, E, O; "
                     f"write it like {example}&parity=N")


def _stopbits(written: str, text: str, example: str) -> float:
    if written not in ("1", "1.5", "2"):
        raise ValueError(f"stopbits {clean(written, 40)!r} in {clean(text, 100)!r} is none of 1, 1.5, 2; "
                         f"write it like {example}&stopbits=1")
    return float(written)


def _flow(written: str, text: str, example: str) -> FlowControl:
    if written == "none":
        return "none"
    if written == "rtscts":
        return "rtscts"
    if written == "xonxoff":
        return "xonxoff"
    raise ValueError(f"flow {clean(written, 40)!r} in {clean(text, 100)!r} is none of none, rtscts, xonxoff; "
                     f"write it like {example}&flow=rtscts")
