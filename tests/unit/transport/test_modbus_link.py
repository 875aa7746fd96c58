import logging
import os
import signal
import socket
import struct
import sys
import threading
import time

import pytest
from link_servers import serving

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import ModbusRtu, ModbusTcp
from labkit.transport.modbus import ModbusLink, frame_gap

REGISTERS = {2782: 0x0000, 2783: 0x4248, 6730: 15}


def crc(data: bytes) -> bytes:
    """The CRC of Modbus RTU, low byte first (MODBUS over Serial Line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def answer(pdu: bytes, registers: dict[int, int]) -> bytes:
    """What a device with these registers answers to functions 3, 6 and 16."""
    function, address, count = struct.unpack(">BHH", pdu[:5])
    if function == 3:
        if any(a not in registers for a in range(address, address + count)):
            return bytes([0x83, 2])
        return bytes([3, 2 * count]) + b"".join(struct.pack(">H", registers[address + n]) for n in range(count))
    if function == 6:
        if address == 9999:
            return bytes([0x86, 4])
        registers[address] = count
        return pdu
    for n in range(count):
        registers[address + n] = struct.unpack(">H", pdu[6 + 2 * n:8 + 2 * n])[0]
    return pdu[:5]


def device(connection, server):
    """Modbus TCP by the book; keeps what it received as (unit, PDU) in ``seen``."""
    registers = dict(REGISTERS)
    with connection.makefile("rb") as stream:
        while head := stream.read(7):
            transaction, _, length, unit = struct.unpack(">HHHB", head)
            pdu = stream.read(length - 1)
            server.seen.append((unit, pdu.hex()))
            reply = answer(pdu, registers)
            connection.sendall(struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit) + reply)


def to(server, unit=1):
    return ModbusTcp(server.address.host, server.address.port, unit)


def test_registers_are_read_and_written_with_functions_3_6_and_16():
    with serving(device) as server:
        link = ModbusLink("chamber", to(server, 7))
        assert link.read(2782, 2) == [0x0000, 0x4248]
        link.write(6730, [30])
        link.write(2782, [0x0000, 0xC220])
        assert link.read(6730, 1) == [30]
        assert server.seen == [
            (7, "030ade0002"), (7, "061a4a001e"), (7, "100ade0002040000c220"), (7, "031a4a0001")]
        link.close()
        link.close()


def test_the_link_works_against_pymodbus_own_server():
    import asyncio
    import warnings

    from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext
    from pymodbus.server import ModbusTcpServer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it deprecates is not the point here
        try:
            from pymodbus.datastore import ModbusDeviceContext
        except ImportError:
            from pymodbus.datastore import ModbusSlaveContext as ModbusDeviceContext
        registers = ModbusSequentialDataBlock(1, list(range(100)))
        context = ModbusServerContext(ModbusDeviceContext(hr=registers), single=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ready, stop = threading.Event(), []

    def run():
        async def serve():
            server = ModbusTcpServer(context, address=("127.0.0.1", port))
            loop, end = asyncio.get_running_loop(), asyncio.Event()
            stop.append(lambda: loop.call_soon_threadsafe(end.set))
            await server.serve_forever(background=True)
            ready.set()
            await end.wait()
            await server.shutdown()

        asyncio.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    link = ModbusLink("chamber", ModbusTcp("127.0.0.1", port))
    assert link.read(10, 3) == [10, 11, 12]
    link.write(10, [65535, 0])
    link.write(12, [7])
    assert link.read(10, 3) == [65535, 0, 7]
    with pytest.raises(LinkError, match="exception 2"):
        link.read(5000, 2)
    link.close()
    stop[0]()
    thread.join(10)


def test_exception_answers_say_what_they_mean_and_leave_the_link_usable(caplog):
    caplog.set_level(logging.DEBUG)
    with serving(device) as server:
        link = ModbusLink("chamber", to(server))
        with pytest.raises(LinkError, match="exception 2: it has no register at this address") as caught:
            link.read(100, 2)
        assert (caught.value.instrument, caught.value.sent) == ("chamber", "read of registers 100..101")
        with pytest.raises(LinkError, match="exception 4: it failed while carrying this out"):
            link.write(9999, [1])
        assert link.read(6730, 1) == [15]
        link.close()
    assert caplog.records == []


def test_a_time_out_shuts_the_link_until_it_is_cleared(capfd):
    def late(connection, server):
        if not server.seen:
            server.seen.append("first")
            server.release.wait(10)
        else:
            device(connection, server)

    with serving(late) as server:
        link = ModbusLink("chamber", to(server), timeout_s=0.1)
        with pytest.raises(LinkTimeout, match=r"no complete answer from unit 1 within 0\.1 s") as caught:
            link.read(6730, 1)
        assert 0.09 < caught.value.elapsed_s < 1
        with pytest.raises(LinkError, match="did not come in time; clear it first"):
            link.read(6730, 1)
        link.clear()
        assert link.read(6730, 1) == [15]
        link.close()
    assert capfd.readouterr() == ("", "")


def test_a_device_that_closes_is_no_time_out():
    def gone(connection, server):
        connection.recv(100)

    with serving(gone) as server:
        link = ModbusLink("chamber", to(server), timeout_s=5)
        with pytest.raises(LinkError, match="the device closed it") as caught:
            link.read(6730, 1)
        assert not isinstance(caught.value, LinkTimeout)
        with pytest.raises(LinkError, match="clear it first"):
            link.write(6730, [1])
        link.close()


def test_refused():
    with serving(device) as server:
        address = to(server)
    with pytest.raises(LinkError, match=r"chamber: no connection to 127\.0\.0\.1 port"):
        ModbusLink("chamber", address)


def test_close_from_another_thread_breaks_a_wait():
    def silent(connection, server):
        connection.recv(100)
        server.reached.set()
        server.release.wait(10)

    with serving(silent) as server:
        link = ModbusLink("chamber", to(server), timeout_s=30)
        threading.Thread(target=lambda: (server.reached.wait(5), link.close())).start()
        with pytest.raises(LinkError, match="the link was closed"):
            link.read(6730, 1)
        for attempt in (lambda: link.read(1, 1), lambda: link.write(1, [1]), link.clear):
            with pytest.raises(LinkError, match="the link was closed"):
                attempt()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="POSIX signals")
def test_close_in_a_signal_handler_breaks_the_wait_of_its_own_thread():
    def silent(connection, server):
        connection.recv(100)
        os.kill(os.getpid(), signal.SIGUSR1)
        server.release.wait(10)

    with serving(silent) as server:
        link = ModbusLink("chamber", to(server), timeout_s=30)
        before = signal.signal(signal.SIGUSR1, lambda *_: link.close())
        try:
            with pytest.raises(LinkError, match="the link was closed"):
                link.read(6730, 1)
        finally:
            signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(("address", "count"), [(-1, 1), (0, 0), (0, 126), (65535, 2)])
def test_what_modbus_cannot_ask_for_is_a_programming_error(address, count):
    with serving(device) as server:
        link = ModbusLink("chamber", to(server))
        with pytest.raises(ValueError, match="cannot be asked for"):
            link.read(address, count)
        with pytest.raises(ValueError, match="no register value"):
            link.write(0, [65536])
        assert server.seen == []
        link.close()


@pytest.fixture
def rtu():
    """A Modbus RTU device, unit 1, on a raw pty; yields (path, switch it deaf)."""
    import tty

    board, port = os.openpty()
    tty.setraw(port)
    deaf = threading.Event()

    def serve():
        registers, buffer = dict(REGISTERS), b""
        while True:
            try:
                buffer += os.read(board, 256)
            except OSError:
                return
            length = 9 + buffer[6] if buffer[1:2] == b"\x10" and len(buffer) > 6 else 8
            if len(buffer) < length or (buffer[1:2] == b"\x10" and len(buffer) < 7):
                continue
            frame, buffer = buffer[:length], buffer[length:]
            assert crc(frame[:-2]) == frame[-2:]
            if frame[0] == 1 and not deaf.is_set():
                reply = frame[:1] + answer(frame[1:-2], registers)
                os.write(board, reply + crc(reply))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield os.ttyname(port), deaf
    os.close(port)
    thread.join(5)
    os.close(board)


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_modbus_rtu(rtu, capfd):
    path, deaf = rtu
    link = ModbusLink("chamber", ModbusRtu(path, 38400, 1), timeout_s=0.2)
    assert link.read(2782, 2) == [0x0000, 0x4248]
    link.write(2782, [0x0000, 0xC220])
    link.write(6730, [30])
    assert link.read(2782, 2) == [0x0000, 0xC220]
    with pytest.raises(LinkError, match="exception 2"):
        link.read(100, 1)
    deaf.set()
    with pytest.raises(LinkTimeout, match="check unit number and wiring"):
        link.read(6730, 1)
    deaf.clear()
    link.clear()
    assert link.read(6730, 1) == [30]
    with pytest.raises(LinkError, match="another program holds it"):
        ModbusLink("other", ModbusRtu(path))
    link.close()
    with pytest.raises(LinkError, match="there is no such port"):
        ModbusLink("other", ModbusRtu("/dev/no-such-port"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_close_from_another_thread_breaks_a_wait_on_a_serial_line(rtu):
    path, deaf = rtu
    deaf.set()
    link = ModbusLink("chamber", ModbusRtu(path), timeout_s=30)
    threading.Timer(0.05, link.close).start()
    with pytest.raises(LinkError, match="the link was closed"):
        link.read(6730, 1)


@pytest.mark.parametrize(("address", "gap_s"), [
    (ModbusRtu("x", 9600), 3.5 * 10 / 9600), (ModbusRtu("x", 9600, parity="E", stopbits=2), 3.5 * 12 / 9600),
    (ModbusRtu("x", 19200, parity="E"), 3.5 * 11 / 19200), (ModbusRtu("x", 38400), 1.75e-3),
])
def test_the_silence_between_frames(address, gap_s):
    assert frame_gap(address) == pytest.approx(gap_s)


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_a_device_that_needs_longer_between_requests_gets_it(rtu):
    path, _ = rtu
    link = ModbusLink("chamber", ModbusRtu(path, 38400, 1), timeout_s=1, gap_s=0.03)
    started = time.monotonic()
    for _ in range(3):
        link.read(6730, 1)
    assert time.monotonic() - started >= 0.059
    link.close()
    with pytest.raises(ValueError, match="gap_s"):
        ModbusLink("chamber", ModbusRtu(path), gap_s=-1)
