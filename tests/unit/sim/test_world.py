import math
import time

import pytest

from labkit.clock import VirtualClock
from labkit.sim.world import BoardModel, Outcome, OutletState, State, World

NO_NOISE = BoardModel(lapse=0.0, part_v=0.0, lot_v=0.0, outliers=0.0, floor_part_v=0.0, drift_v=0.0)


class Bench:
    """A world with one board, and what a test does with it."""

    def __init__(self, seed=1, *, memoryless=False, model=NO_NOISE, leads=0.012, dut="SIM-A", io=True):
        self.clock = VirtualClock()
        self.world = World(self.clock, seed, memoryless=memoryless)
        self.chamber = self.world.add_chamber("chamber")
        self.board = self.world.add_board("A", dut, model, self.chamber)
        self.core = self.board.feed("core", lead_ohms=leads)
        self.io = self.board.feed("io") if io else None
        self.remote = True

    def core_on(self, volts, amps=4.5):
        self.core.drive(on=True, volts=volts, amps=amps, remote=self.remote)

    def core_off(self):
        self.core.drive(on=False, volts=0.75, amps=4.5, remote=self.remote)

    def boot(self):
        if self.io is not None:
            self.io.drive(on=True, volts=1.8, amps=0.8, remote=False)
        self.core_on(0.75)
        self.clock.sleep(25.0)
        assert self.board.state is State.UP
        return self

    def test(self, volts, hz, name="bist"):
        """Return how a test ends, after recovery of an earlier failure."""
        if self.board.state is not State.UP:
            self.core_off()
            self.clock.sleep(1.0)
            self.core_on(0.75)
            self.clock.sleep(25.0)
        if self.board.state is not State.UP:  # one of the hangs that need two cycles
            return self.test(volts, hz, name)
        self.core_on(max(volts, 0.75))
        self.board.set_clock(hz)
        self.core_on(volts)
        self.clock.sleep(0.02)
        return self.run(name)

    def run(self, name="bist"):
        ended = []
        boots = self.board.boots
        if self.board.state is State.UP:
            self.board.start_test(name, 0.05, lambda outcome: ended.append(outcome) or "")
        self.clock.sleep(0.06)
        assert not self.board.testing
        if ended:
            return ended[0]
        return Outcome.CRASH if self.board.boots > boots else Outcome.HANG


# -- outlets ---------------------------------------------------------------------------------------------------------


def test_a_resistor_in_constant_voltage_and_constant_current():
    clock = VirtualClock()
    outlet = World(clock, 1).resistor_outlet(10.0)
    outlet.drive(on=True, volts=5.0, amps=1.0, remote=False)
    clock.sleep(0.1)
    assert outlet.observe() == OutletState(5.0, 5.0, 0.5, "CV")
    outlet.drive(on=True, volts=5.0, amps=0.2, remote=False)
    clock.sleep(0.1)
    state = outlet.observe()
    assert (state.mode, state.amps, state.terminal_volts) == ("CC", 0.2, pytest.approx(2.0))


def test_an_open_outlet_takes_no_current_and_discharges_slowly():
    clock = VirtualClock()
    outlet = World(clock, 1).open_outlet()
    outlet.drive(on=True, volts=5.0, amps=1.0, remote=True)
    clock.sleep(0.1)
    assert (outlet.observe().amps, outlet.observe().mode) == (0.0, "CV")
    outlet.drive(on=False, volts=5.0, amps=1.0, remote=True)
    clock.sleep(0.5)
    assert outlet.observe().terminal_volts == pytest.approx(5.0 / math.e)
    assert outlet.observe().mode == "off"


