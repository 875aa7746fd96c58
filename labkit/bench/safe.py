"""Making a bench safe: rails off in reverse power-up order, chambers to their safe temperature, all read back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

from labkit.bench.opened import OpenBench, Rail, Site
from labkit.errors import LabkitError, LinkError
from labkit.instrument import Owner
from labkit.instrument.kinds import ThermalChamber

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class SafeReport:
    """What was done to make a bench safe. ``verified``: every output and chamber was read back as it should be."""

    verified: bool
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.lines)


def make_safe(bench: OpenBench) -> SafeReport:
    """Switch every rail off and send every chamber to its safe temperature; never raises for an instrument.

    Sites and chambers are made safe side by side, so that one which does not answer holds up no other; each is tried
    three times before the report says that it could not be verified.
    """

    def off(site: Site) -> tuple[bool, str]:
        with bench.taking(sorted(site.instruments)):
            return site_off(site)

    def warm(name: str, chamber: ThermalChamber) -> tuple[bool, str]:
        return chamber_safe(chamber, bench.bench.file.instruments[name].safe_temperature)

    calls: list[Callable[[], tuple[bool, str]]] = [partial(off, site) for site in bench.sites.values()]
    done = bench.clock.gather(calls) if calls else []
    # Chambers after the rails: never a chamber off first with a hot, powered board in it.
    done += bench.clock.gather([partial(warm, name, chamber) for name, chamber in bench.chambers.items()])
    return SafeReport(all(ok for ok, _ in done), tuple(text for _, text in done))


def site_off(site: Site) -> tuple[bool, str]:
    """Switch the rails of a site off in reverse power-up order, and read back; returns (verified, what happened)."""
    on = list(reversed(list(site.rails.values())))
    problems: dict[str, str] = {}
    for _ in range(_ATTEMPTS):
        lost: dict[str, str] = {}  # an instrument that cannot be reached is not asked once for each of its rails
        for rail in on:
            gone = next((lost[name] for name in rail.instruments if name in lost), "")
            problems[rail.name] = gone or _rail_off(rail, lost)
        on = [rail for rail in on if problems[rail.name]]
        if not on:
            return True, f"site {site.name}: {', '.join(reversed(list(site.rails)))} off, read back"
    failed = "; ".join(f"rail {rail.name} ({rail.wiring.source}): {problems[rail.name]}" for rail in on)
    return False, f"site {site.name} NOT VERIFIED OFF: {failed}"


def _rail_off(rail: Rail, lost: dict[str, str]) -> str:
    """Return what is wrong, "" when the output reads back off; notes an instrument whose connection is lost."""
    try:
        off = rail.owner.perform([rail.channel.output.prepare(False), rail.channel.output.prepare_get()])[0]
    except Exception as error:  # whatever it is, the other rails must still go off
        if not isinstance(error, LabkitError):  # a reply that nobody collected, as after a broken wait, owns the link
            with suppress(Exception):
                rail.owner.port.resync()
        if isinstance(error, LinkError):
            lost[error.instrument] = str(error)
        return str(error)
    return "" if off is False else "the output reads back on"


def chamber_safe(chamber: ThermalChamber, target_degc: float) -> tuple[bool, str]:
    """Send a chamber to ``target_degc`` and read the set point back; returns (verified, what happened)."""
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            values = cast(Owner, chamber).perform([
                chamber.temperature.prepare(target_degc), chamber.control.prepare("auto"),
                chamber.temperature.prepare_get(), chamber.control.prepare_get()])
        except Exception as error:  # a limit that refuses the safe temperature is one more thing to report
            problem = str(error)
            continue
        point, control = values
        if isinstance(point, float) and abs(point - target_degc) < 0.1 and control == "auto":
            return True, f"{chamber.label}: set point {target_degc:g} degC, read back"
        problem = f"set point reads back {point}, control {control}"
    return False, f"{chamber.label} NOT VERIFIED SAFE: {problem}"
