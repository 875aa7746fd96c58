"""Every plan that ships compiles on the shipped bench."""

from __future__ import annotations

import pytest
from plan_files import bench

from labkit.bench.load import shipped
from labkit.plan.compile import compile_plan
from labkit.yamlfile import read_yaml


@pytest.mark.parametrize("name", sorted(shipped("plan")))
def test_a_shipped_plan_compiles(name: str) -> None:
    plan = compile_plan(read_yaml(shipped("plan")[name]), bench())
    assert plan.name == name
    assert plan.point_count == plan.block_count * plan.points_per_block * 2
