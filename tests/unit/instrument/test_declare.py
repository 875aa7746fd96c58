"""Declared rows: no assignment is I/O, limits only narrow, and nothing reaches the wire unchecked."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scripted_links import Box, Output, box

from labkit.errors import LimitRefused
from labkit.instrument import BoundSetting, Operation, Scpi, Setting
from labkit.limits import Limits, within


@pytest.fixture
def psu() -> Any:
    return box(lambda message: '+0,"No error"')


def test_assignment_is_refused_and_says_what_to_call(psu: Any) -> None:
    instrument, link = psu
    channel = instrument.channels[1]
    with pytest.raises(AttributeError, match=r"1\.voltage is no attribute to assign: call \.voltage\.set\(value\)"):
        channel.voltage = 0.75
    with pytest.raises(AttributeError, match=r"call \.current\.read\(\)"):
        channel.current = 1.0
    assert link.sent == []


def test_an_unknown_attribute_is_refused_with_what_was_meant(psu: Any) -> None:
    instrument, link = psu
    with pytest.raises(AttributeError, match=r"psu_a\.1 has no attribute 'volatge'; did you mean voltage\?"):
        instrument.channels[1].volatge = 0.75
    with pytest.raises(AttributeError, match="psu_a has no attribute 'name'"):
        instrument.name = "x"
    with pytest.raises(AttributeError, match="volatge"):
        _ = instrument.channels[1].volatge
    assert link.sent == []


def test_rows_are_themselves_on_the_class_and_bound_once_on_an_instrument(psu: Any) -> None:
    instrument, _ = psu
    assert isinstance(Output.voltage, Setting)
    bound = instrument.channels[2].voltage
    assert isinstance(bound, BoundSetting)
    assert instrument.channels[2].voltage is bound
    assert instrument.channels[1].voltage is not bound
    assert (bound.label, bound.unit, bound.owner) == ("psu_a.2.voltage", "V", instrument.channels[2])
    assert list(Box.rows()) == ["label_text", "count", "idn_bit"]


def test_an_operation_cannot_be_made_by_hand(psu: Any) -> None:
    with pytest.raises(TypeError, match="which checks limits"):
        Operation("put", Output.voltage, 1, 99.0, None)
    with pytest.raises(TypeError, match="which checks limits"):
        Operation("put", Output.voltage, 1, 99.0, object())
    assert repr(psu[0].channels[1].voltage.prepare(0.75)) == "<put 1.voltage 0.75>"


@pytest.mark.parametrize("value", [6.1, -0.1, math.nan, math.inf, -math.inf, 10**400, True, "1", None, [1], 1 + 0j])
def test_a_number_outside_the_limits_or_no_number_sends_nothing(psu: Any, value: Any) -> None:
    instrument, link = psu
    with pytest.raises(LimitRefused, match="nothing was sent"):
        instrument.channels[1].voltage.set(value)
    assert link.sent == []


@pytest.mark.parametrize("value", ["off", "on", "OFF", 0, 1, 2, 0.0, None, ""])
def test_a_switch_takes_true_and_false_only(psu: Any, value: Any) -> None:
    # "off" is true to Python: sent as 1 it would switch the output on.
    instrument, link = psu
    with pytest.raises(LimitRefused, match="neither True nor False; nothing was sent"):
        instrument.channels[1].output.set(value)
    assert link.sent == []


@pytest.mark.parametrize("value", ["INT", "Local", 1, True, None, []])
def test_a_closed_set_takes_its_words_only(psu: Any, value: Any) -> None:
    instrument, link = psu
    with pytest.raises(LimitRefused, match="is none of local, remote; nothing was sent"):
        instrument.channels[1].sense.set(value)
    assert link.sent == []


@pytest.mark.parametrize("value", ["x;:VOLT 6,(@1)", "x\nVOLT 6,(@1)", "\x1b", 5, None])
def test_text_cannot_smuggle_a_second_command_past_the_limits(psu: Any, value: Any) -> None:
    instrument, link = psu
    with pytest.raises(LimitRefused, match="not text on one line without semicolons"):
        instrument.label_text.set(value)
    assert link.sent == []


@pytest.mark.parametrize("value", [2.5, 0, 101, True, "3"])
def test_a_whole_number_in_range_is_wanted_for_a_count(psu: Any, value: Any) -> None:
    with pytest.raises(LimitRefused):
        psu[0].count.set(value)
    assert psu[1].sent == []
    psu[0].count.set(3.0)
    assert psu[1].sent == ["COUN 3;:SYST:ERR?"]


def test_restrict_only_narrows_one_channel(psu: Any) -> None:
    one, other = psu[0].channels[1].voltage, psu[0].channels[2].voltage
    one.restrict(within(0.0, 1.05, "abs_max of rail core"))
    one.restrict(Limits())
    one.restrict(within(-9.0, 99.0, "somebody generous"))
    assert one.limits == Limits(0.0, 1.05, "rating", "abs_max of rail core")
    with pytest.raises(LimitRefused, match=r"psu_a\.1\.voltage: 1\.06 V is above .* \(abs_max of rail core\)"):
        one.prepare(1.06)
    one.prepare(1.05)
    other.prepare(1.06)


def test_limits_can_depend_on_the_channel() -> None:
    class Two(Output):
        voltage = Setting(float, Scpi("VOLT"), unit="V", limits=lambda ch: within(0, ch.number * 5, "rating"), doc="V.")

    class Both(Box):
        channel_type = Two

    from scripted_links import Messages

    from labkit.clock import VirtualClock

    instrument = Both("psu", Messages(lambda m: '+0,""'), VirtualClock())  # type: ignore[arg-type]
    assert [instrument.channels[n].voltage.limits.high for n in (1, 2)] == [5, 10]
