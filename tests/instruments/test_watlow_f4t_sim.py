import struct

import pytest

from labkit.clock import VirtualClock
from labkit.errors import LinkError
from labkit.sim.link import TwinRegisterLink
from labkit.sim.twin import RegisterFault, TwinEnvironment
from labkit.sim.world import World
from labkit_instruments.thermal_chamber.watlow_f4t import F4T
from labkit_instruments.thermal_chamber.watlow_f4t_sim import F4TTwin


class Desk:
    def __init__(self, **options):
        self.clock = VirtualClock()
        self.chamber = World(self.clock, 1).add_chamber("chamber")
        self.twin = F4TTwin(TwinEnvironment("chamber", "SIM-CH-1", self.clock, 1, {1: self.chamber}, options))
        self.driver = F4T("chamber", TwinRegisterLink("chamber", self.twin, self.clock), self.clock)

    def real(self, address):
        return struct.unpack("<f", struct.pack("<HH", *self.twin.read(address, 2)))[0]

    def set_real(self, address, value):
        self.twin.write(address, list(struct.unpack("<HH", struct.pack("<f", value))))


@pytest.fixture
def desk():
    return Desk()


def fault(call, *arguments):
    with pytest.raises(RegisterFault) as caught:
        call(*arguments)
    return caught.value.code


def test_the_driver_identifies_and_prepares_it(desk):
    identity = desk.driver.identify()
    assert (identity.model, identity.serial, identity.simulated) == ("F4T", "SIM-CH-1", True)
    assert identity.firmware.startswith("F4T1")
    desk.driver.prepare()
    assert desk.driver.units.get() == "degC"


def test_the_driver_heats_the_chamber(desk):
    desk.driver.temperature.set(85.0)
    assert desk.driver.temperature.get() == 85.0
    assert desk.driver.control.get() == "auto"
    desk.clock.sleep(60.0)
    assert desk.real(2808) == 100.0
    desk.clock.sleep(7200.0)
    assert desk.driver.measured_temperature.read() == pytest.approx(85.0, abs=0.5)
    desk.driver.control.set("off")
    desk.clock.sleep(3600.0)
    assert 25.0 < desk.driver.measured_temperature.read() < 40.0
    assert desk.chamber.set_point_degc is None


def test_a_transfer_takes_its_latency(desk):
    began = desk.clock.now()
    desk.driver.temperature.get()
    assert desk.clock.now() - began == pytest.approx(0.03)
    assert Desk(latency_s=0.3).twin.latency_s == 0.3


def test_float32_has_its_low_word_first(desk):
    desk.twin.write(2782, [0x0000, 0x42AA])  # 85.0 is 0x42AA0000
    assert desk.twin.read(2782, 2) == [0x0000, 0x42AA]
    assert desk.chamber.set_point_degc == 85.0


def test_set_point_limits_refuse_with_exception_3(desk):
    assert (desk.driver.lowest_set_point.read(), desk.driver.highest_set_point.read()) == (-60.0, 180.0)
    assert fault(desk.set_real, 2782, 181.0) == 3
    assert fault(desk.set_real, 2782, float("nan")) == 3
    with pytest.raises(LinkError, match="Modbus exception 3"):
        desk.driver.temperature.set(-70.0)
    desk.set_real(2776, 100.0)
    assert fault(desk.set_real, 2782, 101.0) == 3
    assert fault(desk.set_real, 2774, 101.0) == 3
    assert desk.driver.temperature.get() == 25.0


def test_what_is_not_there_answers_exception_2(desk):
    assert fault(desk.twin.read, 2783 + 200, 1) == 2
    assert fault(desk.twin.read, 2890, 2) == 2  # loop 2
    assert fault(desk.twin.read, 4042, 2) == 2  # cascade
    assert fault(desk.twin.read, 2782, 20) == 2  # runs off the map
    assert fault(desk.twin.write, 2820, [0, 0]) == 2  # a reading
    assert fault(desk.twin.write, 2783, [0]) == 2  # half of a value
    assert fault(desk.twin.read, 2782, 0) == 3
    assert fault(desk.twin.write, 2782, [0]) == 3


def test_neighbouring_values_can_be_read_and_written_together(desk):
    assert len(desk.twin.read(2774, 4)) == 4
    desk.twin.write(2782, [0x0000, 0x42AA, 0x0000, 0x41A0])
    assert (desk.real(2782), desk.real(2784)) == (85.0, 20.0)
    assert desk.twin.read(2730, 2) == [10, 0]
    desk.twin.write(2730, [62, 0])
    assert desk.twin.read(2730, 1) == [62]


