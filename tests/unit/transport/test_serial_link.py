import os
import re
import signal
import sys
import threading
import time

import pytest

from labkit.clock import WallClock
from labkit.errors import Cancelled, LinkError, LinkTimeout
from labkit.transport import serial_port
from labkit.transport.address import SerialPort

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ptys")
PROMPT = re.compile(r"# ")


@pytest.fixture
def pty():
    """A raw pty: (file descriptor of the board's side, path of the port)."""
    import tty

    board, port = os.openpty()
    tty.setraw(port)
    path = os.ttyname(port)
    yield board, path
    for fd in (board, port):
        try:
            os.close(fd)
        except OSError:
            continue


@pytest.fixture
def console(pty):
    board, path = pty
    link = serial_port.SerialLink("console_a", SerialPort(path), WallClock())
    yield link, board
    link.close()


def test_characters_go_both_ways_unchanged(console):
    link, board = console
    link.send("bist all\n")
    assert os.read(board, 100) == b"bist all\n"
    os.write(board, b"BIST PASS\r\n# rest")
    assert link.expect(PROMPT, 2) == "BIST PASS\r\n# "
    assert link.expect(re.compile("rest"), 2) == "rest"


def test_a_match_may_come_in_pieces_and_so_may_a_character(console):
    link, board = console

    def talk():
        for piece in (b"tj=45.2 \xc2", b"\xb0C \xff", b"\r\n#", b" "):
            os.write(board, piece)
            time.sleep(0.005)

    thread = threading.Thread(target=talk)
    thread.start()
    assert link.expect(PROMPT, 2) == "tj=45.2 °C \\xff\r\n# "
    thread.join()


def test_nothing_that_matches_in_time(console):
    link, board = console
    os.write(board, b"U-Boot 2024.01\r\n")
    with pytest.raises(LinkTimeout, match=r"nothing that matches 'login:' within 0\.1 s") as caught:
        link.expect(re.compile("login:"), 0.1)
    assert (caught.value.instrument, caught.value.reply) == ("console_a", "U-Boot 2024.01\r\n")
    assert 0.09 < caught.value.elapsed_s < 1
    assert link.drain() == "U-Boot 2024.01\r\n"  # nothing is lost
    assert link.drain() == ""


def test_lab_seconds_are_shorter_on_a_fast_clock(pty):
    _, path = pty
    link = serial_port.SerialLink("console_a", SerialPort(path), WallClock(scale=100))
    started = time.monotonic()
    with pytest.raises(LinkTimeout, match="within 5 s") as caught:
        link.expect(re.compile("login:"), 5)
    wall_s = time.monotonic() - started
    assert 5 / 100 + serial_port.IO_GRACE_S <= wall_s < 2
    assert caught.value.elapsed_s >= 5
    link.close()


def test_drain_takes_what_has_arrived_without_waiting(console):
    link, board = console
    os.write(board, b"noise")
    assert link.expect(re.compile("n"), 2) == "n"
    started = time.monotonic()
    assert link.drain() == "oise"
    assert link.drain() == ""
    assert time.monotonic() - started < 0.04


def test_the_oldest_text_is_dropped_when_nobody_reads(console, monkeypatch):
    link, board = console
    monkeypatch.setattr(serial_port, "KEPT_CHARACTERS", 1000)

    def talk():
        for _ in range(100):
            os.write(board, b"x" * 100)
        os.write(board, b"login:")

    thread = threading.Thread(target=talk)
    thread.start()
    assert link.expect(re.compile("login:"), 5) == "x" * 994 + "login:"
    thread.join()


def test_a_long_log_does_not_slow_the_search_down(console):
    link, board = console
    line = b"[    1.234567] something about the kernel that is of no interest here\r\n"

    def talk():
        for _ in range(4000):
            os.write(board, line)
        os.write(board, b"login:")

    thread = threading.Thread(target=talk)
    started = time.process_time()
    thread.start()
    text = link.expect(re.compile("login:"), 20)
    thread.join()
    assert text.encode() == line * 4000 + b"login:"
    assert time.process_time() - started < 3


def test_a_stop_ends_a_wait(pty):
    _, path = pty
    clock = WallClock()
    link = serial_port.SerialLink("console_a", SerialPort(path), clock)
    threading.Timer(0.05, clock.cancel).start()
    with pytest.raises(Cancelled):
        link.expect(PROMPT, 30)
    link.close()


def test_close_from_another_thread_breaks_a_wait(pty):
    _, path = pty
    link = serial_port.SerialLink("console_a", SerialPort(path), WallClock())
    threading.Timer(0.05, link.close).start()
    with pytest.raises(LinkError, match="the link was closed") as caught:
        link.expect(PROMPT, 30)
    assert not isinstance(caught.value, LinkTimeout)
    link.close()
    for attempt in (lambda: link.send("x"), link.drain, lambda: link.expect(PROMPT, 1)):
        with pytest.raises(LinkError, match="the link was closed"):
            attempt()


def test_close_in_a_signal_handler_breaks_the_wait_of_its_own_thread(pty):
    _, path = pty
    link = serial_port.SerialLink("console_a", SerialPort(path), WallClock())
    before = signal.signal(signal.SIGUSR1, lambda *_: link.close())
    threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    try:
        with pytest.raises(LinkError, match="the link was closed"):
            link.expect(PROMPT, 30)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_port_that_goes_away(console):
    link, board = console
    os.close(board)
    with pytest.raises(LinkError, match=r"failed .* check the cable"):
        for _ in range(3):
            link.expect(PROMPT, 0.1)


def test_a_port_is_opened_once_only_and_errors_say_what_to_do(pty, console):
    link, _ = console
    with pytest.raises(LinkError, match="another program holds it"):
        serial_port.SerialLink("console_b", link.address, WallClock())
    with pytest.raises(LinkError, match=r"/dev/no-such-port cannot be opened: there is no such port"):
        serial_port.SerialLink("console_b", SerialPort("/dev/no-such-port"), WallClock())


def test_a_port_that_takes_nothing_is_a_timeout(pty):
    _, path = pty
    link = serial_port.SerialLink("console_a", SerialPort(path), WallClock(), write_timeout_s=0.05)
    with pytest.raises(LinkTimeout, match="takes no more characters"):
        link.send("x" * 1_000_000)
    link.close()
