"""The clock of the bench: scaled waits, prompt cancellation, locks in order. Waits here are fractions of a second."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from labkit.clock import WallClock
from labkit.errors import Cancelled


def _in_background(call: object) -> tuple[threading.Thread, list[object]]:
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(call())  # type: ignore[operator]
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def _until(condition: object) -> None:
    for _ in range(2000):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.001)
    pytest.fail("it never came to that")


def test_a_lab_second_lasts_as_long_as_the_scale_says() -> None:
    clock = WallClock(scale=1000.0)
    before = time.monotonic()
    clock.sleep(20.0)
    assert 0.019 <= time.monotonic() - before < 1.0
    assert clock.now() >= 20.0
    assert not clock.virtual
    assert clock.utc() - datetime.now(UTC) > timedelta(seconds=15)
    assert abs(WallClock().utc() - datetime.now(UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_not_positive_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="not positive"):
        WallClock(scale)


def test_waits_that_are_over_return_and_a_wait_that_is_no_number_is_refused() -> None:
    clock = WallClock()
    clock.sleep(0)
    clock.sleep(-1)
    with pytest.raises(ValueError, match="not a number"):
        clock.sleep(float("nan"))


def test_cancel_wakes_sleepers_promptly_and_resume_lets_them_wait_again() -> None:
    clock = WallClock()
    threads = [_in_background(lambda: clock.sleep(3600)) for _ in range(3)]
    before = time.monotonic()
    clock.cancel()
    for thread, ended in threads:
        thread.join(5)
        assert isinstance(ended[0], Cancelled)
    assert time.monotonic() - before < 1.0
    with pytest.raises(Cancelled):
        clock.sleep(0)
    clock.resume()
    clock.sleep(0.001)


def test_gather_keeps_order_and_nests() -> None:
    clock = WallClock(scale=100.0)

    def late() -> int:
        clock.sleep(1)
        return sum(clock.gather([lambda: 1, lambda: 2]))

    assert clock.gather([late, lambda: 7]) == [3, 7]
    assert clock.gather([]) == []


def test_the_first_error_of_a_gather_cancels_the_others_also_in_nested_ones() -> None:
    clock = WallClock()
    seen: list[str] = []

    def waits() -> None:
        try:
            clock.sleep(3600)
        except Cancelled:
            seen.append("cancelled")
            raise

    def fails() -> None:
        clock.sleep(0.01)
        raise ValueError("first")

    before = time.monotonic()
    with pytest.raises(ValueError, match="first"):
        clock.gather([waits, lambda: clock.gather([waits, waits]), fails])
    assert time.monotonic() - before < 5.0
    assert seen == ["cancelled"] * 3
    clock.sleep(0)  # the clock itself was not cancelled


def test_a_lock_is_served_in_the_order_of_asking() -> None:
    clock, order = WallClock(), [0][:0]
    entered, leave = threading.Event(), threading.Event()

    def user(number: int) -> None:
        with clock.lock("dmm"):
            order.append(number)

    def holds() -> None:
        with clock.lock("dmm"):
            entered.set()
            leave.wait(5)  # told by the test: the queue is looked at while it still stands

    first, _ = _in_background(holds)
    entered.wait(5)
    threads = []
    for number in range(5):
        threads.append(_in_background(lambda n=number: user(n))[0])
        _until(lambda n=number: len(clock._locks["dmm"]) == n + 2)
    leave.set()
    for thread in (first, *threads):
        thread.join(5)
    assert order == [0, 1, 2, 3, 4]


def test_a_waiter_for_a_lock_is_cancelled_at_once_though_the_holder_goes_on() -> None:
    clock = WallClock()
    entered, leave = threading.Event(), threading.Event()

    def holds() -> str:
        with clock.lock("m"):
            entered.set()
            leave.wait(5)
        return "left"

    def waits() -> None:
        with clock.lock("m"):
            pytest.fail("got a lock that somebody holds")

    holder, held = _in_background(holds)
    entered.wait(5)
    waiter, ended = _in_background(waits)
    _until(lambda: len(clock._locks["m"]) == 2)
    clock.cancel()
    waiter.join(5)
    assert isinstance(ended[0], Cancelled)
    clock.resume()
    leave.set()
    holder.join(5)
    assert held == ["left"]
    with clock.lock("m"):
        pass


def test_an_error_inside_a_lock_gives_it_back() -> None:
    clock = WallClock()
    with pytest.raises(KeyError), clock.lock("m"):
        raise KeyError("x")
    with clock.lock("m"):
        pass


def test_a_lock_taken_twice_by_one_thread_is_an_error() -> None:
    clock = WallClock()
    with pytest.raises(RuntimeError, match="m is held already"), clock.lock("m"), clock.lock("m"):
        pass
    with clock.lock("m"):
        pass
