import os
import signal
import socket
import sys
import threading
import time

import pytest
from link_servers import answering, echo, serving

from labkit.errors import LinkError, LinkTimeout
from labkit.transport.address import TcpSocket
from labkit.transport.tcp import TcpLink


def test_question_and_answer():
    with serving(echo) as server:
        link = TcpLink("psu", server.address)
        link.write("VOLT 1")
        assert link.ask("7?").result() == "7"
        assert link.ask("8?").result() == "8"
        assert server.seen == ["VOLT 1", "7?", "8?"]
        link.close()


def test_the_question_is_sent_before_the_answer_is_collected():
    with serving(echo) as one, serving(echo) as two:
        links = [TcpLink("a", one.address), TcpLink("b", two.address)]
        pending = [link.ask(f"{n}?") for n, link in enumerate(links)]
        assert [reply.result() for reply in reversed(pending)] == ["1", "0"]
        for link in links:
            link.close()


def test_socket_options():
    with serving(echo) as server:
        link = TcpLink("psu", server.address)
        sock = link._sock
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not sock.get_inheritable()
        assert sock.gettimeout() is None  # the time-out is the kernel's
        link.close()


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_QUICKACK")
def test_a_setting_then_a_question_is_not_held_back_by_a_delayed_acknowledgement():
    """Nagle's algorithm would hold the question until the peer acknowledges the setting: 40 ms a pair."""

    def lazy(connection, server):
        buffer = b""
        while True:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            data = connection.recv(4096)
            if not data:
                return
            buffer += data
            *messages, buffer = buffer.split(b"\n")
            for message in messages:
                if message.endswith(b"?"):
                    connection.sendall(message[:-1] + b"\n")

    with serving(lazy) as server:
        link = TcpLink("psu", server.address)
        started = time.perf_counter()
        for n in range(20):
            link.write("VOLT 1")
            assert link.ask(f"{n}?").result() == str(n)
        assert time.perf_counter() - started < 20 * 0.020
        link.close()


@pytest.mark.parametrize(("wire", "text"), [
    (b"1.5\r\n", "1.5"),
    (b"\n", ""),
    (b"\xb5V\n", "µV"),
    (b"#15a\nb\nc;2\n", "#15a\nb\nc;2"),
    (b'"x;#15";1\n', '"x;#15";1'),
])
def test_replies(wire, text):
    with serving(answering(wire)) as server:
        link = TcpLink("dmm", server.address)
        assert link.ask("X?").result() == text
        assert link.ask("X?").result() == text
        link.close()


def test_a_long_block_arrives_whole():
    data = bytes(range(256)) * 4096
    wire = b"#7%07d" % len(data) + data + b"\n"
    with serving(answering(wire)) as server:
        link = TcpLink("scope", server.address)
        assert link.ask("CURV?").result().encode("latin-1") == wire[:-1]
        link.close()


def test_half_a_reply_is_a_timeout_that_shows_the_half():
    with serving(answering(b"+1.23")) as server:
        link = TcpLink("dmm", server.address, timeout_s=0.05)
        with pytest.raises(LinkTimeout, match=r"0\.05 s") as caught:
            link.ask("READ?").result()
        error = caught.value
        assert (error.instrument, error.sent, error.reply) == ("dmm", "READ?", "+1.23")
        assert 0.04 < error.elapsed_s < 1
        link.close()


def test_a_dripping_reply_does_not_hold_the_link_for_ever():
    def drip(connection, server):
        for _ in server.lines(connection):
            while not server.release.wait(0.01):
                connection.sendall(b"1")

    with serving(drip) as server:
        link = TcpLink("dmm", server.address, timeout_s=0.1)
        with pytest.raises(LinkTimeout) as caught:
            link.ask("READ?").result()
        assert caught.value.elapsed_s < 1
        link.close()


def test_a_late_reply_never_answers_the_next_question():
    def late(connection, server):
        for message in server.lines(connection):
            if message == "SLOW?":
                server.release.wait(10)
                connection.sendall(b"old\n")
                server.reached.set()
            elif message.endswith("?"):
                connection.sendall(b"new\n")

    with serving(late) as server:
        link = TcpLink("dmm", server.address, timeout_s=0.05)
        with pytest.raises(LinkTimeout) as caught:
            link.ask("SLOW?").result()
        assert caught.value.reply is None
        server.release.set()
        assert server.reached.wait(5)
        for attempt in (link.ask, link.write):
            with pytest.raises(LinkError, match="did not come in time; clear it first"):
                attempt("FAST?")
        link.clear()
        assert link.ask("FAST?").result() == "new"
        assert server.seen == ["SLOW?", "FAST?"]
        link.close()


