"""A site with its DUT: rails, clocks, readings and probes as things to act with, under the names of plans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from labkit.bench.benchfile import RailWiring
from labkit.bench.board import Board, RailSpec
from labkit.errors import ConfigError
from labkit.instrument import BoundReading, BoundSetting, ConsolePort, Instrument, Owner, Reading, Setting
from labkit.instrument.kinds import PowerSupply, PowerSupplyChannel, ThermalChamber
from labkit.text import near

Target = BoundSetting[Any] | BoundReading[Any]


@dataclass(frozen=True)
class Rail:
    """One rail of one DUT: what the board wants of it, and the supply channel that feeds it."""

    name: str
    spec: RailSpec
    wiring: RailWiring
    supply: PowerSupply
    """The instrument that feeds it, the first one of ganged channels: for slew and latency."""
    channel: PowerSupplyChannel

    @property
    def owner(self) -> Owner:
        """The channel as something that performs operations."""
        return cast(Owner, self.channel)

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments that feed it."""
        return self.owner.instruments

    @property
    def largest_step(self) -> float:
        """The largest change of voltage that may be set at once, V: what the board's ramp allows.

        Infinite where the board names no ramp, or where the supply rises more slowly by itself.
        """
        ramp = self.spec.ramp
        if ramp is None or self.supply.slew_v_per_s <= ramp:
            return math.inf
        return ramp * self.supply.latency.set_s

    def steps(self, start: float, stop: float) -> list[float]:
        """Return the voltages to set one after the other on the way from ``start`` to ``stop``, ``stop`` last."""
        count = max(1, math.ceil(abs(stop - start) / self.largest_step - 1e-9))
        return [start + (stop - start) * i / count for i in range(1, count)] + [stop]


@dataclass(frozen=True)
class Site:
    """One place with its DUT.

    Names in plans are resolved here: ``rails.R.…``, ``clocks.C.…``, ``readings.N``, ``probes.N``, ``chamber.…``.
    """

    name: str
    dut: str
    board: Board
    rails: Mapping[str, Rail]
    clocks: Mapping[str, BoundSetting[float]]
    readings: Mapping[str, BoundReading[float]]
    probes: Mapping[str, BoundReading[Any]]
    console: Instrument
    chamber: ThermalChamber | None
    instruments: frozenset[str] = field(default_factory=frozenset)

    @property
    def console_port(self) -> ConsolePort:
        """The console, for lines that are no settings or readings."""
        return cast(ConsolePort, self.console.port)

    def target(self, name: str) -> Target:
        """Return the setting or reading that a plan calls ``name``; raises ConfigError with near matches."""
        parts = name.split(".")
        if parts[0] == "rails" and len(parts) == 3:
            return self._row(self._pick(self.rails, parts[1], "rail").owner, parts[2], name)
        if parts[0] == "clocks" and len(parts) == 3 and parts[2] == "frequency":
            return cast(Target, self._pick(self.clocks, parts[1], "clock"))
        if parts[0] == "readings" and len(parts) == 2:
            return cast(Target, self._pick(self.readings, parts[1], "reading"))
        if parts[0] == "probes" and len(parts) == 2:
            if parts[1] not in self.probes:
                raise ConfigError(f"site {self.name} has no probe {parts[1]!r}{near(parts[1], self.probes)}")
            return self.probes[parts[1]]
        if parts[0] == "chamber" and len(parts) == 2:
            if self.chamber is None:
                raise ConfigError(f"{name}: site {self.name} stands in no chamber; name one in the bench file")
            return self._row(cast(Owner, self.chamber), parts[1], name)
        raise ConfigError(f"{name!r} names nothing of a site (names are rails.R.…, clocks.C.frequency, readings.N and "
                          f"chamber.…){near(name, self.names())}")

    def names(self) -> list[str]:
        """Return every name that :meth:`target` knows."""
        found = [f"readings.{n}" for n in self.readings] + [f"probes.{n}" for n in self.probes]
        found += [f"clocks.{n}.frequency" for n in self.clocks]
        for rail in self.rails.values():
            found += [f"rails.{rail.name}.{row}" for row in _value_rows(rail.owner)]
        if self.chamber is not None:
            found += [f"chamber.{row}" for row in _value_rows(cast(Owner, self.chamber))]
        return found

    def _pick(self, known: Mapping[str, Any], name: str, what: str) -> Any:
        if name not in known:
            raise ConfigError(f"the board {self.board.name} has no {what} {name!r}{near(name, known)}")
        return known[name]

    def _row(self, owner: Owner, row: str, name: str) -> Target:
        rows = _value_rows(owner)
        if row not in rows:
            raise ConfigError(f"{name!r}: {owner.label} has no {row!r}{near(row, rows)}")
        return cast(Target, getattr(owner, row))


def _value_rows(owner: Owner) -> list[str]:
    return [name for name, row in owner.rows().items() if isinstance(row, Setting | Reading)]
