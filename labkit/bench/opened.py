"""A bench with its instruments open: sites, rails and clocks as things to act with.

The same objects serve a check (their links refuse to speak), a simulated run and a real one, so what was checked is
what runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from labkit.bench.benchfile import RailWiring
from labkit.bench.board import Board, RailSpec
from labkit.bench.load import Bench, bench_limits
from labkit.clock import Clock
from labkit.errors import ConfigError, IdentityError, LimitRefused
from labkit.instrument import (
    BoundReading,
    BoundSetting,
    ConsolePort,
    Identity,
    Instrument,
    Line,
    Owner,
    Reading,
    Setting,
    Source,
)
from labkit.instrument.kinds import PowerSupply, PowerSupplyChannel, ThermalChamber
from labkit.instrument.registry import driver
from labkit.limits import Limits, within
from labkit.text import near
from labkit.transport.link import Link
from labkit.yamlfile import KeyPath

Target = BoundSetting[Any] | BoundReading[Any]


class LinkSource(Protocol):
    """Where the links of a bench come from: transports, in-process twins, or nowhere (a check)."""

    def open(
        self, name: str, resource: str, *, kind: str, visa: str | None, timeout_s: float, clock: Clock,
        options: Mapping[str, Any],
    ) -> Link:
        """Return the link of the instrument ``name``; ``options`` are the driver's (terminators, gaps)."""

    def close(self) -> None:
        """Close what the links share."""


