"""Loading a bench with the boards of its sites, and checking the wiring: everything that needs no hardware."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Literal

from labkit.bench.bench import Bench
from labkit.bench.benchfile import BenchFile, SiteEntry
from labkit.bench.board import load_board
from labkit.bench.connected import check_connected
from labkit.bench.wiring import check_wiring
from labkit.errors import ConfigError
from labkit.instrument import Owner, Setting
from labkit.instrument.registry import driver
from labkit.labfile import find_lab
from labkit.limits import Limits
from labkit.quantity import QuantityError, parse
from labkit.text import near
from labkit.transport.address import Address, ModbusRtu, ModbusTcp, SerialPort, TcpSocket
from labkit.transport.opening import check_resource
from labkit.yamlfile import Document, read_yaml, validate

FileKind = Literal["plan", "bench", "board"]
_FOLDER = {"plan": "", "bench": "benches", "board": "boards"}


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


def own(kind: FileKind) -> dict[str, Path]:
    """Return the files of a kind in the folders that labkit.toml names, by name; none outside a lab folder."""
    lab = find_lab()
    found: dict[str, Path] = {}
    for folder in lab.plan_folders if lab else []:
        for inside in dict.fromkeys((folder, folder / _FOLDER[kind])):
            for path in sorted(inside.glob("*.yaml")):
                if path.stem not in found and _kinds(path, kind) == {kind}:
                    found[path.stem] = path
    return found


def find_file(text: str, kind: FileKind, beside: Sequence[Path] = ()) -> Path:
    """Return the file that ``text`` means; raises ConfigError with near matches.

    It is a path; or the name of a file beside the one that mentions it, in the lab folder, or shipped. What a person
    typed (benches and plans) is looked for in the lab folder first.
    """
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        for folder in (*beside, Path()) if kind == "board" else (Path(), *beside):
            if (folder / path).is_file():
                return folder / path
        raise ConfigError(f"there is no {kind} file {text}; check the spelling, and the folder you are in")
    lab = find_lab()
    mine = [inside / f"{text}.yaml" for folder in (lab.plan_folders if lab else [])
            for inside in dict.fromkeys((folder, folder / _FOLDER[kind]))]
    theirs = [inside / f"{text}.yaml" for folder in beside
              for inside in (folder, folder / _FOLDER[kind], folder.parent / _FOLDER[kind])]
    there = [path for path in (theirs + mine if kind == "board" else mine + theirs) if path.is_file()]
    kinds = {path: _kinds(path, kind) for path in there}
    for meant in (*(path for path in there if kind in kinds[path]), *(path for path in there if not kinds[path])):
        return meant
    other = f" ({there[0]} lies there, but is a {min(kinds[there[0]])})" if there else ""
    known = shipped(kind)
    if text in known:
        return known[text]
    raise ConfigError(f"there is no {kind} {text!r}{other}; a path to a .yaml file works too"
                      f"{near(text, {**known, **own(kind)})}")


def _kinds(path: Path, kind: FileKind) -> set[str]:
    """Return which kinds of file this is, by its keys; the ``kind`` wanted where it is too broken to tell."""
    try:
        return set(_FOLDER).intersection(read_yaml(path).data)
    except ConfigError:
        return {kind}  # its own error says more than "not found"


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
    check_wiring(bench)
    check_connected(bench)
    dict(bench_limits(bench))
    return bench


def _check_console(document: Document, file: BenchFile, name: str, site: SiteEntry) -> None:
    key = ("sites", name, "console_driver")
    try:
        kind = driver(site.console_driver).kind
    except ConfigError as error:
        raise document.error(error.problem, key) from None
    if kind != "board-console":
        raise document.error(f"{site.console_driver} is a {kind}, and a board-console is needed here; leave "
                             "console_driver out where the board has an ordinary console", key)
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
