"""What a twin offers to the faces that carry it: in-process links (virtual time) and servers (TCP, pty, Modbus).

A twin is told of one thing at a time, by its face, at the moment ``env.clock.now()``; it never waits. How long an
answer
takes is part of the answer (``latency_s``, lab time), and the face does the waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from labkit.clock import Clock


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message makes an instrument do: ``text`` None is silence; ``latency_s`` how long it is busy with it."""

    text: str | None
    latency_s: float


@dataclass(frozen=True)
class TwinEnvironment:
    """What a twin is made with.

    ``ports`` are what its channels are connected to in the simulated world: for a supply the
    :class:`~labkit.sim.world.Outlet` of each channel number, for a chamber its
    :class:`~labkit.sim.world.Chamber` under 1, for a console its :class:`~labkit.sim.world.Board` under 1.
    ``options`` are the ``sim:`` keys of the instrument in the bench file.
    """

    name: str
    serial: str
    clock: Clock
    seed: int
    ports: Mapping[int, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


class MessageTwin(Protocol):
    """An instrument that takes text messages with an end (SCPI)."""

    def handle(self, message: str) -> Reply:
        """Perform one message (no terminator) and return what is answered."""


class StreamTwin(Protocol):
    """A console: characters in, characters out whenever they are due."""

    def feed(self, text: str) -> None:
        """Take characters as they arrive."""

    def due(self) -> float | None:
        """Return the lab time at which the next output comes, or None while nothing is coming."""

    def take(self) -> str:
        """Return and forget the output that is due by now."""


class RegisterFault(Exception):
    """A Modbus exception answer: 1 function, 2 address, 3 value, 4 device."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class RegisterTwin(Protocol):
    """A device with numbered 16-bit holding registers."""

    latency_s: float
    """How long an answer takes, lab time."""

    def read(self, address: int, count: int) -> list[int]:
        """Return registers; raises RegisterFault."""

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write registers; raises RegisterFault."""


Twin = MessageTwin | StreamTwin | RegisterTwin
