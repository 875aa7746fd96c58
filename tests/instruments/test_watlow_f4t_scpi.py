"""SCPI transcripts of the F4T, typed from public notes on its command set, and the twin's two faces over one box."""

from __future__ import annotations

import struct

import pytest

from labkit.clock import VirtualClock
from labkit.errors import IdentityError, LimitRefused, LinkTimeout
from labkit.sim.link import TwinMessageLink
from labkit.sim.twin import TwinEnvironment
from labkit.sim.world import World
from labkit.transport.transcript import CLEAR, expected, timed_out
from labkit_instruments.thermal_chamber.watlow_f4t_scpi import F4TScpi
from labkit_instruments.thermal_chamber.watlow_f4t_sim import F4TTwin


@pytest.mark.parametrize(("row", "value", "put", "ask", "reply"), [
    ("temperature", -40.0, "SOUR:CLO1:SPO -40", "SOUR:CLO1:SPO?", "-40.0000"),
    ("temperature", 85.5, "SOUR:CLO1:SPO 85.5", "SOUR:CLO1:SPO?", "85.5"),
    ("control", "auto", "OUTP1:STAT ON", "OUTP1:STAT?", "ON"),
    ("control", "off", "OUTP1:STAT OFF", "OUTP1:STAT?", "0"),
    ("units", "degC", "UNIT:TEMP C", "UNIT:TEMP?", "C"),
    ("display_units", "degF", "UNIT:TEMP:DISP F", "UNIT:TEMP:DISP?", "F"),
    ("ramp_action", "setpoint", "SOUR:CLO1:RACT SETP", "SOUR:CLO1:RACT?", "SETPOINT"),
    ("ramp_scale", "hours", "SOUR:CLO1:RSCA HOURS", "SOUR:CLO1:RSCA?", "HOURS"),
    ("ramp_rate", 2.5, "SOUR:CLO1:RRAT 2.5", "SOUR:CLO1:RRAT?", "2.5"),
])
def test_settings(row, value, put, ask, reply):
    with expected(F4TScpi, [(put, None), (ask, reply)]) as chamber:
        setting = getattr(chamber, row)
        setting.set(value)
        assert setting.get() == value


@pytest.mark.parametrize(("row", "ask", "reply", "value"), [
    ("measured_temperature", "SOUR:CLO1:PVAL?", "25.2", 25.2),
    ("loop_error", "SOUR:CLO1:ERR?", "NONE", False),
    ("loop_error", "SOUR:CLO1:ERR?", "ERROR", True),
])
def test_readings(row, ask, reply, value):
    with expected(F4TScpi, [(ask, reply)]) as chamber:
        assert getattr(chamber, row).read() == value


def test_what_lies_outside_the_range_is_refused_and_nothing_is_sent():
    with expected(F4TScpi, []) as chamber, pytest.raises(LimitRefused, match="nothing was sent"):
        chamber.temperature.set(200.5)


def test_identity():
    with expected(F4TScpi, [("*IDN?", "Watlow Electric,F4T1A2BCDAA1A1A,123456,04:06:0011")]) as chamber:
        found = chamber.identify()
        assert (found.model, found.serial, found.firmware) == ("F4T", "123456", "04:06:0011")
    other = [("*IDN?", "Watlow Electric,EZ-ZONE,1,2")]
    with expected(F4TScpi, other) as chamber, pytest.raises(IdentityError, match="EZ-ZONE answers here"):
        chamber.identify()


def test_it_is_made_to_talk_in_celsius():
    with expected(F4TScpi, [("UNIT:TEMP?", "C")]) as chamber:
        chamber.prepare()
    with expected(F4TScpi, [("UNIT:TEMP?", "F"), ("UNIT:TEMP C", None), ("UNIT:TEMP?", "C")]) as chamber:
        chamber.prepare()


@pytest.mark.parametrize("wire", [
    [("UNIT:TEMP?", timed_out())],
    [("UNIT:TEMP?", "F"), ("UNIT:TEMP C", None), ("UNIT:TEMP?", "F")],
])
def test_firmware_that_talks_in_fahrenheit_only_is_refused(wire):
    with expected(F4TScpi, wire) as chamber, pytest.raises(IdentityError, match="degF"):
        chamber.prepare()


def test_after_a_time_out_the_connection_is_made_anew_and_no_unknown_command_proves_it():
    ask = "SOUR:CLO1:PVAL?"
    with expected(F4TScpi, [(ask, timed_out()), (CLEAR, None), (ask, "25.0")]) as chamber:
        with pytest.raises(LinkTimeout):
            chamber.measured_temperature.read()
        assert chamber.measured_temperature.read() == 25.0


