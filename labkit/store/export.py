"""One run as a file for other tools: CSV, Parquet or JSON. A simulated run stays stamped in each of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from labkit.errors import ConfigError
from labkit.store.load import RunData, section
from labkit.text import clean, near
from labkit.wholefile import whole_file

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "parquet", "json"]

_KEPT = ("run", "labkit", "created_utc", "finished_utc", "status", "simulated", "simulation", "verdict",
         "verdict_reasons", "operator", "note", "tags", "sites", "instruments", "counts", "times", "safe")
_CHUNK_ROWS = 5_000


def export(run: RunData, to: Format, target: Path) -> Path:
    """Write the points of ``run`` to ``target`` and return the file written.

    Where ``target`` is a folder, the file is named after the run and lies in it, whatever the run's name says.
    The file appears whole or not at all. Raises :class:`ConfigError` for an unknown format or a missing folder,
    :class:`InfrastructureError` when it cannot be written.
    """
    writers: dict[str, Callable[[RunData, Path], None]] = {
        "csv": _write_csv, "parquet": _write_parquet, "json": _write_json}
    if to not in writers:
        raise ConfigError(f"cannot export to {to!r}{near(to, writers)}")
    target = Path(target)
    if target.is_dir():
        target = target / f"{file_name(run.name)}.{to}"
    if not target.parent.is_dir():
        raise ConfigError(f"{target}: the folder {target.parent} does not exist; make it first")
    with whole_file(target) as part:
        writers[to](run, part)
    return target


def file_name(name: str) -> str:
    """Return ``name`` as the name of one file: no folders, no leading dot, nothing Windows forbids."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[:120] or "run"


def safe_cell(text: str) -> str:
    """Return text for a CSV cell: cleaned, and such that no spreadsheet takes it for a formula."""
    shown = clean(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t") else shown


def _write_csv(run: RunData, part: Path) -> None:
    """Write a first row with units, then a row a point; run and simulated lead, so that files can be put together."""
    import pandas as pd

    units = section(run.points.attrs, "units")
    frame = run.points.copy(deep=False)
    for name in frame.columns:
        if _is_text(frame[name]):
            frame[name] = frame[name].map(safe_cell, na_action="ignore")
    frame["judged"] = frame["judged"].astype(int)
    heads = [safe_cell(f"{name} [{units[name]}]" if units.get(name) else str(name)) for name in frame.columns]
    stamp = pd.DataFrame(
        {"run": safe_cell(run.name), "simulated": int(run.simulated)}, index=frame.index)
    table = pd.concat([stamp, frame.set_axis(heads, axis="columns")], axis="columns")
    table.to_csv(part, index=False, encoding="utf-8", lineterminator="\n")


def _is_text(column: pd.Series) -> bool:
    import pandas as pd

    return pd.api.types.is_string_dtype(column.dtype) or pd.api.types.is_object_dtype(column.dtype)


def _write_parquet(run: RunData, part: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    facts = {"format": 1, "units": section(run.points.attrs, "units"), "roles": section(run.points.attrs, "roles")}
    frame = run.points.copy(deep=False)
    frame.attrs = {}
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(
        {"labkit": json.dumps(facts), "run": run.name, "simulated": "true" if run.simulated else "false"})
    pq.write_table(table, part, compression="zstd")


def _write_json(run: RunData, part: Path) -> None:
    with part.open("w", encoding="ascii", newline="\n") as file:
        head: dict[str, Any] = {name: run.info[name] for name in _KEPT if name in run.info}
        head.setdefault("run", run.name)
        head["simulated"] = run.simulated
        for name in ("plan", "bench"):
            head[name] = {key: value for key, value in section(run.info, name).items() if key != "source"}
        head["units"] = section(run.points.attrs, "units")
        file.write(json.dumps(_finite(head), indent=1)[:-2])
        file.write(',\n "points": [')
        _write_points(run.points, file)
        file.write("\n]}\n")


def _write_points(points: pd.DataFrame, file: TextIO) -> None:
    """Write a line a point, some thousand at a time: a list of all as Python objects would fill the memory."""
    names = [str(name) for name in points.columns]
    ahead = "\n"
    for start in range(0, len(points), _CHUNK_ROWS):
        chunk = points.iloc[start:start + _CHUNK_ROWS]
        columns = [[_finite(value) for value in chunk[name].tolist()] for name in points.columns]
        for row in zip(*columns, strict=True):
            file.write(ahead + json.dumps(dict(zip(names, row, strict=True))))
            ahead = ",\n"


def _finite(value: Any) -> Any:
    """Return ``value`` with None for NaN and the infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else None
