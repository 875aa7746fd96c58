"""Where a run is and how long it will still take, re-estimated while it goes: numbers only, no display."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from labkit.clock import Clock
from labkit.plan.compiled import CompiledPlan
from labkit.plan.estimate import Estimate
from labkit.quantity import render
from labkit.run.record import PointResult

_LEARN_AFTER = 50
_EVENTS = 5


class Progress:
    """Follows a run. Its counters may be read from another thread while they change."""

    def __init__(self, plan: CompiledPlan, estimate: Estimate) -> None:
        self.plan, self.estimate = plan, estimate
        self.clock: Clock | None = None
        self.phase_text = "connecting"
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in plan.sites}
        self.done: dict[str, int] = dict.fromkeys(plan.sites, 0)
        self.last: dict[str, PointResult] = {}
        self.readings: dict[str, str] = {}
        self.events: deque[tuple[str, str, str]] = deque(maxlen=_EVENTS)
        self.finishing = False
        self.stop_text = ""
        """What a stop request was answered, "" without one."""
        self.listeners: list[Callable[[str, str], None]] = []
        """Called with ("phase" or "event", text) as it happens."""
        self._per_site = plan.block_count * plan.points_per_block
        self._measured_s = 0.0
        self._stored_s: dict[str, float] = {}
        self._measured = 0

    def begin(self, clock: Clock) -> None:
        """The run begins."""
        self.clock = clock

    def phase(self, text: str) -> None:
        """Something longer begins."""
        self.phase_text = text
        self.finishing = self.finishing or text == "making safe"
        for listener in self.listeners:
            listener("phase", text)

    def point(self, site: str, done: int, row: PointResult) -> None:
        """A point was stored."""
        self.done[site] = done
        self.last[site] = row
        self.counts[site][row.outcome] += 1
        if self.clock is not None:
            # From one point's end to the next one's, so that a recovery between them counts.
            now = self.clock.now()
            self._measured_s += now - (self._stored_s.get(site, now) if row.sequence else row.started_s)
            self._stored_s[site] = now
            self._measured += 1

    def event(self, level: str, site: str, text: str) -> None:
        """Something worth a line happened."""
        self.events.append((level, site, text))
        for listener in self.listeners:
            listener("event", f"{site or 'bench'}: {text}")

    def stopping(self, text: str) -> None:
        """A stop was asked for: kept for the display."""
        self.stop_text = text

    def reading(self, name: str, value: float, unit: str) -> None:
        """A value watched while waiting."""
        self.readings[name] = render(value, unit)

    @property
    def total(self) -> int:
        """How many points the run has."""
        return self.plan.point_count

    @property
    def elapsed_s(self) -> float:
        """Lab seconds since the run began."""
        return self.clock.now() if self.clock is not None else 0.0

    @property
    def left_s(self) -> float:
        """Lab seconds still to go: barriers as estimated, points as measured so far (recoveries among them)."""
        if self.finishing:
            return self.estimate.return_s
        behind = min(self.done.values(), default=0)
        begun = -(-behind // max(self.plan.points_per_block, 1))
        assumed = (self.estimate.points_s + self.estimate.recovery_s) / max(self._per_site, 1)
        seen = self._measured_s / self._measured if self._measured else assumed
        trust = min(1.0, self._measured / _LEARN_AFTER)
        point_s = trust * seen + (1 - trust) * assumed
        barriers = self.estimate.barriers_s[begun:]
        waited = self.elapsed_s - max(self._stored_s.values(), default=0.0)
        waiting = bool(barriers) and behind == begun * self.plan.points_per_block
        # While a chamber is on its way, what it has waited already is no longer to come.
        passed = min(waited, 0.95 * barriers[0]) if waiting else 0.0
        return sum(barriers) - passed + (self._per_site - behind) * point_s + self.estimate.return_s
