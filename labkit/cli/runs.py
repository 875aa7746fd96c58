"""`labkit runs | show | shmoo | report | export`: what was run, and its data."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from labkit.cli.options import JSON, RUNS
from labkit.text import clean

RUN = click.argument("run", default="last", metavar="[RUN]")


@click.command()
@RUNS
@click.option("-n", "limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@JSON
def runs(runs_folder: Path, limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    from labkit.cli.console import stdout
    from labkit.report.terminal import render_runs
    from labkit.store.load import list_runs

    found = list_runs(runs_folder, limit)
    if as_json:
        click.echo(json.dumps([asdict(summary) for summary in found], default=str))
    elif not found:
        click.echo(f"no runs under {runs_folder}; `labkit run vtf-shmoo --bench duo --sim` makes one")
    else:
        stdout().print(render_runs(found))


@click.command()
@RUN
@RUNS
@JSON
def show(run: str, runs_folder: Path, as_json: bool) -> None:
    """Show what RUN (a number, name or folder; the last one where none is given) came to."""
    from labkit.cli.console import stdout
    from labkit.report.terminal import render_summary
    from labkit.store.load import find_run, open_run

    data = open_run(find_run(run, runs_folder))
    if as_json:
        click.echo(json.dumps({**data.info, "folder": str(data.folder)}, default=str))
    else:
        stdout().print(render_summary(data))


@click.command()
@RUN
@RUNS
@click.option("--plain", is_flag=True, help="Plain ASCII without colour.")
@click.option("--site", help="Only this site.")
def shmoo(run: str, runs_folder: Path, plain: bool, site: str | None) -> None:
    """Show the shmoo plots of RUN in the terminal."""
    from labkit.analysis.shmoo import shmoo_matrices
    from labkit.cli.console import stdout, unicode_works
    from labkit.report.terminal import render_shmoos
    from labkit.store.load import find_run, open_run

    data = open_run(find_run(run, runs_folder))
    found = [s for s in shmoo_matrices(data.points, data.info) if site in (None, s.site)]
    if not found:
        click.echo(f"{data.name} has no shmoo to show" + (f" for site {site}" if site else ""))
        return
    console = stdout()
    console.print(render_shmoos(found, color=console.is_terminal and not plain, width=console.width,
                                unicode=unicode_works() and not plain, run=data.name))


@click.command()
@RUN
@RUNS
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write; report.html in the run's folder.")
def report(run: str, runs_folder: Path, out: Path | None) -> None:
    """Write the HTML report of RUN, one file that opens offline, and print its path."""
    from labkit.report.html import write_report
    from labkit.store.folder import REPORT
    from labkit.store.load import find_run, open_run

    data = open_run(find_run(run, runs_folder))
    click.echo(write_report(data, out or data.folder / REPORT))


@click.command()
@RUN
@RUNS
@click.option("--to", type=click.Choice(["csv", "parquet", "json"]), required=True, help="Format.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write; RUN.csv etc. in this folder.")
def export(run: str, runs_folder: Path, to: str, out: Path | None) -> None:
    """Export the points of RUN, and print the path."""
    from typing import cast

    from labkit.store.export import Format, file_name
    from labkit.store.export import export as write
    from labkit.store.load import find_run, open_run

    data = open_run(find_run(run, runs_folder))
    click.echo(write(data, cast(Format, to), out or Path(f"{file_name(data.name)}.{to}")))


@click.command()
@click.argument("run")
@click.argument("text")
@RUNS
def note(run: str, text: str, runs_folder: Path) -> None:
    """Add a time-stamped note to RUN, while it goes or long after."""
    from labkit.store.load import find_run
    from labkit.store.notes import add_note

    folder = find_run(run, runs_folder)
    said = add_note(folder, text, _user())
    click.echo(f"{folder.name}: {said.utc} {said.who}: {said.text}")


@click.command()
@click.argument("run")
@click.argument("how", type=click.Choice(["void", "counts"]))
@click.argument("reason")
@RUNS
def mark(run: str, how: str, reason: str, runs_folder: Path) -> None:
    """Take RUN out of what counts for its boards (void), or put it back (counts), with a reason.

    Of the runs of one board and plan the latest complete one counts; none is deleted.
    """
    from typing import cast

    from labkit.store.folder import RUN_JSON, read_json
    from labkit.store.load import find_run, section
    from labkit.store.notes import Kind, add_note, counting

    folder = find_run(run, runs_folder)
    add_note(folder, reason, _user(), cast(Kind, how))
    click.echo(f"{folder.name} {'does not count' if how == 'void' else 'counts'}: {clean(reason)}")
    info = read_json(folder / RUN_JSON)
    plan = str(section(info, "plan").get("name") or "")
    for site in section(info, "sites").values():
        dut = str(section(site).get("dut") or "")
        latest = counting(runs_folder, plan, dut)
        click.echo(f"{clean(dut, 60)}: {latest.name if latest else 'no run of this plan'} counts")


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
