"""Bench files: which instruments stand on the table, how they are wired to sites, and what the bench allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from labkit.yamlfile import Celsius, Hertz, KelvinPerMinute, Ohms, OrWord, Seconds, Strict, Volts

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_SITE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_CHANNEL = re.compile(r"([a-z][a-z0-9_]*)\.(\d+)\Z")


def _as_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no date; write it like 2027-03-01") from None
    return value


class RampSpec(Strict):
    """How fast this chamber is, for estimates: measured once on the empty chamber, or learned from runs.

    ``cooling`` falls linearly from the rate at 20 degC to the rate at -55 degC. ``settling`` is the time between the
    first arrival at a set point and staying there.
    """

    heating: KelvinPerMinute = 3.0
    cooling: KelvinPerMinute = 2.0
    cooling_at_minus_55: KelvinPerMinute = 0.5
    settling: Seconds = 300.0

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if min(self.heating, self.cooling, self.cooling_at_minus_55) <= 0 or self.settling < 0:
            raise ValueError("heating and cooling must be above zero, settling not below; write both rates without "
                             "a sign, like 3 K/min")
        return self


class InputSpec(Strict):
    """What the input of a meter sees where it probes nothing of a site: a bench for trying instruments out."""

    volts_dc: Volts | None = None
    ohms: Ohms | None = None
    hz: Hertz | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.given():
            raise ValueError("an input needs volts_dc, ohms or hz; leave out a channel that is open")
        if any(value < 0 for value in (self.ohms or 0.0, self.hz or 0.0)):
            raise ValueError("ohms and hz of an input cannot be below zero")
        return self

    def given(self) -> dict[str, float]:
        """Return what was written, by name."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class SourceSpec(Strict):
    """What an electronic load hangs on: a voltage behind a resistance."""

    volts: Volts
    ohms: Ohms

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.ohms <= 0:
            raise ValueError("ohms of a source must be above zero, like 50 mOhm")
        return self

    def given(self) -> dict[str, float]:
        """Return what was written, by name."""
        return {"volts": self.volts, "ohms": self.ohms}


