"""Commands that every SCPI instrument has: IEEE 488.2 chapter 10, SYSTem:ERRor and the STATus subsystem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from labkit.sim.scpi.command import Command, Place
from labkit.sim.scpi.errors import ScpiError
from labkit.sim.scpi.host import CommandHost
from labkit.sim.scpi.kinds import Boolean, Number
from labkit.sim.scpi.status import OPERATION_COMPLETE, Register, RegisterSpec

_BYTE = Number(low=0, high=255, integer=True, symbols=())
_WORD16 = Number(low=0, high=65535, integer=True, symbols=())
COMMON = (
    "*CLS", "*ESE", "*ESR", "*IDN", "*OPC", "*PSC", "*RCL", "*RST", "*SAV", "*SRE", "*STB", "*TRG", "*TST", "*WAI",
)
"""What a model has unless its twin says otherwise; ``*OPT`` is the other one that exists."""


def _query(twin: CommandHost, notation: str, get: Callable[[], str], latency: str = "query") -> Command:
    return Command(
        key=f"{notation}?", notation=notation, kinds=(), required=0, many=False, query_kinds=(), addressing="none",
        places=(None,), default=lambda place: None, limits=Command.limits_everywhere, get=lambda place: get(),
        form=str, writable=False, query_latency_s=twin.latency(notation, latency))


def _act(twin: CommandHost, notation: str, act: Callable[[], None]) -> Command:
    return Command(
        key=notation, notation=notation, kinds=(), required=0, many=False, query_kinds=(), addressing="none",
        places=(None,), default=lambda place: None, limits=Command.limits_everywhere, act=lambda place: act(),
        readable=False, set_latency_s=twin.latency(notation, "set" if notation == "*RST" else "query"))


def _number(
    twin: CommandHost, notation: str, kind: Number | Boolean, put: Callable[[Any], None], get: Callable[[], Any] | None,
    *, places: tuple[Place, ...] = (None,), by_place: Callable[[Place], Register] | None = None, leaf: str = "",
) -> Command:
    """Return a command for a number that lives in a register, not among the settings (so *RST leaves it alone)."""
    if by_place is not None:
        locate = by_place
        return Command(
            key=notation, notation=notation, kinds=(kind,), required=1, many=False, query_kinds=(),
            addressing="none" if places == (None,) else "suffix", places=places, default=lambda place: 0,
            limits=Command.limits_everywhere, get=lambda place: getattr(locate(place), leaf),
            changed=lambda place, value: setattr(locate(place), leaf, value), resets=False,
            set_latency_s=twin.latency(notation, "query"), query_latency_s=twin.latency(notation, "query"))
    return Command(
        key=notation, notation=notation, kinds=(kind,), required=1, many=False, query_kinds=(), addressing="none",
        places=(None,), default=lambda place: 0, limits=Command.limits_everywhere,
        get=None if get is None else (lambda place: get()), changed=lambda place, value: put(value), resets=False,
        readable=get is not None, set_latency_s=twin.latency(notation, "query"),
        query_latency_s=twin.latency(notation, "query"))


def common_commands(twin: CommandHost) -> Iterator[Command]:
    """Yield the commands with a star that the model has, and the error query."""
    status, integer = twin.status, twin.formats.integer
    slot = Number(low=twin.slots.start, high=twin.slots.stop - 1, integer=True, symbols=())
    made: dict[str, Callable[[], tuple[Command, ...]]] = {
        "*CLS": lambda: (_act(twin, "*CLS", lambda: _clear(twin)),),
        "*ESE": lambda: (_number(twin, "*ESE", _BYTE, lambda v: setattr(status, "event_enable", v),
                                 lambda: status.event_enable),),
        "*ESR": lambda: (_query(twin, "*ESR", lambda: integer(status.take_event())),),
        "*IDN": lambda: (_query(twin, "*IDN", twin.identity),),
        "*OPC": lambda: (_act(twin, "*OPC", lambda: _complete(twin)), _query(twin, "*OPC", lambda: "1")),
        "*OPT": lambda: (_query(twin, "*OPT", lambda: twin.options_text),),
        "*PSC": lambda: (_number(twin, "*PSC", Boolean(), lambda v: setattr(status, "power_on_clear", v),
                                 lambda: status.power_on_clear),),
        "*RCL": lambda: (_number(twin, "*RCL", slot, lambda v: _recall(twin, v), None),),
        "*RST": lambda: (_act(twin, "*RST", twin.reset),),
        "*SAV": lambda: (_number(twin, "*SAV", slot, lambda v: _save(twin, v), None),),
        "*SRE": lambda: (_number(twin, "*SRE", _BYTE, lambda v: setattr(status, "service_enable", v & ~64),
                                 lambda: status.service_enable),),
        "*STB": lambda: (_query(twin, "*STB", lambda: integer(_status_byte(twin))),),
        "*TRG": lambda: (_act(twin, "*TRG", twin.trigger),),
        "*TST": lambda: (_query(twin, "*TST", lambda: integer(0), "self-test"),),
        "*WAI": lambda: (_act(twin, "*WAI", lambda: None),),
    }
    for name in twin.common:
        yield from made[name]()
    yield _query(twin, twin.error_header, lambda: _next_error(twin))


def _complete(twin: CommandHost) -> None:
    twin.status.event |= OPERATION_COMPLETE


def _next_error(twin: CommandHost) -> str:
    """Return and remove the oldest error as the model writes it."""
    if not twin.errors:
        return twin.formats.no_error
    number, text = twin.errors.pop()
    return twin.formats.error.format(number=number, text=text)


def _status_byte(twin: CommandHost) -> int:
    """Return the status byte; a message is available when the same message has already been answered in part."""
    twin.refresh_status()
    return twin.status.byte(bool(twin.errors), bool(twin.replies))


def _clear(twin: CommandHost) -> None:
    """Empty event registers and error queue; enables and settings stay as they are."""
    twin.refresh_status()
    twin.status.clear()
    twin.errors.clear()


def _save(twin: CommandHost, slot: int) -> None:
    twin.stores[slot] = {key: value for key, value in twin.state.items() if twin.commands[key[0]].resets}


def _recall(twin: CommandHost, slot: int) -> None:
    """Bring saved settings back; an empty store is -222."""
    if slot not in twin.stores:
        raise ScpiError(-222)
    twin.state.update(twin.stores[slot])
    twin.after_reset()


def status_commands(twin: CommandHost) -> Iterator[Command]:
    """Yield the leaves of every status register of the model, and STATus:PRESet."""
    if twin.registers:
        yield _act(twin, "STATus:PRESet", twin.status.preset)
    for spec in twin.registers:
        yield from _leaves(twin, spec)


def _leaves(twin: CommandHost, spec: RegisterSpec) -> Iterator[Command]:
    def locate(place: Place) -> Register:
        return twin.status.register(spec.name, place)

    yield _leaf_query(twin, spec, "[:EVENt]", Register.take_event)
    if spec.condition:
        yield _leaf_query(twin, spec, ":CONDition", lambda register: register.condition)
    leaves = [(":ENABle", "enable")]
    if spec.filters:
        leaves += [(":PTRansition", "positive"), (":NTRansition", "negative")]
    for leaf, attribute in leaves:
        yield _number(twin, spec.notation + leaf, _WORD16, lambda value: None, None, places=spec.places,
                      by_place=locate, leaf=attribute)


def _leaf_query(twin: CommandHost, spec: RegisterSpec, leaf: str, read: Callable[[Register], int]) -> Command:
    integer, name = twin.formats.integer, spec.name

    def get(place: Place) -> str:
        twin.refresh_status()
        return integer(read(twin.status.register(name, place)))
    return Command(
        key=spec.notation + leaf, notation=spec.notation + leaf, kinds=(), required=0, many=False, query_kinds=(),
        addressing="none" if spec.places == (None,) else "suffix", places=spec.places, default=lambda place: None,
        limits=Command.limits_everywhere, get=get, form=str, writable=False,
        query_latency_s=twin.latency(spec.notation, "query"))
