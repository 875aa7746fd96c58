"""From what was measured to what is stored and judged: rows, counts, and the verdict."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import InfrastructureError
from labkit.instrument import Special
from labkit.plan.compiled import Bounds, Column, CompiledPlan, SitePlan
from labkit.quantity import render
from labkit.run.session import Session
from labkit.store.journal import Journal, StoredColumn
from labkit.text import clean


@dataclass(slots=True)
class PointResult:
    """One point as it came out. ``values`` holds what was read, by column name.

    ``outcome`` is one of :data:`labkit.analysis.shmoo.OUTCOMES`: a hang is a result, an instrument that failed is not
    ("infra").
    """

    site: str
    block: int
    sequence: int
    axes: Mapping[str, float]
    values: dict[str, Any] = field(default_factory=dict)
    outcome: str = "not-tested"
    reason: str = ""
    started_s: float = 0.0
    attempt: int = 1
    judged: bool = False
    violations: str = ""
    guards: str = ""
    """The guards that did not hold, "" where all did."""
    supply_failed: bool = False
    """A supply was off or tripped: the board needs its power back before anything can be said about it."""


def stored_columns(plan: CompiledPlan) -> list[StoredColumn]:
    """Return the columns of the points table between the keys and the outcome, in the order of a row."""
    columns = [StoredColumn(axis.name, "axis", axis.unit) for axis in plan.axes]
    for role, group in (("measurement", (*plan.meanwhile, *plan.measure)), ("condition", plan.conditions)):
        columns += [
            StoredColumn(c.name, "measurement" if role == "measurement" else "condition", c.unit, c.text,
                         flagged=not c.text) for c in group]
    return columns


class Recorder:
    """Stores points and counts them; safe to call from the threads of several sites."""

    def __init__(self, plan: CompiledPlan, journal: Journal, session: Session) -> None:
        self._plan, self._journal, self._session = plan, journal, session
        self._axes = [axis.name for axis in plan.axes]
        self._columns: Sequence[Column] = (*plan.meanwhile, *plan.measure, *plan.conditions)
        self._fields = [(column.name, column.text) for column in self._columns]
        self._boxes = {name: _box(plan, site) for name, site in plan.sites.items()}
        self._lock = threading.Lock()
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in plan.sites}
        self._done: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.recoveries = 0

    def store(self, result: PointResult) -> None:
        """Judge and store one point, and tell the observers."""
        clock = self._session.clock
        box = self._boxes[result.site]
        result.judged = box is not None and result.sequence >= 0
        for name, low, high in box or ():
            if not low <= result.axes[name] <= high:
                result.judged = False
        result.violations = "; ".join(_violations(self._plan.limits, self._columns, result.values))
        now = clock.now()
        row: list[Any] = [result.site, result.block, result.sequence, self._plan.sites[result.site].dut]
        row += [result.axes[name] for name in self._axes]
        for name, is_text in self._fields:
            value = result.values.get(name)
            if is_text:
                row.append(None if value is None else clean(str(value)))
            elif isinstance(value, float) and not math.isfinite(value):
                row += (None, Special.NOT_A_NUMBER.value)  # SQLite would store it as if nothing had been read
            elif isinstance(value, Special):
                row += (None, value.value)
            else:
                row += (value, None)
        row += (result.outcome, clean(result.reason), int(result.judged), result.violations,
                result.guards, now,
                clock.utc().isoformat(timespec="milliseconds"), now - result.started_s, result.attempt)
        with self._lock:
            self._journal.point(row)
            if result.sequence < 0:
                return  # a reference point: data, but no point of the plan
            self.counts[result.site][result.outcome] += 1
            self._done[result.site] += 1
            done = self._done[result.site]
            if result.judged:
                self._judge(result)
        for observer in self._session.observers:
            observer.point(result.site, done, result)

    def _judge(self, result: PointResult) -> None:
        kind = "limit" if result.violations and result.outcome in ("pass", "marginal") else result.outcome
        self.judged[kind] += 1
        if kind != "pass" and kind not in self.examples:
            where = ", ".join(f"{render(v, _unit(self._plan, n))}" for n, v in result.axes.items())
            why = result.violations or result.reason or kind
            self.examples[kind] = f"site {result.site} at {where}: {why}"

    def event(self, level: str, site: str, text: str) -> None:
        """Store something worth a line, and tell the observers."""
        clock = self._session.clock
        text = clean(text)
        with self._lock, suppress(InfrastructureError):  # a full disk ends the run at its next point, never on its way
            self._journal.event(clock.now(), clock.utc().isoformat(timespec="milliseconds"), level, site, text)
        for observer in self._session.observers:
            observer.event(level, site, text)

    def trace(self, site: str, name: str, value: float, unit: str) -> None:
        """Store a sample of something watched while waiting, and show it."""
        with self._lock:
            self._journal.trace(self._session.clock.now(), site, name, value)
        for observer in self._session.observers:
            observer.reading(name, value, unit)

    def verdict(self, complete: bool) -> tuple[str, list[str]]:
        """Return the verdict of the points judged so far, and the reasons, the worst first."""
        reasons = []
        worst = "pass" if self.judged["pass"] or self._plan.file.judge == "none" else "unset"
        names = {"fail": "failed the test", "limit": "broke a limit", "hang": "hung", "crash": "crashed"}
        for kind, text in names.items():
            if self.judged[kind]:
                worst = "fail"
                reasons.append(f"{self.judged[kind]} judged points {text}; first {self.examples[kind]}")
        unsure = {"marginal": "were marginal", "invalid": "were not valid", "infra": "were lost to an instrument",
                  "not-tested": "were not tested", "aborted": "were cut off"}
        for kind, text in unsure.items():
            if self.judged[kind]:
                worst = worst if worst == "fail" else "inconclusive"
                reasons.append(f"{self.judged[kind]} judged points {text}; first {self.examples[kind]}")
        if not complete and worst in ("unset", "pass"):
            worst = "inconclusive"
            reasons.append("the run did not reach its end")
        if worst == "unset":
            reasons.append("no point of the plan lies inside the box that judges")
        return worst, reasons


def _box(plan: CompiledPlan, site: SitePlan) -> list[tuple[str, float, float]] | None:
    """Return the intervals that make a point judged: [] judges all, None judges none."""
    if plan.file.judge == "none":
        return None
    if plan.file.judge == "all":
        return []
    return [(name, low - 1e-9 * abs(low), high + 1e-9 * abs(high)) for name, (low, high) in site.spec.items()]


def _violations(limits: Mapping[str, Bounds], columns: Sequence[Column], values: Mapping[str, Any]) -> list[str]:
    found = []
    for name, bounds in limits.items():
        value = values.get(name)
        if isinstance(value, Special):
            found.append(f"{name} {value.value}")
        elif isinstance(value, float) and not math.isfinite(value):
            found.append(f"{name} {Special.NOT_A_NUMBER.value}")
        elif isinstance(value, int | float) and not bounds.low <= value <= bounds.high:
            unit = next(column.unit for column in columns if column.name == name)
            sign, bound = (">", bounds.high) if value > bounds.high else ("<", bounds.low)
            found.append(f"{name} {render(value, unit)} {sign} {render(bound, unit)}")
    return found


def _unit(plan: CompiledPlan, axis: str) -> str:
    return next(a.unit for a in plan.axes if a.name == axis)
