"""A board file that is wrong is refused with file, line, key and a remedy, before anything is powered."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

from pathlib import Path

import pytest
from written_bench import BOARD, changed, load, refusal

MUTATIONS = [
    # what stands there, what is written instead, the key, what is said
    ("rails:\n", "rials:\n", "rials", "did you mean rails?"),
    ("nominal: 0.75 V", "nominl: 0.75 V", "rails.core.nominl", "unknown key 'nominl'; did you mean nominal?"),
    ("nominal: 0.75 V, ", "", "rails.core", "the key 'nominal' is missing; add it"),
    ("nominal: 0.75 V", "nominal: 0.75", "rails.core.nominal", "0.75 has no unit; write it like 0.75 V"),
    ("nominal: 0.75 V", "nominal: 0.75 A", "rails.core.nominal", "'0.75 A' is not in V"),
    ("nominal: 0.75 V", "nominal: nan V", "rails.core.nominal", "'nan V' is not a quantity"),
    ("nominal: 0.75 V", "nominal: 1.2 V", "rails.core", "nominal 1.2 V lies outside sweep"),
    ("nominal: 0.75 V", "nominal: 0.82 V", "rails.core", "nominal 0.82 V lies outside spec"),
    ("[0.70 V, 0.80 V]", "[0.80 V, 0.70 V]", "rails.core", "write the lower voltage first"),
    ("[0.50 V, 0.95 V]", "[0.95 V, 0.50 V]", "rails.core", "write the lower voltage first"),
    ("[0.50 V, 0.95 V]", "[0.50 V]", "rails.core.sweep", "a value is missing after ['0.50 V']"),
    ("[0.50 V, 0.95 V]", "[0.50 V, 0.95 V, 1 V]", "rails.core.sweep", "there are 3 values, where 2 are wanted"),
    ("[0.50 V, 0.95 V]", "[0.50 V, 1.04 V]", "rails.core", "where the protection (ovp 1.02 V) trips; lower sweep"),
    ("ovp: 1.02 V", "ovp: 1.06 V", "rails.core", "ovp 1.06 V lies above abs_max 1.05 V and would not protect; lower ovp"),
    ("current_limit: 4.5 A", "current_limit: 0 A", "rails.core", "current_limit and ramp must be above zero"),
    ("ramp: 1 V/ms", "ramp: -1 V/ms", "rails.core", "current_limit and ramp must be above zero"),
    ("ramp: 1 V/ms", "ramp: 1 V", "rails.core.ramp", "'1 V' is not in V/s; write it like 1 V/ms"),
    ("settle: 5 ms", "settle: -5 ms", "rails.io", "settle not below"),
    ("  core: {nominal: 0.75", "  core.a: {nominal: 0.75", "rails", "'core.a' cannot be a name in a plan"),
    ("  io: {", "  CORE: {", "rails", "core and CORE differ in capitals only; rename one"),
    ("nominal: 1.6 GHz", "nominal: 2.6 GHz", "clocks.core", "nominal 2.6 GHz lies outside min to max"),
    ("step: 25 MHz", "step: 0 MHz", "clocks.core", "step must be above zero"),
    ("step: 25 MHz", "spec: [2 GHz, 1 GHz]", "clocks.core", "write the lower frequency first"),
    ("pll core {value:MHz}", "pll core 1600", "clocks.core.set", "has no place for the frequency"),
    ("pll core {value:MHz}", "pll core {value:mV}", "clocks.core.set", "'1 mV' is not in Hz"),
    ("pll core {value:MHz}", "pll\\nreboot {value:MHz}", "clocks.core.set", "a second line would be a second command"),
    ('expect: "ok"', 'expect: "(ok"', "clocks.core.expect", "'(ok' is no regular expression"),
    ('prompt: "# "', 'prompt: ""', "console.prompt", "prompt is empty; write what the console prints"),
    ('expect: "login:"', 'expect: "log[in"', "console.boot.expect", "is no regular expression"),
    ("timeout: 60 s", "timeout: 0 s", "console.boot", "timeout must be above zero"),
    ("timeout: 60 s, ", "", "console.boot", "the key 'timeout' is missing; add it"),
    ("tj=([-+0-9.]+)", "tj=[-+0-9.]+", "readings.tj.expect", "expect needs a group (in parentheses) around the value"),
    ("tj=([-+0-9.]+)", "tj=([-+0-9.+", "readings.tj.expect", "is no regular expression"),
    ("sensors tj", "sensors\\ntj", "readings.tj.send", "a second line would be a second command"),
    ("BIST (PASS|FAIL)", "BIST PASS", "tests.bist.expect", "expect needs a group (in parentheses) around the result"),
    ("timeout: 5 s, takes: 50 ms", "timeout: 5 s, takes: 6 s", "tests.bist", "takes is longer than timeout"),
    ("loops={loops}", "loops={loops", "tests.bist.send", "write a brace that the board shall see as {{ or }}"),
    ("loops={loops}", "loops={}", "tests.bist.send", "names no argument"),
    ("loops={loops}", "loops={loops.x}", "tests.bist.send", "names no argument"),
    ("args: {loops: 100}", "outcomes: {PASS: good}", "tests.bist.outcomes.PASS", "'good' is not possible here; write 'pass', "),
    ("args: {loops: 100}", "outcomes: {PASS: yes}", "tests.bist.outcomes.PASS", "put it in quotes"),
    ("vth_v: 0.30 V", "vht_v: 0.30 V", "model.vht_v", "did you mean vth_v"),
    ("vth_v: 0.30 V", "vth_v: 0.30", "model.vth_v", "0.3 has no unit; write it like 0.75 V"),
]


def test_the_board_as_written_loads(tmp_path: Path) -> None:
    board = load(tmp_path).boards["b1"]
    assert list(board.file.rails) == ["core", "io"]  # power-up order
    assert board.file.rails["core"].ramp == 1000.0
    assert board.file.clocks["core"].box == (0.8e9, 1.6e9)
    assert board.file.tests["bist"].command({}) == "bist all loops=100"
    assert board.file.tests["bist"].arguments == {"loops"}
    assert board.file.readings["fan"].unit == "rpm"


@pytest.mark.parametrize(("old", "new", "key", "said"), MUTATIONS, ids=[f"{i}: {m[1] or '(nothing)'}" for i, m in enumerate(MUTATIONS)])
def test_a_board_file_that_is_wrong(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    text, line = changed(BOARD, old, new)
    message = refusal(tmp_path, board=text)
    lines = [line] if key != "rails" else [line, 2]  # a name is a matter of the whole table
    assert any(message.startswith(f"b1.yaml:{n}: {key}: ") for n in lines), message
    assert said in message


def test_a_file_of_another_kind_beside_the_bench_is_pointed_out(tmp_path: Path) -> None:
    message = refusal(tmp_path, board=changed(BOARD, "board: b1", "bord: b1")[0])
    assert message.startswith("b1.yaml:1: bord: unknown key 'bord'; did you mean board?")
    message = refusal(tmp_path, board="plan: b1\n")
    assert message.startswith("one.yaml:12: sites.A.board: there is no board 'b1' (b1.yaml lies there, but is a plan)")


def test_a_board_without_rails(tmp_path: Path) -> None:
    text = BOARD.replace(BOARD[BOARD.index("rails:"):BOARD.index("clocks:")], "rails: {}\n")
    assert refusal(tmp_path, board=text).startswith("b1.yaml:2: rails: a board has at least one rail")
