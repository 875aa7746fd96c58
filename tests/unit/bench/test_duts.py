"""duts.csv: read as people write it, refused with the line where it cannot be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.bench.duts import read_duts
from labkit.errors import ConfigError


def test_rows_by_serial_number_keep_what_is_written_and_leave_out_what_is_not(tmp_path: Path) -> None:
    path = tmp_path / "duts.csv"
    path.write_text("﻿serial,lot,x,rework\r\n007, L1 ,3,\r\n\r\n008,L1,4,\"R1, R2\"\r\n", encoding="utf-8")
    assert read_duts(path) == {"007": {"lot": "L1", "x": "3"}, "008": {"lot": "L1", "x": "4", "rework": "R1, R2"}}


@pytest.mark.parametrize(("text", "problem"), [
    (b"lot,x\n1,2\n", r"duts.csv:1: has no column serial"),
    (b"", r"duts.csv:1: has no column serial"),
    (b"serial,lot\nA,1\nA,2\n", r"duts.csv:3: the board A stands here twice"),
    (b"serial,lot\nA,1,2\n", r"duts.csv:2: the board A has more values than there are columns"),
    (b"serial,lot\nA,\"1\n", r"duts.csv:2: is not CSV"),
    (b"serial\n\xff\xfe\n", r"duts.csv: is not UTF-8 text"),
])
def test_what_cannot_be_right_names_line_and_remedy(tmp_path: Path, text: bytes, problem: str) -> None:
    path = tmp_path / "duts.csv"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=problem):
        read_duts(path)
