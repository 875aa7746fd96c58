"""Run folders as the engine leaves them, made up: for looking at, and for tests."""

from __future__ import annotations

import json
import math
import random
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

F, V, T = "clocks.core.frequency", "rails.core.voltage", "chamber.temperature"
I_CORE, V_CORE = "rails.core.measured_current", "rails.core.measured_voltage"
MODE, TJ = "rails.core.mode", "readings.tj"
COLUMNS = (
    ("site", "key", "", ""), ("block", "key", "", ""), ("sequence", "key", "", ""), (T, "axis", "degC", "air set"),
    (F, "axis", "Hz", "core clock"), (V, "axis", "V", "core rail"), (I_CORE, "measurement", "A", "under load"),
    (V_CORE, "measurement", "V", "under load"), (MODE, "condition", "", "CV or CC"), (TJ, "measurement", "degC", "die"),
    ("outcome", "outcome", "", ""), ("t_s", "condition", "s", ""), ("duration_s", "condition", "s", ""),
)
TABLES = f"""
CREATE TABLE points (site TEXT, block INTEGER, sequence INTEGER, dut TEXT, "{T}" REAL, "{F}" REAL, "{V}" REAL,
  "{I_CORE}" REAL, "{I_CORE}.flag" TEXT, "{V_CORE}" REAL, "{MODE}" TEXT, "{TJ}" REAL, outcome TEXT, reason TEXT,
  judged INTEGER, violations TEXT, t_s REAL, utc TEXT, duration_s REAL, attempt INTEGER,
  PRIMARY KEY (site, block, sequence));
CREATE TABLE columns (name TEXT, role TEXT, unit TEXT, doc TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, t_s REAL, utc TEXT, level TEXT, site TEXT, text TEXT);
CREATE TABLE traces (t_s REAL, site TEXT, name TEXT, value REAL);
"""
EPOCH = datetime(2026, 11, 22, 19, 0)


@dataclass(frozen=True)
class Shape:
    """How big and how finished the run is."""

    temperatures: tuple[float, ...] = (-40.0, 25.0, 85.0)
    frequencies: tuple[float, ...] = tuple(1.0e9 + 50e6 * i for i in range(25))
    voltages: tuple[float, ...] = tuple(round(0.90 - 0.01 * i, 4) for i in range(36))
    sites: tuple[str, ...] = ("A", "B")
    status: str = "complete"
    number: int = 42


SMALL = Shape((25.0, 85.0), (1.0e9, 1.5e9, 2.0e9), (0.80, 0.75, 0.70, 0.65))


def make_run(root: Path, shape: Shape = SMALL, *, day: str = "2026-11-22", text: str = "") -> Path:
    """Make a run folder under ``root``; ``text`` is foreign text that goes wherever foreign text can be."""
    folder = root / day / f"{shape.number:04d}-vtf-shmoo"
    folder.mkdir(parents=True)
    rows, settles, traces, events = _measure(shape, text)
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(TABLES)
        db.executemany(f"INSERT INTO points VALUES ({','.join('?' * 20)})", rows)
        db.executemany("INSERT INTO columns VALUES (?,?,?,?)", COLUMNS)
        db.executemany("INSERT INTO events(t_s, utc, level, site, text) VALUES (?,?,?,?,?)", events)
        db.executemany("INSERT INTO traces VALUES (?,?,?,?)", traces)
    db.close()
    info = _info(shape, rows, settles, text)
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    return folder


def _measure(shape: Shape, text: str):
    rng = random.Random(shape.number)
    rows, settles, events = [], [], [(0.0, _utc(0), "info", "", f"run started {text}")]
    traces: list[tuple[float, str, str, float]] = []
    t, air = 0.0, 25.0
    for block, temp in enumerate(shape.temperatures):
        took = abs(temp - air) * 20 + 300
        for i in range(60):
            at = took * i / 59
            value = temp + (air - temp) * math.exp(-at / (took / 6)) + rng.gauss(0, 0.05)
            traces.append((t + at, "", "chamber.measured_temperature", value))
        settles.append({"block": block, "setting": T, "target": temp, "unit": "degC", "settled": True,
                        "took_s": took, "last_clause": "slope"})
        t, air = t + took, temp
        t = max([_site(shape, site, block, temp, t, rng, rows, events, text) for site in shape.sites])
        traces += [(t - 1, "", "chamber.measured_temperature", temp + 0.1)]
    return rows, settles, traces, events


