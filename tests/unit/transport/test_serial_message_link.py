"""Messages over a serial port: a pty whose other end plays the instrument."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import ModbusRtu, SerialPort
from labkit.transport.serial_message import SerialMessageLink
from labkit.transport.serial_port import open_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ptys")


class Wire:
    """A raw pty. ``answer`` makes the instrument's answer from a message (with its terminator); None is silence."""

    def __init__(self) -> None:
        import tty

        self.device, port = os.openpty()
        tty.setraw(port)
        self.path, self._port = os.ttyname(port), port
        self.seen: list[bytes] = []
        self.times: list[float] = []
        self.end = b"\n"
        self.answer: Callable[[bytes], bytes | None] = lambda message: message[:-1].rstrip(b"\r?") + b"\n" if (
            b"?" in message) else None
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        buffer = b""
        while True:
            try:
                data = os.read(self.device, 256)
            except OSError:
                return
            buffer += data
            while self.end in buffer:
                message, _, buffer = buffer.partition(self.end)
                self.seen.append(message + self.end)
                self.times.append(time.monotonic())
                reply = self.answer(message + self.end)
                if reply is not None:
                    os.write(self.device, reply)

    def close(self) -> None:
        os.close(self._port)
        self._thread.join(5)
        os.close(self.device)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def test_messages_and_replies(wire: Wire) -> None:
    link = SerialMessageLink("clock", SerialPort(wire.path, 9600, flow="rtscts"))
    link.write("FREQ 1e7")
    pending = link.ask("7?")
    for attempt in (link.ask, link.write):
        with pytest.raises(RuntimeError, match="was collected"):
            attempt("8?")
    assert pending.result() == "7"
    with pytest.raises(RuntimeError, match="collected already"):
        pending.result()
    assert link.ask("8?").result() == "8"
    assert wire.seen == [b"FREQ 1e7\n", b"7?\n", b"8?\n"]
    link.close()
    link.close()


@pytest.mark.parametrize(("read", "write", "sent", "answer", "text"), [
    ("\r\n", "\r\n", b"X?\r\n", b"1.5\r\n", "1.5"),
    ("\r\n", "\n", b"X?\n", b"1.5\n", "1.5"),
    ("\r", "\r", b"X?\r", b"OK\r", "OK"),
    ("\n", "\n", b"X?\n", b"#15a\nb\nc\n", "#15a\nb\nc"),
    (">\r", "\r", b"X?\r", b"12>\r", "12"),
])
def test_terminators(wire: Wire, read: str, write: str, sent: bytes, answer: bytes, text: str) -> None:
    wire.end, wire.answer = sent[-1:], lambda message: answer
    link = SerialMessageLink("box", SerialPort(wire.path), read_termination=read, write_termination=write)
    assert [link.ask("X?").result() for _ in range(3)] == [text] * 3
    assert wire.seen == [sent] * 3
    link.close()


def test_a_terminator_that_is_too_short_is_found_out(wire: Wire) -> None:
    wire.answer = lambda message: b"OK\r\n"
    link = SerialMessageLink("box", SerialPort(wire.path), read_termination="\r")
    assert link.ask("X?").result() == "OK"
    until = time.monotonic() + 2
    while not link._buffer and link._port.in_waiting == 0 and time.monotonic() < until:
        threading.Event().wait(0.002)
    with pytest.raises(LinkError, match=r"answers end with more than '\\r'.*correct the driver's read_termination"):
        link.ask("X?")
    link.close()


def test_the_gap_lies_between_the_end_of_one_exchange_and_the_next_message(wire: Wire) -> None:
    link = SerialMessageLink("box", SerialPort(wire.path), gap_s=0.04)
    ended = []
    for message in ("1?", "2?", "3?"):
        link.ask(message).result()
        ended.append(time.monotonic())
    link.write("A")
    link.write("B")
    until = time.monotonic() + 2
    while len(wire.times) < 5 and time.monotonic() < until:
        threading.Event().wait(0.002)
    assert all(began - before >= 0.039 for before, began in zip(ended, wire.times[1:4], strict=True))
    assert wire.times[4] - wire.times[3] >= 0.035
    link.close()


def test_half_an_answer_is_a_time_out_that_shows_it(wire: Wire) -> None:
    wire.answer = lambda message: b"+1.2345"
    link = SerialMessageLink("dmm", SerialPort(wire.path), timeout_s=0.1)
    with pytest.raises(LinkTimeout, match=r"no complete answer within 0\.1 s") as caught:
        link.ask("READ?").result()
    assert (caught.value.instrument, caught.value.sent, caught.value.reply) == ("dmm", "READ?", "+1.2345")
    with pytest.raises(LinkError, match="did not come in time; clear it first"):
        link.ask("READ?")
    link.close()