@dataclass(frozen=True)
class Rail:
    """One rail of one DUT: what the board wants of it, and the supply channel that feeds it."""

    name: str
    spec: RailSpec
    wiring: RailWiring
    supply: PowerSupply
    channel: PowerSupplyChannel

    @property
    def owner(self) -> Owner:
        """The channel as something that performs operations."""
        return cast(Owner, self.channel)

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

    Names in plans are resolved here: ``rails.R.…``, ``clocks.C.…``, ``readings.N``, ``chamber.…``.
    """

    name: str
    dut: str
    board: Board
    rails: Mapping[str, Rail]
    clocks: Mapping[str, BoundSetting[float]]
    readings: Mapping[str, BoundReading[float]]
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
        if parts[0] == "chamber" and len(parts) == 2:
            if self.chamber is None:
                raise ConfigError(f"{name}: site {self.name} stands in no chamber; name one in the bench file")
            return self._row(cast(Owner, self.chamber), parts[1], name)
        raise ConfigError(f"{name!r} names nothing of a site (names are rails.R.…, clocks.C.frequency, readings.N and "
                          f"chamber.…){near(name, self.names())}")

    def names(self) -> list[str]:
        """Return every name that :meth:`target` knows."""
        found = [f"readings.{n}" for n in self.readings] + [f"clocks.{n}.frequency" for n in self.clocks]
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


@dataclass(frozen=True)
class OpenBench:
    """A bench whose instruments can be spoken to (or, in a check, whose links refuse)."""

    bench: Bench
    clock: Clock
    links: LinkSource
    instruments: Mapping[str, Instrument]
    sites: Mapping[str, Site]
    shared: frozenset[str]
    """Instruments that more than one site speaks to: they are taken in turn."""

    @property
    def chambers(self) -> Mapping[str, ThermalChamber]:
        """The chambers that sites stand in, by instrument name."""
        used = {site.chamber.label: site.chamber for site in self.sites.values() if site.chamber is not None}
        return dict(sorted(used.items()))

    @contextmanager
    def taking(self, names: Sequence[str]) -> Iterator[None]:
        """Hold the shared ones among ``names``, in name order, for one exchange."""
        held = sorted(self.shared.intersection(names))
        if not held:
            yield
            return
        with self.clock.lock(held[0]), self.taking(held[1:]):
            yield

    def identify(self) -> dict[str, Identity]:
        """Ask every instrument who it is, and bring its session into the state its driver assumes."""
        found = {}
        for name, instrument in self.instruments.items():
            if instrument.kind == "board-console":
                continue  # answers only once its board is up; it has no identity of its own
            found[name] = instrument.identify()
            entry = self.bench.file.instruments[name]
            if entry.serial is not None and found[name].serial != entry.serial:
                raise IdentityError(
                    f"serial number {found[name].serial} answers here, but the bench file expects {entry.serial}; "
                    "check the address, or the serial in the bench file", instrument=name)
            instrument.prepare()
        return found

    def close(self) -> None:
        """Close every link."""
        for instrument in self.instruments.values():
            instrument.close()
        self.links.close()


def open_bench(bench: Bench, links: LinkSource, clock: Clock, duts: Mapping[str, str]) -> OpenBench:
    """Return the bench with every link open and every effective limit in place; sends nothing.

    ``duts`` maps sites to serial numbers; sites without one are left out.
    """
    instruments: dict[str, Instrument] = {}
    try:
        for name, entry in bench.file.instruments.items():
            cls = bench.drivers[name]
            link = links.open(name, entry.resource, kind=cls.dialect.link_kind, visa=entry.visa or bench.file.visa,
                              timeout_s=entry.timeout, clock=clock, options=cls.link_options)
            instruments[name] = cls(name, link, clock)
        _restrict(bench, instruments)
        sites = {name: _open_site(bench, name, dut, links, instruments, clock) for name, dut in duts.items()}
        _check_reach(bench, sites.values())
    except BaseException:
        for instrument in instruments.values():
            instrument.close()
        links.close()
        raise
    users: dict[str, int] = {}
    for site in sites.values():
        for name in site.instruments:
            users[name] = users.get(name, 0) + 1
    shared = frozenset(name for name, count in users.items() if count > 1)
    return OpenBench(bench, clock, links, instruments, sites, shared)


def _restrict(bench: Bench, instruments: Mapping[str, Instrument]) -> None:
    for (name, channel, setting), limits in bench_limits(bench):
        instrument = instruments[name]
        owners: list[Owner] = [instrument]
        if channel is not None:
            owners = [cast(PowerSupply, instrument).channels[channel]]  # type: ignore[list-item]
        for owner in owners:
            cast(BoundSetting[float], getattr(owner, setting)).restrict(limits)


def _open_site(
    bench: Bench, name: str, dut: str, links: LinkSource, instruments: dict[str, Instrument], clock: Clock,
) -> Site:
    entry, board = bench.file.sites[name], bench.board_of(name)
    console = _open_console(bench, name, links, clock)
    instruments[console.label] = console
    rails = {}
    for rail_name, spec in board.file.rails.items():  # in the board's order: power-up order
        wiring = entry.rails[rail_name]
        supply = cast(PowerSupply, instruments[wiring.instrument])
        channel = supply.channels[wiring.channel]
        by_board = f"rail {rail_name} of board {board.name}"
        channel.voltage.restrict(within(0.0, spec.abs_max, f"abs_max of {by_board}"))
        channel.ovp_level.restrict(within(0.0, spec.abs_max, f"abs_max of {by_board}"))
        channel.current_limit.restrict(within(0.0, spec.current_limit, f"current_limit of {by_board}"))
        rails[rail_name] = Rail(rail_name, spec, wiring, supply, channel)
    clocks, readings = _console_rows(board, name, console)
    chamber = cast(ThermalChamber, instruments[entry.chamber]) if entry.chamber else None
    used = {rail.wiring.instrument for rail in rails.values()} | ({entry.chamber} if entry.chamber else set())
    return Site(name, dut, board, rails, clocks, readings, console, chamber, frozenset(used))


def _check_reach(bench: Bench, sites: Iterable[Site]) -> None:
    """Refuse a bench that could not power its boards, or not end safely: the limits would refuse it in mid-run."""
    for site in sites:
        for rail in site.rails.values():
            channel, spec = rail.channel, rail.spec
            wanted: tuple[tuple[BoundSetting[float], float, str], ...] = (
                (channel.voltage, spec.nominal, "nominal"), (channel.ovp_level, spec.ovp, "ovp"),
                (channel.current_limit, spec.current_limit, "current_limit"))
            for setting, value, what in wanted:
                _check_allowed(bench, setting, value, f"{what} of rail {rail.name} of board {site.board.name}",
                               "use another channel, or correct the limit or the board file",
                               ("sites", site.name, "rails", rail.name))
        if site.chamber is not None:
            name = site.chamber.label
            _check_allowed(bench, site.chamber.temperature, bench.file.instruments[name].safe_temperature,
                           "safe_temperature", "correct it, or the limit", ("instruments", name, "safe_temperature"))


def _check_allowed(
    bench: Bench, setting: BoundSetting[float], value: float, what: str, remedy: str, key: KeyPath,
) -> None:
    try:
        setting.limits.check(value, what=setting.label, unit=setting.unit)
    except LimitRefused as error:
        problem = str(error).removesuffix("; nothing was sent")
        raise bench.document.error(f"{what} cannot be set: {problem}; {remedy}", key) from None


def _open_console(bench: Bench, site: str, links: LinkSource, clock: Clock) -> Instrument:
    entry, board = bench.file.sites[site], bench.board_of(site)
    cls = driver(entry.console_driver)
    name = bench.console_name(site)
    link = links.open(name, entry.console, kind="stream", visa=None, timeout_s=3.0, clock=clock,
                      options=cls.link_options)
    dialect = replace(cast(Any, cls.dialect), prompt=board.file.console.prompt)
    return cls(name, link, clock, dialect)


def _console_rows(
    board: Board, site: str, console: Instrument,
) -> tuple[dict[str, BoundSetting[float]], dict[str, BoundReading[float]]]:
    source = Source("manual", f"board file {board.document.path.name}")
    clocks = {}
    for name, clock in board.file.clocks.items():
        limits = within(clock.min, clock.max, f"clock {name} of board {board.name}")
        setting = Setting(float, Line(clock.set, clock.expect), unit="Hz", limits=limits,
                          doc=f"Frequency of clock {name}.", source=source).named(f"clocks.{name}.frequency")
        clocks[name] = BoundSetting(console, setting, f"site {site} clocks.{name}.frequency")
    readings = {}
    for name, spec in board.file.readings.items():
        reading = Reading(float, Line(spec.send, spec.expect), unit=spec.unit, doc=f"Console reading {name}.",
                          source=source).named(f"readings.{name}")
        readings[name] = BoundReading(console, reading, f"site {site} readings.{name}")
    return clocks, readings


class RefusingLinks:
    """The links of a check: opening costs nothing, speaking is a mistake in labkit."""

    def open(
        self, name: str, resource: str, *, kind: str, visa: str | None, timeout_s: float, clock: Clock,
        options: Mapping[str, Any],
    ) -> Link:
        """Return a link that refuses to speak."""
        return cast(Link, _Refusing(name))

    def close(self) -> None:
        """Nothing is open."""


class _Refusing:
    def __init__(self, name: str) -> None:
        self.name = name

    def _refuse(self, *args: object, **kwargs: object) -> Any:
        raise RuntimeError(f"{self.name}: a check must not speak to an instrument")

    write = ask = send = expect = drain = read = clear = _refuse

    def close(self) -> None:
        """Nothing is open."""


__all__ = [
    "Limits", "LinkSource", "OpenBench", "Rail", "RefusingLinks", "Site", "Target", "open_bench",
]
