"""An engine for twins that speak SCPI: clients are accepted, refused and answered as the instrument would."""

from labkit.sim.scpi.build import TableError
from labkit.sim.scpi.command import Command, Entry, Place
from labkit.sim.scpi.errors import ErrorQueue, ScpiError
from labkit.sim.scpi.formats import Formats, fixed, nr3, signed
from labkit.sim.scpi.kinds import Boolean, Number, Raw, Text, Word, words
from labkit.sim.scpi.status import RegisterSpec, Status
from labkit.sim.scpi.twin import ScpiTwin

__all__ = [
    "Boolean",
    "Command",
    "Entry",
    "ErrorQueue",
    "Formats",
    "Number",
    "Place",
    "Raw",
    "RegisterSpec",
    "ScpiError",
    "ScpiTwin",
    "Status",
    "TableError",
    "Text",
    "Word",
    "fixed",
    "nr3",
    "signed",
    "words",
]
