"""Register twins over Modbus RTU on a pseudo-terminal (MODBUS over Serial Line V1.02).

A frame on the line ends with a silence of 3.5 characters. A pseudo-terminal has no rate, and another process is held up
for longer than that at any time, so silences say nothing here: a frame ends where its function code and its checksum
say, and only what makes no frame for a while is thrown away. Nothing is answered to frames with a wrong checksum, to
frames for another unit, and to broadcasts, which are not carried out either: no source shows what the devices that are
served here do with them.
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from labkit.clock import Clock
from labkit.sim.serve.listener import Pace
from labkit.sim.serve.modbus import perform
from labkit.sim.serve.pty import PtyServer
from labkit.sim.twin import RegisterFault, RegisterTwin

_LOG = logging.getLogger("labkit.sim.serve")
_SHORTEST, _LONGEST = 4, 256
_DEVICE = 4
_STALE_S = 0.25
"""Wall seconds after which the beginning of a frame without its end is thrown away."""


def serve_registers_rtu(
    twin: RegisterTwin, *, clock: Clock, lock: threading.Lock, unit: int = 1, name: str = "device",
) -> PtyServer:
    """Return a Modbus RTU server of a register twin on a new pseudo-terminal, not yet started.

    It answers as ``unit`` (1..247), whatever rate and parity the client has chosen. Raises ConfigError where the system
    has no pseudo-terminals (Windows) or the clock is virtual.
    """
    pace = Pace(clock)
    return PtyServer(RtuTalker(twin, pace, lock, unit, name), pace, name)


def crc16(data: bytes) -> bytes:
    """Return the checksum of a frame, low byte first (ibid., 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


class RtuTalker:
    """Finds frames by length and checksum and answers those that are meant for its unit."""

    def __init__(self, twin: RegisterTwin, pace: Pace, lock: threading.Lock, unit: int, name: str) -> None:
        self._twin, self._pace, self._lock, self._unit, self._name = twin, pace, lock, unit, name
        self._buffer, self._stale_at = b"", 0.0
        self._answers: deque[tuple[float, bytes]] = deque()

    def due(self) -> float | None:
        """Return when the next answer is ready, or when an unfinished frame is thrown away."""
        times = [self._answers[0][0]] if self._answers else []
        if self._buffer:
            times.append(self._stale_at)
        return min(times, default=None)

    def exchange(self, data: bytes) -> bytes:
        """Take bytes, perform the frames that are whole, return the answers that are ready."""
        clock = self._pace.clock
        now = clock.now()
        if data:
            self._buffer, self._stale_at = self._buffer + data, now + _STALE_S * clock.scale
            while (frame := self._next_frame()) is not None:
                self._answer(frame)
        elif self._buffer and now >= self._stale_at:
            self._buffer = b""
        out, now = b"", clock.now()
        while self._answers and self._answers[0][0] <= now:
            out += self._answers.popleft()[1]
        return out

    def _next_frame(self) -> bytes | None:
        """Return and remove the next whole frame with a right checksum; None while there is none.

        Bytes in front of it that begin no frame are thrown away as soon as it is whole.
        """
        for start in range(len(self._buffer) - _SHORTEST + 1):
            rest = self._buffer[start:]
            length = _length(rest) or (len(rest) if start == 0 else 0)
            if 0 < length <= len(rest) and crc16(rest[:length - 2]) == rest[length - 2:length]:
                self._buffer = rest[length:]
                return rest[:length]
        self._buffer = self._buffer[-_LONGEST:]
        return None

    def _answer(self, frame: bytes) -> None:
        unit, request = frame[0], frame[1:-2]
        if unit != self._unit:
            return
        with self._lock:
            try:
                reply = perform(self._twin, request)
            except RegisterFault as fault:
                reply = bytes((request[0] | 0x80, fault.code))
            except Exception:
                _LOG.exception("the twin of %s failed; exception 4 is answered", self._name)
                reply = bytes((request[0] | 0x80, _DEVICE))
            ready_at = self._pace.occupy(self._twin.latency_s)
        body = frame[:1] + reply
        self._answers.append((ready_at, body + crc16(body)))


def _length(frame: bytes) -> int:
    """Return how long the request at the start of ``frame`` is by its function code; 0 where the code does not say.

    One whose length cannot be known before more has come is taken for the longest possible.
    """
    function = frame[1]
    if function in (1, 2, 3, 4, 5, 6):
        return 8
    if function in (15, 16):
        return 9 + frame[6] if len(frame) > 6 else _LONGEST
    return 0
