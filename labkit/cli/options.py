"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _runs() -> Path:
    from labkit.labfile import find_lab  # only where the option was not given: --help reads no file

    lab = find_lab()
    return lab.runs if lab else Path("runs")


def _bench() -> str | None:
    from labkit.labfile import find_lab

    lab = find_lab()
    if lab is None or not lab.file.bench:
        return None
    from labkit.bench.load import find_file
    from labkit.errors import ConfigError

    try:
        find_file(lab.file.bench, "bench")
    except ConfigError as error:
        if error.place is not None:
            raise
        # Nobody typed this name.
        raise lab.document.error(error.problem, ("bench",)) from None
    return lab.file.bench


RUNS = click.option("--runs", "runs_folder", type=click.Path(path_type=Path), default=_runs,
                    show_default="runs, or as labkit.toml says", envvar="LABKIT_RUNS", show_envvar=True,
                    help="Folder of the run folders.")
BENCH = click.option("--bench", required=True, default=_bench, show_default="as labkit.toml says",
                     envvar="LABKIT_BENCH", show_envvar=True, metavar="BENCH",
                     help="Bench file, or the name of a bench of this lab folder or a shipped one.")
AXIS = click.option("-e", "overrides", multiple=True, metavar="AXIS=VALUES",
                    help='Replace the values of an axis: "rails.core.voltage=0.7 V, 0.8 V" or "=0.9 V:0.6 V:-10 mV".')
DUT = click.option("--dut", "duts", multiple=True, metavar="SITE=SERIAL",
                   help="Serial number of the board at a site (required on a real bench).")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
SITES = click.option("--site", "sites", multiple=True, metavar="SITE", help="Run this site only; may be repeated.")


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """Return KEY=VALUE texts as a dictionary; raises UsageError for what is none, or a key given twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} {text!r}: write it as KEY=VALUE")
        if key.strip() in found:
            raise click.UsageError(f"{option}: {key.strip()} is given twice")
        found[key.strip()] = value.strip()
    return found


def duts_csv() -> Path | None:
    """Return the duts.csv of the lab folder: here or in the nearest folder above; None where there is none."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "duts.csv").is_file():
            return folder / "duts.csv"
        if (folder / "labkit.toml").is_file():
            return None
    return None
