"""Strict YAML: every trap is an error that names the file, the line and the key."""

# ruff: noqa: E501  (a table reads best with one row a line)
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from pydantic import Field

from labkit.errors import ConfigError
from labkit.yamlfile import Celsius, Percent, Seconds, Strict, Volts, parse_yaml, read_yaml, validate

FILE = Path("bench.yaml")


class Rail(Strict):
    nominal: Volts
    spec: tuple[Volts, Volts] = (0.0, 1.0)
    names: tuple[str, ...] = ()
    on: bool = False
    count: int = 1


class Whole(Strict):
    plan: str
    rails: dict[str, Rail] = Field(default_factory=dict)
    wait: Seconds = 0.0
    air: Celsius = 25.0
    share: Percent = 0.0


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as problem:
        parse_yaml(text, FILE)
    return str(problem.value)


def invalid(text: str) -> str:
    with pytest.raises(ConfigError) as problem:
        validate(Whole, parse_yaml(text, FILE))
    return str(problem.value)


@pytest.mark.parametrize(("text", "value"), [
    ("1e6", 1e6), ("1.5", 1.5), ("-3", -3), ("0", 0), (".5", 0.5), ("true", True), ("False", False), ("null", None),
    ("", None), ("'no'", "no"), ('"1:30"', "1:30"), ("'012'", "012"), ("2027-03-01", "2027-03-01"), ("5 min", "5 min"),
    ("x!y & z*", "x!y & z*"), ("<<", "<<"), ("1٣", "1٣"), ("1_000", "1_000"), ("|\n  no\n", "no\n"), ("[1, a]", [1, "a"]),
    ("'&x *y !z'", "&x *y !z"),
])
def test_what_is_written_is_what_is_read(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", FILE).data["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["no", "No", "NO", "yes", "on", "OFF", "y", "N", "off"])
def test_words_that_yaml_1_1_takes_for_switches_are_refused(text: str) -> None:
    message = refused(f"rails:\n  core: {{on: {text}}}")
    assert message.startswith(f"bench.yaml:2: rails.core.on: {text} means true or false to some YAML readers")
    assert "write true or false, or put it in quotes" in message


@pytest.mark.parametrize("text", ["1:30", "01:30:00", "012", "-07", "0x1F", "0o17", "0b1"])
def test_numbers_that_yaml_readers_disagree_about_are_refused(text: str) -> None:
    assert refused(f"a: 1\nwait: {text}").startswith(
        f"bench.yaml:2: wait: {text} means different numbers to different YAML readers; put it in quotes")


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "+.Inf"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    assert refused(f"a: 1\nwait: {text}") == (
        f"bench.yaml:2: wait: {text} is not a finite number; write a number, with its unit where it has one")


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400, "9" * 5000])
def test_a_number_beyond_all_computing_is_refused(text: str) -> None:
    assert refused(f"a: {text}").startswith("bench.yaml:1: a: ")


@pytest.mark.parametrize("text", [
    "a: &x 1\nb: 2", "a: 1\nb: &x {c: 1}", "&x a: 1", "a: &x 1\nb: *x", "a: &x {<<: 1}\nb: {<<: *x}",
    "a: *u", "&0 : &0", "a: &a [x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]",
])
def test_anchors_and_aliases_are_refused_also_where_nobody_uses_them(text: str) -> None:
    assert "anchors and aliases (& and *) are not used" in refused(text)


@pytest.mark.parametrize("text", ["a: !foo 1", "a: !!str 5", "!!map {a: 1}", "!x a: 1", "a: !!python/object:os.system x",
                                  "a: !", "a: [!!int '5']"])
def test_tags_are_refused_wherever_they_stand(text: str) -> None:
    assert "bench.yaml:1: tags (words that begin with !) are not used" in refused(text)


def test_a_key_that_stands_twice_names_both_lines() -> None:
    assert refused("plan: a\nrails:\n  core: {}\n  io: {}\n  core: {}") == (
        "bench.yaml:5: rails: the key 'core' stands here twice (first in line 3); keep one")


@pytest.mark.parametrize(("text", "said"), [
    ("", "holds no keys"), ("# only a comment\n", "holds no keys"), ("---", "holds no keys"), ("- a\n- b", "holds no keys"),
    ("word", "holds no keys"), ("? [a, b]\n: 1", "bench.yaml:1: a key must be a plain word"),
    ("a: 1\n---\nb: 2", "but found another document"), ("a:\n\t- b", "bench.yaml:2: is not YAML"),
    ("a: [1, 2", "is not YAML: expected ',' or ']'"), ("a: 'x", "is not YAML"), ("a: `x`", "check indentation, quotes"),
    ("a: \x07", "is not YAML text"),
])
def test_what_is_no_labkit_file_says_what_to_look_at(text: str, said: str) -> None:
    message = refused(text)
    assert said in message
    assert message.startswith("bench.yaml")


@pytest.mark.parametrize("text", [
    "x: " + "[" * 100_000, "x: " + "[a, " * 600, "- " * 3000 + "a", "x: " + "{a: " * 3000, "? " * 3000,
    "x:\n" + "".join(" " * i + "a:\n" for i in range(1, 400)),
], ids=["brackets", "flow lists", "block lists", "flow maps", "complex keys", "block maps"])
def test_deep_nesting_is_refused_not_run_into(text: str) -> None:
    assert "levels deep; no labkit file is" in refused(text)


