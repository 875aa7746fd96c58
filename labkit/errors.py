"""Every exception that labkit raises on purpose.

::

    LabkitError                      exit code
    ├── ConfigError                  2   a file, an option or a name is wrong; nothing was sent
    ├── LimitRefused                 2   a value outside an effective limit; nothing was sent
    ├── InstrumentError              3   something went wrong with one instrument
    │   ├── LinkError                3   the connection: refused, closed, garbled
    │   │   └── LinkTimeout          3   no answer in time
    │   ├── ReplyError               3   an answer that cannot be read
    │   ├── DeviceError              3   the instrument's own error queue
    │   └── IdentityError            3   another instrument answers than the bench expects
    ├── InfrastructureError          3   disk, clock, a folder in use
    ├── Cancelled                    4   a wait was ended from outside
    └── NotVerifiedSafe              5   an output or chamber could not be shown to be safe

A message is for the person at the bench: what happened, to which instrument, what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.text import clean


class LabkitError(Exception):
    """Base of everything labkit raises on purpose; ``exit_code`` is what the command line ends with."""

    exit_code = 3


@dataclass(frozen=True)
class Place:
    """Where in a file something stands: ``line`` from 1, ``key`` as in ``sites.A.rails.core``."""

    file: Path | str
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        key = f" {self.key}:" if self.key else ""
        return clean(f"{self.file}{line}:{key}")


class ConfigError(LabkitError):
    """A file, an option or a name is wrong. The message names the place and the remedy."""

    exit_code = 2

    def __init__(self, problem: str, place: Place | None = None) -> None:
        self.problem = clean(problem)
        self.place = place
        super().__init__(f"{place} {self.problem}" if place else self.problem)


class LimitRefused(LabkitError):
    """A value lies outside the effective limit of a setting; nothing was sent."""

    exit_code = 2


class InstrumentError(LabkitError):
    """Something went wrong with one instrument.

    ``sent`` is the text that was under way, ``reply`` what came back (None: nothing), ``elapsed_s`` how long it took.
    """

    def __init__(
        self, problem: str, *, instrument: str, sent: str | None = None, reply: str | None = None,
        elapsed_s: float | None = None,
    ) -> None:
        self.problem, self.instrument = problem, instrument
        self.sent, self.reply, self.elapsed_s = sent, reply, elapsed_s
        details = []
        if sent is not None:
            details.append(f"sent {clean(sent, 200)!r}")
        if reply is not None:
            details.append(f"answer {clean(reply, 200)!r}")
        if elapsed_s is not None:
            details.append(f"after {elapsed_s:.3g} s")
        tail = f" ({', '.join(details)})" if details else ""
        super().__init__(f"{instrument}: {clean(problem)}{tail}")


class LinkError(InstrumentError):
    """The connection was refused, was closed, or delivered something that is no message."""


class LinkTimeout(LinkError):
    """No complete answer within the time allowed."""


class ReplyError(InstrumentError):
    """An answer came, but not one that the declared reading can be made of."""


class DeviceError(InstrumentError):
    """The instrument reported errors of its own; ``errors`` holds (number, text) in the order they occurred."""

    def __init__(
        self, errors: tuple[tuple[int, str], ...], *, instrument: str, sent: str | None = None,
    ) -> None:
        self.errors = errors
        listed = "; ".join(f"{number} {text}" for number, text in errors)
        super().__init__(f"the instrument reports: {listed}", instrument=instrument, sent=sent)


class IdentityError(InstrumentError):
    """Another instrument answers at the address than the bench file expects."""


class InfrastructureError(LabkitError):
    """Disk, folder, process or clock: nothing to do with an instrument."""


class Cancelled(LabkitError):
    """A wait was ended from outside: a stop was asked for, or a sibling failed."""

    exit_code = 4


class NotVerifiedSafe(LabkitError):
    """An output or a chamber could not be shown to be safe. Outranks every other outcome."""

    exit_code = 5
