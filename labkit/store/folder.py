"""Run folders: ``runs/2026-11-22/0042-vtf-shmoo/``, numbered, made once, and their ``run.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from labkit.errors import InfrastructureError
from labkit.wholefile import write_whole

RUN_JSON, RUN_DB, POINTS, REPORT = "run.json", "run.db", "points.parquet", "report.html"
FORMAT = 1
"""The format of a run folder; readers refuse what is newer."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_RUN = re.compile(r"(\d{4,})-")


def run_folders(root: Path) -> Iterator[Path]:
    """Yield the run folders under ``root``, newest first, by name alone."""
    if not root.is_dir():
        return
    for day in sorted((d for d in root.iterdir() if _DAY.match(d.name) and d.is_dir()), reverse=True):
        yield from sorted((r for r in day.iterdir() if _RUN.match(r.name)), key=_number, reverse=True)


def _number(folder: Path) -> int:
    match = _RUN.match(folder.name)
    return int(match.group(1)) if match else 0


def new_run_folder(root: Path, plan: str, day: date) -> Path:
    """Make and return the folder of a new run; the number is one more than the largest under ``root``.

    Two runs that start at once get two numbers. Raises InfrastructureError where the folder cannot be made.
    """
    number = max((_number(folder) for folder in run_folders(root)), default=0)
    parent = root / day.isoformat()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            number += 1
            folder = parent / f"{number:04d}-{plan}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            # Looked at after the folder was made: of two that take one number at once, at least one sees the other.
            if sum(_number(other) == number for other in run_folders(root)) == 1:
                return folder
            folder.rmdir()
    except OSError as error:
        raise InfrastructureError(
            f"no run folder can be made under {root}: {error.strerror or error}; choose another with --runs") from None


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write ``data`` so that the file is whole or as it was, also when the power fails."""
    write_whole(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in ``path``; {} where there is none or it is broken (a run that died at once)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