def _site(shape, site, block, temp, t, rng, rows, events, text):
    spread = 0.0 if site == "A" else 0.018
    sequence = 0
    for f in shape.frequencies:
        hangs = 0
        for v in shape.voltages:
            edge = 0.52 + spread + 0.17 * ((f / 1e9 - 0.6) / 1.2) ** 2 + (0.03 if temp < 0 else 0.0002 * temp)
            margin = v - edge + rng.gauss(0, 0.003)
            outcome, reason, seconds = _outcome(margin, rng)
            if site == "B" and temp > 60 and 0.735 < v < 0.755 and 1.3e9 < f < 1.5e9:
                outcome, reason = "fail", "bist: FAIL lane 3"
            if hangs >= 2:
                outcome, reason, seconds = "not-tested", "two hangs in this row", 0.0
            hangs += outcome == "hang"
            t += seconds
            current = 2.2 * v * f / 1e9 / 0.75 * (1 + 0.002 * temp) + rng.gauss(0, 0.01)
            gone = outcome in ("not-tested", "hang", "crash")
            judged = 0.6999 < v < 0.8001 and f <= 1.6001e9
            broken = f"{I_CORE} > 4.2 A" if not gone and current > 4.2 and judged else ""
            flag = "overload" if rng.random() < 0.002 else None
            rows.append((site, block, sequence, f"SIM-{site}", temp, f, v, None if gone or flag else current, flag,
                         None if gone else v - 0.012 * current, "CV", None if gone else temp + 9 * current * v,
                         outcome, reason + (text if outcome != "pass" else ""), int(judged), broken, t, _utc(t),
                         seconds, 1))
            sequence += 1
            if outcome == "hang":
                events.append((t, _utc(t), "warning", site, f"console silent; power-cycled {text}"))
    return t


def _outcome(margin, rng):
    if margin > 0.004:
        return "pass", "", 0.9
    if margin > 0:
        return "marginal", "bist: CORRECTED", 0.9
    if margin > -0.05:
        return "fail", f"bist: FAIL lane {rng.randint(0, 7)}", 0.9
    return ("crash", "boot banner", 20.0) if rng.random() < 0.2 else ("hang", "no answer in 5 s", 25.0)


def _utc(t: float) -> str:
    return (EPOCH + timedelta(seconds=t)).isoformat(timespec="milliseconds") + "Z"


def _info(shape: Shape, rows, settles, text: str) -> dict:
    counts: dict[str, dict[str, int]] = {site: {} for site in shape.sites}
    for row in rows:
        counts[row[0]][row[12]] = counts[row[0]].get(row[12], 0) + 1
    bad = sum(1 for row in rows if row[14] and (row[12] != "pass" or row[15]))
    axes = [{"name": T, "unit": "degC", "shared": True, "values": list(shape.temperatures)},
            {"name": F, "unit": "Hz", "shared": False, "values": list(shape.frequencies)},
            {"name": V, "unit": "V", "shared": False, "values": list(shape.voltages)}]
    source = f"plan: vtf-shmoo   # {text}\naxes:\n  - {{set: chamber.temperature, values: [-40 degC, 25 degC]}}\n"
    return {
        "format": 1, "run": f"{shape.number:04d}-vtf-shmoo", "labkit": "0.1.0", "created_utc": _utc(0),
        "finished_utc": _utc(rows[-1][16]), "status": shape.status, "simulated": True,
        "simulation": {"seed": 0, "world": "full"}, "verdict": "fail" if bad else "pass",
        "verdict_reasons": [f"{bad} judged points do not pass {text}"] if bad else [], "exit_code": int(bool(bad)),
        "operator": f"Ada {text}", "note": f"first silicon, reworked C114 {text}", "tags": {"lot": f"L07{text}"},
        "plan": {"name": "vtf-shmoo", "file": "vtf_shmoo.yaml", "sha256": "ab" * 32, "source": source, "axes": axes,
                 "search": "grid", "test": "bist", "limits": {I_CORE: {"max": 4.2, "unit": "A"}}, "judge": "spec"},
        "bench": {"name": "duo", "file": "duo.yaml", "sha256": "cd" * 32, "source": f"bench: duo\n# {text}\n"},
        "boards": {"dpu-a0": {"file": "dpu_a0.yaml", "sha256": "ef" * 32, "source": "board: dpu-a0\n"}},
        "sites": {site: {"dut": f"SIM-{site}", "board": "dpu-a0", "status": "complete", "reason": text,
                         "spec": {V: [0.70, 0.80], F: [0.8e9, 1.6e9]}, "nominal": {V: 0.75, F: 1.6e9}}
                  for site in shape.sites},
        "instruments": {f"psu_{site.lower()}": {
            "driver": "keysight-e36312a", "resource": f"TCPIP::10.0.0.1{i}::5025::SOCKET",
            "manufacturer": "Keysight Technologies", "model": f"E36312A{text}", "serial": f"SIM000{i}",
            "firmware": "2.1.3", "calibration_due": "2027-03-01"} for i, site in enumerate(shape.sites, 1)},
        "station": {"host": "bench-7", "user": "ada", "python": "3.11.9", "platform": "Linux", "git": "f189ac7+dirty"},
        "counts": counts, "times": {"virtual_s": rows[-1][16], "wall_s": 1.9}, "settles": settles,
        "safe": {"verified": True, "text": "all outputs off, chamber at 25 degC, read back"},
    }


if __name__ == "__main__":
    import sys

    print(make_run(Path(sys.argv[1]), Shape()))
