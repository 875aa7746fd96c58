"""Reading run folders: one run as tables, finding a run by its number, listing what there is.

A run is read while it is going, and after a kill, as well as when it is complete: whatever is missing is empty.
"""

from __future__ import annotations

import difflib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import ConfigError, InfrastructureError
from labkit.labfile import find_lab
from labkit.store.notes import Note, is_void, read_notes
from labkit.store.parquet import Columns, arrow_schema, has_table, read_columns, read_groups, reading

if TYPE_CHECKING:
    import pandas as pd

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_RUN = re.compile(r"(\d+)-(.*)\Z", re.DOTALL)
_TEXT = ("site", "dut", "outcome", "reason", "violations", "guards", "utc")
_NUMBERS = ("t_s", "duration_s")
_COUNTS = ("block", "sequence", "attempt")


@dataclass(frozen=True)
class RunData:
    """One run as it stands on disk.

    ``info`` is ``run.json`` (any key may be missing). ``points`` has a row a point, ordered by site, block and
    sequence; its ``attrs`` hold ``units``, ``roles``, ``run`` and ``simulated``. ``events`` has t_s, utc, level, site,
    text; ``traces`` has t_s, site, name, value.
    """

    folder: Path
    info: dict[str, Any]
    points: pd.DataFrame
    events: pd.DataFrame
    traces: pd.DataFrame

    @property
    def name(self) -> str:
        """The run's name, as in ``0042-vtf-shmoo``."""
        return str(self.info.get("run") or self.folder.name)

    @property
    def notes(self) -> list[Note]:
        """What people said about the run, during it or after."""
        return read_notes(self.folder)

    @property
    def simulated(self) -> bool:
        """Whether a twin took part: nothing in this run was measured on hardware."""
        return bool(self.info.get("simulated"))


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows of one; ``counts`` is points by outcome over all sites."""

    name: str
    folder: Path
    day: str = ""
    plan: str = ""
    bench: str = ""
    status: str = ""
    verdict: str = ""
    simulated: bool = False
    created_utc: str = ""
    operator: str = ""
    note: str = ""
    void: bool = False
    """Taken out of what counts (`labkit mark RUN void`)."""
    duts: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def section(info: object, *keys: str) -> dict[str, Any]:
    """Return the mapping under ``keys``, empty where it is missing or no mapping: run.json may be half written."""
    for key in keys:
        info = info.get(key) if isinstance(info, Mapping) else None
    return {str(key): value for key, value in info.items()} if isinstance(info, Mapping) else {}


def open_run(folder: Path) -> RunData:
    """Return the run in ``folder``: a complete one from Parquet, any other from its journal.

    Raises :class:`ConfigError` when the folder holds no run, :class:`InfrastructureError` when it cannot be read.
    """
    folder = Path(folder)
    if not _is_run(folder):
        raise ConfigError(f"{folder} is not a run folder: it has no run.json, run.db or points.parquet")
    info = _read_info(folder)
    table, columns, events, traces = _read_tables(folder, going=info.get("status") == "running")
    points = _frame(table, columns)
    points.attrs.update(
        units=dict(columns.units), roles=dict(columns.roles), run=str(info.get("run") or folder.name),
        simulated=bool(info.get("simulated")))
    return RunData(folder, info, points, events, traces)


def load(run: RunData | str | Path, root: Path | None = None) -> pd.DataFrame:
    """Return the points of a run as a DataFrame; ``run`` is whatever :func:`find_run` takes.

    ``root`` is the folder of the runs: without one, what the lab folder says, or ``runs`` here. ``attrs`` has ``units``
    and ``roles`` by column, ``run`` and ``simulated``. Raises as :func:`open_run` does.
    """
    if isinstance(run, RunData):
        return run.points
    lab = find_lab() if root is None else None
    return open_run(find_run(str(run), root or (lab.runs if lab else Path("runs")))).points


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("run.json", "run.db", "points.parquet"))


def _read_info(folder: Path) -> dict[str, Any]:
    """Return run.json, or an empty mapping where it is missing, cut short or no object."""
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_tables(folder: Path, *, going: bool) -> tuple[Any, Columns, pd.DataFrame, pd.DataFrame]:
    """Return points (Arrow), their columns, events and traces."""
    db, parquet = folder / "run.db", folder / "points.parquet"
    found = None if going and db.is_file() else _read_parquet(parquet)
    if not db.is_file():
        return *(found or (_no_points(), Columns({}, {}, {}))), _events([]), _traces([])
    try:
        with reading(db) as connection:
            events = _events(_rows(connection, "SELECT t_s, utc, level, site, text FROM events ORDER BY id", "events"))
            traces = _traces(_rows(connection, "SELECT t_s, site, name, value FROM traces ORDER BY t_s", "traces"))
            table, columns = found or _read_journal(connection)
    except InfrastructureError:
        if found is None:
            raise
        return *found, _events([]), _traces([])
    return table, columns, events, traces


def _read_parquet(path: Path) -> tuple[Any, Columns] | None:
    """Return the table and its columns, or None where there is no Parquet file that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
        facts = json.loads((table.schema.metadata or {}).get(b"labkit", b"{}"))
    except (OSError, ValueError, pa.ArrowException):
        return None
    return table, Columns(dict.fromkeys(table.column_names, ""), section(facts, "units"), section(facts, "roles"))


def _read_journal(connection: sqlite3.Connection) -> tuple[Any, Columns]:
    import pyarrow as pa

    columns = read_columns(connection)
    groups = list(read_groups(connection, columns))
    return (pa.concat_tables(groups) if groups else arrow_schema(columns).empty_table()), columns


