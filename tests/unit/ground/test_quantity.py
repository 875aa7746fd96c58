"""Units and numbers of people: what is written is what is meant, or an error that says what to write."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given, strategies

from labkit.quantity import CANONICAL, QuantityError, parse, render, render_duration


@pytest.mark.parametrize(("text", "unit", "value"), [
    ("750 mV", "V", 0.75), ("0.75V", "V", 0.75), ("+1.2 V", "V", 1.2), ("-10 mV", "V", -0.01), (".5 V", "V", 0.5),
    ("2.05 mV", "V", 0.00205), ("1_000 V", "V", 1000.0), ("1e3 mV", "V", 1.0), ("1e+04 GHz", "Hz", 1e13),
    ("5 uV", "V", 5e-6), ("5 µV", "V", 5e-6), ("5 \u03bcV", "V", 5e-6), ("4.5 A", "A", 4.5), ("75 W", "W", 75.0),
    ("12 mOhm", "Ohm", 0.012), ("3 kΩ", "Ohm", 3000.0), ("3 k\u2126", "Ohm", 3000.0), ("3 kohm", "Ohm", 3000.0),
    ("1.6 GHz", "Hz", 1.6e9), ("25 MHz", "Hz", 25e6), ("5 mHz", "Hz", 0.005), ("10 uF", "F", 1e-5), ("1 uH", "H", 1e-6),
    ("5 min", "s", 300.0), ("2 h", "s", 7200.0), ("1 d", "s", 86400.0), ("5 ms", "s", 0.005), ("10 us", "s", 1e-5),
    ("-40 degC", "degC", -40.0), ("25 °C", "degC", 25.0), ("77 degF", "degC", 25.0), ("1 K", "K", 1.0),
    ("100 mK", "K", 0.1), ("1 degC", "K", 1.0), ("0.1 K/min", "K/min", 0.1), ("1 K/s", "K/min", 60.0),
    ("1 V/ms", "V/s", 1000.0), ("5 mV/us", "V/s", 5000.0), ("5 %", "%", 5.0), ("5 percent", "%", 5.0),
    ("3", "", 3.0), (3, "", 3.0), (0.5, "", 0.5), ("  1 V\n", "V", 1.0), ("1\u00a0V", "V", 1.0), ("5 rpm", "rpm", 5.0),
])
def test_a_quantity_is_read_exactly(text: object, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(("text", "unit"), [
    ("", "V"), ("V", "V"), ("0.75", "V"), (0.75, "V"), ("0,75 V", "V"), ("1 2 V", "V"), ("1..2 V", "V"), ("0x10 V", "V"),
    ("1__0 V", "V"), ("1_ V", "V"), ("_1 V", "V"), ("٣ V", "V"), ("5 _V", "V"), ("5 cV", "V"), ("5 $V", "V"),
    ("50 %V", "V"), ("nan V", "V"), ("inf V", "V"), ("-inf V", "V"), ("1e400 V", "V"), ("1e99999 V", "V"),
    ("1 V V", "V"), ("1 mmV", "V"), ("1 v", "V"), ("1 volt", "V"), ("5 V;", "V"), ("5 V\x00", "V"),
    ("1 mhz", "Hz"), ("5 m", "s"), ("5 M", "s"), ("5 minutes", "s"), ("-40", "degC"), ("25 K", "degC"),
    ("25 degK", "degC"), ("77 degF", "K"), ("3 V", ""), ("3 %", ""), ("nan", ""), ("inf", ""), (math.nan, ""),
    (math.inf, ""), (10**400, ""), (10**400, "V"), (True, ""), (None, "V"), ([1], "V"), ("5 krpm", "rpm"), ("5", "rpm"),
])
def test_what_is_no_such_quantity_is_refused_with_an_example(text: object, unit: str) -> None:
    with pytest.raises(QuantityError) as problem:
        parse(text, unit)
    assert "write it like" in str(problem.value) or "is not a finite number" in str(problem.value)


_EXAMPLES = {"V": "1 V", "A": "1 A", "W": "1 W", "Ohm": "1 Ohm", "Hz": "1 Hz", "F": "1 F", "H": "1 H", "s": "1 s",
             "degC": "1 degC", "K": "1 mK", "K/min": "1 K/min", "V/s": "1 V/s", "%": "1 %", "": "1"}


def test_every_wrong_dimension_is_refused() -> None:
    assert set(_EXAMPLES) == set(CANONICAL)
    for wanted in CANONICAL:
        for unit, text in _EXAMPLES.items():
            if unit == wanted or (unit, wanted) == ("degC", "K"):  # a difference may be written in degC
                assert parse(text, wanted) in (1.0, 1e-3)
            else:
                with pytest.raises(QuantityError):
                    parse(text, wanted)


_WRITTEN = {  # what labkit's files may write, said a second time and otherwise than the code says it
    "V": r"[fpnuµμmkKMGT]?V", "Hz": r"[fpnuµμmkKMGT]?Hz", "Ohm": "[fpnuµμmkKMGT]?([Oo]hms?|\u03a9|\u2126)",
    "s": r"(d|h|min|s|sec|ms|us|µs|\u03bcs|ns|ps)", "degC": r"(degC|degF|°C|C)", "K": r"(K|mK|degC|°C|C)", "%": r"(%|percent)",
    "": r"",
}
_NUMBER = r"[-+]?([0-9]+(_[0-9]+)*\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"


@given(strategies.sampled_from(sorted(_WRITTEN)), strategies.one_of(
    strategies.text(max_size=12),
    strategies.from_regex(r"\A[-+ ]?[0-9_.]{1,5}([eE][-+]?[0-9]{1,3})? ?[%$_cdfpnuµmkMGTVAHzFOhmsinCK°/.]{0,4}\Z")))
@example("V", "5 _V")
@example("s", "1__0 s")
def test_bad_text_never_passes(unit: str, text: str) -> None:
    try:
        value = parse(text, unit)
    except QuantityError:
        return
    assert math.isfinite(value)
    assert re.fullmatch(rf"{_NUMBER}\s*{_WRITTEN[unit]}", text.strip()), text


@given(strategies.sampled_from([u for u in CANONICAL if u != "s"]),
       strategies.floats(-1e15, 1e15, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-11))
def test_what_is_shown_can_be_written_back(unit: str, value: float) -> None:
    assert parse(render(value, unit, 12), unit) == pytest.approx(value, rel=1e-11)


@given(strategies.floats(0, 59.9))
def test_short_times_can_be_written_back(value: float) -> None:
    assert parse(render(value, "s", 12), "s") == pytest.approx(value, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (0.75, "V", "750 mV"), (1.0, "V", "1 V"), (0.0, "V", "0 V"), (-0.01, "V", "-10 mV"), (1.6e9, "Hz", "1.6 GHz"),
    (0.012, "Ohm", "12 mOhm"), (-40.0, "degC", "-40 degC"), (0.001, "K", "0.001 K"), (1000.0, "V/s", "1000 V/s"),
    (3.0, "", "3"), (5.0, "%", "5 %"), (0.005, "s", "5 ms"), (300.0, "s", "5 min 00 s"), (1200.0, "rpm", "1200 rpm"),
    (0.9999999, "V", "1 V"), (math.inf, "s", "inf s"), (-math.inf, "s", "-inf s"), (math.nan, "V", "nan V"),
])
def test_numbers_are_shown_for_people(value: float, unit: str, shown: str) -> None:
    assert render(value, unit) == shown


@pytest.mark.parametrize(("seconds", "shown"), [
    (0, "0 s"), (4.2, "4.2 s"), (200, "3 min 20 s"), (8040, "2 h 14 min"), (3599.7, "1 h 00 min"), (-90, "-1 min 30 s"),
    (math.inf, "inf s"), (math.nan, "nan s"),
])
def test_durations_have_two_units_at_most(seconds: float, shown: str) -> None:
    assert render_duration(seconds) == shown
