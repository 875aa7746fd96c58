import re

import pytest

from labkit.errors import LinkTimeout
from labkit.instrument import Instrument, Register, RegisterDialect, Scpi, ScpiDialect, Setting
from labkit.limits import within
from labkit.transport.transcript import (
    CLEAR,
    RegisterTranscript,
    StreamTranscript,
    TranscriptLink,
    expected,
    timed_out,
)


class Source(Instrument):
    dialect = ScpiDialect()
    level = Setting(float, Scpi("VOLTage"), unit="V", limits=within(0, 5, "test"))


class Oven(Instrument):
    dialect = RegisterDialect()
    mode = Setting(int, Register(10, "uint16"))


def test_what_is_expected_passes():
    wire = [("VOLT 3.3;:SYST:ERR?", '0,"No error"'), ("VOLT?;:SYST:ERR?", '3.3;0,"No error"')]
    with expected(Source, wire) as source:
        source.level.set(3.3)
        assert source.level.get() == 3.3
    with expected(Oven, [(("write", 10, [7]), None), (("read", 10, 1), [7])]) as oven:
        oven.mode.set(7)
        assert oven.mode.get() == 7


def test_unexpected_traffic_fails():
    said = r"sent 'VOLT 1;:SYST:ERR\?'; line 1 of the transcript has 'VOLT 2'"
    with pytest.raises(AssertionError, match=said), expected(Source, [("VOLT 2", None)]) as source:
        source.level.set(1)
    with pytest.raises(AssertionError, match="after the end of the transcript"), expected(Source, []) as source:
        source.level.get()
    with pytest.raises(AssertionError, match=r"sent \('read', 10, 1\) after the end"), expected(Oven, []) as oven:
        oven.mode.get()


def test_unsent_traffic_fails():
    with pytest.raises(AssertionError, match=r"never sent \['VOLT 1'\]"), expected(Source, [("VOLT 1", None)]):
        pass


def test_an_error_inside_is_not_covered_up():
    with pytest.raises(ZeroDivisionError), expected(Source, [("VOLT 1", None)]):
        raise ZeroDivisionError


def test_unread_replies_fail():
    link = TranscriptLink([("A?", "1"), ("B?", "2"), ("C", "3")])
    pending = link.ask("A?")
    with pytest.raises(AssertionError, match=r"sent 'B\?' before it read the reply to 'A\?'"):
        link.ask("B?")
    with pytest.raises(AssertionError, match=r"never read the reply to 'A\?'"):
        link.done()
    assert pending.result() == "1"
    assert link.ask("B?").result() == "2"
    with pytest.raises(AssertionError, match="without waiting for the reply"):
        link.write("C")
    link.done()


def test_time_outs_and_clears_stand_in_the_transcript():
    link = TranscriptLink([("A?", timed_out("A?")), (CLEAR, None), ("B?", None)])
    with pytest.raises(LinkTimeout):
        link.ask("A?").result()
    link.clear()
    with pytest.raises(LinkTimeout, match="no answer in the transcript"):
        link.ask("B?").result()
    with pytest.raises(AssertionError, match="after the end"):
        link.clear()
    assert not link.closed
    link.close()
    assert link.closed


def test_registers():
    link = RegisterTranscript([(("read", 1, 2), [1]), (("write", 1, [2]), timed_out())])
    with pytest.raises(AssertionError, match="where 2 registers were read"):
        link.read(1, 2)
    with pytest.raises(LinkTimeout):
        link.write(1, [2])
    link.done()


def test_streams():
    link = StreamTranscript([("bist\n", "bist\r\nBIST PASS\r\n# "), ("x", None)])
    link.send("bist\n")
    assert link.expect(re.compile("PASS"), 1) == "bist\r\nBIST PASS"
    with pytest.raises(LinkTimeout, match="nothing that matches 'login:'"):
        link.expect(re.compile("login:"), 1)
    with pytest.raises(AssertionError, match="never read"):
        link.done()
    assert link.drain() == "\r\n# "
    with pytest.raises(AssertionError, match=r"never sent \['x'\]"):
        link.done()
