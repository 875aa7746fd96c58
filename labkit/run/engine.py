"""The engine: performs a compiled plan on an open bench. Blocks are barriers; below them sites run side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import cast

from labkit.bench.opened import OpenBench
from labkit.bench.safe import SafeReport, make_safe
from labkit.bench.site import Site
from labkit.errors import Cancelled, InfrastructureError, InstrumentError, LabkitError
from labkit.instrument import BoundSetting, Setting
from labkit.plan.compiled import Block, CompiledPlan
from labkit.plan.planfile import SoakSpec
from labkit.run.climate import Climate, Settle
from labkit.run.power import BoardDidNotStart, power_up
from labkit.run.record import Recorder
from labkit.run.session import Session, Stopped
from labkit.run.site_run import SiteRun
from labkit.text import clean


@dataclass
class Performance:
    """How a run went: what the engine hands back, whatever ended it."""

    complete: bool = False
    problem: LabkitError | None = None
    """What ended the run early."""
    settles: list[Settle] = field(default_factory=list)
    safe: SafeReport = field(default_factory=lambda: SafeReport(False, ("the bench was not made safe",)))
    dropped: dict[str, str] = field(default_factory=dict)


def perform(
    plan: CompiledPlan, bench: OpenBench, session: Session, recorder: Recorder, performance: Performance,
) -> None:
    """Run the plan and make the bench safe on every way out; ``performance`` is filled with what happened.

    Anything that is not labkit's own error passes through after the bench was made safe.
    """
    climate = Climate(bench, session, recorder)
    sites = [SiteRun(plan, site, bench, session, recorder, climate) for site in bench.sites.values()]
    try:
        _power_up(sites, bench, session, recorder)
        _run_blocks(plan, sites, bench, session, recorder, climate)
        performance.complete = True
    except LabkitError as error:
        performance.problem = Stopped(session.stop_reason) if isinstance(error, Cancelled) else error
        level = "warning" if isinstance(error, Stopped | Cancelled) else "error"
        recorder.event(level, "", f"run ended: {performance.problem}")
    finally:
        with session.making_safe():
            session.phase("making safe")
            performance.safe = make_safe(bench)
            recorder.event("info" if performance.safe.verified else "error", "", f"made safe: {performance.safe}")
            performance.settles = climate.settles
            performance.dropped = {site.name: site.state.dropped for site in sites if site.state.dropped}
    if performance.complete:
        _end_warm(bench, session, recorder, climate)


def _power_up(sites: list[SiteRun], bench: OpenBench, session: Session, recorder: Recorder) -> None:
    """Start the boards one after the other: who prints while another one is powered is wired to it.

    Later power cycles are each site's own. One boot a site is what it costs to see that two boards are swapped before
    the settings of one are applied to the other.
    """
    session.phase("power up and boot")
    _clocks_on(bench)
    for index, run in enumerate(sites):
        session.check()
        unpowered = [bench.sites[later.name] for later in sites[index + 1:]]
        for site in unpowered:
            site.console_port.link.drain()
        try:
            power_up(bench.sites[run.name], bench, session)
        except (BoardDidNotStart, InstrumentError) as error:
            recorder.event("error", run.name, str(error))
            _refuse_crossed(run.name, unpowered)
            run.recover("the board did not start")
        _refuse_crossed(run.name, unpowered)
    _still_alive(sites)


def _refuse_crossed(powered: str, unpowered: list[Site]) -> None:
    for site in unpowered:
        heard = site.console_port.link.drain().strip()
        if heard:
            raise CrossedWiring(
                f"the console of site {site.name} printed {clean(heard, 60)!r} while only site {powered} was powered: "
                "rails or consoles of the two are swapped, in the bench file or on the table")


class CrossedWiring(LabkitError):
    """What belongs to one site answers for another."""


def _run_blocks(
    plan: CompiledPlan, sites: list[SiteRun], bench: OpenBench, session: Session, recorder: Recorder,
    climate: Climate,
) -> None:
    shared_now: dict[str, float] = {}
    unsettled = ""
    for block in plan.blocks():
        session.check()
        for axis in plan.outer:
            value = block.values[axis.name]
            if not axis.shared or shared_now.get(axis.name) == value:
                continue
            shared_now[axis.name] = value
            if not axis.name.startswith("chamber."):
                _set_shared(axis.name, value, sites, bench, session)
                continue
            unsettled = _reach(climate, block, value, axis.soak)
            if unsettled:
                recorder.event("error", "", f"{unsettled}; its points are not tested")
        session.phase(_place(plan, block))
        session.clock.gather([partial(run.block, block, unsettled) for run in sites])
        session.check()
        _still_alive(sites)


def _reach(climate: Climate, block: Block, value: float, soak: SoakSpec | None) -> str:
    """Bring the chamber to its value; return why nothing can be measured there, "" when it has soaked."""
    try:
        return climate.go_to(block.index, value, soak).problem
    except InstrumentError as error:
        return f"the chamber cannot be used: {error}"


def _set_shared(name: str, value: float, sites: list[SiteRun], bench: OpenBench, session: Session) -> None:
    """Change a setting that several sites share (a clock source), with every site at nominal meanwhile."""
    session.clock.gather([run.to_nominal for run in sites])
    target = cast("BoundSetting[float]", next(iter(bench.sites.values())).target(name))
    target.set(value)


def _clocks_on(bench: OpenBench) -> None:
    """Bring external clocks to nominal before any board is powered: a board may not boot without its clock."""
    for site in bench.sites.values():
        for name, setting in site.clocks.items():
            if setting.owner is not site.console:
                setting.set(site.board.file.clocks[name].nominal)
                output = getattr(type(setting.owner), "output", None)
                if isinstance(output, Setting):
                    cast("BoundSetting[bool]", getattr(setting.owner, "output")).set(True)  # noqa: B009


def _still_alive(sites: list[SiteRun]) -> None:
    if all(run.state.dropped for run in sites):
        reasons = "; ".join(f"{run.name}: {run.state.dropped}" for run in sites)
        raise _NoSiteLeft(f"no site is left that could go on ({reasons})")


class _NoSiteLeft(LabkitError):
    """Every site was dropped."""


def _place(plan: CompiledPlan, block: Block) -> str:
    values = ", ".join(f"{name} {value:g} {axis.unit}" for (name, value), axis
                       in zip(block.values.items(), plan.outer, strict=True))
    return f"block {block.index + 1} of {plan.block_count}" + (f": {values}" if values else "")


def _end_warm(bench: OpenBench, session: Session, recorder: Recorder, climate: Climate) -> None:
    for name in bench.chambers:
        try:
            text = climate.end_warm(bench.bench.file.instruments[name].safe_temperature)
        except (Stopped, Cancelled):
            text = f"{name} was not waited for; its set point is safe"
        except (InstrumentError, InfrastructureError) as error:
            text = f"{name} cannot be watched on its way back: {error}"
        recorder.event("info", "", text)
