"""Registers over Modbus TCP and Modbus RTU, through pymodbus' synchronous clients.

The connection itself is opened here, so that a refusal says why (pymodbus only logs it), nothing is delayed (no Nagle)
and a serial port is held exclusively. Nothing is retried behind the caller's back: a retried write is two writes.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import ModbusRtu, ModbusTcp
from labkit.transport.pacing import Pacing
from labkit.transport.serial_port import open_port
from labkit.transport.tcp import connect, reason

EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no register at this address",
    3: "it does not accept this value",
    4: "it failed while carrying this out",
    5: "it accepted the request but needs longer for it",
    6: "it is busy; ask again later",
    8: "its memory has a parity error",
    10: "the gateway has no path to this unit",
    11: "the gateway is there but the unit behind it does not answer",
}
"""What the exception codes mean (Modbus Application Protocol V1.1b3, section 7)."""

MOST_READ, MOST_WRITTEN = 125, 123
"""Registers that one request may read and write (ibid., 6.3 and 6.12)."""


class ModbusLink:
    """A register link to one unit: function 3 reads, 6 writes one register, 16 writes several. Opened when made.

    ``timeout_s`` is real time. After a time-out or a lost connection the link stays shut until :meth:`clear`; an
    exception answer (:data:`EXCEPTIONS`) is a LinkError too, but leaves it usable. ``gap_s`` is the pause between an
    answer and the next request; on a serial line it is at least the silence that separates frames (:func:`frame_gap`).
    """

    def __init__(
        self, name: str, address: ModbusTcp | ModbusRtu, *, timeout_s: float = 3.0, gap_s: float = 0.0,
    ) -> None:
        if not 0 < timeout_s < 1e6:
            raise ValueError(f"{name}: timeout_s is {timeout_s}; it must be above 0 s")
        self.name, self.address, self.timeout_s = name, address, timeout_s
        self._fault = ""
        self._closed = threading.Event()
        self._using = threading.RLock()  # re-entrant: a signal handler may close under the wait of its own thread
        least_s = frame_gap(address) if isinstance(address, ModbusRtu) else 0.0
        self._pacing = Pacing(name, gap_s, self._closed, least_s)
        self._client = self._connect()
        # pymodbus called the unit "slave" before 3.10
        keys = inspect.signature(self._client.read_holding_registers).parameters
        self._unit = {"device_id" if "device_id" in keys else "slave": address.unit}

    def read(self, address: int, count: int) -> list[int]:
        """Return ``count`` (1..125) holding registers from ``address`` on; raises LinkError, LinkTimeout."""
        _check(address, count, MOST_READ)
        what = f"read of {_span(address, count)}"
        reply = self._request(what, lambda: self._client.read_holding_registers(address, count=count, **self._unit))
        registers = [int(value) for value in reply.registers]
        if len(registers) != count:
            self._fault = "an answer had another length than was asked for"
            raise LinkError(f"{count} registers were asked for, {len(registers)} came", instrument=self.name, sent=what,
                            reply=str(registers))
        return registers

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write 1..123 consecutive holding registers; raises LinkError, LinkTimeout."""
        _check(address, len(values), MOST_WRITTEN)
        for value in values:
            if not 0 <= value <= 0xFFFF:
                raise ValueError(f"{value} is no register value; write 0..65535")
        what = f"write of {list(values)} to {_span(address, len(values))}"
        if len(values) == 1:
            reply = self._request(what, lambda: self._client.write_register(address, values[0], **self._unit))
        else:
            reply = self._request(what, lambda: self._client.write_registers(address, list(values), **self._unit))
        if reply.address != address:
            self._fault = "an answer was for another register"
            raise LinkError(f"register {address} was written, the answer is about {reply.address}",
                            instrument=self.name, sent=what)

    def clear(self) -> None:
        """Drop the connection with whatever is under way and make a new one; raises LinkError."""
        self._fault = self._fault or "it was being cleared"
        with self._using:
            self._client.close()
            if self._closed.is_set():
                raise LinkError("the link was closed", instrument=self.name)
            self._client = self._connect()
            self._fault = ""

    def close(self) -> None:
        """End the connection. From another thread it breaks a wait there, which then raises LinkError."""
        self._closed.set()
        client = self._client
        if isinstance(client.socket, socket.socket):
            with contextlib.suppress(OSError):
                client.socket.shutdown(socket.SHUT_RDWR)
            with self._using:
                self._client.close()
        else:  # pymodbus polls a serial port: closing it ends the wait at the next look
            client.close()

    def _connect(self) -> Any:
        """Return a connected pymodbus client (whose types do not hold across its versions)."""
        _silence()
        address = self.address
        if isinstance(address, ModbusTcp):
            from pymodbus.client import ModbusTcpClient

            tcp = ModbusTcpClient(address.host, port=address.port, timeout=self.timeout_s, retries=0)
            tcp.socket = connect(self.name, address.host, address.port, timeout_s=self.timeout_s,
                                 connect_timeout_s=self.timeout_s)
            return tcp
        from pymodbus.client import ModbusSerialClient

        rtu = ModbusSerialClient(
            address.port, baudrate=address.baud, bytesize=address.bytesize, parity=address.parity,
            stopbits=address.stopbits, timeout=self.timeout_s, retries=0)  # type: ignore[arg-type]  # 1.5 is a float
        rtu.socket = open_port(self.name, address, read_timeout_s=self.timeout_s, write_timeout_s=self.timeout_s)
        rtu.socket.inter_byte_timeout = rtu.inter_byte_timeout
        return rtu

    def _request(self, what: str, call: Callable[[], Any]) -> Any:
        """Return the answer to one request, translating every way in which it can fail."""
        if self._closed.is_set():
            raise LinkError("the link was closed", instrument=self.name, sent=what)
        if self._fault:
            raise LinkError(f"the connection is out of step since {self._fault}; clear it first (nothing was sent)",
                            instrument=self.name, sent=what)
        self._pacing.wait()
        started = time.monotonic()
        try:
            with self._using:
                answer = call()
        except Exception as error:  # pymodbus' own, OSError, and what its poll raises on a port closed under it
            raise self._failed(error, what, time.monotonic() - started) from None
        except BaseException:  # KeyboardInterrupt: the answer is still on its way
            self._fault = "the wait for an answer was broken off"
            raise
        finally:
            self._pacing.end()
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            meaning = EXCEPTIONS.get(code, "its manual has to say what that means")
            raise LinkError(f"the device refuses with Modbus exception {code}: {meaning}", instrument=self.name,
                            sent=what, elapsed_s=time.monotonic() - started)
        return answer

    def _failed(self, error: Exception, what: str, elapsed_s: float) -> LinkError:
        from pymodbus.exceptions import ConnectionException, ModbusIOException

        if self._closed.is_set():
            return LinkError("the link was closed", instrument=self.name, sent=what)
        if isinstance(error, ModbusIOException) and elapsed_s >= 0.9 * self.timeout_s:
            self._fault = "an answer did not come in time"
            return LinkTimeout(f"no complete answer from unit {self.address.unit} within {self.timeout_s:g} s; check "
                               "unit number and wiring", instrument=self.name, sent=what, elapsed_s=elapsed_s)
        self._fault = "the connection was lost"
        said = "the device closed it" if isinstance(error, ConnectionException) else reason(error)
        return LinkError(f"the connection was lost: {said}", instrument=self.name, sent=what, elapsed_s=elapsed_s)


def frame_gap(address: ModbusRtu) -> float:
    """Return the silence that separates two frames, s: 3.5 characters, 1.75 ms above 19200 baud.

    Source: MODBUS over Serial Line V1.02, 2.5.1.1.
    """
    if address.baud > 19200:
        return 1.75e-3
    return 3.5 * (1 + address.bytesize + (address.parity != "N") + address.stopbits) / address.baud


def _check(address: int, count: int, most: int) -> None:
    if not 0 <= address <= 0xFFFF or not 1 <= count <= most or address + count > 0x10000:
        raise ValueError(f"{count} registers from {address} on cannot be asked for: 1..{most} of 0..65535")


def _span(address: int, count: int) -> str:
    return f"register {address}" if count == 1 else f"registers {address}..{address + count - 1}"


def _silence() -> None:
    """Keep pymodbus' log off the terminal: what it would say is in the LinkError."""
    for name in ("pymodbus", "pymodbus.logging", "pymodbus_internal"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
