"""Headers of the Truevolt guide for the twin of the 34465A: the functions, and all that has no physics.

The list is the guide's as transcribed in LabEquipmentController 0f24c5c. None of them may answer -113, which real
programs would take for a missing option.
"""

from __future__ import annotations

from typing import Any

from labkit.sim.scpi import Boolean, Entry, Number, Raw, Text, words
from labkit_instruments.multimeter.meter_sim import Function, FunctionName, Once, decades

FUNCTIONS = (
    Function("VOLT", "VOLTage[:DC]", "V", "volts_dc", decades(0.1, 1000.0), integrates=True),
    Function("VOLT:AC", "VOLTage:AC", "V", "", decades(0.1, 1000.0)),
    Function("CURR", "CURRent[:DC]", "A", "amps", (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0), integrates=True),
    Function("CURR:AC", "CURRent:AC", "A", "", (1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0)),
    Function("RES", "RESistance", "Ohm", "ohms", decades(100.0, 1e9), integrates=True),
    Function("FRES", "FRESistance", "Ohm", "ohms", decades(100.0, 1e9), integrates=True),
    Function("FREQ", "FREQuency", "Hz", "hz"),
    Function("PER", "PERiod", "s", "period"),
    Function("CONT", "CONTinuity", "Ohm", "ohms", (1000.0,)),
    Function("DIOD", "DIODe", "V", "volts_dc", (10.0,)),
    Function("TEMP", "TEMPerature", "degC", "degc", integrates=True),
    Function("CAP", "CAPacitance", "F", "", (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)),
    Function("VOLT:RAT", "VOLTage[:DC]:RATio", "V", "", decades(0.1, 1000.0)),
)
BY_NAME = {function.name: function for function in FUNCTIONS}
_FLAG = (Boolean(),)
_COUNT = Number("", 1, 1_000_000, symbols=("MIN", "MAX", "DEF", "INF"))
_NO_NULL = ("CONT", "DIOD", "VOLT:RAT")
_ZERO = ("VOLT", "CURR", "RES", "TEMP")


_NODES = {"VOLT": ("[:VOLTage]:DC", ":VOLTage"), "VOLT:AC": ("[:VOLTage]:AC",), "VOLT:RAT": ("[:VOLTage][:DC]:RATio",)}


def _measures(f: Function) -> tuple[Entry, ...]:
    """Return CONFigure and MEASure of a function; voltage may be left unsaid where the guide has it in brackets."""
    return tuple(entry for node in _NODES.get(f.name, (f":{f.notation}",)) for entry in (
        Entry(f"CONFigure{node}", (Raw(), Raw()), (), access="set", name="configure", required=0, topic=f.name),
        Entry(f"MEASure{node}", access="query", query_kinds=(Raw(), Raw()), name="measure", topic=f.name)))


def _integration(f: Function, sense: str) -> tuple[Entry, ...]:
    entries = [
        Entry(f"{sense}:NPLCycles", (Number("", 0.001, 100.0),), 10.0, name="nplc", topic=f.name),
        Entry(f"{sense}:APERture", (Number("s", 20e-6, 2.0),), 0.2, name="aperture", topic=f.name),
        Entry(f"{sense}:APERture:ENABled", _FLAG, False, name="aperture_on", topic=f.name),
    ]
    if f.ranges:
        entries.append(Entry(f"{sense}:RESolution", (Number(f.unit, 0.0, f.ranges[-1]),), 0.0,
                             name="resolution", topic=f.name))
    if f.name in _ZERO:
        entries.append(Entry(f"{sense}:ZERO:AUTO", (Once(),), True, name="autozero", topic=f.name))
    return tuple(entries)


