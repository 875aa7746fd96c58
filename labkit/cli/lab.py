"""`labkit init | doctor`: a lab folder, and whether this computer can run it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from labkit.cli.options import JSON


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make the lab folder DIR: a board, a bench and a plan that run simulated as they are.

    Nothing that is there already is overwritten.
    """
    from labkit.lab.folder import make_lab_folder

    for name in make_lab_folder(folder):
        click.echo(f"  {folder / name}")
    here = "" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"
    click.echo(f"\nnext:\n{here}  labkit check my-plan\n  labkit run my-plan --sim\n  labkit report")


@click.command()
@click.option("--bench", envvar="LABKIT_BENCH", metavar="BENCH", help="Also load this bench and check its wiring.")
@click.option("--runs", type=click.Path(path_type=Path), envvar="LABKIT_RUNS", help="Folder of the run folders.")
@JSON
def doctor(bench: str | None, runs: Path | None, as_json: bool) -> int:
    """Check this computer: Python, packages, VISA, serial ports, disk, clock, drivers, labkit.toml.

    No instrument is spoken to. Exit codes: 0 no problem, 3 at least one problem.
    """
    from labkit.lab.doctor import as_dict, examine
    from labkit.text import clean

    findings = []
    for finding in examine(bench, runs):
        findings.append(finding)
        if as_json:
            continue
        click.echo(f"{finding.level:<8} {finding.check:<9} {clean(finding.text)}"
                   + (f"; {clean(finding.remedy)}" if finding.remedy else ""))
        if finding.detail and finding.level == "problem":
            click.echo("".join(f"           {line}\n" for line in clean(finding.detail, 6000).splitlines()), nl=False)
    if as_json:
        click.echo(json.dumps(as_dict(findings)))
    return 3 if any(finding.level == "problem" for finding in findings) else 0
