"""Plan files: axes, search, test, measurements and limits, as data and never as logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from labkit.quantity import QuantityError, parse
from labkit.search import SEARCHES
from labkit.text import near
from labkit.yamlfile import Kelvin, KelvinPerMinute, OrWord, Percent, Seconds, Strict

_MOST_VALUES = 100_000


class SoakSpec(Strict):
    """When a shared condition is reached: in band, flat enough, both held; the timer restarts on exit.

    ``within`` is the distance from the target, ``slope`` a least-squares rate over the last minutes of the hold,
    ``for`` how long both must hold, ``timeout`` when to give up (a result, not an error).
    """

    within: Kelvin = 1.0
    slope: KelvinPerMinute = 0.1
    hold: Seconds = Field(300.0, alias="for")
    timeout: Seconds = 5400.0
    on: Literal["air"] = "air"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if min(self.within, self.slope, self.timeout) <= 0 or self.hold < 0:
            raise ValueError("within, slope and timeout must be above zero, for not below")
        if self.timeout < self.hold:
            raise ValueError("timeout is shorter than the hold (for); no soak could ever end, so raise timeout")
        return self


class AxisSpec(Strict):
    """A setting and the values it takes: a list, or from, to and step (both ends included)."""

    set: str
    values: list[Any] | None = None
    start: Any = Field(None, alias="from")
    stop: Any = Field(None, alias="to")
    step: Any = None
    soak: SoakSpec | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ends = (self.start, self.stop, self.step)
        if self.values is not None and any(end is not None for end in ends):
            raise ValueError("write either values, or from, to and step; not both")
        if self.values is None and any(end is None for end in ends):
            raise ValueError("an axis needs values: [..], or from, to and step; add what is missing")
        if self.values is not None and not self.values:
            raise ValueError("an axis needs at least one value; write one, or remove the axis")
        return self

    def numbers(self, unit: str) -> tuple[float, ...]:
        """Return the values in canonical ``unit``; raises QuantityError with the remedy."""
        if self.values is not None:
            return tuple(parse(value, unit) for value in self.values)
        step_unit = "K" if unit == "degC" else unit
        start, stop, step = parse(self.start, unit), parse(self.stop, unit), parse(self.step, step_unit)
        if step == 0:
            raise QuantityError("a step of zero leads nowhere; write the distance between two values")
        if (stop - start) / step < 0:
            raise QuantityError(f"from {self.start} to {self.stop} is never reached in steps of {self.step}; turn the "
                                "sign of step")
        steps = (stop - start) / step
        if steps >= _MOST_VALUES:
            raise QuantityError(f"{steps + 1:,.0f} values are more than the {_MOST_VALUES:,} that an axis may have; "
                                "widen step")
        count = round(steps)
        if abs(start + count * step - stop) > 1e-6 * abs(step):
            raise QuantityError(f"{self.stop} is not a whole number of steps of {self.step} from {self.start}; change "
                                "step or one end")
        # 12 digits undo what adding steps does to the last bit, so 0.75 is 0.75 whichever way it was reached; zero has
        # no digits to count from, and a dust of -2e-18 V would lie below a limit of 0 V.
        values = (start + i * step for i in range(count + 1))
        return tuple(0.0 if abs(value) < 1e-9 * abs(step) else float(f"{value:.12g}") for value in values)


class TestRun(Strict):
    """The board test of each point, its arguments, and what is read while it runs."""

    __test__ = False  # not a test case, though its name begins with Test

    run: str
    args: Mapping[str, int | float | str] = Field(default_factory=dict)
    meanwhile: list[str] = Field(default_factory=list)


class LimitSpec(Strict):
    """Bounds of one measurement: either end may be left out."""

    min: Any = None
    max: Any = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a limit needs min, max or both; add one, or remove the limit")
        return self


class OnHang(Strict):
    """What to do when a board stops answering, and how often: a row's rest and a run's rest are then not tested."""

    recover: Literal["power-cycle", "none"] = "power-cycle"
    per_row: Annotated[int, Field(ge=0)] = 2
    per_run: Annotated[int, Field(ge=0)] = 200
    golden: bool = True
    """After every recovery the plan's test must pass at nominal before the next point is taken."""


def _as_search(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


class SearchSpec(Strict):
    """Which search walks the last two axes."""

    kind: str = "grid"

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SEARCHES:
            raise ValueError(f"there is no search {value!r}{near(value, SEARCHES)}")
        return value


class ReferenceSpec(Strict):
    """Points at nominal at the start of each block, every so many points and at its end: they show drift."""

    every: Annotated[int, Field(ge=1)]


class Assumptions(Strict):
    """What the estimate assumes where nothing was learned from earlier runs."""

    failing: Percent = 10.0
    """Share of the points that end in a hang or crash, in per cent."""

    @field_validator("failing")
    @classmethod
    def _share(cls, value: float) -> float:
        if not 0 <= value <= 100:
            raise ValueError(f"{value:g} % is no share of the points; write 0 % to 100 %")
        return value


class PlanFile(Strict):
    """A plan file as written."""

    plan: str
    title: str = ""
    axes: list[AxisSpec]
    search: Annotated[SearchSpec, BeforeValidator(_as_search), OrWord()] = SearchSpec()
    test: TestRun | None = None
    measure: list[str] = Field(default_factory=list)
    limits: dict[str, LimitSpec] = Field(default_factory=dict)
    judge: Literal["spec", "all", "none"] = "spec"
    on_hang: OnHang = OnHang()
    reference: ReferenceSpec | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a point is measured again after an instrument failed it."""
    assume: Assumptions = Assumptions()

    @field_validator("plan")
    @classmethod
    def _slug(cls, value: str) -> str:
        if not value or len(value) > 64 or value[0] in ".-" or not set(value) <= set(
                "abcdefghijklmnopqrstuvwxyz0123456789._-"):
            raise ValueError(f"{value!r} cannot name a plan; use small letters, digits and - (the run's folder is "
                             "named after it)")
        return value

    @field_validator("axes")
    @classmethod
    def _has_axes(cls, value: list[AxisSpec]) -> list[AxisSpec]:
        if not value:
            raise ValueError("a plan has at least one axis; add one, like {set: rails.core.voltage, values: [0.75 V]}")
        seen: set[str] = set()
        for axis in value:
            if axis.set in seen:
                raise ValueError(f"{axis.set} stands on two axes; keep one")
            seen.add(axis.set)
        return value

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.test is None and not self.measure:
            raise ValueError("the plan neither runs a test nor measures anything; add test or measure")
        return self
