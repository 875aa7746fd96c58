"""Command headers in the notation of SCPI manuals: ``[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]``.

Capitals are the short form, brackets mark nodes that may be left out, ``<n>`` a numeric suffix. From one notation come
the text that a driver sends (shortest legal form) and the forms that a twin accepts (SCPI-99 volume 1, chapter 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = r"(\*?[A-Za-z][A-Za-z0-9_]*)(<[a-z]+>)?"
_TOKEN = re.compile(rf"\[:?{_WORD}:?\]|:?{_WORD}")


@dataclass(frozen=True, slots=True)
class Node:
    """One mnemonic of a header: both forms in capitals, whether it may be left out, whether it takes a suffix."""

    short: str
    long: str
    optional: bool = False
    suffix: bool = False

    def accepts(self, word: str) -> bool:
        """Tell whether ``word`` (capitals, suffix removed) is the short or the long form, and nothing between."""
        return word in (self.short, self.long)


@lru_cache(maxsize=4096)
def parse_notation(notation: str) -> tuple[Node, ...]:
    """Return the nodes of a header notation, from the root; raises ValueError where it is none.

    A trailing ``?`` is not part of the notation: whether a query exists is the row's business.
    """
    nodes: list[Node] = []
    position = 0
    while position < len(notation):
        match = _TOKEN.match(notation, position)
        if match is None or match.end() == position:
            raise ValueError(f"{notation!r} is no header notation (at {notation[position:]!r})")
        optional = match.group(1) is not None
        word, suffix = match.group(1, 2) if optional else match.group(3, 4)
        short = "".join(c for c in word if not c.islower())
        nodes.append(Node(short.upper(), word.upper(), optional, suffix is not None))
        position = match.end()
    if not nodes or all(node.optional for node in nodes):
        raise ValueError(f"{notation!r} has no node that must be sent")
    return tuple(nodes)


def shortest(notation: str, suffix: int | None = None) -> str:
    """Return the text to send: short forms, optional nodes left out, ``suffix`` at the node that takes one."""
    parts = []
    for node in parse_notation(notation):
        if node.suffix and suffix is not None:
            parts.append(f"{node.short}{suffix}")
        elif not node.optional:
            parts.append(node.short)
    return ":".join(parts)