def _no_points() -> Any:
    return arrow_schema(Columns({}, {}, {})).empty_table()


def _rows(connection: sqlite3.Connection, query: str, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall() if has_table(connection, table) else []


def _events(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["t_s", "utc", "level", "site", "text"])
    frame["t_s"] = pd.to_numeric(frame["t_s"], errors="coerce")
    for name in ("utc", "level", "site", "text"):
        frame[name] = frame[name].fillna("").astype(str)
    return frame


def _traces(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["t_s", "site", "name", "value"])
    for name in ("t_s", "value"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
    frame["site"] = frame["site"].fillna("").astype(str)
    frame["name"] = frame["name"].fillna("").astype(str)
    return frame


def _frame(table: Any, columns: Columns) -> pd.DataFrame:
    """Return the points as a DataFrame in which the standing columns exist and have their types."""
    import pandas as pd

    points: pd.DataFrame = table.to_pandas()
    points.attrs.clear()
    rows = len(points)
    for name in _TEXT:
        points[name] = points[name].fillna("").astype(str) if name in points else pd.Series([""] * rows, dtype=str)
    for name in _NUMBERS:
        points[name] = points[name].astype(float) if name in points else float("nan")
    for name in _COUNTS:
        points[name] = points[name].fillna(0).astype("int64") if name in points else 0
    points["judged"] = points["judged"].fillna(0).astype(bool) if "judged" in points else False
    for name in (name for name, role in columns.roles.items() if role == "axis" and name in points):
        points[name] = pd.to_numeric(points[name], errors="coerce").astype(float)
    return points


def find_run(text: str, root: Path) -> Path:
    """Return the folder of the run that ``text`` names, among the runs under ``root``.

    ``text`` is a path, a number (``42`` or ``0042``), a name or its beginning (``0042-vtf``), a plan's name (its
    newest run), one of these behind a day (``2026-11-22/0042``), or ``last``. Raises :class:`ConfigError` when
    nothing or more than one thing fits.
    """
    folders = list(_folders(root))
    if text == "last":
        if folders:
            return folders[0]
        raise ConfigError(f"there is no run under {root} yet; start one with `labkit run`")
    fitting = _fitting(text, folders)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        listed = ", ".join(f"{folder.parent.name}/{folder.name}" for folder in fitting[:5])
        raise ConfigError(f"{text!r} fits {len(fitting)} runs ({listed}); write more of the name")
    path = Path(text)
    if _is_run(path):
        return path
    if path.is_dir():
        raise ConfigError(f"{text} is a folder, but not that of a run: it has no run.json, run.db or points.parquet")
    names = [folder.name for folder in folders]
    close = difflib.get_close_matches(text, names, n=3, cutoff=0.5) or names[:3]
    hint = f"; did you mean {' or '.join(close)}?" if close else "; there are no runs yet"
    raise ConfigError(f"no run {text!r} under {root}{hint}")


def _fitting(text: str, folders: list[Path]) -> list[Path]:
    """Return the runs that ``text`` names, by the most exact of the rules that finds any."""
    day, _, name = text.rpartition("/")
    if day and not _DAY.match(day):
        return []
    among = [folder for folder in folders if not day or folder.parent.name == day]
    if not name:
        return []
    for fits in (
        lambda folder: folder.name == name,
        lambda folder: name.isdecimal() and _order(folder)[1] == int(name),
        lambda folder: folder.name.startswith(name),
    ):
        found = [folder for folder in among if fits(folder)]
        if found:
            return found
    return [folder for folder in among if folder.name.partition("-")[2] == name][:1]


def list_runs(root: Path, limit: int = 50) -> list[RunSummary]:
    """Return the newest ``limit`` runs under ``root``, newest first by day and number; only their files are opened."""
    summaries: list[RunSummary] = []
    for folder in _folders(root):
        if len(summaries) >= limit:
            break
        summaries.append(summarize(folder, _read_info(folder)))
    return summaries


def summarize(folder: Path, info: Mapping[str, Any]) -> RunSummary:
    """Return what a list shows of the run in ``folder``."""
    counts: dict[str, int] = {}
    for by_outcome in section(info, "counts").values():
        for outcome, count in section(by_outcome).items():
            if isinstance(count, int):
                counts[outcome] = counts.get(outcome, 0) + count
    sites = section(info, "sites")
    return RunSummary(
        name=str(info.get("run") or folder.name), folder=folder, day=folder.parent.name,
        plan=str(section(info, "plan").get("name") or folder.name.partition("-")[2]),
        bench=str(section(info, "bench").get("name") or ""), status=str(info.get("status") or "unknown"),
        verdict=str(info.get("verdict") or "unset"), simulated=bool(info.get("simulated")),
        created_utc=str(info.get("created_utc") or ""), operator=str(info.get("operator") or ""),
        note=str(info.get("note") or ""), void=is_void(folder), counts=counts,
        duts=tuple(str(section(site).get("dut") or "?") for site in sites.values()))


def _folders(root: Path) -> Iterator[Path]:
    """Yield run folders newest first; days are opened one by one, so a long history costs nothing."""
    days = _children(root)
    for day in sorted((day for day in days if _DAY.match(day.name)), key=lambda day: day.name, reverse=True):
        runs = [run for run in _children(day) if _RUN.match(run.name) and _is_run(run)]
        yield from sorted(runs, key=_order, reverse=True)


def _children(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if child.is_dir()]
    except OSError:
        return []


def _order(folder: Path) -> tuple[str, int, str]:
    match = _RUN.match(folder.name)
    return folder.parent.name, int(match.group(1)) if match else -1, folder.name
