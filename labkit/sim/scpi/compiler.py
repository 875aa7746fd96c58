"""Units made runnable: a text is parsed once, and what it does is kept as a closure.

Parsing depends on the text alone. What depends on the state (the selected channel, MIN and MAX, ranges) is looked up
when the closure runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from labkit.sim.scpi.command import Command, Place
from labkit.sim.scpi.errors import ScpiError
from labkit.sim.scpi.host import CommandHost
from labkit.sim.scpi.kinds import Number, Symbol
from labkit.sim.scpi.syntax import Unit, is_channel_list, parse_channel_list, parse_unit, split

Run = Callable[[], str | None]
Step = tuple[Run, float]
"""A unit ready to run, and how long the instrument is busy with it (lab seconds)."""
_State = dict[tuple[str, Place], Any]
_BLANK = " \t\r\n\v\f\0"


def compile_message(twin: CommandHost, message: str) -> tuple[Step, ...]:
    """Return what a message does, unit by unit. Nothing is raised: a unit that is wrong raises when it runs."""
    steps: list[Step] = []
    path = ""
    for text in split(message, ";"):
        if not text.strip(_BLANK):
            continue
        try:
            unit = parse_unit(text, twin.glued_list)
            header = unit.header if unit.rooted or unit.header[0] == "*" or not path else f"{path}:{unit.header}"
            steps.append(_compile_unit(twin, unit, header))
            if header[0] != "*":
                path = header.rpartition(":")[0]
        except ScpiError as error:
            steps.append((_refuse(error), twin.latency("", "query")))
            break
    return tuple(steps)


def _refuse(error: ScpiError) -> Run:
    number, text = error.number, error.text

    def run() -> str | None:
        raise ScpiError(number, text)
    return run


def _compile_unit(twin: CommandHost, unit: Unit, header: str) -> Step:
    found = twin.tree.find(header, unit.query)
    if found is None:
        raise ScpiError(-113)
    command, suffixes = found
    places, parameters = _places(twin, command, unit, suffixes)
    count = len(places) if places is not None else 1
    if unit.query:
        return _query(twin, command, places, parameters), command.query_latency_s * (count if command.measures else 1)
    return _set(twin, command, places, parameters), command.set_latency_s


def _places(
    twin: CommandHost, command: Command, unit: Unit, suffixes: tuple[int, ...],
) -> tuple[tuple[Place, ...] | None, tuple[str, ...]]:
    """Return which places a unit is about (None: the channel selected when it runs) and the parameters left."""
    parameters = unit.parameters
    if command.addressing == "none":
        return (None,), parameters
    if command.addressing == "suffix":
        if suffixes[0] not in command.places:
            raise ScpiError(-114)
        return (suffixes[0],), parameters
    if command.addressing == "selected":
        return None, parameters
    listed: tuple[int, ...] | None = None
    if parameters and is_channel_list(parameters[-1]):
        listed = parse_channel_list(parameters[-1])
        parameters = parameters[:-1]
        if not listed or any(place not in command.places for place in listed):
            raise ScpiError(-222)
    if unit.query and command.measures and parameters and parameters[0].upper() in twin.channel_names:
        named = twin.channel_names[parameters[0].upper()]
        return (listed or (named,)), parameters[1:]
    return listed, parameters


def _query(twin: CommandHost, command: Command, places: tuple[Place, ...] | None, parameters: tuple[str, ...]) -> Run:
    one = _reader(twin, command, parameters)
    if places is None:
        return lambda: one(twin.selected)
    if len(places) == 1:
        return partial(one, places[0])
    several = places
    return lambda: ",".join([one(place) for place in several])


def _reader(twin: CommandHost, command: Command, parameters: tuple[str, ...]) -> Callable[[Place], str]:
    """Return what answers for one place."""
    formats, state, key = twin.formats, twin.state, command.key
    if command.query_kinds:
        if len(parameters) > len(command.query_kinds):
            raise ScpiError(-108)
        extra = tuple(kind.parse(text) for kind, text in zip(command.query_kinds, parameters, strict=False))
        get = command.get
        if get is not None:
            return lambda place: command.answer(get(place, *extra), formats)
        return lambda place: command.answer(state[key, place], formats)
    if parameters:
        return _bound_reader(twin, command, parameters)
    if command.get is not None:
        return _getter(command, command.get, twin)
    return lambda place: command.answer(state[key, place], formats)


def _getter(command: Command, get: Callable[..., Any], twin: CommandHost) -> Callable[[Place], str]:
    formats = twin.formats
    if command.measures and command.form is None:
        real = formats.real

        def measured(place: Place) -> str:
            value = get(place)
            return real(value) if isinstance(value, float) else command.answer(value, formats)
        return measured
    form = command.form
    if form is not None:
        return lambda place: form(get(place))
    return lambda place: command.answer(get(place), formats)


def _bound_reader(twin: CommandHost, command: Command, parameters: tuple[str, ...]) -> Callable[[Place], str]:
    """Return what answers ``VOLT? MAX``; raises ScpiError where a query takes no parameter."""
    kind = command.kinds[0] if command.stateful and not command.many else None
    if len(parameters) > 1 or not isinstance(kind, Number):
        raise ScpiError(-108)
    symbol = kind.parse(parameters[0])
    if not isinstance(symbol, Symbol):
        raise ScpiError(-128)
    if symbol.word in ("UP", "DOWN"):
        raise ScpiError(-141)
    number = kind
    return lambda place: number.form(command.symbol(symbol, place, None, number), twin.formats)


def _set(twin: CommandHost, command: Command, places: tuple[Place, ...] | None, parameters: tuple[str, ...]) -> Run:
    values = command.parse(parameters)
    if not command.kinds:
        return _action(twin, command, places)
    if places is not None and len(places) == len(values) == len(command.kinds) == 1 and not command.many:
        return partial(_put_one, twin.state, command, places[0], values[0])
    if places is not None:
        return partial(_put, twin.state, command, places, values)
    return lambda: _put(twin.state, command, (twin.selected,), values)


def _action(twin: CommandHost, command: Command, places: tuple[Place, ...] | None) -> Run:
    def act() -> str | None:
        if command.act is not None:
            for place in places if places is not None else (twin.selected,):
                command.act(place)
        return None
    return act


def _put(state: _State, command: Command, places: tuple[Place, ...], values: tuple[Any, ...]) -> None:
    """Set ``command`` at the places: all values are checked first, a refusal by ``on_`` undoes that place."""
    single = len(command.kinds) == 1 and not command.many
    checked = []
    for place in places:
        current = state.get((command.key, place))
        settled = tuple(command.settle(i, value, place, current) for i, value in enumerate(values))
        checked.append((place, current, settled[0] if single else settled))
    for place, before, value in checked:
        _keep(state, command, place, before, value)


def _put_one(state: _State, command: Command, place: Place, value: Any) -> None:
    """Set one value at one place, as nearly every message does."""
    before = state.get((command.key, place))
    _keep(state, command, place, before, command.settle(0, value, place, before))


def _keep(state: _State, command: Command, place: Place, before: Any, value: Any) -> None:
    state[command.key, place] = value
    if command.changed is not None:
        try:
            command.changed(place, value)
        except ScpiError:
            state[command.key, place] = before
            raise
