"""Commands made from tables: the driver's rows, and the twin's own entries. Mistakes in a twin show here, not later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from labkit.instrument import Action, Reading, Row, Scpi, ScpiDialect, Setting
from labkit.limits import Limits
from labkit.sim.scpi.command import Addressing, Command, Entry, Place
from labkit.sim.scpi.host import CommandHost
from labkit.sim.scpi.kinds import Boolean, Kind, Number, Raw, Word

HOOKS = ("get_", "on_", "do_", "step_", "limits_")
"""Prefixes of methods that attach behaviour to a row by its name."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Stands for a channel where a row computes its limits."""

    number: Place
    label: str


class TableError(TypeError):
    """A twin's table and its methods do not fit together: for the author of the twin, at construction."""


def build(twin: CommandHost) -> Iterator[Command]:
    """Yield every command of a twin: driver rows first, then its own entries. Raises TableError."""
    names: set[str] = set()
    shared: set[str] = set()
    dialect = twin.driver.dialect
    style = dialect.channel if isinstance(dialect, ScpiDialect) else "none"
    tables: list[tuple[Mapping[str, Row[Any]], bool]] = [(twin.driver.rows(), False)]
    if twin.driver.channel_type is not None:
        tables.append((twin.driver.channel_type.rows(), True))
    for rows, per_channel in tables:
        for name, row in rows.items():
            if not isinstance(row.wire, Scpi) or name in twin.omitted:
                continue
            if name in names:
                raise TableError(f"{type(twin).__name__}: two rows of the driver are called {name}")
            names.add(name)
            yield _from_row(twin, row, row.wire.notation, _addressing(row.wire.notation, style, per_channel))
    for entry in twin.rows:
        if entry.name in names - (shared if entry.topic else set()):
            raise TableError(f"{type(twin).__name__}: {entry.notation} takes the name {entry.name} of another row")
        names.update([entry.name] if entry.name else [])
        shared.update([entry.name] if entry.topic else [])
        yield _from_entry(twin, entry)
    _check_hooks(twin, names)


def _addressing(notation: str, style: str, per_channel: bool) -> Addressing:
    if not per_channel:
        return "none"
    if "<n>" in notation:
        return "suffix"
    return "list" if style == "list" else "selected"


def _check_hooks(twin: CommandHost, names: set[str]) -> None:
    """Refuse a method that is named like behaviour of a row that does not exist: a misspelt one would do nothing."""
    for attribute in dir(type(twin)):
        for prefix in HOOKS:
            if attribute.startswith(prefix) and attribute[len(prefix):] not in names | twin.own_hooks:
                raise TableError(f"{type(twin).__name__}.{attribute} belongs to no row")


def _hook(twin: CommandHost, prefix: str, name: str) -> Any:
    return getattr(twin, prefix + name, None) if name else None


def _kinds(row: Row[Any], steps: bool) -> tuple[Kind, ...]:
    if isinstance(row, Action):
        return ()
    if row.words is not None:
        return (Word(row.words),)
    if row.values is bool:
        return (Boolean(),)
    if row.values in (float, int):
        symbols = ("MIN", "MAX", "DEF", "UP", "DOWN") if steps else ("MIN", "MAX", "DEF")
        return (Number(row.unit, integer=row.values is int, symbols=symbols),)
    return (Raw(),)


def _from_row(twin: CommandHost, row: Row[Any], notation: str, addressing: Addressing) -> Command:
    name = row.name
    get, act = _hook(twin, "get_", name), _hook(twin, "do_", name)
    if isinstance(row, Reading) and get is None:
        raise TableError(f"{type(twin).__name__} has no get_{name}: the driver reads {notation}?")
    if isinstance(row, Action) and act is None:
        raise TableError(f"{type(twin).__name__} has no do_{name}: the driver sends {notation}")
    step = _hook(twin, "step_", name)
    kinds = _kinds(row, step is not None)
    measures = isinstance(row, Reading) and row.values is float
    return Command(
        key=name, notation=notation, kinds=kinds, required=len(kinds), many=False, query_kinds=(),
        addressing=addressing, places=(None,) if addressing == "none" else twin.places,
        default=_default(twin, row), limits=_limits(twin, row), get=get, changed=_hook(twin, "on_", name), act=act,
        step=step, form=_form(twin, row), readable=not isinstance(row, Action),
        writable=not isinstance(row, Reading), measures=measures,
        set_latency_s=twin.latency(name, "set"), query_latency_s=twin.latency(name, "read" if measures else "query"),
    )


def _form(twin: CommandHost, row: Row[Any]) -> Callable[[Any], str] | None:
    """Return the writer of a reading whose value is what goes on the wire; None where the kind decides."""
    if row.name in twin.forms:
        return twin.forms[row.name]
    if not isinstance(row, Reading) or row.words is not None or row.values in (float, bool, int):
        return None
    integer = twin.formats.integer
    return lambda value: integer(value) if isinstance(value, int) else str(value)


def _limits(twin: CommandHost, row: Row[Any]) -> Callable[[Place], Limits]:
    own = _hook(twin, "limits_", row.name)
    if own is not None:
        found: Callable[[Place], Limits] = own
        return found
    limits = row.limits
    if not callable(limits):
        fixed: Limits = limits
        return lambda place: fixed
    by_place = {place: limits(_Owner(place, f"{twin.name}.{place}")) for place in (*twin.places, None)
                if place is not None or not twin.places}
    return lambda place: by_place[place]


def _default(twin: CommandHost, row: Row[Any]) -> Callable[[Place], Any]:
    """Return the *RST value: the twin's, else off, the first word, or 0 moved into the limits."""
    found = twin.defaults.get(row.name)
    if callable(found):
        made: Callable[[Place], Any] = found
        return made
    if found is None and row.words is not None:
        found = next(iter(row.words))
    if found is not None or not isinstance(row, Setting):
        return lambda place: found
    if row.values is bool:
        return lambda place: False
    if row.values in (float, int):
        limits = _limits(twin, row)
        return lambda place: row.values(min(max(0.0, limits(place).low), limits(place).high))
    return lambda place: ""


def _from_entry(twin: CommandHost, entry: Entry) -> Command:
    def hook(prefix: str) -> Any:
        found = _hook(twin, prefix, entry.name)
        return partial(found, entry.topic) if entry.topic and found is not None else found

    get, act = hook("get_"), hook("do_")
    writable, readable = entry.access in ("set", "both"), entry.access in ("query", "both")
    if readable and writable and not entry.kinds:
        readable = get is not None
    if readable and not entry.kinds and get is None:
        raise TableError(f"{type(twin).__name__}: {entry.notation}? has neither a parameter kind nor get_{entry.name}")
    default = entry.default
    if writable and readable and entry.kinds and default is None:
        raise TableError(f"{type(twin).__name__}: {entry.notation} needs a default")
    places: tuple[Place, ...] = (None,) if entry.channel == "none" else (entry.suffixes or twin.places)
    return Command(
        key=entry.key, notation=entry.notation, kinds=entry.kinds,
        required=len(entry.kinds) if entry.required is None else entry.required, many=entry.many,
        query_kinds=entry.query_kinds, addressing=entry.channel, places=places,
        default=default if callable(default) else lambda place: default,
        limits=hook("limits_") or Command.limits_everywhere,
        get=get, changed=hook("on_"), act=act, step=hook("step_"),
        form=twin.forms.get(entry.name) or (None if entry.kinds else str),
        resets=entry.resets, readable=readable, writable=writable,
        set_latency_s=twin.latency(entry.name, "set"), query_latency_s=twin.latency(entry.name, "query"),
    )