class Desk:
    def __init__(self, **options):
        self.clock = VirtualClock()
        self.chamber = World(self.clock, 1).add_chamber("chamber")
        self.twin = F4TTwin(TwinEnvironment("chamber", "SIM-CH-1", self.clock, 1, {1: self.chamber}, options))
        self.driver = F4TScpi("chamber", TwinMessageLink("chamber", self.twin, self.clock), self.clock)

    def real(self, address):
        return struct.unpack("<f", struct.pack("<HH", *self.twin.read(address, 2)))[0]

    def say(self, message):
        return self.twin.handle(message).text


@pytest.fixture
def desk():
    return Desk()


def test_the_driver_heats_the_twin(desk):
    identity = desk.driver.identify()
    assert (identity.model, identity.serial, identity.simulated) == ("F4T", "SIM-CH-1", True)
    desk.driver.prepare()
    desk.driver.temperature.set(85.0)
    assert desk.driver.temperature.get() == 85.0
    assert desk.driver.control.get() == "auto"
    desk.clock.sleep(7200.0)
    assert desk.driver.measured_temperature.read() == pytest.approx(85.0, abs=0.5)
    desk.driver.control.set("off")
    assert desk.driver.control.get() == "off"
    assert desk.chamber.set_point_degc is None
    desk.driver.control.set("auto")
    assert desk.chamber.set_point_degc == 85.0
    assert not desk.driver.loop_error.read()


def test_both_faces_show_one_box(desk):
    desk.driver.temperature.set(-25.0)
    assert desk.real(2782) == -25.0
    desk.twin.write(2782, list(struct.unpack("<HH", struct.pack("<f", 60.5))))
    assert desk.driver.temperature.get() == 60.5
    desk.twin.write(2730, [62])
    assert desk.driver.control.get() == "off"
    desk.driver.control.set("auto")
    assert desk.driver.control.get() == "off", "what was switched off over Modbus is not switched on by an output"
    desk.twin.write(2730, [10])
    assert desk.driver.control.get() == "auto"
    desk.driver.units.set("degF")
    assert desk.twin.read(6730, 1) == [30]
    assert desk.real(2782) == pytest.approx(140.9)
    desk.driver.display_units.set("degC")
    assert desk.twin.read(1328, 1) == [15]
    desk.say("PROG:SEL:NUMB 7")
    desk.say("PROG:SEL:STAT START")
    assert (desk.twin.read(16568, 1), desk.twin.read(16588, 1)) == ([149], [7])
    desk.twin.write(16566, [146])
    assert desk.say("PROG:SEL:STAT?") == "PAUS"


@pytest.mark.parametrize(("message", "reply"), [
    (":SOURCE:CLOOP1:SPOINT 40;:SOURCE:CLOOP1:SPOINT?", "40.0000"),
    (":SOURce:CLOop1:PVALue?", None),
    ("OUTPUT1:STATE OFF;OUTPUT1:STATE?", None),
    (":OUTPut1 OFF;:OUTPut1?", "OFF"),
    (":OUTP5:STAT ON;:OUTP5:STAT?", "ON"),
    (":UNITS:TEMPERATURE F;:UNIT:TEMPERATURE?", "F"),
    (":SOURCE:CLOOP1:RACTION BOTH;:SOURCE:CLOOP1:RACTION?", "BOTH"),
    (":SOURCE:CLOOP1:RTIME 3;:SOURCE:CLOOP1:RRATE?", "3.0000"),
    (":PROGRAM:NUMBER 4;:PROGRAM:NAME?", '"PROFILE4"'),
    (":PROGRAM:SELECTED:STATE START;:PROGRAM:SELECTED:STATE?", "STA"),
])
def test_what_other_programs_send(desk, message, reply):
    said = desk.say(message)
    assert said is not None or "OUTPUT1" in message
    if reply is not None:
        assert said == reply


@pytest.mark.parametrize("message", [
    ":SOURCE:CLOOP1:SPOINT 500", ":PROGRAM:NUMBER 99", ":PROGRAM:SELECTED:STATE RESUME", ":NO:SUCH?",
    ":UNIT:TEMPERATURE K", ":SOURCE:CLOOP2:PVALUE?",
])
def test_what_it_does_not_take_is_silence_and_changes_nothing(desk, message):
    before = desk.twin.read(2782, 2), desk.twin.read(16558, 1), desk.twin.read(6730, 1), desk.twin.read(16568, 1)
    assert desk.say(message) is None
    after = desk.twin.read(2782, 2), desk.twin.read(16558, 1), desk.twin.read(6730, 1), desk.twin.read(16568, 1)
    assert before == after


def test_set_points_are_bounded_as_over_modbus(desk):
    desk.say(":SOURCE:CLOOP1:SPOINT 180")
    assert desk.real(2782) == 180.0
    desk.say(":SOURCE:CLOOP1:SPOINT 180.5")
    assert desk.real(2782) == 180.0
    desk.say(":UNIT:TEMPERATURE F")
    desk.say(":SOURCE:CLOOP1:SPOINT 300")
    assert desk.chamber.set_point_degc == pytest.approx(148.889, abs=0.01)