def _sense(f: Function) -> tuple[Entry, ...]:
    """Return the settings of one function."""
    sense = f"[SENSe:]{f.notation}"
    entries = list(_integration(f, sense) if f.integrates else ())
    if f.ranges and f.name not in ("CONT", "DIOD", "VOLT:RAT"):
        entries += [
            Entry(f"{sense}:RANGe[:UPPer]", (Number(f.unit, f.ranges[0], f.ranges[-1]),), f.ranges[-1], name="range",
                  topic=f.name),
            Entry(f"{sense}:RANGe:AUTO", (Once(),), True, name="autorange", topic=f.name),
        ]
    if f.name not in _NO_NULL:
        entries += [
            Entry(f"{sense}:NULL[:STATe]", _FLAG, False, name="null_on", topic=f.name),
            Entry(f"{sense}:NULL:VALue", (Number(f.unit),), 0.0, name="null", topic=f.name),
            Entry(f"{sense}:NULL:VALue:AUTO", _FLAG, False, name="null_auto", topic=f.name),
        ]
    if f.name not in ("CONT", "DIOD"):
        entries.append(Entry(f"{sense}:SECondary", (Text(),), "OFF"))
    if f.name in ("FREQ", "PER"):
        entries += [
            Entry(f"{sense}:APERture", (Number("s", 1e-3, 1.0),), 0.1, name="gate", topic=f.name),
            Entry(f"{sense}:RANGe:LOWer", (Number("Hz", 3.0, 200.0),), 20.0),
            Entry(f"{sense}:TIMeout:AUTO", _FLAG, False),
            Entry(f"{sense}:VOLTage:RANGe[:UPPer]", (Number("V", 0.0, 1000.0),), 10.0),
            Entry(f"{sense}:VOLTage:RANGe:AUTO", (Once(),), True),
        ]
    if f.name in ("RES", "FRES"):
        entries += [Entry(f"{sense}:OCOMpensated", _FLAG, False), Entry(f"{sense}:POWer:LIMit[:STATe]", _FLAG, False)]
    if f.name.endswith("AC"):
        entries.append(Entry(f"{sense}:BANDwidth", (Number("Hz", 3.0, 200.0),), 20.0))
    if f.name.startswith("CURR"):
        entries.append(Entry(f"{sense}:TERMinals", (Number("", 3, 10, integer=True),), 3))
    return tuple(entries)


def _thermometers() -> tuple[Entry, ...]:
    base = "[SENSe:]TEMPerature:TRANsducer"
    entries = [
        Entry(f"{base}:TYPE", (words("FRTD|RTD|FTHermistor|THERmistor|TCouple"),), "FRTD", name="thermometer"),
        Entry(f"{base}:TCouple:TYPE", (words("E|J|K|N|R|T"),), "K"),
        Entry(f"{base}:TCouple:CHECk", _FLAG, False),
        Entry(f"{base}:TCouple:RJUNction", access="query", name="junction", query_kinds=(Raw(),)),
        Entry(f"{base}:TCouple:RJUNction:TYPE", (words("INTernal|FIXed"),), "INT"),
        Entry(f"{base}:TCouple:RJUNction:FIXed", (Number("degC", -20.0, 80.0),), 0.0),
        Entry(f"{base}:TCouple:RJUNction:OFFSet:ADJust", (Number("degC", -20.0, 20.0),), 0.0),
    ]
    for node in ("FRTD", "RTD"):
        entries += [Entry(f"{base}:{node}:OCOMpensated", _FLAG, False),
                    Entry(f"{base}:{node}:RESistance[:REFerence]", (Number("Ohm", 80.0, 120.0),), 100.0)]
    entries += [Entry(f"{base}:{node}:POWer:LIMit[:STATe]", _FLAG, False)
                for node in ("FRTD", "RTD", "FTHermistor", "THERmistor")]
    return tuple(entries)


def _value(notation: str, kind: Any, default: Any, name: str = "", *, resets: bool = True) -> Entry:
    return Entry(notation, (kind,), default, name=name, resets=resets)


_TRIGGER = (
    Entry("[SENSe:]FUNCtion[:ON]", (FunctionName(FUNCTIONS),), "VOLT", name="function"),
    Entry("CONFigure", access="query", name="configuration"),
    _value("TRIGger:SOURce", words("IMMediate|BUS|EXTernal|INTernal"), "IMM", "trigger_from"),
    _value("TRIGger:COUNt", _COUNT, 1.0, "triggers"),
    _value("SAMPle:COUNt", Number("", 1, 1_000_000, integer=True), 1, "samples"),
    _value("TRIGger:DELay", Number("s", 0.0, 3600.0), 0.0, "delay"),
    _value("TRIGger:DELay:AUTO", Boolean(), True, "delay_auto"),
    _value("TRIGger:LEVel", Number("V"), 0.0), _value("TRIGger:SLOPe", words("POSitive|NEGative"), "NEG"),
    _value("SAMPle:COUNt:PRETrigger", Number("", 0, 1_999_999, integer=True), 0),
    _value("SAMPle:SOURce", words("IMMediate|TIMer"), "IMM"),
    _value("SAMPle:TIMer", Number("s", 20e-6, 3600.0), 1.0),
    _value("OUTPut:TRIGger:SLOPe", words("POSitive|NEGative"), "NEG"),
    Entry("INITiate[:IMMediate]", access="set", name="initiate"), Entry("ABORt", access="set", name="abort"),
    Entry("READ", access="query", name="read"), Entry("FETCh", access="query", name="fetch"),
    Entry("R", access="query", name="remove_block", query_kinds=(Number("", 1, 2_000_000),)),
    Entry("DATA:LAST", access="query", name="last"), Entry("DATA:POINts", access="query", name="points"),
    _value("DATA:POINts:EVENt:THReshold", Number("", 1, 2_000_000), 1.0),
    Entry("DATA:REMove", access="query", name="remove", query_kinds=(Number("", 1, 2_000_000), words("WAIT"))),
    Entry("FORMat[:DATA]", (words("ASCii|REAL"), Number(integer=True)), ("ASC", 9), required=1),
    _value("FORMat:BORDer", words("NORMal|SWAPped"), "NORM"), _value("UNIT:TEMPerature", words("C|F|K"), "C", "unit"),
    Entry("ROUTe:TERMinals", access="query", name="terminals"),
)
SENSE = (
    *(entry for f in FUNCTIONS for entry in (*_measures(f), *_sense(f))), *_thermometers(), *_TRIGGER,
    Entry("[SENSe:]VOLTage[:DC]:IMPedance:AUTO", _FLAG, False, name="impedance"),
    Entry("[SENSe:]CURRent:SWITch:MODE", (words("FAST|CONTinuous"),), "FAST"),
)
"""Everything that says what is measured, and how."""


