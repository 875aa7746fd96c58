"""No header of the Truevolt guide is unknown to the twin of the 34465A. The list is that of LabEquipmentController."""

from __future__ import annotations

import pytest

from labkit.clock import VirtualClock
from labkit.instrument.notation import parse_notation
from labkit.sim.twin import TwinEnvironment
from labkit_instruments.multimeter.keysight_34465a_sim import K34465ATwin

GUIDE = """
*CAL?|*CLS|*ESE?|*ESE|*ESR?|*IDN?|*LRN?|*OPC?|*OPC|*OPT?|*PSC?|*PSC|*RCL|*RST|*SAV|*SRE?|*SRE|*STB?|*TRG|*TST?|*WAI
MEASure:FREQuency?|MEASure:PERiod?|MEASure:RESistance?|MEASure:FRESistance?|MEASure:CAPacitance?|MEASure:CONTinuity?
MEASure:CURRent:AC?|MEASure:CURRent:DC?|MEASure:DIODe?|MEASure:TEMPerature?|MEASure[:VOLTage]:AC?
MEASure[:VOLTage]:DC?|MEASure[:VOLTage][:DC]:RATio?|CONFigure:FREQuency|CONFigure:PERiod|CONFigure:RESistance
CONFigure:FRESistance|CONFigure:CAPacitance|CONFigure:CONTinuity|CONFigure:CURRent:AC|CONFigure:CURRent:DC
CONFigure:DIODe|CONFigure:TEMPerature|CONFigure?|CONFigure[:VOLTage]:AC|CONFigure[:VOLTage]:DC
CONFigure[:VOLTage][:DC]:RATio|[SENSe:]FREQuency:APERture?|[SENSe:]FREQuency:APERture|[SENSe:]PERiod:APERture?
[SENSe:]PERiod:APERture|[SENSe:]FREQuency:NULL:VALue?|[SENSe:]FREQuency:NULL:VALue|[SENSe:]PERiod:NULL:VALue?
[SENSe:]PERiod:NULL:VALue|[SENSe:]FREQuency:NULL:VALue:AUTO?|[SENSe:]FREQuency:NULL:VALue:AUTO
[SENSe:]PERiod:NULL:VALue:AUTO?|[SENSe:]PERiod:NULL:VALue:AUTO|[SENSe:]FREQuency:NULL[:STATe]?
[SENSe:]FREQuency:NULL[:STATe]|[SENSe:]PERiod:NULL[:STATe]?|[SENSe:]PERiod:NULL[:STATe]
[SENSe:]FREQuency:RANGe:LOWer?|[SENSe:]FREQuency:RANGe:LOWer|[SENSe:]PERiod:RANGe:LOWer?|[SENSe:]PERiod:RANGe:LOWer
[SENSe:]FREQuency:TIMeout:AUTO?|[SENSe:]FREQuency:TIMeout:AUTO|[SENSe:]PERiod:TIMeout:AUTO?
[SENSe:]PERiod:TIMeout:AUTO|[SENSe:]FREQuency:VOLTage:RANGe?|[SENSe:]FREQuency:VOLTage:RANGe
[SENSe:]PERiod:VOLTage:RANGe?|[SENSe:]PERiod:VOLTage:RANGe|[SENSe:]FREQuency:VOLTage:RANGe:AUTO?
[SENSe:]FREQuency:VOLTage:RANGe:AUTO|[SENSe:]PERiod:VOLTage:RANGe:AUTO?|[SENSe:]PERiod:VOLTage:RANGe:AUTO
[SENSe:]FRESistance:SECondary?|[SENSe:]FRESistance:SECondary|[SENSe:]RESistance:SECondary?
[SENSe:]RESistance:SECondary|[SENSe:]RESistance:APERture?|[SENSe:]RESistance:APERture|[SENSe:]FRESistance:APERture?
[SENSe:]FRESistance:APERture|[SENSe:]RESistance:APERture:ENABled?|[SENSe:]RESistance:APERture:ENABled
[SENSe:]FRESistance:APERture:ENABled?|[SENSe:]FRESistance:APERture:ENABled|[SENSe:]RESistance:NPLC?
[SENSe:]RESistance:NPLC|[SENSe:]FRESistance:NPLC?|[SENSe:]FRESistance:NPLC|[SENSe:]RESistance:NULL:VALue?
[SENSe:]RESistance:NULL:VALue|[SENSe:]FRESistance:NULL:VALue?|[SENSe:]FRESistance:NULL:VALue
[SENSe:]RESistance:NULL:VALue:AUTO?|[SENSe:]RESistance:NULL:VALue:AUTO|[SENSe:]FRESistance:NULL:VALue:AUTO?
[SENSe:]FRESistance:NULL:VALue:AUTO|[SENSe:]RESistance:NULL[:STATe]?|[SENSe:]RESistance:NULL[:STATe]
[SENSe:]FRESistance:NULL[:STATe]?|[SENSe:]FRESistance:NULL[:STATe]|[SENSe:]RESistance:OCOMpensated?
[SENSe:]RESistance:OCOMpensated|[SENSe:]FRESistance:OCOMpensated?|[SENSe:]FRESistance:OCOMpensated
[SENSe:]RESistance:POWer:LIMit[:STATe]?|[SENSe:]RESistance:POWer:LIMit[:STATe]
[SENSe:]FRESistance:POWer:LIMit[:STATe]?|[SENSe:]FRESistance:POWer:LIMit[:STATe]|[SENSe:]RESistance:RANGe?
[SENSe:]RESistance:RANGe|[SENSe:]FRESistance:RANGe?|[SENSe:]FRESistance:RANGe|[SENSe:]RESistance:RANGe:AUTO?
[SENSe:]RESistance:RANGe:AUTO|[SENSe:]FRESistance:RANGe:AUTO?|[SENSe:]FRESistance:RANGe:AUTO
[SENSe:]RESistance:RESolution?|[SENSe:]RESistance:RESolution|[SENSe:]FRESistance:RESolution?
[SENSe:]FRESistance:RESolution|[SENSe:]CAPacitance:NULL:VALue?|[SENSe:]CAPacitance:NULL:VALue
[SENSe:]CAPacitance:NULL:VALue:AUTO?|[SENSe:]CAPacitance:NULL:VALue:AUTO|[SENSe:]CAPacitance:RANGe?
[SENSe:]CAPacitance:RANGe|[SENSe:]CAPacitance:RANGe:AUTO?|[SENSe:]CAPacitance:RANGe:AUTO
[SENSe:]CAPacitance:SECondary?|[SENSe:]CAPacitance:SECondary|[SENSe:]CURRent:AC:NULL:VALue?
[SENSe:]CURRent:AC:NULL:VALue|[SENSe:]CURRent:DC:NULL:VALue?|[SENSe:]CURRent:DC:NULL:VALue
[SENSe:]CURRent:AC:NULL:VALue:AUTO?|[SENSe:]CURRent:AC:NULL:VALue:AUTO|[SENSe:]CURRent:DC:NULL:VALue:AUTO?
[SENSe:]CURRent:DC:NULL:VALue:AUTO|[SENSe:]CURRent:AC:NULL[:STATe]?|[SENSe:]CURRent:AC:NULL[:STATe]
[SENSe:]CURRent:DC:NULL[:STATe]?|[SENSe:]CURRent:DC:NULL[:STATe]|[SENSe:]CURRent:AC:RANGe?|[SENSe:]CURRent:AC:RANGe
[SENSe:]CURRent:DC:RANGe?|[SENSe:]CURRent:DC:RANGe|[SENSe:]CURRent:AC:RANGe:AUTO?|[SENSe:]CURRent:AC:RANGe:AUTO
[SENSe:]CURRent:DC:RANGe:AUTO?|[SENSe:]CURRent:DC:RANGe:AUTO|[SENSe:]CURRent:AC:TERMinals?
[SENSe:]CURRent:AC:TERMinals|[SENSe:]CURRent:DC:TERMinals?|[SENSe:]CURRent:DC:TERMinals
[SENSe:]CURRent:AC:BANDwidth?|[SENSe:]CURRent:AC:BANDwidth|[SENSe:]CURRent:AC:SECondary?
[SENSe:]CURRent:AC:SECondary|[SENSe:]CURRent:SWITch:MODE?|[SENSe:]CURRent:SWITch:MODE|[SENSe:]CURRent[:DC]:APERture?
[SENSe:]CURRent[:DC]:APERture|[SENSe:]CURRent[:DC]:APERture:ENABled?|[SENSe:]CURRent[:DC]:APERture:ENABled
[SENSe:]CURRent[:DC]:NPLC?|[SENSe:]CURRent[:DC]:NPLC|[SENSe:]CURRent[:DC]:RESolution?
[SENSe:]CURRent[:DC]:RESolution|[SENSe:]CURRent[:DC]:SECondary?|[SENSe:]CURRent[:DC]:SECondary
[SENSe:]CURRent[:DC]:ZERO:AUTO?|[SENSe:]CURRent[:DC]:ZERO:AUTO|[SENSe:]FREQuency:SECondary?
[SENSe:]FREQuency:SECondary|[SENSe:]PERiod:SECondary?|[SENSe:]PERiod:SECondary|[SENSe:]RESistance:ZERO:AUTO?
[SENSe:]RESistance:ZERO:AUTO|[SENSe:]TEMPerature:APERture?|[SENSe:]TEMPerature:APERture
[SENSe:]TEMPerature:APERture:ENABled?|[SENSe:]TEMPerature:APERture:ENABled|[SENSe:]TEMPerature:NPLC?
[SENSe:]TEMPerature:NPLC|[SENSe:]TEMPerature:NULL:VALue?|[SENSe:]TEMPerature:NULL:VALue
[SENSe:]TEMPerature:NULL:VALue:AUTO?|[SENSe:]TEMPerature:NULL:VALue:AUTO|[SENSe:]TEMPerature:NULL[:STATe]?
[SENSe:]TEMPerature:NULL[:STATe]|[SENSe:]TEMPerature:SECondary?|[SENSe:]TEMPerature:SECondary
[SENSe:]TEMPerature:TRANsducer:FRTD:OCOMpensated?|[SENSe:]TEMPerature:TRANsducer:FRTD:OCOMpensated
[SENSe:]TEMPerature:TRANsducer:RTD:OCOMpensated?|[SENSe:]TEMPerature:TRANsducer:RTD:OCOMpensated
[SENSe:]TEMPerature:TRANsducer:FRTD:POWer:LIMit[:STATe]?|[SENSe:]TEMPerature:TRANsducer:FRTD:POWer:LIMit[:STATe]
[SENSe:]TEMPerature:TRANsducer:RTD:POWer:LIMit[:STATe]?|[SENSe:]TEMPerature:TRANsducer:RTD:POWer:LIMit[:STATe]
[SENSe:]TEMPerature:TRANsducer:FRTD:RESistance[:REFerence]?
[SENSe:]TEMPerature:TRANsducer:FRTD:RESistance[:REFerence]
[SENSe:]TEMPerature:TRANsducer:RTD:RESistance[:REFerence]?|[SENSe:]TEMPerature:TRANsducer:RTD:RESistance[:REFerence]
[SENSe:]TEMPerature:TRANsducer:FTHermistor:POWer:LIMit[:STATe]?
[SENSe:]TEMPerature:TRANsducer:FTHermistor:POWer:LIMit[:STATe]
[SENSe:]TEMPerature:TRANsducer:THERmistor:POWer:LIMit[:STATe]?
[SENSe:]TEMPerature:TRANsducer:THERmistor:POWer:LIMit[:STATe]|[SENSe:]TEMPerature:TRANsducer:TCouple:CHECk?
[SENSe:]TEMPerature:TRANsducer:TCouple:CHECk|[SENSe:]TEMPerature:TRANsducer:TCouple:RJUNction:OFFSet:ADJust
[SENSe:]TEMPerature:TRANsducer:TCouple:RJUNction:TYPE?|[SENSe:]TEMPerature:TRANsducer:TCouple:RJUNction:TYPE
[SENSe:]TEMPerature:TRANsducer:TCouple:RJUNction?|[SENSe:]TEMPerature:TRANsducer:TCouple:TYPE?
[SENSe:]TEMPerature:TRANsducer:TCouple:TYPE|[SENSe:]TEMPerature:TRANsducer:TYPE?|[SENSe:]TEMPerature:TRANsducer:TYPE
[SENSe:]TEMPerature:ZERO:AUTO?|[SENSe:]TEMPerature:ZERO:AUTO|[SENSe:]VOLTage:AC:NULL:VALue?
[SENSe:]VOLTage:AC:NULL:VALue|[SENSe:]VOLTage:DC:NULL:VALue?|[SENSe:]VOLTage:DC:NULL:VALue
[SENSe:]VOLTage:AC:NULL:VALue:AUTO?|[SENSe:]VOLTage:AC:NULL:VALue:AUTO|[SENSe:]VOLTage:DC:NULL:VALue:AUTO?
[SENSe:]VOLTage:DC:NULL:VALue:AUTO|[SENSe:]VOLTage:AC:NULL[:STATe]?|[SENSe:]VOLTage:AC:NULL[:STATe]
[SENSe:]VOLTage:DC:NULL[:STATe]?|[SENSe:]VOLTage:DC:NULL[:STATe]|[SENSe:]VOLTage:AC:RANGe?|[SENSe:]VOLTage:AC:RANGe
[SENSe:]VOLTage:DC:RANGe?|[SENSe:]VOLTage:DC:RANGe|[SENSe:]VOLTage:AC:RANGe:AUTO?|[SENSe:]VOLTage:AC:RANGe:AUTO
[SENSe:]VOLTage:DC:RANGe:AUTO?|[SENSe:]VOLTage:DC:RANGe:AUTO|[SENSe:]VOLTage:AC:BANDwidth?
[SENSe:]VOLTage:AC:BANDwidth|[SENSe:]VOLTage:AC:SECondary?|[SENSe:]VOLTage:AC:SECondary
[SENSe:]VOLTage[:DC]:APERture?|[SENSe:]VOLTage[:DC]:APERture|[SENSe:]VOLTage[:DC]:APERture:ENABled?
[SENSe:]VOLTage[:DC]:APERture:ENABled|[SENSe:]VOLTage[:DC]:IMPedance:AUTO?|[SENSe:]VOLTage[:DC]:IMPedance:AUTO
[SENSe:]VOLTage[:DC]:NPLC?|[SENSe:]VOLTage[:DC]:NPLC|[SENSe:]VOLTage[:DC]:RATio:SECondary?
[SENSe:]VOLTage[:DC]:RATio:SECondary|[SENSe:]VOLTage[:DC]:RESolution?|[SENSe:]VOLTage[:DC]:RESolution
[SENSe:]VOLTage[:DC]:SECondary?|[SENSe:]VOLTage[:DC]:SECondary|[SENSe:]VOLTage[:DC]:ZERO:AUTO?
[SENSe:]VOLTage[:DC]:ZERO:AUTO|MMEMory:DOWNload:DATA|MMEMory:DOWNload:FNAMe?|MMEMory:DOWNload:FNAMe
MMEMory:FORMat:READing:CSEParator?|MMEMory:FORMat:READing:CSEParator|MMEMory:FORMat:READing:INFormation?
MMEMory:FORMat:READing:INFormation|MMEMory:FORMat:READing:RLIMit?|MMEMory:FORMat:READing:RLIMit
MMEMory:LOAD:PREFerences|MMEMory:LOAD:STATe|MMEMory:STATe:RECall:AUTO?|MMEMory:STATe:RECall:AUTO
MMEMory:STATe:RECall:SELect?|MMEMory:STATe:RECall:SELect|MMEMory:STATe:VALid?|MMEMory:STORe:DATA
MMEMory:STORe:PREFerences|MMEMory:STORe:STATe|MMEMory:UPLoad?|OUTPut:TRIGger:SLOPe?|OUTPut:TRIGger:SLOPe
ROUTe:TERMinals?|TEST:ALL?|CALCulate:AVERage:AVERage?|CALCulate:AVERage:CLEar[:IMMediate]|CALCulate:AVERage:COUNt?
CALCulate:AVERage:MAXimum?|CALCulate:AVERage:MINimum?|CALCulate:AVERage:PTPeak?|CALCulate:AVERage:SDEViation?
CALCulate:AVERage[:STATe]?|CALCulate:AVERage[:STATe]|CALCulate:CLEar[:IMMediate]|CALCulate:LIMit:LOWer[:DATA]?
CALCulate:LIMit:LOWer[:DATA]|CALCulate:LIMit:UPPer[:DATA]?|CALCulate:LIMit:UPPer[:DATA]
CALCulate:LIMit:CLEar[:IMMediate]|CALCulate:LIMit[:STATe]?|CALCulate:LIMit[:STATe]|CALCulate:SCALe:DB:REFerence?
CALCulate:SCALe:DB:REFerence|CALCulate:SCALe:DBM:REFerence?|CALCulate:SCALe:DBM:REFerence|CALCulate:SCALe:FUNCtion?
CALCulate:SCALe:FUNCtion|CALCulate:SCALe:GAIN?|CALCulate:SCALe:GAIN|CALCulate:SCALe:OFFSet?|CALCulate:SCALe:OFFSet
CALCulate:SCALe:REFerence?|CALCulate:SCALe:REFerence|CALCulate:SCALe:REFerence:AUTO?|CALCulate:SCALe:REFerence:AUTO
CALCulate:SCALe:UNIT?|CALCulate:SCALe:UNIT|CALCulate:SCALe:UNIT:STATe?|CALCulate:SCALe:UNIT:STATe
CALCulate:SCALe[:STATe]?|CALCulate:SCALe[:STATe]|CALCulate:SMOothing[:STATe]?|CALCulate:SMOothing[:STATe]
CALCulate:TCHart[:STATe]?|CALCulate:TCHart[:STATe]|CALCulate:TRANsform:HISTogram:ALL?
CALCulate:TRANsform:HISTogram:CLEar[:IMMediate]|CALCulate:TRANsform:HISTogram:COUNt?
CALCulate:TRANsform:HISTogram:DATA?|CALCulate:TRANsform:HISTogram:POINts?|CALCulate:TRANsform:HISTogram:POINts
CALCulate:TRANsform:HISTogram:RANGe:LOWer?|CALCulate:TRANsform:HISTogram:RANGe:LOWer
CALCulate:TRANsform:HISTogram:RANGe:UPPer?|CALCulate:TRANsform:HISTogram:RANGe:UPPer
CALCulate:TRANsform:HISTogram:RANGe:AUTO?|CALCulate:TRANsform:HISTogram:RANGe:AUTO
CALCulate:TRANsform:HISTogram[:STATe]?|CALCulate:TRANsform:HISTogram[:STATe]|TRIGger:COUNt?|TRIGger:COUNt
TRIGger:DELay?|TRIGger:DELay|TRIGger:DELay:AUTO?|TRIGger:DELay:AUTO|TRIGger:LEVel?|TRIGger:LEVel|TRIGger:SLOPe?
TRIGger:SLOPe|TRIGger:SOURce?|TRIGger:SOURce|SAMPle:COUNt?|SAMPle:COUNt|SAMPle:COUNt:PRETrigger?
SAMPle:COUNt:PRETrigger|SAMPle:SOURce?|SAMPle:SOURce|SAMPle:TIMer?|SAMPle:TIMer|DATA:LAST?
DATA:POINts:EVENt:THReshold?|DATA:POINts:EVENt:THReshold|DATA:POINts?|DATA:REMove?|FETCh?|INITiate[:IMMediate]|R?
READ?|DISPlay:TEXT:CLEar|DISPlay:TEXT[:DATA]?|DISPlay:TEXT[:DATA]|DISPlay:VIEW?|DISPlay:VIEW|DISPlay[:STATe]?
DISPlay[:STATe]|FORMat:BORDer?|FORMat:BORDer|FORMat[:DATA]?|FORMat[:DATA]|STATus:OPERation:CONDition?
STATus:OPERation:ENABle?|STATus:OPERation:ENABle|STATus:OPERation[:EVENt]?|STATus:PRESet
STATus:QUEStionable:CONDition?|STATus:QUEStionable:ENABle?|STATus:QUEStionable:ENABle|STATus:QUEStionable[:EVENt]?
SYSTem:ACALibration:DATE?|SYSTem:ACALibration:TEMPerature?|SYSTem:ACALibration:TIME?|SYSTem:BEEPer:STATe?
SYSTem:BEEPer:STATe|SYSTem:BEEPer[:IMMediate]|SYSTem:CLICk:STATe?|SYSTem:CLICk:STATe|SYSTem:DATE?|SYSTem:DATE
SYSTem:ERRor[:NEXT]?|SYSTem:HELP?|SYSTem:IDENtify?|SYSTem:IDENtify|SYSTem:LABel?|SYSTem:LABel|SYSTem:LFRequency?
SYSTem:LICense:CATalog?|SYSTem:LICense:DELete|SYSTem:LICense:DELete:ALL|SYSTem:LICense:DESCription?
SYSTem:LICense:ERRor:COUNt?|SYSTem:LICense:ERRor?|SYSTem:LICense:INSTall?|SYSTem:LICense:INSTall|SYSTem:LOCal
SYSTem:LOCK:NAME?|SYSTem:LOCK:OWNer?|SYSTem:LOCK:RELease|SYSTem:LOCK:REQuest?|SYSTem:PRESet|SYSTem:SECurity:COUNt?
SYSTem:SECurity:IMMediate|SYSTem:TEMPerature?|SYSTem:TIME?|SYSTem:TIME|SYSTem:UPTime?|SYSTem:USB:HOST:ENABle?
SYSTem:USB:HOST:ENABle|SYSTem:VERSion?|SYSTem:WMESsage?|SYSTem:WMESsage|UNIT:TEMPerature?|UNIT:TEMPerature
LXI:IDENtify[:STATe]?|LXI:IDENtify[:STATe]|LXI:MDNS:ENABle?|LXI:MDNS:ENABle|LXI:MDNS:HNAMe[:RESolved]?
LXI:MDNS:SNAMe:DESired?|LXI:MDNS:SNAMe:DESired|LXI:MDNS:SNAMe[:RESolved]?|LXI:RESet|LXI:RESTart
SYSTem:COMMunicate:ENABle?|SYSTem:COMMunicate:ENABle|SYSTem:COMMunicate:GPIB:ADDRess?
SYSTem:COMMunicate:GPIB:ADDRess|SYSTem:COMMunicate:LAN:CONTrol?|SYSTem:COMMunicate:LAN:DHCP?
SYSTem:COMMunicate:LAN:DHCP|SYSTem:COMMunicate:LAN:DNS1?|SYSTem:COMMunicate:LAN:DNS1|SYSTem:COMMunicate:LAN:DNS2?
SYSTem:COMMunicate:LAN:DNS2|SYSTem:COMMunicate:LAN:DOMain?|SYSTem:COMMunicate:LAN:GATeway
SYSTem:COMMunicate:LAN:HOSTname|SYSTem:COMMunicate:LAN:IPADdress|SYSTem:COMMunicate:LAN:MAC?
SYSTem:COMMunicate:LAN:SMASk|SYSTem:COMMunicate:LAN:TELNet:PROMpt?|SYSTem:COMMunicate:LAN:TELNet:PROMpt
SYSTem:COMMunicate:LAN:TELNet:WMESsage?|SYSTem:COMMunicate:LAN:TELNet:WMESsage|SYSTem:COMMunicate:LAN:UPDate
SYSTem:COMMunicate:LAN:WINS1?|SYSTem:COMMunicate:LAN:WINS1|SYSTem:COMMunicate:LAN:WINS2?
SYSTem:COMMunicate:LAN:WINS2
"""


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
def twin() -> K34465ATwin:
    return K34465ATwin(TwinEnvironment("dmm", "SIM0001", VirtualClock(), 1, {}))


@pytest.mark.parametrize("header", GUIDE.replace("\n", "|").strip("|").split("|"))
def test_no_header_of_the_guide_is_undefined(twin: K34465ATwin, header: str) -> None:
    for text in forms(header):
        twin.errors.clear()
        twin.handle(text)
        assert -113 not in [number for number, _ in iter(twin.errors.pop, (0, "No error"))], text
