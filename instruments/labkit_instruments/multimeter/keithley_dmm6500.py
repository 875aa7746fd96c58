"""Keithley DMM6500: 6.5-digit multimeter, with the scan card 2000-SCAN or by its front terminals. TCP 5025, USB, GPIB.

With the card (``keithley-dmm6500``) channels 1 to 10 are the card's, and the TERMINALS button must say REAR. A reading
assigns the function to the channel, closes it (which opens the others) and measures, in one message::

    FUNC "VOLT:DC",(@3);:ROUT:CLOS (@3);:READ?

Without a card (``keithley-dmm6500-front``) channel 1 is the front terminals. It is not known whether assigning a
function that a channel has already keeps its integration time and range; the twin assumes so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, cast

from labkit.errors import IdentityError
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

PYMEASURE = Source("code", "PyMeasure keithleyDMM6500 with ScannerCard2000Channel")
CONTRIB = Source("code", "qcodes_contrib_drivers Keithley_6500 and Keithley_2000_Scan: FUNC, ROUT:CLOS, READ?")
HEADERS = Source("code", "header list of DMM6500-901-01 in LabEquipmentController 0f24c5c")
_NPLC = within(0.0005, 12.0, "rating of the DMM6500 at 50 Hz")


def _on_card(function: str) -> Scpi:
    return Scpi("READ", before=f'FUNC "{function}",(@{{channel}});ROUT:CLOS (@{{channel}})', placed=False)


def _in_front(function: str) -> Scpi:
    return Scpi("READ", before=f'FUNC "{function}"', placed=False)


class Input(Channel):
    """The settings of one input, card channel or front terminals."""

    voltage_nplc = Setting(
        float, Scpi("[SENSe:]VOLTage[:DC]:NPLCycles"), limits=_NPLC,
        doc="Integration of DC voltage, in power line cycles.", source=PYMEASURE)
    voltage_range = Setting(
        float, Scpi("[SENSe:]VOLTage[:DC]:RANGe[:UPPer]"), unit="V",
        limits=within(0.1, 1000.0, "rating of the DMM6500"),
        doc="Range of DC voltage, 0.1 V to 1000 V, the next that holds the value; ends autorange.", source=PYMEASURE)
    voltage_autorange = Setting(
        bool, Scpi("[SENSe:]VOLTage[:DC]:RANGe:AUTO"), doc="DC voltage takes its range by itself.", source=PYMEASURE)
    voltage_autozero = Setting(
        bool, Scpi("[SENSe:]VOLTage[:DC]:AZERo[:STATe]"),
        doc="Measure the zero beside every reading, which then takes twice as long.", source=PYMEASURE)
    input_impedance = Setting(
        str, Scpi("[SENSe:]VOLTage[:DC]:INPutimpedance"), words={"10 MOhm": "MOHM10", "high": "AUTO"},
        doc="10 MOhm on every range, or above 10 GOhm on the ranges up to 10 V.", source=HEADERS)
    resistance_nplc = Setting(
        float, Scpi("[SENSe:]RESistance:NPLCycles"), limits=_NPLC,
        doc="Integration of resistance, in power line cycles.", source=PYMEASURE)
    resistance_range = Setting(
        float, Scpi("[SENSe:]RESistance:RANGe[:UPPer]"), unit="Ohm", limits=within(10.0, 1e8, "rating of the DMM6500"),
        doc="Range of resistance, 10 Ohm to 100 MOhm; ends autorange.", source=PYMEASURE)
    resistance_autorange = Setting(
        bool, Scpi("[SENSe:]RESistance:RANGe:AUTO"), doc="Resistance takes its range by itself.", source=PYMEASURE)
    thermometer = Setting(
        str, Scpi("[SENSe:]TEMPerature:TRANsducer"),
        words={"thermocouple": "TCouple", "thermistor": "THERmistor", "rtd-4w": "FRTD"},
        doc="Sensor of temperature.", source=Source("assumed", "HEADERS have the command, not its words"))
    thermocouple_type = Setting(
        str, Scpi("[SENSe:]TEMPerature:TCouple:TYPE"), words={letter: letter for letter in "KBEJNRST"},
        doc="Type of the thermocouple.", source=HEADERS)
    simulated_junction = Setting(
        float, Scpi("[SENSe:]TEMPerature:TCouple:RJUNction:SIMulated"), unit="degC",
        limits=within(0.0, 65.0, "assumed rating of the DMM6500"),
        doc="Temperature that the terminals of a thermocouple are taken to have.", source=HEADERS)


class CardChannel(Input):
    """One channel of the scan card."""

    measured_voltage = Reading(analog, _on_card("VOLT:DC"), unit="V", doc="DC voltage.", source=CONTRIB)
    measured_resistance = Reading(
        analog, _on_card("RES"), unit="Ohm", doc="Two-wire resistance; overload when open.", source=CONTRIB)
    measured_temperature = Reading(
        analog, _on_card("TEMP"), unit="degC", doc="Temperature by the sensor that is set as thermometer.",
        source=CONTRIB)
    measured_frequency = Reading(
        analog, _on_card("FREQ:VOLT"), unit="Hz", doc="Frequency of an alternating voltage.", source=PYMEASURE)


class FrontInput(Input):
    """The front terminals: channel 1."""

    measured_voltage = Reading(analog, _in_front("VOLT:DC"), unit="V", doc="DC voltage.", source=PYMEASURE)
    measured_current = Reading(analog, _in_front("CURR:DC"), unit="A", doc="DC current.", source=PYMEASURE)
    measured_resistance = Reading(
        analog, _in_front("RES"), unit="Ohm", doc="Two-wire resistance; overload when open.", source=PYMEASURE)
    measured_temperature = Reading(
        analog, _in_front("TEMP"), unit="degC", doc="Temperature by the sensor that is set as thermometer.",
        source=PYMEASURE)
    measured_frequency = Reading(
        analog, _in_front("FREQ:VOLT"), unit="Hz", doc="Frequency of an alternating voltage.", source=PYMEASURE)


class DMM6500(Instrument):
    """Driver of the meter with its scan card: channels 1 to 10."""

    kind = "multimeter"
    manufacturer = "KEITHLEY INSTRUMENTS"
    models = ("DMM6500",)
    dialect = ScpiDialect(channel="list")
    channel_type: ClassVar[type[Channel] | None] = CardChannel
    channel_numbers: ClassVar[tuple[int, ...]] = tuple(range(1, 11))
    # One power line cycle with autozero at 50 Hz, and the relay of the channel; relay and settings assumed.
    latency = Latency(set_s=0.005, read_s=0.046)
    terminals: ClassVar[str] = "REAR"
    """What the TERMINALS button must say."""

    sample_count = Setting(
        float, Scpi("[SENSe:]COUNt"), limits=within(1.0, 300_000.0, "assumed rating of the DMM6500"),
        doc="Measurements that one READ? takes; readings here need 1.", source=HEADERS)
    line_frequency = Reading(
        analog, Scpi("SYSTem:LFRequency"), unit="Hz", doc="Frequency of the mains, as the meter found it.",
        source=PYMEASURE)

    @property
    def channels(self) -> Mapping[int, CardChannel]:
        """The channels of the card by number."""
        return cast(Mapping[int, CardChannel], self._channels)

    def identify(self) -> Identity:
        """Ask *IDN?, command set, scan card and terminals.

        Raises IdentityError when no DMM6500 answers, when it speaks another command set, has no scan card, or when the
        terminals of the other side are selected: it would measure, but something else.
        """
        ask = cast(ScpiPort, self.port).query
        found = parse_idn(ask("*IDN?"), self.label)
        found = self.expect_model(replace(found, model=found.model.removeprefix("MODEL ")))
        language = ask("*LANG?").strip()
        if language != "SCPI":
            raise IdentityError(f"it speaks {language}; send *LANG SCPI, or set Menu > Settings > Command Set, and "
                                "switch it off and on", instrument=self.label)
        self._expect_inputs(ask("SYST:CARD1:IDN?").strip(), ask("ROUT:TERM?").strip().upper())
        return found

    def _expect_inputs(self, card: str, terminals: str) -> None:
        if self.terminals == "REAR" and not card.startswith("2000"):
            raise IdentityError(f"its slot answers {card!r}, the driver expects the scan card 2000-SCAN; mount it, or "
                                "use the driver keithley-dmm6500-front", instrument=self.label)
        if not terminals.startswith(self.terminals[:4]):
            raise IdentityError(f"the terminals in use are {terminals}; press TERMINALS until it says {self.terminals}",
                                instrument=self.label)

    def prepare(self) -> None:
        """One measurement a reading: what a reading here assumes. Ranges and integration stay as they are."""
        self.sample_count.set(1.0)


class DMM6500Front(DMM6500):
    """Driver of the meter without a card: channel 1 is the front terminals."""

    dialect = ScpiDialect()
    channel_type = FrontInput
    channel_numbers = (1,)
    latency = Latency(set_s=0.005, read_s=0.042)
    terminals = "FRONT"

    @property
    def channels(self) -> Mapping[int, FrontInput]:  # type: ignore[override]
        """The front terminals under 1."""
        return cast(Mapping[int, FrontInput], self._channels)
