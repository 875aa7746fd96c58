"""The SCPI engine on a toy instrument: what it accepts, refuses and answers, and that a wrong twin cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock
from labkit.instrument import Action, Channel, Instrument, Reading, Scpi, ScpiDialect, Setting, Special, analog
from labkit.limits import within
from labkit.sim.scpi import (
    Boolean,
    Entry,
    ErrorQueue,
    Formats,
    Number,
    RegisterSpec,
    ScpiTwin,
    TableError,
    Text,
    fixed,
    nr3,
    words,
)
from labkit.sim.twin import TwinEnvironment


class Out(Channel):
    voltage = Setting(float, Scpi("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]"), unit="V",
                      limits=lambda ch: within(0.0, 10.0 * ch.number, "toy"))
    on = Setting(bool, Scpi("OUTPut[:STATe]"))
    sense = Setting(str, Scpi("[SOURce:]VOLTage:SENSe[:SOURce]"), words={"local": "INTernal", "remote": "EXTernal"})
    measured = Reading(analog, Scpi("MEASure[:SCALar]:VOLTage[:DC]"), unit="V")
    clear = Action(Scpi("OUTPut:PROTection:CLEar"))


class Toy(Instrument):
    kind = "power-supply"
    manufacturer = "Maker"
    models = ("TOY",)
    dialect = ScpiDialect(channel="list")
    channel_type = Out
    channel_numbers = (1, 2)
    gate = Setting(float, Scpi("SENSe:GATE[:TIME]"), unit="s", limits=within(1e-6, 1000.0, "toy"))
    frequency = Setting(float, Scpi("FREQuency"), unit="Hz", limits=within(0.0, 1e10, "toy"))

    @property
    def channels(self) -> Mapping[int, Out]:
        return cast(Mapping[int, Out], self._channels)


class ToyTwin(ScpiTwin):
    driver = Toy
    rows = (
        Entry("DISPlay:TEXT[:DATA]", (Text(),), ""),
        Entry("LIST:VOLTage", (Number("V"),), (0.0,), "list", many=True),
        Entry("ROUTe:SLOT<n>:MODE", (words("FIXed|STEP|LIST"),), "FIX", "suffix"),
        Entry("SYSTem:DATE", (Number("", 0, 9999, integer=True),) * 3, (2026, 1, 1)),
        Entry("SYSTem:LOCal", access="set"),
        Entry("VOLTage:DC:RANGe:AUTO", (Boolean(),), True),
        Entry("VOLTage:DC:RANGe[:UPPer]", (Number("V"),), 10.0),
    )
    registers = (RegisterSpec("ques", "STATus:QUEStionable", "", 8, filters=True),)
    common = (*ScpiTwin.common, "*OPT")
    latencies_s: ClassVar[Mapping[str, float]] = {"set": 0.008, "read": 0.020, "query": 0.001}
    calls: list[object]

    def __init__(self, env: TwinEnvironment) -> None:
        self.calls = []
        self.reading: object = 1.5
        super().__init__(env)

    def get_measured(self, channel: int) -> object:
        self.calls.append(("measured", channel))
        return self.reading

    def on_voltage(self, channel: int, value: float) -> None:
        self.calls.append(("voltage", channel, value))

    def step_voltage(self, channel: int) -> float:
        return 0.5

    def do_clear(self, channel: int) -> None:
        self.calls.append(("clear", channel))

    def refresh_status(self) -> None:
        self.status.set_condition("ques", None, 1 if self.value("on", 1) else 0)


def make(kind: type[ScpiTwin] = ToyTwin) -> ScpiTwin:
    return kind(TwinEnvironment("toy", "SIM7", VirtualClock(), 1, {}))


@pytest.fixture
def toy() -> ToyTwin:
    twin = make()
    assert isinstance(twin, ToyTwin)
    return twin


def ask(twin: ScpiTwin, message: str) -> str | None:
    return twin.handle(message).text


def errors(twin: ScpiTwin) -> list[int]:
    found = []
    while (number := int((ask(twin, ":SYST:ERR?") or "0").split(",")[0])) != 0:
        found.append(number)
    return found


@pytest.mark.parametrize("header", [
    "VOLT", ":VOLT", "volt", "VOLTage", "SOUR:VOLT", "SOURce:VOLTage:LEVel:IMMediate:AMPLitude", "VOLT:IMM",
    "VOLT:LEV:AMPL", ":sour:volt:ampl",
])
def test_every_legal_form_of_a_header_reaches_the_setting(toy: ToyTwin, header: str) -> None:
    assert ask(toy, f"{header} 2.5,(@1)") is None
    assert ask(toy, f"{header}? (@1)") == "+2.50000000E+00"
    assert errors(toy) == []


@pytest.mark.parametrize("header", [
    "VOLTA", "VOL", "VOLTAG", "VOLT:AMP", "AMPL", "SOUR", "VOLT1", "OUTP1", "VOLT:LEVEL:LEV",
])
def test_what_is_neither_short_nor_long_is_undefined_and_gets_no_answer(toy: ToyTwin, header: str) -> None:
    assert ask(toy, f"{header}?") is None
    assert errors(toy) == [-113]


@pytest.mark.parametrize(("text", "volts"), [
    ("5", 5.0), ("+5.", 5.0), (".5", 0.5), ("5E-1", 0.5), ("5 e -1", 0.5), ("0.050V", 0.05), ("50 mV", 0.05),
    ("50MV", 0.05), ("1E-3V", 0.001), ("#H0A", 10.0), ("#q12", 10.0), ("#B101", 5.0), ("MIN", 0.0), ("MAXimum", 10.0),
    ("max", 10.0), ("DEF", 0.0), ("3.000000e+00", 3.0), ("5000000 uV", 5.0), ("0.005KV", 5.0),
])
def test_numbers_in_every_form_that_clients_write(toy: ToyTwin, text: str, volts: float) -> None:
    ask(toy, f"VOLT {text},(@1)")
    assert errors(toy) == []
    assert float(ask(toy, "VOLT? (@1)") or "") == pytest.approx(volts)


def test_m_is_mega_for_hertz_alone(toy: ToyTwin) -> None:
    assert ask(toy, "FREQ 1.5 MHZ;FREQ?") == "+1.50000000E+06"
    assert ask(toy, "FREQ 2KHZ;FREQ?") == "+2.00000000E+03"
    assert ask(toy, "SENS:GATE 10 MS;:SENS:GATE?") == "+1.00000000E-02"


@pytest.mark.parametrize(("message", "number"), [
    ("VOLT 11,(@1)", -222), ("VOLT -1,(@1)", -222), ("VOLT 1E400,(@1)", -222), ("VOLT 1E99999,(@1)", -123),
    ("VOLT ABC,(@1)", -141), ("VOLT 'x',(@1)", -158), ("VOLT 5 A,(@1)", -131), ("VOLT 5%!,(@1)", -121),
    ("VOLT ٣,(@1)", -121),
    ("VOLT (@1)", -109), ("VOLT", -109), ("VOLT 1,2,(@1)", -108), ("VOLT 1,(@9)", -222), ("VOLT 1,(@1", -171),
    ("VOLT 1,(@x)", -171), ("VOLT #15abcde,(@1)", -168), ("VOLT ,(@1)", -103), ("OUTP? ,(@1)", -103), ("VOLT,5", -103),
    ("VOLT:SENS FOO,(@1)", -224), ("VOLT:SENS 5,(@1)", -128), ("VOLT:SENS 'EXT',(@1)", -158), ("OUTP MAYBE,(@1)", -224),
    ("DISP:TEXT hello", -148), ("DISP:TEXT 5", -128), ("DISP:TEXT 'hello", -151), ("*ESE 300", -222), ("*ESE 1V", -138),
    ("*ESE MAX", -148), ("§", -101), ("VOLT$ 5", -101), ("5VOLT", -102), ("VOLT::LEV 5", -102),
    ("ROUT:SLOT3:MODE FIX", -114),
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZ 5", -112), ("*RCL 3", -222), ("*TRG", -211), ("MEAS:VOLT 5", -113), ("*IDN", -113),
    ("OUTP:PROT:CLE?", -113), ("VOLT? 5,(@1)", -128), ("VOLT? MAX,MIN,(@1)", -108), ("MEAS:VOLT? 5,(@1)", -108),
    ("VOLT?(@1)", -103),
])
def test_each_mistake_has_its_standard_number_and_no_answer(toy: ToyTwin, message: str, number: int) -> None:
    assert ask(toy, message) is None
    assert errors(toy) == [number]


def test_the_path_is_that_of_the_header_before(toy: ToyTwin) -> None:
    ask(toy, "VOLT:DC:RANG:AUTO 0;UPP 7")  # as PyMeasure's DMM6500 sends it
    assert ask(toy, "VOLT:DC:RANG?;RANG:AUTO?") == "+7.00000000E+00;0"
    assert ask(toy, "SOUR:VOLT 1,(@1);*OPC?;VOLT? (@1)") == "1;+1.00000000E+00"  # a star does not move the path
    assert ask(toy, "VOLT:SENS EXT,(@1); :VOLT:SENS? (@1)") == "EXT"
    assert errors(toy) == []
    assert ask(toy, "DISP:TEXT 'x';SYST:LOC") is None
    assert errors(toy) == [-113]


def test_a_command_error_ends_the_message_and_an_execution_error_does_not(toy: ToyTwin) -> None:
    assert ask(toy, "*OPC?;FOO;*IDN?") == "1"
    assert errors(toy) == [-113]
    assert ask(toy, "VOLT 99,(@1);VOLT? (@1);:SYST:ERR?") == '+0.00000000E+00;-222,"Data out of range"'


def test_blanks_tabs_and_empty_units(toy: ToyTwin) -> None:
    assert ask(toy, " \tVOLT\t 1 ,\t(@ 1 , 2 ) ; \t:VOLT? \t(@2:1) ;;\r") == "+1.00000000E+00,+1.00000000E+00"
    assert ask(toy, "") is None
    assert ask(toy, " ; ;") is None
    assert errors(toy) == []


def test_lists_ranges_and_the_selected_channel(toy: ToyTwin) -> None:
    ask(toy, "VOLT 3,(@1:2)")
    assert [call for call in toy.calls if isinstance(call, tuple) and call[0] == "voltage"] == [
        ("voltage", 1, 3.0), ("voltage", 2, 3.0)]
    ask(toy, "VOLT 15,(@2,1)")  # too high for channel 1: neither is set
    assert errors(toy) == [-222]
    assert ask(toy, "VOLT? (@1,2)") == "+3.00000000E+00,+3.00000000E+00"
    toy.selected = 2
    assert ask(toy, "VOLT? MAX") == "+2.00000000E+01"
    ask(toy, "OUTP:PROT:CLE")
    assert toy.calls[-1] == ("clear", 2)


def test_up_and_down_step_the_value(toy: ToyTwin) -> None:
    assert ask(toy, "VOLT 1,(@1);VOLT UP,(@1);VOLT UP,(@1);VOLT DOWN,(@1);VOLT? (@1)") == "+1.50000000E+00"
    ask(toy, "VOLT 0,(@1);VOLT DOWN,(@1)")
    assert errors(toy) == [-222]


def test_texts_lists_and_several_parameters(toy: ToyTwin) -> None:
    assert ask(toy, "DISP:TEXT 'it''s; \"so\", (ok'; TEXT?") == '"it\'s; ""so"", (ok"'
    assert ask(toy, "LIST:VOLT 1,2 V,3e0,(@1);VOLT? (@1)") == "+1.00000000E+00,+2.00000000E+00,+3.00000000E+00"
    assert ask(toy, "SYST:DATE 2027,3,1;DATE?") == "2027,3,1"
    assert ask(toy, "ROUT:SLOT2:MODE STEP;:ROUT:SLOT2:MODE?;:ROUT:SLOT:MODE?") == "STEP;FIX"
    assert errors(toy) == []


def test_status_byte_event_register_and_message_available(toy: ToyTwin) -> None:
    assert ask(toy, "*ESR?;*ESR?") == "128;0"  # power on, once
    assert ask(toy, "*STB?") == "0"
    assert ask(toy, "*OPC?;*STB?") == "1;16"
    ask(toy, "FOO")
    assert ask(toy, "*STB?") == "4"
    assert ask(toy, "*ESE 32;*SRE 32;*STB?") == "100"
    assert ask(toy, "*ESR?;*CLS;*STB?;:SYST:ERR?") == '32;16;0,"No error"'
    ask(toy, "*OPC;VOLT 99,(@1)")
    assert ask(toy, "*ESR?") == "17"
    assert ask(toy, "*PSC 0;*PSC?;*OPT?;*TST?;*WAI;*IDN?") == "0;0;0;Maker,TOY,SIM7,1.0"


def test_questionable_register_latches_and_enables(toy: ToyTwin) -> None:
    assert ask(toy, "STAT:QUES:ENAB 1;COND?;:STAT:QUES?") == "0;0"
    ask(toy, "OUTP ON,(@1)")
    assert ask(toy, "*STB?") == "8"
    ask(toy, "OUTP OFF,(@1)")
    assert ask(toy, "STAT:QUES:COND?;EVEN?;EVEN?") == "0;1;0"
    assert ask(toy, "STAT:QUES:NTR 1;PTR 0;:STAT:QUES:NTR?;PTR?") == "1;0"
    assert ask(toy, "STAT:PRES;:STAT:QUES:ENAB?;PTR?") == "0;32767"


def test_the_error_queue_keeps_the_oldest_and_says_that_it_overflowed(toy: ToyTwin) -> None:
    for _ in range(25):
        ask(toy, "FOO")
    found = errors(toy)
    assert len(found) == 20
    assert found[:19] == [-113] * 19
    assert found[19] == -350
    with pytest.raises(ValueError, match="two entries"):
        ErrorQueue(1)


def test_reset_save_and_recall(toy: ToyTwin) -> None:
    ask(toy, "VOLT 4,(@1);*SAV 2;*RST;*ESE 5")
    assert ask(toy, "VOLT? (@1);*RCL 2;VOLT? (@1);*RST;*ESE?") == "+0.00000000E+00;+4.00000000E+00;5"
    assert errors(toy) == []


def test_sentinels_and_formats(toy: ToyTwin) -> None:
    toy.reading = Special.OVERLOAD
    assert ask(toy, "MEAS:VOLT? (@1)") == "+9.90000000E+37"
    toy.reading = Special.NOT_A_NUMBER
    assert ask(toy, "MEAS:VOLT? (@1)") == "+9.91000000E+37"
    assert nr3(3)(-0.0) == "+0.000E+00"
    assert fixed(3)(5.0) == "5.000"
    assert Formats(boolean=("OFF", "ON")).boolean[True] == "ON"


def test_latency_adds_up_over_the_units(toy: ToyTwin) -> None:
    assert toy.handle("VOLT 1,(@1);:MEAS:VOLT? (@1);:SYST:ERR?").latency_s == pytest.approx(0.029)
    assert toy.handle("MEAS:VOLT? (@1,2)").latency_s == pytest.approx(0.040)


def test_a_twin_whose_methods_do_not_fit_its_table_cannot_be_made() -> None:
    class NoReading(ScpiTwin):
        driver = Toy

        def do_clear(self, channel: int) -> None: ...

    class Misspelt(ToyTwin):
        def on_voltag(self, channel: int, value: float) -> None: ...

    class Twice(ToyTwin):
        rows = (*ToyTwin.rows, Entry("OUTPut", (Boolean(),), False))

    with pytest.raises(TableError, match="get_measured"):
        make(NoReading)
    with pytest.raises(TableError, match="on_voltag belongs to no row"):
        make(Misspelt)
    with pytest.raises(ValueError, match="declared twice"):
        make(Twice)


SHAPED = st.lists(st.sampled_from([
    "VOLT", "VOLTage", ":", ";", "?", " ", ",", "(@", "1", "2", ")", "MAX", "1E3", "'", '"', "#", "#15", "#H1F", "*",
    "IDN", "OUTP", "ON", "mV", "SYST", "ERR", "LIST", "DISP:TEXT", "MEAS", "*RST", "-", ".", "e", "\t", "STAT:QUES",
    "ENAB", "*SAV", "99999999", "\n", "é", "\0",
]), max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(SHAPED, st.text(max_size=60)))
def test_no_text_breaks_it_and_the_next_valid_query_is_right(text: str) -> None:
    twin = make()
    twin.handle(text)
    twin.handle("*CLS")
    assert ask(twin, "SYST:ERR?") == '0,"No error"'
    assert ask(twin, "VOLT 2,(@1);VOLT? (@1)") == "+2.00000000E+00"
