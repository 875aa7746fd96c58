"""Loading a bench with the boards of its sites, and checking the wiring: everything that needs no hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

from labkit.bench.benchfile import BenchFile, SiteEntry
from labkit.bench.board import Board, load_board
from labkit.errors import ConfigError
from labkit.instrument import Instrument, Setting
from labkit.instrument.registry import driver
from labkit.limits import Limits
from labkit.quantity import QuantityError, parse
from labkit.text import near
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
    for folder in beside:
        for candidate in (folder / f"{text}.yaml", folder / _FOLDER[kind] / f"{text}.yaml",
                          folder.parent / _FOLDER[kind] / f"{text}.yaml"):
            if candidate.is_file() and _is_kind(candidate, kind):
                return candidate
    known = shipped(kind)
    if text in known:
        return known[text]
    raise ConfigError(f"there is no {kind} {text!r}{near(text, known)}; a path to a .yaml file works too")


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
    bench = Bench(document, file, boards, drivers)
    _check_resources(bench)
    _check_wiring(bench)
    dict(bench_limits(bench))
    return bench


def _check_resources(bench: Bench) -> None:
    seen: dict[str, str] = {}
    for name, entry in bench.file.instruments.items():
        key = ("instruments", name, "resource")
        _check_resource(bench, entry.resource, bench.drivers[name].dialect.link_kind, key)
        if entry.resource in seen:
            raise bench.document.error(
                f"{seen[entry.resource]} has the same address {entry.resource}; one of the two is wrong", key)
        seen[entry.resource] = name
    for name, site in bench.file.sites.items():
        key = ("sites", name, "console")
        _check_resource(bench, site.console, "stream", key)
        if site.console in seen:
            raise bench.document.error(
                f"{seen[site.console]} has the same address {site.console}; one of the two is wrong", key)
        seen[site.console] = f"site {name}"


def _check_resource(bench: Bench, resource: str, link_kind: str, key: tuple[str, ...]) -> None:
    try:
        check_resource(resource, link_kind)
    except ValueError as error:
        raise bench.document.error(str(error), key) from None


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
    for text, entry in bench.file.limits.items():
        key = ("limits", text)
        parts = text.split(".")
        if len(parts) not in (2, 3) or (len(parts) == 3 and not parts[1].isdigit()):
            raise bench.document.error(f"{text!r} names no setting; write instrument.setting or "
                                       "instrument.channel.setting", key)
        if parts[0] not in bench.drivers:
            raise bench.document.error(
                f"there is no instrument {parts[0]!r} on this bench{near(parts[0], bench.drivers)}", key)
        cls = bench.drivers[parts[0]]
        owner = cls if len(parts) == 2 else cls.channel_type
        rows = owner.rows() if owner is not None else {}
        settings = {name: row for name, row in rows.items() if isinstance(row, Setting) and row.values is float}
        if parts[-1] not in settings:
            raise bench.document.error(
                f"{'.'.join(parts[:-1])} has no setting {parts[-1]!r}{near(parts[-1], settings)}", key)
        unit = settings[parts[-1]].unit
        bounds = {}
        for end in ("min", "max"):
            value = getattr(entry, end)
            try:
                bounds[end] = None if value is None else parse(value, unit)
            except QuantityError as error:
                raise bench.document.error(str(error), (*key, end)) from None
        low, high = bounds["min"], bounds["max"]
        where = f"limit of bench {bench.name}"
        channel = int(parts[1]) if len(parts) == 3 else None
        yield ((parts[0], channel, parts[-1]),
               Limits(*(float("-inf") if low is None else low, float("inf") if high is None else high), where, where))


def site_entries(bench: Bench) -> Mapping[str, SiteEntry]:
    """Return the sites as written, by name."""
    return cast(Mapping[str, SiteEntry], bench.file.sites)