def test_a_file_that_cannot_be_read_as_text_names_what_is_wrong(tmp_path: Path) -> None:
    def reading(raw: bytes) -> str:
        path = tmp_path / "f.yaml"
        path.write_bytes(raw)
        with pytest.raises(ConfigError) as problem:
            read_yaml(path)
        return str(problem.value).replace(str(tmp_path), "")

    assert reading(b"a: 1\nb: \xff") == "/f.yaml:2: is not UTF-8 text; save it as UTF-8"
    assert reading("a: 1".encode("utf-16")).endswith("is not UTF-8 text; save it as UTF-8")
    assert "is this the right file?" in reading(b"\x00\x01\x02" * 100)
    assert "is 10,000,000 bytes long; no labkit file is over 1,000,000" in reading(b"a" * 10_000_000)
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfplan: x\r\n")
    assert read_yaml(path).data == {"plan": "x"}


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("plan: one")
    assert read_yaml(path).data == {"plan": "one"}
    path.write_text("plan: two")
    assert read_yaml(path).data == {"plan": "two"}


@pytest.mark.parametrize(("text", "said"), [
    ("plan: x\nrals: {}", "bench.yaml:2: rals: unknown key 'rals'; did you mean rails?"),
    ("plan: x\nrails:\n  core:\n    nominal: 1 V\n    nominl: 2 V",
     "bench.yaml:5: rails.core.nominl: unknown key 'nominl'; did you mean nominal?"),
    ("wait: 5 s", "bench.yaml: the key 'plan' is missing; add it"),
    ("plan: x\nrails:\n  core: {on: true}", "bench.yaml:3: rails.core: the key 'nominal' is missing; add it"),
    ("plan: 5", "bench.yaml:1: plan: expected text here, found 5; put it in quotes"),
    ("plan: x\nrails: [a]", "bench.yaml:2: rails: expected keys and values here, found ['a']"),
    ("plan: x\nrails: {core: {nominal: 1 A}}",
     "bench.yaml:2: rails.core.nominal: '1 A' is not in V; write it like 0.75 V"),
    ("plan: x\nrails: {core: {nominal: 0.75}}",
     "bench.yaml:2: rails.core.nominal: 0.75 has no unit; write it like 0.75 V"),
    ("plan: x\nrails: {core: {nominal: 1 V, spec: [1 V]}}", "bench.yaml:2: rails.core.spec"),
    ("plan: x\nrails: {core: {nominal: 1 V, spec: 1 V}}",
     "bench.yaml:2: rails.core.spec: expected a list here, like [a, b], found '1 V'"),
    ("plan: x\nrails: {core: {nominal: 1 V, spec: [1 V, 2 s]}}", "bench.yaml:2: rails.core.spec.1: '2 s' is not in V"),
    ("plan: x\nrails: {core: {nominal: 1 V, names: [1]}}", "bench.yaml:2: rails.core.names.0: expected text here"),
    ("plan: x\nrails: {core: {nominal: 1 V, on: 1 V}}", "bench.yaml:2: rails.core.on: expected true or false"),
    ("plan: x\nrails: {core: {nominal: 1 V, count: 1.5}}", "bench.yaml:2: rails.core.count: expected a whole number"),
    ("plan: x\nwait: 5", "bench.yaml:2: wait: 5 has no unit; write it like 5 min"),
    ("plan: x\nair: 300 K", "bench.yaml:2: air: '300 K' is not in degC; write it like 25 degC"),
    ("plan: x\nwait: 5 V\nair: 3 V", "bench.yaml:2: wait: '5 V' is not in seconds, minutes or hours"),
])
def test_every_complaint_names_file_line_and_key(text: str, said: str) -> None:
    assert invalid(text).startswith(said)


def test_the_number_of_further_problems_is_told() -> None:
    assert invalid("plan: x\nwait: 5 V\nair: 3 V").endswith("(and 1 more)")


def test_a_control_character_in_a_key_does_not_reach_the_terminal() -> None:
    assert "\x1b" not in invalid('plan: x\n"\\e[2J": 1')


SNIPPETS = strategies.sampled_from(["a", "b: ", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "? ", ": ", "'", '"', "|", ">",
                                    "&x ", "*x", "!t ", "#", "%", "---\n", "...\n", "no", "1e9", "\t", "\\", "é", "\x85",
                                    "@", "`", "<<", "0", "12", ".", "~"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.one_of(strategies.text(max_size=60), strategies.lists(SNIPPETS, max_size=25).map("".join)))
def test_whatever_stands_in_a_file_only_config_errors_come_out(text: str) -> None:
    try:
        document = parse_yaml(text, FILE)
        whole = validate(Whole, document)
    except ConfigError as error:
        assert str(error).startswith("bench.yaml")
        return
    assert isinstance(whole, Whole)


VALUES: Any = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats(allow_nan=False)
    | strategies.text(max_size=5),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=3), inner),
    max_leaves=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.dictionaries(strategies.sampled_from(["plan", "rails", "wait", "air", "share"]), VALUES))
def test_whatever_is_meant_by_a_key_only_config_errors_come_out(data: dict[str, Any]) -> None:
    try:
        validate(Whole, parse_yaml(json.dumps(data), FILE))  # JSON is YAML, escapes of halves of characters included
    except ConfigError as error:
        assert str(error).startswith("bench.yaml")
