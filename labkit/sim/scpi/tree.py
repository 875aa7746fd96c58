"""Headers: every long, short and optional form of the declared notations, found by walking a tree of mnemonics."""

from __future__ import annotations

from itertools import product
from typing import Generic, TypeVar

from labkit.instrument.notation import parse_notation

T = TypeVar("T")
_DIGITS = "0123456789"


class _Branch(Generic[T]):
    """One mnemonic and what may follow it."""

    __slots__ = ("children", "leaves", "suffix")

    def __init__(self) -> None:
        self.children: dict[str, _Branch[T]] = {}
        self.suffix = False
        self.leaves: dict[bool, tuple[T, tuple[bool, ...]]] = {}


class HeaderTree(Generic[T]):
    """Finds what was declared for a header; a header may stand for one thing as a command and another as a query."""

    def __init__(self) -> None:
        self._root: _Branch[T] = _Branch()

    def add(self, notation: str, query: bool, target: T, *, keep: bool = False) -> None:
        """Declare a header. One that is taken is a ValueError, or with ``keep`` stays as it was."""
        nodes = parse_notation(notation)
        options = [(True, False) if node.optional else (True,) for node in nodes]
        for chosen in product(*options):
            branch = self._root
            present = tuple(used for used, node in zip(chosen, nodes, strict=True) if node.suffix)
            for used, node in zip(chosen, nodes, strict=True):
                if used:
                    branch = self._step(branch, node.short, node.long, node.suffix)
            if query not in branch.leaves:
                branch.leaves[query] = (target, present)
            elif not keep and branch.leaves[query][0] is not target:
                raise ValueError(f"{notation}{'?' if query else ''} is declared twice")

    @staticmethod
    def _step(branch: _Branch[T], short: str, long: str, suffix: bool) -> _Branch[T]:
        child = branch.children.get(long) or branch.children.get(short)
        if child is None:
            child = _Branch()
        branch.children[long] = branch.children[short] = child
        child.suffix = child.suffix or suffix
        return child

    def find(self, header: str, query: bool) -> tuple[T, tuple[int, ...]] | None:
        """Return what ``header`` (capitals, no leading colon) stands for and its numeric suffixes, 1 where left out."""
        branch = self._root
        written: list[int] = []
        for word in header.split(":"):
            child = branch.children.get(word)
            if child is None:
                stem = word.rstrip(_DIGITS)
                child = branch.children.get(stem)
                if child is None or not child.suffix or len(word) - len(stem) > 5:
                    return None
                written.append(int(word[len(stem):]))
            elif child.suffix:
                written.append(1)
            branch = child
        leaf = branch.leaves.get(query)
        if leaf is None:
            return None
        target, present = leaf
        left = iter(written)
        return target, tuple(next(left, 1) if used else 1 for used in present)
