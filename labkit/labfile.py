"""``labkit.toml``: what makes a folder a lab folder, and says where its runs, plans and drivers are.

It is looked for in the current folder and its parents, like a repository's. Everything in it has a default, and every
path in it is seen from its own folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from labkit.errors import ConfigError, Place
from labkit.text import near
from labkit.yamlfile import Document, KeyPath, Strict, read_text, validate

LAB_FILE = "labkit.toml"

_CODE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")
_DEEPEST = 20


def _code(value: str) -> str:
    if not _CODE.match(value):
        raise ValueError(f"{value!r} names no class; write it like \"my_supply:MySupply\"")
    return value


class LabFile(Strict):
    """A labkit.toml as written."""

    station: str = ""
    """Name of this station in every record; the computer's name where nothing is written."""
    runs: str = "runs"
    """Folder of the run folders."""
    bench: str = ""
    """The bench of commands that are given none."""
    plan_folders: list[str] = Field(default_factory=lambda: ["."])
    """Folders with plan files, and with the folders boards and benches."""
    driver_folders: list[str] = Field(default_factory=list)
    """Folders with the Python files of drivers and twins."""
    drivers: dict[str, Annotated[str, AfterValidator(_code)]] = Field(default_factory=dict)
    """Own drivers: name = "module:Class"."""
    twins: dict[str, Annotated[str, AfterValidator(_code)]] = Field(default_factory=dict)
    """Their simulated counterparts, under the same names."""

    @field_validator("runs")
    @classmethod
    def _some(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the name of the folder is empty; write one, like \"runs\"")
        return value



@dataclass(frozen=True)
class Lab:
    """A lab folder and its file. ``folder`` is relative to the current folder where that is the lab folder itself."""

    folder: Path
    document: Document
    file: LabFile

    @property
    def runs(self) -> Path:
        """The folder of the run folders; need not exist yet."""
        return self.folder / self.file.runs

    @property
    def plan_folders(self) -> list[Path]:
        """The folders with plans, boards and benches."""
        return self._folders("plan_folders", self.file.plan_folders)

    @property
    def driver_folders(self) -> list[Path]:
        """The folders with the Python files of own drivers."""
        return self._folders("driver_folders", self.file.driver_folders)

    def code(self, group: str) -> Mapping[str, str]:
        """Return the own drivers ("labkit.drivers") or twins ("labkit.twins"): name to "module:Class"."""
        known: dict[str, Mapping[str, str]] = {"labkit.drivers": self.file.drivers, "labkit.twins": self.file.twins}
        return known.get(group, {})

    def _folders(self, key: str, names: Sequence[str]) -> list[Path]:
        found = [self.folder / name for name in names]
        for index, folder in enumerate(found):
            if not folder.is_dir():
                raise self.document.error(f"there is no folder {names[index]!r} beside this file; make it, or correct "
                                          "the name", (key,))
        return found


def find_lab() -> Lab | None:
    """Return the lab folder that the current folder is in, None outside; raises ConfigError for a broken file."""
    here = Path.cwd()
    for depth, folder in enumerate((here, *here.parents)):
        if (folder / LAB_FILE).is_file():
            return load_lab(Path(*[".."] * depth) / LAB_FILE)
    return None


def load_lab(path: Path) -> Lab:
    """Read a labkit.toml; raises ConfigError with the place and the remedy."""
    document = _document(path)
    file = validate(LabFile, document)
    for name in file.twins:
        if name not in file.drivers:
            raise document.error("this twin has no driver of its name; add one to [drivers], or remove the twin"
                                 f"{near(name, file.drivers)}", ("twins", name))
    return Lab(path.parent, document, file)


def _document(path: Path) -> Document:
    text = read_text(path)
    try:
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise _syntax(path, text, str(error)) from None
    except RecursionError:
        raise ConfigError("is nested too deep; a labkit.toml holds keys and two tables", Place(path)) from None
    return Document(path, text, data, _lines(text))


def _syntax(path: Path, text: str, said: str) -> ConfigError:
    """Return what is wrong with a file that is no TOML; the line comes from the parser, at the latest the last one."""
    at = _AT.search(said)
    line = int(at.group(1)) if at and at.group(1) else len(text.splitlines()) or 1
    problem = said[: at.start()] if at else said
    if problem in ("Cannot overwrite a value", "Cannot declare a key twice") or "twice" in problem:
        return ConfigError("a key or table stands here a second time; keep one", Place(path, line))
    return ConfigError(f"is not TOML: {problem[:1].lower()}{problem[1:]}; write key = \"text\" or key = [\"a\", "
                       "\"b\"], and tables as [drivers]", Place(path, line))


def _lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key: TOML's parser tells none, and this file has a key a line."""
    found: dict[KeyPath, int] = {(): 1}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]\[]+?)\s*\]+", line)
        entry = re.match(r"\s*(\"[^\"]*\"|'[^']*'|[\w-]+)\s*=", line)
        if entry:
            found.setdefault((*table, entry.group(1).strip("\"'")), number)
        elif header:
            table = tuple(part.strip(" \"'") for part in header.group(1).split("."))
            found.setdefault(table, number)
    return found
