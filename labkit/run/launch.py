"""From names on a command line to a finished run folder: load, check, open, perform, store."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labkit.bench.bench import Bench
from labkit.bench.connect import overdue
from labkit.bench.duts import read_duts
from labkit.bench.links import RealLinks
from labkit.bench.load import find_file, load_bench
from labkit.bench.opened import LinkSource, OpenBench, RefusingLinks, open_bench
from labkit.clock import Clock, VirtualClock, WallClock
from labkit.errors import ConfigError, LabkitError
from labkit.instrument import Identity
from labkit.labfile import find_lab
from labkit.plan.compile import compile_plan
from labkit.plan.compiled import CompiledPlan
from labkit.run.engine import Performance, perform
from labkit.run.record import Recorder, stored_columns
from labkit.run.session import Observer, Session
from labkit.store.folder import FORMAT, POINTS, RUN_DB, RUN_JSON, new_run_folder, write_json
from labkit.store.journal import Journal
from labkit.store.notes import attempts
from labkit.store.parquet import write_parquet
from labkit.text import near
from labkit.yamlfile import read_yaml


@dataclass(frozen=True)
class RunRequest:
    """What was asked for. ``simulate`` uses in-process twins whatever the addresses in the bench file."""

    plan: str
    bench: str
    duts: Mapping[str, str] = field(default_factory=dict)
    simulate: bool = False
    seed: int = 0
    overrides: Mapping[str, str] = field(default_factory=dict)
    runs: Path = Path("runs")
    operator: str = ""
    note: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    world: str = ""
    """"" as the bench file says; "full" or "memoryless" to override a simulation."""
    sites: Sequence[str] = ()
    """The sites to run; all where none is named."""
    waive_calibration: str = ""
    """Why instruments past their calibration date may be used; stored with the run."""
    duts_file: Path | None = None
    """What is known of the boards (duts.csv); stored with each."""


@dataclass(frozen=True)
class Prepared:
    """A plan and a bench that were checked against each other; nothing was sent."""

    request: RunRequest
    bench: Bench
    plan: CompiledPlan
    dry: OpenBench
    duts: Mapping[str, str]
    known: Mapping[str, Mapping[str, str]]
    """What duts.csv says of the board at each site."""

    @property
    def simulated(self) -> bool:
        """In-process twins, or a bench file that says its addresses lead to served ones."""
        return self.request.simulate or self.bench.file.simulated


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


def prepare(request: RunRequest) -> Prepared:
    """Load and check everything that needs no hardware; raises ConfigError with place and remedy."""
    bench = load_bench(request.bench)
    if request.world:
        bench = Bench(bench.document, bench.file.model_copy(update={"world": request.world}), bench.boards,
                      bench.drivers)
    duts = _duts(bench, request)
    dry = open_bench(bench, RefusingLinks(), VirtualClock(), duts)
    plan_path = find_file(request.plan, "plan", [bench.document.path.parent])
    plan = compile_plan(read_yaml(plan_path), dry, request.overrides)
    prepared = Prepared(request, bench, plan, dry, duts, _known(request, duts))
    late = {} if prepared.simulated else overdue(bench, datetime.now(UTC).date())
    if late and not request.waive_calibration:
        listed = ", ".join(f"{name} ({due})" for name, due in late.items())
        raise ConfigError(f"past their calibration date: {listed}; have them calibrated, correct calibration_due in "
                          'the bench file, or run with --waive-calibration "reason"')
    return prepared


def _known(request: RunRequest, duts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what duts.csv says of each board, by site."""
    rows = read_duts(request.duts_file) if request.duts_file is not None else {}
    return {site: rows.get(serial, {}) for site, serial in duts.items()}


def _duts(bench: Bench, request: RunRequest) -> dict[str, str]:
    sites = bench.file.sites
    for name in (*request.duts, *request.sites):
        if name not in sites:
            raise ConfigError(f"the bench {bench.name} has no site {name!r}{near(name, sites)}")
    chosen = [name for name in sites if not request.sites or name in request.sites]
    if request.simulate or bench.file.simulated:
        return {name: request.duts.get(name, f"SIM-{name}") for name in chosen}
    missing = [name for name in chosen if name not in request.duts]
    if missing and request.duts:
        chosen = [name for name in chosen if name in request.duts]
    elif missing:
        raise ConfigError(f"a real bench needs the serial number of each board: add "
                          f"{' '.join(f'--dut {name}=SERIAL' for name in missing)}, or --sim to rehearse")
    return {name: request.duts[name] for name in chosen}


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
        except BaseException:
            opened.close()
            raise
        simulated = prepared.simulated or any(identity.simulated for identity in identities.values())
        try:
            return _perform(prepared, opened, identities, session, simulated, started)
        finally:
            opened.close()


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
    info = _info(prepared, folder, identities, simulated, now)
    write_json(folder / RUN_JSON, info)
    journal = Journal(folder / RUN_DB, stored_columns(prepared.plan), inline=session.clock.virtual)
    recorder = Recorder(prepared.plan, journal, session)
    began = session.clock.now()
    try:
        performance = perform(prepared.plan, bench, session, recorder)
    finally:
        journal.close()
    verdict, reasons = recorder.verdict(performance.complete)
    verdict, exit_code = _conclude(performance, verdict, session)
    if performance.problem is not None:
        reasons.insert(0, str(performance.problem))
    reasons += [f"site {site} dropped: {reason}" for site, reason in performance.dropped.items()]
    if not performance.safe.verified:
        reasons.insert(0, f"NOT VERIFIED SAFE: {performance.safe}")
    virtual_s, wall_s = session.clock.now() - began, time.monotonic() - started
    counts = {site: dict(sorted(c.items())) for site, c in recorder.counts.items()}
    sites = info["sites"]
    for site, reason in performance.dropped.items():
        sites[site] |= {"status": "dropped", "reason": reason}
    info |= {
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": "complete" if performance.complete else "aborted" if verdict == "aborted" else "error",
        "verdict": verdict, "verdict_reasons": reasons, "exit_code": exit_code, "counts": counts,
        "times": {"virtual_s": virtual_s, "wall_s": wall_s}, "recoveries": recorder.recoveries,
        "settles": [asdict(settle) for settle in performance.settles],
        "safe": {"verified": performance.safe.verified, "text": str(performance.safe)},
    }
    write_parquet(folder / RUN_DB, folder / POINTS, {"run": folder.name, "simulated": str(simulated).lower()})
    write_json(folder / RUN_JSON, info)
    return RunOutcome(folder, verdict, tuple(reasons), counts, virtual_s, wall_s, simulated, exit_code,
                      prepared.plan.point_count, str(performance.problem or ""))


