"""Strict YAML: what is written is what is meant, and every complaint names file, line and key.

YAML 1.2 without surprises: no aliases, tags or duplicate keys, none of the readings of YAML 1.1 that turn ``no`` into
false and ``1:30`` into ninety, one megabyte at most. Models are pydantic's; :class:`Strict` refuses unknown keys.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from labkit.errors import ConfigError, Place
from labkit.quantity import QuantityError, parse
from labkit.text import near

M = TypeVar("M", bound=BaseModel)
KeyPath = tuple[str | int, ...]

_LARGEST_BYTES = 1_000_000
_DEEPEST = 20
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?\Z")
_TRAP_WORDS = frozenset(("yes", "no", "on", "off", "y", "n"))
_TRAP_NUMBERS = re.compile(r"[-+]?(\d+(:\d+)+|0\d+|0[xXoObB]\w+)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A YAML file as read: its data, and at which line each key stands."""

    path: Path
    source: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]

    @property
    def sha256(self) -> str:
        """The hash of the text as read."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def place(self, key: KeyPath = ()) -> Place:
        """Return where ``key`` stands; the nearest parent's line where the key itself has none."""
        line, path = None, key
        while line is None and path:
            line, path = self.lines.get(path), path[:-1]
        return Place(self.path, line, ".".join(str(part) for part in key))

    def error(self, problem: str, key: KeyPath = ()) -> ConfigError:
        """Return a ConfigError for ``key`` of this file."""
        return ConfigError(problem, self.place(key))


class Strict(BaseModel):
    """Base of everything that stands in a file: unknown keys are errors, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for key in data:
                if key not in known:
                    raise PydanticCustomError(
                        "unknown_key", "unknown key '{key}'{near}", {"key": key, "near": near(str(key), known)})
        return data


@dataclass(frozen=True)
class Unit:
    """Marks a float field whose text in a file carries a unit; inside it is in the canonical ``unit``."""

    unit: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if self.unit == "":
            return {"type": "number"}
        return {"type": "string", "description": f"a quantity in {self.unit}"}

    def _read(self, value: object) -> float:
        try:
            return parse(value, self.unit)
        except QuantityError as error:
            raise PydanticCustomError("quantity", "{text}", {"text": str(error)}) from None


class OrWord:
    """Marks a field with a short form, one word, that a validator before it reads: editors may see it too."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


Volts = Annotated[float, Unit("V")]
Amps = Annotated[float, Unit("A")]
Ohms = Annotated[float, Unit("Ohm")]
Hertz = Annotated[float, Unit("Hz")]
Seconds = Annotated[float, Unit("s")]
Celsius = Annotated[float, Unit("degC")]
Kelvin = Annotated[float, Unit("K")]
KelvinPerMinute = Annotated[float, Unit("K/min")]
VoltsPerSecond = Annotated[float, Unit("V/s")]
Percent = Annotated[float, Unit("%")]


def read_yaml(path: Path) -> Document:
    """Read a YAML file that holds a mapping; raises ConfigError with the place and the remedy."""
    return parse_yaml(read_text(path), path)


def read_text(path: Path) -> str:
    """Read a text file that a person wrote; raises ConfigError for what is too long to be one, or is no UTF-8."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", Place(path)) from None
    if len(raw) > _LARGEST_BYTES:
        raise ConfigError(f"is {len(raw):,} bytes long; no labkit file is over {_LARGEST_BYTES:,}: is this the right "
                          "file?", Place(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError("is not UTF-8 text; save it as UTF-8", Place(path, line)) from None


@lru_cache(maxsize=32)  # by content: a file that was edited is read again
def parse_yaml(text: str, path: Path) -> Document:
    """Return the document in ``text``; ``path`` is what its errors name."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    depth_problem = ConfigError(f"is nested more than {_DEEPEST} levels deep; no labkit file is, so check brackets and "
                                "indentation", Place(path))
    if re.search(r"[\[{][\s\[{]{40,}", text):
        raise depth_problem
    try:
        _refuse_marks(text, path)
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise _not_yaml(error, path) from None
    except RecursionError:
        raise depth_problem from None
    except YAMLError as error:
        raise ConfigError(f"is not YAML text: {str(error).splitlines()[0]}; is this the right file?",
                          Place(path)) from None
    reader = _Reader(path)
    data = reader.value(node, ()) if node is not None else None
    if not isinstance(data, dict):
        raise ConfigError("holds no keys; a labkit file begins with its kind, like `plan: my-plan`", Place(path))
    return Document(path, text, data, reader.lines)


def _not_yaml(error: Any, path: Path) -> ConfigError:
    """Return what ruamel found (a MarkedYAMLError) in the words of somebody who writes such files."""
    problem, context = str(error.problem or error.context or "it cannot be read"), str(error.context or "")
    line = error.problem_mark.line + 1 if error.problem_mark else None
    began = error.context_mark.line + 1 if error.context_mark else line
    if problem.startswith("but "):
        problem = f"{context} {problem}"
    if problem == "could not find expected ':'":
        line, problem = began, "a key stands here without its ':'"
    elif "quoted scalar" in context:
        line, problem = began, "the quote that opens here is never closed"
    elif "flow" in context and problem.startswith("expected"):
        problem = f"{problem.partition(', but')[0]} to end what opens in line {began}"
    elif "'\\t'" in problem or "tab" in problem:
        problem = "a tab stands where only spaces may"
    elif "block end" in problem or "mapping values are not allowed" in problem:
        problem = "this line does not fit below the one above it"
    return ConfigError(f"is not YAML: {problem}; check indentation, quotes and brackets around this line",
                       Place(path, line))