def _asked(notation: str, text: str, *kinds: Any) -> Entry:
    """Return a question with a fixed answer."""
    return Entry(notation, access="query", name="fixed", topic=text, query_kinds=kinds)


_NOTHING = "+9.91000000E+37"
_CALCULATE = (
    *[_asked(f"CALCulate:AVERage:{node}", _NOTHING) for node in (
        "AVERage", "MAXimum", "MINimum", "PTPeak", "SDEViation")],
    _asked("CALCulate:AVERage:COUNt", "+0"),
    _value("CALCulate:AVERage[:STATe]", Boolean(), False), _value("CALCulate:LIMit[:STATe]", Boolean(), False),
    _value("CALCulate:LIMit:LOWer[:DATA]", Number(), 0.0), _value("CALCulate:LIMit:UPPer[:DATA]", Number(), 0.0),
    *[Entry(f"CALCulate:{node}CLEar[:IMMediate]", access="set") for node in (
        "", "AVERage:", "LIMit:", "TRANsform:HISTogram:")],
    _value("CALCulate:SCALe:DB:REFerence", Number(), 0.0), _value("CALCulate:SCALe:DBM:REFerence", Number(), 600.0),
    _value("CALCulate:SCALe:FUNCtion", words("DB|DBM|PCT|SCALe"), "SCAL"),
    _value("CALCulate:SCALe:GAIN", Number(), 1.0),
    _value("CALCulate:SCALe:OFFSet", Number(), 0.0), _value("CALCulate:SCALe:REFerence", Number(), 0.0),
    _value("CALCulate:SCALe:REFerence:AUTO", Boolean(), True), _value("CALCulate:SCALe:UNIT", Text(4), ""),
    _value("CALCulate:SCALe:UNIT:STATe", Boolean(), False), _value("CALCulate:SCALe[:STATe]", Boolean(), False),
    _value("CALCulate:SMOothing[:STATe]", Boolean(), False), _value("CALCulate:SMOothing:RESPonse", Raw(), "FAST"),
    _value("CALCulate:TCHart[:STATe]", Boolean(), False),
    _asked("CALCulate:TRANsform:HISTogram:ALL", _NOTHING), _asked("CALCulate:TRANsform:HISTogram:DATA", _NOTHING),
    _asked("CALCulate:TRANsform:HISTogram:COUNt", "+0"),
    _value("CALCulate:TRANsform:HISTogram:POINts", Number("", 10, 400), 100.0),
    _value("CALCulate:TRANsform:HISTogram:RANGe:LOWer", Number(), 0.0),
    _value("CALCulate:TRANsform:HISTogram:RANGe:UPPer", Number(), 0.0),
    _value("CALCulate:TRANsform:HISTogram:RANGe:AUTO", Boolean(), True),
    _value("CALCulate:TRANsform:HISTogram[:STATe]", Boolean(), False),
)
_MEMORY = (
    *[Entry(f"MMEMory:{node}", (Raw(), Raw()), access="set", required=1) for node in (
        "DOWNload:DATA", "LOAD:PREFerences", "LOAD:STATe", "STORe:DATA", "STORe:PREFerences", "STORe:STATe")],
    _value("MMEMory:DOWNload:FNAMe", Text(), ""), _value("MMEMory:FORMat:READing:CSEParator", Raw(), "COMM"),
    _value("MMEMory:FORMat:READing:INFormation", Boolean(), False),
    _value("MMEMory:FORMat:READing:RLIMit", Boolean(), False), _value("MMEMory:STATe:RECall:AUTO", Boolean(), False),
    _value("MMEMory:STATe:RECall:SELect", Text(), ""),
    _asked("MMEMory:STATe:VALid", "0", Raw()), _asked("MMEMory:UPLoad", "#10", Raw()),
)
_DISPLAY = (
    _value("DISPlay[:STATe]", Boolean(), True), _value("DISPlay:TEXT[:DATA]", Text(), "", "text"),
    Entry("DISPlay:TEXT:CLEar", access="set", name="clear_text"),
    _value("DISPlay:VIEW", words("NUMeric|HISTogram|TCHart|METer"), "NUM"),
)
_SYSTEM = (
    _asked("SYSTem:ACALibration:DATE", "+2026,+1,+1"), _asked("SYSTem:ACALibration:TEMPerature", "+2.30000000E+01"),
    _asked("SYSTem:ACALibration:TIME", "+0,+0,+0"), _asked("SYSTem:HELP", "#10"),
    _asked("SYSTem:LICense:CATalog", '"DIG","MEM"'), _asked("SYSTem:LICense:ERRor", '""'),
    _asked("SYSTem:LICense:ERRor:COUNt", "+0"), _asked("SYSTem:LOCK:NAME", '"LAN"'),
    _asked("SYSTem:LOCK:OWNer", '"NONE"'),
    _asked("SYSTem:LOCK:REQuest", "1"), _asked("SYSTem:SECurity:COUNt", "+1"), _asked("SYSTem:UPTime", "+0,+1,+0,+0"),
    _asked("SYSTem:TEMPerature", "+2.80000000E+01"), _asked("SYSTem:VERSion", "1994.0"), _asked("TEST:ALL", "+0"),
    _asked("*CAL", "+0"), Entry("*LRN", access="query", name="learn"),
    Entry("SYSTem:LFRequency", access="query", name="line"), Entry("SYSTem:PRESet", access="set", name="preset"),
    _asked("SYSTem:LICense:DESCription", '"permanent"', Raw()),
    Entry("SYSTem:LICense:DELete", (Text(),), access="set"), Entry("SYSTem:LICense:DELete:ALL", access="set"),
    _value("SYSTem:LICense:INSTall", Raw(), "0"), _value("SYSTem:BEEPer:STATe", Boolean(), True, resets=False),
    Entry("SYSTem:BEEPer[:IMMediate]", access="set"), _value("SYSTem:CLICk:STATe", Boolean(), True, resets=False),
    Entry("SYSTem:DATE", (Number("", 0, 9999, integer=True),) * 3, (2026, 1, 1), resets=False),
    Entry("SYSTem:TIME", (Number("", 0, 59),) * 3, (0.0, 0.0, 0.0), resets=False),
    _value("SYSTem:IDENtify", words("DEFault|AT34460A|AT34461A|AT34410A|AT34411A|HP34401A"), "DEF", resets=False),
    _value("SYSTem:LABel", Text(40), ""), _value("SYSTem:WMESsage", Text(40), ""),
    _value("SYSTem:USB:HOST:ENABle", Boolean(), True, resets=False),
    *[Entry(f"SYSTem:{node}", access="set") for node in ("LOCal", "REMote", "RWLock", "LOCK:RELease",
                                                         "SECurity:IMMediate")],
)
_NETWORK = (
    _value("LXI:IDENtify[:STATe]", Boolean(), False), _value("LXI:MDNS:ENABle", Boolean(), True, resets=False),
    _asked("LXI:MDNS:HNAMe[:RESolved]", '"K-34465A-SIM"'), _asked("LXI:MDNS:SNAMe[:RESolved]", '"34465A"'),
    _value("LXI:MDNS:SNAMe:DESired", Text(), "34465A", resets=False), Entry("LXI:RESet", access="set"),
    Entry("LXI:RESTart", access="set"),
    Entry("SYSTem:COMMunicate:ENABle", (Boolean(), Raw()), (True, "LAN"), name="interface", resets=False,
          query_kinds=(Raw(),)),
    _value("SYSTem:COMMunicate:GPIB:ADDRess", Number("", 0, 30, integer=True), 22, resets=False),
    _value("SYSTem:COMMunicate:LAN:DHCP", Boolean(), True, resets=False),
    _asked("SYSTem:COMMunicate:LAN:CONTrol", "5025"),
    _asked("SYSTem:COMMunicate:LAN:DOMain", '""'), _asked("SYSTem:COMMunicate:LAN:MAC", '"000000000000"'),
    *[_value(f"SYSTem:COMMunicate:LAN:{node}", Text(), "", resets=False) for node in (
        "DNS1", "DNS2", "DNS", "GATeway", "HOSTname", "IPADdress", "SMASk", "TELNet:PROMpt", "TELNet:WMESsage", "WINS1",
        "WINS2", "WINS")],
    Entry("SYSTem:COMMunicate:LAN:UPDate", access="set"),
)
OTHERS = (*_CALCULATE, *_MEMORY, *_DISPLAY, *_SYSTEM, *_NETWORK)
"""Values that are kept and answered, and questions with fixed answers."""
