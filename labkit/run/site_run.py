"""One site through one block: its search asks, points are measured, hangs are recovered, budgets are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from labkit.bench.opened import OpenBench, Site
from labkit.bench.safe import site_off
from labkit.errors import Cancelled, InstrumentError, LabkitError, LinkError, NotVerifiedSafe
from labkit.plan.compiled import Block, CompiledPlan, Guard
from labkit.quantity import render
from labkit.run.climate import Climate
from labkit.run.point import BoardSilent, PointMeter
from labkit.run.power import BoardDidNotStart, cool_down, power_cycle
from labkit.run.record import PointResult, Recorder
from labkit.run.session import Session, Stopped
from labkit.search import Search, SearchPoint, make_search

_START_ATTEMPTS = 3
_INFRA_IN_A_ROW = 3
_BROKEN = ("hang", "crash")
_TOLD = frozenset(("pass", "fail", "marginal", *_BROKEN))


@dataclass
class SiteState:
    """What a site carries from block to block."""

    dropped: str = ""
    recoveries: int = 0
    infra_in_a_row: int = 0
    here: dict[str, float] = field(default_factory=dict)
    """The axis values that are set now; empty right after a start, when everything is nominal."""


class SiteRun:
    """Performs blocks at one site."""

    def __init__(
        self, plan: CompiledPlan, site: Site, bench: OpenBench, session: Session, recorder: Recorder,
        climate: Climate,
    ) -> None:
        self._plan, self._site, self._bench = plan, site, bench
        self._session, self._recorder, self._climate = session, recorder, climate
        self.meter = PointMeter(plan, site, bench, session, climate.air)
        self.state = SiteState()
        self._inner = tuple(axis.name for axis in plan.inner)
        self._own = tuple(axis.name for axis in plan.axes if not axis.shared)
        of_site = plan.sites[site.name]
        self._nominal = {name: value for name, value in of_site.nominal.items() if name in self._own}
        self._guards, self._golden = of_site.guards, plan.on_hang.golden and of_site.test is not None
        self._row_hangs: dict[float, int] = {}
        self._references = 0

    @property
    def name(self) -> str:
        """The site's name."""
        return self._site.name

    def block(self, block: Block, unsettled: str = "") -> None:
        """Measure every point that this site's search asks for; ``unsettled`` says why nothing can be measured."""
        plan = self._plan
        inner = plan.inner
        x = inner[0].values if len(inner) == 2 else (0.0,)
        search = make_search(plan.file.search.kind, x=x, y=inner[-1].values)
        self._row_hangs, self._references = {}, 0
        every = plan.file.reference.every if plan.file.reference else 0
        sequence = 0
        row: float | None = None
        while (point := search.ask()) is not None:
            if self._session.stop_level:
                return  # not an exception: that would cancel the point under way at the other sites
            if every and sequence % every == 0:
                self._reference(block, unsettled)
            result = self._result(block, point, sequence)
            skip = unsettled or self._skip_reason(point) or self._climate.stay(block.index)
            if skip:
                result.reason = skip
                result.started_s = self._session.clock.now()
                self._store(search, point, result)
            else:
                try:
                    self._measure(search, point, result, new_row=point.x != row)
                except Stopped:
                    return  # in a recovery: the point itself is stored
                except (InstrumentError, NotVerifiedSafe) as error:  # likewise
                    self.drop(str(error))
            row = point.x
            sequence += 1
        if every:
            self._reference(block, unsettled)

    def _reference(self, block: Block, unsettled: str) -> None:
        """Measure at nominal, stored with a negative sequence; not asked by the search, not judged."""
        self._references += 1
        if unsettled or self.state.dropped:
            return
        result = PointResult(self.name, block.index, -self._references, {**block.values, **self._nominal})
        self._take(result, from_nominal=True)
        result.reason = f"reference point{': ' if result.reason else ''}{result.reason}"
        self._recorder.store(result)
        if result.outcome in _BROKEN:
            try:
                self.recover(f"{result.outcome} at a reference point")
            except (InstrumentError, NotVerifiedSafe) as error:
                self.drop(str(error))

    def _result(self, block: Block, point: SearchPoint, sequence: int) -> PointResult:
        own = dict(zip(self._inner, (point.x, point.y)[-len(self._inner):], strict=True))
        return PointResult(self.name, block.index, sequence, {**block.values, **own})

    def _skip_reason(self, point: SearchPoint) -> str:
        if self.state.dropped:
            return f"site dropped: {self.state.dropped}"
        limits = self._plan.on_hang
        if self.state.recoveries > limits.per_run:
            return f"the budget of {limits.per_run} recoveries a run is used up"
        if limits.per_row and self._row_hangs.get(point.x, 0) >= limits.per_row:
            return f"the board hung {limits.per_row} times in this row"
        return ""

    def _measure(self, search: Search, point: SearchPoint, result: PointResult, *, new_row: bool) -> None:
        """Measure one point, store it, and recover the board where it hung."""
        try:
            lost = self._take(result, from_nominal=new_row)
        except (Cancelled, Stopped):
            result.outcome, result.reason = "aborted", "stopped during the point"
            self._store(search, point, result)
            raise
        if result.outcome == "infra":
            # A connection that stays lost over every attempt will not come back at the next point.
            self.state.infra_in_a_row += _INFRA_IN_A_ROW if lost else 1
        self._store(search, point, result, self._session.clock.now() - result.started_s)
        if result.outcome in _BROKEN and not self.state.dropped:
            self._row_hangs[point.x] = self._row_hangs.get(point.x, 0) + 1
            self.recover(result.outcome)
        elif self.state.infra_in_a_row >= _INFRA_IN_A_ROW:
            self.drop(f"an instrument fails at point after point: {result.reason}")

    def _take(self, result: PointResult, *, from_nominal: bool) -> bool:
        """Measure ``result``, again after an instrument failed it or a guard acted; return whether a link is lost."""
        result.started_s = self._session.clock.now()
        lost = False
        for attempt in range(1, self._plan.file.retries + 2):
            if self.state.dropped:
                break
            result.attempt, result.values, result.supply_failed = attempt, {}, False
            try:
                self._at_point(result, from_nominal or attempt > 1)
            except InstrumentError as error:
                lost = isinstance(error, LinkError)
                self._infra(result, error)
                continue
            lost, self.state.infra_in_a_row = False, 0
            if self._guard_acted(result):
                continue
            if result.supply_failed:
                self.recover(result.reason)
            if result.outcome != "invalid" or self.state.dropped:
                break
        return lost

    def _guard_acted(self, result: PointResult) -> bool:
        """Where a guard is tripped: rails off until it is back, and the point is not valid."""
        result.guards = ""
        for guard in self._guards:
            if guard.reading not in result.values or not guard.tripped(result.values[guard.reading]):
                continue
            shown = render(result.values[guard.reading], guard.unit)
            result.guards = f"{guard.reading} {shown} beyond {render(guard.trip, guard.unit)}"
            result.outcome, result.reason = "invalid", f"guard: {result.guards}"
            self._recorder.event("warning", self.name, f"guard tripped: {result.guards}; rails off")
            self.state.here = {}
            self._cool_down(guard)
            return True
        return False

    def _cool_down(self, guard: Guard) -> None:
        """Wait with the rails off until a guard is released; a board that stays beyond it is given up."""
        back = render(guard.resume, guard.unit)
        try:
            if cool_down(self._site, self._bench, self._session, guard):
                self._recorder.event("info", self.name, f"guard released: {guard.reading} is back at {back}")
                return
            self.drop(f"{guard.reading} did not come back to {back} with the rails off")
        except (InstrumentError, NotVerifiedSafe) as error:
            self.drop(f"{guard.reading} was beyond its guard, and the board did not come back: {error}")

    def _at_point(self, result: PointResult, from_nominal: bool) -> None:
        there = {name: result.axes[name] for name in self._own}
        try:
            if from_nominal or not self.state.here:
                self._move(self._nominal)
            self._move(there)
            self.meter.measure(result)
        except BoardSilent as silent:
            result.outcome, result.reason = "hang", str(silent)
            self.meter.look(result)

    def _move(self, there: dict[str, float]) -> None:
        here, self.state.here = self.state.here, {}  # unknown until the move is complete
        self.meter.move(here, there)
        self.state.here = {**here, **there}

    def _infra(self, result: PointResult, error: InstrumentError) -> None:
        result.outcome, result.reason = "infra", str(error)
        self.state.here = {}
        self._recorder.event("warning", self.name, f"point lost to an instrument, measured again: {error}")

    def _store(self, search: Search, point: SearchPoint, result: PointResult, cost_s: float = 0.0) -> None:
        self._recorder.store(result)
        # What says nothing about the board is not evidence for a search; it only must not be asked again.
        search.tell(point, result.outcome if result.outcome in _TOLD else "not-tested", cost_s)

    def recover(self, why: str) -> None:
        """Bring a silent board back by power cycles, within the budget; a board that stays dead drops the site."""
        state, limits = self.state, self._plan.on_hang
        state.here = {}
        state.recoveries += 1
        if limits.recover == "none":
            self.drop(f"{why}, and the plan says to recover nothing")
            return
        if state.recoveries > limits.per_run:
            return
        self._recorder.recoveries += 1
        problem: LabkitError | None = None
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                power_cycle(self._site, self._bench, self._session)
                self._check_golden()
            except (InstrumentError, NotVerifiedSafe) as error:  # one lost reply is no dead board
                problem = error
                continue
            again = f" at attempt {attempt}" if attempt > 1 else ""
            self._recorder.event("info", self.name, f"{why}: recovered by power cycle{again}")
            return
        self.drop(f"{why}, and {_START_ATTEMPTS} power cycles did not bring the board back: {problem}")

    def _check_golden(self) -> None:
        """Run the plan's test at nominal: a board that fails there has not recovered. Raises BoardDidNotStart."""
        if not self._golden:
            return
        result = PointResult(self.name, -1, -1, {})
        try:
            self._move(self._nominal)
            self.meter.measure(result)
        except BoardSilent as silent:
            result.outcome, result.reason = "hang", str(silent)
        if result.outcome not in ("pass", "marginal"):
            self.state.here = {}
            raise BoardDidNotStart(f"the golden test at nominal gave {result.outcome} after a power cycle "
                                   f"({result.reason})", instrument=self._site.console.label)

    def to_nominal(self) -> None:
        """Bring this site's own settings to nominal, before something changes that it shares with others."""
        if self.state.dropped:
            return
        try:
            self._move(self._nominal)
        except BoardSilent as silent:
            self.recover(str(silent))
        except InstrumentError as error:
            self._recorder.event("warning", self.name, f"brought back by a power cycle: {error}")
            self.recover(str(error))

    def drop(self, reason: str) -> None:
        """Give this site up: its rails go off now, the rest of its points are not tested."""
        self.state.dropped = reason
        self._recorder.event("error", self.name, f"site {self.name} dropped: {reason}")
        with self._bench.taking(sorted(self._site.instruments)):
            verified, text = site_off(self._site)
        self._recorder.event("info" if verified else "error", self.name, text)
