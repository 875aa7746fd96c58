"""No header of the DMM6500 manual is unknown to its twin. The list is that of LabEquipmentController.

``<function>`` stands for a function that has the setting, and ``[SENSe:]`` for ``[:SENSe[1]]:``.
"""

from __future__ import annotations

import pytest

from labkit.clock import VirtualClock
from labkit.instrument.notation import parse_notation
from labkit.sim.twin import TwinEnvironment
from labkit_instruments.multimeter.keithley_dmm6500_sim import DMM6500Twin

MANUAL = """
*CLS|*ESE?|*ESE|*ESR?|*IDN?|*OPC?|*OPC|*RCL|*RST|*SAV|*SRE?|*SRE|*STB?|*TRG|*TST?|*WAI|*LANG?|*LANG
ROUTe:SCAN:STATe?|ROUTe[:CHANnel]:CLOSe?|ROUTe[:CHANnel]:CLOSe|ROUTe[:CHANnel]:CLOSe:COUNt?|ROUTe[:CHANnel]:DELay?
ROUTe[:CHANnel]:DELay|ROUTe[:CHANnel]:LABel?|ROUTe[:CHANnel]:LABel|ROUTe[:CHANnel]:MULTiple:CLOSe?
ROUTe[:CHANnel]:MULTiple:CLOSe|ROUTe[:CHANnel]:MULTiple:OPEN|ROUTe[:CHANnel]:OPEN|ROUTe[:CHANnel]:OPEN:ALL
ROUTe[:CHANnel]:STATe?|ROUTe[:CHANnel]:TYPE?|ROUTe:SCAN:ADD|ROUTe:SCAN:ADD:SINGle|ROUTe:SCAN:ALARm?
ROUTe:SCAN:BUFFer?|ROUTe:SCAN:BUFFer|ROUTe:SCAN:BYPass|ROUTe:SCAN:CHANnel:STIMulus?|ROUTe:SCAN:CHANnel:STIMulus
ROUTe:SCAN:COUNt:SCAN?|ROUTe:SCAN:COUNt:SCAN|ROUTe:SCAN:COUNt:STEP?|ROUTe:SCAN[:CREate]?|ROUTe:SCAN[:CREate]
ROUTe:SCAN:INTerval?|ROUTe:SCAN:INTerval|ROUTe:SCAN:LEARn:LIMits|ROUTe:SCAN:MEASure:STIMulus?
ROUTe:SCAN:MEASure:STIMulus|ROUTe:SCAN:MEASure:INTerval?|ROUTe:SCAN:MEASure:INTerval|ROUTe:SCAN:MODE?
ROUTe:SCAN:MODE|ROUTe:SCAN:MONitor:CHANnel?|ROUTe:SCAN:MONitor:CHANnel|ROUTe:SCAN:MONitor:LIMit:LOWer[:DATA]?
ROUTe:SCAN:MONitor:LIMit:LOWer[:DATA]|ROUTe:SCAN:MONitor:LIMit:UPPer[:DATA]?|ROUTe:SCAN:MONitor:LIMit:UPPer[:DATA]
ROUTe:SCAN:MONitor:MODE?|ROUTe:SCAN:RESTart?|ROUTe:SCAN:RESTart|ROUTe:SCAN:STARt:STIMulus?|ROUTe:SCAN:STARt:STIMulus
ROUTe:TERMinals?|TRACe:STATistics:PK2Pk?|TRACe:ACTual?|TRACe:ACTual:END?|TRACe:ACTual:STARt?|TRACe:CHANnel:MATH
TRACe:CLEar|TRACe:DATA?|TRACe:DELete|TRACe:FILL:MODE?|TRACe:FILL:MODE|TRACe:LOG:STATe?|TRACe:LOG:STATe|TRACe:MAKE
TRACe:MATH|TRACe:POINts?|TRACe:POINts|TRACe:SAVE|TRACe:SAVE:APPend|TRACe:STATistics:AVERage?|TRACe:STATistics:CLEar
TRACe:STATistics:MAXimum?|TRACe:STATistics:MINimum?|TRACe:STATistics:SPAN?|TRACe:STATistics:STDDev?|TRACe:TRIGger
TRACe:TRIGger:DIGitize|TRACe:UNIT|TRACe:WRITe:FORMat|TRACe:WRITe:READing|DIGital:LINE2:STATe?|DIGital:LINE3:STATe?
DIGital:READ?|DIGital:LINE<n>:MODE?|DIGital:LINE<n>:MODE|DIGital:LINE<n>:STATe?|DIGital:LINE<n>:STATe|INIT|FETCh?
READ:DIGitize?|READ?|ABORt|INITiate[:IMMediate]|TRIGger:STATe?|TRIGger:BLENder<n>:CLEar|TRIGger:BLENder<n>:MODE?
TRIGger:BLENder<n>:MODE|TRIGger:BLENder<n>:OVERrun?|TRIGger:BLENder<n>:STIMulus<m>?|TRIGger:BLENder<n>:STIMulus<m>
TRIGger:BLOCk:BRANch:ALWays|TRIGger:BLOCk:BRANch:COUNter|TRIGger:BLOCk:BRANch:COUNter:COUNt?
TRIGger:BLOCk:BRANch:COUNter:RESet|TRIGger:BLOCk:BRANch:DELTa|TRIGger:BLOCk:BRANch:EVENt
TRIGger:BLOCk:BRANch:LIMit:CONStant|TRIGger:BLOCk:BRANch:LIMit:DYNamic|TRIGger:BLOCk:BRANch:ONCE
TRIGger:BLOCk:BRANch:ONCE:EXCLuded|TRIGger:BLOCk:BUFFer:CLEar|TRIGger:BLOCk:CONFig:NEXT
TRIGger:BLOCk:CONFig:PREVious|TRIGger:BLOCk:CONFig:RECall|TRIGger:BLOCk:DELay:CONStant|TRIGger:BLOCk:DELay:DYNamic
TRIGger:BLOCk:DIGital:IO|TRIGger:BLOCk:LIST?|TRIGger:BLOCk:LOG:EVENt|TRIGger:BLOCk:MDIGitize|TRIGger:BLOCk:NOP
TRIGger:BLOCk:NOTify|TRIGger:BLOCk:WAIT|TRIGger:DIGital<n>:IN:CLEar|TRIGger:DIGital<n>:IN:EDGE?
TRIGger:DIGital<n>:IN:EDGE|TRIGger:DIGital<n>:IN:OVERrun?|TRIGger:DIGital<n>:OUT:LOGic?|TRIGger:DIGital<n>:OUT:LOGic
TRIGger:DIGital<n>:OUT:PULSewidth?|TRIGger:DIGital<n>:OUT:PULSewidth|TRIGger:DIGital<n>:OUT:STIMulus?
TRIGger:DIGital<n>:OUT:STIMulus|TRIGger:EXTernal:IN:CLEar|TRIGger:EXTernal:IN:EDGE?|TRIGger:EXTernal:IN:EDGE
TRIGger:EXTernal:IN:OVERrun?|TRIGger:EXTernal:OUT:LOGic?|TRIGger:EXTernal:OUT:STIMulus|TRIGger:LAN<n>:IN:CLEar
TRIGger:LAN<n>:IN:EDGE?|TRIGger:LAN<n>:IN:EDGE|TRIGger:LAN<n>:IN:OVERrun?|TRIGger:LAN<n>:OUT:CONNect:STATe?
TRIGger:LAN<n>:OUT:CONNect:STATe|TRIGger:LAN<n>:OUT:IP:ADDRess?|TRIGger:LAN<n>:OUT:LOGic|TRIGger:LAN<n>:OUT:PROTocol
TRIGger:LAN<n>:OUT:STIMulus?|TRIGger:LAN<n>:OUT:STIMulus|TRIGger:PAUSe|TRIGger:RESume|TRIGger:TIMer<n>:CLEar
TRIGger:TIMer<n>:COUNt?|TRIGger:TIMer<n>:COUNt|TRIGger:TIMer<n>:DELay?|TRIGger:TIMer<n>:DELay
TRIGger:TIMer<n>:STARt:FRACtional?|TRIGger:TIMer<n>:STARt:FRACtional|TRIGger:TIMer<n>:STARt:GENerate?
TRIGger:TIMer<n>:STARt:GENerate|TRIGger:TIMer<n>:STARt:OVERrun?|TRIGger:TIMer<n>:STARt:SEConds?
TRIGger:TIMer<n>:STARt:SEConds|TRIGger:TIMer<n>:STARt:STIMulus?|TRIGger:TIMer<n>:STARt:STIMulus
TRIGger:TIMer<n>:STATe?|TRIGger:TIMer<n>:STATe|MEASure:DIGitize?|MEASure?|MEASure:<function>?
CALCulate2:<function>:LIMit<n>:AUDible?|CALCulate2:<function>:LIMit<n>:AUDible
CALCulate2:<function>:LIMit<n>:CLEar:AUTO?|CALCulate2:<function>:LIMit<n>:CLEar:AUTO
CALCulate2:<function>:LIMit<n>:CLEar[:IMMediate]|CALCulate2:<function>:LIMit<n>:FAIL?
CALCulate2:<function>:LIMit<n>:LOWer[:DATA]?|CALCulate2:<function>:LIMit<n>:LOWer[:DATA]
CALCulate2:<function>:LIMit<n>:STATe?|CALCulate2:<function>:LIMit<n>:STATe
CALCulate2:<function>:LIMit<n>:UPPer[:DATA]?|CALCulate2:<function>:LIMit<n>:UPPer[:DATA]
CALCulate:<function>:MATH:FORMat?|CALCulate:<function>:MATH:FORMat|CALCulate:<function>:MATH:MBFactor?
CALCulate:<function>:MATH:MBFactor|CALCulate:<function>:MATH:MMFactor?|CALCulate:<function>:MATH:MMFactor
CALCulate:<function>:MATH:PERCent?|CALCulate:<function>:MATH:PERCent|CALCulate:<function>:MATH:STATe?
CALCulate:<function>:MATH:STATe|DISPlay:BUFFer:ACTive?|DISPlay:BUFFer:ACTive|DISPlay:CLEar
DISPlay:<function>:DIGits?|DISPlay:<function>:DIGits|DISPlay:LIGHt:STATe?|DISPlay:LIGHt:STATe
DISPlay:READing:FORMat?|DISPlay:READing:FORMat|DISPlay:SCReen|DISPlay:USER<n>:TEXT[:DATA]|DISPlay:WATCh:CHANnels?
DISPlay:WATCh:CHANnels|FORMat:ASCii:PRECision?|FORMat:ASCii:PRECision|FORMat:BORDer?|FORMat:BORDer|FORMat[:DATA]?
FORMat[:DATA]|SCRipt:RUN|[SENSe:]<function>:APERture?|[SENSe:]<function>:APERture
[SENSe:]<function>:ATRigger:EDGE:LEVel?|[SENSe:]<function>:ATRigger:EDGE:LEVel
[SENSe:]<function>:ATRigger:EDGE:SLOPe?|[SENSe:]<function>:ATRigger:EDGE:SLOPe|[SENSe:]<function>:ATRigger:MODE?
[SENSe:]<function>:ATRigger:MODE|[SENSe:]<function>:ATRigger:WINDow:DIRection?
[SENSe:]<function>:ATRigger:WINDow:DIRection|[SENSe:]<function>:ATRigger:WINDow:LEVel:HIGH?
[SENSe:]<function>:ATRigger:WINDow:LEVel:HIGH|[SENSe:]<function>:ATRigger:WINDow:LEVel:LOW?
[SENSe:]<function>:ATRigger:WINDow:LEVel:LOW|[SENSe:]<function>:AVERage:COUNt?|[SENSe:]<function>:AVERage:COUNt
[SENSe:]<function>:AVERage[:STATe]?|[SENSe:]<function>:AVERage[:STATe]|[SENSe:]<function>:AVERage:TCONtrol?
[SENSe:]<function>:AVERage:TCONtrol|[SENSe:]<function>:AVERage:WINDow?|[SENSe:]<function>:AVERage:WINDow
[SENSe:]<function>:AZERo[:STATe]?|[SENSe:]<function>:AZERo[:STATe]|[SENSe:]<function>:BIAS:LEVel?
[SENSe:]<function>:BIAS:LEVel|[SENSe:]<function>:DB:REFerence?|[SENSe:]<function>:DB:REFerence
[SENSe:]<function>:DBM:REFerence?|[SENSe:]<function>:DBM:REFerence|[SENSe:]<function>:DELay:AUTO?
[SENSe:]<function>:DELay:AUTO|[SENSe:]<function>:DELay:USER<n>?|[SENSe:]<function>:DELay:USER<n>
[SENSe:]<function>:DETector:BANDwidth?|[SENSe:]<function>:DETector:BANDwidth|[SENSe:]<function>:INPutimpedance?
[SENSe:]<function>:INPutimpedance|[SENSe:]<function>:LINE:SYNC?|[SENSe:]<function>:LINE:SYNC
[SENSe:]<function>:NPLCycles?|[SENSe:]<function>:NPLCycles|[SENSe:]<function>:OCOMpensated?
[SENSe:]<function>:OCOMpensated|[SENSe:]<function>:ODETector?|[SENSe:]<function>:ODETector
[SENSe:]<function>:RANGe:AUTO?|[SENSe:]<function>:RANGe:AUTO|[SENSe:]<function>:RANGe[:UPPer]?
[SENSe:]<function>:RANGe[:UPPer]|[SENSe:]<function>:RELative?|[SENSe:]<function>:RELative
[SENSe:]<function>:RELative:ACQuire|[SENSe:]<function>:RELative:METHod?|[SENSe:]<function>:RELative:METHod
[SENSe:]<function>:RELative:STATe?|[SENSe:]<function>:RELative:STATe|[SENSe:]<function>:RTD:ALPHa?
[SENSe:]<function>:RTD:ALPHa|[SENSe:]<function>:RTD:BETA?|[SENSe:]<function>:RTD:BETA|[SENSe:]<function>:RTD:DELTa?
[SENSe:]<function>:RTD:DELTa|[SENSe:]<function>:RTD:FOUR?|[SENSe:]<function>:RTD:FOUR|[SENSe:]<function>:RTD:THRee?
[SENSe:]<function>:RTD:THRee|[SENSe:]<function>:RTD:TWO?|[SENSe:]<function>:RTD:TWO|[SENSe:]<function>:RTD:ZERO?
[SENSe:]<function>:RTD:ZERO|[SENSe:]<function>:SRATe?|[SENSe:]<function>:SRATe
[SENSe:]<function>:SENSe:RANGe[:UPPer]?|[SENSe:]<function>:TCouple:RJUNction:SIMulated?
[SENSe:]<function>:TCouple:RJUNction:SIMulated|[SENSe:]<function>:TCouple:RJUNction:RSELect?
[SENSe:]<function>:TCouple:RJUNction:RSELect|[SENSe:]<function>:TCouple:TYPE?|[SENSe:]<function>:TCouple:TYPE
[SENSe:]<function>:THERmistor?|[SENSe:]<function>:THERmistor|[SENSe:]<function>:THReshold:RANGe?
[SENSe:]<function>:THReshold:RANGe|[SENSe:]<function>:THReshold:RANGe:AUTO?|[SENSe:]<function>:THReshold:RANGe:AUTO
[SENSe:]<function>:TRANsducer?|[SENSe:]<function>:TRANsducer|[SENSe:]<function>:UNIT?|[SENSe:]<function>:UNIT
[SENSe:]AZERo:ONCE|[SENSe:]CONFiguration:LIST:CATalog?|[SENSe:]CONFiguration:LIST:CREate
[SENSe:]CONFiguration:LIST:DELete|[SENSe:]CONFiguration:LIST:QUERy?|[SENSe:]CONFiguration:LIST:RECall
[SENSe:]CONFiguration:LIST:SIZE?|[SENSe:]CONFiguration:LIST:STORe|[SENSe:]COUNt?|[SENSe:]COUNt
[SENSe:]DIGitize:COUNt?|[SENSe:]DIGitize:COUNt|[SENSe:]DIGitize:FUNCtion[:ON]?|[SENSe:]DIGitize:FUNCtion[:ON]
[SENSe:]FUNCtion[:ON]?|[SENSe:]FUNCtion[:ON]|STATus:CLEar|STATus:OPERation:CONDition?|STATus:OPERation:ENABle?
STATus:OPERation:ENABle|STATus:OPERation:MAP?|STATus:OPERation:MAP|STATus:OPERation[:EVENt]?|STATus:PRESet
STATus:QUEStionable:CONDition?|STATus:QUEStionable:ENABle?|STATus:QUEStionable:ENABle|STATus:QUEStionable:MAP?
STATus:QUEStionable:MAP|STATus:QUEStionable[:EVENt]?|SYSTem:ACCess?|SYSTem:ACCess|SYSTem:BEEPer[:IMMediate]
SYSTem:CARD1:IDN?|SYSTem:CARD1:VCHannel[:STARt]?|SYSTem:CARD1:VCHannel:END?|SYSTem:CARD1:VMAX?|SYSTem:CLEar
SYSTem:COMMunication:LAN:CONFigure?|SYSTem:COMMunication:LAN:CONFigure|SYSTem:COMMunication:LAN:MACaddress?
SYSTem:ERRor[:NEXT]?|SYSTem:ERRor:CODE[:NEXT]?|SYSTem:ERRor:COUNt?|SYSTem:EVENtlog:COUNt?|SYSTem:EVENtlog:NEXT?
SYSTem:EVENtlog:POST|SYSTem:EVENtlog:SAVE|SYSTem:GPIB:ADDRess?|SYSTem:GPIB:ADDRess|SYSTem:LFRequency?
SYSTem:PASSword:NEW|SYSTem:PCARd1|SYSTem:POSetup?|SYSTem:POSetup|SYSTem:TIME|SYSTem:VERSion?
"""
HAVING = {
    "VOLTage:AC": (":DETector",), "DIODe": (":BIAS",), "FRESistance": (":ODETector", ":OCOMpensated"),
    "FREQuency[:VOLTage]": (":THReshold",), "VOLTage[:DC]:RATio": (":SENSe:RANGe",), "DIGitize:VOLTage": (":SRATe",),
    "TEMPerature": (":RTD", ":TCouple", ":THERmistor", ":TRANsducer"),
}


