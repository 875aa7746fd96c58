"""What is asked of a run, and what can be made ready and checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from labkit.bench.bench import Bench
from labkit.bench.connect import overdue
from labkit.bench.duts import read_duts
from labkit.bench.load import find_file, load_bench
from labkit.bench.opened import OpenBench, RefusingLinks, open_bench
from labkit.clock import VirtualClock
from labkit.errors import ConfigError
from labkit.plan.compile import compile_plan
from labkit.plan.compiled import CompiledPlan
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
    serials = [request.duts[name] for name in chosen if name in request.duts]
    twice = next((serial for serial in serials if serials.count(serial) > 1), None)
    if twice is not None:
        raise ConfigError(f"--dut {twice} stands at two sites; one board is in one place")
    if request.simulate or bench.file.simulated:
        return {name: request.duts.get(name, f"SIM-{name}") for name in chosen}
    missing = [name for name in chosen if name not in request.duts]
    if missing and len(missing) < len(chosen):
        chosen = [name for name in chosen if name in request.duts]
    elif missing:
        raise ConfigError(f"a real bench needs the serial number of each board: add "
                          f"{' '.join(f'--dut {name}=SERIAL' for name in missing)}, or --sim to rehearse")
    return {name: request.duts[name] for name in chosen}
