"""Keysight E36312A: triple-output bench supply, 6 V/5 A and twice 25 V/1 A. TCP 5025 (SCPI-raw), USB.

The box has no communication watchdog: nothing in its command set switches an output off when the computer dies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from labkit.instrument import (
    Action,
    Channel,
    Identity,
    Instrument,
    Latency,
    Reading,
    Scpi,
    ScpiDialect,
    ScpiPort,
    Setting,
    Source,
    analog,
    parse_idn,
)
from labkit.limits import Limits, within

HEADERS = Source("code", "header list of the E36300 Programming Guide 9018-04577 in LabEquipmentController 0f24c5c")
PYMEASURE = Source("code", "PyMeasure 0.16 keysightE36312A")
OWN_CODE = Source("code", "public E36312A test programs that send VOLT:PROT:TRIP? and VOLT:PROT:CLE")
ISUM = Source("code", "python-ivi scpi/dcpwr; value meanings as in the E364x guides")


@dataclass(frozen=True, slots=True)
class Rating:
    """What one output can be programmed to: 3 % above its nominal rating."""

    volts: float
    amps: float


RATINGS: Mapping[int, Rating] = {1: Rating(6.18, 5.15), 2: Rating(25.75, 1.03), 3: Rating(25.75, 1.03)}


def _volts(channel: Channel) -> Limits:
    return within(0.0, RATINGS[channel.number].volts, "rating of the E36312A")


def _amps(channel: Channel) -> Limits:
    return within(0.0, RATINGS[channel.number].amps, "rating of the E36312A")


def _ovp(channel: Channel) -> Limits:
    # 110 % of the nominal rating is the default and, as far as any source shows, the top of the range.
    return within(0.0, RATINGS[channel.number].volts / 1.03 * 1.1, "rating of the E36312A")


def _mode(text: str) -> str:
    condition = int(text)
    return "CC" if condition & 1 else "CV" if condition & 2 else "off"


class Output(Channel):
    """One of the three outputs."""

    voltage = Setting(
        float, Scpi("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]"), unit="V", limits=_volts,
        doc="Voltage at the sense terminals.", source=PYMEASURE)
    current_limit = Setting(
        float, Scpi("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]"), unit="A", limits=_amps,
        doc="Current at which the output leaves constant voltage.", source=PYMEASURE)
    output = Setting(bool, Scpi("OUTPut[:STATe]"), doc="Output switch.", source=PYMEASURE)
    ovp_level = Setting(
        float, Scpi("[SOURce:]VOLTage:PROTection[:LEVel][:AMPLitude]"), unit="V", limits=_ovp,
        doc="Over-voltage trip level, at the output terminals.", source=HEADERS)
    ovp_enabled = Setting(
        bool, Scpi("[SOURce:]VOLTage:PROTection:STATe"), doc="Over-voltage protection armed; off after *RST.",
        source=Source("code", "public E36234A program; not in the guide's header list"))
    ocp_enabled = Setting(
        bool, Scpi("[SOURce:]CURRent:PROTection:STATe"), doc="Trip instead of limiting the current.", source=HEADERS)
    sense = Setting(
        str, Scpi("[SOURce:]VOLTage:SENSe[:SOURce]"), words={"local": "INTernal", "remote": "EXTernal"},
        doc="Where the voltage is regulated: at the terminals or at the sense leads.", source=HEADERS)
    measured_voltage = Reading(
        analog, Scpi("MEASure[:SCALar]:VOLTage[:DC]"), unit="V", doc="Voltage at the sense point.", source=PYMEASURE)
    measured_current = Reading(
        analog, Scpi("MEASure[:SCALar]:CURRent[:DC]"), unit="A", doc="Output current.", source=PYMEASURE)
    mode = Reading(
        str, Scpi("STATus:QUEStionable:INSTrument:ISUMmary<n>:CONDition"), decode=_mode,
        doc="CV, CC, or off (also unregulated).", source=ISUM)
    ovp_tripped = Reading(
        bool, Scpi("[SOURce:]VOLTage:PROTection:TRIPped"), doc="Over-voltage trip, latched.", source=OWN_CODE)
    ocp_tripped = Reading(
        bool, Scpi("[SOURce:]CURRent:PROTection:TRIPped"), doc="Over-current trip, latched.", source=OWN_CODE)
    clear_protection = Action(
        Scpi("[SOURce:]VOLTage:PROTection:CLEar"),
        doc="Clear a latched over-voltage trip; the output returns to its state before the trip.", source=OWN_CODE)
    clear_overcurrent = Action(
        Scpi("[SOURce:]CURRent:PROTection:CLEar"),
        doc="Clear a latched over-current trip; the output returns to its state before the trip.", source=OWN_CODE)


class E36312A(Instrument):
    """Driver. Voltages are at the sense point, currents positive out of the output."""

    kind = "power-supply"
    manufacturer = "Keysight Technologies"
    models = ("E36312A",)
    dialect = ScpiDialect(channel="list")
    channel_type = Output
    channel_numbers = (1, 2, 3)
    # EDU36311A figures of the same family: commands under 10 ms, up to 1 % in about 80 ms; E36312A about 50 ms.
    latency = Latency(set_s=0.008, read_s=0.020)
    slew_v_per_s = 120.0

    @property
    def channels(self) -> Mapping[int, Output]:
        """The outputs by front-panel number."""
        return cast(Mapping[int, Output], self._channels)

    def identify(self) -> Identity:
        """Ask *IDN?; raises IdentityError when no E36312A answers."""
        return self.expect_model(parse_idn(cast(ScpiPort, self.port).query("*IDN?"), self.label))
