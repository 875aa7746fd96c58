"""From a run's SQLite journal to Parquet, and the read-only door to that journal.

The journal may be open in a running process, or have been left behind by a killed one: it is only ever read, in short
transactions, so that a reader never holds up the run. A million rows load from Parquet in 0.1 s, from SQLite in 4 s.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import InfrastructureError
from labkit.wholefile import whole_file

GROUP_ROWS = 20_000
"""Rows of one read transaction and of one Parquet row group: bounds memory, whatever the length of the run."""

KEY = ("site", "block", "sequence")


@dataclass(frozen=True)
class Columns:
    """The columns of ``points`` in order with their SQLite types, and what the run says about them.

    ``units`` maps a column to its unit (only where it has one), ``roles`` to key, axis, measurement, condition or
    outcome.
    """

    types: Mapping[str, str]
    units: Mapping[str, str]
    roles: Mapping[str, str]


@contextmanager
def reading(db: Path) -> Iterator[sqlite3.Connection]:
    """Open ``db`` for reading only; what a killed run left in its write-ahead log is seen too.

    Where the folder cannot be written (an archive, a share), SQLite may refuse to open a write-ahead log: then a copy
    in the temporary folder is read. Raises :class:`InfrastructureError` when there is no readable database.
    """
    if not db.is_file():
        raise InfrastructureError(f"{db}: there is no such file; is this a run folder?")
    try:
        with _connected(db) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise InfrastructureError(f"{db}: cannot be read as a run's journal ({error})") from error


@contextmanager
def _connected(db: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = _open(db)
    except sqlite3.OperationalError:
        with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
            for part in (db, db.with_name(db.name + "-wal")):
                if part.exists():
                    shutil.copyfile(part, Path(folder) / part.name)
            with closing(_open(Path(folder) / db.name)) as copy:
                yield copy
        return
    with closing(connection):
        yield connection


def _open(db: Path) -> sqlite3.Connection:
    """Connect and read once: only the first read shows whether the write-ahead log can be used.

    Without a log beside it nobody has the journal open, and ``immutable`` leaves no log behind in a finished folder.
    """
    mode = "mode=ro" if db.with_name(db.name + "-wal").exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{db.resolve().as_uri()}?{mode}", uri=True, timeout=5.0)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether the table exists: a run killed early may not have all of them."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None


def read_columns(connection: sqlite3.Connection) -> Columns:
    """Return what columns ``points`` has; empty where the table was not made yet."""
    types = {row[1]: str(row[2]).upper() for row in connection.execute("PRAGMA table_info(points)")}
    units: dict[str, str] = {}
    roles: dict[str, str] = {}
    if has_table(connection, "columns"):
        for name, role, unit in connection.execute("SELECT name, role, unit FROM columns"):
            if unit:
                units[name] = str(unit)
            if role:
                roles[name] = str(role)
    return Columns(types, units, roles)


def read_groups(connection: sqlite3.Connection, columns: Columns, rows: int = GROUP_ROWS) -> Iterator[Any]:
    """Yield ``points`` as :class:`pyarrow.Table` of at most ``rows`` rows, ordered by site, block, sequence.

    Each group is one short transaction that starts after the last key read, so a journal that grows meanwhile costs
    nothing and loses nothing.
    """
    import pyarrow as pa

    if not set(KEY) <= set(columns.types):
        return
    schema = arrow_schema(columns)
    key_at = [list(columns.types).index(name) for name in KEY]
    listed = ", ".join(_quoted(name) for name in columns.types)
    query = f"SELECT {listed} FROM points{{}} ORDER BY site, block, sequence LIMIT {int(rows)}"  # noqa: S608
    group = connection.execute(query.format("")).fetchall()
    while group:
        arrays = [_array(values, field.type) for values, field in zip(zip(*group, strict=True), schema, strict=True)]
        yield pa.Table.from_arrays(arrays, schema=schema)
        if len(group) < rows:
            return
        last = tuple(group[-1][at] for at in key_at)
        group = connection.execute(query.format(" WHERE (site, block, sequence) > (?, ?, ?)"), last).fetchall()


def arrow_schema(columns: Columns, metadata: Mapping[str, str] | None = None) -> Any:
    """Return the Parquet schema of ``columns``: units and roles as JSON under ``labkit``, and ``metadata`` beside."""
    import pyarrow as pa

    kinds = {"INTEGER": pa.int64(), "REAL": pa.float64()}
    fields = [pa.field(name, kinds.get(kind, pa.string())) for name, kind in columns.types.items()]
    facts = json.dumps({"format": 1, "units": dict(columns.units), "roles": dict(columns.roles)})
    return pa.schema(fields, metadata={**(metadata or {}), "labkit": facts})


def write_parquet(db: Path, target: Path, metadata: Mapping[str, str]) -> int:
    """Write the points of the journal ``db`` to ``target`` (Parquet, zstd) and return their number.

    ``target`` appears whole or not at all. Memory does not grow with the run. ``metadata`` goes into the schema's
    metadata as text; the key ``labkit`` is taken by units and roles. Raises :class:`InfrastructureError`.
    """
    import pyarrow.parquet as pq

    written = 0
    with reading(db) as connection, whole_file(target) as part:
        columns = read_columns(connection)
        schema = arrow_schema(columns, metadata)
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for table in read_groups(connection, columns):
                writer.write_table(table.cast(schema), row_group_size=GROUP_ROWS)
                written += table.num_rows
    return written


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _array(values: Sequence[object], kind: Any) -> Any:
    """Return an Arrow array; SQLite lets any type stand in any column, and a stray one becomes null or text."""
    import pyarrow as pa

    try:
        return pa.array(values, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([_cast(value, kind) for value in values], type=kind)


def _cast(value: object, kind: Any) -> object:
    import pyarrow as pa

    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if pa.types.is_string(kind):
        return str(value)
    try:
        return int(str(value)) if pa.types.is_integer(kind) else float(str(value))
    except ValueError:
        return None
