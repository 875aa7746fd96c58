"""Served twins: raw sockets, PyVISA, pymodbus and a raw terminal as clients, on loopback."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock, WallClock
from labkit.errors import ConfigError
from labkit.sim.serve import serve_messages, serve_registers, serve_stream
from labkit.sim.serve.framing import LineFramer
from labkit.sim.serve.listener import TcpServer
from labkit.sim.twin import RegisterFault, TwinEnvironment
from labkit_instruments.power_supply.keysight_e36312a_sim import E36312ATwin

FAST = 10_000.0


@pytest.fixture
def psu() -> Iterator[TcpServer]:
    clock = WallClock(scale=FAST)
    twin = E36312ATwin(TwinEnvironment("psu", "SIM1", clock, 1, {}))
    server = serve_messages(twin, clock=clock, lock=threading.Lock(), name="psu")
    server.start()
    yield server
    server.close()


def connect(server: TcpServer) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=5.0)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def receive_line(client: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        chunk = client.recv(4096)
        if not chunk:
            break
        data += chunk
    return data


def test_raw_sockets_line_ends_and_split_messages(psu: TcpServer) -> None:
    with connect(psu) as client:
        client.sendall(b"*IDN?\n")
        assert receive_line(client).startswith(b"Keysight Technologies,E36312A,SIM1,")
        client.sendall(b"VOLT 1,(@1)\r\nVOLT? (@")
        time.sleep(0.02)
        client.sendall(b"1)\r\n")
        assert receive_line(client) == b"+1.00000000E+00\n"
        client.sendall(b"VOLT? (@1)\nFOO?\nSYST:ERR?\n")
        data = receive_line(client)
        while data.count(b"\n") < 2:
            data += client.recv(4096)
        assert data == b'+1.00000000E+00\n-113,"Undefined header"\n', "an unknown query is answered by nothing at all"


def test_several_clients_at_once_and_fast_reconnects(psu: TcpServer) -> None:
    clients = [connect(psu) for _ in range(8)]
    for client in clients:
        client.sendall(b"*OPC?\n")
    assert [receive_line(client) for client in clients] == [b"1\n"] * 8
    for client in clients:
        client.close()
    for _ in range(100):
        with connect(psu) as client:
            client.sendall(b"*OPC?\n")
            assert receive_line(client) == b"1\n"


def test_a_flood_without_line_end_neither_fills_memory_nor_stops_the_service(psu: TcpServer) -> None:
    with connect(psu) as client:
        for _ in range(200):
            client.sendall(b"x#" * 5000)
        client.sendall(b"\nSYST:ERR?\n")
        assert receive_line(client) == b'-363,"Input buffer overrun"\n'


def test_close_ends_waits_connections_and_threads_promptly() -> None:
    clock = WallClock()
    twin = E36312ATwin(TwinEnvironment("psu", "SIM1", clock, 1, {}))
    before = threading.active_count()
    server = serve_messages(twin, clock=clock, lock=threading.Lock())
    server.start()
    with connect(server) as client:
        client.sendall(b";".join([b":MEAS:VOLT? (@1:3)"] * 200) + b"\n")  # 12 s of measuring
        time.sleep(0.05)
        started = time.monotonic()
        server.close()
        server.close()
        assert time.monotonic() - started < 1.0
        assert client.recv(10) == b""
    assert threading.active_count() == before


def test_latency_passes_in_scaled_time() -> None:
    clock = WallClock(scale=2.0)
    twin = E36312ATwin(TwinEnvironment("psu", "SIM1", clock, 1, {}))
    server = serve_messages(twin, clock=clock, lock=threading.Lock())
    server.start()
    try:
        with connect(server) as client:
            started = time.monotonic()
            client.sendall(b"MEAS:VOLT? (@1:3)\n")
            receive_line(client)
            assert 0.029 < time.monotonic() - started < 0.5  # 3 x 20 ms at twice the speed
    finally:
        server.close()


def test_a_taken_port_and_a_virtual_clock_are_refused(psu: TcpServer) -> None:
    twin = E36312ATwin(TwinEnvironment("psu", "SIM1", VirtualClock(), 1, {}))
    with pytest.raises(ConfigError, match="choose another port"):
        serve_messages(twin, clock=WallClock(), lock=threading.Lock(), port=psu.port)
    with pytest.raises(ConfigError, match="virtual"):
        serve_messages(twin, clock=VirtualClock(), lock=threading.Lock())


def test_a_twin_that_fails_costs_an_answer_and_not_the_server(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def handle(self, message: str) -> object:
            raise ZeroDivisionError

    server = serve_messages(Broken(), clock=WallClock(), lock=threading.Lock())  # type: ignore[arg-type]
    server.start()
    with caplog.at_level(logging.ERROR, "labkit.sim.serve"), connect(server) as client:
        client.sendall(b"*IDN?\n")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
    server.close()
    assert "nothing is answered" in caplog.text


def test_pyvisa_py_holds_a_session(psu: TcpServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyvisa-py speaks of optional backends that are not installed
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        try:
            box = manager.open_resource(f"TCPIP::127.0.0.1::{psu.port}::SOCKET", timeout=3000)
            box.read_termination = box.write_termination = "\n"  # type: ignore[attr-defined]
            assert box.query("*IDN?").split(",")[1] == "E36312A"  # type: ignore[attr-defined]
            box.write("APPL CH2,12.5,0.25")  # type: ignore[attr-defined]
            assert box.query_ascii_values("VOLT? (@1,2)") == [0.0, 12.5]  # type: ignore[attr-defined]
            box.close()
        finally:
            manager.close()


PIECES = st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(
    [b" #1", b"#", b"5", b"2", b"\n", b"\r\n", b"ab", b" #213", b"X?", b", "]), max_size=8).map(b"".join))


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=8))
def test_framing_is_the_same_however_the_bytes_are_cut(pieces: list[bytes]) -> None:
    at_once, cut = LineFramer(10_000), LineFramer(10_000)
    lines = at_once.feed(b"".join(pieces) + b"\n")
    assert [line for piece in [*pieces, b"\n"] for line in cut.feed(piece)] == lines


def test_blocks_may_hold_line_ends_and_stray_hashes_swallow_nothing() -> None:
    framer = LineFramer()
    assert framer.feed(b"DATA #15ab\ncd,1\nX?\n") == ["DATA #15ab\ncd,1", "X?"]
    assert framer.feed(b"V #H1F\nA #9\nB #9999999999\nC #3\n") == ["V #H1F", "A #9", "B #9999999999", "C #3"]
    assert LineFramer(8).feed(b"123456789\nok\n") == [None, "ok"]


# Modbus.


class Registers:
    latency_s = 0.0

    def __init__(self) -> None:
        self.values = dict.fromkeys(range(100), 0)

    def read(self, address: int, count: int) -> list[int]:
        if address == 99:
            raise RegisterFault(4)
        try:
            return [self.values[address + i] for i in range(count)]
        except KeyError:
            raise RegisterFault(2) from None

    def write(self, address: int, values: Sequence[int]) -> None:
        if values[0] == 666:
            raise RegisterFault(3)
        for i, value in enumerate(values):
            if address + i not in self.values:
                raise RegisterFault(2)
            self.values[address + i] = value


@pytest.fixture
def modbus() -> Iterator[TcpServer]:
    server = serve_registers(Registers(), clock=WallClock(), lock=threading.Lock(), name="chamber")
    server.start()
    yield server
    server.close()


def test_pymodbus_reads_writes_and_understands_the_exceptions(modbus: TcpServer) -> None:
    from pymodbus.client import ModbusTcpClient

    client = ModbusTcpClient("127.0.0.1", port=modbus.port, timeout=3)
    assert client.connect()
    try:
        assert not client.write_registers(10, [1, 2, 65535]).isError()
        assert client.read_holding_registers(10, count=3).registers == [1, 2, 65535]
        assert not client.write_register(11, 7).isError()
        assert client.read_input_registers(11, count=1).registers == [7]
        assert client.read_holding_registers(5000, count=1).exception_code == 2
        assert client.write_register(1, 666).exception_code == 3
        assert client.read_holding_registers(99, count=1).exception_code == 4
        assert client.read_coils(0, count=8).exception_code == 1
    finally:
        client.close()


def test_modbus_frames_byte_by_byte(modbus: TcpServer) -> None:
    with connect(modbus) as client:
        for piece in (b"\x12\x34\x00", b"\x00\x00\x06\x2a\x03", b"\x00\x0a\x00\x02"):
            client.sendall(piece)
            time.sleep(0.01)
        assert client.recv(300) == b"\x12\x34\x00\x00\x00\x07\x2a\x03\x04\x00\x00\x00\x00", "ids echoed, one segment"
        for request, code in ((b"\x03\x00\x00\x00\x00", 3), (b"\x03\x00\x00\x00\x7e", 3), (b"\x03\xff\xff\x00\x02", 2),
                              (b"\x10\x00\x00\x00\x01\x03\x00\x01", 3), (b"\x06\x00", 3), (b"\x2b\x0e", 1)):
            client.sendall(b"\x00\x01\x00\x00" + bytes((0, len(request) + 1, 1)) + request)
            assert client.recv(300) == b"\x00\x01\x00\x00\x00\x03\x01" + bytes((request[0] | 0x80, code))
    with connect(modbus) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert client.recv(300) == b"", "what is no Modbus ends the connection"


# Terminals.


class Mirror:
    """Answers each line in capitals, 1 lab second later."""

    def __init__(self, clock: WallClock) -> None:
        self.clock, self.queue = clock, list[tuple[float, str]]()
        self.text = ""

    def feed(self, text: str) -> None:
        self.text += text
        while "\r" in self.text:
            line, _, self.text = self.text.partition("\r")
            self.queue.append((self.clock.now() + 1.0, f"{line.upper()}\r\n\x03\x04\x11# "))

    def due(self) -> float | None:
        return self.queue[0][0] if self.queue else None

    def take(self) -> str:
        text = ""
        while self.queue and self.queue[0][0] <= self.clock.now():
            text += self.queue.pop(0)[1]
        return text


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_is_raw_without_echo_and_survives_its_clients() -> None:
    import serial

    clock = WallClock(scale=100.0)
    twin = Mirror(clock)
    server = serve_stream(twin, clock=clock, lock=threading.Lock())
    server.start()
    try:
        for _ in range(3):
            port = serial.Serial(server.address, 115200, timeout=3.0)
            port.write(b"hello\r")
            assert port.read(12) == b"HELLO\r\n\x03\x04\x11# "
            port.timeout = 0.03
            assert port.read(10) == b""
            port.close()
        twin.queue.append((0.0, "x" * 100_000))  # nobody reads: lost, not blocked
        time.sleep(0.05)
    finally:
        started = time.monotonic()
        server.close()
        server.close()
        assert time.monotonic() - started < 1.0
    assert not os.path.exists(server.address)
