"""`labkit check`: what a run would do, without hardware."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from labkit.cli.options import AXIS, BENCH, JSON, RUNS, SITES, pairs

if TYPE_CHECKING:
    from labkit.plan.compiled import CompiledPlan
    from labkit.plan.estimate import Estimate
    from labkit.run.launch import Prepared


@click.command()
@click.argument("plan", required=False)
@BENCH
@click.option("--connect", "wants_connect", is_flag=True,
              help="Ask the real instruments who they are and how they stand; `labkit check --connect BENCH` does it "
                   "without a plan.")
@click.option("--waive-calibration", default="", metavar="REASON",
              help="With --connect: accept past calibration dates.")
@AXIS
@SITES
@RUNS
@click.option("--failing", type=click.FloatRange(0, 100), metavar="PERCENT",
              help="Assume that this share of the points hangs or crashes (else learned, else the plan's).")
@JSON
@click.pass_context
def check(
    ctx: click.Context, plan: str | None, bench: str | None, wants_connect: bool, waive_calibration: str,
    overrides: tuple[str, ...], sites: tuple[str, ...], runs_folder: Path,
    failing: float | None, as_json: bool,
) -> int:
    """Check PLAN against a bench: names, values, limits and wiring; then points, order, duration and data size.

    Nothing is sent to any instrument, unless --connect asks for it; then only reading.
    """
    if wants_connect and ctx.get_parameter_source("bench") is not ParameterSource.COMMANDLINE and plan is not None:
        plan, bench = None, plan
    if bench is None or (plan is None and not wants_connect):
        raise click.UsageError("write `labkit check PLAN --bench BENCH`, or `labkit check --connect BENCH`")
    if plan is not None:
        _check_plan(plan, bench, overrides, sites, runs_folder, failing, as_json)
    return _connect(bench, waive_calibration, as_json) if wants_connect else 0


def _check_plan(
    plan: str, bench: str, overrides: tuple[str, ...], sites: tuple[str, ...], runs_folder: Path,
    failing: float | None, as_json: bool,
) -> None:
    from labkit.plan.estimate import estimate
    from labkit.run.launch import RunRequest, prepare
    from labkit.run.learned import failing_share

    prepared = prepare(RunRequest(plan, bench, simulate=True, overrides=pairs(overrides, "-e"), sites=sites))
    learned = failing_share(runs_folder, prepared.plan.name)
    share, source = prepared.plan.file.assume.failing / 100, "assumed by the plan; --failing sets it"
    if learned is not None:
        share, source = learned[0], f"learned from {learned[1]} earlier run{'s' * (learned[1] > 1)}"
    if failing is not None:
        share, source = failing / 100, "as given"
    result = estimate(prepared.plan, prepared.dry, share)
    if as_json:
        click.echo(json.dumps(_as_dict(prepared, result, source)))
    else:
        _show(prepared, result, source)


def _connect(bench: str, waiver: str, as_json: bool) -> int:
    """Look at the instruments, say what was found, and return the exit code: 3 where something stands in the way."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from labkit.bench.connect import connect
    from labkit.bench.links import RealLinks
    from labkit.bench.load import load_bench
    from labkit.clock import WallClock

    loaded = load_bench(bench)
    links = RealLinks()
    try:
        found = connect(loaded, links, WallClock(), datetime.now(UTC).date(), waiver)
    finally:
        links.close()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        width = max(len(finding.instrument) for finding in found)
        for finding in found:
            click.echo(f"{finding.level:<8} {finding.instrument:<{width}}  {finding.text}")
    problems = sum(finding.level == "problem" for finding in found)
    if problems and not as_json:
        click.echo(f"{problems} problem{'s' * (problems > 1)} on bench {loaded.name}", err=True)
    return 3 if problems else 0


def _as_dict(prepared: Prepared, e: Estimate, source: str) -> dict[str, Any]:
    plan = prepared.plan
    return {
        "plan": plan.name, "bench": prepared.bench.name, "points": plan.point_count, "sites": list(plan.sites),
        "axes": [{"name": a.name, "unit": a.unit, "values": len(a.values), "shared": a.shared} for a in plan.axes],
        "without_recoveries_s": e.without_recoveries_s, "total_s": e.total_s, "failing_share": e.failing_share,
        "failing_source": source, "size_bytes": e.size_bytes,
    }


def _show(prepared: Prepared, e: Estimate, source: str) -> None:
    from datetime import UTC, datetime

    from labkit.bench.connect import overdue
    from labkit.quantity import render, render_duration

    plan = prepared.plan
    click.echo(f"plan {plan.name} on bench {prepared.bench.name}: no problem found; nothing was sent")
    click.echo(f"\n  points     {plan.point_count:,} ({plan.block_count * plan.points_per_block:,} at each site: "
               f"{', '.join(f'{s.name} {s.board}' for s in plan.sites.values())})")
    click.echo("  order      outermost first")
    for axis in plan.axes:
        ends = " … ".join(dict.fromkeys(render(value, axis.unit) for value in (axis.values[0], axis.values[-1])))
        kind = "all sites together" if axis.shared else "each site for itself"
        soak = f", soak {render_duration(axis.soak.hold)} within {axis.soak.within:g} K" if axis.soak else ""
        count = f"{len(axis.values):>4} value{'s' if len(axis.values) > 1 else ' '}"
        click.echo(f"             {axis.name:<26} {count}  {ends}  ({kind}{soak})")
    search = plan.file.search.kind
    click.echo(f"  search     {search}" + (f", test {plan.file.test.run}" if plan.file.test else ""))
    click.echo(f"  time       {render_duration(e.without_recoveries_s)} without recoveries: start "
               f"{render_duration(e.setup_s)}, chamber {render_duration(sum(e.barriers_s) + e.return_s)}, points "
               f"{render_duration(e.points_s)} ({render(e.point_s, 's')} each)")
    click.echo(f"             {render_duration(e.total_s)} when {e.failing_share:.1%} of the points hang or crash "
               f"({source})")
    click.echo(f"  data       about {e.size_bytes / 1e6:.1f} MB")
    late = overdue(prepared.bench, datetime.now(UTC).date())
    for name, due in late.items():
        click.echo(f"  refused    {name}: calibration was due on {due}; a run on this bench needs --waive-calibration")
    for text in unguarded(plan, prepared):
        click.echo(f"  unguarded  {text}")


def unguarded(plan: CompiledPlan, prepared: Prepared) -> list[str]:
    """Return what acts on the bench without passing a setting's limits."""
    lines = [f"site {site.name}: console line {site.test.line!r} goes to the board as it is"
             for site in plan.sites.values() if site.test is not None]
    return [*lines, *(f"{name}: keeps its last set point when this computer dies" for name in prepared.dry.chambers)]