def test_degrees_fahrenheit():
    desk = Desk(units="F")
    assert desk.twin.read(6730, 1) == [30]
    assert desk.real(2820) == pytest.approx(77.0, abs=0.5)
    desk.set_real(2782, 185.0)
    assert desk.chamber.set_point_degc == pytest.approx(85.0)
    assert desk.real(2776) == pytest.approx(356.0)
    desk.driver.prepare()
    assert desk.driver.temperature.get() == pytest.approx(85.0)
    assert fault(desk.twin.write, 6730, [16]) == 3


def test_manual_power_drives_the_air_without_a_set_point(desk):
    desk.set_real(2784, 40.0)
    desk.twin.write(2730, [54])
    desk.clock.sleep(3 * 3600.0)
    assert desk.chamber.air() == pytest.approx(73.0, abs=1.0)
    assert desk.twin.read(2814, 1) == [54]
    assert fault(desk.set_real, 2784, 101.0) == 3
    assert fault(desk.twin.write, 2730, [11]) == 3


def test_a_running_profile_ignores_a_new_set_point(desk):
    assert desk.twin.read(16568, 1) == [251]
    assert fault(desk.twin.write, 16566, [148]) == 3
    desk.twin.write(16558, [7])
    desk.twin.write(16560, [2])
    desk.twin.write(16562, [1782])
    assert [desk.twin.read(address, 1)[0] for address in (16568, 16588, 16590)] == [149, 7, 2]
    desk.driver.temperature.set(60.0)
    assert (desk.real(2782), desk.real(2810)) == (60.0, 25.0)
    assert desk.chamber.set_point_degc == 25.0
    desk.twin.write(16566, [146])
    assert desk.twin.read(16568, 1) == [146]
    desk.twin.write(16564, [147])
    assert desk.twin.read(16568, 1) == [149]
    desk.twin.write(16566, [148])
    assert desk.twin.read(16568, 1) == [253]
    assert desk.chamber.set_point_degc == 60.0
    assert fault(desk.twin.write, 16558, [41]) == 3


def test_events_keys_alarms_and_outputs(desk):
    desk.twin.write(16594, [63])
    assert desk.twin.read(16594, 1) == [63]
    assert fault(desk.twin.write, 16828, [64]) == 3
    desk.twin.write(6850, [1457])
    assert desk.twin.read(6844, 1) == [63]
    desk.twin.write(6850, [1456])
    assert desk.twin.read(6844, 1) == [62]
    assert [desk.twin.read(1356 + 100 * alarm, 1) for alarm in range(6)] == [[61]] * 6
    assert (desk.real(1334), desk.real(1336)) == (pytest.approx(148.889, abs=0.001), 0.0)
    assert desk.twin.read(33718, 1) == [63]
    desk.twin.write(2730, [62])
    assert desk.twin.read(33718, 1) == [62]


def test_the_clock_can_be_read_and_set(desk):
    assert desk.twin.read(14664, 12)[::2] == [0, 0, 0, 1, 1, 2000]
    desk.clock.sleep(3725.0)
    assert desk.twin.read(14664, 12)[::2] == [1, 2, 5, 1, 1, 2000]
    desk.twin.write(14674, [2027])
    assert desk.twin.read(14674, 1) == [2027]
    assert fault(desk.twin.write, 14670, [13]) == 3


def test_part_number_tells_profiles_and_loops(desk):
    text = "".join(chr(code) for code in desk.twin.read(16, 15) if code)
    assert (len(text), text[6], text[11]) == (15, "D", "1")
    assert desk.twin.read(90, 1) == [138]
    cascade = Desk(cascade=True)
    assert chr(cascade.twin.read(16 + 11, 1)[0]) == "6"
    cascade.set_real(4042, 50.0)
    assert cascade.chamber.set_point_degc == 50.0
    assert cascade.real(4188) == 50.0
    assert cascade.real(4182) == pytest.approx(25.0, abs=0.3)


def test_the_twin_wants_a_chamber():
    with pytest.raises(TypeError, match="needs a simulated chamber"):
        F4TTwin(TwinEnvironment("chamber", "SIM-1", VirtualClock(), 1, {1: None}))
