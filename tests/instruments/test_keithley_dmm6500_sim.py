"""The twin of the DMM6500: the driver over a link, the scan card, what other people's programs send, time, events."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock
from labkit.errors import DeviceError
from labkit.instrument import Special
from labkit.sim.link import TwinMessageLink
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world import Signal
from labkit_instruments.multimeter.keithley_dmm6500 import DMM6500, DMM6500Front
from labkit_instruments.multimeter.keithley_dmm6500_sim import DMM6500FrontTwin, DMM6500Twin

SIGNALS = {1: Signal(volts_dc=0.75), 2: Signal(volts_dc=1.8), 3: Signal(ohms=47.0), 6: Signal(degc=-40.0),
           7: Signal(hz=1000.0)}


class Bench:
    def __init__(self, *, front: bool = False, **options: object) -> None:
        self.clock = VirtualClock()
        ports = {1: Signal(volts_dc=5.0, ohms=100.0, amps=0.01, hz=50.0, degc=23.0)} if front else SIGNALS
        environment = TwinEnvironment("dmm", "SIM0001", self.clock, 1, ports, options)
        self.twin = DMM6500FrontTwin(environment) if front else DMM6500Twin(environment)
        kind = DMM6500Front if front else DMM6500
        self.driver = kind("dmm", TwinMessageLink("dmm", self.twin, self.clock), self.clock)

    def ask(self, message: str) -> str | None:
        return self.twin.handle(message).text

    def errors(self) -> list[int]:
        found = []
        while (number := int((self.ask("SYST:ERR?") or "0").split(",")[0])) != 0:
            found.append(number)
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("channel", "row", "true", "within"), [
    (1, "measured_voltage", 0.75, 1e-4), (2, "measured_voltage", 1.8, 2e-4), (3, "measured_resistance", 47.0, 0.01),
    (6, "measured_temperature", -40.0, 0.5), (7, "measured_frequency", 1000.0, 0.02)])
def test_the_driver_reads_each_channel(bench: Bench, channel: int, row: str, true: float, within: float) -> None:
    bench.driver.identify()
    bench.driver.prepare()
    value = getattr(bench.driver.channels[channel], row).read()
    assert value == pytest.approx(true, abs=within)
    assert bench.ask("ROUT:CLOS?") == f"(@{channel})"


def test_open_channels(bench: Bench) -> None:
    assert bench.driver.channels[10].measured_resistance.read() is Special.OVERLOAD
    assert bench.driver.channels[10].measured_temperature.read() is Special.OVERLOAD
    assert abs(bench.driver.channels[10].measured_voltage.read()) < 1e-5
    assert bench.ask('FUNC "RES",(@10);:READ?') == "9.900000E+37"


def test_several_channels_in_one_message(bench: Bench) -> None:
    channels = bench.driver.channels
    values = bench.driver.perform([channels[n].measured_voltage.prepare() for n in (2, 1, 2)])
    assert values == pytest.approx([1.8, 0.75, 1.8], abs=3e-4)


@pytest.mark.parametrize(("row", "value"), [
    ("voltage_nplc", 5.0), ("voltage_range", 10.0), ("voltage_autorange", False), ("voltage_autozero", False),
    ("input_impedance", "high"), ("resistance_nplc", 0.01), ("resistance_range", 1e4), ("resistance_autorange", True),
    ("thermometer", "rtd-4w"), ("thermocouple_type", "T"), ("simulated_junction", 30.0)])
def test_the_driver_sets_one_channel_and_no_other(bench: Bench, row: str, value: object) -> None:
    channels = bench.driver.channels
    before = getattr(channels[2], row).get()
    getattr(channels[1], row).set(value)
    assert getattr(channels[1], row).get() == value
    assert getattr(channels[2], row).get() == before


def test_settings_of_a_channel_hold_while_it_is_read(bench: Bench) -> None:
    channel = bench.driver.channels[2]
    channel.voltage_range.set(0.1)
    assert channel.measured_voltage.read() is Special.OVERLOAD
    channel.voltage_nplc.set(10.0)
    started = bench.clock.now()
    channel.measured_voltage.read()
    assert bench.clock.now() - started == pytest.approx(0.4, abs=0.01)
    assert channel.voltage_nplc.get() == 10.0


@pytest.mark.parametrize(("row", "true"), [
    ("measured_voltage", 5.0), ("measured_resistance", 100.0), ("measured_current", 0.01), ("measured_frequency", 50.0),
    ("measured_temperature", 23.0)])
def test_the_front_terminals(row: str, true: float) -> None:
    bench = Bench(front=True)
    bench.driver.identify()
    assert getattr(bench.driver.channels[1], row).read() == pytest.approx(true, rel=0.02)
    bench.driver.channels[1].voltage_nplc.set(2.0)
    assert bench.ask("VOLT:NPLC?") == "2"
    assert bench.ask("SYST:CARD1:IDN?;:ROUT:TERM?") == "Empty Slot;FRON"
    assert bench.ask("ROUT:CLOS (@1)") is None
    assert bench.errors() == [-241]


@pytest.mark.parametrize(("text", "answer"), [
    (":SENS:FUNC?", '"VOLT:DC"'), (':SENS:FUNC "FREQ:VOLT";:SENS:FUNC?', '"FREQ:VOLT"'), (":SENS:FUNC? (@3)", '"NONE"'),
    ("SENS:FUNC 'RES', (@3);:SENS:FUNC? (@3)", '"RES"'), ("VOLT:DC:RANG:AUTO 0;UPP 10;:VOLT:DC:RANG?", "10"),
    (":SENS:VOLT:NPLC 1.234;NPLC?", "1.234"), ("VOLT:RANG? MIN;RANG? MAX", "0.1;1000"), ("*LANG?", "SCPI"),
    ("SYST:CARD1:IDN?", "2000,10-Chan Mux,0.0.0a,00000000"), (":SYST:CARD1:VCH:STAR?;END?", "1;10"),
    ("SYST:LFR?", "50"), ("ROUT:CLOS (@1:2);CLOS?", "(@2)"),
    (":ROUT:SCAN:CRE (@1:3);:ROUT:SCAN:CRE?", "(@1:3)"), (":DISP:VOLT:DIG 5;DIG?", "5"),
    ("ROUT:MULT:CLOS (@1,3);:ROUT:CLOS?", "(@1,3)"), ("ROUT:CLOS (@1);OPEN:ALL;:ROUT:CLOS?", "(@)"),
    (":SENS:TEMP:NPLC 2;NPLC?", "2"), (":TRAC:POIN?", "100000,\"defbuffer1\""), ("ROUT:TERM?", "REAR"),
])
def test_what_other_programs_send(bench: Bench, text: str, answer: str) -> None:
    assert bench.ask(text) == answer
    assert bench.errors() == []


def test_the_name_of_the_function_may_come_without_quotes() -> None:
    assert Bench(unquoted=True).ask("FUNC?") == "VOLT:DC"


def test_a_scan_fills_the_buffer(bench: Bench) -> None:
    bench.ask(':SENS:FUNC "VOLT:DC",(@1,2);:ROUT:SCAN:CRE (@1,2);:ROUT:SCAN:COUN:SCAN 2;:TRAC:CLE;:INIT')
    assert bench.ask("TRAC:ACT?;:TRAC:ACT:STAR?;:TRAC:ACT:END?") == "4;1;4"
    values = [float(text) for text in (bench.ask(":TRAC:DATA? 1, 4") or "").split(",")]
    assert values == pytest.approx([0.75, 1.8, 0.75, 1.8], abs=3e-4)
    assert float(bench.ask("TRAC:STAT:MAX?") or "nan") == max(values)
    assert bench.ask("TRAC:DATA? 1, 9") is None
    assert bench.errors() == [-222]


def test_measure_selects_the_function_of_the_closed_channel(bench: Bench) -> None:
    assert float(bench.ask("ROUT:CLOS (@3);:MEAS:RES?") or "nan") == pytest.approx(47.0, abs=0.01)
    assert (bench.ask("TRAC:CLE;:COUN 3;:READ?;:TRAC:ACT?") or "").endswith(";3")


def test_events_carry_type_and_time(bench: Bench) -> None:
    assert bench.ask("SYST:ERR?") == '0,"No error;0;0 0"'
    assert bench.ask("SYST:EVEN:NEXT?") == '0,"No error;0,0,0"'
    bench.ask("VOLT:NOPE 1")
    assert bench.ask("SYST:ERR:COUN?") == "1"
    assert bench.ask("SYST:ERR?") == '-113,"Undefined header;1;2000/01/01 00:00:00.000"'
    bench.ask("VOLT:NOPE 1")
    assert bench.ask("SYST:ERR:CODE?") == "-113"
    bench.ask("ROUT:CLOS (@11)")
    with pytest.raises(DeviceError, match="-222 Data out of range"):
        bench.driver.sample_count.set(1.0)


@pytest.mark.parametrize(("text", "number"), [
    ("VOLT:NPLC 12.5", -222), ("ROUT:CLOS (@11)", -222), ("ROUT:CLOS", -109), ('FUNC "WATT"', -224),
    ('FUNC "NONE"', -224),
    ("VOLT:RANG 2000", -222), ("ROUT:SCAN:CRE (@1,12)", -222), ("TRAC:DATA? 1", -109), ("TRAC:DATA? a,b", -121)])
def test_errors(bench: Bench, text: str, number: int) -> None:
    assert bench.ask(text) is None
    assert bench.errors() == [number]


def test_the_mains_set_the_longest_integration() -> None:
    bench = Bench(line_hz=60)
    bench.ask("VOLT:NPLC 15")
    assert bench.errors() == []


def test_relative_readings(bench: Bench) -> None:
    bench.ask("FUNC \"VOLT\",(@1);:ROUT:CLOS (@1);:VOLT:REL:ACQ (@1);:VOLT:REL:STAT 1,(@1)")
    assert abs(float(bench.ask("READ?") or "nan")) < 1e-4
    assert bench.errors() == []


PIECES = st.sampled_from(["VOLT", "RES", ":", "FUNC ", '"VOLT:DC"', '"', "ROUT:CLOS", "MEAS", "READ?", "INIT", "FETC?",
                          "?", " ", ",", ";", "1", "1e400", "-5", "MAX", "MIN", "(@1)", "(@1:10)", "(@", "COUN ",
                          "RANG", "NPLC", "*RST", "TRAC:DATA? ", "ROUT:SCAN:CRE ", "TRAC:CLE", "SYST:EVEN:NEXT?", "#15",
                          "*LANG TSP"])
FUZZED = Bench()


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map("".join)))
@settings(max_examples=400, deadline=None)
def test_no_message_breaks_it(message: str) -> None:
    FUZZED.ask(message)
    assert len(FUZZED.errors()) <= 20
    assert FUZZED.ask("SYST:ERR?") == '0,"No error;0;0 0"'
