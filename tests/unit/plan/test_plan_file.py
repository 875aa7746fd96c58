"""A plan that is wrong is refused with file, line, key and a remedy; one that is right becomes its points, in order."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

import pytest
from hypothesis import example, given, strategies
from plan_files import PLAN, changed, compiled, refusal

from labkit.plan.planfile import AxisSpec
from labkit.quantity import QuantityError

VOLTS = "from: 0.80 V, to: 0.70 V, step: -50 mV"
CLOCK = "from: 1.0 GHz, to: 1.2 GHz, step: 50 MHz"
MUTATIONS = [
    ("plan: small", "plan: Small One", "plan", "'Small One' cannot name a plan; use small letters"),
    ("plan: small", "plan: ../etc", "plan", "cannot name a plan"),
    ("search: grid", "serach: grid", "serach", "unknown key 'serach'; did you mean search?"),
    ("search: grid", "search: gird", "search", "there is no search 'gird'; did you mean grid?"),
    ("chamber.temperature", "chamber.temprature", "axes.0.set", "chamber has no 'temprature'; did you mean temperature"),
    ("chamber.temperature", "oven.temperature", "axes.0.set", "'oven.temperature' names nothing of a site"),
    ("chamber.temperature", "chamber.measured_temperature", "axes.0.set", "can only be read; an axis needs something that can be set"),
    ("chamber.temperature", "chamber.control", "axes.0.set", "is a word or a switch; an axis needs a setting with a number"),
    ("values: [25 degC, 85 degC]", "values: []", "axes.0", "an axis needs at least one value"),
    ("values: [25 degC, 85 degC]", "values: [25 degC, 25 degC]", "axes.0", "has a value twice; keep one"),
    ("values: [25 degC, 85 degC]", "values: [25, 85]", "axes.0", "25 has no unit; write it like 25 degC"),
    ("values: [25 degC, 85 degC]", "values: [nan degC]", "axes.0", "'nan degC' is not a quantity"),
    ("values: [25 degC, 85 degC]", "values: [300 K]", "axes.0", "'300 K' is not in degC"),
    ("values: [25 degC, 85 degC]", "values: 25 degC", "axes.0.values", "expected a list here, like [a, b]"),
    ("values: [25 degC, 85 degC]", "values: [25 degC], from: 3 degC", "axes.0", "write either values, or from, to and step"),
    ("values: [25 degC, 85 degC]", "from: 25 degC, to: 85 degC", "axes.0", "an axis needs values: [..], or from, to and step"),
    ("values: [25 degC, 85 degC]", "values: [25 degC, 131 degC]", "axes.0", "131 degC is above the limit of 130 degC (limit of bench duo); shorten"),
    ("within: 1 K", "within: 0 K", "axes.0.soak", "within, slope and timeout must be above zero"),
    ("within: 1 K", "witin: 1 K", "axes.0.soak.witin", "did you mean within?"),
    ("timeout: 90 min", "timeout: 1 min", "axes.0.soak", "timeout is shorter than the hold (for); no soak could ever end"),
    ("clocks.core.frequency", "clocks.cor.frequency", "axes.1.set", "the board dpu-a0 has no clock 'cor'; did you mean core?"),
    ("clocks.core.frequency", "rails.core.voltage", "axes", "rails.core.voltage stands on two axes; keep one"),
    (CLOCK, "from: 1.0 GHz, to: 2.6 GHz, step: 50 MHz", "axes.1", "2.45 GHz is above the limit of 2.4 GHz (clock core of board dpu-a0)"),
    (CLOCK, "from: 0.7 GHz, to: 1 GHz, step: 50 MHz", "axes.1", "700 MHz is below the limit of 800 MHz"),
    (CLOCK, "values: [1.01 GHz]", "axes.1", "1.01 GHz is no multiple of the clock's step 25 MHz; change the axis"),
    (VOLTS, "from: 0.80 V, to: 0.70 V, step: 50 mV", "axes.2", "is never reached in steps of 50 mV; turn the sign of step"),
    (VOLTS, "from: 0.80 V, to: 0.70 V, step: -30 mV", "axes.2", "0.70 V is not a whole number of steps of -30 mV from 0.80 V; change step"),
    (VOLTS, "from: 0.80 V, to: 0.70 V, step: 0 V", "axes.2", "a step of zero leads nowhere"),
    (VOLTS, "from: 0.80 V, to: 0.70 V, step: -1 nV", "axes.2", "values are more than the 100,000 that an axis may have; widen step"),
    (VOLTS, "from: 0.80 V, to: 0.70 V, step: -50 mA", "axes.2", "'-50 mA' is not in V"),
    (VOLTS, "values: [0.75]", "axes.2", "0.75 has no unit; write it like 0.75 V"),
    (VOLTS, "values: [0.96 V]", "axes.2", "lets a plan set on rail core (sweep 500 mV to 950 mV); shorten the axis"),
    (VOLTS, "values: [0.49 V]", "axes.2", "sweep 500 mV to 950 mV"),
    (VOLTS, "values: [1.06 V]", "axes.2", "1.06 V is above the limit of 1.05 V (abs_max of rail core of board dpu-a0)"),
    (VOLTS, f"{VOLTS}, soak: {{within: 1 K}}", "axes.2.soak", "settles by its board file; soak is for chamber.temperature"),
    ("run: bist", "run: bits", "test.run", "the board dpu-a0 has no test 'bits'; did you mean bist?"),
    ("args: {loops: 10}", "args: {lops: 10}", "test.args.lops", "the test bist takes no argument 'lops'; remove it; did you mean loops?"),
    ("args: {loops: 10}", 'args: {loops: "1\\nreboot"}', "test.args", "a second line would be a second command"),
    ("args: {loops: 10}", "args: {loops: [1]}", "test.args.loops", ""),
    ("meanwhile: [rails.core.measured_current]", "meanwhile: [rails.core.current]", "test.meanwhile.0", "has no 'current'"),
    ("measure: [readings.tj]", "measure: [readings.tx]", "measure.0", "has no reading 'tx'"),
    ("measure: [readings.tj]", "measure: [readings.tj, readings.tj]", "measure.1", "readings.tj is stored with every point already"),
    ("measure: [readings.tj]", "measure: [rails.core.measured_current]", "measure.0", "is stored with every point already; remove it here"),
    ("measure: [readings.tj]", "measure: [rails.core.voltage]", "measure.0", "is stored with every point already; remove it here"),
    ("measure: [readings.tj]", "measure: readings.tj", "measure", "expected a list here"),
    ("{rails.core.measured_current: {max: 4.2 A}}", "{readings.tx: {max: 110 degC}}", "limits.readings.tx", "is limited but never measured; add it to measure"),
    ("{max: 4.2 A}", "{max: 4.2 V}", "limits.rails.core.measured_current.max", "'4.2 V' is not in A"),
    ("{max: 4.2 A}", "{max: 4.2}", "limits.rails.core.measured_current.max", "4.2 has no unit"),
    ("{max: 4.2 A}", "{min: 5 A, max: 4 A}", "limits.rails.core.measured_current", "min lies above max; no value could pass"),
    ("{max: 4.2 A}", "{}", "limits.rails.core.measured_current", "a limit needs min, max or both"),
    ("{max: 4.2 A}", "{maximum: 4.2 A}", "limits.rails.core.measured_current.maximum", "unknown key 'maximum'"),
    ("judge: spec", "judge: some", "judge", "'some' is not possible here; write 'spec', 'all' or 'none'"),
    ("recover: power-cycle", "recover: reboot", "on_hang.recover", "'reboot' is not possible here; write 'power-cycle' or 'none'"),
    ("per_row: 2", "per_row: -1", "on_hang.per_row", "-1 is not possible here; write at least 0"),
    ("per_row: 2", "per_row: 2.5", "on_hang.per_row", "expected a whole number"),
    ("failing: 10 %", "failing: 110 %", "assume.failing", "110 % is no share of the points"),
    ("failing: 10 %", "failing: -5 %", "assume.failing", "-5 % is no share of the points"),
    ("failing: 10 %", "failing: 10", "assume.failing", "10 has no unit; write it like 5 %"),
]


@pytest.mark.parametrize(("old", "new", "key", "said"), MUTATIONS, ids=[f"{i}: {m[1]}" for i, m in enumerate(MUTATIONS)])
def test_a_plan_that_is_wrong(old: str, new: str, key: str, said: str) -> None:
    text, line = changed(PLAN, old, new)
    message = refusal(text)
    if key == "axes":  # a matter of the whole list
        line = 2
    assert message.startswith(f"small.yaml:{line}: {key}: "), message
    assert said in message


def _with_axes(*axes: str) -> str:
    head, _, rest = PLAN.partition("axes:\n")
    return f"{head}axes:\n" + "".join(f"  - {axis}\n" for axis in axes) + rest[rest.index("search"):]


AIR, CORE = "{set: chamber.temperature, values: [25 degC]}", f"{{set: rails.core.voltage, {VOLTS}}}"


def test_a_shared_axis_stands_above_what_each_site_has_for_itself() -> None:
    assert refusal(_with_axes(CORE, AIR)) == (
        "small.yaml:4: axes.1: chamber.temperature is one setting for several sites and must stand above "
        "rails.core.voltage, which each site has for itself; move it up")
    assert "every axis is shared by all sites" in refusal(_with_axes(AIR))
    assert [axis.shared for axis in compiled(_with_axes(AIR, CORE)).axes] == [True, False]


def test_a_plan_without_axes_or_without_purpose_is_refused() -> None:
    assert "axes: a plan has at least one axis" in refusal("plan: x\naxes: []\nmeasure: [readings.tj]")
    assert "neither runs a test nor measures anything; add test or measure" in refusal(f"plan: x\naxes: [{CORE}]")
    assert "the key 'axes' is missing; add it" in refusal("plan: x")


def test_a_limit_on_a_word_would_never_judge_and_is_refused() -> None:
    text = changed(PLAN, "measure: [readings.tj]", "measure: [rails.core.mode]")[0]
    text = changed(text, "{rails.core.measured_current: {max: 4.2 A}}", "{rails.core.mode: {max: 3}}")[0]
    assert refusal(text).startswith(
        "small.yaml:9: limits.rails.core.mode: rails.core.mode is a word or a switch, which no min or max can judge")


def test_a_clock_cannot_be_measured_because_nobody_can_ask_it() -> None:
    text = _with_axes(CORE).replace("measure: [readings.tj]", "measure: [clocks.core.frequency]")
    assert "clocks.core.frequency is set by a console line and cannot be read back; remove it" in refusal(text)


def test_the_plan_as_written_becomes_its_points_in_order() -> None:
    plan = compiled()
    assert [axis.name for axis in plan.outer] == ["chamber.temperature"]
    assert [axis.name for axis in plan.inner] == ["clocks.core.frequency", "rails.core.voltage"]
    assert plan.axes[1].values == (1.0e9, 1.05e9, 1.1e9, 1.15e9, 1.2e9)
    assert plan.axes[2].values == (0.8, 0.75, 0.7)
    assert (plan.block_count, plan.points_per_block, plan.point_count) == (2, 15, 60)
    assert [dict(block.values) for block in plan.blocks()] == [{"chamber.temperature": 25.0}, {"chamber.temperature": 85.0}]
    site = plan.sites["A"]
    assert (site.dut, site.board) == ("SIM-A", "dpu-a0")
    assert site.test is not None
    assert site.test.line == "bist all loops=10"
    assert site.spec == {"clocks.core.frequency": (0.8e9, 1.6e9), "rails.core.voltage": (0.70, 0.80)}
    assert site.nominal == {"clocks.core.frequency": 1.6e9, "rails.core.voltage": 0.75}
    assert [c.name for c in plan.conditions] == [
        "rails.core.measured_voltage", "rails.core.mode", "rails.core.ovp_tripped", "rails.core.ocp_tripped",
        "rails.core.sense", "rails.io.mode", "rails.io.ovp_tripped", "rails.io.ocp_tripped",
        "chamber.measured_temperature"]
    assert plan.limits["rails.core.measured_current"].high == 4.2


def test_three_axes_of_its_own_search_the_last_two() -> None:
    plan = compiled(_with_axes("{set: rails.io.voltage, values: [1.71 V, 1.89 V]}",
                               f"{{set: clocks.core.frequency, {CLOCK}}}", CORE))
    assert [axis.name for axis in plan.outer] == ["rails.io.voltage"]
    assert (plan.block_count, plan.points_per_block) == (2, 15)


@pytest.mark.parametrize(("text", "values"), [
    ("0.75 V", (0.75,)), ("0.70 V, 0.8 V", (0.7, 0.8)), ("0.9 V : 0.88 V : -10 mV", (0.9, 0.89, 0.88)),
])
def test_an_axis_can_be_given_on_the_command_line(text: str, values: tuple[float, ...]) -> None:
    plan = compiled(overrides={"rails.core.voltage": text})
    assert plan.axes[2].values == values
    assert plan.overrides == {"rails.core.voltage": text}


@pytest.mark.parametrize(("name", "text", "said"), [
    ("rails.core.volt", "0.75 V", "-e rails.core.volt: the plan small has no such axis; did you mean rails.core.voltage"),
    ("rails.core.voltage", "0.75", "-e rails.core.voltage: '0.75' has no unit; write it like 0.75 V"),
    ("rails.core.voltage", "", "-e rails.core.voltage: '' is not a quantity"),
    ("rails.core.voltage", "0.7 V:0.8 V", "-e rails.core.voltage: '0.7 V:0.8 V' is not"),
    ("rails.core.voltage", "0.7 V:0.8 V:-10 mV", "-e rails.core.voltage: from 0.7 V to 0.8 V is never reached"),
    ("rails.core.voltage", "1.2 V", "-e rails.core.voltage: psu_a.1.voltage: 1.2 V is above the limit of 1.05 V"),
    ("rails.core.voltage", "0.7 V,0.7 V", "-e rails.core.voltage: rails.core.voltage has a value twice"),
])
def test_a_wrong_override_does_not_blame_the_file(name: str, text: str, said: str) -> None:
    assert refusal(PLAN, {name: text}).startswith(said)


def test_a_soak_rule_survives_an_override() -> None:
    soak = compiled(overrides={"chamber.temperature": "-40 degC"}).axes[0].soak
    assert soak is not None
    assert (soak.within, soak.hold) == (1.0, 300.0)


@example(9, 9, -1)
@given(strategies.integers(-2000, 2000), strategies.integers(0, 400), strategies.sampled_from([1, 5, 10, 25, -1, -10, -25]))
def test_steps_reach_both_ends_exactly(start: int, count: int, step: int) -> None:
    stop = start + count * step
    spec = AxisSpec.model_validate({"set": "x", "from": f"{start} mV", "to": f"{stop} mV", "step": f"{step} mV"})
    values = spec.numbers("V")
    assert len(values) == count + 1
    assert values == tuple(float(f"{start + i * step}e-3") for i in range(count + 1))


@given(strategies.floats(-1e300, 1e300), strategies.floats(-1e300, 1e300), strategies.floats(-1e300, 1e300))
def test_whatever_the_ends_are_an_axis_is_short_or_refused(start: float, stop: float, step: float) -> None:
    spec = AxisSpec.model_validate({"set": "x", "from": f"{start:.6g} V", "to": f"{stop:.6g} V", "step": f"{step:.6g} V"})
    try:
        values = spec.numbers("V")
    except QuantityError:
        return
    assert 1 <= len(values) <= 100_000
