"""Power of one site: up in rail order with protection first, down in reverse, a cycle to recover a board."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, cast

from labkit.bench.opened import OpenBench, Rail, Site
from labkit.bench.safe import site_off
from labkit.errors import InstrumentError, LinkTimeout, NotVerifiedSafe
from labkit.instrument import BoundReading, Operation, Special
from labkit.plan.compiled import Guard
from labkit.plan.estimate import POWER_OFF_S
from labkit.quantity import render
from labkit.run.session import Session

_LOGIN_S = 5.0
_COOL_MINUTES = 15


class BoardDidNotStart(InstrumentError):
    """A rail did not come up, or the console never showed that the board had booted."""


def power_up(site: Site, bench: OpenBench, session: Session) -> None:
    """Bring the rails up in order and wait for the boot; raises BoardDidNotStart with the site left as it is.

    Protection, current limit and voltage are set and read back before an output is switched on, and the message that
    switches it on sets them again: between the two a supply may have rebooted and forgotten.
    """
    site.console_port.link.drain()
    for rail in site.rails.values():
        session.check()
        with bench.taking(rail.instruments):
            _rail_up(site, rail)
            session.sleep(rail.spec.settle + 0.1)
            _check_rail(site, rail)
    wait_boot(site)


def _rail_up(site: Site, rail: Rail) -> None:
    channel, spec = rail.channel, rail.spec
    # A supply that is faster than the board's ramp is switched on at 0 V and led up in steps.
    first = spec.nominal if rail.largest_step == math.inf else 0.0
    wanted: list[tuple[Any, Any]] = [
        (channel.current_limit, spec.current_limit), (channel.ovp_level, spec.ovp), (channel.ovp_enabled, True),
        (channel.sense, rail.wiring.sense), (channel.voltage, first)]
    puts: list[Operation] = [setting.prepare(value) for setting, value in wanted]
    gets = [setting.prepare_get() for setting, _ in wanted]
    tripped = [channel.ovp_tripped.prepare(), channel.ocp_tripped.prepare()]
    _expect(site, rail, wanted, rail.owner.perform([*puts, *gets]))
    values = rail.owner.perform([*puts, channel.output.prepare(True), *gets, channel.output.prepare_get(), *tripped])
    _expect(site, rail, wanted, values)
    if values[len(wanted)] is not True or any(values[len(wanted) + 1:]):
        raise BoardDidNotStart(
            f"rail {rail.name} of site {site.name} did not switch on (its protection has tripped); look for a short, "
            "then clear the trip", instrument=rail.wiring.source)
    if first != spec.nominal:
        for volts in rail.steps(first, spec.nominal):
            channel.voltage.set(volts)


def _expect(site: Site, rail: Rail, wanted: Sequence[tuple[Any, Any]], values: Sequence[Any]) -> None:
    """Raise unless every read-back is what was set, within the resolution of a bench supply."""
    for (setting, value), got in zip(wanted, values, strict=False):
        same = abs(got - value) <= 0.002 + 0.002 * abs(value) if isinstance(value, float) else got == value
        if not same:
            raise BoardDidNotStart(f"{setting.row.name} was set to {value} and reads back {got}; nothing was switched "
                                   f"on for rail {rail.name} of site {site.name}", instrument=rail.wiring.source)


def _check_rail(site: Site, rail: Rail) -> None:
    channel, nominal = rail.channel, rail.spec.nominal
    volts, mode = rail.owner.perform([channel.measured_voltage.prepare(), channel.mode.prepare()])
    if isinstance(volts, Special) or abs(volts - nominal) > 0.02 * nominal + 0.01 or mode != "CV":
        shown = volts.value if isinstance(volts, Special) else render(volts, "V")
        raise BoardDidNotStart(
            f"rail {rail.name} of site {site.name} measures {shown} in mode {mode}, not {render(nominal, 'V')} in CV; "
            "look for a short or an open sense lead", instrument=rail.wiring.source)


def wait_boot(site: Site) -> None:
    """Wait until the console shows that the board is up, and log in where the board file says how."""
    console, boot = site.board.file.console, site.board.file.console.boot
    link = site.console_port.link
    try:
        link.expect(re.compile(boot.expect), boot.timeout)
        if console.login:
            link.send(console.login + "\n")
            site.console_port.reply(console.login, _LOGIN_S)
    except LinkTimeout as error:
        raise BoardDidNotStart(
            f"the board at site {site.name} did not boot: its console never showed {boot.expect!r}",
            instrument=site.console.label, reply=(error.reply or "")[-300:], elapsed_s=boot.timeout) from None


def power_down(site: Site, bench: OpenBench) -> None:
    """Switch the rails off in reverse order and read back; raises NotVerifiedSafe when one stays on."""
    with bench.taking(sorted(site.instruments)):
        verified, text = site_off(site)
    if not verified:
        raise NotVerifiedSafe(text)


def cool_down(site: Site, bench: OpenBench, session: Session, guard: Guard) -> bool:
    """Leave the rails off until a guarded reading is back at its resume level; return whether it came back.

    The reading needs the board's power: it is looked at after each minute without, at nominal and idle.
    """
    reading = cast("BoundReading[Any]", site.target(guard.reading))
    for _ in range(_COOL_MINUTES):
        power_down(site, bench)
        session.sleep(60.0)
        power_up(site, bench, session)
        if guard.resumed(reading.read()):
            return True
    return False


def power_cycle(site: Site, bench: OpenBench, session: Session) -> None:
    """Take the board's power away long enough to forget, and start it again; raises BoardDidNotStart."""
    power_down(site, bench)
    session.sleep(POWER_OFF_S)
    power_up(site, bench, session)
