"""The twin of the CG635: the driver over a link, the syntax that public drivers use, errors, registers, settling."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.clock import VirtualClock
from labkit.errors import DeviceError
from labkit.sim.link import TwinMessageLink
from labkit.sim.twin import TwinEnvironment
from labkit_instruments.clock_source.srs_cg635 import CG635, ERRORS
from labkit_instruments.clock_source.srs_cg635_sim import CG635Twin


class ClockLine:
    def __init__(self) -> None:
        self.driven: list[tuple[float, bool]] = []

    def drive(self, *, hz: float, on: bool) -> None:
        self.driven.append((hz, on))


class Bench:
    def __init__(self) -> None:
        self.clock, self.line = VirtualClock(), ClockLine()
        self.twin = CG635Twin(TwinEnvironment("clk", "SIM0007", self.clock, 1, {1: self.line}))
        self.driver = CG635("clk", TwinMessageLink("clk", self.twin, self.clock), self.clock)
        self.clock.sleep(1.0)

    def ask(self, message: str) -> str | None:
        return self.twin.handle(message).text

    def errors(self) -> list[int]:
        found = []
        while (code := int(self.ask("LERR?") or "0")) != 0:
            found.append(code)
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("row", "value"), [
    ("frequency", 1e-6), ("frequency", 33.333e6), ("frequency", 2.05e9), ("phase", 90.0), ("output", False),
    ("cmos_low", 0.4), ("cmos_high", 1.6), ("q_low", 1.0), ("q_high", 2.0),
    *[("cmos_standard", name) for name in ("1.2 V", "1.8 V", "2.5 V", "3.3 V", "5 V")],
    *[("q_standard", name) for name in ("ECL", "+7 dBm", "LVDS", "PECL 3.3 V", "PECL 5 V")],
])
def test_the_driver_sets_and_asks_back(bench: Bench, row: str, value: object) -> None:
    getattr(bench.driver, row).set(value)
    assert getattr(bench.driver, row).get() == value


def test_every_row_is_known(bench: Bench) -> None:
    bench.driver.zero_phase.act()
    assert bench.driver.timebase.read() == "internal"
    assert bench.driver.locked.read() is True
    found = bench.driver.identify()
    assert (found.model, found.serial, found.simulated) == ("CG635", "SIM0007", True)


@pytest.mark.parametrize(("text", "question", "answer"), [
    ("FREQ 1e7", "FREQ?", 1e7), ("FREQ1e6", "freq ?", 1e6), (" freq  2.5E8 ", "FREQ?", 2.5e8),
    ("CMOS 1,3.30", "CMOS?1", 3.3), ("CMOS1,2.5", "CMOS? 1", 2.5), ("cmos 0 , 0.1", "CMOS? 0", 0.1),
    ("STDC 0", "CMOS? 1", 1.2), ("STDQ 4", "QOUT?0", 3.2), ("CMOS 0,0.4", "STDC?", -1.0), ("QOUT 1,1.5", "STDQ?", -1.0),
    ("RUNS0", "RUNS?", 0.0), ("*ESE 61", "*ESE?", 61.0), ("*SRE32", "*SRE?", 32.0), ("PHAS -180", "PHAS?", -180.0),
])
def test_forms_of_commands(bench: Bench, text: str, question: str, answer: float) -> None:
    assert bench.ask(text) is None
    assert bench.errors() == []
    assert float(bench.ask(question) or "nan") == answer


def test_several_commands_in_one_message(bench: Bench) -> None:
    assert bench.ask("FREQ 2e7;FREQ?;CMOS?1;LERR?") == "20000000;3.30;0"


@pytest.mark.parametrize(("text", "code"), [
    ("FREQ 3e9", 20), ("FREQ 0", 20), ("PHAS 1e6", 30), ("CMOS 1,7", 40), ("CMOS 0,-2", 40), ("QOUT 1,9", 40),
    ("CMOS 2,1", 10), ("STDC 5", 10), ("STDC -1", 10), ("RUNS 2", 10), ("*ESE 256", 10), ("PRBS 1", 71),
    ("FRE 1", 110), ("1234", 110), ("ABCD 1", 111), ("SYST:ERR?", 111), ("RPHS?", 112), ("LCKR 1", 113),
    ("CMOS 1,", 114), ("CMOS 1,2,3", 115), ("FREQ", 116), ("CMOS?", 116), ("FREQ 1,2,3,4", 117),
    (f"FREQ {'1' * 26}", 117), ("FREQ abc", 118), ("FREQ 1e999", 118), ("RUNS 1.5", 120),
])
def test_errors_by_number(bench: Bench, text: str, code: int) -> None:
    assert bench.ask(text) is None
    assert bench.errors() == [code]
    assert code in ERRORS


def test_a_level_that_would_cross_pushes_the_other_away_and_says_so(bench: Bench) -> None:
    bench.ask("CMOS 0,0.5;CMOS 1,0.2")
    assert bench.errors() == [61]
    assert bench.ask("CMOS?0;CMOS?1") == "0.20;0.20"
    bench.ask("STDQ 2;QOUT 0,2.0")
    assert bench.errors() == [52]


def test_the_error_buffer_overflows_at_its_newest_end(bench: Bench) -> None:
    for _ in range(30):
        bench.ask("FREQ 3e9")
    found = bench.errors()
    assert found[-1] == 254
    assert set(found[:-1]) == {20}


def test_a_message_longer_than_the_buffer_is_thrown_away_with_its_answers(bench: Bench) -> None:
    assert bench.ask("FREQ?;" * 60) is None
    assert bench.errors() == [117]


def test_the_driver_tells_what_the_box_complains_about(bench: Bench) -> None:
    bench.driver.cmos_low.set(0.5)
    with pytest.raises(DeviceError, match="61 CMOS low level changed"):
        bench.driver.cmos_high.set(0.2)


def test_completion_as_the_public_drivers_wait_for_it(bench: Bench) -> None:
    for text in ("*CLS", "*ESE 61", "*SRE 32", "FREQ 1e9", "*OPC"):
        bench.ask(text)
    assert bench.ask("*STB?") == "0"
    bench.clock.sleep(0.1)
    assert bench.ask("*STB?") == "96"
    assert bench.ask("*ESR?") == "1"
    bench.ask("ABCD")
    assert int(bench.ask("*ESR?") or "0") & 32
    bench.ask("FREQ 3e9")
    assert int(bench.ask("*ESR?") or "0") & 16


def test_outputs_settle_within_30_ms(bench: Bench) -> None:
    reply = bench.twin.handle("FREQ 1e9;*OPC?")
    assert reply.text == "1"
    assert 0.025 < reply.latency_s < 0.080


def test_a_change_of_octave_unlocks_for_a_moment_and_is_remembered_until_asked(bench: Bench) -> None:
    bench.ask("LCKR?")
    bench.ask("FREQ 10.5e6")  # the oscillator stays in its octave: no break
    assert bench.ask("LCKR?") == "0"
    bench.ask("FREQ 1e9")
    assert bench.twin.frequency_hz == 0.0
    bench.clock.sleep(0.1)
    assert bench.twin.frequency_hz == 1e9
    assert bench.ask("LCKR?") == "1"
    assert bench.ask("LCKR?") == "0"
    bench.driver.frequency.set(20e6)
    bench.clock.sleep(0.1)
    assert bench.driver.locked.read() is True


def test_the_line_is_clocked_and_the_cmos_output_ends_at_250_mhz(bench: Bench) -> None:
    bench.driver.frequency.set(250e6)
    bench.clock.sleep(0.1)
    assert bench.twin.cmos_hz == 250e6
    bench.driver.frequency.set(300e6)
    bench.clock.sleep(0.1)
    assert (bench.twin.cmos_hz, bench.twin.frequency_hz) == (0.0, 300e6)
    bench.driver.output.set(False)
    assert bench.twin.frequency_hz == 0.0
    assert bench.line.driven == [(10e6, True), (250e6, True), (300e6, True), (300e6, False)]


def test_reset(bench: Bench) -> None:
    bench.ask("FREQ 1e6;STDC 0;STDQ 0;RUNS 0;PHAS 5;*RST")
    assert bench.ask("FREQ?;STDC?;STDQ?;RUNS?;PHAS?") == "10000000;3;2;1;0"


def test_a_slow_line_is_part_of_the_time_an_answer_takes(bench: Bench) -> None:
    assert bench.twin.handle("FREQ?").latency_s > (len("FREQ?\n") + len("10000000\r\n")) / 960.0


PIECES = st.sampled_from(["FREQ", "CMOS", "QOUT", "STDC", "*ESE", "*OPC", "LCKR", "LERR", "?", " ", ",", ";", "1", "-",
                          "e9", "1e400", "0.5", ":", "\0", "é", '"', "SYST:ERR?"])


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map("".join)))
@settings(max_examples=300, deadline=None)
def test_no_message_breaks_it(message: str) -> None:
    bench = Bench()
    bench.ask(message)
    assert len(bench.errors()) < 30
    assert bench.ask("LERR?") == "0"
    assert (bench.ask("*IDN?") or "").startswith("Stanford Research Systems,CG635,s/nSIM0007")
