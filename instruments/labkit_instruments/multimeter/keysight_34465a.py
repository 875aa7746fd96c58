"""Keysight 34465A: 6.5-digit multimeter with one input. TCP 5025 (SCPI-raw), USB.

A reading selects the function and starts a measurement in one message (``FUNC "VOLT";:READ?``); MEASure? would throw
away integration time and range each time. With the 10 power line cycles after *RST and autozero a reading takes 0.4 s
at 50 Hz; with 100 it takes 4 s, longer than a link waits: give the instrument a longer ``timeout`` in the bench file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from labkit.instrument import (
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
from labkit.limits import within

QCODES = Source("code", "QCoDeS Keysight_34465A and its private/Keysight_344xxA_submodules")
HEADERS = Source("code", "header list of the Truevolt guide in LabEquipmentController 0f24c5c")
MSL = Source("code", "Keysight 344(60|61|65|70)A driver of the Measurement Standards Laboratory: FUNC, READ?, *LRN?")
_NPLC = within(0.001, 100.0, "rating of the 34465A")
THERMOMETERS = {
    "rtd": "RTD", "rtd-4w": "FRTD", "thermistor": "THERmistor", "thermistor-4w": "FTHermistor",
    "thermocouple": "TCouple",
}


def _impedance(text: str) -> str:
    return {"0": "10 MOhm", "1": "high"}[text] if text in ("0", "1") else _no_impedance(text)


def _no_impedance(text: str) -> str:
    raise ValueError(f"{text!r} is neither on nor off")


def _reads(function: str) -> Scpi:
    return Scpi("READ", before=f'FUNC "{function}"')


class Input(Channel):
    """The input: channel 1."""

    measured_voltage = Reading(analog, _reads("VOLT"), unit="V", doc="DC voltage.", source=QCODES)
    measured_current = Reading(analog, _reads("CURR"), unit="A", doc="DC current into the current terminals.",
                               source=QCODES)
    measured_resistance = Reading(
        analog, _reads("RES"), unit="Ohm", doc="Two-wire resistance; overload when open.", source=QCODES)
    measured_frequency = Reading(
        analog, _reads("FREQ"), unit="Hz", doc="Frequency of an alternating voltage.", source=HEADERS)
    measured_temperature = Reading(
        analog, _reads("TEMP"), unit="degC", doc="Temperature by the sensor that is set as thermometer.",
        source=HEADERS)
    voltage_nplc = Setting(
        float, Scpi("[SENSe:]VOLTage[:DC]:NPLCycles"), limits=_NPLC,
        doc="Integration of DC voltage, in power line cycles; the meter takes the next of 0.001 to 100.", source=QCODES)
    voltage_range = Setting(
        float, Scpi("[SENSe:]VOLTage[:DC]:RANGe[:UPPer]"), unit="V", limits=within(0.1, 1000.0, "rating of the 34465A"),
        doc="Range of DC voltage, 0.1 V to 1000 V, the next that holds the value; ends autorange.", source=QCODES)
    voltage_autorange = Setting(
        bool, Scpi("[SENSe:]VOLTage[:DC]:RANGe:AUTO"), doc="DC voltage takes its range by itself.", source=QCODES)
    voltage_autozero = Setting(
        bool, Scpi("[SENSe:]VOLTage[:DC]:ZERO:AUTO"),
        doc="Measure the zero beside every reading, which then takes twice as long.", source=QCODES)
    input_impedance = Setting(
        str, Scpi("[SENSe:]VOLTage[:DC]:IMPedance:AUTO"), words={"10 MOhm": "OFF", "high": "ON"}, decode=_impedance,
        doc="10 MOhm on every range, or above 10 GOhm on the ranges up to 10 V.", source=HEADERS)
    resistance_nplc = Setting(
        float, Scpi("[SENSe:]RESistance:NPLCycles"), limits=_NPLC,
        doc="Integration of resistance, in power line cycles.", source=HEADERS)
    resistance_range = Setting(
        float, Scpi("[SENSe:]RESistance:RANGe[:UPPer]"), unit="Ohm", limits=within(100.0, 1e9, "rating of the 34465A"),
        doc="Range of resistance, 100 Ohm to 1 GOhm; ends autorange.", source=HEADERS)
    resistance_autorange = Setting(
        bool, Scpi("[SENSe:]RESistance:RANGe:AUTO"), doc="Resistance takes its range by itself.", source=HEADERS)
    thermometer = Setting(
        str, Scpi("[SENSe:]TEMPerature:TRANsducer:TYPE"), words=THERMOMETERS,
        doc="Sensor of temperature.", source=HEADERS)
    thermocouple_type = Setting(
        str, Scpi("[SENSe:]TEMPerature:TRANsducer:TCouple:TYPE"), words={letter: letter for letter in "EJKNRT"},
        doc="Type of the thermocouple.", source=HEADERS)


class K34465A(Instrument):
    """Driver. One input, channel 1; every reading is one sample."""

    kind = "multimeter"
    manufacturer = "Keysight Technologies"
    models = ("34465A",)
    dialect = ScpiDialect()
    channel_type = Input
    channel_numbers = (1,)
    # A reading of 10 power line cycles with autozero at 50 Hz; settings assumed as those of the maker's supplies.
    latency = Latency(set_s=0.008, read_s=0.401)

    trigger_source = Setting(
        str, Scpi("TRIGger:SOURce"), words={"immediate": "IMMediate", "bus": "BUS", "external": "EXTernal",
                                            "internal": "INTernal"},
        doc="What starts a measurement; readings here need immediate.", source=QCODES)
    trigger_count = Setting(
        float, Scpi("TRIGger:COUNt"), limits=within(1.0, 1e6, "rating of the 34465A"),
        doc="Triggers that one READ? takes; readings here need 1.", source=QCODES)
    sample_count = Setting(
        float, Scpi("SAMPle:COUNt"), limits=within(1.0, 1e6, "rating of the 34465A"),
        doc="Samples that one trigger takes; readings here need 1.", source=QCODES)
    temperature_unit = Setting(
        str, Scpi("UNIT:TEMPerature"), words={"degC": "C", "degF": "F", "K": "K"},
        doc="Unit of temperatures; readings here need degC.", source=HEADERS)
    line_frequency = Reading(
        analog, Scpi("SYSTem:LFRequency"), unit="Hz", doc="Frequency of the mains, as the meter found it.",
        source=QCODES)

    @property
    def channels(self) -> Mapping[int, Input]:
        """The input under 1."""
        return cast(Mapping[int, Input], self._channels)

    def identify(self) -> Identity:
        """Ask *IDN?; raises IdentityError when no 34465A answers."""
        return self.expect_model(parse_idn(cast(ScpiPort, self.port).query("*IDN?"), self.label))

    def prepare(self) -> None:
        """One sample at once, in degC: what a reading here assumes. Ranges and integration stay as they are."""
        self.perform([
            self.trigger_source.prepare("immediate"), self.trigger_count.prepare(1.0), self.sample_count.prepare(1.0),
            self.temperature_unit.prepare("degC")])
