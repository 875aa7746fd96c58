"""A plan made ready: names resolved for every site, values checked against every limit, before the first byte."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from labkit.bench.board import TestSpec
from labkit.plan.planfile import OnHang, PlanFile, SoakSpec
from labkit.yamlfile import Document


@dataclass(frozen=True)
class Axis:
    """A setting and the values it takes. ``shared``: one physical setting serves all sites, so it is a barrier."""

    name: str
    unit: str
    values: tuple[float, ...]
    shared: bool
    soak: SoakSpec | None = None


@dataclass(frozen=True)
class Block:
    """One combination of the outer axes; below it every site runs its own search over the last two."""

    index: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """A value stored with every point: its name in the plan, and what it is."""

    name: str
    unit: str
    text: bool = False
    """A word ("CV") instead of a number."""


@dataclass(frozen=True)
class Bounds:
    """The limit of a measurement, in its column's unit; it judges, it does not refuse."""

    low: float
    high: float


@dataclass(frozen=True)
class Guard:
    """A bound on a console reading that acts: rails off at ``trip``, on again at ``resume``; in the reading's unit."""

    reading: str
    trip: float
    resume: float
    unit: str

    def tripped(self, value: object) -> bool:
        """Tell whether ``value`` is beyond the trip level; something that is no number trips too."""
        if not isinstance(value, float):
            return True
        return value >= self.trip if self.trip > self.resume else value <= self.trip

    def resumed(self, value: object) -> bool:
        """Tell whether ``value`` is back."""
        return isinstance(value, float) and (
            value <= self.resume if self.trip > self.resume else value >= self.resume)


@dataclass(frozen=True)
class TestCall:
    """The board test of each point, as its console line, for one site's board."""

    __test__ = False  # not a test case, though its name begins with Test

    name: str
    spec: TestSpec
    line: str


@dataclass(frozen=True)
class SitePlan:
    """What is particular to one site: its test, the box that judges, and nominal values of the axes."""

    name: str
    dut: str
    board: str
    test: TestCall | None
    spec: Mapping[str, tuple[float, float]]
    nominal: Mapping[str, float]
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True)
class CompiledPlan:
    """Everything that a run will do, in order."""

    document: Document
    file: PlanFile
    axes: tuple[Axis, ...]
    sites: Mapping[str, SitePlan]
    meanwhile: tuple[Column, ...]
    measure: tuple[Column, ...]
    conditions: tuple[Column, ...]
    limits: Mapping[str, Bounds]
    overrides: Mapping[str, str]

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.file.plan

    @property
    def on_hang(self) -> OnHang:
        """What to do when a board stops answering."""
        return self.file.on_hang

    @property
    def outer(self) -> tuple[Axis, ...]:
        """The axes above the search: all but the last two, and every shared one."""
        return self.axes[: len(self.axes) - len(self.inner)]

    @cached_property
    def inner(self) -> tuple[Axis, ...]:
        """The axes of the search: the last two that are not shared."""
        return tuple(axis for axis in self.axes[-2:] if not axis.shared)

    @property
    def points_per_block(self) -> int:
        """How many points a site has in one block."""
        count = 1
        for axis in self.inner:
            count *= len(axis.values)
        return count

    @property
    def block_count(self) -> int:
        """How many combinations of the outer axes there are."""
        count = 1
        for axis in self.outer:
            count *= len(axis.values)
        return count

    @property
    def point_count(self) -> int:
        """How many points the run has, all sites together."""
        return self.block_count * self.points_per_block * len(self.sites)

    def blocks(self) -> Iterator[Block]:
        """Yield the combinations of the outer axes, the first axis slowest."""
        outer = self.outer
        for index, values in enumerate(itertools.product(*(axis.values for axis in outer))):
            yield Block(index, {axis.name: value for axis, value in zip(outer, values, strict=True)})
