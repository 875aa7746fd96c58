"""Error numbers, their texts, and the queue that an instrument keeps of them (SCPI-99 volume 2, chapter 21)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[int, str] = MappingProxyType({
    0: "No error",
    -100: "Command error", -101: "Invalid character", -102: "Syntax error", -103: "Invalid separator",
    -104: "Data type error", -108: "Parameter not allowed", -109: "Missing parameter",
    -112: "Program mnemonic too long", -113: "Undefined header", -114: "Header suffix out of range",
    -120: "Numeric data error", -121: "Invalid character in number", -123: "Exponent too large",
    -124: "Too many digits", -128: "Numeric data not allowed",
    -131: "Invalid suffix", -134: "Suffix too long", -138: "Suffix not allowed",
    -141: "Invalid character data", -144: "Character data too long", -148: "Character data not allowed",
    -151: "Invalid string data", -158: "String data not allowed",
    -161: "Invalid block data", -168: "Block data not allowed",
    -171: "Invalid expression", -178: "Expression data not allowed",
    -200: "Execution error", -211: "Trigger ignored", -213: "Init ignored",
    -221: "Settings conflict", -222: "Data out of range", -223: "Too much data", -224: "Illegal parameter value",
    -230: "Data corrupt or stale", -240: "Hardware error", -241: "Hardware missing",
    -310: "System error", -330: "Self-test failed", -350: "Queue overflow", -363: "Input buffer overrun",
    -400: "Query error", -410: "Query INTERRUPTED", -420: "Query UNTERMINATED", -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
})
"""The standard texts by number."""


class ScpiError(Exception):
    """Something that a message asked for and that the instrument refuses; goes into its error queue."""

    def __init__(self, number: int, text: str | None = None) -> None:
        self.number = number
        self.text = text if text is not None else TEXTS.get(number, "Device-specific error")
        super().__init__(f"{number} {self.text}")

    @property
    def is_command_error(self) -> bool:
        """Whether the parser gave up: what follows in the same message is abandoned."""
        return -200 < self.number <= -100


class ErrorQueue:
    """First in, first out. When full the newest entry becomes -350 and later errors are lost, the oldest stay."""

    def __init__(self, depth: int = 20) -> None:
        if depth < 2:
            raise ValueError(f"an error queue needs room for two entries, not {depth}")
        self._depth = depth
        self._entries: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, number: int, text: str) -> None:
        """Add an error."""
        if len(self._entries) < self._depth:
            self._entries.append((number, text))
        else:
            self._entries[-1] = (-350, TEXTS[-350])

    def pop(self) -> tuple[int, str]:
        """Return and remove the oldest error; (0, "No error") when there is none."""
        return self._entries.popleft() if self._entries else (0, TEXTS[0])

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
