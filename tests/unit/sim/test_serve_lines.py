"""Twins on serial lines: Modbus RTU and messages over a pseudo-terminal, with pymodbus, pyserial and raw bytes."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import WallClock
from labkit.sim.serve import serve_messages_serial, serve_registers_rtu
from labkit.sim.serve.listener import Pace
from labkit.sim.serve.pty import PtyServer
from labkit.sim.serve.rtu import RtuTalker, crc16
from labkit.sim.twin import RegisterFault, Reply

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")


class Registers:
    latency_s = 0.0

    def __init__(self) -> None:
        self.values = dict.fromkeys(range(100), 0)

    def read(self, address: int, count: int) -> list[int]:
        try:
            return [self.values[address + i] for i in range(count)]
        except KeyError:
            raise RegisterFault(2) from None

    def write(self, address: int, values: Sequence[int]) -> None:
        for i, value in enumerate(values):
            self.values[address + i] = value


@pytest.fixture
def registers() -> Registers:
    return Registers()


@pytest.fixture
def rtu(registers: Registers) -> Iterator[PtyServer]:
    server = serve_registers_rtu(registers, clock=WallClock(), lock=threading.Lock(), unit=3, name="chamber")
    server.start()
    yield server
    server.close()


def frame(*body: int) -> bytes:
    return bytes(body) + crc16(bytes(body))


class Line:
    """The client's end of a terminal."""

    def __init__(self, path: str) -> None:
        import tty

        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    def receive(self, count: int, timeout_s: float = 2.0) -> bytes:
        data, until = b"", time.monotonic() + timeout_s
        while len(data) < count and (left_s := until - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left_s)[0]:
                data += os.read(self.fd, 256)
        return data

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture
def line(rtu: PtyServer) -> Iterator[Line]:
    line = Line(rtu.address)
    yield line
    line.close()


def test_the_checksum_is_that_of_the_standard() -> None:
    """MODBUS over Serial Line V1.02, appendix B: 02 07 has the checksum 0x1241, low byte first on the wire."""
    assert crc16(b"\x02\x07") == b"\x41\x12"


def test_pymodbus_reads_and_writes(rtu: PtyServer) -> None:
    from pymodbus.client import ModbusSerialClient

    for baud in (38400, 9600):  # a terminal has no rate: clients may set any. Parity it refuses
        client = ModbusSerialClient(rtu.address, baudrate=baud, timeout=2, retries=0)
        assert client.connect()
        try:
            assert not client.write_registers(10, [1, 2, 65535], device_id=3).isError()
            assert client.read_holding_registers(10, count=3, device_id=3).registers == [1, 2, 65535]
            assert not client.write_register(11, 7, device_id=3).isError()
            assert client.read_input_registers(11, count=1, device_id=3).registers == [7]
            assert client.read_holding_registers(5000, count=1, device_id=3).exception_code == 2
            assert client.read_coils(0, count=8, device_id=3).exception_code == 1
        finally:
            client.close()


def test_a_frame_may_come_in_pieces_and_two_at_once(line: Line, registers: Registers) -> None:
    registers.values[5] = 0x1234
    question = frame(3, 3, 0, 5, 0, 1)
    for byte in question:
        line.send(bytes((byte,)))
    assert line.receive(7) == frame(3, 3, 2, 0x12, 0x34)
    line.send(question + frame(3, 6, 0, 6, 0, 9))
    assert line.receive(15) == frame(3, 3, 2, 0x12, 0x34) + frame(3, 6, 0, 6, 0, 9)
    assert registers.values[6] == 9