def test_a_reading_right_after_a_set_sees_the_move():
    clock = VirtualClock()
    outlet = World(clock, 1).resistor_outlet(10.0)
    outlet.drive(on=True, volts=1.0, amps=1.0, remote=False)
    clock.sleep(0.1)
    outlet.drive(on=True, volts=2.0, amps=1.0, remote=False)
    assert outlet.observe().sense_volts == pytest.approx(1.0)
    clock.sleep(0.0025)
    assert outlet.observe().sense_volts == pytest.approx(2.0 - 1 / math.e)
    clock.sleep(0.0100)
    assert outlet.observe().sense_volts == pytest.approx(2.0, abs=0.01)


def test_remote_sense_makes_up_for_the_leads_and_local_sense_does_not():
    bench = Bench().boot()
    state = bench.core.observe()
    assert state.sense_volts == pytest.approx(0.75)
    assert state.terminal_volts == pytest.approx(0.75 + state.amps * 0.012)
    bench.remote = False
    bench.core_on(0.75)
    bench.clock.sleep(0.1)
    state = bench.core.observe()
    assert state.sense_volts == state.terminal_volts == pytest.approx(0.75)
    assert bench.board.rail_volts("core") == pytest.approx(0.75 - state.amps * 0.012)


def test_the_test_running_shows_in_the_current():
    bench = Bench().boot()
    idle = bench.core.observe().amps
    bench.board.start_test("bist", 0.05, str)
    bench.clock.sleep(0.02)
    busy = bench.core.observe().amps
    bench.clock.sleep(0.05)
    assert idle == pytest.approx(0.47, abs=0.03)
    assert busy == pytest.approx(2.47, abs=0.08)
    assert bench.core.observe().amps == pytest.approx(idle, abs=0.001)


def test_the_hottest_fastest_corner_stays_below_the_current_limit_of_the_plan():
    for dut in ("SIM-A", "SIM-B", "SIM-C", "SIM-D"):
        bench = Bench(memoryless=True, model=BoardModel(), dut=dut).boot()
        bench.chamber.command(85.0)
        bench.core_on(0.90)
        bench.board.set_clock(2.2e9)
        bench.board.start_test("bist", 1.0, str)
        assert 3.8 < bench.core.observe().amps < 4.2
        assert bench.board.die_degc() < 104


def test_current_limit_lowers_the_rail_until_the_chip_fails():
    bench = Bench().boot()
    bench.core_on(0.75, amps=1.6)  # enough for idle, not for a test
    bench.clock.sleep(0.1)
    assert bench.core.observe().mode == "CV"
    assert bench.run() in (Outcome.HANG, Outcome.CRASH)
    bench = Bench().boot()
    bench.core_on(0.75, amps=1.6)
    bench.board.start_test("bist", 0.05, str)
    bench.clock.sleep(0.02)
    state = bench.core.observe()
    assert (state.mode, state.amps) == ("CC", 1.6)
    assert 0.45 < state.sense_volts < 0.52


def test_a_limit_too_low_for_the_boot_resets_the_chip_over_and_over():
    bench = Bench()
    bench.io.drive(on=True, volts=1.8, amps=0.8, remote=False)
    bench.core_on(0.75, amps=0.4)
    bench.clock.sleep(10.0)
    assert 10 < bench.board.boots < 60
    bench.core_on(0.75)
    bench.clock.sleep(25.0)
    assert bench.board.state is State.UP


# -- chamber ---------------------------------------------------------------------------------------------------------


def follow(chamber, clock, degc, seconds):
    chamber.command(degc)
    air = []
    for _ in range(seconds):
        clock.sleep(1.0)
        air.append(chamber.air())
    return air


@pytest.mark.parametrize("seed", range(6))
def test_chamber_heats_overshoots_and_settles(seed):
    clock = VirtualClock()
    chamber = World(clock, seed).add_chamber("c")
    air = follow(chamber, clock, 85.0, 5400)
    assert air[300] - air[240] == pytest.approx(5.0, abs=0.01)
    assert 0.010 * 60 < max(air) - 85.0 < 0.033 * 60 + 0.3
    assert all(abs(value - 85.0) <= 0.3 for value in air[3600:])


