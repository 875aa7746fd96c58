"""Where the links of a bench come from in a real run: the transports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.clock import Clock
from labkit.errors import ConfigError
from labkit.transport.link import Link
from labkit.transport.opening import LinkOpener


class RealLinks:
    """Links over real transports, also to served twins: the addresses in the bench file decide."""

    def __init__(self) -> None:
        self._opener = LinkOpener()

    def open(
        self, name: str, resource: str, *, kind: str, visa: str | None, timeout_s: float, clock: Clock,
        options: Mapping[str, Any],
    ) -> Link:
        """Connect to ``resource``; raises LinkError with what to check."""
        try:
            return self._opener.open(name, resource, kind=kind, visa=visa, timeout_s=timeout_s, clock=clock,
                                     options=options)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None

    def close(self) -> None:
        """Close what the links share."""
        self._opener.close()
