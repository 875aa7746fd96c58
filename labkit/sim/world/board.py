"""A board: rails with their loads, a chip that boots, runs tests, fails and recovers, and the heat that all this makes.

State changes at events (a supply driven, a clock set, a test begun or ended, power good or lost) and on the world's
grid. A test is judged at its end, with the lowest voltage that the core rail had while it ran.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from labkit.sim.world.chamber import Chamber
from labkit.sim.world.heat import TwoNode
from labkit.sim.world.model import BoardModel
from labkit.sim.world.noise import Repeats, keyed_normal, keyed_uniform
from labkit.sim.world.outlet import Outlet
from labkit.sim.world.printout import Printout
from labkit.sim.world.rails import CoreLoad, Rail, StaticLoad
from labkit.sim.world.silicon import Outcome, Part, Silicon, State, classify
from labkit.sim.world.timeline import STEP_S, Timeline

_AIR_K_PER_W = 0.02  # how much warmer the air is beside a board
_POSITION_K = 0.7  # spread of air temperature over the places in a chamber
_HOTTEST_DEGC = 150.0  # a runaway ends here: the trip has long acted
_RESOLVE_K = 0.01
_DEATH_S = 0.1  # how long idle code survives below its edge
_NO_BOOT_V, _IDLE_DEATH_V = 0.015, 0.060
_DRIFT_STEPS = 60
_GLITCH_S = 1e-3  # how long a dip must last to be seen
_RESET_S = 0.2  # how long the supervisor holds reset after a loss of power


@dataclass(slots=True)
class Test:
    """A self-test under way; ``report`` makes the console's text of its outcome."""

    name: str
    report: Callable[[Outcome], str]
    lowest_v: float


