import math

import pytest

from labkit.sim.world import BoardModel, Outcome, Part, Silicon, classify, keyed_normal, keyed_uniform

REFERENCE = Silicon(BoardModel(fmax_hz=2.6e9, vth_v=0.33, alpha=1.3, mobility=0.75, vth_slope_v_per_k=0.9e-3))
FMAX_GHZ = {  # the published table of the reference chip: volts -> GHz at -10, 25, 85, 105 degC
    0.60: (1.71, 1.83, 2.02, 2.08), 0.70: (2.31, 2.36, 2.46, 2.49), 0.80: (2.83, 2.82, 2.83, 2.84),
    0.90: (3.29, 3.22, 3.16, 3.15), 1.00: (3.69, 3.58, 3.45, 3.42)}
VMIN_MV = {1.5: (568, 545, 500, 483), 2.0: (646, 630, 596, 582), 2.6: (754, 750, 736, 730), 3.0: (836, 843, 850, 850)}
DEGC = (-10.0, 25.0, 85.0, 105.0)


@pytest.mark.parametrize("volts", FMAX_GHZ)
def test_fmax_of_the_reference_chip(volts):
    assert [REFERENCE.fmax(volts, degc) / 1e9 for degc in DEGC] == pytest.approx(FMAX_GHZ[volts], abs=0.0051)


@pytest.mark.parametrize("ghz", VMIN_MV)
def test_vmin_of_the_reference_chip(ghz):
    assert [REFERENCE.speed_vmin(ghz * 1e9, degc) * 1e3 for degc in DEGC] == pytest.approx(VMIN_MV[ghz], abs=0.51)


@pytest.mark.parametrize("hz", [0.1e9, 0.8e9, 1.6e9, 2.4e9, 5e9])
@pytest.mark.parametrize("degc", [-60.0, 25.0, 150.0])
def test_vmin_inverts_fmax(hz, degc):
    chip = Silicon(BoardModel())
    assert chip.fmax(chip.speed_vmin(hz, degc), degc) == pytest.approx(hz, rel=1e-9)


def test_cold_is_worse_at_low_voltage_and_hot_at_high():
    chip = Silicon(BoardModel())
    assert chip.vmin(1.6e9, -40, 2.5) - chip.vmin(1.6e9, 85, 2.5) > 0.040
    assert chip.vmin(2.2e9, 85, 2.5) - chip.vmin(2.2e9, -40, 2.5) > 0.020


def test_the_floor_shows_at_low_clocks_and_the_edge_slants_above():
    chip = Silicon(BoardModel())
    edge = [chip.vmin(ghz * 1e9, 25, 2.0) for ghz in (1.0, 1.1, 1.2, 1.6, 1.9, 2.2)]
    assert edge[0] == edge[1] == edge[2] == 0.565
    assert edge[2] < edge[3] < edge[4] < edge[5]
    assert 0.75 < edge[5] < 0.85


def test_every_healthy_part_has_margin_at_the_corner_of_its_spec():
    slowest = Silicon(BoardModel(), Part(vmin_v=3 * math.hypot(0.010, 0.008), floor_v=0.018))
    for degc in (-40.0, 0.0, 25.0, 60.0, 85.0, 100.0):
        assert slowest.vmin(1.6e9, degc, 2.6) <= 0.670


def test_depth_makes_the_kind_of_failure():
    kinds = [classify(depth) for depth in (-0.1, 0.0, 0.004, 0.010, 0.020, 0.045, 0.061)]
    assert kinds == [Outcome.PASS, Outcome.PASS, Outcome.CORRECTED, Outcome.FAIL, Outcome.CRASH, Outcome.HANG,
                     Outcome.DEAD]


def test_edge_noise_is_logistic_with_rare_lapses():
    chip = Silicon(BoardModel())
    draws = sorted(chip.edge_noise("n", index) for index in range(20_000))
    for share, quantile in ((0.1, -math.log(9)), (0.5, 0.0), (0.9, math.log(9))):
        assert draws[int(share * 20_000)] == pytest.approx(quantile * 0.002, abs=1.5e-4)
    wide = sum(abs(draw) > 0.0125 for draw in draws)
    assert 2 <= wide <= 120
    assert max(abs(draws[0]), abs(draws[-1])) < 0.030


def test_parts_spread_as_the_model_says():
    model = BoardModel(outliers=0.0, lot_v=0.0)
    parts = [Part.drawn(model, 7, f"SN{index}") for index in range(3000)]
    mean = sum(part.vmin_v for part in parts) / 3000
    sigma = math.sqrt(sum((part.vmin_v - mean) ** 2 for part in parts) / 3000)
    assert abs(mean) < 0.001
    assert sigma == pytest.approx(0.010, rel=0.05)
    fast = [part.leakage for part in parts if part.vmin_v < -0.010]
    slow = [part.leakage for part in parts if part.vmin_v > 0.010]
    assert sum(fast) / len(fast) > 1.3 * sum(slow) / len(slow)  # fast parts leak
    assert Part.drawn(model, 7, "SN1") == parts[1] != Part.drawn(model, 8, "SN1")


def test_a_hole_fails_inside_the_passing_region():
    chip = Silicon(BoardModel(hole_hz=1.2e9, hole_v=0.8, hole_width_hz=0.2e9, hole_width_v=0.03))
    assert classify(chip.depth(0.80, 1.2e9, 25, 2)) is Outcome.FAIL
    assert classify(chip.depth(0.83, 1.2e9, 25, 2)) is Outcome.PASS
    assert classify(chip.depth(0.80, 1.4e9, 25, 2)) is Outcome.PASS


def test_chance_depends_on_its_key_alone():
    assert keyed_uniform(1, "a", 2) == keyed_uniform(1, "a", 2) != keyed_uniform(1, "a", 3)
    assert keyed_uniform("1") != keyed_uniform(1)
    draws = [keyed_normal("k", index) for index in range(20_000)]
    assert abs(sum(draws) / 20_000) < 0.03
    assert sum(draw**2 for draw in draws) / 20_000 == pytest.approx(1.0, abs=0.03)
    assert all(0 < keyed_uniform("u", index) < 1 for index in range(1000))


def test_a_model_that_cannot_exist_is_refused():
    with pytest.raises(ValueError, match="alpha must be above 1"):
        BoardModel(alpha=0.9)
    with pytest.raises(ValueError, match="must rise in this order"):
        BoardModel(reset_v=0.6)
