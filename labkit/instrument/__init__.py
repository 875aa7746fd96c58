"""Declarations of instruments: what a driver is written with."""

from labkit.instrument.base import Dialect, Identity, Instrument, Latency, parse_idn
from labkit.instrument.console import ConsolePort
from labkit.instrument.declare import (
    Action,
    BoundAction,
    BoundReading,
    BoundSetting,
    Channel,
    Line,
    Measured,
    Operation,
    Owner,
    Port,
    Reading,
    Register,
    Row,
    Scpi,
    Setting,
    Source,
    Special,
    analog,
)
from labkit.instrument.registers import RegisterDialect, RegisterPort
from labkit.instrument.scpi import ScpiDialect, ScpiPort
from labkit.transport.link import Pending

__all__ = [
    "Action",
    "BoundAction",
    "BoundReading",
    "BoundSetting",
    "Channel",
    "ConsolePort",
    "Dialect",
    "Identity",
    "Instrument",
    "Latency",
    "Line",
    "Measured",
    "Operation",
    "Owner",
    "Pending",
    "Port",
    "Reading",
    "Register",
    "RegisterDialect",
    "RegisterPort",
    "Row",
    "Scpi",
    "ScpiDialect",
    "ScpiPort",
    "Setting",
    "Source",
    "Special",
    "analog",
    "parse_idn",
]
