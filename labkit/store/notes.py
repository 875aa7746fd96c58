"""Notes on a run: said during it or long after, time-stamped, never rewritten. And which attempt counts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from labkit.errors import InfrastructureError
from labkit.store.folder import RUN_JSON, read_json, run_folders
from labkit.text import clean

NOTES = "notes.jsonl"
_LOOK_AT = 5000

Kind = Literal["note", "counts", "void"]


@dataclass(frozen=True, slots=True)
class Note:
    """One line about a run. "void" takes the run out of what counts, "counts" puts it back."""

    utc: str
    who: str
    kind: Kind
    text: str


def add_note(folder: Path, text: str, who: str, kind: Kind = "note") -> Note:
    """Append a note to the run in ``folder`` (never into run.db: a run may be writing there); returns it."""
    note = Note(datetime.now(UTC).isoformat(timespec="seconds"), clean(who, 80), kind, clean(text))
    line = (json.dumps(asdict(note), ensure_ascii=False) + "\n").encode()
    try:
        handle = os.open(folder / NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise InfrastructureError(f"the note cannot be written to {folder}: {error.strerror or error}") from None
    return note


def read_notes(folder: Path) -> list[Note]:
    """Return the notes of a run, in the order in which they were said; a broken line is left out."""
    try:
        lines = (folder / NOTES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            data = json.loads(line)
            found.append(Note(str(data["utc"]), str(data["who"]), data["kind"], str(data["text"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def is_void(folder: Path) -> bool:
    """Tell whether a run was taken out of what counts."""
    marks = [note.kind for note in read_notes(folder) if note.kind != "note"]
    return bool(marks) and marks[-1] == "void"


def attempts(runs: Path, plan: str, dut: str) -> list[Path]:
    """Return the runs of one plan on one DUT, the oldest first: its attempts. None is ever deleted."""
    found = []
    for folder in islice(run_folders(runs), _LOOK_AT):
        if not folder.name.endswith(f"-{plan}"):
            continue
        info = read_json(folder / RUN_JSON)
        if any(isinstance(site, dict) and site.get("dut") == dut for site in info.get("sites", {}).values()):
            found.append(folder)
    return found[::-1]


def counting(runs: Path, plan: str, dut: str) -> Path | None:
    """Return the attempt that counts: the latest complete one that is not void."""
    for folder in reversed(attempts(runs, plan, dut)):
        if read_json(folder / RUN_JSON).get("status") == "complete" and not is_void(folder):
            return folder
    return None
