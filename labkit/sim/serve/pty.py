"""A pseudo-terminal that somebody talks on: a device path that any serial program opens. Not on Windows.

What is said on it is a :class:`Talker`'s business: a console (:func:`serve_stream`), an instrument on RS-232
(:mod:`labkit.sim.serve.serial`), a Modbus RTU device (:mod:`labkit.sim.serve.rtu`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from typing import Protocol

from labkit.clock import Clock
from labkit.errors import ConfigError
from labkit.sim.serve.listener import Pace
from labkit.sim.twin import StreamTwin

_LOG = logging.getLogger("labkit.sim.serve")
_RECEIVE = 4096


class Talker(Protocol):
    """What sits behind a terminal. Both methods take the bench's lock themselves."""

    def due(self) -> float | None:
        """Return the lab time at which to ask again although nothing came, None for never."""

    def exchange(self, data: bytes) -> bytes:
        """Take what came (perhaps nothing) and return what is to be sent now."""


def serve_stream(twin: StreamTwin, *, clock: Clock, lock: threading.Lock, name: str = "console") -> PtyServer:
    """Return a server of a console twin on a new pseudo-terminal, not yet started.

    Raises ConfigError where the system has no pseudo-terminals (Windows) or the clock is virtual.
    """
    return PtyServer(ConsoleTalker(twin, clock, lock), Pace(clock), name)


class ConsoleTalker:
    """A console twin: looked at again and again, because somebody may have switched its board on."""

    _LOOK_S = 0.010
    """Wall seconds between two looks at a silent console."""

    def __init__(self, twin: StreamTwin, clock: Clock, lock: threading.Lock) -> None:
        self._twin, self._clock, self._lock = twin, clock, lock

    def due(self) -> float | None:
        """Return when the next output comes, or when to look again."""
        look = self._clock.now() + self._LOOK_S * self._clock.scale
        with self._lock:
            due = self._twin.due()
        return look if due is None else min(due, look)

    def exchange(self, data: bytes) -> bytes:
        """Pass characters to the console and return what it says."""
        with self._lock:
            if data:
                self._twin.feed(data.decode("latin-1"))
            return self._twin.take().encode("latin-1", "replace")


class PtyServer:
    """One pseudo-terminal. It keeps the terminal's own end open, so clients may open and close it as they like."""

    def __init__(self, talker: Talker, pace: Pace, name: str) -> None:
        try:
            import termios  # noqa: F401
            import tty
        except ImportError as error:
            raise ConfigError(f"{name} cannot be served: this system has no pseudo-terminals; run the bench in-process "
                              "instead") from error
        self._talker, self._pace, self._name = talker, pace, name
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wake_read, self._wake_write = os.pipe()
        self._path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._run, name=f"serve-{name}", daemon=True)
        self._guard = threading.Lock()
        self._closed = False

    @property
    def address(self) -> str:
        """The path that clients open."""
        return self._path

    def start(self) -> None:
        """Begin to pass characters."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the terminal; clients see the end of it."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        self._pace.end()
        os.write(self._wake_write, b"x")
        if self._thread.ident is not None:
            self._thread.join(2.0)
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _run(self) -> None:
        while not self._closed:
            try:
                ready, _, _ = select.select([self._master, self._wake_read], [], [], self._pause_s())
                if self._wake_read in ready:
                    return
                self._pass_on(self._master in ready)
            except OSError:
                return
            except Exception:
                _LOG.exception("the twin of %s failed; the terminal stays open", self._name)

    def _pause_s(self) -> float | None:
        """Return wall seconds until the talker wants to be asked again, None for when something comes."""
        due = self._talker.due()
        clock = self._pace.clock
        return None if due is None else max(0.0, (due - clock.now()) / clock.scale)

    def _pass_on(self, readable: bool) -> None:
        data = b""
        if readable:
            with contextlib.suppress(BlockingIOError):
                data = os.read(self._master, _RECEIVE)
        answer = self._talker.exchange(data)
        if answer:
            # Nobody reads and the buffer is full: lost, as on a serial line without handshake.
            with contextlib.suppress(BlockingIOError):
                self._write_all(answer)

    def _write_all(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._master, data):]
