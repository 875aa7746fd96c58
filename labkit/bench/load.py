"""Loading a bench with the boards of its sites, and checking the wiring: everything that needs no hardware."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

from labkit.bench.benchfile import BenchFile, SiteEntry
from labkit.bench.board import Board, load_board
from labkit.errors import ConfigError
from labkit.instrument import Instrument, Owner, Setting
from labkit.instrument.registry import driver
from labkit.limits import Limits
from labkit.quantity import QuantityError, parse
from labkit.text import near
from labkit.transport.address import Address, ModbusRtu, ModbusTcp, SerialPort, TcpSocket
from labkit.transport.opening import check_resource
from labkit.yamlfile import Document, read_yaml, validate

FileKind = Literal["plan", "bench", "board"]
_FOLDER = {"plan": "", "bench": "benches", "board": "boards"}


@dataclass(frozen=True)
class Bench:
    """A bench file that was read and checked, with the boards its sites take."""

    document: Document
    file: BenchFile
    boards: Mapping[str, Board]
    drivers: Mapping[str, type[Instrument]]

    @property
    def name(self) -> str:
        """The bench's name."""
        return self.file.bench

    def board_of(self, site: str) -> Board:
        """Return the board type that a site takes."""
        return self.boards[self.file.sites[site].board]

    def console_name(self, site: str) -> str:
        """Return the instrument name of a site's console: it has no entry of its own in the file."""
        return f"console_{site}"


def shipped_folders() -> list[Path]:
    """Return the folders of shipped plans, found by entry point ``labkit.plans``."""
    return [Path(str(files(point.value))) for point in entry_points(group="labkit.plans")]


def shipped(kind: FileKind) -> dict[str, Path]:
    """Return the shipped files of a kind by name."""
    found = {}
    for folder in shipped_folders():
        for path in sorted((folder / _FOLDER[kind]).glob("*.yaml")):
            found[path.stem] = path
    return found


def find_file(text: str, kind: FileKind, beside: Sequence[Path] = ()) -> Path:
    """Return the file that ``text`` means: a path, a name beside the file that mentions it, or a shipped name."""
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        for folder in (*beside, Path()):
            if (folder / path).is_file():
                return folder / path
        raise ConfigError(f"there is no {kind} file {text}")
    other = ""
    for folder in beside:
        for candidate in (folder / f"{text}.yaml", folder / _FOLDER[kind] / f"{text}.yaml",
                          folder.parent / _FOLDER[kind] / f"{text}.yaml"):
            if candidate.is_file():
                if _is_kind(candidate, kind):
                    return candidate
                other = f" ({candidate} lies there, but has no key {kind!r})"
    known = shipped(kind)
    if text in known:
        return known[text]
    raise ConfigError(f"there is no {kind} {text!r}{other}; a path to a .yaml file works too{near(text, known)}")


def _is_kind(path: Path, kind: FileKind) -> bool:
    try:
        return kind in read_yaml(path).data
    except ConfigError:
        return True  # broken, but meant: its own error says more than "not found"


def load_bench(text: str) -> Bench:
    """Read the bench that ``text`` names, its boards, and check the wiring; raises ConfigError."""
    document = read_yaml(find_file(text, "bench"))
    file = validate(BenchFile, document)
    boards = {}
    for name, site in file.sites.items():
        if site.board not in boards:
            try:
                path = find_file(site.board, "board", [document.path.parent])
            except ConfigError as error:
                raise document.error(error.problem, ("sites", name, "board")) from None
            boards[site.board] = load_board(path)
    drivers = {}
    for name, entry in file.instruments.items():
        try:
            drivers[name] = driver(entry.driver)
        except ConfigError as error:
            raise document.error(error.problem, ("instruments", name, "driver")) from None
    for name, site in file.sites.items():
        _check_console(document, file, name, site)
    bench = Bench(document, file, boards, drivers)
    _check_resources(bench)
    _check_wiring(bench)
    dict(bench_limits(bench))
    return bench


def _check_console(document: Document, file: BenchFile, name: str, site: SiteEntry) -> None:
    key = ("sites", name, "console_driver")
    try:
        kind = driver(site.console_driver).kind
    except ConfigError as error:
        raise document.error(error.problem, key) from None
    if kind != "board-console":
        raise document.error(f"{site.console_driver} is a {kind}, and a board-console is needed here", key)
    if f"console_{name}" in file.instruments:
        raise document.error(f"the console of site {name} is called console_{name}, as an instrument is; rename one",
                             ("sites", name))


def _check_resources(bench: Bench) -> None:
    seen: dict[object, str] = {}
    for name, entry in bench.file.instruments.items():
        link_kind = bench.drivers[name].dialect.link_kind
        _check_resource(bench, seen, name, entry.resource, link_kind, ("instruments", name, "resource"))
    for name, site in bench.file.sites.items():
        _check_resource(bench, seen, f"site {name}", site.console, "stream", ("sites", name, "console"))


