"""Wire transcripts of the E36312A, typed from public programs and header lists (see the driver's sources), not from it.

Replies are NR3 with a sign; a channel list trails, behind a comma in a set and a blank in a query; the error queue is
asked in the same message and answers ``+0,"No error"``.
"""

import pytest

from labkit.errors import DeviceError, IdentityError, LimitRefused, LinkTimeout, ReplyError
from labkit.instrument import Special
from labkit.limits import within
from labkit.transport.transcript import CLEAR, expected, timed_out
from labkit_instruments.power_supply.keysight_e36312a import E36312A

OK = '+0,"No error"'
IDN = "Keysight Technologies,E36312A,MY57001234,1.0.4-1.0.3-1.02"


@pytest.mark.parametrize(("channel", "row", "value", "wire"), [
    (1, "voltage", 3.3, "VOLT 3.3,(@1)"),
    (3, "voltage", 0.75, "VOLT 0.75,(@3)"),
    (2, "current_limit", 0.125, "CURR 0.125,(@2)"),
    (1, "output", True, "OUTP 1,(@1)"),
    (2, "output", False, "OUTP 0,(@2)"),
    (1, "ovp_level", 1.02, "VOLT:PROT 1.02,(@1)"),
    (1, "ovp_enabled", True, "VOLT:PROT:STAT 1,(@1)"),
    (2, "ocp_enabled", False, "CURR:PROT:STAT 0,(@2)"),
    (1, "sense", "remote", "VOLT:SENS EXT,(@1)"),
    (1, "sense", "local", "VOLT:SENS INT,(@1)"),
])
def test_settings(channel, row, value, wire):
    with expected(E36312A, [(f"{wire};:SYST:ERR?", OK)]) as psu:
        getattr(psu.channels[channel], row).set(value)


@pytest.mark.parametrize(("channel", "row", "wire", "reply", "value"), [
    (1, "voltage", "VOLT? (@1)", "+3.30000000E+00", 3.3),
    (2, "current_limit", "CURR? (@2)", "+1.25000000E-01", 0.125),
    (1, "output", "OUTP? (@1)", "1", True),
    (3, "output", "OUTP? (@3)", "0", False),
    (1, "ovp_level", "VOLT:PROT? (@1)", "+6.60000000E+00", 6.6),
    (1, "ovp_enabled", "VOLT:PROT:STAT? (@1)", "0", False),
    (2, "ocp_enabled", "CURR:PROT:STAT? (@2)", "1", True),
    (1, "sense", "VOLT:SENS? (@1)", "EXT", "remote"),
    (1, "sense", "VOLT:SENS? (@1)", "INT", "local"),
])
def test_settings_are_asked_back(channel, row, wire, reply, value):
    with expected(E36312A, [(f"{wire};:SYST:ERR?", f"{reply};{OK}")]) as psu:
        assert getattr(psu.channels[channel], row).get() == value


@pytest.mark.parametrize(("channel", "row", "wire", "reply", "value"), [
    (1, "measured_voltage", "MEAS:VOLT? (@1)", "+7.49912000E-01", 0.749912),
    (3, "measured_current", "MEAS:CURR? (@3)", "-1.20000000E-04", -1.2e-4),
    (1, "measured_voltage", "MEAS:VOLT? (@1)", "+9.90000000E+37", Special.OVERLOAD),
    (1, "measured_voltage", "MEAS:VOLT? (@1)", "-9.90000000E+37", Special.NEGATIVE_OVERLOAD),
    (1, "measured_current", "MEAS:CURR? (@1)", "+9.91000000E+37", Special.NOT_A_NUMBER),
    (1, "mode", "STAT:QUES:INST:ISUM1:COND?", "+2", "CV"),
    (2, "mode", "STAT:QUES:INST:ISUM2:COND?", "+1", "CC"),
    (3, "mode", "STAT:QUES:INST:ISUM3:COND?", "+0", "off"),
    (1, "ovp_tripped", "VOLT:PROT:TRIP? (@1)", "1", True),
    (2, "ocp_tripped", "CURR:PROT:TRIP? (@2)", "0", False),
])
def test_readings(channel, row, wire, reply, value):
    with expected(E36312A, [(f"{wire};:SYST:ERR?", f"{reply};{OK}")]) as psu:
        assert getattr(psu.channels[channel], row).read() == value


def test_actions():
    with expected(E36312A, [("VOLT:PROT:CLE (@1);:SYST:ERR?", OK), ("CURR:PROT:CLE (@3);:SYST:ERR?", OK)]) as psu:
        psu.channels[1].clear_protection.act()
        psu.channels[3].clear_overcurrent.act()


