"""Wire transcripts of the DMM6500, typed from public programs (PyMeasure, qcodes_contrib_drivers), not from the driver.

A card channel stands behind a comma in a set, a blank in a question; a reading assigns, closes and reads in one
message. The error queue answers ``0,"No error;0;0 0"``.
"""

import pytest

from labkit.errors import DeviceError, IdentityError, LimitRefused
from labkit.instrument import Special
from labkit.transport.transcript import expected
from labkit_instruments.multimeter.keithley_dmm6500 import DMM6500, DMM6500Front

OK = '0,"No error;0;0 0"'
IDN = "KEITHLEY INSTRUMENTS,MODEL DMM6500,04423344,1.7.12b"
CARD = "2000,10-Chan Mux,0.0.0a,00000000"


@pytest.mark.parametrize(("channel", "row", "function", "reply", "value"), [
    (1, "measured_voltage", "VOLT:DC", "7.501234E-01", 0.7501234),
    (10, "measured_resistance", "RES", "9.900000E+37", Special.OVERLOAD),
    (6, "measured_temperature", "TEMP", "-4.012345E+01", -40.12345),
    (3, "measured_frequency", "FREQ:VOLT", "1.000000E+03", 1000.0),
])
def test_readings_of_the_card(channel, row, function, reply, value):
    message = f'FUNC "{function}",(@{channel});:ROUT:CLOS (@{channel});:READ?;:SYST:ERR?'
    with expected(DMM6500, [(message, f"{reply};{OK}")]) as dmm:
        assert getattr(dmm.channels[channel], row).read() == value


def test_two_channels_travel_in_one_message():
    one, two = (f'FUNC "VOLT:DC",(@{n});:ROUT:CLOS (@{n});:READ?' for n in (1, 2))
    with expected(DMM6500, [(f"{one};:{two};:SYST:ERR?", f"1.000000E+00;2.000000E+00;{OK}")]) as dmm:
        assert dmm.perform([dmm.channels[n].measured_voltage.prepare() for n in (1, 2)]) == [1.0, 2.0]


@pytest.mark.parametrize(("row", "value", "wire"), [
    ("voltage_nplc", 1.0, "VOLT:NPLC 1,(@4)"), ("voltage_range", 10.0, "VOLT:RANG 10,(@4)"),
    ("voltage_autorange", True, "VOLT:RANG:AUTO 1,(@4)"), ("voltage_autozero", False, "VOLT:AZER 0,(@4)"),
    ("input_impedance", "high", "VOLT:INP AUTO,(@4)"), ("input_impedance", "10 MOhm", "VOLT:INP MOHM10,(@4)"),
    ("resistance_nplc", 0.5, "RES:NPLC 0.5,(@4)"), ("resistance_range", 1e4, "RES:RANG 10000,(@4)"),
    ("resistance_autorange", False, "RES:RANG:AUTO 0,(@4)"), ("thermometer", "thermocouple", "TEMP:TRAN TC,(@4)"),
    ("thermocouple_type", "K", "TEMP:TC:TYPE K,(@4)"), ("simulated_junction", 25.0, "TEMP:TC:RJUN:SIM 25,(@4)"),
])
def test_settings_of_a_channel(row, value, wire):
    with expected(DMM6500, [(f"{wire};:SYST:ERR?", OK)]) as dmm:
        getattr(dmm.channels[4], row).set(value)
    with expected(DMM6500Front, [(f"{wire.removesuffix(',(@4)')};:SYST:ERR?", OK)]) as dmm:
        getattr(dmm.channels[1], row).set(value)


@pytest.mark.parametrize(("row", "wire", "reply", "value"), [
    ("voltage_nplc", "VOLT:NPLC? (@4)", "1", 1.0), ("voltage_autozero", "VOLT:AZER? (@4)", "1", True),
    ("input_impedance", "VOLT:INP? (@4)", "MOHM10", "10 MOhm"), ("thermocouple_type", "TEMP:TC:TYPE? (@4)", "K", "K"),
])
def test_settings_are_asked_back(row, wire, reply, value):
    with expected(DMM6500, [(f"{wire};:SYST:ERR?", f"{reply};{OK}")]) as dmm:
        assert getattr(dmm.channels[4], row).get() == value


@pytest.mark.parametrize(("row", "function"), [
    ("measured_voltage", "VOLT:DC"), ("measured_current", "CURR:DC"), ("measured_resistance", "RES"),
    ("measured_temperature", "TEMP"), ("measured_frequency", "FREQ:VOLT")])
def test_readings_of_the_front_terminals(row, function):
    with expected(DMM6500Front, [(f'FUNC "{function}";:READ?;:SYST:ERR?', f"1.500000E+00;{OK}")]) as dmm:
        assert getattr(dmm.channels[1], row).read() == 1.5


@pytest.mark.parametrize(("row", "value"), [
    ("voltage_nplc", 12.5), ("voltage_range", 0.05), ("resistance_range", 2e8), ("thermometer", "pt100"),
    ("simulated_junction", 70.0)])
def test_what_lies_outside_the_rating_is_refused(row, value):
    with expected(DMM6500, []) as dmm, pytest.raises(LimitRefused, match="nothing was sent"):
        getattr(dmm.channels[1], row).set(value)


def test_an_event_is_an_error_with_its_time():
    with expected(DMM6500, [
        ("VOLT:NPLC? (@1);:SYST:ERR?", '-113,"Undefined header;1;2018/05/26 14:00:14.871"'), ("SYST:ERR?", OK),
    ]) as dmm, pytest.raises(DeviceError, match="-113 Undefined header"):
        dmm.channels[1].voltage_nplc.get()


def test_identity_with_the_card():
    pairs = [("*IDN?", IDN), ("*LANG?", "SCPI"), ("SYST:CARD1:IDN?", CARD), ("ROUT:TERM?", "REAR")]
    with expected(DMM6500, pairs) as dmm:
        found = dmm.identify()
        assert (found.model, found.serial) == ("DMM6500", "04423344")


@pytest.mark.parametrize(("kind", "answers", "said"), [
    (DMM6500, [IDN.replace("DMM6500", "DMM7510")], "DMM7510 answers here"),
    (DMM6500, [IDN, "SCPI34401"], r"speaks SCPI34401; send \*LANG SCPI"),
    (DMM6500, [IDN, "SCPI", "Empty Slot", "REAR"], "use the driver keithley-dmm6500-front"),
    (DMM6500, [IDN, "SCPI", CARD, "FRON"], "press TERMINALS until it says REAR"),
    (DMM6500Front, [IDN, "SCPI", CARD, "REAR"], "press TERMINALS until it says FRONT"),
])
def test_a_meter_that_would_measure_something_else_is_refused(kind, answers, said):
    questions = ["*IDN?", "*LANG?", "SYST:CARD1:IDN?", "ROUT:TERM?"]
    with expected(kind, list(zip(questions, answers, strict=False))) as dmm, pytest.raises(IdentityError, match=said):
        dmm.identify()


def test_the_session_is_prepared_for_single_readings():
    with expected(DMM6500, [("COUN 1;:SYST:ERR?", OK)]) as dmm:
        dmm.prepare()
