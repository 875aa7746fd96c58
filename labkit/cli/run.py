"""`labkit run`: perform a plan, show it, and say what it came to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.cli.options import AXIS, BENCH, DUT, JSON, RUNS, SITES, duts_csv, pairs

if TYPE_CHECKING:
    from labkit.run.launch import Prepared, RunOutcome


@click.command()
@click.argument("plan")
@BENCH
@DUT
@click.option("--sim", is_flag=True, help="Rehearse on the simulated twin of the bench, in virtual time.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulation.")
@click.option("--world", type=click.Choice(["full", "memoryless"]), help="Simulation: override the bench file's world.")
@click.option("--operator", default="", help="Who runs this.")
@click.option("--note", default="", help="A remark stored with the run.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag stored with the run; may be repeated.")
@AXIS
@SITES
@RUNS
@JSON
@click.option("--junit", type=click.Path(path_type=Path), help="Also write the verdict as JUnit XML, for CI.")
@click.option("--yes", is_flag=True, help="Do not ask before outputs of a real bench are switched on.")
@click.option("--waive-calibration", default="", metavar="REASON",
              help="Use instruments past their calibration date; the reason is stored.")
@click.option("--no-report", is_flag=True, help="Do not write the HTML report.")
def run(
    plan: str, bench: str, duts: tuple[str, ...], sim: bool, seed: int, world: str | None, operator: str, note: str,
    tags: tuple[str, ...], overrides: tuple[str, ...], sites: tuple[str, ...], runs_folder: Path, as_json: bool,
    junit: Path | None, yes: bool, waive_calibration: str, no_report: bool,
) -> int:
    """Run PLAN on a bench.

    Ctrl-C stops after the point under way, a second one at once; either way the bench is made safe and read back.
    Exit codes: 0 pass, 1 fail, 2 usage or configuration, 3 instrument, 4 aborted, 5 not verified safe.
    """
    from labkit.cli.display import following
    from labkit.plan.estimate import estimate
    from labkit.run.launch import RunRequest, launch, prepare
    from labkit.run.learned import failing_share
    from labkit.run.progress import Progress

    prepared = prepare(RunRequest(
        plan, bench, pairs(duts, "--dut"), sim, seed, pairs(overrides, "-e"), runs_folder, operator, note,
        pairs(tags, "--tag"), world or "", sites, waive_calibration, duts_csv()))
    if junit is not None and not junit.absolute().parent.is_dir():
        raise click.UsageError(f"--junit {junit}: there is no folder {junit.parent}")
    if not (yes or prepared.simulated):
        _confirm(prepared)
    if sim:
        _one_core()
    learned = failing_share(runs_folder, prepared.plan.name)
    progress = Progress(prepared.plan, estimate(prepared.plan, prepared.dry, learned[0] if learned else None))
    with following(progress, simulated=prepared.simulated, quiet=as_json):
        outcome = launch(prepared, [progress])
    report = _report(outcome) if not no_report else None
    if junit is not None:
        from labkit.report.junit import write_junit
        from labkit.store.load import open_run

        write_junit(open_run(outcome.folder), junit)
    if as_json:
        click.echo(json.dumps(_as_dict(outcome)))
    else:
        _show(outcome, report)
    return outcome.exit_code


def _confirm(prepared: Prepared) -> None:
    """Ask before a real bench is powered, where somebody can answer."""
    if not sys.stdin.isatty():
        return
    boards = ", ".join(f"{name}: {dut}" for name, dut in prepared.duts.items())
    click.confirm(f"Bench {prepared.bench.name} is real. Power {boards} and run {prepared.plan.name} "
                  f"({prepared.plan.point_count:,} points)?", abort=True)


def _one_core() -> None:
    """Stay on one core while simulating: handing over between threads costs 12 us there and 90 us across two."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _report(outcome: RunOutcome) -> Path:
    from labkit.report.html import write_report
    from labkit.store.folder import REPORT
    from labkit.store.load import open_run

    return write_report(open_run(outcome.folder), outcome.folder / REPORT)


def _as_dict(outcome: RunOutcome) -> dict[str, object]:
    points: dict[str, int] = {}
    for counts in outcome.counts.values():
        for name, count in counts.items():
            points[name] = points.get(name, 0) + count
    return {
        "run": outcome.folder.name, "folder": str(outcome.folder), "verdict": outcome.verdict, "points": points,
        "virtual_s": round(outcome.virtual_s, 3), "wall_s": round(outcome.wall_s, 3), "simulated": outcome.simulated,
        "exit_code": outcome.exit_code, "reasons": list(outcome.reasons),
    }


def _show(outcome: RunOutcome, report: Path | None) -> None:
    from labkit.analysis.shmoo import shmoo_matrices
    from labkit.cli.console import stdout, unicode_works
    from labkit.report.terminal import render_shmoos, render_summary
    from labkit.store.load import open_run

    console = stdout()
    data = open_run(outcome.folder)
    shmoos = shmoo_matrices(data.points, data.info)
    if shmoos:
        console.print(render_shmoos(shmoos, color=console.is_terminal, width=console.width,
                                    unicode=unicode_works(), run=data.name))
    console.print(render_summary(data))
    if outcome.verdict in ("aborted", "error"):
        done, total = sum(outcome.measured.values()), outcome.planned
        console.print(f"stopped after {done:,} of {total:,} points, all of them kept in the run's folder. A run cannot "
                      "be resumed yet: start the plan again, -e narrows it to what is missing.", markup=False)
    if report is not None:
        console.print(f"report  {report}", soft_wrap=True, highlight=False, markup=False)