class Board:
    """One product under test at one site. ``dut`` is its serial number and decides what kind of part it is."""

    def __init__(self, timeline: Timeline, site: str, dut: str, model: BoardModel, chamber: Chamber | None) -> None:
        self.site, self.dut, self.model = site, dut, model
        self.timeline = timeline
        self.silicon = Silicon(model, Part.drawn(model, timeline.seed, dut))
        self.output = Printout()
        """What the console will show."""
        self.banner, self.login = model.banner, model.login.replace("{board}", model.board)
        self._state, self._hz, self.clock_in = State.OFF, model.boot_hz, 0.0  # clock_in: Hz from outside, 0 for none
        self._boots, self._up_since = 0, 0.0
        self.event_at = math.inf
        self._chamber = chamber
        self._core = CoreLoad(self.silicon, self._driven, timeline.ambient_degc)
        self._rails: dict[str, Rail] = {}
        self._core_outlet: Outlet | None = None
        self._agenda: dict[str, float] = {}
        self._powered, self._held_until = False, -math.inf
        self._test: Test | None = None
        self._cycles, self._hangs = 0, 0
        self._heat = TwoNode(model, timeline.ambient_degc, STEP_S)
        self._die = self._solved_at = timeline.ambient_degc
        self._watts, self._energy, self._marked, self._mean_watts = 0.0, 0.0, timeline.start, 0.0
        self._drift, self._ticks = 0.0, 0
        self._repeats = Repeats()
        self._position = 0.0
        if chamber is not None:
            chamber.put_in(lambda: self._mean_watts, self._operate)
            self._position = _POSITION_K * keyed_normal(timeline.seed, chamber.name, site, "position")
        timeline.join(self)

    def feed(self, rail: str, *, lead_ohms: float = 0.0) -> Outlet:
        """Return the outlet that feeds ``rail`` through leads of that total resistance, Ohm.

        Raises ValueError for a rail that the model does not have, or one that is fed already. A rail that is never
        fed counts as powered from elsewhere.
        """
        model = self.model
        if rail in self._rails:
            raise ValueError(f"rail {rail} of the board at site {self.site} is fed twice")
        if rail == model.core_rail:
            outlet = self._core_outlet = Outlet(self.timeline, self._core, lead_ohms=lead_ohms)
            self._rails[rail] = Rail(outlet, model.power_good_v, model.reset_v)
        elif rail in model.other_volts:
            volts, amps = model.other_volts[rail], model.other_amps.get(rail, 0.0)
            load = StaticLoad(volts / amps if amps else math.inf, model.discharge_s, self._driven)
            outlet = Outlet(self.timeline, load, lead_ohms=lead_ohms)
            self._rails[rail] = Rail(outlet, 0.7 * volts, 0.6 * volts)
        else:
            raise ValueError(f"the model of {model.board} has no rail {rail}; it has "
                             f"{', '.join([model.core_rail, *model.other_volts])}")
        return outlet

    def rail_volts(self, rail: str) -> float:
        """Return the voltage at the load of a fed rail now: what a meter's probe there shows, without its error."""
        return self._rails[rail].outlet.volts_at(self.timeline.sync())

    def die_degc(self) -> float:
        """Return the true die temperature now."""
        self.timeline.sync()
        return self._die

    def sensor_degc(self) -> float:
        """Return what the die's own sensor shows: offset of the part, noise, steps of its resolution."""
        now = self.timeline.sync()
        model, sample = self.model, (self._condition() if self.timeline.memoryless else int(now * 20.0))
        noise = model.sensor_noise_k * keyed_normal(self.timeline.seed, self.dut, "sensor", sample)
        shown = self._die + self.silicon.part.sensor_k + noise
        return round(shown / model.sensor_step_k) * model.sensor_step_k

    @property
    def state(self) -> State:
        """What the chip does now."""
        self.timeline.sync()
        return self._state

    @property
    def hz(self) -> float:
        """The core clock now."""
        self.timeline.sync()
        return self._hz

    @property
    def boots(self) -> int:
        """How often the chip has begun to boot."""
        self.timeline.sync()
        return self._boots

    @property
    def up_since(self) -> float:
        """Lab time of the last finished boot."""
        self.timeline.sync()
        return self._up_since

    @property
    def testing(self) -> bool:
        """Whether a test is under way now."""
        self.timeline.sync()
        return self._test is not None

    def set_clock(self, hz: float) -> None:
        """Set the core clock; raises ValueError outside the PLL's range or when the chip is not up."""
        now = self.timeline.sync()
        if self._state is not State.UP:
            raise ValueError(f"the chip is {self._state.value}")
        if not self.model.min_hz <= hz <= self.model.max_hz:
            low, high = self.model.min_hz / 1e6, self.model.max_hz / 1e6
            raise ValueError(f"{hz / 1e6:g} MHz is outside {low:g}..{high:g} MHz")
        self._hz = hz
        self._operate(now)

    def start_test(self, name: str, duration_s: float, report: Callable[[Outcome], str]) -> None:
        """Begin a test that ends after ``duration_s`` with the text that ``report`` makes of its outcome.

        A crash prints its panic and boots instead, a hang prints nothing. Raises ValueError when the chip is not up or
        a test is under way.
        """
        now = self.timeline.sync()
        if self._state is not State.UP or self._test is not None:
            raise ValueError("a test is under way" if self._test else f"the chip is {self._state.value}")
        outlet = self._core_outlet
        self._test = Test(name, report, outlet.volts_at(now) if outlet else self.model.nominal_v)
        self._agenda["end"] = now + duration_s
        self._operate(now)

    def abort_test(self) -> None:
        """End the test under way without a report."""
        now = self.timeline.sync()
        self._test = None
        self._agenda.pop("end", None)
        self._operate(now)

    def happen(self, at: float) -> None:
        """Perform the event that is due."""
        name = min(self._agenda, key=self._agenda.__getitem__)
        del self._agenda[name]
        if name == "power":
            self._review_power(at)
        elif name == "check":
            self._check_boot(at)
        elif name == "up":
            self._state, self._up_since = State.UP, at
            self.output.say(at, self.login)
        elif name == "death":
            self._hang(at)
        elif name == "end" and self._test is not None:
            test, self._test = self._test, None
            self._conclude(at, test)
        self._operate(at)

    def tick(self, at: float) -> None:
        """Go one step: heat with the mean power of the step, leakage, drift."""
        self._mark(at)
        self._mean_watts, self._energy = self._energy / STEP_S, 0.0
        heat = self._heat
        heat.step(self._mean_watts, self._air(at) + _AIR_K_PER_W * self._mean_watts)
        if heat.die_degc > _HOTTEST_DEGC:
            heat.die_degc = _HOTTEST_DEGC
        self._die = heat.die_degc
        self._ticks += 1
        if self.model.drift_v and self._ticks % _DRIFT_STEPS == 0:
            walk = keyed_normal(self.timeline.seed, self.dut, "drift", self._ticks)
            self._drift += self.model.drift_v * math.sqrt(_DRIFT_STEPS * STEP_S / 3600.0) * walk
        if abs(self._die - self._solved_at) > _RESOLVE_K and (self._powered or self._watts):
            self._operate(at)

    def _driven(self, now: float) -> None:
        outlet = self._core_outlet
        if self._test is not None and outlet is not None:
            self._test.lowest_v = min(self._test.lowest_v, outlet.volts_at(now), outlet.target_volts)
        self._review_power(now)
        self._operate(now)

    def _good(self, now: float) -> bool:
        """Compare every fed rail with its threshold: a rail is lost at less than what makes it good."""
        powered = self._powered
        for rail in self._rails.values():
            if rail.outlet.volts_at(now) < (rail.lost_v if powered else rail.good_v):
                return False
        return self._core_outlet is not None

    def _review_power(self, now: float) -> None:
        """Start or stop the chip when its rails have become good or were lost."""
        good = self._good(now)
        if good == self._powered or (good and now < self._held_until):
            return
        self._powered = good
        if good:
            self._power_on(now)
        else:
            self._power_off(now)

    def _plan_power(self, now: float) -> None:
        """Work out when the rails become good or are lost."""
        powered = self._powered
        self._agenda.pop("power", None)
        if self._good(now) != powered:  # changed by the chip's own current, or held in reset
            self._agenda["power"] = max(now + _GLITCH_S, -math.inf if powered else self._held_until)
            return
        soonest = math.inf
        for rail in self._rails.values():
            if not powered or rail.outlet.target_volts < rail.lost_v:
                soonest = min(soonest, rail.outlet.crossing(now, rail.lost_v if powered else rail.good_v))
        if soonest < math.inf:
            self._agenda["power"] = soonest + 1e-6

    def _power_on(self, now: float) -> None:
        self._cycles = max(0, self._cycles - 1)
        if self._cycles:
            self._state = State.HUNG
        else:
            self._boot(now, "power-on")

    def _power_off(self, now: float) -> None:
        self._state, self._test = State.OFF, None
        self._held_until = now + _RESET_S
        self._agenda.clear()
        self.output.cut(now)

    def _boot(self, now: float, cause: str) -> None:
        self._state, self._hz, self._test = State.BOOTING, self.clock_in or self.model.boot_hz, None
        self._boots += 1
        boot_s = self.model.boot_s
        if not self.timeline.memoryless:
            boot_s *= 1.0 + 0.01 * keyed_uniform(self.timeline.seed, self.dut, "boot", self._boots)
        self._agenda.update(check=now + 0.02 * boot_s, up=now + boot_s)
        for index, line in enumerate(self.banner):
            when = now + boot_s * (0.03 + 0.9 * index / len(self.banner))
            self.output.say(when, line.replace("{cause}", cause) + "\r\n")

    def _check_boot(self, now: float) -> None:
        extra = 0.0 if self.timeline.memoryless else self.model.hysteresis_v
        if self._idle_depth() + extra > _NO_BOOT_V:
            self._hang(now)

    def _hang(self, now: float) -> None:
        self._state, self._test = State.HUNG, None
        self._hangs += 1
        self._cycles = 1
        if not self.timeline.memoryless and not self._going_off():
            self._cycles += keyed_uniform(self.timeline.seed, self.dut, "cycles", self._hangs) < self.model.second_cycle
        self._silence(now)

    def _silence(self, now: float) -> None:
        for name in ("check", "up", "end", "death"):
            self._agenda.pop(name, None)
        self.output.cut(now)

    def _conclude(self, now: float, test: Test) -> None:
        outcome = self._judge(now, test)
        if outcome is Outcome.CRASH:
            self.output.say(now, self.model.panic + "\r\n")
            self._silence(now)
            self._boot(now, "watchdog")
        elif outcome in (Outcome.HANG, Outcome.DEAD):
            self._hang(now)
        else:
            self.output.say(now, test.report(outcome))

    def _judge(self, now: float, test: Test) -> Outcome:
        """Return how the test ends: depth below the edge at its lowest voltage, plus the noise of this repeat."""
        outlet = self._core_outlet
        key: tuple[object, ...] = (self.timeline.seed, self.dut, test.name, *self._condition())
        if outlet is None:
            return Outcome.HANG
        if self.timeline.memoryless:
            volts = round(outlet.target_volts, 4)
        else:
            volts = min(test.lowest_v, outlet.volts_at(now))
            key = (*key, self._repeats.count(*key))
        # The test ended at this instant: current and temperature are still those of the running test.
        depth = self.silicon.depth(volts, self._hz, self._die, outlet.settled_amps, self._drift)
        return classify(depth + self.silicon.edge_noise(*key))

    def _condition(self) -> tuple[object, ...]:
        """Return what was asked for: volts to 0.1 mV, kHz, set point to 0.1 K."""
        outlet = self._core_outlet
        set_point = self._chamber.set_point_degc if self._chamber is not None else None
        return (round((outlet.asked_volts if outlet else 0.0) * 1e4), round(self._hz / 1e3),
                None if set_point is None else round(set_point * 10.0))

    def _air(self, at: float) -> float:
        chamber, room = self._chamber, self.timeline.ambient_degc
        if chamber is None:
            return room
        if self.timeline.memoryless:
            return room if chamber.set_point_degc is None else chamber.set_point_degc
        return chamber.air_at(at) + self._position

    def _activity(self) -> float:
        if self._state is State.UP:
            return 1.0 if self._test is not None else self.model.idle
        if self._state is State.BOOTING:
            return self.model.booting
        return self.model.idle if self._state is State.HUNG else 0.0

    def _mark(self, now: float) -> None:
        self._energy += self._watts * (now - self._marked)
        self._marked = now

    def _operate(self, now: float) -> None:
        """Work out the currents for what the chip does now; switch it off where it is too hot or too low."""
        self._mark(now)
        self._solve(now)
        if self._die >= self.model.trip_degc and self._powered and self._state is not State.TRIPPED:
            self._state, self._test = State.TRIPPED, None
            self._silence(now)
            self._solve(now)
        running = self._state is State.UP or (self._state is State.BOOTING and "check" not in self._agenda)
        if running and self._idle_depth() > _IDLE_DEATH_V and not self._going_off():
            self._agenda.setdefault("death", now + _DEATH_S)
        else:
            self._agenda.pop("death", None)
        self._plan_power(now)
        self.event_at = min(self._agenda.values()) if self._agenda else math.inf
        self.timeline.stale()

    def _solve(self, now: float) -> None:
        core = self._core
        core.hz_activity = self._activity() * self._hz
        if not self.timeline.memoryless:
            if self._die != self._solved_at:
                core.leak = self.silicon.leak_at(self._die)
                self._solved_at = self._die
            self._watts = self._balance()
            return
        air, ohms = self._air(now), self.model.die_k_per_w + self.model.sink_k_per_w
        degc = air
        for _ in range(40):
            core.leak = self.silicon.leak_at(degc)
            self._watts = self._balance()
            before, degc = degc, min(_HOTTEST_DEGC, air + ohms * self._watts)
            if abs(degc - before) < 1e-6:
                break
        self._die = degc

    def _balance(self) -> float:
        """Solve the core's outlet, which alone depends on what the chip does, and return the power of all rails."""
        if self._core_outlet is not None:
            self._core_outlet.solve()
        watts = 0.0
        for rail in self._rails.values():
            outlet = rail.outlet
            watts += outlet.target_volts * outlet.settled_amps
        return watts

    def _idle_depth(self) -> float:
        """Return how far below the edge of idle code the settled core voltage is, V."""
        outlet = self._core_outlet
        if outlet is None:
            return -math.inf
        amps = outlet.settled_amps
        return self.silicon.depth(outlet.target_volts, self._hz, self._die, amps, self._drift) - self.model.idle_v

    def _going_off(self) -> bool:
        outlet = self._core_outlet
        return outlet is not None and outlet.target_volts < self.model.reset_v
