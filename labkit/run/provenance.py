"""What a run stores about itself: everything needed to repeat it, and to know what it was done with."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labkit.instrument import Identity
from labkit.labfile import find_lab
from labkit.plan.compiled import CompiledPlan
from labkit.run.request import Prepared
from labkit.store.folder import FORMAT
from labkit.store.notes import attempts


def provenance(
    prepared: Prepared, folder: Path, identities: Mapping[str, Identity], simulated: bool, now: datetime,
) -> dict[str, Any]:
    """Return what run.json says when a run begins: plan, bench, boards, instruments, people, station."""
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