def _conclude(performance: Performance, verdict: str, session: Session) -> tuple[str, int]:
    """Return verdict and exit code; "not verified safe" outranks everything."""
    if session.stop_level and not performance.complete:
        verdict, code = "aborted", 4
    elif performance.problem is not None:
        verdict, code = "error", 3
    else:
        code = 0 if verdict == "pass" else 1
    return verdict, code if performance.safe.verified else 5


def _info(
    prepared: Prepared, folder: Path, identities: Mapping[str, Identity], simulated: bool, now: datetime,
) -> dict[str, Any]:
    plan, bench, request = prepared.plan, prepared.bench, prepared.request
    test = next(iter(plan.sites.values())).test
    return {
        "format": FORMAT, "run": folder.name, "labkit": version("labkit"),
        "created_utc": now.isoformat(timespec="seconds"), "finished_utc": "", "status": "running",
        "simulated": simulated,
        "simulation": {"seed": request.seed, "world": bench.file.world} if request.simulate else {},
        "verdict": "unset", "verdict_reasons": [], "operator": request.operator, "note": request.note,
        "tags": dict(request.tags), "calibration_waiver": request.waive_calibration,
        "plan": {
            **_source(plan), "axes": [{"name": a.name, "unit": a.unit, "shared": a.shared, "values": list(a.values)}
                                      for a in plan.axes],
            "search": plan.file.search.kind, "test": test.name if test else "", "judge": plan.file.judge,
            "limits": {n: {k: v for k, v in (("min", b.low), ("max", b.high)) if abs(v) != float("inf")}
                       | {"unit": next(c.unit for c in (*plan.meanwhile, *plan.measure) if c.name == n)}
                       for n, b in plan.limits.items()},
            "overrides": dict(plan.overrides)},
        "bench": {"name": bench.name, "file": str(bench.document.path), "sha256": bench.document.sha256,
                  "source": bench.document.source},
        "boards": {name: {"file": str(board.document.path), "sha256": board.document.sha256,
                          "source": board.document.source} for name, board in bench.boards.items()},
        "sites": {name: {"dut": site.dut, "board": site.board, "status": "complete", "reason": "",
                         "slot": bench.file.sites[name].slot, "about": dict(prepared.known[name]),
                         "attempt": len(attempts(request.runs, plan.name, site.dut)) + 1,
                         "wiring": {rail: {"from": w.source, "sense": w.sense, "leads_ohm": w.leads}
                                    for rail, w in bench.file.sites[name].rails.items()},
                         "spec": {k: list(v) for k, v in site.spec.items()}, "nominal": dict(site.nominal)}
                  for name, site in plan.sites.items()},
        "instruments": {name: {
            "driver": bench.file.instruments[name].driver, "resource": bench.file.instruments[name].resource,
            **asdict(identity), "calibration_due": str(bench.file.instruments[name].calibration_due or "")}
            for name, identity in identities.items()},
        "station": _station(),
    }


def _source(plan: CompiledPlan) -> dict[str, Any]:
    return {"name": plan.name, "title": plan.file.title, "file": str(plan.document.path),
            "sha256": plan.document.sha256, "source": plan.document.source}


def _station() -> dict[str, str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    lab, host = find_lab(), socket.gethostname()
    return {"name": (lab.file.station if lab else "") or host, "host": host, "user": user,
            "python": sys.version.split()[0], "platform": platform.platform(), "git": _git_state()}


def _git_state() -> str:
    """Return commit and "dirty" of the folder the run was started in, "" outside a repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],  # noqa: S607
            capture_output=True, text=True, timeout=5, check=False, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"})
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


__all__ = ["LabkitError", "Prepared", "RunOutcome", "RunRequest", "launch", "prepare"]
