"""The terminal as labkit writes to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def stdout() -> Console:
    """Return a rich console on stdout; 120 columns where it is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


def stderr() -> Console:
    """Return a rich console on stderr, for what is said while something goes on."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def unicode_works() -> bool:
    """Tell whether stdout can show block characters."""
    return "utf" in (sys.stdout.encoding or "").lower()
