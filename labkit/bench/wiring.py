"""Wiring: what each site's rails, clocks and probes are connected to, and the mistakes that can be seen on paper."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.bench.bench import Bench
from labkit.bench.benchfile import SiteEntry
from labkit.instrument import Instrument
from labkit.text import near
from labkit.yamlfile import KeyPath


def check_wiring(bench: Bench) -> None:
    """Raise ConfigError for a name that does not exist, a channel used twice, or something left unwired."""
    used: dict[str, str] = {}
    for name, gang in bench.file.channels.items():
        for source in gang.parallel:
            _take(bench, used, source, f"channel {name}", ("channels", name, "parallel"))
    for name, site in bench.file.sites.items():
        board = bench.board_of(name)
        _check_names(bench, name, "rails", site.rails, board.file.rails)
        _check_names(bench, name, "clocks", site.clocks, board.file.clocks)
        _check_rails(bench, name, site, used)
        _check_clocks(bench, name, site)
        _check_probes(bench, name, site, used)
        if site.chamber is not None:
            instrument_of_kind(bench, site.chamber, "thermal-chamber", ("sites", name, "chamber"))


def _check_rails(bench: Bench, name: str, site: SiteEntry, used: dict[str, str]) -> None:
    for rail, wiring in site.rails.items():
        key = ("sites", name, "rails", rail)
        if wiring.source in bench.file.channels:
            what = used.setdefault(wiring.source, f"rail {rail} of site {name}")
            if what != f"rail {rail} of site {name}":
                raise bench.document.error(f"{wiring.source} feeds {what} already; one channel feeds one rail", key)
            continue
        if "." not in wiring.source:
            raise bench.document.error(
                f"there is no channel {wiring.source!r} on this bench{near(wiring.source, bench.file.channels)}; write "
                "instrument.channel, like psu_a.1, or declare it under channels", key)
        _take(bench, used, wiring.source, f"rail {rail} of site {name}", key)


def _take(bench: Bench, used: dict[str, str], source: str, what: str, key: KeyPath) -> None:
    """Note that a supply channel is used; refuse one that does not exist, is used already, or has a load of its own."""
    instrument, _, number = source.rpartition(".")
    kind = instrument_of_kind(bench, instrument, "power-supply", key)
    if int(number) not in kind.channel_numbers:
        numbers = ", ".join(map(str, kind.channel_numbers))
        raise bench.document.error(f"{instrument} has no channel {number}; it has {numbers}", key)
    if source in used:
        raise bench.document.error(f"{source} feeds {used[source]} already; one channel feeds one rail", key)
    if int(number) in bench.file.instruments[instrument].loads:
        raise bench.document.error(f"{source} has a load of its own (loads); it cannot feed a rail", key)
    used[source] = what


def _check_clocks(bench: Bench, name: str, site: SiteEntry) -> None:
    for clock, source in site.clocks.items():
        key = ("sites", name, "clocks", clock)
        spec = bench.board_of(name).file.clocks[clock]
        if source != "console":
            instrument_of_kind(bench, source, "clock-source", key)
        elif not spec.set:
            raise bench.document.error(f"the board file gives clock {clock} no console command (set); wire it to a "
                                       "clock source, or add the command", key)


def _check_probes(bench: Bench, name: str, site: SiteEntry, used: dict[str, str]) -> None:
    for probe, entry in site.probes.items():
        key = ("sites", name, "probes", probe)
        instrument, _, number = entry.meter.rpartition(".")
        kind = instrument_of_kind(bench, instrument, "multimeter", key)
        if int(number) not in kind.channel_numbers:
            numbers = ", ".join(map(str, kind.channel_numbers))
            raise bench.document.error(f"{instrument} has no channel {number}; it has {numbers}", key)
        if entry.meter in used:
            raise bench.document.error(f"{entry.meter} is {used[entry.meter]} already; one channel probes one place",
                                       key)
        used[entry.meter] = f"probe {probe} of site {name}"
        rail = entry.rail
        if rail is not None and rail not in site.rails:
            raise bench.document.error(f"the site has no rail {rail!r}{near(rail, site.rails)}", (*key, "at"))


def _check_names(
    bench: Bench, site: str, what: str, wired: Mapping[str, object], declared: Mapping[str, object],
) -> None:
    for name in wired:
        if name not in declared:
            raise bench.document.error(
                f"the board {bench.file.sites[site].board} has no {what[:-1]} {name!r}{near(name, declared)}",
                ("sites", site, what, name))
    for name in declared:
        if name not in wired:
            raise bench.document.error(
                f"the {what[:-1]} {name!r} of board {bench.file.sites[site].board} is not wired; add it",
                ("sites", site, what))


def instrument_of_kind(bench: Bench, name: str, kind: str, key: KeyPath) -> type[Instrument]:
    """Return the driver of instrument ``name``; raises ConfigError where it is missing or of another kind."""
    drivers = bench.drivers
    if name not in drivers:
        raise bench.document.error(f"there is no instrument {name!r} on this bench{near(name, drivers)}", key)
    if drivers[name].kind != kind:
        fitting = ", ".join(other for other, cls in drivers.items() if cls.kind == kind) or "none"
        raise bench.document.error(f"{name} is a {drivers[name].kind}, and a {kind} is needed here; this bench has "
                                   f"{fitting}", key)
    return drivers[name]