def test_chamber_cools_slower_the_colder_it_is():
    clock = VirtualClock()
    chamber = World(clock, 1).add_chamber("c")
    air = follow(chamber, clock, -55.0, 5 * 3600)
    at_0 = next(index for index, value in enumerate(air) if value < 0.0)
    at_minus_40 = next(index for index, value in enumerate(air) if value < -40.0)
    assert air[at_0] - air[at_0 + 60] == pytest.approx(3.0 - 20 * 2.5 / 75, abs=0.06)
    assert air[at_minus_40] - air[at_minus_40 + 60] == pytest.approx(1.0, abs=0.05)
    assert min(air) >= -55.0 - 2.4 - 0.3
    assert abs(air[-1] + 55.0) <= 0.3


def test_control_off_drifts_to_the_room():
    clock = VirtualClock()
    chamber = World(clock, 1).add_chamber("c")
    follow(chamber, clock, 85.0, 3600)
    air = follow(chamber, clock, None, 7200)
    assert air[0] > 80
    assert air[-1] == pytest.approx(25.0, abs=0.5)
    assert chamber.power_percent() == 0.0


def test_sensor_noise_and_power():
    clock = VirtualClock()
    chamber = World(clock, 1).add_chamber("c")
    chamber.command(85.0)
    clock.sleep(60.0)
    assert chamber.power_percent() == 100.0
    follow(chamber, clock, 85.0, 7200)
    assert 5 < chamber.power_percent() < 60
    errors = []
    for _ in range(500):
        clock.sleep(1.0)
        errors.append(chamber.sensor() - chamber.air())
    assert math.sqrt(sum(error**2 for error in errors) / 500) == pytest.approx(0.05, rel=0.15)


def test_a_load_beyond_the_machine_keeps_it_from_its_set_point():
    clock = VirtualClock()
    chamber = World(clock, 1).add_chamber("c")
    chamber.put_in(lambda: 250.0, lambda now: None)
    air = follow(chamber, clock, -40.0, 4 * 3600)
    assert air[-1] == pytest.approx(-40.0 + 100.0 * 0.1, abs=0.3)


# -- the board: heat, boot, failure ----------------------------------------------------------------------------------


def test_self_heating_reaches_theta_times_power_in_two_steps():
    bench = Bench(model=BoardModel(idle=1.0, leak_amps=1e-9)).boot()
    bench.clock.sleep(2400.0)
    state, die = bench.core.observe(), bench.board.die_degc()
    watts = state.sense_volts * state.amps + 1.8 * 0.2
    assert die - bench.chamber.air() == pytest.approx(watts * (3.5 + 0.02), abs=2.2)  # and the place in the chamber
    bench.core_on(0.60)  # half the power: the die follows at once, the sink later
    bench.board.set_clock(0.8e9)
    bench.clock.sleep(12.0)
    soon = die - bench.board.die_degc()
    bench.clock.sleep(2400.0)
    late = die - bench.board.die_degc()
    assert 0.9 < soon < 0.6 * late


def test_thermal_runaway_ends_in_the_trip():
    bench = Bench(model=BoardModel(sink_k_per_w=12.0, leak_amps=1.5, idle=1.0, trip_degc=115.0)).boot()
    bench.chamber.command(85.0)
    bench.clock.sleep(3 * 3600.0)
    assert bench.board.state is State.TRIPPED
    bench.clock.sleep(3600.0)
    assert bench.board.state is State.TRIPPED  # latched, though it has cooled
    bench.core_off()
    bench.chamber.command(25.0)
    bench.clock.sleep(3600.0)
    bench.core_on(0.75)
    bench.clock.sleep(1.0)
    assert bench.board.state is State.BOOTING


def test_power_good_needs_every_rail_that_is_fed():
    bench = Bench()
    bench.core_on(0.75)
    bench.clock.sleep(1.0)
    assert bench.board.state is State.OFF
    assert bench.board.boots == 0
    alone = Bench(io=False)
    alone.core_on(0.75)
    alone.clock.sleep(25.0)
    assert alone.board.state is State.UP