class InstrumentEntry(Strict):
    """One instrument: driver, address, and what is known about this very box."""

    driver: str
    resource: str
    visa: str | None = None
    """Reach it through PyVISA with this library ("@py", "@ivi", a path) instead of labkit's own socket."""
    timeout: Seconds = 3.0
    serial: str | None = None
    """Refuse to run when another serial number answers."""
    firmware: str | None = None
    """Warn when other firmware answers."""
    warm_up: Seconds = 0.0
    """How long the instrument needs after it was switched on until its accuracy holds."""
    calibration_due: Annotated[date | None, BeforeValidator(_as_date)] = None
    ramp: RampSpec = RampSpec()
    safe_temperature: Celsius = 25.0
    """Chambers: where a run ends, whatever happened."""
    loads: dict[int, Ohms] = Field(default_factory=dict)
    """Resistors that hang on channels which feed no board (simulation wires them; the map names them)."""
    inputs: dict[int, InputSpec] = Field(default_factory=dict)
    """Meters: what channels see that probe nothing (as loads)."""
    sources: dict[int, SourceSpec] = Field(default_factory=dict)
    """Electronic loads: what channels hang on (as loads)."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.timeout <= 0:
            raise ValueError("timeout must be above zero, like 3 s")
        if any(ohms <= 0 for ohms in self.loads.values()):
            raise ValueError("a load must be above zero, like 10 Ohm; leave out a channel that has none")
        return self


class RailWiring(Strict):
    """Which supply channel feeds a rail, where it senses, and the resistance of its leads."""

    source: str = Field(alias="from")
    sense: Literal["local", "remote"] = "local"
    leads: Ohms = 0.0

    @field_validator("source")
    @classmethod
    def _is_channel(cls, value: str) -> str:
        if not (_CHANNEL.match(value) or _NAME.match(value)):
            raise ValueError(f"{value!r} is no supply channel; write instrument.channel, like psu_a.1")
        return value

    @field_validator("leads")
    @classmethod
    def _not_negative(cls, value: float) -> float:
        if value < 0:
            raise ValueError("leads cannot be below zero; write their resistance there and back, like 12 mOhm")
        return value


class GangEntry(Strict):
    """Supply channels that are wired in parallel and act as one: they share the current."""

    parallel: list[str]

    @field_validator("parallel")
    @classmethod
    def _are_channels(cls, value: list[str]) -> list[str]:
        for source in value:
            if not _CHANNEL.match(source):
                raise ValueError(f"{source!r} is no supply channel; write instrument.channel, like psu_a.1")
        if len(value) < 2:
            raise ValueError("channels in parallel are at least two; add one, or wire the rail to the one channel")
        return value


class ProbeEntry(Strict):
    """A meter channel and the place it measures.

    ``rails.R`` is the voltage at the load, ``temperature`` that of the air beside the board.
    """

    meter: str = Field(alias="with")
    at: str

    @field_validator("meter")
    @classmethod
    def _is_channel(cls, value: str) -> str:
        if not _CHANNEL.match(value):
            raise ValueError(f"{value!r} is no meter channel; write instrument.channel, like dmm.1")
        return value

    @field_validator("at")
    @classmethod
    def _is_place(cls, value: str) -> str:
        if value != "temperature" and not re.fullmatch(r"rails\.[A-Za-z][A-Za-z0-9_]*", value):
            raise ValueError(f"{value!r} is no place for a probe; write rails.NAME or temperature")
        return value

    @property
    def rail(self) -> str | None:
        """The rail that is probed, None for a temperature."""
        return self.at.removeprefix("rails.") if self.at != "temperature" else None


def _as_wiring(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class SiteEntry(Strict):
    """A place for one DUT: the board type it takes, and what each of its rails and clocks is wired to."""

    board: str
    slot: str = ""
    rails: dict[str, Annotated[RailWiring, BeforeValidator(_as_wiring), OrWord()]]
    clocks: dict[str, str] = Field(default_factory=dict)
    """What makes each clock: "console" (the board's own PLL), or the name of a clock source."""
    probes: dict[str, ProbeEntry] = Field(default_factory=dict)
    console: str
    console_driver: str = "board-console"
    chamber: str | None = None


class LimitEntry(Strict):
    """What the bench allows a setting: either end may be left out."""

    min: Any = None
    max: Any = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a limit needs min, max or both; add one, or remove the limit")
        return self


class BenchFile(Strict):
    """A bench file as written."""

    bench: str
    instruments: dict[str, InstrumentEntry]
    sites: dict[str, SiteEntry]
    channels: dict[str, GangEntry] = Field(default_factory=dict)
    """Channels of the bench that are made of several: ``core12: {parallel: [psu_a.1, psu_a.2]}``."""
    limits: dict[str, LimitEntry] = Field(default_factory=dict)
    visa: str | None = None
    """PyVISA library for every instrument of the bench that does not name its own."""
    simulated: bool = False
    """The addresses lead to served twins."""
    time_scale: Annotated[float, Field(gt=0)] = 1.0
    """How many times faster than life the served twins run."""
    world: Literal["full", "memoryless"] = "full"

    @field_validator("instruments")
    @classmethod
    def _names(cls, value: Mapping[str, InstrumentEntry]) -> Mapping[str, InstrumentEntry]:
        for name in value:
            if not _NAME.match(name):
                raise ValueError(f"{name!r} cannot name an instrument; use small letters, digits and _")
        return value

    @field_validator("sites")
    @classmethod
    def _sites(cls, value: Mapping[str, SiteEntry]) -> Mapping[str, SiteEntry]:
        if not value:
            raise ValueError("a bench has at least one site; add one under sites")
        for name in value:
            if not _SITE.match(name):
                raise ValueError(f"{name!r} cannot name a site; use letters, digits and _")
        return value
