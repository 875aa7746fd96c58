"""What the doctor says about one thing: well, doubtful or wrong, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: ``check`` names what was looked at, ``remedy`` is "" where there is nothing to do.

    ``detail`` holds what an expert asks for next, such as the trace of an import that failed.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""
    detail: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str, detail: str = "") -> Finding:
    """Return a finding that something will be missed, or may go wrong one day."""
    return Finding(check, "warning", text, remedy, detail)


def problem(check: str, text: str, remedy: str, detail: str = "") -> Finding:
    """Return a finding that keeps runs from working, or from being trusted."""
    return Finding(check, "problem", text, remedy, detail)