def test_a_set_and_the_readings_beside_it_travel_in_one_message():
    message = "VOLT 0.8,(@1);:MEAS:VOLT? (@1);:MEAS:CURR? (@2);:SYST:ERR?"
    with expected(E36312A, [(message, f"+7.99800000E-01;+1.00000000E-02;{OK}")]) as psu:
        one, two = psu.channels[1], psu.channels[2]
        values = psu.perform([
            one.voltage.prepare(0.8), one.measured_voltage.prepare(), two.measured_current.prepare()])
        assert values == [0.7998, 0.01]


@pytest.mark.parametrize(("channel", "row", "value"), [
    (1, "voltage", 6.19), (1, "voltage", -0.001), (2, "voltage", 25.76), (1, "current_limit", 5.16),
    (3, "current_limit", 1.04), (1, "ovp_level", 6.61), (1, "voltage", float("nan")), (1, "voltage", "3.3"),
    (1, "sense", "4-wire"),
])
def test_what_lies_outside_the_rating_is_refused_and_nothing_is_sent(channel, row, value):
    with expected(E36312A, []) as psu, pytest.raises(LimitRefused, match="nothing was sent"):
        getattr(psu.channels[channel], row).set(value)


def test_a_narrower_limit_of_bench_or_board_is_the_one_that_counts():
    with expected(E36312A, [("VOLT 1.05,(@1);:SYST:ERR?", OK)]) as psu:
        voltage = psu.channels[1].voltage
        voltage.restrict(within(0.0, 1.05, "absolute maximum of dpu-a0.core"))
        with pytest.raises(LimitRefused, match=r"absolute maximum of dpu-a0\.core.*nothing was sent"):
            voltage.set(1.06)
        voltage.set(1.05)


def test_the_error_queue_is_emptied_into_the_error():
    with expected(E36312A, [
        ("VOLT 5,(@1);:SYST:ERR?", '-221,"Settings conflict"'),
        ("SYST:ERR?", '-222,"Data out of range"'),
        ("SYST:ERR?", OK),
    ]) as psu:
        with pytest.raises(DeviceError, match="-221 Settings conflict; -222 Data out of range") as caught:
            psu.channels[1].voltage.set(5)
        assert caught.value.errors == ((-221, "Settings conflict"), (-222, "Data out of range"))
        assert caught.value.sent == "VOLT 5,(@1);:SYST:ERR?"


def test_an_unknown_header_answers_only_with_its_error():
    with expected(E36312A, [
        ("VOLT:PROT:STAT? (@1);:SYST:ERR?", '-113,"Undefined header"'), ("SYST:ERR?", OK),
    ]) as psu, pytest.raises(DeviceError, match="-113 Undefined header"):
        psu.channels[1].ovp_enabled.get()


def resynchronised(*after):
    """What a driver does after an error on the link: clear, prove that answers match questions, empty the queue."""
    return [(CLEAR, None), ("*ESE 17;*ESE?", "17"), ("*ESE 34;*ESE?", "34"), ("*ESE 5;*ESE?", "5"),
            ("*ESE 0;*ESE?", "0"), ("SYST:ERR?", OK), *after]


def test_after_a_time_out_the_link_is_re_synchronised_before_the_next_question():
    ask = "MEAS:VOLT? (@1);:SYST:ERR?"
    with expected(E36312A, [(ask, timed_out(ask)), *resynchronised((ask, f"+1.00000000E+00;{OK}"))]) as psu:
        with pytest.raises(LinkTimeout):
            psu.channels[1].measured_voltage.read()
        assert psu.channels[1].measured_voltage.read() == 1.0


@pytest.mark.parametrize("reply", ["rubbish;" + OK, "+1.0E+00", f"+1.0E+00;+2.0E+00;{OK}", ""])
def test_an_answer_that_cannot_be_read_is_no_reading(reply):
    with expected(E36312A, [("MEAS:VOLT? (@1);:SYST:ERR?", reply)]) as psu:
        with pytest.raises(ReplyError) as caught:
            psu.channels[1].measured_voltage.read()
        assert caught.value.reply == reply


def test_identity():
    with expected(E36312A, [("*IDN?", IDN)]) as psu:
        identity = psu.identify()
        assert (identity.model, identity.serial, identity.simulated) == ("E36312A", "MY57001234", False)


@pytest.mark.parametrize(("reply", "said"), [
    (IDN.replace("E36312A", "E36313A"), "a Keysight Technologies E36313A answers here, but the bench expects E36312A"),
    ("SSH-2.0-OpenSSH_9.6", "not manufacturer,model,serial,firmware"),
])
def test_another_instrument_is_not_taken_for_this_one(reply, said):
    with expected(E36312A, [("*IDN?", reply)]) as psu, pytest.raises(IdentityError, match=said):
        psu.identify()
