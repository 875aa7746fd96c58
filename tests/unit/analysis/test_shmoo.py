import numpy as np
import pandas as pd
import pytest

from labkit.analysis.shmoo import OUTCOMES, axis_names, shmoo_matrices
from labkit.errors import ConfigError

T, F, V = "chamber.temperature", "clocks.core.frequency", "rails.core.voltage"


def plan(**values):
    return {"plan": {"axes": [{"name": name, "values": list(v)} for name, v in values.items()]}}


def points(rows, names):
    frame = pd.DataFrame(rows, columns=[*names, "outcome"])
    frame["site"], frame["dut"] = "A", "SN1"
    frame.attrs["units"] = {F: "Hz", V: "V", T: "degC"}
    return frame


INFO = {"plan": {"axes": [{"name": T, "values": [25.0]}, {"name": F, "values": [1e9, 2e9]},
                          {"name": V, "values": [0.8, 0.7, 0.6]}]},
        "sites": {"A": {"dut": "SN1", "spec": {V: [0.7, 0.8]}, "nominal": {V: 0.75, F: "?"}}}}


def test_frequency_goes_right_and_voltage_up_and_gaps_are_not_tested():
    frame = points([(25.0, 1e9, 0.8, "pass"), (25.0, 1e9, 0.7, "fail"), (25.0, 2e9, 0.8, "hang")], (T, F, V))
    [shmoo] = shmoo_matrices(frame, INFO)
    assert (shmoo.x_name, shmoo.x_unit, shmoo.y_name, shmoo.y_unit) == (F, "Hz", V, "V")
    assert shmoo.x_values.tolist() == [1e9, 2e9]
    assert shmoo.y_values.tolist() == [0.6, 0.7, 0.8]
    named = [[OUTCOMES[code] for code in row] for row in shmoo.outcome]
    assert named == [["not-tested", "not-tested"], ["fail", "not-tested"], ["pass", "hang"]]
    assert shmoo.row.tolist() == [[-1, -1], [1, -1], [0, 2]]
    assert dict(shmoo.conditions) == {T: 25.0}
    assert (shmoo.site, shmoo.dut) == ("A", "SN1")
    assert shmoo.counts["not-tested"] == 3
    assert shmoo.spec == {V: (0.7, 0.8)}
    assert shmoo.nominal == {V: 0.75}


@pytest.mark.parametrize(("repeats", "shown", "share"), [
    (("pass", "fail", "pass", "pass"), "fail", 0.75),
    (("fail", "hang"), "hang", 0.0),
    (("infra", "pass"), "pass", 1.0),
    (("pass", "not-tested"), "pass", 1.0),
    (("infra", "aborted"), "infra", None),
    (("pass", "word of a later version"), "pass", 1.0),
])
def test_repeats_show_the_worst_result_and_the_share_that_passes(repeats, shown, share):
    frame = points([(1e9, 0.8, outcome) for outcome in repeats], (F, V))
    [shmoo] = shmoo_matrices(frame, INFO)
    row, column = np.argwhere(shmoo.row >= 0)[0]
    assert OUTCOMES[shmoo.outcome[row, column]] == shown
    assert frame["outcome"][shmoo.row[row, column]] in (shown, "word of a later version")
    measured = shmoo.pass_share[row, column]
    assert np.isnan(measured) if share is None else measured == share


def test_one_matrix_a_site_and_slice_with_values_that_differ_by_rounding_only():
    rows = [(t, f * (1 + 1e-13), v, "pass") for t in (85.0, -40.0) for f in (1e9, 2e9) for v in (0.1 + 0.2, 0.7)]
    frame = points(rows, (T, F, V))
    frame.loc[4:, "site"] = "B"
    info = plan(**{T: (-40.0, 85.0), F: (1e9, 2e9), V: (0.3, 0.7)})
    shmoos = shmoo_matrices(frame, info)
    assert [(s.site, s.conditions[T]) for s in shmoos] == [("A", 85.0), ("B", -40.0)]
    assert all(s.outcome.shape == (2, 2) for s in shmoos)


def test_other_axes_can_be_chosen_and_a_wrong_name_is_answered_with_the_near_one():
    frame = points([(t, f, 0.8, "pass") for t in (0.0, 25.0) for f in (1e9, 2e9)], (T, F, V))
    shmoos = shmoo_matrices(frame, INFO, x=T)
    assert [(s.x_name, s.y_name, s.conditions[F]) for s in shmoos] == [(T, V, 1e9), (T, V, 2e9)]
    [shmoo] = shmoo_matrices(frame, INFO, x=T, y=F)
    assert (shmoo.x_name, shmoo.y_name) == (T, F)
    assert shmoo_matrices(frame, INFO, y=T)[0].x_name == V
    with pytest.raises(ConfigError, match=r"did you mean rails\.core\.voltage"):
        shmoo_matrices(frame, INFO, y="rails.core.volts")
    with pytest.raises(ConfigError, match="for both"):
        shmoo_matrices(frame, INFO, x=V, y=V)


def test_one_axis_gives_one_row_and_none_gives_nothing():
    frame = points([(0.8, "pass"), (0.7, "fail")], (V,))
    [shmoo] = shmoo_matrices(frame, plan(**{V: (0.7, 0.8)}))
    assert shmoo.y_name == ""
    assert shmoo.outcome.tolist() == [[1, 0]]
    assert shmoo_matrices(frame.drop(columns=V), {}) == []
    assert shmoo_matrices(frame.iloc[:0], {}) == []


def test_axes_come_from_the_journal_where_the_plan_is_missing():
    frame = points([(1e9, 0.8, "pass")], (F, V))
    frame.attrs["roles"] = {"site": "key", F: "axis", V: "axis"}
    assert axis_names(frame, {}) == [F, V]
    assert shmoo_matrices(frame, {})[0].outcome.shape == (1, 1)


def test_the_edge_stops_at_the_first_failure_below_and_is_not_hidden_by_a_ceiling():
    column = {0.9: "fail", 0.8: "pass", 0.7: "pass", 0.6: "fail", 0.5: "pass"}
    frame = points([(1e9, v, outcome) for v, outcome in column.items()] + [(2e9, 0.9, "fail")], (F, V))
    [shmoo] = shmoo_matrices(frame, {"plan": {"axes": [{"name": F}, {"name": V}]}})
    edge = shmoo.lowest_passing()
    assert edge[0] == 0.7
    assert np.isnan(edge[1])


def test_untested_cells_do_not_end_the_edge():
    frame = points([(1e9, 0.9, "pass"), (1e9, 0.7, "pass"), (1e9, 0.6, "fail")], (F, V))
    [shmoo] = shmoo_matrices(frame, plan(**{F: (1e9,), V: (0.9, 0.8, 0.7, 0.6)}))
    assert shmoo.lowest_passing().tolist() == [0.7]
