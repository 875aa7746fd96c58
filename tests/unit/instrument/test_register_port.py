"""Registers: known bit patterns in both word orders, nothing wraps around, and a broken transfer re-connects."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, strategies
from scripted_links import Chamber, Registers

from labkit.clock import VirtualClock
from labkit.errors import LimitRefused, LinkError, ReplyError
from labkit.instrument import RegisterDialect, Special
from labkit.instrument.registers import from_registers, to_registers


def chamber(held: dict[int, int] | None = None, dialect: Any = None) -> tuple[Any, Registers]:
    link = Registers(held or {})
    return Chamber("chamber", link, VirtualClock(), dialect), link  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "high", "low"), [
    (25.0, 0x41C8, 0x0000), (-40.0, 0xC220, 0x0000), (85.5, 0x42AB, 0x0000), (0.1, 0x3DCC, 0xCCCD), (0.0, 0, 0),
    (1.0, 0x3F80, 0), (-0.0, 0x8000, 0), (3.4028234e38, 0x7F7F, 0xFFFF),
])
def test_a_float_has_the_bits_of_ieee_754_in_the_word_order_of_the_family(value: float, high: int, low: int) -> None:
    assert to_registers(value, "float32", "low-first") == [low, high]
    assert to_registers(value, "float32", "high-first") == [high, low]
    assert from_registers([low, high], "float32", "low-first") == pytest.approx(value, rel=1e-6)
    assert from_registers([high, low], "float32", "high-first") == pytest.approx(value, rel=1e-6)


def test_a_float_comes_back_with_the_digits_that_it_was_written_with() -> None:
    for value in (0.1, 25.3, -40.05, 99.99):
        assert from_registers(to_registers(value, "float32", "low-first"), "float32", "low-first") == value


@given(strategies.floats(width=32, allow_nan=False, allow_infinity=False),
       strategies.sampled_from(["low-first", "high-first"]))
def test_every_float32_survives(value: float, order: Any) -> None:
    back = from_registers(to_registers(value, "float32", order), "float32", order)
    assert struct.pack(">f", float(back)) == struct.pack(">f", float(f"{value:.7g}"))


@pytest.mark.parametrize(("value", "encoding", "registers"), [
    (65535, "uint16", [65535]), (0, "uint16", [0]), (-1, "int16", [0xFFFF]), (-32768, "int16", [0x8000]),
    (32767, "int16", [0x7FFF]), (0x12345678, "uint32", [0x5678, 0x1234]), (4294967295, "uint32", [0xFFFF, 0xFFFF]),
    ("F4T", "string16", [70, 52, 84] + [0] * 12),
])
def test_whole_numbers_and_text_survive(value: Any, encoding: str, registers: list[int]) -> None:
    assert to_registers(value, encoding, "low-first") == registers
    assert from_registers(registers, encoding, "low-first") == value


@pytest.mark.parametrize(("value", "encoding"), [
    (65536, "uint16"), (-1, "uint16"), (32768, "int16"), (-32769, "int16"), (-1, "uint32"), (2**32, "uint32"),
    (1.5, "uint16"), (1e39, "float32"), ("x" * 16, "string16"), ("\U0001f600", "string16"),
])
def test_what_does_not_fit_is_refused_and_never_wraps(value: Any, encoding: str) -> None:
    with pytest.raises(ValueError, match=r"is no|does not fit|beyond"):
        to_registers(value, encoding, "low-first")


def test_settings_and_readings_over_registers() -> None:
    driver, link = chamber({20: 0, 21: 0x41C8, 60: 1, 70: 65, 71: 66})
    driver.perform([driver.temperature.prepare(-40.0), driver.control.prepare("auto"), driver.offset.prepare(-3)])
    assert link.written == [(10, [0, 0xC220]), (30, [10]), (40, [0xFFFD])]
    assert (driver.temperature.get(), driver.control.get(), driver.offset.get()) == (-40.0, "auto", -3)
    assert driver.air.read() == 25.0
    assert driver.door.read() is True
    assert driver.part.read() == "AB"
    high_first, other = chamber(dialect=RegisterDialect(word_order="high-first"))
    high_first.temperature.set(-40.0)
    assert other.written == [(10, [0xC220, 0])]


def test_a_value_that_registers_cannot_hold_sends_nothing() -> None:
    driver, link = chamber()
    with pytest.raises(LimitRefused, match=r"chamber\.offset: 40000 is no int16 .*; nothing was sent"):
        driver.offset.set(40000)
    assert link.written == []


@pytest.mark.parametrize(("value", "special"), [
    (math.nan, Special.NOT_A_NUMBER), (math.inf, Special.OVERLOAD), (-math.inf, Special.NEGATIVE_OVERLOAD)])
def test_an_open_sensor_is_a_typed_result(value: float, special: Special) -> None:
    low, high = to_registers(value, "float32", "low-first")
    driver, _ = chamber({20: low, 21: high})
    assert driver.air.read() is special


def test_an_unknown_word_names_the_register_and_what_is_known() -> None:
    driver, _ = chamber({30: 99})
    with pytest.raises(ReplyError, match=r"register 30 \(control\) holds 99, which is none of 10 auto, 62 off"):
        driver.control.get()


def test_after_a_broken_transfer_the_link_is_cleared_before_the_next() -> None:
    driver, link = chamber({20: 0, 21: 0x41C8})
    link.broken = True
    with pytest.raises(LinkError):
        driver.air.read()
    assert link.cleared == 0
    assert driver.air.read() == 25.0
    assert link.cleared == 1
    assert driver.air.read() == 25.0
    assert link.cleared == 1
