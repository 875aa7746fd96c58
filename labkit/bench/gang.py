"""Ganged channels: supply channels in parallel that act as one.

A :class:`GangedOutput` has the rows of a supply channel. What is set goes to every member (a current limit in equal
shares), what is read is combined: currents add up, voltages are averaged, one member in constant current or tripped
speaks for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, cast

from labkit.instrument import (
    Action,
    BoundAction,
    BoundReading,
    BoundSetting,
    Operation,
    Owner,
    Pending,
    Port,
    Reading,
    Scpi,
    Setting,
    Source,
    Special,
    analog,
)
from labkit.instrument.kinds import PowerSupplyChannel
from labkit.limits import NO_LIMITS, Limits
from labkit.transport.link import Later

_HERE = Source("manual", "labkit: combined from the members")


def _narrowest(setting: str, share: float = 1.0) -> Callable[[Any], Limits]:
    """Return what the members together allow: the intersection, times ``share`` for what adds up."""

    def limits(gang: GangedOutput) -> Limits:
        found = reduce(Limits.__and__, (getattr(member, setting).limits for member in gang.members), NO_LIMITS)
        factor = len(gang.members) if share != 1.0 else 1
        return Limits(found.low * factor, found.high * factor, found.low_from, found.high_from)

    return limits


def _virtual(name: str) -> Scpi:
    return Scpi(f"GANG:{name}")  # never sent: the gang's port hands each operation to its members


class GangedOutput(Owner):
    """Several supply channels as one. ``number`` is 0: it stands on no front panel."""

    voltage = Setting(float, _virtual("VOLTage"), unit="V", limits=_narrowest("voltage"), doc="Voltage of all members.",
                      source=_HERE)
    current_limit = Setting(float, _virtual("CURRent"), unit="A", limits=_narrowest("current_limit", share=0.0),
                            doc="Current limit of all members together, in equal shares.", source=_HERE)
    output = Setting(bool, _virtual("OUTPut"), doc="On when all members are on.", source=_HERE)
    ovp_level = Setting(float, _virtual("OVP"), unit="V", limits=_narrowest("ovp_level"),
                        doc="Over-voltage trip level of all members.", source=_HERE)
    ovp_enabled = Setting(bool, _virtual("OVP:STATe"), doc="Armed when all members are.", source=_HERE)
    ocp_enabled = Setting(bool, _virtual("OCP:STATe"), doc="Armed when all members are.", source=_HERE)
    sense = Setting(str, _virtual("SENSe"), words={"local": "INT", "remote": "EXT"}, doc="Sense mode of all members.",
                    source=_HERE)
    measured_voltage = Reading(analog, _virtual("MVOLTage"), unit="V", doc="Mean of the members.", source=_HERE)
    measured_current = Reading(analog, _virtual("MCURRent"), unit="A", doc="Sum of the members.", source=_HERE)
    mode = Reading(str, _virtual("MODE"), doc="CC when one member is in CC, off when one is off, else CV.",
                   source=_HERE)
    ovp_tripped = Reading(bool, _virtual("OVP:TRIP"), doc="One member has tripped.", source=_HERE)
    ocp_tripped = Reading(bool, _virtual("OCP:TRIP"), doc="One member has tripped.", source=_HERE)
    clear_protection = Action(_virtual("CLEar"), doc="Clear the trips of all members.", source=_HERE)

    def __init__(self, name: str, members: Sequence[PowerSupplyChannel]) -> None:
        self._cache = {}
        self.label, self.number = name, 0
        self.members = tuple(members)
        first = cast(Owner, self.members[0])
        self.clock = first.clock
        self.instruments = tuple(dict.fromkeys(n for member in self.members for n in cast(Owner, member).instruments))
        self.port: Port = _GangPort(self.members)
        self._sealed = True


class _GangPort:
    """Hands operations to the members, all of one instrument in one message, and combines what comes back."""

    def __init__(self, members: Sequence[PowerSupplyChannel]) -> None:
        self._members = members

    def start(self, operations: Sequence[Operation]) -> Pending[list[Any]]:
        """Perform when collected: another exchange may still own the link of a member's instrument."""
        return Later(lambda: self._perform(operations))

    def _perform(self, operations: Sequence[Operation]) -> list[Any]:
        by_port: dict[int, tuple[Port, list[Operation]]] = {}
        for member in self._members:
            owner = cast(Owner, member)
            _, wanted = by_port.setdefault(id(owner.port), (owner.port, []))
            wanted += [self._for_member(op, member) for op in operations]
        # Every reply that is under way is collected, also when one fails: it owns its link.
        under_way: list[Pending[list[Any]]] = []
        replies: list[list[Any]] = []
        problem: Exception | None = None
        try:
            for port, wanted in by_port.values():
                under_way.append(port.start(wanted))
        except Exception as error:
            problem = error
        for pending in under_way:
            try:
                replies.append(pending.result())
            except Exception as error:
                problem = problem or error
        if problem is not None:
            raise problem
        return self._combine([op.row.name for op in operations if op.verb == "get"], replies)

    def _for_member(self, op: Operation, member: PowerSupplyChannel) -> Operation:
        bound = getattr(member, op.row.name)
        if op.verb == "act":
            return cast(BoundAction, bound).prepare()
        if op.verb == "get":
            asked = cast("BoundSetting[Any] | BoundReading[Any]", bound)
            return asked.prepare_get() if isinstance(asked, BoundSetting) else asked.prepare()
        share = len(self._members) if op.row.name == "current_limit" else 1
        return cast("BoundSetting[Any]", bound).prepare(op.value / share if share > 1 else op.value)

    def _combine(self, gets: Sequence[str], replies: Sequence[list[Any]]) -> list[Any]:
        # Members of one instrument answer one after the other in one list: flatten, then take every n-th.
        flat = [value for reply in replies for value in reply]
        count = len(gets)
        return [_COMBINE.get(name, _mean)([flat[i] for i in range(index, len(flat), count)])
                for index, name in enumerate(gets)]

    def resync(self) -> None:
        """Re-synchronise every member's instrument."""
        for port in {id(cast(Owner, m).port): cast(Owner, m).port for m in self._members}.values():
            port.resync()

    def close(self) -> None:
        """The members' instruments close their own links."""


def _mean(values: Sequence[Any]) -> Any:
    special = next((value for value in values if isinstance(value, Special)), None)
    return special if special is not None else sum(values) / len(values)


def _sum(values: Sequence[Any]) -> Any:
    special = next((value for value in values if isinstance(value, Special)), None)
    return special if special is not None else sum(values)


def _mode(values: Sequence[str]) -> str:
    return next((mode for mode in ("off", "CC") if mode in values), "CV")


_COMBINE: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "current_limit": _sum, "measured_current": _sum, "output": all, "ovp_enabled": all, "ocp_enabled": all,
    "ovp_tripped": any, "ocp_tripped": any, "mode": _mode,
    "sense": lambda values: values[0] if len(set(values)) == 1 else "mixed",
}
