"""What the parts of the engine need of the twin they work for: its description, its state, and a few of its methods.

:class:`~labkit.sim.scpi.twin.ScpiTwin` is one without saying so. Table building, common commands and the compiler know
no more of a twin than this, so that imports point one way: the twin's to the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from labkit.instrument import Instrument
from labkit.sim.scpi.command import Command, Entry, Place
from labkit.sim.scpi.errors import ErrorQueue
from labkit.sim.scpi.formats import Formats
from labkit.sim.scpi.status import RegisterSpec, Status
from labkit.sim.scpi.tree import HeaderTree


class CommandHost(Protocol):
    """Where commands live. What the names mean stands at :class:`~labkit.sim.scpi.twin.ScpiTwin`."""

    # The model's description.
    driver: ClassVar[type[Instrument]]
    rows: ClassVar[tuple[Entry, ...]]
    omitted: ClassVar[frozenset[str]]
    own_hooks: ClassVar[frozenset[str]]
    defaults: ClassVar[Mapping[str, Any]]
    forms: ClassVar[Mapping[str, Callable[[Any], str]]]
    formats: ClassVar[Formats]
    registers: ClassVar[tuple[RegisterSpec, ...]]
    common: ClassVar[tuple[str, ...]]
    error_header: ClassVar[str]
    slots: ClassVar[range]
    options_text: ClassVar[str]
    channel_names: ClassVar[Mapping[str, int]]
    glued_list: ClassVar[bool]

    # The state of one twin.
    name: str
    places: tuple[Place, ...]
    selected: Place
    errors: ErrorQueue
    status: Status
    state: dict[tuple[str, Place], Any]
    stores: dict[int, dict[tuple[str, Place], Any]]
    tree: HeaderTree[Command]
    commands: dict[str, Command]
    replies: list[str]

    def latency(self, name: str, otherwise: str) -> float:
        """Return the lab seconds that the row or header ``name`` takes, else those of the class ``otherwise``."""

    def identity(self) -> str:
        """Return the answer to *IDN?."""

    def refresh_status(self) -> None:
        """Bring condition registers up to date before a status query."""

    def reset(self) -> None:
        """Act on *RST."""

    def after_reset(self) -> None:
        """Carry the settings out, after *RST or *RCL has changed them all."""

    def trigger(self) -> None:
        """Act on *TRG; raises ScpiError."""
