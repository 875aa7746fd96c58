"""What earlier runs of a plan taught: the share of points that ended in a hang or crash."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from labkit.store.folder import RUN_JSON, read_json, run_folders

_LOOK_AT = 200
_LEARN_FROM = 5


def failing_share(runs: Path, plan: str) -> tuple[float, int] | None:
    """Return (share, number of runs) from the latest complete runs of ``plan`` under ``runs``; None without any."""
    shares = []
    for folder in islice(run_folders(runs), _LOOK_AT):
        if folder.name.partition("-")[2] != plan:
            continue
        info = read_json(folder / RUN_JSON)
        if info.get("status") != "complete":
            continue
        by_site = info.get("counts")
        counts = [c for c in by_site.values() if isinstance(c, dict)] if isinstance(by_site, dict) else []
        total = sum(sum(c.values()) for c in counts)
        if total:
            shares.append(sum(c.get("hang", 0) + c.get("crash", 0) for c in counts) / total)
        if len(shares) == _LEARN_FROM:
            break
    return (sum(shares) / len(shares), len(shares)) if shares else None
