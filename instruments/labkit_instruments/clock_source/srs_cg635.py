"""SRS CG635: synthesized clock generator, 1 uHz to 2.05 GHz. RS-232 (9600 8N1, RTS/CTS, lines end in CR LF) or GPIB.

``serial:///dev/ttyUSB2?baud=9600&flow=rtscts`` or ``GPIB0::23::INSTR``. It has no SCPI tree and no SYST:ERR: errors are
numbers that ``LERR?`` tells. Q outputs reach 2.05 GHz, the CMOS output 250 MHz. No manual page was read: rows stand on
public drivers that are used with the instrument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, cast

from labkit.instrument import (
    Action,
    Identity,
    Instrument,
    Latency,
    Reading,
    Scpi,
    ScpiDialect,
    ScpiPort,
    Setting,
    Source,
    parse_idn,
)
from labkit.limits import within

DESY = Source("code", "cg635-clock-generator, a public driver of DESY used with the instrument")
ERRORS_KNOWN = Source("code", "srs_cg635/instrument.py, a public driver with the error list of the instrument")
ERRORS: Mapping[int, str] = MappingProxyType({
    0: "no error", 10: "illegal value", 20: "frequency out of range", 30: "phase out of range",
    40: "voltage out of range", 51: "Q/Q-bar low level changed", 52: "Q/Q-bar high level changed",
    61: "CMOS low level changed", 62: "CMOS high level changed", 71: "no PRBS option", 110: "illegal command",
    111: "undefined command", 112: "illegal query", 113: "illegal set", 114: "null parameter", 115: "extra parameters",
    116: "missing parameters", 117: "parameter overflow", 118: "invalid floating point number",
    120: "invalid integer", 126: "syntax error", 254: "too many errors",
})
_UNLOCKED = 0b1111
_RATING = "rating of the CG635"
CMOS_STANDARDS: Mapping[str, str] = MappingProxyType({
    "1.2 V": "0", "1.8 V": "1", "2.5 V": "2", "3.3 V": "3", "5 V": "4"})
Q_STANDARDS: Mapping[str, str] = MappingProxyType({
    "ECL": "0", "+7 dBm": "1", "LVDS": "2", "PECL 3.3 V": "3", "PECL 5 V": "4"})


def _named(standards: Mapping[str, str]) -> Callable[[str], str]:
    """Return what finds the name of a standard by its number; -1 stands for levels of no standard."""
    names = {number: name for name, number in standards.items()} | {"-1": "none"}

    def name(text: str) -> str:
        if text not in names:
            raise ValueError(f"{text!r} is the number of no standard")
        return names[text]
    return name


def _locked(text: str) -> bool:
    return int(text) & _UNLOCKED == 0


class CG635(Instrument):
    """Driver. Levels are those of an unterminated CMOS output and of Q/Q-bar into 50 Ohm."""

    kind = "clock-source"
    manufacturer = "Stanford Research Systems"
    models = ("CG635",)
    # How the answers of several questions in one message are separated was not seen; so a message asks one thing.
    dialect = ScpiDialect(error_query="LERR?", compound=False, error_with_set=True, error_texts=ERRORS)
    link_options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"read_termination": "\r\n", "write_termination": "\r\n"})
    # 30 ms to settle and 25 characters at 9600 baud; assumed.
    latency = Latency(set_s=0.035, read_s=0.030)

    frequency = Setting(
        float, Scpi("FREQ"), unit="Hz", limits=within(1e-6, 2.05e9, _RATING),
        doc="Frequency of all outputs; the CMOS output works to 250 MHz. It is forced low while the octave changes.",
        source=DESY)
    phase = Setting(
        float, Scpi("PHAS"), unit="deg", limits=within(-360.0, 360.0, "assumed rating of the CG635"),
        doc="Phase against the zero set last.", source=DESY)
    output = Setting(bool, Scpi("RUNS"), doc="Outputs run; stopped they stay at a level.", source=DESY)
    cmos_low = Setting(
        float, Scpi("CMOS", index="0"), unit="V", limits=within(-1.0, 1.0, _RATING),
        doc="Low level of the CMOS output.", source=DESY)
    cmos_high = Setting(
        float, Scpi("CMOS", index="1"), unit="V", limits=within(-0.5, 6.0, _RATING),
        doc="High level of the CMOS output.", source=DESY)
    q_low = Setting(
        float, Scpi("QOUT", index="0"), unit="V", limits=within(-3.0, 4.8, _RATING),
        doc="Low level of Q and Q-bar.", source=DESY)
    q_high = Setting(
        float, Scpi("QOUT", index="1"), unit="V", limits=within(-2.0, 5.0, _RATING),
        doc="High level of Q and Q-bar.", source=DESY)
    cmos_standard = Setting(
        str, Scpi("STDC"), words=CMOS_STANDARDS, decode=_named(CMOS_STANDARDS),
        doc="Both CMOS levels by name; reads \"none\" where the levels are those of no standard.", source=DESY)
    q_standard = Setting(
        str, Scpi("STDQ"), words=Q_STANDARDS, decode=_named(Q_STANDARDS),
        doc="Both levels of Q and Q-bar by name; reads \"none\" where the levels are those of no standard.",
        source=DESY)
    zero_phase = Action(
        Scpi("RPHS"), doc="Call the present phase zero; the outputs do not change.", source=DESY)
    timebase = Reading(
        str, Scpi("TIMB"), words={"internal": "0", "ocxo": "1", "rubidium": "2", "external": "3"},
        doc="The time base in use.", source=DESY)
    locked = Reading(
        bool, Scpi("LCKR", before="LCKR?"), decode=_locked,
        doc="RF, 19 MHz, 10 MHz and rubidium loops are locked now; asked twice, since the register holds the past.",
        source=ERRORS_KNOWN)

    def identify(self) -> Identity:
        """Ask *IDN?; raises IdentityError when no CG635 answers."""
        found = parse_idn(cast(ScpiPort, self.port).query("*IDN?"), self.label)
        return self.expect_model(Identity(
            found.manufacturer, found.model, found.serial.removeprefix("s/n"), found.firmware.removeprefix("ver")))
