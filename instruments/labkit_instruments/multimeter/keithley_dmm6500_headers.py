"""Headers of DMM6500-901-01 for the twin of the DMM6500: the functions, and all that has no physics.

The list is the manual's as transcribed in LabEquipmentController 0f24c5c. None of them may answer -113, which real
programs would take for a missing option.
"""

from __future__ import annotations

from typing import Any

from labkit.sim.scpi import Boolean, Entry, Number, Raw, Word, words
from labkit_instruments.multimeter.meter_sim import Function, FunctionName, Once, decades

_VOLTS, _AMPS = decades(0.1, 1000.0), (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0)
FUNCTIONS = (
    Function("VOLT:DC", "VOLTage[:DC]", "V", "volts_dc", _VOLTS, integrates=True),
    Function("VOLT:AC", "VOLTage:AC", "V", "", (0.1, 1.0, 10.0, 100.0, 750.0)),
    Function("CURR:DC", "CURRent[:DC]", "A", "amps", _AMPS, integrates=True),
    Function("CURR:AC", "CURRent:AC", "A", "", _AMPS[1:]),
    Function("RES", "RESistance", "Ohm", "ohms", decades(10.0, 1e8), integrates=True),
    Function("FRES", "FRESistance", "Ohm", "ohms", decades(1.0, 1e8), integrates=True),
    Function("DIOD", "DIODe", "V", "volts_dc", (10.0,), integrates=True),
    Function("CAP", "CAPacitance", "F", "", (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)),
    Function("TEMP", "TEMPerature", "degC", "degc", integrates=True),
    Function("CONT", "CONTinuity", "Ohm", "ohms", (1000.0,)),
    Function("FREQ:VOLT", "FREQuency[:VOLTage]", "Hz", "hz"),
    Function("PER:VOLT", "PERiod[:VOLTage]", "s", "period"),
    Function("VOLT:DC:RAT", "VOLTage[:DC]:RATio", "", "", _VOLTS, integrates=True),
)
DIGITIZED = (
    Function("DIG:VOLT", "DIGitize:VOLTage", "V", "volts_dc", _VOLTS),
    Function("DIG:CURR", "DIGitize:CURRent", "A", "amps", _AMPS),
)
BY_NAME = {function.name: function for function in (*FUNCTIONS, *DIGITIZED)}
_NONE = Function("NONE", "NONE", "")
_FLAG = (Boolean(),)
_ANY = (Number(),)


def _of(f: Function, leaf: str, kind: Any, default: Any, name: str = "") -> Entry:
    """Return a setting of a function: of the meter, and of each channel that a list names."""
    return Entry(f"[SENSe:]{f.notation}:{leaf}", (kind,), default, "list", name=name, topic=f.name if name else "")


def _numbered(f: Function, leaf: str, kind: Any, default: Any) -> Entry:
    """Return a setting with a number in its header."""
    return Entry(f"[SENSe:]{f.notation}:{leaf}", (kind,), default)


def _integration(f: Function) -> tuple[Entry, ...]:
    return (
        _of(f, "NPLCycles", Number("", 0.0005, 15.0), 1.0, "nplc"),
        _of(f, "APERture", Number("s", 8.333e-6, 0.25), 0.02, "aperture"),
        _of(f, "AZERo[:STATe]", Boolean(), True, "autozero"), _of(f, "LINE:SYNC", Boolean(), False),
    )


def _ranges(f: Function) -> tuple[Entry, ...]:
    kind = Number(f.unit, f.ranges[0], f.ranges[-1])
    return (_of(f, "RANGe[:UPPer]", kind, f.ranges[-1], "range"), _of(f, "RANGe:AUTO", Once(), True, "autorange"))


def _usual(f: Function) -> tuple[Entry, ...]:
    return (
        _of(f, "AVERage:COUNt", Number("", 1, 100, integer=True), 10), _of(f, "AVERage[:STATe]", Boolean(), False),
        _of(f, "AVERage:TCONtrol", words("REPeat|MOVing|HYBRid"), "REP"),
        _of(f, "AVERage:WINDow", Number("", 0, 10), 0.1),
        _of(f, "RELative", Number(f.unit), 0.0, "relative"), _of(f, "RELative:STATe", Boolean(), False, "relative_on"),
        Entry(f"[SENSe:]{f.notation}:RELative:ACQuire", access="set", channel="list", name="acquire", topic=f.name),
        _of(f, "RELative:METHod", Boolean(), True), _of(f, "DELay:AUTO", Boolean(), True),
        _numbered(f, "DELay:USER<n>", Number("s", 0.0, 10_000.0), 0.0),
        Entry(f"DISPlay:{f.notation}:DIGits", (Number("", 3, 6, integer=True),), 6),
        Entry(f"MEASure:{f.notation}", access="query", query_kinds=(Raw(),) * 4, name="measure", topic=f.name),
    )


def _math(f: Function) -> tuple[Entry, ...]:
    """Return limits and mathematics on the readings of a function."""
    one, two = f"CALCulate1:{f.notation}:MATH", f"CALCulate2:{f.notation}:LIMit<n>"
    return (
        Entry(f"{one}:FORMat", (words("NONE|MXB|PERCent|RECiprocal"),), "PERC"), Entry(f"{one}:MBFactor", _ANY, 0.0),
        Entry(f"{one}:MMFactor", _ANY, 1.0), Entry(f"{one}:PERCent", _ANY, 1.0), Entry(f"{one}:STATe", _FLAG, False),
        Entry(f"{two}:AUDible", (words("NONE|FAIL|PASS"),), "NONE"), Entry(f"{two}:CLEar:AUTO", _FLAG, True),
        Entry(f"{two}:CLEar[:IMMediate]", access="set"),
        Entry(f"{two}:FAIL", access="query", name="fixed", topic="NONE"),
        Entry(f"{two}:LOWer[:DATA]", _ANY, -1.0), Entry(f"{two}:UPPer[:DATA]", _ANY, 1.0),
        Entry(f"{two}:STATe", _FLAG, False),
    )


