"""A board's serial console: a prompt, lines in, text out. What can be asked is the board file's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from labkit.clock import Clock
from labkit.instrument import ConsolePort, Identity, Instrument, Latency
from labkit.transport.link import StreamLink


@dataclass(frozen=True, slots=True)
class ConsoleDialect:
    """A console with the prompt of most boards; a bench opens it with the prompt of its board file."""

    prompt: str = "# "
    link_kind: str = "stream"

    def open(self, name: str, link: StreamLink, clock: Clock) -> ConsolePort:
        """Return a port for the console ``name``."""
        return ConsolePort(name, link, self.prompt)


class Console(Instrument):
    """Driver of a text console."""

    kind = "board-console"
    manufacturer = "board"
    dialect = ConsoleDialect()
    latency = Latency(set_s=0.005, read_s=0.005)

    def identify(self) -> Identity:
        """A console has no identity of its own; that its prompt answers is all there is to know."""
        cast(ConsolePort, self.port).command("", 2.0)
        return Identity("board", "console", "", "")
