"""The text of a message taken apart: units, headers, parameters, channel lists.

IEEE 488.2 chapter 7, SCPI-99 volume 1.

Nothing here knows a command; everything is a pure function of the text, so what it yields may be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.sim.scpi.errors import ScpiError

_HEADER = re.compile(r"(:?)(\*?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(\??)")
_BLANK = " \t\r\n\v\f\0"
_LIST = re.compile(r"\(\s*@(.*)\)\Z", re.DOTALL)
_MEMBER = re.compile(r"\s*(\d{1,5})\s*(?::\s*(\d{1,5})\s*)?\Z", re.ASCII)
_BLOCK = re.compile(r"#([1-9])")
_LONGEST_LIST = 1000
_LONGEST_MNEMONIC = 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One program message unit: the header as sent, whether it begins at the root, whether it asks, the parameters."""

    header: str
    rooted: bool
    query: bool
    parameters: tuple[str, ...]


def block_end(text: str, start: int) -> int | None:
    """Return where the block that begins at ``text[start]`` (a ``#``) ends, or None where no block begins there.

    A definite-length block is ``#`` n, n digits of length, data; ``#0`` takes all that is left.
    """
    if text.startswith("#0", start):
        return len(text)
    match = _BLOCK.match(text, start)
    if match is None:
        return None
    digits = text[match.end():match.end() + int(match.group(1))]
    if len(digits) != int(match.group(1)) or not (digits.isascii() and digits.isdigit()):
        return None
    return min(len(text), match.end() + len(digits) + int(digits))


def split(text: str, separator: str) -> Iterator[str]:
    """Yield the pieces of ``text`` between separators that stand outside quotes, brackets and blocks."""
    start = index = depth = 0
    length = len(text)
    while index < length:
        char = text[index]
        if char in "\"'":
            close = text.find(char, index + 1)
            index = close if close >= 0 else length
        elif char == "#":
            end = block_end(text, index)
            index = end - 1 if end is not None else index
        elif separator == "," and char == "(":
            depth += 1
        elif separator == "," and char == ")":
            depth = max(0, depth - 1)
        elif char == separator and depth == 0:
            yield text[start:index]
            start = index + 1
        index += 1
    yield text[start:]


def parse_unit(text: str, glued_list: bool) -> Unit:
    """Return a unit (not blank). ``glued_list``: whether ``VOLT?(@1)`` is accepted without the blank.

    Raises ScpiError -101 -102 -103 -112.
    """
    text = text.strip(_BLANK)
    match = _HEADER.match(text)
    if match is None:
        raise ScpiError(-101 if not _plausible(text[0]) else -102)
    colon, header, mark = match.groups()
    rest = text[match.end():]
    if rest and rest[0] not in _BLANK and not (glued_list and rest[0] == "("):
        if rest[0] in ",(":
            raise ScpiError(-103)
        raise ScpiError(-102 if _plausible(rest[0]) else -101)
    if len(header) > _LONGEST_MNEMONIC and any(len(word) > _LONGEST_MNEMONIC for word in header.split(":")):
        raise ScpiError(-112)
    rest = rest.strip(_BLANK)
    parameters = tuple(part.strip(_BLANK) for part in split(rest, ",")) if rest else ()
    if "" in parameters:
        raise ScpiError(-103)
    return Unit(header.upper(), colon == ":", mark == "?", parameters)


def _plausible(char: str) -> bool:
    """Tell whether a character has a place somewhere in the language, though not here."""
    return char.isascii() and (char.isalnum() or char in ":;,?*#\"'()@+-._ \t<>=/")


def is_channel_list(text: str) -> bool:
    """Tell whether a parameter is meant as a channel list: it begins with a bracket."""
    return text.startswith("(")


def parse_channel_list(text: str) -> tuple[int, ...]:
    """Return the members of ``(@1,3:5)`` in the order written; ranges may run down. Raises ScpiError -171, -223."""
    match = _LIST.match(text)
    if match is None:
        raise ScpiError(-171)
    members: list[int] = []
    for part in match.group(1).split(","):
        found = _MEMBER.match(part)
        if found is None:
            raise ScpiError(-171)
        first = int(found.group(1))
        last = int(found.group(2)) if found.group(2) else first
        if abs(last - first) + len(members) >= _LONGEST_LIST:
            raise ScpiError(-223)
        step = 1 if last >= first else -1
        members.extend(range(first, last + step, step))
    return tuple(members)