def test_a_reply_under_way_owns_the_link():
    with serving(echo) as server:
        link = TcpLink("dmm", server.address)
        pending = link.ask("1?")
        for attempt in (link.ask, link.write):
            with pytest.raises(RuntimeError, match=r"'1\?' was collected"):
                attempt("2?")
        assert pending.result() == "1"
        with pytest.raises(RuntimeError, match="collected already"):
            pending.result()
        assert link.ask("3?").result() == "3"
        assert server.seen == ["1?", "3?"]
        link.close()


def test_a_cleared_link_forgets_the_reply_under_way():
    with serving(echo) as server:
        link = TcpLink("dmm", server.address)
        pending = link.ask("1?")
        link.clear()
        assert link.ask("2?").result() == "2"
        with pytest.raises(LinkError, match="thrown away"):
            pending.result()
        assert link.ask("3?").result() == "3"
        link.close()


def test_bytes_that_nobody_asked_for_are_an_error_and_nothing_is_sent():
    with serving(answering(b"1\n2\n")) as server:
        link = TcpLink("dmm", server.address)
        assert link.ask("A?").result() == "1"
        with pytest.raises(LinkError, match="nobody asked for") as caught:
            link.ask("B?")
        assert caught.value.reply == "2\n"
        with pytest.raises(LinkError, match="clear it first"):
            link.write("C")
        assert server.seen == ["A?"]
        link.close()


def test_bytes_that_come_between_questions_are_noticed_too():
    def chatty(connection, server):
        for _ in server.lines(connection):
            connection.sendall(b"1\n")
            server.release.wait(10)
            connection.sendall(b"unasked")
            connection.shutdown(socket.SHUT_WR)

    with serving(chatty) as server:
        link = TcpLink("dmm", server.address, timeout_s=1)
        assert link.ask("A?").result() == "1"
        server.release.set()
        assert link._sock.recv(1, socket.MSG_PEEK) == b"u"  # it has arrived
        with pytest.raises(LinkError, match="nobody asked for"):
            link.write("B")
        link.close()


def test_a_peer_that_closes_before_the_question_is_noticed_before_anything_is_sent():
    def once(connection, server):
        next(server.lines(connection))
        connection.sendall(b"1\n")

    with serving(once) as server:
        link = TcpLink("dmm", server.address, timeout_s=1)
        assert link.ask("A?").result() == "1"
        assert link._sock.recv(1, socket.MSG_PEEK) == b""  # the end has arrived
        with pytest.raises(LinkError, match="closed the connection") as caught:
            link.ask("B?")
        assert not isinstance(caught.value, LinkTimeout)
        link.clear()
        assert link.ask("C?").result() == "1"
        link.close()


def test_a_peer_that_closes_within_a_reply():
    def half(connection, server):
        next(server.lines(connection))
        connection.sendall(b"+1.2")

    with serving(half) as server:
        link = TcpLink("dmm", server.address)
        with pytest.raises(LinkError, match="closed the connection") as caught:
            link.ask("READ?").result()
        assert (caught.value.sent, caught.value.reply) == ("READ?", "+1.2")
        link.close()


def test_a_message_that_the_instrument_does_not_take_is_a_timeout():
    def deaf(connection, server):
        server.release.wait(10)

    with serving(deaf) as server:
        link = TcpLink("awg", server.address, timeout_s=0.05)
        with pytest.raises(LinkTimeout, match="takes no data"):
            link.write("DATA " + "0" * 30_000_000)
        with pytest.raises(LinkError, match="could not be sent whole"):
            link.write("*CLS")
        link.close()


def test_a_reply_without_end_is_refused():
    with serving(answering(b"#9999999999")) as server:
        link = TcpLink("scope", server.address)
        with pytest.raises(LinkError, match="announces 999999999 bytes"):
            link.ask("CURV?").result()
        with pytest.raises(LinkError, match="clear it first"):
            link.ask("*IDN?")
        link.close()


@pytest.mark.parametrize(("message", "said"), [("A\nB?", "two messages"), ("VOLT 1 Ω", "'Ω'")])
def test_what_is_no_message_is_refused_and_the_link_stays_good(message, said):
    with serving(echo) as server:
        link = TcpLink("psu", server.address)
        with pytest.raises(LinkError, match=said):
            link.ask(message)
        assert link.ask("1?").result() == "1"
        assert server.seen == ["1?"]
        link.close()


