"""Bad input: exit code 2, one sentence with place and remedy, nothing sent, no run folder left."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.bench.load import shipped
from tests.system.serving import labkit


class Eavesdropper:
    """A port that takes connections and remembers what was said."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()


@pytest.fixture
def ear() -> Iterator[Eavesdropper]:
    listening = Eavesdropper()
    yield listening
    listening.socket.close()


CASES = [
    ("plan", "0.55 V, step: -10 mV", "0.55, step: -10 mV", ["0.55 has no unit", "write it like 0.75 V", "axes.2"]),
    ("plan", "0.55 V, step", "0.45 V, step", ["sweep", "500 mV", "shorten the axis", "axes.2"]),
    ("plan", "to: 2.2 GHz", "to: 2.5 GHz", ["2.4 GHz", "clock core of board dpu-a0", "axes.1"]),
    ("plan", "search: grid", "search: grit", ["grit", "did you mean grid"]),
    ("plan", "run: bist", "run: bits", ["no test 'bits'", "did you mean bist"]),
    ("plan", "judge: spec", "juge: spec", ["unknown key 'juge'", "did you mean judge"]),
    ("bench", "from: psu_a.1", "from: psu_a.7", ["psu_a has no channel 7", "1, 2, 3"]),
    ("bench", "io: psu_a.2", "io: psu_a.1", ["psu_a.1 feeds rail core of site A already"]),
    ("bench", "driver: watlow-f4t", "driver: watlow-f4", ["no driver 'watlow-f4'", "watlow-f4t"]),
    ("bench", "leads: 12 mOhm", "leads: 12 mV", ["12 mV", "not in Ohm"]),
    ("bench", "bench: duo", "bench: duo\nbench: trio", ["stands here twice", "line"]),
    ("board", "ovp: 1.02 V", "ovp: 1.2 V", ["ovp", "abs_max", "lower ovp"]),
    ("board", "nominal: 0.75 V", "nominal: no", ["true or false"]),
]


@pytest.mark.parametrize(("kind", "old", "new", "said"), CASES, ids=[f"{k}-{n[:20]}" for k, _, n, _ in CASES])
def test_a_broken_file_is_refused_with_place_and_remedy_and_nothing_is_sent(
        tmp_path: Path, ear: Eavesdropper, kind: str, old: str, new: str, said: list[str]) -> None:
    names = {"plan": "vtf-shmoo", "bench": "duo", "board": "dpu-a0"}
    for what, name in names.items():
        text = shipped(what)[name].read_text()  # type: ignore[index]
        if what == kind:
            assert old in text
            text = text.replace(old, new, 1)
        if what == "bench":
            text = text.replace("10.0.0.11::5025", f"127.0.0.1::{ear.port}")
            text = text.replace("board: dpu-a0", "board: board.yaml")
        (tmp_path / f"{what}.yaml").write_text(text)
    done = labkit("run", "plan.yaml", "--bench", "bench.yaml", "--dut", "A=1", "--dut", "B=2", "--yes", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"{kind}.yaml:" in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    for part in said:
        assert part in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists() and ear.connections == 0


@pytest.mark.parametrize(("arguments", "said"), [
    (["run", "vtf-shmo", "--bench", "duo", "--sim"], "did you mean vtf-shmoo"),
    (["run", "vtf-shmoo", "--bench", "dua", "--sim"], "did you mean duo"),
    (["run", "vtf-shmoo", "--bench", "duo"], "--dut A=SERIAL"),
    (["run", "vtf-shmoo", "--bench", "duo", "--sim", "--dut", "C=1"], "no site 'C'"),
    (["run", "vtf-shmoo", "--bench", "duo", "--sim", "-e", "rails.core.volts=1 V"], "rails.core.voltage"),
    (["run", "vtf-shmoo", "--bench", "duo", "--sim", "-e", "rails.core.voltage=5 A"], "not in V"),
    (["run", "vtf-shmoo", "--bench", "duo", "--sim", "-e", "rails.core.voltage"], "KEY=VALUE"),
    (["run", "nowhere.yaml", "--bench", "duo", "--sim"], "no plan file"),
    (["show", "9999"], "9999"),
    (["rum"], "did you mean run"),
])
def test_a_wrong_word_on_the_command_line_is_a_sentence_with_the_remedy(
        tmp_path: Path, arguments: list[str], said: str) -> None:
    done = labkit(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "runs").exists()
