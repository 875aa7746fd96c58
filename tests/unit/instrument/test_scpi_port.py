"""Operations become one message; errors belong to the message that caused them; a bad answer means a re-sync."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted_links import Box, Output, box

from labkit.errors import Cancelled, DeviceError, LinkError, LinkTimeout, ReplyError
from labkit.instrument import Scpi, ScpiDialect, Setting, Special
from labkit.instrument.scpi import decode, encode, number, parse_error, split_reply

NO_ERROR = '+0,"No error"'


def scripted(*answers: str | BaseException) -> Callable[[str], str]:
    """Answer a re-synchronisation properly, anything else in turn."""
    left = list(answers)

    def answer(message: str) -> str:
        if message.startswith("*ESE "):
            return message.split(";")[0].removeprefix("*ESE ")
        found = left.pop(0) if left else NO_ERROR
        if isinstance(found, BaseException):
            raise found
        return found
    return answer


RESYNC = ["*ESE 17;*ESE?", "*ESE 34;*ESE?", "*ESE 5;*ESE?", "*ESE 0;*ESE?", "SYST:ERR?"]


def test_a_set_and_the_readings_beside_it_travel_in_one_message() -> None:
    psu, link = box(scripted(f"+7.5E-01;1;{NO_ERROR}"))
    channel = psu.channels[1]
    assert channel.perform([channel.voltage.prepare(0.75), channel.current.prepare(), channel.clear.prepare(),
                            channel.output.prepare_get()]) == [0.75, True]
    assert link.sent == ["VOLT 0.75,(@1);:MEAS:CURR? (@1);:VOLT:PROT:CLE (@1);:OUTP? (@1);:SYST:ERR?"]


def test_a_common_command_takes_no_colon_and_a_suffix_no_channel_list() -> None:
    psu, link = box(scripted(f"4;{NO_ERROR}", f"1;{NO_ERROR}"))
    assert psu.perform([psu.count.prepare(3), psu.idn_bit.prepare()]) == [4]
    assert psu.channels[2].mode.read() == "CC"
    assert link.sent == ["COUN 3;*STB?;:SYST:ERR?", "STAT:ISUM2?;:SYST:ERR?"]


def test_words_and_switches_both_ways() -> None:
    psu, link = box(scripted(NO_ERROR, f"EXT;{NO_ERROR}", f'"external";{NO_ERROR}', NO_ERROR, f"+0;{NO_ERROR}"))
    channel = psu.channels[1]
    channel.sense.set("remote")
    assert channel.sense.get() == "remote"
    assert channel.sense.get() == "remote"
    channel.output.set(False)
    assert channel.output.get() is False
    assert [text.split(";")[0] for text in link.sent] == [
        "VOLT:SENS EXT,(@1)", "VOLT:SENS? (@1)", "VOLT:SENS? (@1)", "OUTP 0,(@1)", "OUTP? (@1)"]


def test_nothing_to_do_sends_nothing() -> None:
    psu, link = box(scripted(), ScpiDialect(channel="list", error_query=""))
    assert psu.perform([]) == []
    assert link.sent == []


def test_all_errors_in_the_queue_belong_to_the_message() -> None:
    psu, link = box(scripted('-222,"Data out of range"', '-113,"Undefined header"', '+5,"Own; error"', NO_ERROR))
    with pytest.raises(DeviceError) as problem:
        psu.channels[1].voltage.set(5.5)
    assert problem.value.errors == ((-222, "Data out of range"), (-113, "Undefined header"), (5, "Own; error"))
    assert problem.value.instrument == "psu_a"
    assert problem.value.sent == "VOLT 5.5,(@1);:SYST:ERR?"
    assert link.sent[1:] == ["SYST:ERR?"] * 3
    psu.channels[1].voltage.set(1.0)  # the link is in step: no re-synchronisation
    assert link.cleared == 0


def test_a_query_that_failed_is_a_device_error_though_its_value_is_missing() -> None:
    psu, _ = box(scripted('-113,"Undefined header"'))
    with pytest.raises(DeviceError, match="-113 Undefined header"):
        psu.channels[1].current.read()


def test_an_error_queue_that_never_empties_is_given_up() -> None:
    psu, link = box(lambda message: '-350,"Queue overflow"')
    with pytest.raises(DeviceError):
        psu.channels[1].voltage.set(1.0)
    assert len(link.sent) <= 60


@pytest.mark.parametrize(("answer", "said"), [
    (f"1.0;2.0;{NO_ERROR}", "2 values were asked for, 3 came"),
    (NO_ERROR, "2 values were asked for, 1 came"),
    ("", "no error-queue entry"),
    ("1.0;", "no error-queue entry"),
    ("1.0;2.0", "no error-queue entry"),
    (f"one;{NO_ERROR}", "could not convert"),
    (f";{NO_ERROR}", "could not convert"),
])
def test_an_answer_that_does_not_fit_is_an_error_and_the_next_message_resyncs(answer: str, said: str) -> None:
    psu, link = box(scripted(answer, NO_ERROR, f"2.5;{NO_ERROR}"))
    with pytest.raises(ReplyError, match=said) as problem:
        psu.channels[1].current.read()
    assert problem.value.reply == answer
    assert psu.channels[1].current.read() == 2.5
    assert link.cleared == 1
    assert link.sent[1:] == [*RESYNC, "MEAS:CURR? (@1);:SYST:ERR?"]


@pytest.mark.parametrize("problem", [
    LinkTimeout("late", instrument="psu_a"), Cancelled("stopped"), KeyboardInterrupt()])
def test_an_answer_that_was_not_waited_for_is_never_taken_for_the_next(problem: Any) -> None:
    psu, link = box(scripted(problem, NO_ERROR, f"2.5;{NO_ERROR}"))
    with pytest.raises(type(problem)):
        psu.channels[1].current.read()
    assert psu.channels[1].current.read() == 2.5
    assert link.cleared == 1


def test_a_resync_that_hears_old_answers_says_so_and_tries_again_next_time() -> None:
    replies = iter(["late", "*", "17", "34", "5", "0", NO_ERROR, NO_ERROR])
    psu, link = box(lambda message: next(replies))
    with pytest.raises(ReplyError):
        psu.channels[1].voltage.set(1.0)
    with pytest.raises(LinkError, match="check for a second program on this instrument"):
        psu.channels[1].voltage.set(1.0)
    psu.channels[1].voltage.set(1.0)
    assert link.cleared == 2


def test_without_compound_messages_each_command_and_the_error_query_stand_alone() -> None:
    queue: list[str] = []

    def answer(message: str) -> str:
        if message == "SYST:ERR?":
            return queue.pop(0) if queue else NO_ERROR
        assert ";" not in message
        return "2.5"

    psu, link = box(answer, ScpiDialect(channel="list", compound=False))
    channel = psu.channels[1]
    assert channel.perform([channel.voltage.prepare(1.0), channel.current.prepare()]) == [2.5]
    assert link.sent == ["VOLT 1,(@1)", "SYST:ERR?", "MEAS:CURR? (@1)", "SYST:ERR?"]
    queue += ['-222,"Data out of range"']
    with pytest.raises(DeviceError, match=r"-222 Data out of range \(sent 'VOLT 2,\(@1\)'\)"):
        channel.perform([channel.voltage.prepare(2.0), channel.output.prepare(True)])
    assert not any(text.startswith("OUTP") for text in link.sent)  # after an error nothing more is sent


def test_without_compound_messages_the_resync_is_in_single_messages_too() -> None:
    last = [""]

    def answer(message: str) -> str:
        assert ";" not in message
        return last[0] if message == "*ESE?" else NO_ERROR

    psu, link = box(answer, ScpiDialect(channel="list", compound=False))
    write = link.write
    link.write = lambda message: (last.__setitem__(0, message.removeprefix("*ESE ")), write(message))[1]
    psu.port.mark_dirty()
    psu.channels[1].voltage.set(1.0)
    assert link.sent[0] == "*ESE 17"


def test_without_an_error_queue_a_set_is_only_written() -> None:
    psu, link = box(scripted("2.5"), ScpiDialect(channel="list", error_query=""))
    psu.channels[1].voltage.set(1.0)
    assert psu.channels[1].current.read() == 2.5
    assert link.sent == ["VOLT 1,(@1)", "MEAS:CURR? (@1)"]


def test_a_numbered_family_never_acts_on_a_channel_that_it_cannot_name() -> None:
    class Numbered(Output):
        voltage = Setting(float, Scpi("SOURce<n>:VOLTage"), unit="V", doc="V.")
        output = Setting(bool, Scpi("OUTPut[:STATe]"), doc="No place for a number.")

    class Two(Box):
        channel_type = Numbered

    from scripted_links import Messages

    from labkit.clock import VirtualClock

    link = Messages(scripted())
    psu = Two("gen", link, VirtualClock(), ScpiDialect(channel="suffix"))  # type: ignore[arg-type]
    psu.channels[2].voltage.set(1.0)
    assert link.sent == ["SOUR2:VOLT 1;:SYST:ERR?"]
    with pytest.raises(TypeError, match="has no <n> for the channel number"):
        psu.channels[2].output.set(True)


@pytest.mark.parametrize(("text", "value"), [
    ("+7.5E-01", 0.75), ("-1", -1.0), ("9.90000E+37", Special.OVERLOAD), ("9.9E37", Special.OVERLOAD),
    ("-9.9E+37", Special.NEGATIVE_OVERLOAD), ("9.91E+37", Special.NOT_A_NUMBER), ("NAN", Special.NOT_A_NUMBER),
    ("INF", Special.OVERLOAD), ("-INF", Special.NEGATIVE_OVERLOAD), ("1e38", Special.OVERLOAD), ("9.7e37", 9.7e37),
])
def test_sentinels_are_typed_results_and_never_floats(text: str, value: object) -> None:
    assert number(text) == value


def test_replies_are_split_outside_quotes() -> None:
    assert split_reply("1;2;+0,\"No error\"") == ["1", "2", '+0,"No error"']
    assert split_reply('"a;b";-222,"x;y"') == ['"a;b"', '-222,"x;y"']
    assert split_reply("") == [""]
    assert parse_error(' -113,"Undefined header"\n', "x") == (-113, "Undefined header")
    with pytest.raises(ReplyError, match="no error-queue entry"):
        parse_error("1.5", "x")


def test_numbers_are_sent_without_the_dust_of_arithmetic_and_without_loss() -> None:
    assert encode(Output.voltage, 0.1 + 0.2) == "0.3"
    assert encode(Output.voltage, 1_600_000_000.001) == "1600000000"
    assert encode(Output.voltage, 1_234_567_890.12) == "1234567890.12"
    assert encode(Output.voltage, 1e-7) == "1e-07"


def test_a_word_that_is_none_of_the_closed_set_is_an_error() -> None:
    with pytest.raises(ValueError, match="'XYZ' is none of INTernal, EXTernal"):
        decode(Output.sense, "XYZ")
    with pytest.raises(ValueError, match="neither on nor off"):
        decode(Output.output, "2")