def test_refused_and_unknown_hosts():
    with serving(echo) as server:
        address = server.address
    with pytest.raises(LinkError, match=r"psu: no connection to 127.0.0.1 port \d+: Connection refused; check that"):
        TcpLink("psu", address)
    with pytest.raises(LinkError, match=r"no connection to no-such-host\.invalid port 1"):
        TcpLink("psu", TcpSocket("no-such-host.invalid", 1))
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0"):
            TcpLink("psu", address, timeout_s=wrong)


def test_clear_gives_up_after_its_time_and_may_be_tried_again():
    with serving(echo) as server:
        link = TcpLink("psu", server.address, reconnect_s=0.1)
        server.stop_listening()
        with pytest.raises(LinkError, match="Connection refused"):
            link.clear()
        with pytest.raises(LinkError, match="clear it first"):
            link.ask("1?")
        link.close()
    with pytest.raises(LinkError, match=r"refused|closed"):
        link.clear()


def test_clear_waits_for_an_instrument_that_comes_back():
    with serving(echo) as server:
        link = TcpLink("psu", server.address, reconnect_s=5)
        server.stop_listening()
        again = threading.Thread(target=link.clear)
        again.start()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.address.host, server.address.port))
        listener.listen()
        connection, _ = listener.accept()
        again.join(5)
        link.write("X")
        assert connection.recv(10) == b"X\n"
        link.close()
        connection.close()
        listener.close()


def test_close_from_another_thread_breaks_a_wait():
    def silent(connection, server):
        for _ in server.lines(connection):
            server.reached.set()

    with serving(silent) as server:
        link = TcpLink("dmm", server.address, timeout_s=30)
        threading.Thread(target=lambda: (server.reached.wait(5), link.close())).start()
        with pytest.raises(LinkError, match="the link was closed") as caught:
            link.ask("READ?").result()
        assert not isinstance(caught.value, LinkTimeout)
        link.close()
        for attempt in (link.ask, link.write):
            with pytest.raises(LinkError, match="the link was closed"):
                attempt("X?")
        with pytest.raises(LinkError, match="the link was closed"):
            link.clear()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="POSIX signals")
def test_close_in_a_signal_handler_breaks_the_wait_of_its_own_thread():
    def silent(connection, server):
        for _ in server.lines(connection):
            os.kill(os.getpid(), signal.SIGUSR1)

    with serving(silent) as server:
        link = TcpLink("dmm", server.address, timeout_s=30)
        before = signal.signal(signal.SIGUSR1, lambda *_: link.close())
        try:
            with pytest.raises(LinkError, match="the link was closed"):
                link.ask("READ?").result()
        finally:
            signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="POSIX signals")
def test_a_wait_that_was_broken_off_leaves_the_link_shut():
    def silent(connection, server):
        for message in server.lines(connection):
            if message == "SLOW?":
                server.release.wait(0.05)  # until the link waits for the answer
                os.kill(os.getpid(), signal.SIGUSR1)
            else:
                connection.sendall(b"1\n")

    def interrupt(*_):
        raise KeyboardInterrupt

    with serving(silent) as server:
        link = TcpLink("dmm", server.address, timeout_s=30)
        before = signal.signal(signal.SIGUSR1, interrupt)
        try:
            with pytest.raises(KeyboardInterrupt):
                link.ask("SLOW?").result()
        finally:
            signal.signal(signal.SIGUSR1, before)
        with pytest.raises(LinkError, match="broken off"):
            link.ask("X?")
        link.clear()
        assert link.ask("X?").result() == "1"
        link.close()


@pytest.mark.parametrize(("read", "write", "sent", "wire", "text"), [
    ("\r\n", "\r\n", "X?\r", b"1.5\r\n", "1.5"),
    ("\n", "\r\n", "X?\r", b"1.5\n", "1.5"),
    ("\r", "\n", "X?", b"OK\r", "OK"),
    (";\n", "\n", "X?", b"12;\n", "12"),
    ("\r\n", "\n", "X?", b"#13a\n\r\r\n", "#13a\n\r"),
])
def test_terminators_may_be_chosen(read, write, sent, wire, text):
    with serving(answering_any(wire)) as server:
        link = TcpLink("box", server.address, read_termination=read, write_termination=write)
        assert [link.ask("X?").result() for _ in range(3)] == [text] * 3
        assert server.seen == [sent] * 3
        link.close()


def answering_any(wire):
    def script(connection, server):
        for _ in server.lines(connection):
            connection.sendall(wire)

    return script


def test_a_gap_between_exchanges():
    with serving(echo) as server:
        link = TcpLink("box", server.address, gap_s=0.03)
        started = time.monotonic()
        link.write("A")
        link.write("B")
        assert link.ask("1?").result() == "1"
        assert time.monotonic() - started >= 0.059
        link.close()
