"""The JSON Schemas take the files that labkit takes: an editor must not underline a good file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from labkit.bench.load import shipped
from labkit.lab.folder import lab_files
from labkit.lab.schemas import schema_text
from labkit.yamlfile import parse_yaml

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,), "null": (type(None),),
    "object": (dict,), "array": (list,)}


def complaint(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "") -> str:
    """Return the first thing that ``schema`` (of the keywords that pydantic writes) holds against ``value``, or ""."""
    if "$ref" in schema:
        return complaint(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        said = [complaint(value, option, root, at) for option in schema["anyOf"]]
        return "" if "" in said else "; ".join(said)
    wanted = TYPES.get(schema.get("type", ""), (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted and object not in wanted):
        return f"{at}: {value!r} is no {schema['type']}"
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        return f"{at}: {value!r} is not allowed"
    return _inside(value, schema, root, at)


def _inside(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> str:
    if isinstance(value, list):
        fixed = schema.get("prefixItems", [])
        parts = [(item, fixed[i] if i < len(fixed) else schema.get("items", {}), f"{at}.{i}")
                 for i, item in enumerate(value)]
    elif isinstance(value, dict):
        missing = [key for key in schema.get("required", []) if key not in value]
        if missing:
            return f"{at}: {missing} missing"
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        if others is False and set(value) - set(known):
            return f"{at}: unknown {set(value) - set(known)}"
        parts = [(item, known.get(key, others if isinstance(others, dict) else {}), f"{at}.{key}")
                 for key, item in value.items()]
    else:
        parts = []
    return next((said for item, of, where in parts if (said := complaint(item, of, root, where))), "")


def judged(kind: Any, text: str) -> str:
    schema = json.loads(schema_text(kind))
    return complaint(parse_yaml(text, Path("f.yaml")).data, schema, schema)


FILES = [(kind, path) for kind in ("board", "bench", "plan") for path in shipped(kind).values()]


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_a_shipped_file_is_good(kind: str, path: Path) -> None:
    assert judged(kind, path.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(("kind", "name"), [
    ("board", "boards/my-board.yaml"), ("bench", "benches/my-bench.yaml"), ("plan", "my-plan.yaml")])
def test_a_file_of_a_new_lab_folder_is_good_and_names_its_schema(kind: str, name: str) -> None:
    text = dict(lab_files())[name]
    assert judged(kind, text) == ""
    reference = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert Path(name).parent.joinpath(reference).as_posix().replace("benches/../", "").replace("boards/../", "") == (
        f"schemas/{kind}.json")
    assert json.loads(dict(lab_files())[f"schemas/{kind}.json"])["$schema"].startswith("https://json-schema.org/")


def test_a_wrong_file_is_underlined() -> None:
    text = (files("labkit.lab") / "template" / "boards" / "my-board.yaml").read_text(encoding="utf-8")
    assert "unknown {'nominl'}" in judged("board", text.replace("nominal: 0.75 V", "nominal: 0.75 V\n    nominl: 1 V"))
    assert "is no string" in judged("board", text.replace("nominal: 0.75 V", "nominal: 0.75"))
