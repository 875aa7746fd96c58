"""JSON Schemas of the files that people write, for editors."""

from __future__ import annotations

import json
from typing import Literal

from labkit.bench.benchfile import BenchFile
from labkit.bench.board import BoardFile
from labkit.plan.planfile import PlanFile
from labkit.yamlfile import Strict

SchemaKind = Literal["board", "bench", "plan"]

_MODELS: dict[SchemaKind, type[Strict]] = {"board": BoardFile, "bench": BenchFile, "plan": PlanFile}


def schema_text(kind: SchemaKind) -> str:
    """Return the JSON Schema (draft 2020-12) of board, bench or plan files."""
    found = _MODELS[kind].model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **found}, indent=1) + "\n"
