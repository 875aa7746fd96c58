"""Watlow F4T over SCPI: the same controller as :mod:`.watlow_f4t`, through its other door. TCP 5025.

Modbus says more (control mode, limits of the set point), so it is the first choice where nothing else uses the port.
What SCPI lacks:

* No error queue is documented, so a refused set point is silence. What was set is read back where it matters.
* No control mode. ``control`` switches event output 1, with which the chambers of TestEquity let heater and compressor
  run; on the chamber of another maker output 1 may do something else, or nothing. "auto" therefore means: allowed to
  run. A loop that was switched off at the panel or over Modbus stays off.
* Firmware before 04:05:0007 (May 2019) lacks commands and talks in degF, whatever it is told. It is refused.
"""

from __future__ import annotations

from typing import cast

from labkit.errors import IdentityError, LinkTimeout
from labkit.instrument import (
    Identity,
    Instrument,
    Latency,
    Reading,
    Scpi,
    ScpiDialect,
    ScpiPort,
    Setting,
    Source,
    analog,
    parse_idn,
)
from labkit.limits import within

LOOP = Source("manual", "Watlow F4T manual p.219 and TestEquity 101H manual p.62: SOURce:CLOop#")
UNIT = Source("manual", "TestEquity F4T chamber manual p.18: UNIT:TEMPERATURE and UNIT:TEMPERATURE:DISPLAY")
OUTPUT = Source("code", "py-lab-hal Testequity107 and te107_control switch OUTPUT1:STATE to enable the chamber")


def _control(text: str) -> str:
    return {"ON": "auto", "1": "auto", "OFF": "off", "0": "off"}[text.upper()]


class F4TScpi(Instrument):
    """Driver of control loop 1 over SCPI. Temperatures in degC."""

    kind = "thermal-chamber"
    manufacturer = "Watlow Electric"
    models = ("F4T",)
    # Nothing documents that several commands may stand in one message, and *ESE is not among the 37 commands.
    dialect = ScpiDialect(error_query="", compound=False, proof="")
    latency = Latency(set_s=0.030, read_s=0.030)

    temperature = Setting(
        float, Scpi("SOURce:CLOop1:SPOint"), unit="degC", limits=within(-80.0, 200.0, "range of the F4T driver"),
        doc="Set point of loop 1.", source=LOOP)
    measured_temperature = Reading(
        analog, Scpi("SOURce:CLOop1:PVALue"), unit="degC",
        doc="Process value of loop 1: the air at the controller's sensor.", source=LOOP)
    control = Setting(
        str, Scpi("OUTPut1:STATe"), words={"auto": "ON", "off": "OFF"}, decode=_control,
        doc="Event output 1, which lets the chamber run: auto or off.", source=OUTPUT)
    units = Setting(
        str, Scpi("UNIT:TEMPerature"), words={"degC": "C", "degF": "F"}, doc="Units of temperatures over SCPI.",
        source=UNIT)
    display_units = Setting(
        str, Scpi("UNIT:TEMPerature:DISPlay"), words={"degC": "C", "degF": "F"},
        doc="Units on the controller's own display.", source=UNIT)
    ramp_action = Setting(
        str, Scpi("SOURce:CLOop1:RACTion"),
        words={"off": "OFF", "startup": "STARtup", "setpoint": "SETPoint", "both": "BOTH"},
        doc="When the set point ramps: never, at power-up, when it is changed, or both.", source=LOOP)
    ramp_scale = Setting(
        str, Scpi("SOURce:CLOop1:RSCAle"), words={"minutes": "MINutes", "hours": "HOURS"},
        doc="What the ramp rate is counted in.", source=LOOP)
    ramp_rate = Setting(
        float, Scpi("SOURce:CLOop1:RRATe"), limits=within(0.0, 9999.0, "range of the F4T driver"),
        doc="Ramp rate, communication units per minute or hour as ramp_scale says.", source=LOOP)
    loop_error = Reading(
        bool, Scpi("SOURce:CLOop1:ERRor"), decode=lambda text: text.upper() != "NONE",
        doc="Whether loop 1 has lost its sensor (ERROR or NONE).", source=LOOP)

    def identify(self) -> Identity:
        """Ask ``*IDN?``; the second field is the part number, which begins with F4T."""
        found = parse_idn(cast(ScpiPort, self.port).query("*IDN?"), self.label)
        model = "F4T" if found.model.startswith("F4T") else found.model
        return self.expect_model(Identity(found.manufacturer, model, found.serial, found.firmware))

    def prepare(self) -> None:
        """Make the controller talk in degC; raises IdentityError for firmware that cannot."""
        try:
            if self.units.get() != "degC":
                self.units.set("degC")
                if self.units.get() == "degC":
                    return
                raise IdentityError("the controller goes on talking in degF; use the Modbus driver watlow-f4t",
                                    instrument=self.label)
        except LinkTimeout as error:
            raise IdentityError(
                "the controller does not know UNIT:TEMPerature; firmware before 04:05:0007 talks in degF only: update "
                "it, or use the Modbus driver watlow-f4t", instrument=self.label, sent=error.sent) from None
