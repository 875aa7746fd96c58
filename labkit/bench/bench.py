"""A bench as read: its file, the boards of its sites, the drivers of its instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.bench.benchfile import BenchFile
from labkit.bench.board import Board
from labkit.instrument import Instrument
from labkit.yamlfile import Document


@dataclass(frozen=True)
class Bench:
    """A bench file that was read and checked, with the boards its sites take."""

    document: Document
    file: BenchFile
    boards: Mapping[str, Board]
    drivers: Mapping[str, type[Instrument]]

    @property
    def name(self) -> str:
        """The bench's name."""
        return self.file.bench

    def board_of(self, site: str) -> Board:
        """Return the board type that a site takes."""
        return self.boards[self.file.sites[site].board]

    def console_name(self, site: str) -> str:
        """Return the instrument name of a site's console: it has no entry of its own in the file."""
        return f"console_{site}"