def _check_resource(
    bench: Bench, seen: dict[object, str], who: str, resource: str, link_kind: str, key: tuple[str, ...],
) -> None:
    try:
        place = _place(check_resource(resource, link_kind))
    except ValueError as error:
        raise bench.document.error(str(error), key) from None
    if place in seen:
        raise bench.document.error(f"{seen[place]} has the same address as {resource}; one of the two is wrong", key)
    seen[place] = who


def _place(address: Address) -> object:
    """Return what two addresses have in common exactly when they lead to the same instrument, however written."""
    if isinstance(address, TcpSocket):
        return "tcp", address.host.lower(), address.port
    if isinstance(address, ModbusTcp):
        return "modbus", address.host.lower(), address.port, address.unit
    if isinstance(address, ModbusRtu):
        return "modbus", address.port, address.unit
    return ("serial", address.path) if isinstance(address, SerialPort) else ("visa", address.resource.upper())


def _check_wiring(bench: Bench) -> None:
    fed: dict[tuple[str, int], str] = {}
    for name, site in bench.file.sites.items():
        board = bench.board_of(name)
        _check_names(bench, name, "rails", site.rails, board.file.rails)
        _check_names(bench, name, "clocks", site.clocks, board.file.clocks)
        for rail, wiring in site.rails.items():
            key = ("sites", name, "rails", rail)
            instrument, channel = wiring.instrument, wiring.channel
            kind = _instrument_of_kind(bench, instrument, "power-supply", key)
            if channel not in kind.channel_numbers:
                numbers = ", ".join(map(str, kind.channel_numbers))
                raise bench.document.error(f"{instrument} has no channel {channel}; it has {numbers}", key)
            if (instrument, channel) in fed:
                raise bench.document.error(
                    f"{wiring.source} feeds {fed[instrument, channel]} already; one channel feeds one rail", key)
            if channel in bench.file.instruments[instrument].loads:
                raise bench.document.error(f"{wiring.source} has a load of its own (loads); it cannot feed a rail", key)
            fed[instrument, channel] = f"rail {rail} of site {name}"
        if site.chamber is not None:
            _instrument_of_kind(bench, site.chamber, "thermal-chamber", ("sites", name, "chamber"))


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


def _instrument_of_kind(bench: Bench, name: str, kind: str, key: tuple[str, ...]) -> type[Instrument]:
    drivers = bench.drivers
    if name not in drivers:
        raise bench.document.error(f"there is no instrument {name!r} on this bench{near(name, drivers)}", key)
    if drivers[name].kind != kind:
        raise bench.document.error(f"{name} is a {drivers[name].kind}, and a {kind} is needed here", key)
    return drivers[name]


def bench_limits(bench: Bench) -> Iterator[tuple[tuple[str, int | None, str], Limits]]:
    """Yield what the bench file limits: (instrument, channel or None, setting), and the limits."""
    where = f"limit of bench {bench.name}"
    for text, entry in bench.file.limits.items():
        instrument, channel, setting, unit = _limited(bench, text)
        key = ("limits", text)
        bounds = []
        for end, default in (("min", -math.inf), ("max", math.inf)):
            value = getattr(entry, end)
            try:
                bounds.append(default if value is None else parse(value, unit))
            except QuantityError as error:
                raise bench.document.error(str(error), (*key, end)) from None
        if bounds[0] > bounds[1]:
            raise bench.document.error("min lies above max, so that no value could be set; correct one", key)
        yield (instrument, channel, setting), Limits(bounds[0], bounds[1], where, where)


def _limited(bench: Bench, text: str) -> tuple[str, int | None, str, str]:
    """Return (instrument, channel or None, setting, unit) that a key of ``limits`` names; raises ConfigError."""
    key = ("limits", text)
    name, _, rest = text.partition(".")
    number, _, setting = rest.rpartition(".")
    if not setting or (number and not number.isascii()) or (number and not number.isdigit()):
        raise bench.document.error(f"{text!r} names no setting; write instrument.setting or "
                                   "instrument.channel.setting", key)
    if name not in bench.drivers:
        raise bench.document.error(f"there is no instrument {name!r} on this bench{near(name, bench.drivers)}", key)
    cls = bench.drivers[name]
    if number and int(number) not in cls.channel_numbers:
        numbers = ", ".join(map(str, cls.channel_numbers)) or "none"
        raise bench.document.error(f"{name} has no channel {number}; it has {numbers}", key)
    by_channel = _limitable(cls.channel_type) if cls.channel_type is not None else {}
    settings = by_channel if number else _limitable(cls)
    if setting not in settings:
        if setting in by_channel:
            raise bench.document.error(
                f"{setting} belongs to a channel; write {name}.{cls.channel_numbers[0]}.{setting}", key)
        raise bench.document.error(
            f"{text.rpartition('.')[0]} has no setting {setting!r}{near(setting, settings)}", key)
    return name, int(number) if number else None, setting, settings[setting]


def _limitable(owner: type[Owner]) -> dict[str, str]:
    """Return the units of the settings that a number can limit, by name."""
    return {name: row.unit for name, row in owner.rows().items() if isinstance(row, Setting) and row.values is float}


def site_entries(bench: Bench) -> Mapping[str, SiteEntry]:
    """Return the sites as written, by name."""
    return cast(Mapping[str, SiteEntry], bench.file.sites)
