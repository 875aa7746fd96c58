"""The instrument: one physical box, reached through one link, with channels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from labkit.clock import Clock
from labkit.errors import IdentityError
from labkit.instrument.declare import Channel, Owner, Port
from labkit.text import clean
from labkit.transport.link import Link


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered: as the instrument says it, cleaned for display."""

    manufacturer: str
    model: str
    serial: str
    firmware: str

    @property
    def simulated(self) -> bool:
        """A served or in-process twin: its serial number begins with SIM."""
        return self.serial.startswith("SIM")


@dataclass(frozen=True, slots=True)
class Latency:
    """Typical time of a set and of a reading, for estimates; from the manual or measured."""

    set_s: float
    read_s: float


class Dialect(Protocol):
    """How a family of instruments speaks: makes the port that turns rows into traffic."""

    @property
    def link_kind(self) -> str:
        """Which kind of link it needs: "message", "stream" or "register"."""

    def open(self, name: str, link: Any, clock: Clock) -> Port:
        """Return a port for the instrument ``name`` over ``link``."""


class Instrument(Owner):
    """Base of every driver. A driver is this class with rows, a dialect, a kind and its channels."""

    kind: ClassVar[str]
    """What it can do for a plan: "power-supply", "thermal-chamber", "board-console", ..."""
    manufacturer: ClassVar[str] = ""
    models: ClassVar[tuple[str, ...]] = ()
    """The model names that the identity may show; the first one is the model of the driver's name."""
    dialect: ClassVar[Dialect]
    channel_type: ClassVar[type[Channel] | None] = None
    channel_numbers: ClassVar[tuple[int, ...]] = ()
    link_options: ClassVar[Mapping[str, Any]] = {}
    """What the transport must know of the family: terminators, gaps between commands; names of the opener's options."""
    latency: ClassVar[Latency] = Latency(set_s=0.010, read_s=0.020)

    number = None

    def __init__(self, name: str, link: Link, clock: Clock, dialect: Dialect | None = None) -> None:
        self._cache = {}
        self.label, self.clock, self.instruments = name, clock, (name,)
        self.port = (dialect or self.dialect).open(name, link, clock)
        self._channels = self._make_channels()
        self._sealed = True

    def _make_channels(self) -> dict[int, Channel]:
        kind = self.channel_type
        return {n: kind(self, n) for n in self.channel_numbers} if kind is not None else {}

    def identify(self) -> Identity:
        """Ask the instrument who it is; raises IdentityError when it is not of this driver's models."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Bring the session into the state that the rows assume (units, display language); changes no output."""

    def close(self) -> None:
        """Close the link. May be called twice."""
        self.port.close()

    def expect_model(self, identity: Identity) -> Identity:
        """Return ``identity`` or raise IdentityError when its model is not one of this driver's."""
        if self.models and identity.model not in self.models:
            raise IdentityError(
                f"a {identity.manufacturer} {identity.model} answers here, but the bench expects "
                f"{' or '.join(self.models)}; check address and driver in the bench file", instrument=self.label)
        return identity


_IDN = re.compile(r"\s*([^,]*),([^,]*),([^,]*)(?:,(.*))?\s*\Z")


def parse_idn(reply: str, instrument: str) -> Identity:
    """Return the identity from a reply to ``*IDN?`` (IEEE 488.2, 10.14); raises IdentityError where it is none."""
    match = _IDN.match(reply)
    if match is None:
        raise IdentityError("the answer to *IDN? is not manufacturer,model,serial,firmware",
                            instrument=instrument, sent="*IDN?", reply=reply)
    fields = [clean((part or "").strip(), 80) for part in match.groups()]
    return Identity(*fields)
