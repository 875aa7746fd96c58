"""Looking at the real instruments of a bench without changing anything: who answers, and is anything amiss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from labkit.bench.bench import Bench
from labkit.bench.opened import LinkSource
from labkit.clock import Clock
from labkit.errors import LabkitError
from labkit.instrument import Instrument, Owner, ScpiPort
from labkit.instrument.kinds import PowerSupply
from labkit.instrument.registry import driver
from labkit.quantity import render_duration
from labkit.text import clean
from labkit.transport.link import StreamLink

_POWER_ON = 128  # IEEE 488.2, 11.5.1: bit 7 of the standard event status register


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen. "problem" stands in the way of a run, "warning" is worth a look."""

    level: Literal["ok", "warning", "problem"]
    instrument: str
    text: str


def connect(bench: Bench, links: LinkSource, clock: Clock, today: date, waiver: str = "") -> list[Finding]:
    """Open every instrument in turn, look at it, and close it; one that fails does not hide the others.

    Reads only, but for clearing what reading clears (error queue, power-on bit). ``waiver`` is the reason for running
    past a calibration date, "" for none.
    """
    found: list[Finding] = []
    for name, entry in bench.file.instruments.items():
        cls = bench.drivers[name]
        instrument: Instrument | None = None
        try:
            link = links.open(name, entry.resource, kind=cls.dialect.link_kind, visa=entry.visa or bench.file.visa,
                              timeout_s=entry.timeout, clock=clock, options=cls.link_options)
            instrument = cls(name, link, clock)
            found += _look(bench, name, instrument)
        except LabkitError as error:
            found.append(Finding("problem", name, str(error).removeprefix(f"{name}: ")))
        finally:
            if instrument is not None:
                instrument.close()
        found += calibration(bench, name, today, waiver)
    return found + [_console(bench, site, links, clock) for site in bench.file.sites]


def _console(bench: Bench, site: str, links: LinkSource, clock: Clock) -> Finding:
    """Open a site's console and listen: whether its board answers is known only when it is powered."""
    entry, name = bench.file.sites[site], bench.console_name(site)
    try:
        link = cast(StreamLink, links.open(name, entry.console, kind="stream", visa=None, timeout_s=2.0, clock=clock,
                                           options=driver(entry.console_driver).link_options))
        try:
            heard = link.drain()
        finally:
            link.close()
    except LabkitError as error:
        return Finding("problem", name, str(error).removeprefix(f"{name}: "))
    return Finding("ok", name, f"{entry.console} can be opened" + (f"; it says {clean(heard, 60)!r}" if heard else ""))


def _look(bench: Bench, name: str, instrument: Instrument) -> Iterator[Finding]:
    entry = bench.file.instruments[name]
    identity = instrument.identify()
    text = f"{identity.manufacturer} {identity.model}, serial {identity.serial or '-'}, firmware {identity.firmware}"
    yield Finding("ok", name, text + (" (simulated)" if identity.simulated else ""))
    if entry.serial is not None and identity.serial != entry.serial:
        yield Finding("problem", name, f"the bench file expects serial {entry.serial}; check the address, or the "
                                       "serial")
    if entry.firmware is not None and identity.firmware != entry.firmware:
        yield Finding("warning", name, f"the bench file expects firmware {entry.firmware}; what was learned about this "
                                       "instrument may not hold")
    if isinstance(instrument.port, ScpiPort):
        yield from _queues(name, instrument.port, entry.warm_up)
    if instrument.kind == "power-supply":
        yield from _supply(bench, name, cast(PowerSupply, instrument))


def _queues(name: str, port: ScpiPort, warm_up_s: float) -> Iterator[Finding]:
    errors = port.drain_errors()
    if errors:
        listed = "; ".join(f"{number} {clean(text, 80)}" for number, text in errors)
        yield Finding("warning", name, f"its error queue held: {listed}")
    try:
        events = int(float(port.query("*ESR?")))
    except (ValueError, LabkitError):
        return  # no IEEE 488.2 status: nothing to be learned
    if events & _POWER_ON and warm_up_s:
        yield Finding("warning", name, f"was switched on since it was last asked; allow {render_duration(warm_up_s)} "
                                       "before its accuracy is relied on")


def _supply(bench: Bench, name: str, supply: PowerSupply) -> Iterator[Finding]:
    wired = {}
    for site, entry in bench.file.sites.items():
        for rail, wiring in entry.rails.items():
            gang = bench.file.channels.get(wiring.source)
            for source in gang.parallel if gang else [wiring.source]:
                wired[source] = (f"site {site} rail {rail}", wiring.sense)
    for number, channel in supply.channels.items():
        rows = (channel.output.prepare_get(), channel.sense.prepare_get(), channel.ovp_tripped.prepare(),
                channel.ocp_tripped.prepare(), channel.ovp_enabled.prepare_get(), channel.ovp_level.prepare_get())
        output, sense, over_volts, over_amps, armed, level = cast(Owner, channel).perform(rows)
        place, wanted = wired.get(f"{name}.{number}", ("not wired", sense))
        protection = f"{level:g} V" if armed else "off"
        yield Finding("ok", name, f"channel {number} ({place}): output {'on' if output else 'off'}, sense {sense}, "
                                  f"over-voltage protection {protection}")
        if over_volts or over_amps:
            kind = "over-voltage" if over_volts else "over-current"
            yield Finding("problem", name, f"channel {number}: {kind} protection has tripped and is latched; find the "
                                           "cause, then clear it at the instrument")
        if output:
            yield Finding("warning", name, f"channel {number} is on; a run would take it over")
        if sense != wanted:
            yield Finding("warning", name, f"channel {number} senses {sense}, the bench file says {wanted}; a run sets "
                                           f"{wanted} before it switches on: are the sense leads there?")


def calibration(bench: Bench, name: str, today: date, waiver: str) -> list[Finding]:
    """Return what the calibration date of one instrument means today."""
    due = bench.file.instruments[name].calibration_due
    if due is None:
        return []
    if due >= today:
        return [Finding("ok", name, f"calibrated until {due}")]
    if waiver:
        return [Finding("warning", name, f"calibration was due on {due}; waived: {clean(waiver, 200)}")]
    return [Finding("problem", name, f"calibration was due on {due}; have it calibrated, correct calibration_due, or "
                                     'run with --waive-calibration "reason"')]


def overdue(bench: Bench, today: date) -> Mapping[str, date]:
    """Return the instruments past their calibration date."""
    dues = {name: entry.calibration_due for name, entry in bench.file.instruments.items()}
    return {name: due for name, due in dues.items() if due is not None and due < today}