def headers() -> list[str]:
    found = []
    for header in MANUAL.replace("\n", "|").strip("|").split("|"):
        function = next((name for name, leaves in HAVING.items() if any(leaf in header for leaf in leaves)),
                        "VOLTage[:DC]")
        found.append(header.replace("<function>", function))
    return found


def forms(header: str) -> list[str]:
    """Return the shortest and the longest text of a header."""
    if header[0] == "*":
        return [header]
    mark = "?" if header.endswith("?") else ""
    nodes = parse_notation(header.rstrip("?"))
    long = ":".join(node.long + ("1" if node.suffix else "") for node in nodes) + mark
    short = ":".join(node.short + ("1" if node.suffix else "") for node in nodes if not node.optional) + mark
    return [short, long.lower()]


@pytest.fixture(scope="module")
def twin() -> DMM6500Twin:
    return DMM6500Twin(TwinEnvironment("dmm", "SIM0001", VirtualClock(), 1, {}))


@pytest.mark.parametrize("header", headers())
def test_no_header_of_the_manual_is_undefined(twin: DMM6500Twin, header: str) -> None:
    numbered = header.replace("[SENSe:]", "SENSe1:").replace("CALCulate:", "CALCulate1:")
    for text in {*forms(header), *forms(numbered)}:
        twin.errors.clear()
        twin.handle(text)
        assert -113 not in [number for number, _ in iter(twin.errors.pop, (0, "No error"))], text


@pytest.mark.parametrize("header", ["VOLT:AC:NPLC?", "CURR:AC:NPLC?", "FREQ:RANG:AUTO?", "CAP:NPLC?", "CONT:RANG?"])
def test_what_a_function_lacks_is_undefined_and_silent(twin: DMM6500Twin, header: str) -> None:
    twin.errors.clear()
    assert twin.handle(header).text is None
    assert twin.errors.pop()[0] == -113
