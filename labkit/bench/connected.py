"""What a bench file hangs on channels that serve no site: inputs of meters, sources of electronic loads, resistors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.bench.bench import Bench

_TAKES = {
    "loads": ("power-supply",), "inputs": ("multimeter", "frequency-counter"), "sources": ("electronic-load",),
}


def check_connected(bench: Bench) -> None:
    """Raise ConfigError for something that cannot hang where the file says: another kind, no such channel, probed."""
    probed = {probe.meter: f"probe {name} of site {site}"
              for site, entry in bench.file.sites.items() for name, probe in entry.probes.items()}
    for name, what, channel in _connections(bench):
        cls, key = bench.drivers[name], ("instruments", name, what)
        if cls.kind not in _TAKES[what]:
            raise bench.document.error(
                f"{name} is a {cls.kind}, and {what} are for kind {' and '.join(_TAKES[what])}; remove them", key)
        numbers = cls.channel_numbers or (1,)
        if channel not in numbers:
            raise bench.document.error(
                f"{name} has no channel {channel}; it has {', '.join(map(str, numbers))}", (*key, channel))
        if f"{name}.{channel}" in probed:
            raise bench.document.error(
                f"{name}.{channel} is {probed[f'{name}.{channel}']} already; remove one of the two", (*key, channel))


def _connections(bench: Bench) -> Iterator[tuple[str, str, int]]:
    """Yield (instrument, key of the file, channel) for everything that is connected."""
    for name, entry in bench.file.instruments.items():
        tables: dict[str, Mapping[int, Any]] = {
            "loads": entry.loads, "inputs": entry.inputs, "sources": entry.sources}
        for what, table in tables.items():
            for channel in table:
                yield name, what, channel
