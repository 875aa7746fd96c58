"""Drivers by name, found by entry point: the built-in ones come through the same door as a user's own."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from labkit.errors import ConfigError
from labkit.instrument.base import Instrument
from labkit.labfile import find_lab
from labkit.text import near


@lru_cache(maxsize=8)
def _installed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def names(group: str = "labkit.drivers") -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, without importing any: installed ones, and those of labkit.toml.

    Raises ConfigError where labkit.toml is broken, or gives a name a second meaning.
    """
    found, lab = dict(_installed(group)), find_lab()
    mine = lab.code(group) if lab else {}
    for name, code in mine.items():
        if name in found and lab:
            raise lab.document.error(f"an installed driver has the name {name!r} already ({found[name].value}); choose "
                                     "another, so that a bench file means one driver", (group.rpartition(".")[2], name))
        found[name] = EntryPoint(name, code, group)
    if mine and lab:
        for folder in lab.driver_folders:
            if str(folder.resolve()) not in sys.path:
                sys.path.append(str(folder.resolve()))  # behind everything installed: a file here hides no library
    return found


def driver(name: str) -> type[Instrument]:
    """Return the driver class of that name; raises ConfigError with near matches, or with what broke its import."""
    known = names()
    if name not in known:
        raise ConfigError(f"there is no driver {name!r} (`labkit drivers` lists them){near(name, known)}")
    try:
        found = known[name].load()
    except Exception as error:
        raise ConfigError(f"the driver {name!r} ({known[name].value}) cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Instrument)):
        raise ConfigError(f"the driver {name!r} ({known[name].value}) is not a labkit Instrument")
    return found
