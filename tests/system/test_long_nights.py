"""Long nights, in process and in virtual time: rehearsals of many hours, instruments that lose replies all along."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import labkit as lk
from labkit.bench.simulate import SimulatedBench
from labkit.errors import LinkTimeout
from labkit.run.launch import RunRequest, launch, prepare
from labkit.sim.link import TwinMessageLink, TwinRegisterLink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CYCLING = ", ".join(f"{degc} degC" for degc in (-40, 85, -35, 80, -30, 75, -25, 70, -20, 65, 0, 60))


def test_half_a_day_of_cycling_is_rehearsed_complete(tmp_path: Path) -> None:
    outcome = launch(prepare(RunRequest("vtf-shmoo", "duo", simulate=True, runs=tmp_path,
                                        overrides={"chamber.temperature": CYCLING})))
    points = lk.load(outcome.folder)
    assert outcome.virtual_s > 10 * 3600 and len(points) == 12 * 1800
    assert not points.duplicated(["site", "block", "sequence"]).any()
    # The budget of recoveries ends long before the night does; what is left is said, not silently missing.
    late = points[points.outcome == "not-tested"]
    assert late.reason.str.len().min() > 0 and outcome.exit_code in (0, 1)


@pytest.mark.parametrize("seed", range(8))
def test_a_night_in_which_one_reply_in_two_hundred_is_lost(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    benches: list[SimulatedBench] = []
    ask, read, make = TwinMessageLink.ask, TwinRegisterLink.read, SimulatedBench.__init__

    def lossy_ask(self: TwinMessageLink, message: str) -> Any:
        if chance.random() < 0.005:
            self._twin.handle(message)  # it arrived and was performed; only the answer is lost
            raise LinkTimeout("no answer", instrument=self.name, sent=message)
        return ask(self, message)

    def lossy_read(self: TwinRegisterLink, address: int, count: int) -> list[int]:
        if chance.random() < 0.005:
            raise LinkTimeout("no answer", instrument=self.name, sent=f"read of {address}")
        return read(self, address, count)

    def made(self: SimulatedBench, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        benches.append(self)

    monkeypatch.setattr(TwinMessageLink, "ask", lossy_ask)
    monkeypatch.setattr(TwinRegisterLink, "read", lossy_read)
    monkeypatch.setattr(SimulatedBench, "__init__", made)
    request = RunRequest("vtf-shmoo", "duo", simulate=True, seed=seed, runs=tmp_path,
                         overrides={"rails.core.voltage": "0.90 V : 0.56 V : -20 mV"})
    outcome = launch(prepare(request))
    points = lk.load(outcome.folder)
    assert len(points) == 2 * 3 * 25 * 18 and not points.duplicated(["site", "block", "sequence"]).any()
    judged = points[points.outcome.isin(["pass", "marginal"])]
    assert (judged["rails.core.measured_voltage"] - judged["rails.core.voltage"]).abs().max() < 0.028
    assert (judged["chamber.measured_temperature"] - judged["chamber.temperature"]).abs().max() < 2.1
    assert (points.attempt > 1).sum() > 5, "replies were lost"
    assert outcome.exit_code != 5
    for name in ("psu_a", "psu_b"):
        twin: Any = benches[0].twins[name]
        assert twin.handle("OUTP? (@1,2)").text == "0,0"
