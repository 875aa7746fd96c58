"""Wire transcripts of the CG635, typed from public drivers and the list of its errors, not from the driver here.

A set carries ``LERR?`` in its message, a question is followed by it; there is no SCPI tree and no colon.
"""

import pytest

from labkit.errors import DeviceError, IdentityError, LimitRefused
from labkit.transport.transcript import expected
from labkit_instruments.clock_source.srs_cg635 import CG635

IDN = "Stanford Research Systems,CG635,s/n004025,ver0.01"


@pytest.mark.parametrize(("row", "value", "wire"), [
    ("frequency", 10e6, "FREQ 10000000"), ("frequency", 2.05e9, "FREQ 2050000000"), ("frequency", 1e-6, "FREQ 1e-06"),
    ("frequency", 156_250_000.125, "FREQ 156250000.125"), ("phase", -90.0, "PHAS -90"),
    ("output", True, "RUNS 1"), ("output", False, "RUNS 0"),
    ("cmos_high", 3.3, "CMOS 1,3.3"), ("cmos_low", -0.25, "CMOS 0,-0.25"),
    ("q_low", 1.07, "QOUT 0,1.07"), ("q_high", 1.43, "QOUT 1,1.43"),
    ("cmos_standard", "1.2 V", "STDC 0"), ("cmos_standard", "5 V", "STDC 4"), ("q_standard", "LVDS", "STDQ 2"),
])
def test_settings(row, value, wire):
    with expected(CG635, [(f"{wire};LERR?", "0")]) as source:
        getattr(source, row).set(value)


@pytest.mark.parametrize(("row", "wire", "reply", "value"), [
    ("frequency", "FREQ?", "10000000.0", 10e6), ("phase", "PHAS?", "0.0", 0.0), ("output", "RUNS?", "1", True),
    ("output", "RUNS?", "0", False), ("cmos_high", "CMOS? 1", "3.30", 3.3), ("q_low", "QOUT? 0", "1.07", 1.07),
    ("cmos_standard", "STDC?", "3", "3.3 V"), ("cmos_standard", "STDC?", "-1", "none"),
    ("q_standard", "STDQ?", "0", "ECL"),
])
def test_settings_are_asked_back(row, wire, reply, value):
    with expected(CG635, [(wire, reply), ("LERR?", "0")]) as source:
        assert getattr(source, row).get() == value


@pytest.mark.parametrize(("reply", "locked"), [("0", True), ("16", True), ("32", True), ("1", False), ("2", False),
                                               ("4", False), ("8", False), ("49", False)])
def test_locked_forgets_what_has_been_and_looks_again(reply, locked):
    with expected(CG635, [("LCKR?", "15"), ("LCKR?", reply), ("LERR?", "0")]) as source:
        assert source.locked.read() is locked


@pytest.mark.parametrize(("reply", "name"), [("0", "internal"), ("1", "ocxo"), ("2", "rubidium"), ("3", "external")])
def test_time_base(reply, name):
    with expected(CG635, [("TIMB?", reply), ("LERR?", "0")]) as source:
        assert source.timebase.read() == name


def test_the_zero_of_the_phase():
    with expected(CG635, [("RPHS;LERR?", "0")]) as source:
        source.zero_phase.act()


def test_an_error_number_becomes_words_and_the_buffer_is_emptied():
    with expected(CG635, [("FREQ 10000000;LERR?", "20"), ("LERR?", "110"), ("LERR?", "0")]) as source:
        with pytest.raises(DeviceError, match="20 frequency out of range; 110 illegal command") as caught:
            source.frequency.set(10e6)
        assert caught.value.errors == ((20, "frequency out of range"), (110, "illegal command"))


def test_an_error_without_a_name_is_still_an_error():
    with expected(CG635, [("RUNS 1;LERR?", "99"), ("LERR?", "0")]) as source, pytest.raises(DeviceError, match="99"):
        source.output.set(True)


@pytest.mark.parametrize(("row", "value"), [
    ("frequency", 2.06e9), ("frequency", 0.0), ("cmos_high", 6.1), ("cmos_high", -0.6), ("cmos_low", 1.1),
    ("q_low", 4.9), ("q_high", 5.1), ("cmos_standard", "none"), ("output", 1),
])
def test_what_lies_outside_the_rating_is_refused_and_nothing_is_sent(row, value):
    with expected(CG635, []) as source, pytest.raises(LimitRefused, match="nothing was sent"):
        getattr(source, row).set(value)


def test_identity():
    with expected(CG635, [("*IDN?", IDN)]) as source:
        found = source.identify()
        assert (found.model, found.serial, found.firmware) == ("CG635", "004025", "0.01")
    with expected(CG635, [("*IDN?", IDN.replace("CG635", "SG384"))]) as source, pytest.raises(IdentityError):
        source.identify()
