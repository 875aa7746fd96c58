"""Headers in the notation of manuals: what is sent, what is accepted, what is no notation."""

from __future__ import annotations

import pytest

from labkit.instrument.notation import Node, parse_notation, shortest


@pytest.mark.parametrize(("notation", "suffix", "text"), [
    ("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", None, "VOLT"),
    ("MEASure[:SCALar]:VOLTage[:DC]", None, "MEAS:VOLT"),
    ("STATus:QUEStionable:INSTrument:ISUMmary<n>:CONDition", 2, "STAT:QUES:INST:ISUM2:COND"),
    ("[SOURce<n>:]VOLTage", 2, "SOUR2:VOLT"),
    ("[SOURce<n>:]VOLTage", None, "VOLT"),
    ("OUTPut<n>[:STATe]", 1, "OUTP1"),
    ("*IDN", None, "*IDN"),
    ("SYSTem:ERRor[:NEXT]", None, "SYST:ERR"),
    ("[:SOURce]:FREQuency", None, "FREQ"),
])
def test_the_shortest_form_is_sent(notation: str, suffix: int | None, text: str) -> None:
    assert shortest(notation, suffix) == text


def test_nodes_know_both_forms_and_nothing_between() -> None:
    source, voltage = parse_notation("[SOURce<n>:]VOLTage")
    assert source == Node("SOUR", "SOURCE", optional=True, suffix=True)
    assert voltage == Node("VOLT", "VOLTAGE")
    assert [voltage.accepts(word) for word in ("VOLT", "VOLTAGE", "VOLTA", "VOL", "volt")] == [True, True] + [False] * 3


@pytest.mark.parametrize("notation", [
    "", "[SOURce]", "VOLT AGE", "VOLT?", "VOLT|CURR", "[VOLT", "VOLT]", "1VOLT", "VOLT;CURR"])
def test_what_is_no_notation_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match=r"no header notation|no node that must be sent"):
        parse_notation(notation)