def _edges(f: Function) -> tuple[Entry, ...]:
    """Return the analog trigger of a function."""
    return (
        _of(f, "ATRigger:EDGE:LEVel", Number(f.unit), 0.0),
        _of(f, "ATRigger:EDGE:SLOPe", words("RISing|FALLing"), "RIS"),
        _of(f, "ATRigger:MODE", words("OFF|EDGE|WINDow"), "OFF"),
        _of(f, "ATRigger:WINDow:DIRection", words("ENTer|LEAVe"), "ENT"),
        _of(f, "ATRigger:WINDow:LEVel:HIGH", Number(f.unit), 0.0),
        _of(f, "ATRigger:WINDow:LEVel:LOW", Number(f.unit), 0.0),
    )


def _special(f: Function) -> tuple[Entry, ...]:
    """Return what only some functions have."""
    entries: list[Entry] = []
    if f.name in ("VOLT:DC", "VOLT:AC", "DIG:VOLT"):
        entries += [_of(f, "DB:REFerence", Number("V"), 1.0), _of(f, "DBM:REFerence", Number("Ohm", 1, 9999), 50.0),
                    _of(f, "UNIT", words("VOLT|DB|DBM"), "VOLT")]
    if f.name in ("VOLT:DC", "DIG:VOLT"):
        entries.append(_of(f, "INPutimpedance", words("MOHM10|AUTO"), "MOHM10", "impedance"))
    if f.name in ("VOLT:AC", "CURR:AC"):
        entries.append(_of(f, "DETector:BANDwidth", Number("Hz", 3.0, 300.0), 3.0))
    if f.name in ("RES", "FRES", "TEMP"):
        entries += [_of(f, "ODETector", Boolean(), f.name == "TEMP"), _of(f, "OCOMpensated", Raw(), "OFF")]
    if f.name == "DIOD":
        entries.append(_of(f, "BIAS:LEVel", Number("A", 1e-5, 1e-2), 1e-3))
    if f.name in ("FREQ:VOLT", "PER:VOLT"):
        entries += [_of(f, "APERture", Number("s", 2e-3, 0.273), 0.2, "gate"),
                    _of(f, "THReshold:RANGe:AUTO", Once(), True),
                    _of(f, "THReshold:RANGe", Number("V", 0.1, 750.0), 10.0)]
    if f.name == "VOLT:DC:RAT":
        entries += [Entry(f"[SENSe:]{f.notation}:SENSe:RANGe[:UPPer]", access="query", name="fixed", topic="10")]
    if f in DIGITIZED:
        entries += [_of(f, "SRATe", Number("", 1000, 1_000_000), 1e6), _of(f, "APERture", Raw(), "AUTO")]
    return tuple(entries) + (_edges(f) if f.name in ("VOLT:DC", "CURR:DC", "DIG:VOLT", "DIG:CURR") else ())


_TEMPERATURE = BY_NAME["TEMP"]
_THERMOMETERS = (
    _of(_TEMPERATURE, "TRANsducer", words("TCouple|THERmistor|RTD|TRTD|FRTD|CJC2001"), "TC"),
    _of(_TEMPERATURE, "TCouple:TYPE", words("B|E|J|K|N|R|S|T"), "K"),
    _of(_TEMPERATURE, "TCouple:RJUNction:SIMulated", Number("degC", 0.0, 65.0), 23.0),
    _of(_TEMPERATURE, "TCouple:RJUNction:RSELect", words("SIMulated|INTernal|EXTernal"), "SIM"),
    _of(_TEMPERATURE, "THERmistor", Number("Ohm", 2000, 10_000), 5000.0),
    _of(_TEMPERATURE, "UNIT", Word({"CELS": "CELSius", "KELV": "KELVin", "FAHR": "FAHRenheit"}), "CELS", "unit"),
    *[_of(_TEMPERATURE, f"RTD:{leaf}", Number(), default) for leaf, default in (
        ("ALPHa", 0.00385055), ("BETA", 0.10863), ("DELTa", 1.4999), ("ZERO", 100.0))],
    *[_of(_TEMPERATURE, f"RTD:{leaf}", words("PT100|D100|F100|PT3916|PT385|USER"), "PT100") for leaf in (
        "TWO", "THRee", "FOUR")],
)


def _function(f: Function) -> tuple[Entry, ...]:
    ranged = f.ranges and f.name not in ("CONT", "DIOD")
    return (*(_integration(f) if f.integrates else ()), *(_ranges(f) if ranged else ()), *_usual(f), *_math(f),
            *_special(f))


_NAME, _SHORT = FunctionName((*FUNCTIONS, _NONE)), FunctionName((
    Function("VOLT", "VOLTage", ""), Function("CURR", "CURRent", "")))
SENSE = (
    *(entry for f in (*FUNCTIONS, *DIGITIZED) for entry in _function(f)), *_THERMOMETERS,
    Entry("[SENSe:]FUNCtion[:ON]", (_NAME,), lambda place: "VOLT:DC" if place is None else "NONE", "list",
          name="function"),
    Entry("[SENSe:]DIGitize:FUNCtion[:ON]", (_SHORT,), "VOLT", "list"),
    Entry("[SENSe:]COUNt", (Number("", 1, 300_000, integer=True),), 1, name="count"),
    Entry("[SENSe:]DIGitize:COUNt", (Number("", 1, 55_000_000, integer=True),), 1),
    Entry("[SENSe:]AZERo:ONCE", access="set"),
)
"""Everything that says what is measured, and how."""
