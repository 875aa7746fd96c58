"""Files that are whole or as they were: written beside, synced to disk, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import InfrastructureError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give the path of a temporary file beside ``target``; at the end it is on disk and takes the target's place.

    On an error the temporary file is removed and ``target`` stays as it was. A target that is a link is replaced, not
    followed. Raises :class:`InfrastructureError` when the folder cannot be written or the disk is full.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(exist_ok=False)
    except OSError as error:
        raise InfrastructureError(f"{target}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        yield part
        _to_disk(part)
        part.replace(target)
    except OSError as error:
        raise InfrastructureError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_whole(target: Path, text: str) -> None:
    """Write ``text`` to ``target`` so that a reader finds all of it or what was there before."""
    with whole_file(target) as part:
        part.write_text(text, encoding="utf-8")