@pytest.mark.parametrize("silent", [
    frame(4, 3, 0, 5, 0, 1), frame(0, 6, 0, 5, 0, 1), frame(3, 3, 0, 5, 0, 1)[:-1] + b"\xee", b"\xff\x00garbage\xff",
    frame(3, 16, 0, 5, 0, 1, 2, 0, 1)[:-1] + b"\x00",
], ids=["another unit", "broadcast", "wrong checksum", "noise", "wrong checksum of a write"])
def test_what_gets_no_answer_does_nothing_and_spoils_nothing(line: Line, registers: Registers, silent: bytes) -> None:
    line.send(silent)
    assert line.receive(1, 0.05) == b""
    assert registers.values[5] == 0
    line.send(frame(3, 3, 0, 5, 0, 1))
    assert line.receive(7) == frame(3, 3, 2, 0, 0)


def test_an_unknown_function_is_refused(line: Line) -> None:
    line.send(frame(3, 0x2B, 0x0E, 1, 0))
    assert line.receive(5) == frame(3, 0xAB, 1)


def test_half_a_frame_is_forgotten_after_a_while() -> None:
    clock = WallClock(scale=100.0)
    talker = RtuTalker(Registers(), Pace(clock), threading.Lock(), 1, "x")
    assert talker.due() is None
    assert talker.exchange(frame(1, 3, 0, 5, 0, 1)[:5]) == b""
    due = talker.due()
    assert due is not None
    assert 0 < due - clock.now() <= 25.0  # 0.25 s in the time of this clock
    talker._stale_at = clock.now()
    assert talker.exchange(b"") == b""
    assert talker.due() is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=12), st.integers(0, 99)), max_size=8), st.randoms())
def test_answers_do_not_depend_on_how_the_bytes_are_cut(parts: list[bytes | int], random: object) -> None:
    """A question is answered once, whatever noise stands in front of it, and in whatever pieces it comes."""
    talker = RtuTalker(Registers(), Pace(WallClock()), threading.Lock(), 1, "x")
    data, asked = b"", 0
    for part in parts:
        data += part if isinstance(part, bytes) else frame(1, 3, 0, part, 0, 1)
        asked += not isinstance(part, bytes)
    answers = b""
    while data:
        cut = random.randint(1, len(data))  # type: ignore[attr-defined]
        answers, data = answers + talker.exchange(data[:cut]), data[cut:]
    assert len(answers) == 7 * asked
    assert answers == frame(1, 3, 2, 0, 0) * asked


# Messages.


class Box:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.overran = 0

    def handle(self, message: str) -> Reply:
        self.seen.append(message)
        return Reply(message[:-1] if message.endswith("?") else None, 0.5 if message == "slow?" else 0.0)

    def overrun(self) -> None:
        self.overran += 1


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def port(box: Box) -> Iterator[PtyServer]:
    server = serve_messages_serial(box, clock=WallClock(scale=10.0), lock=threading.Lock(), name="clock", end="\r\n")
    server.start()
    yield server
    server.close()


def test_pyserial_holds_a_session(port: PtyServer, box: Box) -> None:
    import serial

    for _ in range(2):
        with serial.Serial(port.address, 9600, timeout=2, rtscts=True) as line:
            line.write(b"FREQ 1e7\r\n*IDN?\n7?\rslow?\r\n8?\r\n")
            assert line.read_until(b"8\r\n") == b"*IDN\r\n7\r\nslow\r\n8\r\n"
    assert box.seen == ["FREQ 1e7", "*IDN?", "7?", "slow?", "8?"] * 2


def test_an_answer_comes_when_the_instrument_is_done(port: PtyServer) -> None:
    import serial

    with serial.Serial(port.address, 9600, timeout=2) as line:
        started = time.monotonic()
        line.write(b"slow?\r\n")
        assert line.read_until(b"\n") == b"slow\r\n"
        assert 0.045 < time.monotonic() - started < 0.5  # half a second of the lab, ten times faster


def test_a_flood_is_an_overrun(port: PtyServer, box: Box) -> None:
    import serial

    with serial.Serial(port.address, 9600, timeout=2) as line:
        for _ in range(20):
            line.write(b"x" * 4000)
        line.write(b"\r\n1?\r\n")
        assert line.read_until(b"\n") == b"1\r\n"
    assert box.overran == 1
