"""The twin of the 34465A: the driver over a link, what other people's programs send, overload, ranges, time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock
from labkit.errors import LinkTimeout
from labkit.instrument import Special
from labkit.sim.link import TwinMessageLink
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world import Signal
from labkit_instruments.multimeter.keysight_34465a import K34465A, THERMOMETERS
from labkit_instruments.multimeter.keysight_34465a_sim import K34465ATwin


class Bench:
    def __init__(self, signal: Signal | None = None, **options: object) -> None:
        self.clock = VirtualClock()
        ports = {} if signal is None else {1: signal}
        self.twin = K34465ATwin(TwinEnvironment("dmm", "SIM0001", self.clock, 1, ports, options))
        self.driver = K34465A("dmm", TwinMessageLink("dmm", self.twin, self.clock), self.clock)
        self.input = self.driver.channels[1]

    def ask(self, message: str) -> str | None:
        return self.twin.handle(message).text

    def errors(self) -> list[int]:
        found = []
        while (number := int((self.ask("SYST:ERR?") or "0").split(",")[0])) != 0:
            found.append(number)
        return found


FULL = {"volts_dc": 0.75, "ohms": 1234.5, "hz": 1e6, "amps": 0.1, "degc": 85.0}


@pytest.fixture
def bench() -> Bench:
    return Bench(Signal(**FULL))


@pytest.mark.parametrize(("row", "true", "within"), [
    ("measured_voltage", 0.75, 1e-4), ("measured_resistance", 1234.5, 0.2), ("measured_frequency", 1e6, 20.0),
    ("measured_current", 0.1, 1e-4), ("measured_temperature", 85.0, 0.5),
])
def test_the_driver_reads_what_is_there(bench: Bench, row: str, true: float, within: float) -> None:
    bench.driver.prepare()
    value = getattr(bench.input, row).read()
    assert value == pytest.approx(true, abs=within)
    assert value != true, "a meter has an error"


def test_an_open_input_shows_overload_and_no_voltage() -> None:
    bench = Bench()
    assert bench.input.measured_resistance.read() is Special.OVERLOAD
    assert bench.input.measured_temperature.read() is Special.OVERLOAD
    assert abs(bench.input.measured_voltage.read()) < 1e-5
    assert bench.ask('FUNC "RES";:READ?') == "+9.90000000E+37"


def test_a_probe_is_asked_at_every_reading() -> None:
    volts = [0.7]
    bench = Bench(Signal(volts_dc=lambda: volts[0]))
    first = bench.input.measured_voltage.read()
    volts[0] = 0.8
    assert bench.input.measured_voltage.read() - first == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize(("row", "value"), [
    ("voltage_nplc", 0.06), ("voltage_range", 10.0), ("voltage_autorange", False), ("voltage_autozero", False),
    ("input_impedance", "high"), ("input_impedance", "10 MOhm"), ("resistance_nplc", 100.0),
    ("resistance_range", 1e6), ("resistance_autorange", True), ("thermocouple_type", "T"),
    *[("thermometer", name) for name in THERMOMETERS],
])
def test_the_driver_sets_and_asks_back(bench: Bench, row: str, value: object) -> None:
    getattr(bench.input, row).set(value)
    assert getattr(bench.input, row).get() == value


@pytest.mark.parametrize(("row", "value"), [
    ("trigger_source", "bus"), ("trigger_count", 3.0), ("sample_count", 5.0), ("temperature_unit", "K")])
def test_the_session_is_brought_back(bench: Bench, row: str, value: object) -> None:
    getattr(bench.driver, row).set(value)
    assert getattr(bench.driver, row).get() == value
    bench.driver.prepare()
    assert bench.input.measured_temperature.read() == pytest.approx(85.0, abs=0.5)
    assert bench.driver.line_frequency.read() == 50.0
    assert bench.driver.identify().simulated


@pytest.mark.parametrize(("nplc", "autozero", "mains", "seconds"), [
    (10.0, True, 50, 0.4), (10.0, False, 50, 0.2), (1.0, True, 60, 2 / 60), (0.02, False, 50, 0.0004)])
def test_a_reading_takes_its_integration(nplc: float, autozero: bool, mains: int, seconds: float) -> None:
    bench = Bench(line_hz=mains)
    bench.input.voltage_nplc.set(nplc)
    bench.input.voltage_autozero.set(autozero)
    started = bench.clock.now()
    bench.input.measured_voltage.read()
    assert bench.clock.now() - started == pytest.approx(seconds, abs=0.006)


def test_a_reading_longer_than_the_link_waits_is_a_time_out() -> None:
    bench = Bench()
    bench.input.voltage_nplc.set(100.0)
    with pytest.raises(LinkTimeout):
        bench.input.measured_voltage.read()


def test_a_range_that_is_held_ends_in_overload(bench: Bench) -> None:
    bench.input.voltage_range.set(0.1)
    assert bench.input.measured_voltage.read() is Special.OVERLOAD
    assert bench.input.voltage_autorange.get() is False
    bench.input.voltage_autorange.set(True)
    assert bench.input.measured_voltage.read() == pytest.approx(0.75, abs=1e-4)
    bench.ask("VOLT:RANG 2")
    assert bench.ask("VOLT:RANG?") == "+1.00000000E+01"


@pytest.mark.parametrize(("text", "answer"), [
    ("FUNC?", '"VOLT"'), ('SENSe:FUNCtion "VOLT:DC";FUNCtion?', '"VOLT"'), ("FUNC 'RES';FUNC?", '"RES"'),
    ("CONF:VOLT:DC 10,1e-5;:CONF?", '"VOLT +1.00000000E+01,+1.00000000E-05"'), ("CONF:FREQ;:CONF?", '"FREQ"'),
    ("CONF:DC;:FUNC?", '"VOLT"'), ("SENSe:VOLTage:DC:RANGe 10.000000;RANG?", "+1.00000000E+01"),
    ("VOLT:RANG 10;RES 3E-5;:VOLT:NPLC?", "+2.00000000E-02"), ("VOLT:NPLC 3;NPLC?", "+1.00000000E+01"),
    ("VOLT:RANG:AUTO ONCE;AUTO?", "0"), ("VOLT:RANG? MIN;RANG? MAX", "+1.00000000E-01;+1.00000000E+03"),
    ("SYSTem:LFRequency?", "+50"), ("*OPT?", "0,0,DIG,MEM,0"), ("SYST:LIC:CAT?", '"DIG","MEM"'), ("ROUT:TERM?", "FRON"),
    ('DISPLAY:TEXT "hello";TEXT?', '"hello"'), ("TRIG:COUN 2;COUN?", "+2.00000000E+00"),
    ("SAMP:TIM? MIN", "+2.00000000E-05"),
    ("SAMP:COUN 4;COUN?", "+4"), ("VOLT:RANG 10;RES?", "+1.00000000E-06"),
    ("*RST;:VOLT:NPLC?;:VOLT:RANG:AUTO?", "+1.00000000E+01;1"),
])
def test_what_other_programs_send(bench: Bench, text: str, answer: str) -> None:
    assert bench.ask(text) == answer
    assert bench.errors() == []


def test_measure_and_configure_forget_what_was_set(bench: Bench) -> None:
    bench.ask("VOLT:NPLC 1;RANG 100")
    assert float(bench.ask("MEAS:VOLT:DC?") or "nan") == pytest.approx(0.75, abs=1e-3)
    assert bench.ask("VOLT:NPLC?;RANG:AUTO?") == "+1.00000000E+01;1"
    assert bench.ask("MEAS:RES? 100") == "+9.90000000E+37"
    assert bench.ask("MEAS:VOLT:DC? 2000") is None
    assert bench.errors() == [-222]


def test_several_readings(bench: Bench) -> None:
    assert len((bench.ask("SAMP:COUN 3;:TRIG:COUN 2;:READ?") or "").split(",")) == 6
    reply = bench.twin.handle("VOLT:NPLC 1;:INIT;:FETC?;:DATA:POIN?")
    assert (reply.text or "").endswith(";+6")
    assert reply.latency_s == pytest.approx(6 * 0.04, abs=0.02)
    assert (bench.ask("DATA:REM? 2") or "").count(",") == 1
    block = bench.ask("R?") or ""
    assert block.startswith("#2") and len(block) == 4 + int(block[2:4])
    assert bench.ask("FETC?") is None
    assert bench.errors() == [-230]


def test_triggers_from_the_bus(bench: Bench) -> None:
    assert bench.ask("TRIG:SOUR BUS;:READ?") is None
    assert bench.ask("*TRG") is None
    assert bench.errors() == [-214, -211]
    assert bench.ask("TRIG:COUN 2;:INIT;*TRG;*TRG;:DATA:POIN?") == "+2"
    assert bench.ask("TRIG:SOUR EXT;:READ?") is None
    assert bench.errors() == []


def test_too_many_readings_are_refused(bench: Bench) -> None:
    assert bench.ask("SAMP:COUN MAX;:TRIG:COUN INF;:READ?") is None
    assert bench.errors() == [531]


@pytest.mark.parametrize(("text", "number"), [
    ("VOLT:RANG 2000", -222), ("VOLT:NPLC 1000", -222), ('FUNC "WATT"', -224), ("FUNC", -109), ("VOLT:NOPE 1", -113),
    ("READ? 1", -108), ("VOLT:NPLC abc", -141), ("VOLT:RANG 1 A", -131), ("VOLT:IMP:AUTO MAYBE", -224)])
def test_errors(bench: Bench, text: str, number: int) -> None:
    assert bench.ask(text) is None
    assert bench.errors() == [number]


def test_null_and_units(bench: Bench) -> None:
    bench.ask("VOLT:NULL:VAL 0.75;:VOLT:NULL 1")
    assert abs(bench.input.measured_voltage.read()) < 1e-4
    assert float(bench.ask('UNIT:TEMP K;:FUNC "TEMP";:READ?') or "nan") == pytest.approx(358.15, abs=0.5)


def test_two_units_differ_and_one_unit_repeats() -> None:
    def read(serial: str, seed: int = 1) -> str | None:
        environment = TwinEnvironment("d", serial, VirtualClock(), seed, {1: Signal(**FULL)}, {"memoryless": True})
        return K34465ATwin(environment).handle("READ?").text
    assert read("SIM0001") == read("SIM0001") != read("SIM0002")


PIECES = st.sampled_from(["VOLT", "RES", ":", "FUNC ", '"VOLT"', '"', "CONF", "MEAS", "READ?", "INIT", "FETC?", "R?",
                          "?", " ", ",", ";", "1", "1e400", "-5", "MAX", "MIN", "INF", "AUTO", "SAMP:COUN ",
                          "TRIG:SOUR ", "BUS", "EXT", "*TRG", "RANG", "NPLC", "(@1)", "#15", "*RST", "*LRN?",
                          "DATA:REM? "])
FUZZED = Bench(Signal(**FULL))


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map("".join)))
@settings(max_examples=400, deadline=None)
def test_no_message_breaks_it(message: str) -> None:
    FUZZED.ask(message)
    assert len(FUZZED.errors()) <= 20
    assert FUZZED.ask("SYST:ERR?") == '+0,"No error"'
