"""Time: the only place where labkit waits.

Drivers, searches and the engine are plain blocking Python; they wait through one :class:`Clock`. A
:class:`VirtualClock` runs the threads of :meth:`Clock.gather` one at a time, in order of (wake time, sequence), and
jumps over every wait: twelve hours take seconds, and the order of events is the same each time. A :class:`WallClock`
is the time of the bench; with ``scale=N`` lab time runs N times faster than the clock on the wall, which is how a
served twin is driven (I/O time-outs stay in real seconds: they are the transports' own).

Two threads that hold a plain ``threading.Lock`` across a virtual wait deadlock; :meth:`Clock.lock` is the lock that
knows about waiting.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from labkit.errors import Cancelled

T = TypeVar("T")

VIRTUAL_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""The UTC at which virtual time begins: fixed, so that two simulated runs store the same instants."""


class Clock(Protocol):
    """Lab time. ``virtual`` tells whether waits are jumped over; ``scale`` is lab seconds a wall second."""

    virtual: bool
    scale: float

    def now(self) -> float:
        """Return lab seconds since the clock was made; never runs backwards."""

    def utc(self) -> datetime:
        """Return the lab's date and time, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait in lab seconds; raises :class:`Cancelled` when the wait is ended from outside."""

    def gather(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Run the calls side by side, return their results in order; may nest.

        The first error cancels the others at their next wait and is raised when all have ended.
        """

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of that name: the only one that may be held across a wait. Waiters are served in order."""

    def cancel(self) -> None:
        """End every wait, now and later, with :class:`Cancelled`; from any thread, until :meth:`resume`."""

    def resume(self) -> None:
        """Let waits be waits again, so that outputs can be made safe after a :meth:`cancel`."""


class _Group:
    """The calls of one gather: cancelled together. A group inside a cancelled group is cancelled too."""

    __slots__ = ("cancelled", "error", "parent", "pending")

    def __init__(self, parent: _Group | None, pending: int) -> None:
        self.parent, self.pending = parent, pending
        self.cancelled = False
        self.error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Keep the first error that is not itself the effect of a cancellation."""
        if self.error is None or (isinstance(self.error, Cancelled) and not isinstance(error, Cancelled)):
            self.error = error
        self.cancelled = True

    def is_cancelled(self) -> bool:
        group: _Group | None = self
        while group is not None:
            if group.cancelled:
                return True
            group = group.parent
        return False


class _Task:
    """One thread under virtual time; it runs only while it holds its baton."""

    __slots__ = ("baton", "group", "stuck")

    def __init__(self, group: _Group | None) -> None:
        self.group = group
        self.stuck = False
        self.baton = threading.Lock()
        self.baton.acquire()


class VirtualClock:
    """Time that jumps to the next thing that is due. For in-process twins only."""

    virtual = True
    scale = 1.0

    def __init__(self) -> None:
        self._now = 0.0
        self._sequence = 0
        self._running = _Task(None)
        self._due: list[tuple[float, int, _Task]] = []
        self._locks: dict[str, tuple[_Task, deque[_Task]]] = {}
        self._stopped = False

    def now(self) -> float:
        """Return virtual seconds since the clock was made."""
        return self._now

    def utc(self) -> datetime:
        """Return :data:`VIRTUAL_EPOCH` plus :meth:`now`."""
        return VIRTUAL_EPOCH + timedelta(seconds=self._now)

    def sleep(self, seconds: float) -> None:
        """Jump ahead, letting every thread run that is due earlier. A wait already over does not yield."""
        if self._stopped or self._running.group is not None:
            self._check()
        if not seconds > 0:
            if seconds != seconds:
                raise ValueError("a wait that is not a number never ends")
            return
        wake = self._now + seconds
        if not self._due or wake < self._due[0][0]:
            self._now = wake
            return
        task = self._running
        self._push(wake, task)
        self._hand_over(task)
        self._check()

    def gather(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Run the calls as threads, one at a time in virtual order."""
        parent = self._running
        group = _Group(parent.group, len(calls))
        results: list[Any] = [None] * len(calls)
        threads = []
        for index, call in enumerate(calls):
            task = _Task(group)
            thread = threading.Thread(
                target=self._run, args=(task, parent, call, results, index), name=f"site-{index}", daemon=True)
            thread.start()
            threads.append(thread)
            self._push(self._now, task)
        if calls:
            self._hand_over(parent)
            for thread in threads:
                thread.join()
        if group.error is not None:
            raise group.error
        self._check()
        return results

    def _run(self, task: _Task, parent: _Task, call: Callable[[], Any], results: list[Any], index: int) -> None:
        task.baton.acquire()
        group = task.group
        assert group is not None  # noqa: S101  (made one line before the thread)
        try:
            results[index] = call()
        except BaseException as error:
            group.fail(error)
            self._wake_cancelled()
        group.pending -= 1
        if group.pending == 0:
            self._push(self._now, parent)
        following = self._next()
        following.baton.release()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of that name; waiting for it costs no virtual time by itself."""
        task = self._running
        held = self._locks.get(name)
        if held is None:
            self._locks[name] = (task, deque())
        else:
            if held[0] is task:
                raise RuntimeError(f"the lock {name} is held already by the thread that asks for it")
            held[1].append(task)
            self._hand_over(task)
            if name not in self._locks or self._locks[name][0] is not task:
                self._not_given(name, task)
        try:
            yield
        finally:
            waiters = self._locks[name][1]
            if waiters:
                heir = waiters.popleft()
                self._locks[name] = (heir, waiters)
                self._push(self._now, heir)
            else:
                del self._locks[name]

    def _not_given(self, name: str, task: _Task) -> None:
        """Raise why a wait for a lock ended without it: a cancellation, or waits that would never have ended."""
        if task.stuck:
            task.stuck = False
            raise RuntimeError(f"every thread waits for a lock that another waiting thread holds (here: {name})")
        self._check()

    def cancel(self) -> None:
        """End every wait with :class:`Cancelled`; threads notice at their next wait."""
        self._stopped = True

    def resume(self) -> None:
        """Let waits be waits again."""
        self._stopped = False

    def _check(self) -> None:
        group = self._running.group
        if self._stopped or (group is not None and group.is_cancelled()):
            raise Cancelled("stopped while waiting")

    def _push(self, when: float, task: _Task) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (when, self._sequence, task))

    def _next(self) -> _Task:
        if not self._due:
            for _, waiters in self._locks.values():
                while waiters:
                    waiters[0].stuck = True
                    self._push(self._now, waiters.popleft())
        when, _, task = heapq.heappop(self._due)
        self._now = max(self._now, when)
        self._running = task
        return task

    def _hand_over(self, task: _Task) -> None:
        following = self._next()
        if following is not task:
            following.baton.release()
            task.baton.acquire()

    def _wake_cancelled(self) -> None:
        """Make every waiting task of a cancelled group due now, also those that wait for a lock."""
        kept: list[tuple[float, int, _Task]] = []
        woken: list[tuple[float, int, _Task]] = []
        for entry in self._due:
            group = entry[2].group
            (woken if group is not None and group.is_cancelled() else kept).append(entry)
        self._due = kept
        heapq.heapify(self._due)
        for _, _, task in sorted(woken, key=lambda entry: entry[:2]):
            self._push(self._now, task)
        for _, waiters in self._locks.values():
            for task in [task for task in waiters if task.group is not None and task.group.is_cancelled()]:
                waiters.remove(task)  # a task is due or waits for a lock, never both: it would be woken twice
                self._push(self._now, task)


class WallClock:
    """The time of the bench. With ``scale=N`` a lab second lasts 1/N of a second on the wall."""

    virtual = False

    def __init__(self, scale: float = 1.0) -> None:
        if not scale > 0:
            raise ValueError(f"time scale {scale} is not positive")
        self.scale = scale
        self._start = time.monotonic()
        self._start_utc = datetime.now(UTC)
        self._changed = threading.Condition()
        self._stopped = False
        self._locks: dict[str, deque[tuple[int, object]]] = {}
        self._here = threading.local()

    def now(self) -> float:
        """Return lab seconds since the clock was made."""
        return (time.monotonic() - self._start) * self.scale

    def utc(self) -> datetime:
        """Return the real UTC at scale 1; at other scales, the start plus :meth:`now`."""
        if self.scale == 1.0:
            return datetime.now(UTC)
        return self._start_utc + timedelta(seconds=self.now())

    def sleep(self, seconds: float) -> None:
        """Wait ``seconds / scale`` on the wall; ends at once with :class:`Cancelled` when cancelled."""
        if seconds != seconds:
            raise ValueError("a wait that is not a number never ends")
        deadline = time.monotonic() + max(0.0, seconds) / self.scale
        with self._changed:
            while True:
                self._check()
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _check(self) -> None:
        group: _Group | None = getattr(self._here, "group", None)
        if self._stopped or (group is not None and group.is_cancelled()):
            raise Cancelled("stopped while waiting")

    def gather(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Run the calls in threads of their own."""
        group = _Group(getattr(self._here, "group", None), len(calls))
        results: list[Any] = [None] * len(calls)

        def run(index: int, call: Callable[[], T]) -> None:
            self._here.group = group
            try:
                results[index] = call()
            except BaseException as error:
                with self._changed:
                    group.fail(error)
                    self._changed.notify_all()

        threads = [threading.Thread(target=run, args=(index, call), name=f"site-{index}", daemon=True)
                   for index, call in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if group.error is not None:
            raise group.error
        return results

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of that name; a wait for it ends at once with :class:`Cancelled` when cancelled."""
        ticket = (threading.get_ident(), object())
        with self._changed:
            queue = self._locks.setdefault(name, deque())
            if queue and queue[0][0] == ticket[0]:
                raise RuntimeError(f"the lock {name} is held already by the thread that asks for it")
            queue.append(ticket)
            try:
                while queue[0] is not ticket:
                    self._check()
                    self._changed.wait(1.0)  # Windows hears Ctrl-C only between waits
            except BaseException:
                queue.remove(ticket)
                self._changed.notify_all()
                raise
        try:
            yield
        finally:
            with self._changed:
                queue.popleft()
                self._changed.notify_all()

    def cancel(self) -> None:
        """End every wait, now and later, with :class:`Cancelled`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Let waits be waits again."""
        with self._changed:
            self._stopped = False
