"""Making a lab folder whose files run simulated as they are."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from labkit.errors import ConfigError, InfrastructureError
from labkit.lab.schemas import SchemaKind, schema_text
from labkit.wholefile import write_whole

TEMPLATE = {
    "labkit.toml": "labkit.toml", "boards/my-board.yaml": "boards/my-board.yaml",
    "benches/my-bench.yaml": "benches/my-bench.yaml", "my-plan.yaml": "my-plan.yaml", "duts.csv": "duts.csv",
    ".gitignore": "gitignore", ".vscode/settings.json": "vscode-settings.json", "README.md": "README.md",
}
"""What stands in a new lab folder, and the file of this package that it is made of."""

_SCHEMAS: tuple[SchemaKind, ...] = ("board", "bench", "plan")


def lab_files() -> Iterator[tuple[str, str]]:
    """Yield name and text of every file of a new lab folder."""
    template = files("labkit.lab") / "template"
    for name, source in TEMPLATE.items():
        yield name, template.joinpath(*source.split("/")).read_text(encoding="utf-8")
    for kind in _SCHEMAS:
        yield f"schemas/{kind}.json", schema_text(kind)


def make_lab_folder(folder: Path) -> list[str]:
    """Write the files of a lab folder into ``folder``, which is made where it does not exist; returns their names.

    Raises ConfigError, with nothing written, where one of the files is there already or ``folder`` is a file, and
    InfrastructureError where it cannot be written.
    """
    wanted = dict(lab_files())
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a folder that is new or empty")
    there = [name for name in wanted if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise ConfigError(f"{folder} holds {', '.join(there)} already, and nothing is overwritten; name another "
                          "folder, or move them away")
    for name, text in wanted.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InfrastructureError(f"{target.parent} cannot be made ({error.strerror or error}); choose a place "
                                      "where you may write") from None
        write_whole(target, text)
    return list(wanted)
