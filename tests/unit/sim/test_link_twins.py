"""In-process links: virtual latency, one message at a time, and the same refusals as real links."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest

from labkit.clock import VirtualClock
from labkit.errors import LinkError, LinkTimeout
from labkit.sim.link import TwinMessageLink, TwinRegisterLink, TwinStreamLink
from labkit.sim.twin import RegisterFault, Reply


class Echo:
    """Answers what ends with a question mark; ``slow?`` takes 5 s."""

    def __init__(self, latency_s: float = 0.020) -> None:
        self.latency_s = latency_s

    def handle(self, message: str) -> Reply:
        text = message if message.endswith("?") and not message.startswith("FOO") else None
        return Reply(text, 5.0 if message == "slow?" else self.latency_s)


class Console:
    """Answers ``ok`` 0.5 s after each line, one character every 10 ms."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.queue: list[tuple[float, str]] = []

    def feed(self, text: str) -> None:
        start = self.clock.now() + 0.5
        self.queue += [(start + 0.01 * i, char) for i, char in enumerate("ok\r\n# ")]

    def due(self) -> float | None:
        return self.queue[0][0] if self.queue else None

    def take(self) -> str:
        now, text = self.clock.now(), ""
        while self.queue and self.queue[0][0] <= now:
            text += self.queue.pop(0)[1]
        return text


class Registers:
    latency_s = 0.030

    def read(self, address: int, count: int) -> list[int]:
        if address == 404:
            raise RegisterFault(2)
        return list(range(address, address + count))

    def write(self, address: int, values: Sequence[int]) -> None:
        if values[0] == 13:
            raise RegisterFault(3)


def test_asking_returns_at_once_and_two_instruments_overlap() -> None:
    clock = VirtualClock()
    links = [TwinMessageLink(name, Echo(), clock) for name in ("a", "b")]
    pending = [link.ask("V?") for link in links]
    assert clock.now() == 0.0
    assert [reply.ready_at for reply in pending] == [0.020, 0.020]
    assert [reply.result() for reply in pending] == ["V?", "V?"]
    assert clock.now() == 0.020


def test_an_instrument_serves_one_message_at_a_time() -> None:
    clock = VirtualClock()
    link = TwinMessageLink("a", Echo(), clock)
    link.write("V 1")
    link.write("V 2")
    assert clock.now() == 0.0
    assert link.ask("V?").result() == "V?"
    assert clock.now() == pytest.approx(0.060)
    clock.sleep(1.0)
    before = clock.now()
    pending = link.ask("V?")
    clock.sleep(0.5)
    pending.result()
    assert clock.now() == before + 0.5, "a wait that is over costs nothing"


def test_silence_costs_the_time_out_and_shuts_the_link_until_it_is_cleared() -> None:
    clock = VirtualClock()
    link = TwinMessageLink("psu", Echo(), clock, timeout_s=2.0)
    with pytest.raises(LinkTimeout) as caught:
        link.ask("FOO?").result()
    error = caught.value
    assert (error.instrument, error.sent, error.reply, error.elapsed_s) == ("psu", "FOO?", None, 2.0)
    with pytest.raises(LinkError, match="out of step"):
        link.ask("V?")
    link.clear()
    assert link.ask("V?").result() == "V?"
    with pytest.raises(LinkTimeout):
        link.ask("slow?").result()
    link.clear()


def test_a_reply_owns_the_link_and_an_answer_nobody_asked_for_is_refused() -> None:
    clock = VirtualClock()
    link = TwinMessageLink("psu", Echo(), clock)
    pending = link.ask("A?")
    with pytest.raises(RuntimeError, match="before the reply to 'A\\?'"):
        link.ask("B?")
    assert pending.result() == "A?"
    with pytest.raises(RuntimeError, match="collected already"):
        pending.result()
    link.write("A?")
    stale = link.ask("B?")
    assert stale.result() == "A?", "still under way when the next was sent: the answers are out of step, as on a socket"
    clock.sleep(1.0)
    with pytest.raises(LinkError, match="nobody asked for"):
        link.ask("C?")
    link.clear()
    thrown = link.ask("D?")
    link.clear()
    with pytest.raises(LinkError, match="thrown away"):
        thrown.result()
    with pytest.raises(LinkError, match="line end"):
        link.ask("A?\nB?")
    link.close()
    link.close()
    with pytest.raises(LinkError, match="closed"):
        link.write("A")


def test_a_console_is_followed_to_the_moment_of_the_match() -> None:
    clock = VirtualClock()
    console = TwinStreamLink("console", Console(clock), clock)
    console.send("x\n")
    assert console.expect(re.compile("ok\r\n"), 2.0) == "ok\r\n"
    assert clock.now() == pytest.approx(0.53)
    assert console.expect(re.compile("# "), 2.0) == "# "
    console.send("y\n")
    clock.sleep(0.515)
    assert console.drain() == "ok"
    with pytest.raises(LinkTimeout) as caught:
        console.expect(re.compile("never"), 3.0)
    assert caught.value.reply == "\r\n# "
    assert caught.value.elapsed_s == pytest.approx(3.0)
    console.close()
    with pytest.raises(LinkError):
        console.drain()


def test_a_console_that_another_thread_makes_speak_is_heard_in_time() -> None:
    clock = VirtualClock()
    twin = Console(clock)
    console = TwinStreamLink("console", twin, clock)
    heard: list[float] = []

    def listen() -> None:
        console.expect(re.compile("# "), 60.0)
        heard.append(clock.now())

    def speak() -> None:
        clock.sleep(10.0)
        twin.feed("power")

    clock.gather([listen, speak])
    assert heard[0] == pytest.approx(10.55, abs=0.3)


def test_registers_take_their_latency_and_faults_are_sentences() -> None:
    clock = VirtualClock()
    link = TwinRegisterLink("chamber", Registers(), clock)
    assert link.read(5, 3) == [5, 6, 7]
    assert clock.now() == pytest.approx(0.030)
    with pytest.raises(LinkError, match="Modbus exception 2: it has no register at this address") as caught:
        link.read(404, 2)
    assert caught.value.instrument == "chamber"
    with pytest.raises(LinkError, match="Modbus exception 3"):
        link.write(1, [13])
    link.write(1, [14])
    assert clock.now() == pytest.approx(0.120)
    link.close()
    with pytest.raises(LinkError, match="closed"):
        link.read(1, 1)


def test_the_link_costs_little() -> None:
    clock = VirtualClock()
    link = TwinMessageLink("a", Echo(), clock)
    best = min(_time(link) for _ in range(5))
    assert best < 25e-6  # typically 2 us; generous, since other work may share the machine


def _time(link: TwinMessageLink) -> float:
    started = time.perf_counter()
    for _ in range(2000):
        link.ask("V?").result()
    return (time.perf_counter() - started) / 2000
