"""Making a bench safe: everything is tried, whatever the others do, and only what was read back counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from labkit.bench.load import load_bench
from labkit.bench.opened import OpenBench, open_bench
from labkit.bench.safe import make_safe
from labkit.bench.simulate import SimulatedBench
from labkit.clock import VirtualClock
from labkit.errors import Cancelled, IdentityError, LinkError, LinkTimeout
from labkit.instrument import Identity
from labkit.limits import within

DUTS = {"A": "SIM-A", "B": "SIM-B"}


@pytest.fixture
def bench() -> OpenBench:
    clock = VirtualClock()
    loaded = load_bench("duo")
    opened = open_bench(loaded, SimulatedBench(loaded, clock, seed=1, duts=DUTS), clock, DUTS)
    opened.identify()
    for site in opened.sites.values():
        for rail in site.rails.values():
            rail.channel.output.set(True)
    opened.instruments["chamber"].temperature.set(85.0)  # type: ignore[attr-defined]
    return opened


class Failing:
    """A port that fails as it is told, then passes on."""

    def __init__(self, port: Any, error: BaseException, times: int = 99) -> None:
        self.port, self.error, self.left, self.resynced = port, error, times, 0

    def start(self, operations: Sequence[Any]) -> Any:
        if self.left:
            self.left -= 1
            raise self.error
        return self.port.start(operations)

    def resync(self) -> None:
        self.resynced += 1

    def close(self) -> None:
        self.port.close()


def _break(owner: Any, error: BaseException, times: int = 99) -> Failing:
    port = Failing(owner.port, error, times)
    object.__setattr__(owner, "port", port)
    return port


def _outputs(bench: OpenBench) -> dict[str, bool]:
    return {f"{s.name}.{r.name}": r.channel.output.get() for s in bench.sites.values() for r in s.rails.values()}


def test_every_output_goes_off_and_the_chamber_to_its_safe_temperature(bench: OpenBench) -> None:
    assert all(_outputs(bench).values())
    report = make_safe(bench)
    assert report.verified
    assert not any(_outputs(bench).values())
    assert str(report) == ("site A: io, core off, read back; site B: io, core off, read back; "
                           "chamber: set point 25 degC, read back")


@pytest.mark.parametrize("error", [
    LinkTimeout("late", instrument="psu_a"), Cancelled("stopped"), RuntimeError("a reply is under way"), KeyError("x")],
    ids=lambda e: type(e).__name__)
def test_one_failure_holds_up_nothing_else_and_is_told(bench: OpenBench, error: Exception) -> None:
    core = bench.sites["A"].rails["core"]
    port = core.owner.port
    _break(core.owner, error)
    report = make_safe(bench)
    assert not report.verified
    assert report.lines[0].startswith("site A NOT VERIFIED OFF: rail core (psu_a.1): ")
    object.__setattr__(core.owner, "port", port)
    assert _outputs(bench) == {"A.core": True, "A.io": False, "B.core": False, "B.io": False}
    assert bench.instruments["chamber"].temperature.get() == 25.0  # type: ignore[attr-defined]


def test_two_failures_in_a_row_are_tried_again(bench: OpenBench) -> None:
    _break(bench.sites["A"].rails["core"].owner, LinkError("garbled", instrument="psu_a"), times=2)
    _break(bench.instruments["chamber"], LinkError("garbled", instrument="chamber"), times=2)
    assert make_safe(bench).verified
    assert not any(_outputs(bench).values())


def test_a_reply_that_nobody_collected_does_not_keep_an_output_on(bench: OpenBench) -> None:
    rail = bench.sites["A"].rails["core"]
    rail.owner.port.start([rail.channel.measured_voltage.prepare()])  # as after a wait that was broken off
    assert make_safe(bench).verified
    assert not any(_outputs(bench).values())


def test_an_output_that_stays_on_is_not_called_safe(bench: OpenBench) -> None:
    rail = bench.sites["B"].rails["io"]
    port = rail.owner.port

    class Stuck:
        def start(self, operations: Sequence[Any]) -> Any:
            return port.start([op for op in operations if op.verb == "get"])

    object.__setattr__(rail.owner, "port", Stuck())
    report = make_safe(bench)
    assert not report.verified
    assert "site B NOT VERIFIED OFF: rail io (psu_b.2): the output reads back on" in str(report)


@pytest.mark.parametrize("hinder", [
    lambda chamber: chamber.temperature.restrict(within(30.0, 60.0, "bench")),
    lambda chamber: _break(chamber, LinkTimeout("late", instrument="chamber")),
    lambda chamber: _break(chamber, RuntimeError("bug")),
], ids=["limit", "silent", "bug"])
def test_a_chamber_that_cannot_be_made_safe_is_told_after_the_rails_are_off(
    bench: OpenBench, hinder: Callable[[Any], Any],
) -> None:
    hinder(bench.instruments["chamber"])
    report = make_safe(bench)
    assert not report.verified
    assert "chamber NOT VERIFIED SAFE" in report.lines[-1]
    assert not any(_outputs(bench).values())


def test_another_serial_number_than_the_bench_expects_is_an_identity_error_except_for_a_twin(
        bench: OpenBench, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = bench.bench.file.instruments["psu_a"].model_copy(update={"serial": "MY9"})
    bench.bench.file.instruments["psu_a"] = entry
    assert bench.identify()["psu_a"].simulated, "any bench file can be rehearsed as it is"
    real = Identity("Keysight Technologies", "E36312A", "MY8", "1.0")
    monkeypatch.setattr(type(bench.instruments["psu_a"]), "identify", lambda self: real)
    with pytest.raises(IdentityError, match=r"psu_a: serial number MY8 answers here, but the bench file expects MY9"):
        bench.identify()


def test_two_shared_instruments_are_taken_in_name_order_and_given_back(bench: OpenBench) -> None:
    order: list[str] = []

    def user(names: list[str]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(3):
                with bench.taking(names):
                    bench.clock.sleep(1)
                    order.append(names[0])
        return run

    both = OpenBench(bench.bench, bench.clock, bench.links, bench.instruments, bench.sites, frozenset({"dmm", "load"}))
    bench = both
    bench.clock.gather([user(["dmm", "load"]), user(["load", "dmm"])])  # the other order: no deadlock
    assert sorted(order) == ["dmm"] * 3 + ["load"] * 3
