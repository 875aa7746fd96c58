"""Foreign text is harmless after clean(), and near matches help."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies

from labkit.errors import ConfigError, DeviceError, LinkTimeout, Place
from labkit.text import clean, near


@pytest.mark.parametrize(("foreign", "shown"), [
    ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),                       # clear the screen
    ("\x1b]52;c;ZXZpbA==\x07", "\\x1b]52;c;ZXZpbA==\\x07"),     # OSC 52: write the clipboard
    ("\x9b2J", "\\x9b2J"),                                      # the one-byte CSI
    ("pass\u202ellaf", "pass\\u202ellaf"),                      # reads backwards
    ("a\u2066b\u2069", "a\\u2066b\\u2069"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("line\u2028end", "line\\u2028end"),
    ("half\r100 %", "half\\x0d100 %"),                          # overwrites what stands there
    ("nul\x00", "nul\\x00"),                                    # forbidden in XML
    ("lone\ud800", "lone\\ud800"),                              # cannot be encoded
    ("tag\U000e0041", "tag\\U000e0041"),                        # invisible tag characters
])
def test_what_could_act_on_a_terminal_is_written_out(foreign: str, shown: str) -> None:
    assert clean(foreign) == shown


def test_plain_text_lines_and_tabs_stay_as_they_are() -> None:
    for text in ("", "25 °C, 12 mΩ, 日本語", "a\n\tb"):
        assert clean(text) == text


@given(strategies.text())
def test_nothing_unprintable_survives(text: str) -> None:
    cleaned = clean(text)
    assert all(c in "\n\t" or c.isprintable() for c in cleaned)
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")


def test_a_long_text_is_cut_and_the_cut_is_shown() -> None:
    assert clean("x" * 5000, 10) == "xxxxxxxxxx … (5000 characters)"


def test_near_offers_what_was_meant_or_what_there_is() -> None:
    assert near("volatge", ["voltage", "current"]) == "; did you mean voltage?"
    assert near("zzz", ["voltage", "current"]) == "; known: current, voltage"
    assert near("zzz", [f"n{i}" for i in range(40)]) == ""


def test_no_error_carries_a_control_character_from_a_file_or_a_device() -> None:
    evil = "\x1b[2J"
    for error in (
        ConfigError(f"unknown {evil}", Place(Path("b.yaml"), 3, f"rails.{evil}")),
        DeviceError(((-113, f"Undefined{evil}"),), instrument="psu_a", sent=f"VOLT{evil}"),
        LinkTimeout("no answer", instrument="psu_a", sent="a\x1bb", reply=f"{evil}"),
    ):
        assert "\x1b" not in str(error)


def test_an_error_of_a_device_lists_all_errors_in_order() -> None:
    error = DeviceError(((-222, "Data out of range"), (-113, "Undefined header")), instrument="psu_a", sent="VOLT 99")
    assert str(error) == ("psu_a: the instrument reports: -222 Data out of range; -113 Undefined header "
                          "(sent 'VOLT 99')")
