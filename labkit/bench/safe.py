"""Making a bench safe: rails off in reverse power-up order, chambers to their safe temperature, all read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from labkit.bench.opened import OpenBench, Rail, Site
from labkit.errors import InstrumentError, LabkitError
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

    Goes on with the rest when one instrument does not answer; tries three times before it says so.
    """
    lines: list[str] = []
    verified = True
    for site in bench.sites.values():
        ok, text = site_off(site)
        verified &= ok
        lines.append(text)
    for name, chamber in bench.chambers.items():
        ok, text = chamber_safe(chamber, bench.bench.file.instruments[name].safe_temperature)
        verified &= ok
        lines.append(text)
    return SafeReport(verified, tuple(lines))


def site_off(site: Site) -> tuple[bool, str]:
    """Switch the rails of a site off in reverse power-up order, and read back; returns (verified, what happened)."""
    failed = []
    for rail in reversed(list(site.rails.values())):
        problem = _rail_off(rail)
        if problem:
            failed.append(f"rail {rail.name} ({rail.wiring.source}): {problem}")
    if failed:
        return False, f"site {site.name} NOT VERIFIED OFF: {'; '.join(failed)}"
    return True, f"site {site.name}: {', '.join(reversed(list(site.rails)))} off, read back"


def _rail_off(rail: Rail) -> str:
    """Return what is wrong, "" when the output reads back off."""
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            off = rail.owner.perform([rail.channel.output.prepare(False), rail.channel.output.prepare_get()])[0]
        except LabkitError as error:
            problem = str(error)
            continue
        if off is False:
            return ""
        problem = "the output reads back on"
    return problem


def chamber_safe(chamber: ThermalChamber, target_degc: float) -> tuple[bool, str]:
    """Send a chamber to ``target_degc`` and read the set point back; returns (verified, what happened)."""
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            values = cast(Owner, chamber).perform([
                chamber.temperature.prepare(target_degc), chamber.control.prepare("auto"),
                chamber.temperature.prepare_get(), chamber.control.prepare_get()])
        except InstrumentError as error:
            problem = str(error)
            continue
        if abs(values[0] - target_degc) < 0.1 and values[1] == "auto":
            return True, f"{chamber.label}: set point {target_degc:g} degC, read back"
        problem = f"set point reads back {values[0]:g} degC, control {values[1]}"
    return False, f"{chamber.label} NOT VERIFIED SAFE: {problem}"
