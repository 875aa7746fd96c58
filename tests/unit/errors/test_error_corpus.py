"""Files broken in every class: each is refused with file, line, key and remedy, before anything is sent.

``python -m tests.unit.errors.test_error_corpus`` writes all messages into docs/errors.md, to be read.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from labkit.errors import ConfigError
from labkit.run.launch import RunRequest, prepare
from tests.system.serving import labkit
from tests.unit.errors.corpus import CASES, FILES, Case, broken, good_files

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
REWRITE = "python -m tests.unit.errors.test_error_corpus"


def write(folder: Path, case: Case | None = None) -> None:
    (folder / "drivers").mkdir()
    for kind, text in good_files().items():
        (folder / FILES[kind]).write_bytes(broken(case) if case and case.kind == kind else text.encode())


def refusal(folder: Path, case: Case) -> str:
    """Return what labkit says of the case, asked as a lab folder's user asks."""
    write(folder, case)
    with contextlib.chdir(folder):
        try:
            prepare(RunRequest("vtf-shmoo", _default_bench(), simulate=True))
        except ConfigError as error:
            assert error.exit_code == 2
            return str(error)
    return ""


def _default_bench() -> str:
    from labkit.cli.options import _bench

    return _bench() or ""


@lru_cache(maxsize=1)
def messages() -> dict[Case, str]:
    found = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found[case] = refusal(Path(folder), case)
            assert not (Path(folder) / "runs").exists()
    return found


def test_the_files_that_are_broken_are_good(tmp_path: Path) -> None:
    write(tmp_path)
    with contextlib.chdir(tmp_path):
        assert prepare(RunRequest("vtf-shmoo", "duo", simulate=True)).plan.name == "vtf-shmoo"


def test_no_case_stands_here_twice() -> None:
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_is_refused_with_its_place_and_a_remedy(case: Case) -> None:
    said = messages()[case]
    assert said, "accepted"
    place, _, sentence = said.partition(" ")
    file, _, line = place.rstrip(":").partition(":")
    assert file in FILES.values()
    assert file == FILES[case.kind] or case.topic.startswith("A limit or rail outside")
    assert bool(line) == case.lines and (not line or 1 <= int(line) <= len(broken(case).splitlines()) + 1)
    assert "\n" not in said and len(said) < 420 and said.isprintable()
    assert re.search(r"; |\?|, like ", sentence), "what to do next"
    assert not re.search(r"Traceback|Error\b|pydantic|NoneType|object at 0x|<class|ruamel|tomllib", said)


SAMPLE = [case for i, case in enumerate(CASES) if i % 25 == 0]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_the_command_says_the_same_and_ends_with_2(tmp_path: Path, case: Case) -> None:
    write(tmp_path, case)
    done = labkit("run", "vtf-shmoo", "--sim", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"labkit: {messages()[case]}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES.values(), "drivers"])


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What labkit says of a file that is wrong"
    yield ""
    yield f"{len(CASES)} changes of the shipped board, bench and plan and of a labkit.toml, and what each leads to. All"
    yield "end with exit code 2; nothing is sent to any instrument, and no run folder is made. Written by"
    yield f"`{REWRITE}`; a test compares."
    for topic in dict.fromkeys(case.topic for case in CASES):
        yield f"\n## {topic}\n"
        for case in CASES:
            if case.topic == topic:
                yield f"- {_change(case)}  "
                yield f"  {_code(messages()[case])}"


def _change(case: Case) -> str:
    if not case.old:
        return f"{FILES[case.kind]}: {case.what}"
    if case.new == "":
        return f"{FILES[case.kind]}: without {_code(case.old.strip())}"
    return f"{FILES[case.kind]}: {_code(case.old.strip())} → {_code(str(case.new).strip())}"


def _code(text: str) -> str:
    shown = text.replace("\n", "⏎").replace("\t", "⇥")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def test_the_page_of_messages_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"read the difference, then: {REWRITE}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(CASES)} messages")
