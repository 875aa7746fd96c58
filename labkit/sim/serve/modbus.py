"""Register twins over Modbus TCP (MODBUS Messaging on TCP/IP 1.0b; Application Protocol 1.1b3).

Written on sockets and not with pymodbus, whose servers are asyncio: their event loop would be a second way to wait
beside the bench's clock and lock, and answers at less than half the rate of a thread. What a client needs of a server
is the 60 lines below: functions 3, 4, 6 and 16, exceptions 1 to 4, one TCP segment an answer, ids echoed.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading

from labkit.clock import Clock
from labkit.sim.serve.listener import Pace, TcpServer
from labkit.sim.twin import RegisterFault, RegisterTwin

_LOG = logging.getLogger("labkit.sim.serve")
_HEADER = struct.Struct(">HHHB")
_LONGEST_PDU = 253
_MOST_READ, _MOST_WRITTEN = 125, 123
_FUNCTION, _ADDRESS, _VALUE, _DEVICE = 1, 2, 3, 4


def serve_registers(
    twin: RegisterTwin, *, clock: Clock, lock: threading.Lock, host: str = "127.0.0.1", port: int = 0,
    name: str = "device",
) -> TcpServer:
    """Return a Modbus TCP server of a register twin, bound and not yet started; port 0 takes a free one.

    It answers whatever unit it is asked as, and echoes it, as single devices do. Raises ConfigError when the port is
    taken or the clock is virtual.
    """
    pace = Pace(clock)

    def answer(request: bytes) -> tuple[bytes, float]:
        with lock:
            try:
                reply = perform(twin, request)
            except RegisterFault as fault:
                reply = bytes((request[0] | 0x80, fault.code))
            except Exception:
                _LOG.exception("the twin of %s failed; exception 4 is answered", name)
                reply = bytes((request[0] | 0x80, _DEVICE))
            return reply, pace.occupy(twin.latency_s)

    def converse(connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while not pace.ended:
            header = stream.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return
            transaction, protocol, length, unit = _HEADER.unpack(header)
            if protocol != 0 or not 2 <= length <= _LONGEST_PDU + 1:
                return  # no Modbus: the frame's end cannot be known
            request = stream.read(length - 1)
            if len(request) < length - 1:
                return
            reply, ready_at = answer(request)
            if not pace.wait_until(ready_at):
                return
            connection.sendall(_HEADER.pack(transaction, 0, len(reply) + 1, unit) + reply)

    return TcpServer(host, port, pace, converse, name)


def perform(twin: RegisterTwin, request: bytes) -> bytes:
    """Return the answer to one request (function code first, no header); raises RegisterFault."""
    function = request[0]
    if function not in (3, 4, 6, 16):
        raise RegisterFault(_FUNCTION)
    if len(request) < 5:
        raise RegisterFault(_VALUE)
    address, word = struct.unpack_from(">HH", request, 1)
    if function == 6:
        if len(request) != 5:
            raise RegisterFault(_VALUE)
        twin.write(address, [word])
        return request
    most = _MOST_WRITTEN if function == 16 else _MOST_READ
    if not 1 <= word <= most:
        raise RegisterFault(_VALUE)
    if address + word > 0x10000:
        raise RegisterFault(_ADDRESS)
    if function == 16:
        if len(request) != 6 + 2 * word or request[5] != 2 * word:
            raise RegisterFault(_VALUE)
        twin.write(address, list(struct.unpack_from(f">{word}H", request, 6)))
        return request[:5]
    if len(request) != 5:
        raise RegisterFault(_VALUE)
    values = twin.read(address, word)
    return struct.pack(f">BB{word}H", function, 2 * word, *values)