def test_a_short_dip_does_not_reset_and_a_long_one_does():
    bench = Bench().boot()
    bench.core_off()
    bench.clock.sleep(0.05)
    bench.core_on(0.75)
    bench.clock.sleep(1.0)
    assert (bench.board.state, bench.board.boots) == (State.UP, 1)
    bench.core_off()
    bench.clock.sleep(0.3)
    bench.core_on(0.75)
    bench.clock.sleep(1.0)
    assert (bench.board.state, bench.board.boots) == (State.BOOTING, 2)


def edge_mv(bench, hz):
    """Return the depth at which the typical part of a bench sits at 1 V, as its edge in mV."""
    board = bench.board
    return 1e3 * board.silicon.vmin(hz, board.die_degc(), 2.2)


@pytest.mark.parametrize(("below_mv", "outcome"), [
    (-40, Outcome.PASS), (10, Outcome.FAIL), (22, Outcome.CRASH), (45, Outcome.HANG), (85, Outcome.HANG)])
def test_failure_by_depth(below_mv, outcome):
    bench = Bench(model=BoardModel(**{**quiet(), "edge_v": 1e-5})).boot()
    edge = edge_mv(bench, 1.8e9)
    assert bench.test((edge - below_mv) / 1e3, 1.8e9) is outcome


def quiet():
    return {"lapse": 0.0, "part_v": 0.0, "lot_v": 0.0, "outliers": 0.0, "floor_part_v": 0.0, "drift_v": 0.0}


def test_a_hang_needs_a_power_cycle_and_a_crash_does_not():
    bench = Bench(model=BoardModel(**{**quiet(), "edge_v": 1e-5, "second_cycle": 0.0})).boot()
    edge = edge_mv(bench, 1.8e9)
    assert bench.test((edge - 22) / 1e3, 1.8e9) is Outcome.CRASH
    bench.core_on(0.75)
    bench.clock.sleep(25.0)
    assert (bench.board.state, bench.board.hz) == (State.UP, 1.6e9)
    assert bench.test((edge - 45) / 1e3, 1.8e9) is Outcome.HANG
    bench.core_on(0.75)
    bench.clock.sleep(600.0)
    assert bench.board.state is State.HUNG
    assert bench.test(0.75, 1.6e9) is Outcome.PASS


def test_some_hangs_need_two_cycles():
    bench = Bench(model=BoardModel(**{**quiet(), "edge_v": 1e-5, "second_cycle": 1.0})).boot()
    edge = edge_mv(bench, 1.8e9)
    assert bench.test((edge - 45) / 1e3, 1.8e9) is Outcome.HANG
    for expected in (State.HUNG, State.UP):
        bench.core_off()
        bench.clock.sleep(1.0)
        bench.core_on(0.75)
        bench.clock.sleep(25.0)
        assert bench.board.state is expected


def test_idle_code_dies_far_below_the_edge_without_any_test():
    bench = Bench().boot()
    bench.board.set_clock(2.2e9)
    bench.core_on(0.60)
    bench.clock.sleep(0.2)
    assert bench.board.state is State.HUNG


def test_the_edge_is_soft_and_repeats_differ():
    bench = Bench(model=BoardModel(**{**quiet(), "edge_v": 3e-3})).boot()
    edge = edge_mv(bench, 1.8e9)
    outcomes = [bench.test(edge / 1e3, 1.8e9) for _ in range(60)]
    assert 10 <= outcomes.count(Outcome.PASS) <= 50


# -- promises --------------------------------------------------------------------------------------------------------


