"""Twins by driver name, found by entry point like the drivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from labkit.errors import ConfigError
from labkit.instrument.registry import names
from labkit.sim.twin import Twin, TwinEnvironment

GROUP = "labkit.twins"


def twin(driver_name: str) -> Callable[[TwinEnvironment], Twin]:
    """Return what makes the twin of a driver; raises ConfigError where there is none."""
    known = names(GROUP)
    if driver_name not in known:
        raise ConfigError(f"the driver {driver_name!r} has no twin and cannot be simulated; add an entry point "
                          f"{GROUP!r} for it")
    try:
        return cast(Callable[[TwinEnvironment], Twin], known[driver_name].load())
    except Exception as error:
        raise ConfigError(f"the twin of {driver_name!r} ({known[driver_name].value}) cannot be imported: "
                          f"{error}") from error