def test_a_late_answer_is_waited_for_and_thrown_away(wire: Wire) -> None:
    wire.answer = lambda message: b"new\n" if message.startswith(b"FAST") else None
    link = SerialMessageLink("dmm", SerialPort(wire.path), timeout_s=0.2)
    with pytest.raises(LinkTimeout):
        link.ask("SLOW?").result()
    late = threading.Timer(0.1, os.write, (wire.device, b"old\n"))  # comes while the line is being cleared
    late.start()
    link.clear()
    late.join()
    assert link.ask("FAST?").result() == "new"
    link.close()


def test_what_nobody_asked_for_is_refused(wire: Wire) -> None:
    wire.answer = lambda message: b"1\n2\n"
    link = SerialMessageLink("dmm", SerialPort(wire.path), timeout_s=0.1)
    assert link.ask("X?").result() == "1"
    until = time.monotonic() + 2
    while not link._buffer and link._port.in_waiting == 0 and time.monotonic() < until:
        threading.Event().wait(0.002)
    with pytest.raises(LinkError, match=r"an answer lies there that nobody asked for.*nothing was sent") as caught:
        link.ask("Y?")
    assert caught.value.reply == "2\n"
    wire.answer = lambda message: b"3\n"
    link.clear()
    assert link.ask("Z?").result() == "3"
    assert wire.seen == [b"X?\n", b"Z?\n"]
    link.close()


def test_a_line_that_does_not_fall_silent_cannot_be_cleared(wire: Wire) -> None:
    link = SerialMessageLink("dmm", SerialPort(wire.path), timeout_s=0.05)
    ended = threading.Event()

    def chatter() -> None:
        while not ended.wait(0.005):
            os.write(wire.device, b"noise ")

    talker = threading.Thread(target=chatter)
    talker.start()
    with pytest.raises(LinkError, match="does not fall silent"):
        link.clear()
    ended.set()
    talker.join()
    link.clear()
    assert link.ask("4?").result() == "4"
    link.close()


def test_what_cannot_be_sent(wire: Wire) -> None:
    link = SerialMessageLink("dmm", SerialPort(wire.path))
    for message, said in (("A\nB?", "two messages"), ("A\rB", "two messages"), ("Ω", "no instrument understands")):
        with pytest.raises(LinkError, match=said):
            link.ask(message)
    assert wire.seen == []
    link.close()
    for attempt in (lambda: link.ask("1?"), link.clear):
        with pytest.raises(LinkError, match="the link was closed"):
            attempt()


@pytest.mark.parametrize(("options", "said"), [
    ({"timeout_s": 0}, "above 0"), ({"gap_s": -1}, "gap_s"), ({"gap_s": 500}, "gap_s"),
    ({"read_termination": ""}, "read_termination"), ({"write_termination": "é"}, "write_termination"),
])
def test_options_that_make_no_sense(wire: Wire, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SerialMessageLink("dmm", SerialPort(wire.path), **options)  # type: ignore[arg-type]


def test_close_from_another_thread_breaks_a_wait(wire: Wire) -> None:
    wire.answer = lambda message: None
    link = SerialMessageLink("dmm", SerialPort(wire.path), timeout_s=30)
    threading.Timer(0.05, link.close).start()
    started = time.monotonic()
    with pytest.raises(LinkError, match="the link was closed"):
        link.ask("X?").result()
    assert time.monotonic() - started < 5


def test_a_port_that_is_gone_and_one_that_is_held(wire: Wire) -> None:
    link = SerialMessageLink("dmm", SerialPort(wire.path))
    with pytest.raises(LinkError, match="another program holds it"):
        SerialMessageLink("other", SerialPort(wire.path))
    link.close()
    with pytest.raises(LinkError, match="there is no such port"):
        SerialMessageLink("other", SerialPort("/dev/no-such-port"))


@pytest.mark.parametrize("address", [
    SerialPort("/dev/ttyUSB7", 2400, 7, "E", 2, "xonxoff"), SerialPort("/dev/ttyUSB7", 9600, 8, "O", 1.5, "rtscts"),
    ModbusRtu("/dev/ttyUSB7", 38400, 1, 8, "E", 1),
])
def test_rate_parity_and_flow_control_are_asked_of_the_port(
        monkeypatch: pytest.MonkeyPatch, address: SerialPort | ModbusRtu) -> None:
    import serial

    asked: dict[str, object] = {}
    monkeypatch.setattr(serial, "Serial", lambda path, **options: asked.update(options, path=path))
    open_port("box", address, read_timeout_s=1.0, write_timeout_s=2.0)
    flow = address.flow if isinstance(address, SerialPort) else "none"
    assert asked == {
        "path": "/dev/ttyUSB7", "baudrate": address.baud, "bytesize": address.bytesize, "parity": address.parity,
        "stopbits": address.stopbits, "timeout": 1.0, "write_timeout": 2.0, "rtscts": flow == "rtscts",
        "xonxoff": flow == "xonxoff", "exclusive": True}
