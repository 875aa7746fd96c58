"""Virtual time: one thread at a time, in order of (wake time, sequence), the same order each time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from labkit.clock import VIRTUAL_EPOCH, VirtualClock
from labkit.errors import Cancelled


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    for _ in range(100):  # a thread that handed over its baton may still be on its way out
        if threading.active_count() <= before:
            return
        time.sleep(0.001)
    pytest.fail("a thread of the clock is still there")


class Log:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.lines = clock, [""][:0]

    def __call__(self, what: str) -> None:
        self.lines.append(f"{self.clock.now():g} {what}")

    def steps(self, name: str, *waits: float) -> Callable[[], str]:
        def run() -> str:
            for wait in waits:
                self.clock.sleep(wait)
                self(name)
            return name
        return run


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def log(clock: VirtualClock) -> Log:
    return Log(clock)


def test_time_jumps_and_utc_follows(clock: VirtualClock) -> None:
    assert (clock.virtual, clock.scale, clock.now()) == (True, 1.0, 0.0)
    clock.sleep(12 * 3600)
    assert clock.now() == 12 * 3600
    assert clock.utc() == VIRTUAL_EPOCH + timedelta(hours=12)
    clock.sleep(0)
    clock.sleep(-5)
    assert clock.now() == 12 * 3600
    with pytest.raises(ValueError, match="not a number"):
        clock.sleep(float("nan"))


def test_threads_run_in_order_of_their_wake_times(clock: VirtualClock, log: Log) -> None:
    assert clock.gather([log.steps("a", 3, 3), log.steps("b", 2, 2, 2), log.steps("c", 7)]) == ["a", "b", "c"]
    # At 6 both are due: b began its wait at 4, a at 3.
    assert log.lines == ["2 b", "3 a", "4 b", "6 a", "6 b", "7 c"]


def test_ties_go_to_whoever_waited_first(clock: VirtualClock, log: Log) -> None:
    clock.gather([log.steps("a", 1, 1, 1), log.steps("b", 1, 1, 1), log.steps("c", 1, 1, 1)])
    assert log.lines == [f"{t} {n}" for t in (1, 2, 3) for n in "abc"]


def test_gather_of_nothing_and_results_of_any_kind(clock: VirtualClock) -> None:
    assert clock.gather([]) == []
    assert clock.gather([lambda: None, lambda: 3]) == [None, 3]


def test_gathers_nest(clock: VirtualClock, log: Log) -> None:
    def outer(name: str, first: float) -> Callable[[], str]:
        def run() -> str:
            clock.sleep(first)
            inner = clock.gather([log.steps(f"{name}1", 2), log.steps(f"{name}2", 1)])
            log(f"{name} done")
            return "".join(inner)
        return run

    assert clock.gather([outer("a", 1), outer("b", 1.5)]) == ["a1a2", "b1b2"]
    assert log.lines == ["2 a2", "2.5 b2", "3 a1", "3 a done", "3.5 b1", "3.5 b done"]


def test_a_wait_that_is_over_does_not_yield(clock: VirtualClock, log: Log) -> None:
    def greedy() -> None:
        for _ in range(3):
            log("greedy")
            clock.sleep(0)

    clock.gather([greedy, lambda: log("other")])
    assert log.lines == ["0 greedy"] * 3 + ["0 other"]


def test_the_first_error_cancels_the_others_at_once_and_is_the_one_raised(clock: VirtualClock, log: Log) -> None:
    def fails() -> None:
        clock.sleep(1)
        raise ValueError("first")

    def waits() -> None:
        try:
            clock.sleep(1e6)
        except Cancelled:
            log("cancelled")
            raise

    def fails_while_cancelled() -> None:
        try:
            clock.sleep(1e6)
        finally:
            raise KeyError("second")

    with pytest.raises(ValueError, match="first"):
        clock.gather([waits, fails, fails_while_cancelled])
    assert log.lines == ["1 cancelled"]  # at once: not a million seconds later
    clock.sleep(5)
    assert clock.now() == 6.0  # and the clock goes on for whoever gathered


def test_an_error_inside_a_nested_gather_cancels_the_uncles(clock: VirtualClock, log: Log) -> None:
    def boom() -> None:
        clock.sleep(1)
        raise RuntimeError("boom")

    def nested() -> None:
        clock.gather([boom, log.steps("sibling", 100)])

    with pytest.raises(RuntimeError, match="boom"):
        clock.gather([nested, log.steps("uncle", 50)])
    assert (log.lines, clock.now()) == ([], 1.0)


def test_a_cancelled_outer_gather_cancels_the_inner_one(clock: VirtualClock, log: Log) -> None:
    def fails() -> None:
        clock.sleep(1)
        raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        clock.gather([lambda: clock.gather([log.steps("in", 1e6), log.steps("in", 2e6)]), fails])
    assert (log.lines, clock.now()) == ([], 1.0)


def test_an_error_without_any_wait_is_raised_too(clock: VirtualClock) -> None:
    with pytest.raises(ZeroDivisionError):
        clock.gather([lambda: 1 // 0])
    with pytest.raises(SystemExit):
        clock.gather([lambda: clock.sleep(3), lambda: (_ for _ in ()).throw(SystemExit(3))])


def test_a_lock_is_held_across_waits_and_given_in_order(clock: VirtualClock, log: Log) -> None:
    def user(name: str) -> Callable[[], None]:
        def run() -> None:
            for _ in range(2):
                with clock.lock("dmm"):
                    log(f"{name} in")
                    clock.sleep(1)
                    log(f"{name} out")
        return run

    clock.gather([user("a"), user("b"), user("c")])
    assert log.lines == [line for t, n in enumerate("abcabc") for line in (f"{t} {n} in", f"{t + 1} {n} out")]


def test_locks_of_other_names_do_not_matter(clock: VirtualClock, log: Log) -> None:
    def user(name: str) -> Callable[[], None]:
        def run() -> None:
            with clock.lock(name):
                clock.sleep(1)
                log(name)
        return run

    clock.gather([user("a"), user("b")])
    assert log.lines == ["1 a", "1 b"]


def test_an_error_inside_a_lock_gives_it_back(clock: VirtualClock) -> None:
    with pytest.raises(ValueError, match="x"), clock.lock("m"):
        raise ValueError("x")
    with clock.lock("m"):
        pass


def test_a_cancelled_waiter_on_a_lock_is_woken_once(clock: VirtualClock, log: Log) -> None:
    # The holder is cancelled too and gives the lock back while the waiter is on its way out.
    def holder() -> None:
        with clock.lock("m"):
            clock.sleep(100)

    def waiter() -> None:
        try:
            with clock.lock("m"):
                log("got it")
        except Cancelled:
            log("cancelled")
            raise

    def fails() -> None:
        clock.sleep(1)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        clock.gather([holder, waiter, waiter, fails])
    assert log.lines == ["1 cancelled", "1 cancelled"]
    with clock.lock("m"):  # nobody holds it any more
        clock.sleep(1)
    assert clock.now() == 2.0


def test_a_waiter_of_a_cancelled_group_leaves_the_queue_to_the_others(clock: VirtualClock, log: Log) -> None:
    def fails() -> None:
        clock.sleep(1)
        raise ValueError("inner")

    def takes(name: str) -> Callable[[], None]:
        def run() -> None:
            clock.sleep(0.5)
            with clock.lock("m"):
                log(name)
        return run

    def holder() -> None:
        with clock.lock("m"):
            clock.sleep(10)

    def inner() -> None:
        with pytest.raises(ValueError, match="inner"):
            clock.gather([takes("cancelled one"), fails])

    clock.gather([holder, inner, takes("patient one")])
    assert log.lines == ["10 patient one"]


def test_a_deadlock_is_an_error_and_not_a_hang(clock: VirtualClock) -> None:
    def both(first: str, second: str) -> Callable[[], None]:
        def run() -> None:
            with clock.lock(first):
                clock.sleep(1)
                with clock.lock(second):
                    pass
        return run

    with pytest.raises(RuntimeError, match="every thread waits for a lock"):
        clock.gather([both("a", "b"), both("b", "a")])
    with clock.lock("a"), clock.lock("b"):
        pass


def test_a_lock_taken_twice_by_one_thread_is_an_error(clock: VirtualClock, log: Log) -> None:
    def twice() -> None:
        with clock.lock("m"), clock.lock("m"):
            pass

    with pytest.raises(RuntimeError, match="m is held already"):
        twice()
    with pytest.raises(RuntimeError, match="m is held already"):
        clock.gather([log.steps("other", 5), twice])
    with clock.lock("m"):
        pass


def test_cancel_ends_waits_until_resume(clock: VirtualClock) -> None:
    clock.cancel()
    for wait in (0, 1):
        with pytest.raises(Cancelled):
            clock.sleep(wait)
    clock.resume()
    clock.sleep(1)
    assert clock.now() == 1.0


def test_cancel_from_inside_ends_every_wait_of_a_gather(clock: VirtualClock, log: Log) -> None:
    def stops() -> None:
        clock.sleep(1)
        clock.cancel()

    with pytest.raises(Cancelled):
        clock.gather([log.steps("a", 5), log.steps("b", 6, 7), stops])
    assert log.lines == []
    clock.resume()
    assert clock.gather([log.steps("c", 1)]) == ["c"]


def test_cancel_from_a_foreign_thread_is_seen_at_the_next_wait(clock: VirtualClock) -> None:
    thread = threading.Thread(target=clock.cancel)
    thread.start()
    thread.join()
    with pytest.raises(Cancelled):
        clock.sleep(1)


def _busy(seed: int) -> list[str]:
    """Return what happens when threads wait, nest, lock and fail at random: a function of the seed alone."""
    clock, lines = VirtualClock(), []

    def worker(name: str, depth: int, dice: random.Random) -> Callable[[], None]:
        def run() -> None:
            for step in range(4):
                clock.sleep(dice.choice((0, 0.5, 1, 1, 2)))
                lines.append(f"{clock.now():g} {name} {step}")
                choice = dice.random()
                if choice < 0.3:
                    with clock.lock(dice.choice("xy")):
                        clock.sleep(dice.choice((0, 1)))
                elif choice < 0.5 and depth:
                    try:
                        clock.gather([worker(f"{name}.{i}", depth - 1, random.Random(dice.random())) for i in range(3)])
                    except ValueError as error:
                        lines.append(f"{clock.now():g} {name} caught {error}")
                elif choice < 0.58 and depth < 2:
                    raise ValueError(f"{name} at {step}")
        return run

    try:
        clock.gather([worker(f"s{i}", 2, random.Random(f"{seed} {i}")) for i in range(4)])
    except ValueError as error:
        lines.append(f"end {error}")
    return [*lines, f"{clock.now():g}"]


def test_the_order_of_events_is_the_same_a_hundred_times() -> None:
    for seed in range(10):
        first = _busy(seed)
        assert all(_busy(seed) == first for _ in range(9))
    assert len({tuple(_busy(seed)) for seed in range(10)}) == 10