def story(bench, polls):
    """Run a course of events, asking everything ``polls`` times a step; return what was seen at the end of each."""
    seen = []
    bench.boot()
    bench.chamber.command(85.0)
    for step in range(40):
        for _ in range(polls):
            bench.clock.sleep(30.0 / polls)
            bench.chamber.sensor(), bench.board.sensor_degc(), bench.core.observe(), bench.chamber.power_percent()
        if not polls:
            bench.clock.sleep(30.0)
        seen.append((bench.test(0.60 + step * 2e-3, 1.7e9), bench.chamber.air(), bench.board.die_degc(),
                     bench.core.observe()))
    return seen


def test_asking_often_changes_nothing():
    model = BoardModel(edge_v=4e-3)
    # 30 s split in 32 is exact in binary, so both clocks show the same times.
    assert story(Bench(model=model), 0) == story(Bench(model=model), 32)


def test_the_same_seed_is_the_same_world_and_another_is_not():
    model = BoardModel(edge_v=4e-3)
    assert story(Bench(3, model=model), 0) == story(Bench(3, model=model), 0)
    assert story(Bench(3, model=model), 0) != story(Bench(4, model=model), 0)


POINTS = [(degc, hz, volts) for degc in (-40.0, 85.0) for hz in (1.2e9, 1.7e9, 2.1e9)
          for volts in (0.80, 0.74, 0.70, 0.66, 0.64, 0.62, 0.60, 0.56)]


def memoryless_results(points, *, neighbour=False, pause=0.0):
    bench = Bench(5, memoryless=True, model=BoardModel(edge_v=6e-3))
    if neighbour:
        other = bench.world.add_board("B", "SIM-B", BoardModel(), bench.chamber)
        other.feed("core").drive(on=True, volts=0.9, amps=9.0, remote=True)
    bench.boot()
    results = {}
    for point in points:
        degc, hz, volts = point
        bench.chamber.command(degc)
        bench.clock.sleep(pause)
        outcome = bench.test(volts, hz)
        readings = (bench.core.observe(), bench.board.sensor_degc()) if outcome is Outcome.PASS else None
        results[point] = (outcome, readings)
    return results


def test_memoryless_results_depend_on_nothing_but_the_point():
    forward = memoryless_results(POINTS)
    assert len({outcome for outcome, _ in forward.values()}) >= 4
    assert memoryless_results(POINTS[::-1]) == forward
    assert memoryless_results(POINTS, neighbour=True, pause=77.7) == forward
    shuffled = POINTS[1::2] + POINTS[::2] + POINTS[:5]
    assert memoryless_results(shuffled) == forward


def test_memoryless_chamber_ramps_and_then_is_its_set_point():
    clock = VirtualClock()
    chamber = World(clock, 1, memoryless=True).add_chamber("c")
    chamber.command(85.0)
    clock.sleep(360.0)
    assert chamber.air() == pytest.approx(55.0)
    clock.sleep(360.0)
    assert chamber.air() == 85.0
    first = chamber.sensor()
    clock.sleep(1234.5)
    assert chamber.sensor() == first
    chamber.command(25.0)
    clock.sleep(600.0)
    assert chamber.air() == pytest.approx(55.0)


def test_a_rail_that_the_board_does_not_have_is_refused():
    board = World(VirtualClock(), 1).add_board("A", "X", BoardModel(), None)
    with pytest.raises(ValueError, match="has no rail cor"):
        board.feed("cor")
    board.feed("core")
    with pytest.raises(ValueError, match="fed twice"):
        board.feed("core")


def test_twelve_hours_cost_little():
    bench = Bench(model=BoardModel()).boot()
    bench.world.add_board("B", "SIM-B", BoardModel(), bench.chamber).feed("core").drive(
        on=True, volts=0.75, amps=4.0, remote=True)
    began = time.process_time()
    for step in range(21_600):
        if step % 5_000 == 0:
            bench.chamber.command((85.0, -40.0, 25.0, 85.0, 25.0)[step // 5_000])
        bench.clock.sleep(2.0)
        bench.chamber.sensor()
    assert time.process_time() - began < 1.5
