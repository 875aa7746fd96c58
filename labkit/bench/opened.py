"""A bench with its instruments open: sites, rails and clocks as things to act with.

The same objects serve a check (their links refuse to speak), a simulated run and a real one, so what was checked is
what runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from labkit.bench.bench import Bench
from labkit.bench.benchfile import ProbeEntry, RailWiring, SiteEntry
from labkit.bench.board import Board, RailSpec
from labkit.bench.gang import GangedOutput
from labkit.bench.load import bench_limits
from labkit.bench.site import Rail, Site, Target
from labkit.clock import Clock
from labkit.errors import IdentityError, LimitRefused, LinkError
from labkit.instrument import (
    BoundReading,
    BoundSetting,
    Identity,
    Instrument,
    Line,
    Owner,
    Reading,
    Setting,
    Source,
)
from labkit.instrument.kinds import ClockSource, Multimeter, PowerSupply, PowerSupplyChannel, ThermalChamber
from labkit.instrument.registry import driver
from labkit.limits import Limits, within
from labkit.quantity import render
from labkit.transport.link import Link
from labkit.yamlfile import KeyPath


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
            found[name] = _patient_identity(instrument)
            entry = self.bench.file.instruments[name]
            twin = found[name].simulated  # the bench file is the real one's: its serial number is not the twin's
            if entry.serial is not None and not twin and found[name].serial != entry.serial:
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


def _patient_identity(instrument: Instrument) -> Identity:
    """Ask who answers, again after one lost reply: nothing is on yet, and asking changes nothing."""
    for _ in range(2):
        try:
            return instrument.identify()
        except LinkError:
            with suppress(LinkError):
                instrument.port.resync()
    return instrument.identify()


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
        _check_reach(bench, sites.values(), instruments)
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
        key = ("limits", ".".join(str(part) for part in (name, channel, setting) if part is not None))
        for owner in owners:
            bound = cast(BoundSetting[float], getattr(owner, setting))
            _check_binds(bench, bound, limits, key)
            bound.restrict(limits)


def _check_binds(bench: Bench, setting: BoundSetting[float], limits: Limits, key: KeyPath) -> None:
    """Refuse a limit beyond what the instrument can do: it would never refuse anything, so somebody is mistaken."""
    rating = setting.limits
    for bound, beyond, end, source in ((limits.high, limits.high > rating.high, rating.high, rating.high_from),
                                       (limits.low, limits.low < rating.low, rating.low, rating.low_from)):
        if beyond and math.isfinite(bound):
            by = f" ({source})" if source else ""
            raise bench.document.error(
                f"{render(bound, setting.unit, 6)} would never bind: {setting.label} ends at "
                f"{render(end, setting.unit, 6)} by itself{by}; write a limit inside that, or remove it", key)


def _open_site(
    bench: Bench, name: str, dut: str, links: LinkSource, instruments: dict[str, Instrument], clock: Clock,
) -> Site:
    entry, board = bench.file.sites[name], bench.board_of(name)
    console = _open_console(bench, name, links, clock)
    instruments[console.label] = console
    rails = {}
    for rail_name, spec in board.file.rails.items():  # in the board's order: power-up order
        rails[rail_name] = _open_rail(bench, board, rail_name, spec, entry.rails[rail_name], instruments)
    clocks, readings = _console_rows(board, name, console, entry, instruments)
    probes = {probe: _open_probe(name, probe, wired, instruments) for probe, wired in entry.probes.items()}
    chamber = cast(ThermalChamber, instruments[entry.chamber]) if entry.chamber else None
    owners = [*(rail.owner for rail in rails.values()), *(clock.owner for clock in clocks.values()),
              *(probe.owner for probe in probes.values())]
    used = {instrument for owner in owners for instrument in owner.instruments} - {console.label}
    if entry.chamber:
        used.add(entry.chamber)
    return Site(name, dut, board, rails, clocks, readings, probes, console, chamber, frozenset(used))


def _open_rail(
    bench: Bench, board: Board, name: str, spec: RailSpec, wiring: RailWiring, instruments: Mapping[str, Instrument],
) -> Rail:
    gang = bench.file.channels.get(wiring.source)
    members = [_channel(source, instruments) for source in (gang.parallel if gang else [wiring.source])]
    by_board = f"rail {name} of board {board.name}"
    for member in members:
        member.voltage.restrict(within(0.0, spec.abs_max, f"abs_max of {by_board}"))
        member.ovp_level.restrict(within(0.0, spec.abs_max, f"abs_max of {by_board}"))
        member.current_limit.restrict(within(0.0, spec.current_limit, f"current_limit of {by_board}"))
    channel = cast(PowerSupplyChannel, GangedOutput(wiring.source, members)) if gang else members[0]
    channel.current_limit.restrict(within(0.0, spec.current_limit, f"current_limit of {by_board}"))
    supply = cast(PowerSupply, instruments[cast(Owner, members[0]).instruments[0]])
    return Rail(name, spec, wiring, supply, channel)


def _channel(source: str, instruments: Mapping[str, Instrument]) -> PowerSupplyChannel:
    name, _, number = source.rpartition(".")
    return cast(PowerSupply, instruments[name]).channels[int(number)]


def _open_probe(
    site: str, probe: str, entry: ProbeEntry, instruments: Mapping[str, Instrument],
) -> BoundReading[Any]:
    """Return the reading that a probe takes: volts at a rail, or a temperature."""
    name, _, number = entry.meter.rpartition(".")
    channel = cast(Multimeter, instruments[name]).channels[int(number)]
    reading = channel.measured_temperature if entry.rail is None else channel.measured_voltage
    return BoundReading(reading.owner, reading.row, f"site {site} probes.{probe}")


def _check_reach(bench: Bench, sites: Iterable[Site], instruments: Mapping[str, Instrument]) -> None:
    """Refuse a bench that could not power its boards, or not end safely: the limits would refuse it in mid-run."""
    for site in sites:
        for rail in site.rails.values():
            channel, spec = rail.channel, rail.spec
            _check_sweep(bench, site, rail, instruments)
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


def _check_sweep(bench: Bench, site: Site, rail: Rail, instruments: Mapping[str, Instrument]) -> None:
    """Refuse a supply that cannot reach the top of a rail's sweep; a bench limit below it is meant, and allowed."""
    gang = bench.file.channels.get(rail.wiring.source)
    for source in gang.parallel if gang else [rail.wiring.source]:
        setting = _channel(source, instruments).voltage
        limits = setting.row.limits
        rating = limits(setting.owner) if callable(limits) else limits
        if rail.spec.sweep[1] > rating.high:
            raise bench.document.error(
                f"sweep of rail {rail.name} of board {site.board.name} reaches {render(rail.spec.sweep[1], 'V')}, and "
                f"{source} ends at {render(rating.high, 'V')} ({rating.high_from}); use another channel, or lower "
                "sweep in the board file", ("sites", site.name, "rails", rail.name))


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
    board: Board, site: str, console: Instrument, entry: SiteEntry, instruments: Mapping[str, Instrument],
) -> tuple[dict[str, BoundSetting[float]], dict[str, BoundReading[float]]]:
    source = Source("manual", f"board file {board.document.path.name}")
    clocks = {}
    for name, clock in board.file.clocks.items():
        limits = within(clock.min, clock.max, f"clock {name} of board {board.name}")
        if entry.clocks[name] != "console":
            clocks[name] = cast(ClockSource, instruments[entry.clocks[name]]).frequency
            clocks[name].restrict(limits)
            continue
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
