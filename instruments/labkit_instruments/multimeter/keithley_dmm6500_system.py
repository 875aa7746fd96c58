"""More headers of DMM6500-901-01 for the twin of the DMM6500: channels, buffers, triggers, display, system.

Their values are kept and answered, or the answer is fixed, but for the few that the twin's methods stand behind.
"""

from __future__ import annotations

from typing import Any

from labkit.sim.scpi import Boolean, Entry, Number, Raw, Text, words

_RAWS = (Raw(),) * 5


def _value(notation: str, kind: Any, default: Any, *, resets: bool = True) -> Entry:
    return Entry(notation, (kind,), default, resets=resets)


def _asked(notation: str, text: str) -> Entry:
    """Return a question with a fixed answer, whatever is asked beside."""
    return Entry(notation, access="query", name="fixed", topic=text, query_kinds=_RAWS)


def _done(notation: str) -> Entry:
    """Return a command that is taken and changes nothing here, with any parameters."""
    return Entry(notation, (Raw(),), (), access="set", required=0, many=True)


def _listed(notation: str, kind: Any, default: Any) -> Entry:
    return Entry(notation, (kind,), default, "list")


ROUTE = (
    Entry("ROUTe[:CHANnel]:CLOSe", channel="list", name="close"),
    Entry("ROUTe[:CHANnel]:CLOSe:COUNt", access="query", channel="list", name="closures"),
    _listed("ROUTe[:CHANnel]:DELay", Number("s", 0.0, 60.0), 0.0), _listed("ROUTe[:CHANnel]:LABel", Text(19), ""),
    Entry("ROUTe[:CHANnel]:MULTiple:CLOSe", channel="list", name="close_too"),
    Entry("ROUTe[:CHANnel]:MULTiple:OPEN", access="set", channel="list", name="open"),
    Entry("ROUTe[:CHANnel]:OPEN", access="set", channel="list", name="open_one"),
    Entry("ROUTe[:CHANnel]:OPEN:ALL", access="set", name="open_all"),
    Entry("ROUTe[:CHANnel]:STATe", access="query", channel="list", name="channel_state"),
    Entry("ROUTe[:CHANnel]:TYPE", access="query", channel="list", name="channel_type"),
    Entry("ROUTe:TERMinals", access="query", name="terminals"),
    Entry("ROUTe:SCAN[:CREate]", (Raw(), Raw()), ("(@)",), name="scan", required=1),
    Entry("ROUTe:SCAN:ADD", (Raw(), Raw()), (), access="set", name="scan_add", required=1),
    _done("ROUTe:SCAN:ADD:SINGle"), _asked("ROUTe:SCAN:ALARm", "OFF"),
    _value("ROUTe:SCAN:BUFFer", Text(), "defbuffer1"),
    _value("ROUTe:SCAN:BYPass", Boolean(), True), _value("ROUTe:SCAN:CHANnel:STIMulus", Raw(), "NONE"),
    Entry("ROUTe:SCAN:COUNt:SCAN", (Number("", 0, 100_000_000, integer=True),), 1, name="scan_count"),
    Entry("ROUTe:SCAN:COUNt:STEP", access="query", name="scan_steps"),
    _value("ROUTe:SCAN:INTerval", Number("s", 0.0, 100_000.0), 0.0), _done("ROUTe:SCAN:LEARn:LIMits"),
    _value("ROUTe:SCAN:MEASure:STIMulus", Raw(), "NONE"),
    _value("ROUTe:SCAN:MEASure:INTerval", Number("s", 0.0, 100_000.0), 0.0),
    _value("ROUTe:SCAN:MODE", words("ABR|ALL|USED"), "ABR"), _value("ROUTe:SCAN:MONitor:CHANnel", Raw(), "(@1)"),
    _value("ROUTe:SCAN:MONitor:LIMit:LOWer[:DATA]", Number(), 0.0),
    _value("ROUTe:SCAN:MONitor:LIMit:UPPer[:DATA]", Number(), 0.0), _value("ROUTe:SCAN:MONitor:MODE", Raw(), "OFF"),
    _value("ROUTe:SCAN:RESTart", Boolean(), False), _value("ROUTe:SCAN:STARt:STIMulus", Raw(), "NONE"),
    _asked("ROUTe:SCAN:STATe", "IDLE;0;0"),
)
_BUFFER = (
    Entry("TRACe:ACTual", access="query", name="stored", query_kinds=_RAWS, topic="count"),
    Entry("TRACe:ACTual:STARt", access="query", name="first", query_kinds=_RAWS),
    Entry("TRACe:ACTual:END", access="query", name="stored", query_kinds=_RAWS, topic="end"),
    Entry("TRACe:DATA", access="query", name="data", query_kinds=_RAWS),
    Entry("TRACe:CLEar", (Raw(),), (), access="set", required=0, many=True, name="clear_buffer"),
    *[Entry(f"TRACe:STATistics:{node}", access="query", name="statistic", topic=node, query_kinds=_RAWS) for node in (
        "AVERage", "MAXimum", "MINimum", "PK2Pk", "SPAN", "STDDev")],
    *[_done(f"TRACe:{node}") for node in (
        "STATistics:CLEar", "CHANnel:MATH", "DELete", "MAKE", "MATH", "SAVE", "SAVE:APPend", "TRIGger",
        "TRIGger:DIGitize", "UNIT", "WRITe:FORMat", "WRITe:READing")],
    Entry("TRACe:FILL:MODE", (words("CONTinuous|ONCE"), Text()), ("CONT", "defbuffer1"), required=1, query_kinds=_RAWS,
          name="fill"),
    Entry("TRACe:LOG:STATe", (Boolean(), Text()), (False, "defbuffer1"), required=1, query_kinds=_RAWS, name="log"),
    Entry("TRACe:POINts", (Number("", 0, 7_000_000, integer=True), Text()), (100_000, "defbuffer1"), required=1,
          query_kinds=_RAWS, name="buffer_size"),
)
_MEASURE = (
    Entry("READ", access="query", name="read", query_kinds=_RAWS, topic="plain"),
    Entry("READ:DIGitize", access="query", name="read", query_kinds=_RAWS, topic="digitize"),
    Entry("MEASure", access="query", name="read", query_kinds=_RAWS, topic="measure"),
    Entry("MEASure:DIGitize", access="query", name="read", query_kinds=_RAWS, topic="measure-digitize"),
    Entry("FETCh", access="query", name="fetch", query_kinds=_RAWS),
    Entry("INITiate[:IMMediate]", access="set", name="initiate"), Entry("ABORt", access="set"),
    _value("FORMat:ASCii:PRECision", Number("", 0, 16, integer=True), 0), _value("FORMat:BORDer", Raw(), "SWAP"),
    _value("FORMat[:DATA]", words("ASCii|REAL|SREal"), "ASC"), _done("SCRipt:RUN"),
)
_TRIGGER = (
    _asked("TRIGger:STATe", "IDLE;IDLE;0"), _asked("TRIGger:BLOCk:LIST", "Empty"), _done("TRIGger:LOAD"),
    _done("TRIGger:PAUSe"), _done("TRIGger:RESume"), _done("TRIGger:CONTinuous"),
    *[_done(f"TRIGger:BLOCk:{node}") for node in (
        "BRANch:ALWays", "BRANch:COUNter", "BRANch:COUNter:RESet", "BRANch:DELTa", "BRANch:EVENt",
        "BRANch:LIMit:CONStant", "BRANch:LIMit:DYNamic", "BRANch:ONCE", "BRANch:ONCE:EXCLuded", "BUFFer:CLEar",
        "CONFig:NEXT", "CONFig:PREVious",
        "CONFig:RECall", "DELay:CONStant", "DELay:DYNamic", "DIGital:IO", "LOG:EVENt", "MDIGitize", "NOP", "NOTify",
        "WAIT")],
    _asked("TRIGger:BLOCk:BRANch:COUNter:COUNt", "0"),
    *[_done(f"TRIGger:{node}:CLEar") for node in (
        "BLENder<n>", "DIGital<n>:IN", "EXTernal:IN", "LAN<n>:IN", "TIMer<n>")],
    *[_asked(f"TRIGger:{node}:OVERrun", "0") for node in (
        "BLENder<n>", "DIGital<n>:IN", "EXTernal:IN", "LAN<n>:IN", "TIMer<n>:STARt")],
    *[_value(f"TRIGger:{node}", Raw(), default) for node, default in (
        ("BLENder<n>:MODE", "AND"), ("BLENder<n>:STIMulus<m>", "NONE"), ("DIGital<n>:IN:EDGE", "FALL"),
        ("DIGital<n>:OUT:LOGic", "NEG"), ("DIGital<n>:OUT:PULSewidth", "1e-05"), ("DIGital<n>:OUT:STIMulus", "NONE"),
        ("EXTernal:IN:EDGE", "FALL"), ("EXTernal:OUT:LOGic", "NEG"), ("EXTernal:OUT:STIMulus", "NONE"),
        ("LAN<n>:IN:EDGE", "EITH"), ("LAN<n>:OUT:CONNect:STATe", "0"), ("LAN<n>:OUT:IP:ADDRess", "0.0.0.0"),  # noqa: S104
        ("LAN<n>:OUT:LOGic", "NEG"), ("LAN<n>:OUT:PROTocol", "TCP"), ("LAN<n>:OUT:STIMulus", "NONE"),
        ("TIMer<n>:COUNt", "1"), ("TIMer<n>:DELay", "1e-05"), ("TIMer<n>:STARt:FRACtional", "0"),
        ("TIMer<n>:STARt:GENerate", "0"), ("TIMer<n>:STARt:SEConds", "0"), ("TIMer<n>:STARt:STIMulus", "NONE"),
        ("TIMer<n>:STATe", "0"))],
)
_DIGITAL = (
    Entry("DIGital:LINE<n>:MODE", (Raw(), Raw()), ("DIG", "IN")), _value("DIGital:LINE<n>:STATe", Raw(), "1"),
    _asked("DIGital:READ", "63"), _done("DIGital:WRITe"),
)
_LISTS = (
    _asked("[SENSe:]CONFiguration:LIST:CATalog", '""'), _asked("[SENSe:]CONFiguration:LIST:QUERy", '""'),
    _asked("[SENSe:]CONFiguration:LIST:SIZE", "0"),
    *[_done(f"[SENSe:]CONFiguration:LIST:{node}") for node in ("CREate", "DELete", "RECall", "STORe")],
)
_DISPLAY = (
    _value("DISPlay:BUFFer:ACTive", Text(), "defbuffer1"), _done("DISPlay:CLEar"),
    _value("DISPlay:LIGHt:STATe", Raw(), "ON50"), _value("DISPlay:READing:FORMat", words("PREFix|EXPonent"), "PREF"),
    _done("DISPlay:SCReen"), _done("DISPlay:USER<n>:TEXT[:DATA]"), _value("DISPlay:WATCh:CHANnels", Raw(), "(@1)"),
)
_SYSTEM = (
    Entry("*LANG", (words("SCPI|TSP|SCPI2000|SCPI34401"),), "SCPI", name="language", resets=False),
    Entry("SYSTem:CARD1:IDN", access="query", name="card"), _asked("SYSTem:CARD1:VCHannel[:STARt]", "1"),
    _asked("SYSTem:CARD1:VCHannel:END", "10"), _asked("SYSTem:CARD1:VMAX", "110"), _done("SYSTem:PCARd1"),
    _value("SYSTem:ACCess", Raw(), "FULL", resets=False), _done("SYSTem:BEEPer[:IMMediate]"),
    Entry("SYSTem:CLEar", access="set", name="clear_log"),
    _value("SYSTem:COMMunication:LAN:CONFigure", Text(), "AUTO", resets=False),
    _asked("SYSTem:COMMunication:LAN:MACaddress", '"00:00:00:00:00:00"'),
    Entry("SYSTem:ERRor:CODE[:NEXT]", access="query", name="error_code"),
    Entry("SYSTem:ERRor:COUNt", access="query", name="error_count"),
    Entry("SYSTem:EVENtlog:COUNt", access="query", name="event_count", query_kinds=_RAWS),
    Entry("SYSTem:EVENtlog:NEXT", access="query", name="event", query_kinds=_RAWS),
    _done("SYSTem:EVENtlog:POST"), _done("SYSTem:EVENtlog:SAVE"),
    _value("SYSTem:GPIB:ADDRess", Number("", 1, 30, integer=True), 16, resets=False),
    Entry("SYSTem:LFRequency", access="query", name="line"), _done("SYSTem:PASSword:NEW"),
    _value("SYSTem:POSetup", words("RST|SAV0|SAV1|SAV2|SAV3|SAV4"), "RST", resets=False),
    Entry("SYSTem:TIME", (Raw(),) * 6, ("2026", "1", "1", "0", "0", "0"), required=1, many=True, name="time",
          query_kinds=_RAWS, resets=False),
    _asked("SYSTem:VERSion", "1999.0"), _done("STATus:CLEar"),
    Entry("STATus:OPERation:MAP", (Raw(),) * 3, ("0", "0", "0"), required=2, name="map", topic="operation",
          query_kinds=_RAWS),
    Entry("STATus:QUEStionable:MAP", (Raw(),) * 3, ("0", "0", "0"), required=2, name="map", topic="questionable",
          query_kinds=_RAWS),
)
OTHERS = (*ROUTE, *_BUFFER, *_MEASURE, *_TRIGGER, *_DIGITAL, *_LISTS, *_DISPLAY, *_SYSTEM)
"""Everything but the settings of functions."""
