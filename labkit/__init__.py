"""labkit: bring up and characterize hardware, on the bench and in simulation.

The public door: ``labkit.load(RUN)`` gives the points of a run as a pandas DataFrame, units in ``attrs["units"]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.store.load import load as load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """Import pandas and friends only when data is asked for."""
    if name == "load":
        from labkit.store.load import load

        return load
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")
