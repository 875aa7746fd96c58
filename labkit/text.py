"""The one place where foreign text is made harmless.

Text that comes from an instrument, a board's console or an operator may hold escape sequences (clear the screen,
write the clipboard), bidirectional marks that reverse what is read, or control characters that XML forbids. It passes
:func:`clean` on its way to a terminal, a page, a table or a log. The bytes as received stay in the run folder.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Able to reorder or hide what stands beside them. Not printable in today's Unicode data; this does not rely on it.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str, limit: int = 2000) -> str:
    """Return ``text`` with everything that is not plainly printable written as ``\\xNN`` or ``\\uNNNN``.

    New lines and tabs stay. More than ``limit`` characters are cut, and the cut is shown.
    """
    shown = text if len(text) <= limit else f"{text[:limit]} … ({len(text)} characters)"
    if shown.isprintable() and not _BIDI.intersection(shown):
        return shown
    return "".join(
        c if c in "\n\t" or (c.isprintable() and c not in _BIDI) else _escaped(ord(c)) for c in shown)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def near(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for a misspelt ``word``, or the list of what is ``known`` where that is short."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=2, cutoff=0.6)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if names and len(names) <= 12:
        return f"; known: {', '.join(names)}"
    return ""
