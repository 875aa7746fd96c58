"""A console: the echo is taken off, the prompt is found where it stands, values come out of what was printed."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted_links import Console

from labkit.clock import VirtualClock
from labkit.errors import LimitRefused, LinkTimeout, ReplyError
from labkit.instrument import BoundReading, BoundSetting, ConsolePort, Line, Reading, Setting, Special
from labkit.instrument.console import fill
from labkit.limits import within


def port(answer: Callable[[str], str] | str) -> tuple[ConsolePort, Console]:
    link = Console(answer if callable(answer) else lambda line: answer)
    return ConsolePort("console_A", link, "# "), link


class Owner:
    label, number, clock = "console_A", None, VirtualClock()

    def __init__(self, console: ConsolePort) -> None:
        self.port = console

    def perform(self, operations: Any) -> Any:
        return self.port.start(operations).result()


def reading(console: ConsolePort, expect: str, values: type = float) -> Any:
    row = Reading(values, Line("sensors tj", expect)).named("tj")
    return BoundReading(Owner(console), row)  # type: ignore[arg-type]


def clock_setting(console: ConsolePort, send: str = "pll core {value:MHz}", expect: str = "") -> Any:
    row = Setting(float, Line(send, expect), unit="Hz", limits=within(8e8, 2.4e9, "board")).named("core")
    return BoundSetting(Owner(console), row)  # type: ignore[arg-type]


@pytest.mark.parametrize(("printed", "text"), [
    ("sensors\r\ntj=25\r\n# ", "tj=25"),            # with echo
    ("tj=25\r\n# ", "tj=25"),                        # without
    ("sensors \r\ntj=25\n# ", "tj=25"),              # echo with a blank, mixed line ends
    ("sensors\rtj=25\r# ", "tj=25"),                 # carriage returns only
    ("# ", ""),                                      # nothing but the prompt
    ("sensors\r\na # b\r\n10# 3\r\n# ", "a # b\n10# 3"),  # the prompt inside a line is output
    ("sensors\r\none\r\n\r\ntwo\r\n# ", "one\n\ntwo"),
    ("sensors\r\nsensors\r\n# ", "sensors"),         # only the first line is the echo
])
def test_what_stands_between_echo_and_prompt_is_the_reply(printed: str, text: str) -> None:
    console, link = port(printed)
    assert console.command("sensors", 1.0) == text
    assert link.sent == ["sensors\n"]


def test_what_was_printed_unasked_is_no_answer() -> None:
    console, link = port("now\r\n# ")
    link.arrived = "[kernel] earlier\r\n# "
    assert console.command("x", 1.0) == "now"


def test_a_prompt_with_signs_of_regular_expressions_is_meant_as_it_stands() -> None:
    link = Console(lambda line: "x\r\nroot@a0:~$ ")
    assert ConsolePort("c", link, "root@a0:~$ ").command("y", 1.0) == "x"


def test_silence_names_the_line_and_what_came_until_then() -> None:
    console, _ = port("half an ans")
    with pytest.raises(LinkTimeout, match="console_A: the console did not come back to its prompt") as problem:
        console.command("sensors tj", 2.0)
    assert (problem.value.sent, problem.value.reply) == ("sensors tj", "half an ans")


def test_a_second_line_is_not_sent() -> None:
    console, link = port("# ")
    for line in ("a\nreboot", "a\rreboot", "a\x03"):
        with pytest.raises(ValueError, match="second command"):
            console.send(line)
    assert link.sent == []


@pytest.mark.parametrize(("printed", "expect", "value"), [
    ("tj=81.5", r"tj=([-+0-9.]+)", 81.5), ("tj=-4", r"tj=([-+0-9.]+)", -4.0), ("a\ntj=3\nb", r"^tj=(\d)$|tj=(\d)", None),
    ("tj=nan", r"tj=(\S+)", Special.NOT_A_NUMBER), ("tj=inf", r"tj=(\S+)", Special.OVERLOAD),
    ("tj=-inf", r"tj=(\S+)", Special.NEGATIVE_OVERLOAD), ("81.5", r"[0-9.]+", 81.5),
])
def test_a_value_is_taken_out_of_the_text(printed: str, expect: str, value: Any) -> None:
    console, _ = port(f"sensors tj\r\n{printed}\r\n# ")
    if value is None:  # the group did not take part in the match
        with pytest.raises(ReplyError, match="did not print"):
            reading(console, expect).read()
    else:
        assert reading(console, expect).read() == value


@pytest.mark.parametrize(("printed", "said"), [("sensor broken", "did not print"), ("tj=--", "'--' is no number")])
def test_what_was_printed_instead_is_told(printed: str, said: str) -> None:
    console, _ = port(f"sensors tj\r\n{printed}\r\n# ")
    with pytest.raises(ReplyError, match=said) as problem:
        reading(console, r"tj=(\S+)").read()
    assert problem.value.reply == printed
    assert problem.value.sent == "sensors tj"


def test_words_can_be_read_too() -> None:
    console, _ = port("sensors tj\r\nstate=LOCKED\r\n# ")
    assert reading(console, r"state=(\w+)", str).read() == "LOCKED"


def test_a_clock_is_set_in_the_unit_that_the_board_wants_within_its_limits() -> None:
    console, link = port("ok\r\n# ")
    clock_setting(console).set(1.625e9)
    assert link.sent == ["pll core 1625\n"]
    with pytest.raises(LimitRefused, match=r"2\.5 GHz is above the limit of 2\.4 GHz \(board\)"):
        clock_setting(console).set(2.5e9)
    with pytest.raises(TypeError, match="can only be set"):
        clock_setting(console).get()
    assert len(link.sent) == 1


def test_a_setting_that_is_not_confirmed_is_an_error() -> None:
    console, _ = port("pll core 1600\r\nERR lock\r\n# ")
    clock_setting(console).set(1.6e9)
    with pytest.raises(ReplyError, match="did not confirm with 'locked'") as problem:
        clock_setting(console, expect="locked").set(1.6e9)
    assert problem.value.reply == "ERR lock"


def test_several_lines_go_one_after_the_other() -> None:
    console, link = port(lambda line: f"{line.strip()}\r\ntj=5\r\n# ")
    tj = reading(console, r"tj=(\d)")
    assert console.start([tj.prepare(), tj.prepare()]).result() == [5.0, 5.0]
    assert console.start([]).result() == []
    assert link.sent == ["sensors tj\n"] * 2


@pytest.mark.parametrize(("template", "value", "unit", "line"), [
    ("pll {value:MHz}", 1.6e9, "Hz", "pll 1600"), ("pll {value:kHz}", 1.6e9, "Hz", "pll 1600000"),
    ("pll {value}", 1.6e9, "Hz", "pll 1600000000"), ("v {value:mV}", 0.755, "V", "v 755"), ("v {value:mV} {value}", 0.5, "V", "v 500 0.5"),
    ("echo {x}", 1.0, "V", "echo {x}"), ("t {value:%}", 5.0, "%", "t 5"), ("say {value}", "hello", "", "say hello"),
])
def test_a_template_is_filled_in_the_unit_it_names(template: str, value: Any, unit: str, line: str) -> None:
    assert fill(template, value, unit) == line


def test_a_template_in_another_dimension_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\{value:mV\}: '1 mV' is not in Hz"):
        fill("pll {value:mV}", 1.6e9, "Hz")


def test_a_row_of_another_wire_is_a_mistake_of_the_driver() -> None:
    console, _ = port("# ")
    from scripted_links import box

    psu, _ = box(lambda message: "")
    with pytest.raises(TypeError, match="is not a console row"):
        console.line(psu.count.prepare(3))
