"""The journal of a run: every point, event and trace, committed to SQLite while the run goes on.

WAL with ``synchronous=FULL``: what is committed survives a power cut (measured: 367 us for a row alone, 5 us a row in
batches of 100). Under wall time a writer thread takes the pending rows every 40 ms, so a measuring thread never waits
for the disk; under virtual time the producer commits inline, because a thread beside a busy one starves. Rows are
acknowledged when they are committed, at most 50 ms after they were put.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labkit.errors import InfrastructureError

Role = Literal["key", "axis", "measurement", "condition", "outcome"]

_PERIOD_S = 0.040
_INLINE_ROWS = 500
_TABLES = """
CREATE TABLE columns (name TEXT PRIMARY KEY, role TEXT NOT NULL, unit TEXT NOT NULL, doc TEXT NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY, t_s REAL NOT NULL, utc TEXT NOT NULL, level TEXT NOT NULL,
                     site TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE traces (t_s REAL NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, value REAL);
"""
_KEYS = (("site", "TEXT"), ("block", "INTEGER"), ("sequence", "INTEGER"), ("dut", "TEXT"))
_TAIL = (
    ("outcome", "TEXT"), ("reason", "TEXT"), ("judged", "INTEGER"), ("violations", "TEXT"), ("guards", "TEXT"),
    ("t_s", "REAL"),
    ("utc", "TEXT"), ("duration_s", "REAL"), ("attempt", "INTEGER"),
)


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the points table between the keys and the outcome. ``flagged``: has a ``.flag`` column beside it."""

    name: str
    role: Role
    unit: str = ""
    text: bool = False
    flagged: bool = False


class Journal:
    """The open ``run.db`` of a run. One writer; readers use short transactions."""

    def __init__(self, path: Path, columns: Sequence[StoredColumn], *, inline: bool) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pending: deque[tuple[str, Sequence[Any]]] = deque()  # appended and popped without a lock, never swapped
        self._last_commit = time.monotonic()
        self._error: BaseException | None = None
        self._closed = threading.Event()
        self._inline = inline
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except sqlite3.Error as error:
            raise InfrastructureError(f"{path} cannot be made: {error}; does its folder exist?") from None
        try:
            self._insert_point = self._create(columns)
        except InfrastructureError:
            self._db.close()
            raise
        except sqlite3.Error as error:
            self._db.close()
            raise InfrastructureError(f"{path} cannot be written: {error}; is the disk full or on a network?") from None
        self._writer: threading.Thread | None = None
        if not inline:
            self._writer = threading.Thread(target=self._write_on, name="journal", daemon=True)
            self._writer.start()

    def _create(self, columns: Sequence[StoredColumn]) -> str:
        mode = self._db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise InfrastructureError(
                f"{self._path.parent} lies where SQLite cannot keep a write-ahead log (a network folder?); choose a "
                "local folder with --runs")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)
        fields = [f'"{name}" {kind}' for name, kind in _KEYS]
        described = [(name, "key", "", "") for name, _ in _KEYS]
        for column in columns:
            fields.append(f'{quoted(column.name)} {"TEXT" if column.text else "REAL"}')
            described.append((column.name, column.role, column.unit, ""))
            if column.flagged:
                fields.append(f'{quoted(column.name + ".flag")} TEXT')
                described.append((column.name + ".flag", column.role, "", "why there is no number"))
        fields += [f'"{name}" {kind}' for name, kind in _TAIL]
        described += [(name, "outcome", "s" if name.endswith("_s") else "", "") for name, _ in _TAIL]
        fields.append("PRIMARY KEY (site, block, sequence)")
        self._db.execute(f"CREATE TABLE points ({', '.join(fields)}) WITHOUT ROWID")
        self._db.executemany("INSERT INTO columns VALUES (?, ?, ?, ?)", described)
        return f"INSERT INTO points VALUES ({', '.join('?' * (len(fields) - 1))})"  # noqa: S608  (marks only)

    def point(self, row: Sequence[Any]) -> None:
        """Put one row: keys, columns in the order given (a flagged one followed by its flag), then the outcome part."""
        self._put(self._insert_point, row)

    def event(self, t_s: float, utc: str, level: str, site: str, text: str) -> None:
        """Put one event."""
        self._put("INSERT INTO events (t_s, utc, level, site, text) VALUES (?, ?, ?, ?, ?)",
                  (t_s, utc, level, site, text))

    def trace(self, t_s: float, site: str, name: str, value: float | None) -> None:
        """Put one sample of something watched while waiting."""
        self._put("INSERT INTO traces VALUES (?, ?, ?, ?)", (t_s, site, name, value))

    def _put(self, statement: str, row: Sequence[Any]) -> None:
        if self._error is not None:
            raise self._cannot(self._error)
        if self._closed.is_set():
            raise InfrastructureError(f"{self._path} was closed; a row that comes now would be lost")
        self._pending.append((statement, row))
        if self._inline and (
                len(self._pending) >= _INLINE_ROWS or time.monotonic() - self._last_commit >= _PERIOD_S):
            self.flush()

    def flush(self) -> None:
        """Commit everything that was put until now; raises InfrastructureError when it cannot be stored."""
        with self._lock:
            pending = [self._pending.popleft() for _ in range(len(self._pending))]
            self._last_commit = time.monotonic()
            if not pending:
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                start = 0
                for index in range(1, len(pending) + 1):
                    if index == len(pending) or pending[index][0] != pending[start][0]:
                        self._db.executemany(pending[start][0], [row for _, row in pending[start:index]])
                        start = index
                self._db.execute("COMMIT")
            except Exception as error:  # also a value that SQLite has no type for: whatever it is, rows were not stored
                self._error = error
                with suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise self._cannot(error) from None

    def _cannot(self, error: BaseException) -> InfrastructureError:
        remedy = "; free some space, then run again" if "full" in str(error) or "I/O" in str(error) else ""
        return InfrastructureError(f"{self._path} cannot be written: {error}{remedy}")

    def _write_on(self) -> None:
        while not self._closed.wait(_PERIOD_S):
            try:
                self.flush()
            except InfrastructureError:
                return  # the next put raises it where the run can act on it

    def close(self) -> None:
        """Commit the rest, fold the write-ahead log into the file, and close. May be called twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._writer is not None:
            self._writer.join()
        try:
            if self._error is None:
                self.flush()
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.close()


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
