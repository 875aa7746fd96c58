"""Board files: what a product is. Rails in power-up order, clocks, console, readings, tests, and its physics."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from labkit.instrument.console import fill
from labkit.quantity import QuantityError, parse, render
from labkit.sim.world import BoardModel
from labkit.text import near
from labkit.yamlfile import Amps, Document, Hertz, Seconds, Strict, Volts, VoltsPerSecond, read_yaml, validate

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
PointOutcome = Literal["pass", "fail", "marginal", "hang", "crash", "invalid"]


class RailSpec(Strict):
    """One rail of a board. All voltages at its sense point.

    ``spec`` draws the box and judges; ``sweep`` is what a plan may set; ``ovp`` is what arming sets; ``abs_max``
    refuses, always. ``ramp`` is the fastest change allowed, ``settle`` the wait after a change.
    """

    nominal: Volts
    spec: tuple[Volts, Volts]
    sweep: tuple[Volts, Volts]
    ovp: Volts
    abs_max: Volts
    current_limit: Amps
    ramp: VoltsPerSecond | None = None
    settle: Seconds = 0.005

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("spec", "sweep"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} runs from {low:g} V to {high:g} V; write the lower voltage first")
        if not self.sweep[0] <= self.nominal <= self.sweep[1]:
            raise ValueError(f"nominal {self.nominal:g} V lies outside sweep; widen sweep or correct nominal")
        if self.sweep[1] > self.ovp:
            raise ValueError(f"sweep reaches {self.sweep[1]:g} V, where the protection (ovp {self.ovp:g} V) trips; "
                             "lower sweep or raise ovp")
        if not self.spec[0] <= self.nominal <= self.spec[1]:
            raise ValueError(f"nominal {self.nominal:g} V lies outside spec; widen spec or correct nominal")
        if self.current_limit <= 0 or self.settle < 0 or (self.ramp is not None and self.ramp <= 0):
            raise ValueError("current_limit and ramp must be above zero, settle not below")
        if self.ovp > self.abs_max:
            raise ValueError(f"ovp {self.ovp:g} V lies above abs_max {self.abs_max:g} V and would not protect; lower "
                             "ovp")
        return self


class ClockSpec(Strict):
    """One clock of a board; ``set`` is the console command, with ``{value:MHz}`` for the frequency."""

    nominal: Hertz
    min: Hertz
    max: Hertz
    step: Hertz | None = None
    spec: tuple[Hertz, Hertz] | None = None
    """The frequencies that judge: [min, nominal] where nothing is written."""
    set: str = ""
    """"" where the clock is not the board's own: the bench wires it to a clock source."""
    expect: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.nominal <= self.max:
            raise ValueError(f"nominal {render(self.nominal, 'Hz', 6)} lies outside min to max; correct one of them")
        if self.step is not None and self.step <= 0:
            raise ValueError("step must be above zero; leave it out where every frequency can be set")
        if self.box[0] > self.box[1]:
            raise ValueError(f"spec runs from {render(self.box[0], 'Hz', 6)} to {render(self.box[1], 'Hz', 6)}; write "
                             "the lower frequency first")
        return self

    @field_validator("set")
    @classmethod
    def _takes_a_value(cls, value: str) -> str:
        if not value:
            return value
        line = fill(_one_line(value), 1e9, "Hz")
        if line == value:
            raise ValueError(f"{value!r} has no place for the frequency; write it like \"pll core {{value:MHz}}\"")
        return value

    @field_validator("expect")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        return _pattern(value)

    @property
    def box(self) -> tuple[float, float]:
        """The frequencies that judge."""
        return self.spec or (self.min, self.nominal)


class GuardSpec(Strict):
    """A bound on a reading that acts: at ``trip`` the rails go off, until the reading is back at ``resume``.

    Both are in the unit of the reading. A trip above the resume level guards upwards, one below guards downwards.
    """

    trip: Any
    resume: Any


