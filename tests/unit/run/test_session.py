"""Requests to stop: one after the point, two at once; handlers are put back; nothing interrupts making safe."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from labkit.clock import VirtualClock
from labkit.errors import Cancelled
from labkit.run.session import MOST_POLL_S, Session, Stopped


@pytest.fixture
def session() -> Session:
    return Session(VirtualClock())


def test_without_a_request_a_wait_is_a_wait(session: Session) -> None:
    session.check()
    session.sleep(123.0)
    assert session.clock.now() == pytest.approx(123.0)
    session.sleep(0)
    session.sleep(-1)
    assert session.clock.now() == pytest.approx(123.0)


def test_one_request_stops_at_the_next_look_and_leaves_the_clock_alone(session: Session) -> None:
    session.request_stop("Ctrl-C")
    with pytest.raises(Stopped, match="Ctrl-C"):
        session.check()
    with pytest.raises(Stopped):
        session.sleep(10)
    session.clock.sleep(1)  # the point under way may finish
    assert session.clock.now() == 1.0
    assert Stopped("x").exit_code == 4


def test_a_long_wait_notices_a_request_within_seconds(session: Session) -> None:
    def asks() -> None:
        session.clock.sleep(100.0)
        session.request_stop("pause")

    def waits() -> None:
        with pytest.raises(Stopped, match="pause"):
            session.sleep(3600.0)

    session.clock.gather([asks, waits])
    assert 100.0 <= session.clock.now() <= 100.0 + MOST_POLL_S


def test_two_requests_end_every_wait(session: Session) -> None:
    session.request_stop("Ctrl-C")
    session.request_stop("Ctrl-C")
    with pytest.raises(Cancelled):
        session.clock.sleep(1)
    assert session.stop_level == 2


def test_while_making_safe_waits_work_and_further_requests_change_nothing(session: Session) -> None:
    session.request_stop("Ctrl-C")
    session.request_stop("Ctrl-C")
    with session.making_safe():
        session.check()
        session.sleep(5)
        session.request_stop("Ctrl-C")
        session.sleep(5)
    assert session.clock.now() == pytest.approx(10.0)
    with pytest.raises(Stopped):
        session.check()


def test_making_safe_ends_also_with_an_error(session: Session) -> None:
    session.request_stop("x")
    with pytest.raises(KeyError), session.making_safe():
        raise KeyError("x")
    with pytest.raises(Stopped):
        session.check()


NAMES = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to oneself there")
@pytest.mark.parametrize(("name", "level"), [("SIGINT", 1), ("SIGTERM", 2), ("SIGHUP", 2)])
def test_a_signal_is_a_request_and_a_service_manager_does_not_wait(session: Session, name: str, level: int) -> None:
    with session.signals():
        os.kill(os.getpid(), getattr(signal, name))
        assert (session.stop_level, session.stop_reason) == (level, "Ctrl-C" if name == "SIGINT" else name)


def test_handlers_are_put_back_also_after_an_error(session: Session) -> None:
    def mine(number: int, frame: object) -> None:
        """Stand for whoever was there before."""

    old = {name: signal.signal(getattr(signal, name), mine) for name in NAMES}
    try:
        with session.signals():
            assert all(signal.getsignal(getattr(signal, name)) is not mine for name in NAMES)
        assert all(signal.getsignal(getattr(signal, name)) is mine for name in NAMES)
        with pytest.raises(KeyError), session.signals():
            raise KeyError("x")
        assert all(signal.getsignal(getattr(signal, name)) is mine for name in NAMES)
    finally:
        for name, handler in old.items():
            signal.signal(getattr(signal, name), handler)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP there")
def test_a_run_under_nohup_outlives_its_terminal(session: Session) -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with session.signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert session.stop_level == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, old)


def test_observers_are_told_when_the_run_begins_and_of_its_phases() -> None:
    told: list[object] = []

    class Watcher:
        def begin(self, clock: object) -> None:
            told.append(clock)

        def phase(self, text: str) -> None:
            told.append(text)

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *args: None

    clock = VirtualClock()
    session = Session(clock, (Watcher(),))
    session.phase("soaking")
    assert told == [clock, "soaking"]


def test_a_request_from_another_thread_is_seen() -> None:
    session = Session(VirtualClock())
    thread = threading.Thread(target=session.request_stop, args=("page",))
    thread.start()
    thread.join()
    with pytest.raises(Stopped, match="page"):
        session.check()
