"""Wire transcripts of the 34465A, typed from public programs and the facts of the model, not from the driver.

Readings select the function and start in one message; numbers are NR3 with a sign and eight decimals, overload is
+9.90000000E+37, the error queue answers ``+0,"No error"``.
"""

import pytest

from labkit.errors import DeviceError, IdentityError, LimitRefused
from labkit.instrument import Special
from labkit.transport.transcript import expected
from labkit_instruments.multimeter.keysight_34465a import K34465A

OK = '+0,"No error"'
IDN = "Keysight Technologies,34465A,MY54505388,A.02.16-02.40-02.16-00.51-03-01"


@pytest.mark.parametrize(("row", "function", "reply", "value"), [
    ("measured_voltage", "VOLT", "+7.50123400E-01", 0.7501234),
    ("measured_voltage", "VOLT", "+9.90000000E+37", Special.OVERLOAD),
    ("measured_voltage", "VOLT", "-9.90000000E+37", Special.NEGATIVE_OVERLOAD),
    ("measured_current", "CURR", "-1.00000000E-03", -1e-3),
    ("measured_resistance", "RES", "+9.90000000E+37", Special.OVERLOAD),
    ("measured_frequency", "FREQ", "+1.00000000E+06", 1e6),
    ("measured_temperature", "TEMP", "+2.31000000E+01", 23.1),
])
def test_readings(row, function, reply, value):
    with expected(K34465A, [(f'FUNC "{function}";:READ?;:SYST:ERR?', f"{reply};{OK}")]) as dmm:
        assert getattr(dmm.channels[1], row).read() == value


@pytest.mark.parametrize(("row", "value", "wire"), [
    ("voltage_nplc", 1.0, "VOLT:NPLC 1"), ("voltage_range", 10.0, "VOLT:RANG 10"),
    ("voltage_autorange", True, "VOLT:RANG:AUTO 1"), ("voltage_autozero", False, "VOLT:ZERO:AUTO 0"),
    ("input_impedance", "high", "VOLT:IMP:AUTO ON"), ("input_impedance", "10 MOhm", "VOLT:IMP:AUTO OFF"),
    ("resistance_nplc", 0.2, "RES:NPLC 0.2"), ("resistance_range", 1e6, "RES:RANG 1000000"),
    ("resistance_autorange", False, "RES:RANG:AUTO 0"), ("thermometer", "thermocouple", "TEMP:TRAN:TYPE TC"),
    ("thermocouple_type", "K", "TEMP:TRAN:TC:TYPE K"),
])
def test_settings(row, value, wire):
    with expected(K34465A, [(f"{wire};:SYST:ERR?", OK)]) as dmm:
        getattr(dmm.channels[1], row).set(value)


@pytest.mark.parametrize(("row", "wire", "reply", "value"), [
    ("voltage_nplc", "VOLT:NPLC?", "+1.00000000E+01", 10.0), ("voltage_range", "VOLT:RANG?", "+1.00000000E+01", 10.0),
    ("voltage_autorange", "VOLT:RANG:AUTO?", "1", True), ("input_impedance", "VOLT:IMP:AUTO?", "1", "high"),
    ("input_impedance", "VOLT:IMP:AUTO?", "0", "10 MOhm"), ("thermometer", "TEMP:TRAN:TYPE?", "FRTD", "rtd-4w"),
])
def test_settings_are_asked_back(row, wire, reply, value):
    with expected(K34465A, [(f"{wire};:SYST:ERR?", f"{reply};{OK}")]) as dmm:
        assert getattr(dmm.channels[1], row).get() == value


@pytest.mark.parametrize(("row", "value"), [
    ("voltage_nplc", 101.0), ("voltage_nplc", 0.0), ("voltage_range", 1001.0), ("resistance_range", 2e9),
    ("input_impedance", "10 GOhm"), ("voltage_autorange", "on"),
])
def test_what_lies_outside_the_rating_is_refused(row, value):
    with expected(K34465A, []) as dmm, pytest.raises(LimitRefused, match="nothing was sent"):
        getattr(dmm.channels[1], row).set(value)


def test_two_readings_travel_in_one_message():
    message = 'FUNC "VOLT";:READ?;:FUNC "RES";:READ?;:SYST:ERR?'
    with expected(K34465A, [(message, f"+1.00000000E+00;+5.00000000E+01;{OK}")]) as dmm:
        one = dmm.channels[1]
        assert dmm.perform([one.measured_voltage.prepare(), one.measured_resistance.prepare()]) == [1.0, 50.0]


def test_the_session_is_prepared_for_single_readings_in_degrees():
    message = "TRIG:SOUR IMM;:TRIG:COUN 1;:SAMP:COUN 1;:UNIT:TEMP C;:SYST:ERR?"
    with expected(K34465A, [(message, OK)]) as dmm:
        dmm.prepare()


def test_an_error_belongs_to_its_reading():
    with expected(K34465A, [
        ('FUNC "VOLT";:READ?;:SYST:ERR?', '-214,"Trigger deadlock"'), ("SYST:ERR?", OK),
    ]) as dmm, pytest.raises(DeviceError, match="-214 Trigger deadlock"):
        dmm.channels[1].measured_voltage.read()


def test_identity():
    with expected(K34465A, [("*IDN?", IDN)]) as dmm:
        assert dmm.identify().serial == "MY54505388"
    with expected(K34465A, [("*IDN?", IDN.replace("34465A", "34461A"))]) as dmm, pytest.raises(IdentityError):
        dmm.identify()
