"""The twin of the E36312A: what the guide lists, what other people's programs send, physics and protection."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock
from labkit.errors import DeviceError, LinkTimeout
from labkit.instrument.notation import parse_notation
from labkit.sim.link import TwinMessageLink
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world.outlet import Outlet, Resistor
from labkit.sim.world.timeline import Timeline
from labkit_instruments.power_supply.keysight_e36312a import E36312A
from labkit_instruments.power_supply.keysight_e36312a_sim import E36312ATwin

GUIDE = """
ABORt|ABORt:DLOG|FETCh[:SCALar]:DLOG?|INITiate[:IMMediate]|INITiate:CONTinuous|INITiate[:IMMediate]:DLOG|APPLy|APPLy?
CALibration:ASAVE|CALibration:ASAVE?|CALibration:COUNt?|CALibration:CURRent[:DATA][:HIGH]|CALibration:CURRent[:DATA]:LOW
CALibration:DATE|CALibration:SAVE|CALibration:SECure:CODE|CALibration:SECure:STATe|CALibration:SECure:STATe?
CALibration:STRing|CALibration:STRing?|CALibration:VOLTage[:DATA]|CALibration:VOLTage:LEVel
[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]|[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]?
[SOURce:]CURRent[:LEVel]:TRIGgered[:AMPLitude]|[SOURce:]CURRent[:LEVel]:TRIGgered[:AMPLitude]?
[SOURce:]CURRent:MODE|[SOURce:]CURRent:MODE?|[SOURce:]CURRent:PROTection:CLEar
[SOURce:]CURRent:PROTection:DELay[:TIME]|[SOURce:]CURRent:PROTection:DELay[:TIME]?
[SOURce:]CURRent:PROTection:DELay:STARt|[SOURce:]CURRent:PROTection:DELay:STARt?
[SOURce:]CURRent:PROTection:STATe|[SOURce:]CURRent:PROTection:STATe?|[SOURce:]CURRent:PROTection:TRIPped?
[SOURce:]DIGital:INPut:DATA?|[SOURce:]DIGital:OUTPut:DATA|[SOURce:]DIGital:OUTPut:DATA?
[SOURce:]DIGital:PIN<n>:FUNCtion|[SOURce:]DIGital:PIN<n>:FUNCtion?|[SOURce:]LIST:COUNt|[SOURce:]LIST:COUNt?
[SOURce:]LIST:CURRent[:LEVel]|[SOURce:]LIST:CURRent[:LEVel]?|[SOURce:]LIST:CURRent:POINts?|[SOURce:]LIST:DWELl
[SOURce:]LIST:DWELl?|[SOURce:]LIST:DWELl:POINts?|[SOURce:]LIST:STEP|[SOURce:]LIST:STEP?|[SOURce:]LIST:TERMinate:LAST
[SOURce:]LIST:TERMinate:LAST?|[SOURce:]LIST:TOUTput:BOSTep[:DATA]|[SOURce:]LIST:TOUTput:BOSTep[:DATA]?
[SOURce:]LIST:TOUTput:BOSTep:POINts?|[SOURce:]LIST:TOUTput:EOSTep[:DATA]|[SOURce:]LIST:TOUTput:EOSTep[:DATA]?
[SOURce:]LIST:TOUTput:EOSTep:POINts?|[SOURce:]LIST:VOLTage[:LEVel]|[SOURce:]LIST:VOLTage[:LEVel]?
[SOURce:]LIST:VOLTage:POINts?|[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]
[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]?|[SOURce:]VOLTage[:LEVel]:TRIGgered[:AMPLitude]
[SOURce:]VOLTage[:LEVel]:TRIGgered[:AMPLitude]?|[SOURce:]VOLTage:MODE|[SOURce:]VOLTage:MODE?
[SOURce:]VOLTage:PROTection[:LEVel][:AMPLitude]|[SOURce:]VOLTage:PROTection[:LEVel]?|[SOURce:]VOLTage:PROTection:CLEar
[SOURce:]VOLTage:PROTection:STATe|[SOURce:]VOLTage:PROTection:STATe?|[SOURce:]VOLTage:PROTection:TRIPped?
[SOURce:]VOLTage:RANGe|[SOURce:]VOLTage:RANGe?|[SOURce:]VOLTage:SENSe[:SOURce]|[SOURce:]VOLTage:SENSe[:SOURce]?
DISPlay[:WINDow][:STATe]|DISPlay[:WINDow][:STATe]?|DISPlay[:WINDow]:TEXT[:DATA]|DISPlay[:WINDow]:TEXT[:DATA]?
DISPlay[:WINDow]:VIEW|DISPlay[:WINDow]:VIEW?|INSTrument[:SELect]|INSTrument[:SELect]?|INSTrument:COUPle[:TRIGger]
INSTrument:COUPle[:TRIGger]?|INSTrument:NSELect|INSTrument:NSELect?|LXI:IDENtify[:STATe]|LXI:IDENtify[:STATe]?
LXI:MDNS[:STATe]|LXI:MDNS[:STATe]?|SYSTem:BEEPer[:IMMediate]|SYSTem:BEEPer:STATe|SYSTem:BEEPer:STATe?
SYSTem:COMMunicate:RLSTate|SYSTem:COMMunicate:RLSTate?|SYSTem:DATE|SYSTem:DATE?|SYSTem:ERRor[:NEXT]?|SYSTem:LOCal
SYSTem:PERSona:MANufacturer|SYSTem:PERSona:MANufacturer?|SYSTem:PERSona:MANufacturer:DEFault
SYSTem:PERSona:MANufacturer:DEFault?|SYSTem:PERSona:MODel|SYSTem:PERSona:MODel?|SYSTem:PERSona:MODel:DEFault
SYSTem:PERSona:MODel:DEFault?|SYSTem:REMote|SYSTem:RWLock|SYSTem:SECurity:IMMediate|SYSTem:SET|SYSTem:SET?|SYSTem:TIME
SYSTem:TIME?|SYSTem:VERSion?|MEASure[:SCALar]:CURRent[:DC]?|MEASure[:SCALar]:VOLTage[:DC]?|MMEMory:EXPort:DLOG
OUTPut[:STATe]|OUTPut[:STATe]?|OUTPut[:STATe]:COUPle:CHANnel|OUTPut[:STATe]:COUPle:CHANnel?|OUTPut[:STATe]:DELay:FALL
OUTPut[:STATe]:DELay:FALL?|OUTPut[:STATe]:DELay:RISE|OUTPut[:STATe]:DELay:RISE?|OUTPut:INHibit:MODE|OUTPut:INHibit:MODE?
OUTPut:PAIR|OUTPut:PAIR?|OUTPut:PON:STATe|OUTPut:PON:STATe?|OUTPut:TRACk[:STATe]|OUTPut:TRACk[:STATe]?
SENSe:DLOG:FUNCtion:CURRent|SENSe:DLOG:FUNCtion:CURRent?|SENSe:DLOG:FUNCtion:MINM|SENSe:DLOG:FUNCtion:MINM?
SENSe:DLOG:FUNCtion:VOLTage|SENSe:DLOG:FUNCtion:VOLTage?|SENSe:DLOG:PER|SENSe:DLOG:PER?|SENSe:DLOG:TIME|SENSe:DLOG:TIME?
SENSe:DLOG:TINTerval|SENSe:DLOG:TINTerval?|STATus:PRESet|STATus:QUEStionable[:EVENt]?|STATus:QUEStionable:CONDition?
STATus:QUEStionable:ENABle|STATus:QUEStionable:ENABle?|STATus:QUEStionable:INSTrument[:EVENt]?
STATus:QUEStionable:INSTrument:ENABle|STATus:QUEStionable:INSTrument:ENABle?
STATus:QUEStionable:INSTrument:ISUMmary<n>[:EVENt]?|STATus:QUEStionable:INSTrument:ISUMmary<n>:CONDition?
STATus:QUEStionable:INSTrument:ISUMmary<n>:ENABle|STATus:QUEStionable:INSTrument:ISUMmary<n>:ENABle?
TRIGger:DLOG[:IMMediate]|TRIGger:DLOG:SOURce|TRIGger:DLOG:SOURce?|TRIGger[:SEQuence]:DELay|TRIGger[:SEQuence]:DELay?
TRIGger[:SEQuence]:SOURce|TRIGger[:SEQuence]:SOURce?
"""
STARS = "*CLS *ESE *ESE? *ESR? *IDN? *OPC *OPC? *PSC *PSC? *RCL *RST *SAV *SRE *SRE? *STB? *TRG *TST? *WAI"


class Bench:
    """A twin with a resistor on each output."""

    def __init__(self, ohms: dict[int, float] | None = None, lead_ohms: float = 0.0, **options: object) -> None:
        self.clock = VirtualClock()
        timeline = Timeline(self.clock, 1, memoryless=False, ambient_degc=25.0)
        loads = {1: 10.0, 2: 100.0, 3: 100.0} if ohms is None else ohms
        ports = {n: Outlet(timeline, Resistor(value), lead_ohms=lead_ohms) for n, value in loads.items()}
        self.twin = E36312ATwin(TwinEnvironment("psu", "SIM0001", self.clock, 1, ports, options))
        self.link = TwinMessageLink("psu", self.twin, self.clock)

    def ask(self, message: str) -> str | None:
        return self.twin.handle(message).text

    def number(self, message: str) -> float:
        return float(self.ask(message) or "nan")

    def errors(self) -> list[int]:
        found = []
        while (number := int((self.ask("SYST:ERR?") or "0").split(",")[0])) != 0:
            found.append(number)
        return found

    def wait(self, seconds: float = 0.1) -> None:
        self.clock.sleep(seconds)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def forms(header: str) -> list[str]:
    """Return the shortest and the longest text of a header."""
    mark = "?" if header.endswith("?") else ""
    nodes = parse_notation(header.rstrip("?"))
    long = ":".join(node.long + ("2" if node.suffix else "") for node in nodes) + mark
    short = ":".join(node.short + ("2" if node.suffix else "") for node in nodes if not node.optional) + mark
    return [short, long.lower()]


@pytest.mark.parametrize("header", [*GUIDE.replace("\n", "|").strip("|").split("|"), *STARS.split()])
def test_no_header_of_the_guide_is_undefined(bench: Bench, header: str) -> None:
    for text in forms(header) if header[0] != "*" else [header]:
        bench.ask(text)
        assert -113 not in bench.errors(), text


def test_identity_as_the_real_box_words_it(bench: Bench) -> None:
    maker, model, serial, firmware = (bench.ask("*IDN?") or "").split(",")
    assert (maker, model, serial) == ("Keysight Technologies", "E36312A", "SIM0001")
    assert firmware.count("-") == 2
    bench.ask('SYST:PERS:MOD E3631A;MAN "HEWLETT-PACKARD"')
    assert (bench.ask("*IDN?") or "").startswith("HEWLETT-PACKARD,E3631A,SIM0001,")
    bench.ask("SYST:PERS:MOD:DEF;:SYST:PERS:MAN:DEF")
    assert (bench.ask("*IDN?") or "").startswith("Keysight Technologies,E36312A,")
    assert bench.errors() == []


def test_power_on_and_reset_state(bench: Bench) -> None:
    assert bench.ask("*ESR?") == "+128"
    for _ in range(2):
        assert bench.ask("VOLT? (@1:3);CURR? (@1:3);:OUTP? (@1:3)") == (
            "+0.00000000E+00,+0.00000000E+00,+0.00000000E+00;+5.00000000E+00,+1.00000000E+00,+1.00000000E+00;0,0,0")
        assert bench.ask("VOLT:PROT? (@1,2);PROT:STAT? (@1)") == "+6.60000000E+00,+2.75000000E+01;0"
        bench.ask("VOLT 3,(@1);OUTP ON,(@1);VOLT:PROT:STAT ON,(@1);*RST")
    assert bench.errors() == []


def test_ranges_end_three_percent_above_the_rating(bench: Bench) -> None:
    bench.ask("VOLT 6.18,(@1);VOLT 25.75,(@2,3);CURR 5.15,(@1)")
    assert bench.errors() == []
    bench.ask("VOLT 6.19,(@1);VOLT 25.76,(@2);CURR 5.16,(@1);CURR 1.04,(@3)")
    assert bench.errors() == [-222] * 4
    assert bench.ask("VOLT? MAX,(@1);VOLT? MIN,(@1);CURR? MAX,(@2)") == (
        "+6.18000000E+00;+0.00000000E+00;+1.03000000E+00")


def test_how_pymeasure_ivi_and_front_panel_scripts_speak(bench: Bench) -> None:
    for text in ("VOLT 3.3, (@1)", "CURR 0.5 ,(@1)", "OUTP 1, (@1)", "SOUR:VOLT 0.050V,(@2)", "outp on,(@2)"):
        bench.ask(text)
    bench.wait()
    assert bench.ask("VOLT? (@1)") == bench.ask("VOLT?(@1)") == "+3.30000000E+00"
    assert bench.number("MEAS:VOLT? (@1)") == pytest.approx(3.3, abs=0.006)
    assert bench.number(":MEASure:SCALar:CURRent:DC? (@1)") == pytest.approx(0.33, abs=0.003)
    assert bench.number("MEAS:VOLT? P6V") == pytest.approx(bench.number("MEAS:VOLT? CH1"), abs=0.002)
    bench.ask("INST:NSEL 2;:VOLT 5")
    assert bench.ask("INST?;INST:NSEL?;:VOLT?") == "P25V;+2;+5.00000000E+00"
    bench.ask("INST CH3;:APPL CH2, 4.0, 0.5")
    assert bench.ask("APPL? CH2") == '"4.000000,0.500000"'
    bench.ask("INST:SEL P6V;:APPL 2;:APPL MAX,MIN")
    assert bench.ask("APPL?") == '"6.180000,0.000000"'
    assert bench.ask("STAT:QUES:INST:ISUM2:COND?") == "+2"
    assert bench.errors() == []
    bench.ask("APPL CH1,99;:APPL CH9,1;:APPL? CH9;:OUTP1 1")
    assert bench.errors() == [-222, -141]


def test_a_comma_before_the_list_of_a_query_is_an_invalid_separator(bench: Bench) -> None:
    assert bench.ask("OUTP? ,(@1)") is None
    assert bench.ask("SYST:ERR?") == '-103,"Invalid separator"'
    assert bench.ask("SYST:ERR?") == '+0,"No error"'


def test_constant_current_shows_in_the_condition_and_the_reading_sits_at_the_limit(bench: Bench) -> None:
    bench.ask("VOLT 5,(@1);CURR 0.2,(@1);OUTP ON,(@1)")
    bench.wait()
    assert bench.ask("STAT:QUES:INST:ISUM:COND?") == "+1"
    assert bench.number("MEAS:CURR? (@1)") == pytest.approx(0.2, abs=0.003)
    assert bench.number("MEAS:VOLT? (@1)") == pytest.approx(2.0, abs=0.02)
    bench.ask("OUTP OFF,(@1)")
    assert bench.ask("STAT:QUES:INST:ISUM1:COND?") == "+0"


def test_a_reading_in_the_message_of_the_set_sees_the_new_voltage(bench: Bench) -> None:
    bench.ask("OUTP ON,(@1)")
    volts, amps = (bench.ask("VOLT 3,(@1);:MEAS:VOLT? (@1);CURR? (@1)") or "").split(";")
    assert float(volts) == pytest.approx(3.0, abs=0.01)  # 8 ms for the set and half a reading later
    assert float(amps) == pytest.approx(0.3, abs=0.003)


def test_over_voltage_trips_latches_and_clears_when_its_cause_is_gone(bench: Bench) -> None:
    bench.ask("STAT:QUES:ENAB 8192;INST:ENAB 2;ISUM1:ENAB 512")
    assert bench.errors() == []
    bench.ask("VOLT 1,(@1);OUTP ON,(@1);VOLT:PROT 2,(@1);PROT:STAT ON,(@1)")
    assert bench.ask("VOLT:PROT:TRIP? (@1)") == "0"
    assert bench.ask("VOLT 3,(@1);VOLT:PROT:TRIP? (@1)") == "1"
    assert bench.ask("*STB?;:OUTP? (@1);:CURR:PROT:TRIP? (@1)") == "+8;0;0"
    assert bench.ask("STAT:QUES:INST:ISUM1:COND?;EVEN?;EVEN?") == "+512;+514;+0"
    bench.ask("VOLT:PROT:CLE (@1)")
    assert bench.ask("VOLT:PROT:TRIP? (@1)") == "1", "its cause is still there"
    bench.ask("VOLT 1,(@1);VOLT:PROT:CLE (@1)")
    bench.wait()
    assert bench.ask("VOLT:PROT:TRIP? (@1);:OUTP? (@1)") == "0;1"
    assert bench.number("MEAS:VOLT? (@1)") == pytest.approx(1.0, abs=0.005)
    assert bench.errors() == []


def test_lead_drop_counts_against_the_protection_with_remote_sense() -> None:
    bench = Bench({1: 1.0}, lead_ohms=0.1)
    bench.ask("VOLT:SENS EXT,(@1);PROT 1.05,(@1);PROT:STAT 1,(@1)")
    bench.ask("VOLT 0.95,(@1);OUTP 1,(@1)")
    bench.wait()
    assert bench.ask("VOLT:PROT:TRIP? (@1)") == "0"  # 1.045 V at the terminals
    bench.ask("VOLT 0.96,(@1)")
    bench.wait()
    assert bench.ask("VOLT:PROT:TRIP? (@1)") == "1"  # 1.056 V


def test_over_current_trips_after_its_delay_even_when_nobody_asks_but_poll_is_called(bench: Bench) -> None:
    bench.ask("CURR:PROT:STAT ON,(@1);:CURR 0.2,(@1);VOLT 5,(@1);OUTP ON,(@1)")
    bench.wait(0.030)
    bench.twin.poll()
    assert bench.twin.value("output", 1)
    assert bench.ask("CURR:PROT:TRIP? (@1)") == "0"
    bench.wait(0.060)
    bench.twin.poll()
    assert bench.twin.env.ports[1].observe().mode == "off"
    assert bench.ask("CURR:PROT:TRIP? (@1);:OUTP? (@1)") == "1;0"
    bench.ask("CURR 1,(@1);CURR:PROT:CLE (@1)")
    bench.wait()
    assert bench.ask("CURR:PROT:TRIP? (@1);:OUTP? (@1)") == "0;1"


def test_triggered_levels_lists_and_local_states(bench: Bench) -> None:
    bench.ask("VOLT:MODE STEP,(@2);TRIG 7,(@2);:INIT (@2)")
    assert bench.ask("VOLT? (@2)") == "+0.00000000E+00"
    bench.ask("*TRG")
    assert bench.ask("VOLT? (@2)") == "+7.00000000E+00"
    bench.ask("*TRG")
    assert bench.errors() == [-211]
    assert bench.ask("LIST:VOLT 1,2,3,(@1);DWEL 0.1,0.2,0.3,(@1);VOLT:POIN? (@1)") == "+3"
    bench.ask("LIST:VOLT " + ",".join(["1"] * 101) + ",(@1)")
    assert bench.errors() == [-223]
    assert bench.ask("SYST:LOC;:SYST:COMM:RLST?;:SYST:RWL;:SYST:COMM:RLST?;:SYST:VERS?") == "LOC;RWL;1999.0"
    assert bench.ask("OUTP:PAIR PAR;PAIR?;TRAC ON;TRAC?;:SYST:DATE?") == "PAR;1;+2026,+1,+1"
    assert bench.errors() == []


def test_two_units_differ_a_little_and_noise_has_a_seed() -> None:
    def readings(serial: str, **options: object) -> list[float]:
        clock = VirtualClock()
        outlet = Outlet(Timeline(clock, 1, memoryless=False, ambient_degc=25.0), Resistor(10.0))
        twin = E36312ATwin(TwinEnvironment("psu", serial, clock, 1, {1: outlet}, options))
        twin.handle("VOLT 1,(@1);OUTP ON,(@1)")
        clock.sleep(1.0)
        return [float(twin.handle("MEAS:VOLT? (@1)").text or "nan") for _ in range(5)]

    first = readings("SIM1")
    assert first == readings("SIM1")
    assert len(set(first)) == 5
    means = [sum(readings(f"SIM{number}")) / 5 for number in range(20)]
    assert 3e-4 < max(means) - min(means) < 6e-3
    assert len(set(readings("SIM1", memoryless=True))) == 1
    assert all(value == pytest.approx(1.0, abs=0.005) for value in first)


def test_the_driver_and_the_twin_agree_on_every_row(bench: Bench) -> None:
    psu = E36312A("psu", bench.link, bench.clock)
    assert psu.identify().simulated
    for number, out in psu.channels.items():
        out.current_limit.set(0.5)
        out.voltage.set(1.25)
        out.sense.set("remote")
        out.ovp_level.set(2.0)
        out.ovp_enabled.set(True)
        out.ocp_enabled.set(True)
        out.output.set(True)
        bench.wait()
        assert (out.voltage.get(), out.current_limit.get(), out.sense.get()) == (1.25, 0.5, "remote")
        assert (out.ovp_level.get(), out.ovp_enabled.get(), out.ocp_enabled.get()) == (2.0, True, True)
        assert out.output.get() is True
        assert out.measured_voltage.read() == pytest.approx(1.25, abs=0.005)
        assert out.measured_current.read() == pytest.approx(1.25 / (10.0 if number == 1 else 100.0), abs=0.003)
        assert out.mode.read() == "CV"
        assert (out.ovp_tripped.read(), out.ocp_tripped.read()) == (False, False)
        out.clear_protection.act()
        out.clear_overcurrent.act()
        out.output.set(False)
        assert out.mode.read() == "off"


def test_an_error_of_the_box_and_its_silence_reach_the_driver(bench: Bench) -> None:
    psu = E36312A("psu", bench.link, bench.clock)
    bench.ask("FOO")
    with pytest.raises(DeviceError, match="-113"):
        psu.channels[1].voltage.get()
    assert psu.channels[1].voltage.get() == 0.0
    with pytest.raises(LinkTimeout, match="within 2 s"):
        psu.port.query("FOO?")  # type: ignore[attr-defined]
    assert psu.channels[1].voltage.get() == 0.0, "the port has re-synchronised itself"


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from([
    "VOLT", "CURR", ":", ";", "?", " ", ",", "(@1)", "(@1:3)", "(@", "MAX", "5", "1E9", "'", '"', "#13abc", "APPL",
    "CH1", "OUTP", "ON", "PROT", "STAT", "TRIP", "CLE", "LIST", "*RST", "*SAV 1", "*RCL 1", "MEAS", "INST", "NSEL",
    "INF", "\n",
]), max_size=30).map("".join)))
def test_no_text_breaks_the_twin(text: str) -> None:
    bench = Bench()
    bench.ask(text)
    bench.ask("*CLS;*RST")
    assert bench.ask("SYST:ERR?") == '+0,"No error"'
    assert bench.ask("VOLT 2,(@1);VOLT? (@1)") == "+2.00000000E+00"
