"""From names on a command line to a finished run folder: load, check, open, perform, store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.bench.links import RealLinks
from labkit.bench.opened import LinkSource, OpenBench, open_bench
from labkit.clock import Clock, VirtualClock, WallClock
from labkit.errors import IdentityError, InfrastructureError
from labkit.instrument import Identity
from labkit.run.engine import Performance, perform
from labkit.run.provenance import provenance
from labkit.run.record import Recorder, stored_columns
from labkit.run.request import Prepared, RunRequest, prepare
from labkit.run.session import Observer, Session
from labkit.store.folder import POINTS, RUN_DB, RUN_JSON, new_run_folder, write_json
from labkit.store.journal import Journal
from labkit.store.parquet import write_parquet


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to, for people and for --json."""

    folder: Path
    verdict: str
    reasons: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    virtual_s: float
    wall_s: float
    simulated: bool
    exit_code: int
    planned: int
    """How many points the plan has."""
    problem: str = ""

    @property
    def measured(self) -> dict[str, int]:
        """The points that were stored, by site."""
        return {site: sum(counts.values()) for site, counts in self.counts.items()}


def launch(prepared: Prepared, observers: Sequence[Observer] = ()) -> RunOutcome:
    """Perform the run and return what it came to; instrument errors end it, stored and made safe."""
    bench = prepared.bench
    clock: Clock = VirtualClock() if prepared.request.simulate else WallClock(
        bench.file.time_scale if bench.file.simulated else 1.0)
    started = time.monotonic()
    session = Session(clock, observers)
    with session.signals():
        opened = open_bench(bench, _links(prepared, clock), clock, prepared.duts)
        try:
            identities = opened.identify()
            simulated = _all_or_none(prepared, identities)
            session.check()
            return _perform(prepared, opened, identities, session, simulated, started)
        finally:
            opened.close()


def _all_or_none(prepared: Prepared, identities: Mapping[str, Identity]) -> bool:
    """Return whether the bench is simulated; refuse one that mixes, or says it is and is not.

    A bench that claims to be simulated runs its soaks faster than life and asks for no serial numbers: on real
    instruments both would be wrong.
    """
    if prepared.request.simulate:
        return True
    twins = {name for name, identity in identities.items() if identity.simulated}
    real = next((name for name in identities if name not in twins), None)
    if real is None:
        return bool(identities) or prepared.simulated
    if twins or prepared.simulated:
        said = "the bench file says `simulated: true`" if prepared.simulated else f"{min(twins)} is a twin"
        raise IdentityError(f"a real instrument answers here (serial {identities[real].serial}), but {said}; correct "
                            "the address, or remove simulated and time_scale from the bench file", instrument=real)
    return False


def _links(prepared: Prepared, clock: Clock) -> LinkSource:
    if not prepared.request.simulate:
        return RealLinks()
    from labkit.bench.simulate import SimulatedBench

    return SimulatedBench(prepared.bench, clock, seed=prepared.request.seed, duts=prepared.duts)


def _perform(
    prepared: Prepared, bench: OpenBench, identities: Mapping[str, Identity], session: Session, simulated: bool,
    started: float,
) -> RunOutcome:
    now = datetime.now(UTC)
    folder = new_run_folder(prepared.request.runs, prepared.plan.name, now.astimezone().date())
    info = provenance(prepared, folder, identities, simulated, now)
    write_json(folder / RUN_JSON, info)
    journal = Journal(folder / RUN_DB, stored_columns(prepared.plan), inline=session.clock.virtual)
    recorder = Recorder(prepared.plan, journal, session)
    began = session.clock.now()
    performance = Performance()
    try:
        perform(prepared.plan, bench, session, recorder, performance)
    except Exception as error:
        # Not labkit's own: the bench was made safe, the record is finished as far as it goes, the cause passes on.
        performance.problem = InfrastructureError(f"labkit itself failed: {type(error).__name__}: {error}")
        raise
    finally:
        with suppress(InfrastructureError):  # its first error has ended the run already
            journal.close()
        outcome = _finish(folder, info, performance, recorder, session, session.clock.now() - began,
                          time.monotonic() - started, prepared.plan.point_count)
    return outcome


def _finish(
    folder: Path, info: dict[str, Any], performance: Performance, recorder: Recorder, session: Session,
    virtual_s: float, wall_s: float, planned: int,
) -> RunOutcome:
    """Write the conclusion: run.json first, since everything else can be made again from the journal."""
    verdict, reasons = recorder.verdict(performance.complete)
    verdict, exit_code = _conclude(performance, verdict, session)
    if performance.problem is not None:
        reasons.insert(0, str(performance.problem))
    reasons += [f"site {site} dropped: {reason}" for site, reason in performance.dropped.items()]
    if not performance.safe.verified:
        reasons.insert(0, f"NOT VERIFIED SAFE, switch it off by hand now: {performance.safe}")
    counts = {site: dict(sorted(c.items())) for site, c in recorder.counts.items()}
    for site, reason in performance.dropped.items():
        info["sites"][site] |= {"status": "dropped", "reason": reason}
    info |= {
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": "complete" if performance.complete else "aborted" if verdict == "aborted" else "error",
        "verdict": verdict, "verdict_reasons": reasons, "exit_code": exit_code, "counts": counts,
        "times": {"virtual_s": virtual_s, "wall_s": wall_s}, "recoveries": recorder.recoveries,
        "settles": [asdict(settle) for settle in performance.settles],
        "safe": {"verified": performance.safe.verified, "text": str(performance.safe)},
    }
    outcome = RunOutcome(folder, verdict, tuple(reasons), counts, virtual_s, wall_s, bool(info["simulated"]), exit_code,
                         planned, str(performance.problem or ""))
    try:
        write_json(folder / RUN_JSON, info)
        write_parquet(folder / RUN_DB, folder / POINTS,
                      {"run": folder.name, "simulated": str(outcome.simulated).lower()})
    except InfrastructureError as error:
        missing = f"the run's folder is not complete: {error}"
        return replace(outcome, exit_code=exit_code or 3, reasons=(*reasons, missing))
    return outcome


def _conclude(performance: Performance, verdict: str, session: Session) -> tuple[str, int]:
    """Return verdict and exit code; "not verified safe" outranks everything."""
    if not performance.safe.verified:
        return "error", 5
    if session.stop_level and not performance.complete:
        return "aborted", 4
    if performance.problem is not None:
        return "error", 3
    return verdict, 0 if verdict == "pass" else 1


__all__ = ["Prepared", "RunOutcome", "RunRequest", "launch", "prepare"]