class BootSpec(Strict):
    """How the console shows a finished boot; ``takes`` is the typical time, for estimates."""

    expect: str
    timeout: Seconds
    takes: Seconds = 20.0
    banner: str = ""
    """What the console prints when the board starts by itself: a crash, where no start was asked for."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.timeout <= 0 or self.takes < 0:
            raise ValueError("timeout must be above zero, takes not below")
        return self

    @field_validator("expect", "banner")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        return _pattern(value)


class ConsoleSpec(Strict):
    """The board's console: its prompt, the boot, and the name to log in with ("" where it does not ask)."""

    prompt: str
    boot: BootSpec
    login: str = ""

    @field_validator("prompt")
    @classmethod
    def _some(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("prompt is empty; write what the console prints when it waits for a command, like \"# \"")
        return value

    @field_validator("login")
    @classmethod
    def _is_line(cls, value: str) -> str:
        return _one_line(value)


class ReadingSpec(Strict):
    """A quantity that the console reports: the first group of ``expect`` is the value in ``unit``."""

    send: str
    expect: str
    unit: str = ""

    @field_validator("send")
    @classmethod
    def _is_line(cls, value: str) -> str:
        return _one_line(value)

    @field_validator("expect")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        if re.compile(_pattern(value)).groups < 1:
            raise ValueError("expect needs a group (in parentheses) around the value; write it like \"tj=([-+0-9.]+)\"")
        return value


class TestSpec(Strict):
    """A self-test: the first group of ``expect`` names the result, ``outcomes`` what it means for a point."""

    __test__ = False  # not a test case, though its name begins with Test

    send: str
    expect: str
    timeout: Seconds
    takes: Seconds = 0.05
    args: Mapping[str, int | float | str] = Field(default_factory=dict)
    outcomes: Mapping[str, PointOutcome] = Field({"PASS": "pass", "FAIL": "fail", "CORRECTED": "marginal"})
    silence: PointOutcome = "hang"
    boot_banner: PointOutcome = "crash"

    @field_validator("expect")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        if re.compile(_pattern(value)).groups < 1:
            raise ValueError("expect needs a group (in parentheses) around the result; write it like "
                             "\"BIST (PASS|FAIL)\"")
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.timeout <= 0 or self.takes < 0:
            raise ValueError("timeout must be above zero, takes not below")
        if self.takes > self.timeout:
            raise ValueError("takes is longer than timeout; every test would count as silent, so correct one")
        return self

    @field_validator("send")
    @classmethod
    def _is_template(cls, value: str) -> str:
        try:
            fields = [name for _, name, _, _ in Formatter().parse(_one_line(value)) if name is not None]
        except ValueError as error:
            raise ValueError(f"{value!r} is no console line: {error}; write a brace that the board shall see as {{{{ "
                             "or }}") from None
        for name in fields:
            if not name.isidentifier():
                raise ValueError(f"{{{name}}} names no argument; write a word in braces, like {{loops}}")
        return value

    @property
    def arguments(self) -> frozenset[str]:
        """The names of the arguments that the console line takes."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.send) if name is not None)

    def command(self, args: Mapping[str, Any]) -> str:
        """Return the console line, with ``args`` over the defaults; KeyError names an argument that is missing.

        Raises ValueError where an argument does not fit its place, or would make a second line.
        """
        return _one_line(self.send.format_map({**self.args, **args}))


class BoardFile(Strict):
    """A board file as written."""

    board: str
    rails: dict[str, RailSpec]
    clocks: dict[str, ClockSpec] = Field(default_factory=dict)
    console: ConsoleSpec
    readings: dict[str, ReadingSpec] = Field(default_factory=dict)
    tests: dict[str, TestSpec] = Field(default_factory=dict)
    guards: dict[str, GuardSpec] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    """Physics for simulation, by the names of :class:`labkit.sim.world.BoardModel`."""

    @field_validator("rails")
    @classmethod
    def _has_rails(cls, value: dict[str, RailSpec], info: ValidationInfo) -> dict[str, RailSpec]:
        if not value:
            raise ValueError("a board has at least one rail; add one under rails")
        return value

    @field_validator("rails", "clocks", "readings", "tests")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, str] = {}
        for name in value:
            if not _NAME.match(name):
                raise ValueError(f"{name!r} cannot be a name in a plan; use letters, digits and _, a letter first")
            if seen.setdefault(name.lower(), name) != name:
                raise ValueError(f"{seen[name.lower()]} and {name} differ in capitals only; rename one")
        return value


class Board:
    """A board file that was read and checked: the file's content and where it came from."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.file = validate(BoardFile, document)
        self.name = self.file.board
        self.model: BoardModel = _model(self.file.model, document)


def load_board(path: Path) -> Board:
    """Read a board file; raises ConfigError with the place and the remedy."""
    return Board(read_yaml(path))


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r} is not one line of plain text; a second line would be a second command, so write "
                         "one line of printable characters")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression ({error}); put a backslash before a "
                         "character that is meant as it is") from None
    return value


def _model(values: Mapping[str, Any], document: Document) -> BoardModel:
    """Return the physics with ``values`` over the defaults; each parameter has its unit in the model's declaration."""
    fields = {field.name: field for field in dataclasses.fields(BoardModel)}
    given: dict[str, Any] = {"board": document.data["board"]}
    for name, value in values.items():
        key = ("model", name)
        if name not in fields:
            raise document.error(f"unknown key {name!r}{near(name, fields)}", key)
        unit = fields[name].metadata.get("unit")
        try:
            if unit is None:  # wording
                given[name] = tuple(map(str, value)) if isinstance(value, list) else str(value)
            elif isinstance(value, dict):
                given[name] = {part: parse(text, unit) for part, text in value.items()}
            else:
                given[name] = parse(value, unit)
        except QuantityError as error:
            raise document.error(str(error), key) from None
    try:
        return BoardModel(**given)
    except (TypeError, ValueError) as error:
        raise document.error(f"no such board can exist: {error}", ("model",)) from None
