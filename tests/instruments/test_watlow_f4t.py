"""Register transcripts of the F4T over Modbus TCP, typed from register numbers in public notes, not from the driver.

A float32 lies in two registers, low word first: 25.0 is 0x41C80000, on the wire 0x0000 0x41C8.
"""

import pytest

from labkit.errors import IdentityError, LimitRefused, LinkTimeout, ReplyError
from labkit.instrument import Special
from labkit.transport.transcript import CLEAR, expected, timed_out
from labkit_instruments.thermal_chamber.watlow_f4t import F4T


def text(words: str) -> list[int]:
    """Fifteen registers with one character each."""
    return [ord(c) for c in words.ljust(15, "\0")]


@pytest.mark.parametrize(("row", "value", "address", "registers"), [
    ("temperature", 25.0, 2782, [0x0000, 0x41C8]),
    ("temperature", -40.0, 2782, [0x0000, 0xC220]),
    ("temperature", 85.5, 2782, [0x0000, 0x42AB]),
    ("temperature", 0.1, 2782, [0xCCCD, 0x3DCC]),
    ("control", "auto", 2730, [10]),
    ("control", "off", 2730, [62]),
    ("control", "manual", 2730, [54]),
    ("units", "degC", 6730, [15]),
    ("units", "degF", 6730, [30]),
])
def test_settings(row, value, address, registers):
    wire = [(("write", address, registers), None), (("read", address, len(registers)), registers)]
    with expected(F4T, wire) as chamber:
        setting = getattr(chamber, row)
        setting.set(value)
        assert setting.get() == value


@pytest.mark.parametrize(("row", "address", "registers", "value"), [
    ("measured_temperature", 2820, [0x999A, 0x41C9], 25.2),
    ("measured_temperature", 2820, [0x0000, 0xC234], -45.0),
    ("lowest_set_point", 2774, [0x0000, 0xC28C], -70.0),
    ("highest_set_point", 2776, [0x0000, 0x4334], 180.0),
    ("serial_number", 12, [0xE240, 0x0001], 123456),
    ("part_number", 16, text("F4T1A2BCDAA1A1A"), "F4T1A2BCDAA1A1A"),
])
def test_readings(row, address, registers, value):
    with expected(F4T, [(("read", address, len(registers)), registers)]) as chamber:
        assert getattr(chamber, row).read() == value


@pytest.mark.parametrize("value", [200.5, -80.5, float("inf"), float("nan"), "85"])
def test_what_lies_outside_the_range_is_refused_and_nothing_is_sent(value):
    with expected(F4T, []) as chamber, pytest.raises(LimitRefused, match="nothing was sent"):
        chamber.temperature.set(value)


def test_a_word_that_is_not_known_is_refused_and_nothing_is_sent():
    with expected(F4T, []) as chamber, pytest.raises(LimitRefused, match="none of auto, off, manual"):
        chamber.control.set("on")


def test_a_number_that_means_nothing_is_no_reading():
    wire, said = [(("read", 2730, 1), [11])], r"register 2730 .* holds 11, which is none of 10 auto"
    with expected(F4T, wire) as chamber, pytest.raises(ReplyError, match=said):
        chamber.control.get()


def test_several_readings_keep_their_order():
    wire = [(("read", 2820, 2), [0x0000, 0x41C8]), (("read", 2782, 2), [0x0000, 0x42AA])]
    with expected(F4T, wire) as chamber:
        operations = [chamber.measured_temperature.prepare(), chamber.temperature.prepare_get()]
        assert chamber.perform(operations) == [25.0, 85.0]


def test_a_chamber_that_talks_in_fahrenheit_is_made_to_talk_in_celsius():
    with expected(F4T, [(("read", 6730, 1), [30]), (("write", 6730, [15]), None)]) as chamber:
        chamber.prepare()
    with expected(F4T, [(("read", 6730, 1), [15])]) as chamber:
        chamber.prepare()


def test_after_a_time_out_the_link_is_cleared_before_the_next_question():
    read = ("read", 2820, 2)
    with expected(F4T, [(read, timed_out()), (CLEAR, None), (read, [0x0000, 0x41C8])]) as chamber:
        with pytest.raises(LinkTimeout):
            chamber.measured_temperature.read()
        assert chamber.measured_temperature.read() == 25.0


def identity(part: str, name: str) -> list[object]:
    return [(("read", 16, 15), text(part)), (("read", 12, 2), [0xE240, 0x0001]), (("read", 46, 15), text(name))]


def test_identity():
    with expected(F4T, identity("F4T1A2BCDAA1A1A", "CHAMBER 3")) as chamber:
        found = chamber.identify()
        assert (found.manufacturer, found.model, found.serial) == ("Watlow Electric", "F4T", "123456")
        assert not found.simulated
    with expected(F4T, identity("F4T1A2BCDAA1A1A", "SIM-0001")) as chamber:
        assert chamber.identify().simulated
    other = identity("EZ-ZONE PM6", "")
    with expected(F4T, other) as chamber, pytest.raises(IdentityError, match="EZ-ZONE PM6 answers here"):
        chamber.identify()


@pytest.mark.parametrize(("registers", "value"), [
    ([0x0000, 0x7FC0], Special.NOT_A_NUMBER), ([0x0000, 0x7F80], Special.OVERLOAD),
    ([0x0000, 0xFF80], Special.NEGATIVE_OVERLOAD),
])
def test_a_sensor_that_is_broken_is_no_temperature(registers, value):
    """IEEE 754 NaN and infinity in a process value are no floats inside labkit either."""
    with expected(F4T, [(("read", 2820, 2), registers)]) as chamber:
        assert chamber.measured_temperature.read() is value
