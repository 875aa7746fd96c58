"""Rows that need something before them, rows with an index, families that answer one thing a message."""

from __future__ import annotations

from typing import cast

import pytest

from labkit.errors import DeviceError, LinkTimeout
from labkit.instrument import Channel, Instrument, Reading, Scpi, ScpiDialect, Setting
from labkit.transport.transcript import CLEAR, expected, timed_out


class Pin(Channel):
    level = Reading(float, Scpi("READ", before='FUNC "V",(@{channel});ROUT:CLOS (@{channel})', placed=False))
    gain = Setting(float, Scpi("GAIN"))
    name = Reading(str, Scpi("NAME", before="*WAI"))
    tap = Setting(float, Scpi("TAP", index="7"))


class Box(Instrument):
    kind = "multimeter"
    dialect = ScpiDialect(channel="list")
    channel_type = Pin
    channel_numbers = (1, 2)


class Plain(Instrument):
    kind = "clock-source"
    dialect = ScpiDialect(error_query="LERR?", compound=False, error_with_set=True, error_texts={0: "", 20: "too fast"})
    speed = Setting(float, Scpi("FREQ"))
    high = Setting(float, Scpi("CMOS", index="1"))
    quiet = Reading(int, Scpi("LCKR", before="LCKR?"))
    armed = Reading(int, Scpi("ARMD", before="TRIG 1;WAIT"))


OK = '0,"No error"'


def pin(box: Box, number: int) -> Pin:
    return cast(Pin, box._channels[number])


def test_what_is_needed_goes_out_before_in_the_same_message() -> None:
    one, two = (f'FUNC "V",(@{n});:ROUT:CLOS (@{n});:READ?' for n in (1, 2))
    with expected(Box, [(f"{one};:SYST:ERR?", f"1.5;{OK}"), (f"{one};:{two};:SYST:ERR?", f"1;2;{OK}")]) as box:
        assert pin(box, 1).level.read() == 1.5
        assert box.perform([pin(box, n).level.prepare() for n in (1, 2)]) == [1.0, 2.0]


def test_the_list_stays_with_commands_that_take_one_and_the_index_comes_first() -> None:
    with expected(Box, [
        ("GAIN 2,(@1);:SYST:ERR?", OK), ("*WAI;:NAME? (@2);:SYST:ERR?", f'"a";{OK}'), ("TAP 7,0.5,(@2);:SYST:ERR?", OK),
        ("TAP? 7,(@2);:SYST:ERR?", f"0.5;{OK}"),
    ]) as box:
        pin(box, 1).gain.set(2.0)
        assert pin(box, 2).name.read() == "a"
        pin(box, 2).tap.set(0.5)
        assert pin(box, 2).tap.get() == 0.5


def test_one_answer_a_message() -> None:
    with expected(Plain, [
        ("FREQ 5;LERR?", "0"), ("CMOS 1,3.3;LERR?", "0"), ("CMOS? 1", "3.30"), ("LERR?", "0"),
        ("LCKR?", "9"), ("LCKR?", "0"), ("LERR?", "0"), ("TRIG 1", None), ("WAIT", None), ("ARMD?", "1"),
        ("LERR?", "0"),
    ]) as box:
        box.speed.set(5.0)
        box.high.set(3.3)
        assert box.high.get() == 3.3
        assert box.quiet.read() == 0
        assert box.armed.read() == 1


def test_numbers_of_errors_become_words() -> None:
    pairs = [("FREQ 5;LERR?", "20"), ("LERR?", "0"), ("FREQ?", "5"), ("LERR?", "77"), ("LERR?", "0")]
    with expected(Plain, pairs) as box:
        with pytest.raises(DeviceError, match="20 too fast"):
            box.speed.set(5.0)
        with pytest.raises(DeviceError, match="77 error without a name here"):
            box.speed.get()


def test_a_time_out_of_what_stands_before_makes_the_link_dirty() -> None:
    with expected(Plain, [
        ("LCKR?", timed_out("LCKR?")), (CLEAR, None),
        *[pair for n in (17, 34, 5) for pair in ((f"*ESE {n}", None), ("*ESE?", str(n)))], ("*ESE 0", None),
        ("*ESE?", "0"), ("LERR?", "0"), ("FREQ?", "5"), ("LERR?", "0"),
    ]) as box:
        with pytest.raises(LinkTimeout):
            box.quiet.read()
        assert box.speed.get() == 5.0


def test_a_question_before_a_row_of_a_compound_family_is_a_mistake_of_the_driver() -> None:
    class Wrong(Instrument):
        kind = "clock-source"
        dialect = ScpiDialect()
        quiet = Reading(int, Scpi("LCKR", before="LCKR?"))

    with expected(Wrong, []) as box, pytest.raises(TypeError, match="its answer would be taken for another's"):
        box.quiet.read()
