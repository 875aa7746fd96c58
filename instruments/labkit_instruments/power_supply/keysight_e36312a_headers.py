"""Headers of the E36300 Programming Guide that have no physics in the twin: their values are kept and answered.

The list is the guide's as transcribed in LabEquipmentController 0f24c5c (:data:`HEADERS` of the driver). None of them
may answer -113, which real programs would take for a missing option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from labkit.instrument import Special
from labkit.limits import Limits, within
from labkit.sim.scpi import (
    Boolean,
    Entry,
    Formats,
    Number,
    Place,
    Raw,
    RegisterSpec,
    ScpiError,
    ScpiTwin,
    Text,
    nr3,
    signed,
    words,
)
from labkit_instruments.power_supply.keysight_e36312a import E36312A, RATINGS

_NAMES = {"P6V": 1, "P25V": 2, "N25V": 3, "CH1": 1, "CH2": 2, "CH3": 3}
_SELECTED = {1: "P6V", 2: "P25V", 3: "N25V"}
_LONGEST_LIST = 100
_TIME = Number("s", 0.0, 3600.0)
_FLAG = (Boolean(),)


def rated_volts(place: Place) -> float:
    """Return the nominal voltage of a channel, V."""
    return round(RATINGS[place or 1].volts / 1.03, 6)


def rated_amps(place: Place) -> float:
    """Return the nominal current of a channel, A."""
    return round(RATINGS[place or 1].amps / 1.03, 6)


def _listed(notation: str, kind: Any, default: Any, *, name: str = "") -> Entry:
    """Return an entry for one setting of each channel."""
    return Entry(notation, (kind,), default, "list", name=name)


def _steps(notation: str, kind: Any, default: Any, name: str) -> tuple[Entry, Entry]:
    """Return the entries for the values of a list and for how many there are."""
    points = notation.replace("[:LEVel]", "").replace("[:DATA]", "") + ":POINts"
    return (Entry(notation, (kind,), (default,), "list", many=True, name=name),
            Entry(points, (), access="query", channel="list", name=f"{name}_points"))


_TRIGGERED = (
    _listed("[SOURce:]VOLTage[:LEVel]:TRIGgered[:AMPLitude]", Number("V"), 0.0, name="voltage_triggered"),
    _listed("[SOURce:]CURRent[:LEVel]:TRIGgered[:AMPLitude]", Number("A"), rated_amps, name="current_triggered"),
    _listed("[SOURce:]VOLTage:MODE", words("FIXed|STEP|LIST"), "FIX", name="voltage_mode"),
    _listed("[SOURce:]CURRent:MODE", words("FIXed|STEP|LIST"), "FIX", name="current_mode"),
    _listed("TRIGger[:SEQuence]:SOURce", words("BUS|EXTernal|IMMediate|PIN1|PIN2|PIN3"), "BUS", name="trigger_source"),
    _listed("TRIGger[:SEQuence]:DELay", _TIME, 0.0),
    Entry("INITiate[:IMMediate]", access="set", channel="list", name="initiate"),
    _listed("INITiate:CONTinuous", Boolean(), False),
    Entry("ABORt", access="set", channel="list", name="abort"),
    Entry("INSTrument:COUPle[:TRIGger]", (Raw(),), ("NONE",), many=True, name="couple"),
)
_SOURCE = (
    # Milliseconds without a suffix, as the guide's description has it.
    _listed("[SOURce:]CURRent:PROTection:DELay[:TIME]", Number("", 0.0, 255.0), 50.0, name="ocp_delay_ms"),
    _listed("[SOURce:]CURRent:PROTection:DELay:STARt", words("SCHange|CCTRans"), "SCH"),
    _listed("[SOURce:]VOLTage:RANGe", words("P6V|P25V|LOW|HIGH"), lambda place: "P6V" if place == 1 else "P25V"),
    *_steps("[SOURce:]LIST:VOLTage[:LEVel]", Number("V"), 0.0, "list_voltage"),
    *_steps("[SOURce:]LIST:CURRent[:LEVel]", Number("A"), 0.0, "list_current"),
    *_steps("[SOURce:]LIST:DWELl", _TIME, 0.001, "list_dwell"),
    *_steps("[SOURce:]LIST:TOUTput:BOSTep[:DATA]", Boolean(), False, "list_begin"),
    *_steps("[SOURce:]LIST:TOUTput:EOSTep[:DATA]", Boolean(), False, "list_end"),
    _listed("[SOURce:]LIST:COUNt", Number("", 1.0, 9999.0, symbols=("MIN", "MAX", "DEF", "INF")), 1.0),
    _listed("[SOURce:]LIST:STEP", words("AUTO|ONCE"), "AUTO"),
    _listed("[SOURce:]LIST:TERMinate:LAST", Boolean(), False),
    Entry("[SOURce:]DIGital:INPut:DATA", access="query", name="digital_in"),
    Entry("[SOURce:]DIGital:OUTPut:DATA", (Number("", 0, 7, integer=True),), 0),
    Entry("[SOURce:]DIGital:PIN<n>:FUNCtion", (words(
        "DIO|DINPut|TOUTput|TINPut|FAULt|INHibit|ONCouple|OFFCouple"),), "DINP", "suffix", suffixes=(1, 2, 3)),
    Entry("[SOURce:]DIGital:PIN<n>:POLarity", (words("POSitive|NEGative"),), "POS", "suffix", suffixes=(1, 2, 3)),
)
_OUTPUT = (
    Entry("OUTPut:PROTection:CLEar", access="set", channel="list", name="clear_both"),
    Entry("OUTPut[:STATe]:COUPle:CHANnel", (Raw(),), ("NONE",), many=True),
    _listed("OUTPut[:STATe]:DELay:FALL", _TIME, 0.0),
    _listed("OUTPut[:STATe]:DELay:RISE", _TIME, 0.0),
    Entry("OUTPut:INHibit:MODE", (words("LATChing|LIVE|OFF"),), "OFF", resets=False),
    Entry("OUTPut:PAIR", (words("OFF|PARallel|SERies"),), "OFF"),
    Entry("OUTPut:PON:STATe", (words("|".join(("RST", *(f"RCL{n}" for n in range(10))))),), "RST", resets=False),
    Entry("OUTPut:TRACk[:STATe]", _FLAG, False),
    Entry("APPLy", (Raw(), Raw(), Raw()), ("CH1", "0", "0"), name="apply", required=1, query_kinds=(Raw(),)),
    Entry("INSTrument[:SELect]", (words("P6V|P25V|N25V|CH1|CH2|CH3"),), "P6V", name="select"),
    Entry("INSTrument:NSELect", (Number("", 1, 3, integer=True),), 1, name="nselect"),
)
_LOG = (
    Entry("ABORt:DLOG", access="set"),
    Entry("FETCh[:SCALar]:DLOG", access="query", channel="list", name="logged", query_kinds=(
        Number("", 1, 65535, integer=True),)),
    Entry("INITiate[:IMMediate]:DLOG", (Text(),), access="set"),
    Entry("MMEMory:EXPort:DLOG", (Text(),), access="set"),
    _listed("SENSe:DLOG:FUNCtion:CURRent", Boolean(), False),
    _listed("SENSe:DLOG:FUNCtion:VOLTage", Boolean(), True),
    Entry("SENSe:DLOG:FUNCtion:MINMax", _FLAG, False),
    Entry("SENSe:DLOG:PERiod", (Number("s", 0.2, 3600.0),), 0.2),
    Entry("SENSe:DLOG:TIME", (Number("s", 0.2, 31_536_000.0),), 30.0),
    Entry("SENSe:DLOG:TINTerval", (Number("s", 0.2, 3600.0),), 0.2),
    Entry("TRIGger:DLOG[:IMMediate]", access="set"),
    Entry("TRIGger:DLOG:SOURce", (words("BUS|EXTernal|IMMediate"),), "IMM"),
)
_CALIBRATION = (
    Entry("CALibration:ASAVE", _FLAG, True, resets=False),
    Entry("CALibration:COUNt", access="query", name="calibrations"),
    Entry("CALibration:CURRent[:DATA][:HIGH]", (Number("A"),), access="set", channel="list"),
    Entry("CALibration:CURRent[:DATA]:LOW", (Number("A"),), access="set", channel="list"),
    Entry("CALibration:CURRent:LEVel", (words("MINimum|MAXimum"),), access="set", channel="list"),
    Entry("CALibration:DATE", (Text(),), "", resets=False),
    Entry("CALibration:SAVE", access="set"),
    Entry("CALibration:SECure:CODE", (Raw(),), access="set"),
    Entry("CALibration:SECure:STATe", (Boolean(), Raw()), (True, ""), name="secured", required=1, resets=False),
    Entry("CALibration:STRing", (Text(),), "", resets=False),
    Entry("CALibration:VOLTage[:DATA]", (Number("V"),), access="set", channel="list"),
    Entry("CALibration:VOLTage:LEVel", (words("MINimum|MAXimum"),), access="set", channel="list"),
)
_WHOLE = Number("", 0, 9999, integer=True)
_SYSTEM = (
    Entry("DISPlay[:WINDow][:STATe]", _FLAG, True),
    Entry("DISPlay[:WINDow]:TEXT[:DATA]", (Text(),), ""),
    Entry("DISPlay[:WINDow]:TEXT:CLEar", access="set"),
    Entry("DISPlay[:WINDow]:VIEW", (words("METER1|METER3"),), "METER3"),
    Entry("LXI:IDENtify[:STATe]", _FLAG, False),
    Entry("LXI:MDNS[:STATe]", _FLAG, True, resets=False),
    Entry("SYSTem:BEEPer[:IMMediate]", access="set"),
    Entry("SYSTem:BEEPer:STATe", _FLAG, True, resets=False),
    Entry("SYSTem:COMMunicate:RLSTate", (words("LOCal|REMote|RWLock"),), "REM", name="remote", resets=False),
    Entry("SYSTem:DATE", (_WHOLE,) * 3, (2026, 1, 1), resets=False),
    Entry("SYSTem:TIME", (_WHOLE,) * 3, (0, 0, 0), resets=False),
    Entry("SYSTem:LOCal", access="set", name="go_local"),
    Entry("SYSTem:REMote", access="set", name="go_remote"),
    Entry("SYSTem:RWLock", access="set", name="go_locked"),
    Entry("SYSTem:PERSona:MANufacturer", (Text(40),), "Keysight Technologies", name="persona_maker", resets=False),
    Entry("SYSTem:PERSona:MANufacturer:DEFault", name="usual_maker"),
    Entry("SYSTem:PERSona:MODel", (words("E3631XA|E36312A|E3631A"),), "E36312A", name="persona_model", resets=False),
    Entry("SYSTem:PERSona:MODel:DEFault", name="usual_model"),
    Entry("SYSTem:SECurity:IMMediate", access="set"),
    Entry("SYSTem:SET", (Number("", 0, 9, integer=True),), 0),
    Entry("SYSTem:VERSion", access="query", name="version"),
)


class E36312AFront(ScpiTwin):
    """All of the twin that is no physics: selection, triggers, lists, logging, calibration, display, system."""

    driver = E36312A
    rows = (*_TRIGGERED, *_SOURCE, *_OUTPUT, *_LOG, *_CALIBRATION, *_SYSTEM)
    formats = Formats(real=nr3(8), integer=signed, no_error='+0,"No error"', error='{number:+d},"{text}"')
    registers = (
        RegisterSpec("channel", "STATus:QUEStionable:INSTrument:ISUMmary<n>", "instrument", 2, (1, 2, 3)),
        RegisterSpec("instrument", "STATus:QUEStionable:INSTrument", "questionable", 1 << 13),
        RegisterSpec("questionable", "STATus:QUEStionable", "", 8),
    )
    defaults: ClassVar[Mapping[str, Any]] = {
        "current_limit": rated_amps, "ovp_level": lambda place: round(rated_volts(place) * 1.1, 6),
    }
    channel_names = _NAMES
    glued_list = True
    firmware = "2.1.0-1.0.4-1.12"
    latencies_s: ClassVar[Mapping[str, float]] = {"query": 0.001, "*RST": 0.050, "*CLS": 0.001, "self-test": 0.5}

    _initiated: set[Place]

    def carry_out(self, place: Place) -> None:
        """Bring the settings of a channel to its output."""
        raise NotImplementedError

    def identity(self) -> str:
        """Return *IDN? in the persona that was chosen (the box can pass for an E3631A)."""
        maker, model = self.value("persona_maker"), self.value("persona_model")
        return f"{maker},{'E36312A' if model == 'E3631XA' else model},{self.env.serial},{self.firmware}"

    def get_usual_maker(self, place: Place) -> str:
        """Return the maker's name when none was set."""
        return '"Keysight Technologies"'

    def get_usual_model(self, place: Place) -> str:
        """Return the model when none was chosen."""
        return "E36312A"

    def do_usual_maker(self, place: Place) -> None:
        """Forget a maker's name that was set."""
        self.assign("persona_maker", None, "Keysight Technologies")

    def do_usual_model(self, place: Place) -> None:
        """Forget a model that was chosen."""
        self.assign("persona_model", None, "E36312A")

    def on_select(self, place: Place, value: str) -> None:
        """Select a channel by name."""
        self.selected = _NAMES[value]

    def get_select(self, place: Place) -> str:
        """Return the name of the selected channel, in the E3631A's words."""
        return _SELECTED[self.selected or 1]

    def on_nselect(self, place: Place, value: int) -> None:
        """Select a channel by number."""
        self.selected = value

    def get_nselect(self, place: Place) -> int:
        """Return the number of the selected channel."""
        return self.selected or 1

    def on_apply(self, place: Place, value: tuple[str, ...]) -> None:
        """APPLy [channel,] volts [, amperes]: select, then set both."""
        named = value[0].upper() in _NAMES
        target = _NAMES[value[0].upper()] if named else self.selected
        numbers = value[1:] if named else value
        if not numbers:
            raise ScpiError(-109)
        if len(numbers) > 2:
            raise ScpiError(-108)
        settled = {}
        for name, text in zip(("voltage", "current_limit"), numbers, strict=False):
            command = self.commands[name]
            settled[name] = command.settle(0, command.kinds[0].parse(text), target, self.value(name, target))
        self.selected = target
        for name, number in settled.items():
            self.assign(name, target, number)
        self.carry_out(target)

    def get_apply(self, place: Place, named: str = "") -> str:
        """Return the programmed volts and amperes as one quoted text."""
        if named and named.upper() not in _NAMES:
            raise ScpiError(-224)
        target = _NAMES[named.upper()] if named else self.selected
        return f'"{self.value("voltage", target):.6f},{self.value("current_limit", target):.6f}"'

    def on_couple(self, place: Place, value: tuple[str, ...]) -> None:
        """Refuse what is neither ALL, NONE nor a list of channels."""
        if any(word.upper() not in {"ALL", "NONE", *_NAMES} and not word.startswith("(@") for word in value):
            raise ScpiError(-224)

    # Triggered levels: INITiate arms, *TRG (or IMMediate) transfers.

    def limits_voltage_triggered(self, place: Place) -> Limits:
        """Return the range of the triggered voltage."""
        return within(0.0, RATINGS[place or 1].volts, "rating")

    def limits_current_triggered(self, place: Place) -> Limits:
        """Return the range of the triggered current."""
        return within(0.0, RATINGS[place or 1].amps, "rating")

    def do_initiate(self, place: Place) -> None:
        """Arm the trigger of a channel."""
        if self.value("trigger_source", place) == "IMM":
            self._fire(place)
        else:
            self._initiated.add(place)

    def do_abort(self, place: Place) -> None:
        """Disarm the trigger of a channel."""
        self._initiated.discard(place)

    def trigger(self) -> None:
        """Fire the armed channels that wait for the bus; -211 when there is none."""
        ready = [place for place in self.places
                 if place in self._initiated and self.value("trigger_source", place) == "BUS"]
        if not ready:
            raise ScpiError(-211)
        for place in ready:
            self._initiated.discard(place)
            self._fire(place)

    def _fire(self, place: Place) -> None:
        for name, mode in (("voltage", "voltage_mode"), ("current_limit", "current_mode")):
            if self.value(mode, place) == "STEP":
                self.assign(name, place, self.value(f"{name.partition('_')[0]}_triggered", place))
        self.carry_out(place)

    # Lists, logging, system: values only.

    def _check_list(self, place: Place, value: tuple[Any, ...]) -> None:
        if len(value) > _LONGEST_LIST:
            raise ScpiError(-223)

    on_list_voltage = on_list_current = on_list_dwell = on_list_begin = on_list_end = _check_list

    def limits_list_voltage(self, place: Place) -> Limits:
        """Return the range of a step of a list."""
        return within(0.0, RATINGS[place or 1].volts, "rating")

    def limits_list_current(self, place: Place) -> Limits:
        """Return the range of a step of a list."""
        return within(0.0, RATINGS[place or 1].amps, "rating")

    def get_list_voltage_points(self, place: Place) -> str:
        """Return how many values the list has."""
        return signed(len(self.value("list_voltage", place)))

    def get_list_current_points(self, place: Place) -> str:
        """Return how many values the list has."""
        return signed(len(self.value("list_current", place)))

    def get_list_dwell_points(self, place: Place) -> str:
        """Return how many values the list has."""
        return signed(len(self.value("list_dwell", place)))

    def get_list_begin_points(self, place: Place) -> str:
        """Return how many values the list has."""
        return signed(len(self.value("list_begin", place)))

    def get_list_end_points(self, place: Place) -> str:
        """Return how many values the list has."""
        return signed(len(self.value("list_end", place)))

    def get_logged(self, place: Place, count: int = 1) -> str:
        """Return no data: nothing is logged here."""
        return self.formats.special(Special.NOT_A_NUMBER)

    def get_digital_in(self, place: Place) -> str:
        """Return the digital pins: nothing is connected."""
        return signed(0)

    def get_calibrations(self, place: Place) -> str:
        """Return how often the unit was calibrated."""
        return signed(1)

    def get_secured(self, place: Place) -> bool:
        """Return whether calibration is locked."""
        return bool(self.value("secured")[0])

    def do_go_local(self, place: Place) -> None:
        """Give the front panel back."""
        self.assign("remote", None, "LOC")

    def do_go_remote(self, place: Place) -> None:
        """Take the front panel."""
        self.assign("remote", None, "REM")

    def do_go_locked(self, place: Place) -> None:
        """Take the front panel, its local key too."""
        self.assign("remote", None, "RWL")

    def get_version(self, place: Place) -> str:
        """Return the SCPI version."""
        return "1999.0"