def _refuse_marks(text: str, path: Path) -> None:
    """Refuse tags, anchors and aliases wherever they stand: the node graph no longer shows all of them.

    Before the graph is made: ruamel warns of an anchor that stands twice.
    """
    if not set("!&*").intersection(text):
        return
    from ruamel.yaml import YAML

    for token in YAML(typ="safe", pure=True).scan(text):
        place = Place(path, token.start_mark.line + 1)
        kind = type(token).__name__
        if kind == "TagToken":
            raise ConfigError("tags (words that begin with !) are not used in labkit files; remove it, or put the text "
                              "in quotes", place)
        if kind in ("AnchorToken", "AliasToken"):
            raise ConfigError("anchors and aliases (& and *) are not used in labkit files; write the value out, or put "
                              "the text in quotes", place)


def _refuse_half_characters(text: str, place: Place) -> None:
    """Refuse what an escape in double quotes can write and no file, database or terminal can hold."""
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigError("holds half of a character (an escape between \\ud800 and \\udfff); write the character "
                          "itself", place)


class _Reader:
    """Turns the node graph into plain data, refusing what YAML allows and labkit does not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[KeyPath, int] = {}

    def value(self, node: Any, key: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(key, line)
        place = Place(self.path, line, ".".join(map(str, key)))
        if len(key) > _DEEPEST:
            raise ConfigError(f"is nested more than {_DEEPEST} levels deep; no labkit file is, so check brackets and "
                              "indentation", place)
        kind = type(node).__name__
        if kind == "MappingNode":
            return self._mapping(node, key)
        if kind == "SequenceNode":
            return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: Any, key: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_node.value
            line = key_node.start_mark.line + 1
            place = Place(self.path, line, ".".join(map(str, key)))
            if not isinstance(name, str):
                raise ConfigError("a key must be a plain word", place)
            _refuse_half_characters(name, place)
            if name in found:
                first = self.lines[(*key, name)]
                raise ConfigError(f"the key {name!r} stands here twice (first in line {first}); keep one", place)
            self.lines[(*key, name)] = line
            found[name] = self.value(value_node, (*key, name))
        return found

    @staticmethod
    def _scalar(node: Any, place: Place) -> Any:
        text: str = node.value
        _refuse_half_characters(text, place)
        if node.style in ("'", '"', "|", ">"):
            return text
        if text.lower() in _TRAP_WORDS:
            raise ConfigError(f"{text} means true or false to some YAML readers and a word to others; write true or "
                              "false, or put it in quotes", place)
        if text.lower().lstrip("+-") in (".inf", ".nan"):
            raise ConfigError(f"{text} is not a finite number; write a number, with its unit where it has one", place)
        if _TRAP_NUMBERS.match(text):
            raise ConfigError(f"{text} means different numbers to different YAML readers; put it in quotes, or write "
                              "the number with its unit", place)
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if _FLOAT.match(text) and not math.isfinite(float(text)):
            raise ConfigError(f"{text[:20]}... is larger than any number that can be computed with", place)
        if _INT.match(text):
            return int(text)
        return float(text) if _FLOAT.match(text) else text


def validate(model: type[M], document: Document) -> M:
    """Return the document as ``model``; raises ConfigError for the first thing that is wrong in it."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = error.errors()
        first = min(problems, key=lambda p: document.place(_key(p, document)).line or 0)
        places = len({_key(problem, document) for problem in problems})
        more = f" (and {places - 1} more)" if places > 1 else ""
        raise document.error(_sentence(first) + more, _key(first, document)) from None


def _key(problem: ErrorDetails, document: Document) -> KeyPath:
    """Return the key path as it stands in the file: without the names that pydantic adds for unions and tuples."""
    path: list[str | int] = []
    data: Any = document.data
    for part in problem["loc"]:
        inside = part in data if isinstance(data, dict) else (
            isinstance(data, list) and isinstance(part, int) and part < len(data))
        if inside:
            data = data[part]
        elif isinstance(data, dict) and problem["type"] == "missing" and part == problem["loc"][-1]:
            break
        else:
            continue
        path.append(part)
    if problem["type"] == "unknown_key":
        path.append(problem["ctx"]["key"])
    return tuple(path)


def _sentence(problem: ErrorDetails) -> str:
    """Return what is wrong and what to do, in the words of somebody who writes such files."""
    kind, value = problem["type"], problem.get("input")
    if kind == "missing" and isinstance(problem["loc"][-1], int):
        return f"a value is missing after {value!r}; write all of them, like [0.7 V, 0.8 V]"
    if kind == "too_long":
        return (f"there are {problem['ctx']['actual_length']} values, where {problem['ctx']['max_length']} are wanted; "
                "remove the rest")
    if kind == "missing":
        return f"the key {problem['loc'][-1]!r} is missing; add it"
    if kind == "literal_error":
        return f"{value!r} is not possible here; write {problem['ctx']['expected']}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"expected keys and values here, found {value!r}; write {{key: value}}, or indented lines of key: value"
    if kind in ("list_type", "tuple_type"):
        return f"expected a list here, like [a, b], found {value!r}"
    if kind in ("string_type",):
        return f"expected text here, found {value!r}; put it in quotes"
    if kind in ("bool_type", "bool_parsing"):
        return f"expected true or false, found {value!r}; write one of the two"
    if kind.startswith("int_"):
        return f"expected a whole number, found {value!r}; write one like 2"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        bound = next(iter(problem["ctx"].values()))
        word = {"greater_than": "above", "greater_than_equal": "at least", "less_than": "below"}.get(kind, "at most")
        return f"{value!r} is not possible here; write {word} {bound:g}"
    message = problem["msg"]
    return message.removeprefix("Value error, ")
