"""What surrounds a run: requests to stop, whoever observes, and the clock they share.

A signal handler only sets a number; the engine looks at it at every point and in every wait. Once asks to stop after
the point under way, twice ends every wait at once. Outputs are made safe after either.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from labkit.clock import Clock
from labkit.errors import LabkitError

MOST_POLL_S = 5.0
"""The longest that a wait goes without looking for a stop, in lab seconds."""


class Stopped(LabkitError):
    """The run was asked to stop, and did so between two points."""

    exit_code = 4


class Observer(Protocol):
    """Whoever follows a run: a progress display, a live page. Calls come from the threads of sites; keep them short."""

    def begin(self, clock: Clock) -> None:
        """The run begins; its times are this clock's."""

    def phase(self, text: str) -> None:
        """Something longer begins: a ramp, a soak, a boot."""

    def point(self, site: str, done: int, row: Any) -> None:
        """A point was stored; ``done`` counts the points of that site."""

    def event(self, level: str, site: str, text: str) -> None:
        """Something worth a line happened."""

    def reading(self, name: str, value: float, unit: str) -> None:
        """A value watched while waiting."""

    def stopping(self, text: str) -> None:
        """A stop was asked for. Called from a signal handler: keep the text, do nothing that could wait."""


@dataclass
class Session:
    """One run's requests and observers."""

    clock: Clock
    observers: Sequence[Observer] = ()
    stop_level: int = 0
    stop_reason: str = ""
    _in_safe: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        for observer in self.observers:
            observer.begin(self.clock)

    def request_stop(self, reason: str) -> None:
        """Ask to stop: the first call after the point under way, a second one now."""
        self.stop_level += 1
        self.stop_reason = reason
        if self._in_safe:
            text = f"{reason}: the bench is being made safe already, wait for it"
        elif self.stop_level == 1:
            text = f"{reason}: stopping after the points under way; again to stop at once"
        else:
            text = f"{reason}: stopping now"
            self.clock.cancel()
        for observer in self.observers:
            observer.stopping(text)

    def check(self) -> None:
        """Raise :class:`Stopped` when a stop was asked for."""
        if self.stop_level and not self._in_safe:
            raise Stopped(self.stop_reason)

    def sleep(self, seconds: float) -> None:
        """Wait in lab seconds, looking for a stop at least every few."""
        end = self.clock.now() + seconds
        while True:
            self.check()
            left = end - self.clock.now()
            if left <= 0:
                return
            self.clock.sleep(min(left, MOST_POLL_S))

    @contextmanager
    def making_safe(self) -> Iterator[None]:
        """Waits are waits again, and further stop requests change nothing, until the bench is safe."""
        self._in_safe = True
        self.clock.resume()
        try:
            yield
        finally:
            self._in_safe = False

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into stop requests while the run lasts."""
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        if "SIGHUP" in names and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            names.remove("SIGHUP")  # nohup: the run is meant to outlive its terminal
        old = {}

        def handle(number: int, frame: FrameType | None) -> None:
            name = signal.Signals(number).name
            self.request_stop("Ctrl-C" if name == "SIGINT" else name)
            if name != "SIGINT":
                # A service manager kills soon after it terminates: do not wait for the point.
                self.request_stop(name)

        try:
            for name in names:
                number = getattr(signal, name)
                old[number] = signal.signal(number, handle)
            yield
        finally:
            for number, previous in old.items():
                if previous is not None:  # None: installed by something that is not Python, and out of its reach
                    signal.signal(number, previous)

    def phase(self, text: str) -> None:
        """Tell the observers that something longer begins."""
        for observer in self.observers:
            observer.phase(text)
