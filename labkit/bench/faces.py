"""The faces of one twin on real transports: an instrument has as many doors here as the box has in life."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from labkit.clock import Clock
from labkit.instrument import Instrument, ScpiDialect
from labkit.sim.serve import (
    Server,
    serve_messages,
    serve_messages_serial,
    serve_registers,
    serve_registers_rtu,
)
from labkit.sim.twin import MessageTwin, RegisterTwin, Twin
from labkit.transport.address import Address, ModbusRtu, ModbusTcp, SerialPort, Visa, parse_resource

Door = Literal["tcp", "serial", "modbus_tcp", "modbus_rtu"]
_USUAL_BAUD = 9600
_USUAL_RTU_BAUD = 19200


@dataclass(frozen=True)
class Faces:
    """The servers of one instrument by the door they stand at; ``asked`` is the door that the bench file asks for."""

    asked: Door
    address: Address
    """What the bench file says: rate, unit and parity are as there."""
    driver: type[Instrument]
    rtu_baud: int
    servers: Mapping[Door, Server] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """What the twin adds to the map (its ``map_keys``): the type of a chamber, how to log in."""

    @property
    def baud(self) -> int:
        """The rate of the serial line, as the bench file says it; a terminal has none."""
        return self.address.baud if isinstance(self.address, SerialPort) else _USUAL_BAUD

    @property
    def unit(self) -> int:
        """The Modbus unit that is answered as."""
        return self.address.unit if isinstance(self.address, ModbusTcp | ModbusRtu) else 1

    def resource(self) -> str:
        """Return the address to write in a bench file, on the transport that the bench asked for."""
        place = self.servers[self.asked].address
        if self.asked == "modbus_tcp":
            return f"modbus-tcp://{place}?unit={self.unit}"
        if self.asked == "modbus_rtu":
            return f"modbus-rtu://{place}?baud={self.rtu_baud}&unit={self.unit}"
        if self.asked == "serial":
            return f"ASRL{place}::INSTR" if isinstance(self.address, Visa) else f"serial://{place}?baud={self.baud}"
        return self._visa()

    def keys(self) -> dict[str, Any]:
        """Return what the map says of this instrument's addresses."""
        found: dict[str, Any] = {}
        if "modbus_tcp" in self.servers:
            found |= {"modbus_tcp": self.servers["modbus_tcp"].address, "unit": self.unit}
        if "modbus_rtu" in self.servers:
            found |= {"modbus_rtu": self.servers["modbus_rtu"].address, "baudrate": self.rtu_baud}
        if "tcp" in self.servers:
            first = self.asked == "tcp"
            found["visa" if first else "scpi"] = self._visa()
            if first and not isinstance(self.driver.dialect, ScpiDialect):
                found["tcp"] = self.servers["tcp"].address
        if "serial" in self.servers:
            found |= {"serial": self.servers["serial"].address, "baudrate": self.baud}
        return found | self._terminators() | dict(self.more)

    def _terminators(self) -> dict[str, str]:
        """Return both line ends where the driver names one, and on every serial line."""
        options = self.driver.link_options
        names = ("read_termination", "write_termination")
        if self.asked not in ("tcp", "serial") or not (self.asked == "serial" or any(n in options for n in names)):
            return {}
        return {name: options.get(name, "\n") for name in names}

    def _visa(self) -> str:
        host, _, port = self.servers["tcp"].address.rpartition(":")
        return f"TCPIP::{host}::{port}::SOCKET"


def serve_faces(
    name: str, box: Twin, driver: type[Instrument], resource: str, *, clock: Clock, lock: threading.Lock,
) -> Faces:
    """Return a server, not yet started, for every door of an instrument's twin.

    Messages stand at a TCP port, or on a terminal where ``resource`` (as the bench file writes it) is a serial port;
    registers at a TCP port and, where the system has terminals, on one of those too. Raises ConfigError.
    """
    address = parse_resource(resource)
    asked = _door(address, driver.dialect.link_kind)
    faces = Faces(asked, address, driver, _rtu_baud(address, box))
    servers: dict[Door, Server] = {}
    if hasattr(box, "handle"):
        speaker, end = cast(MessageTwin, box), str(driver.link_options.get("read_termination", "\n"))
        serve = serve_messages_serial if asked == "serial" else serve_messages
        servers["serial" if asked == "serial" else "tcp"] = serve(speaker, clock=clock, lock=lock, name=name, end=end)
    if hasattr(box, "read") and hasattr(box, "latency_s"):
        registers = cast(RegisterTwin, box)
        servers["modbus_tcp"] = serve_registers(registers, clock=clock, lock=lock, name=name)
        if asked == "modbus_rtu" or hasattr(os, "openpty"):
            servers["modbus_rtu"] = serve_registers_rtu(registers, clock=clock, lock=lock, unit=faces.unit, name=name)
    return Faces(asked, address, driver, faces.rtu_baud, servers, getattr(box, "map_keys", {}))


def _door(address: Address, link_kind: str) -> Door:
    if link_kind == "register":
        return "modbus_rtu" if isinstance(address, ModbusRtu) else "modbus_tcp"
    on_a_line = isinstance(address, SerialPort) or (
        isinstance(address, Visa) and address.resource.upper().startswith("ASRL"))
    return "serial" if on_a_line else "tcp"


def _rtu_baud(address: Address, box: Twin) -> int:
    """Return the rate of the Modbus line: the bench file's, else what the model is delivered with."""
    return address.baud if isinstance(address, ModbusRtu) else int(getattr(box, "rtu_baud", _USUAL_RTU_BAUD))
