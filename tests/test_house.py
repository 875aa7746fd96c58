"""The house rules as tests over the three source roots. An exception stands here by name, with why."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from labkit.instrument import Instrument, Owner, Reading, Row, Setting
from labkit.instrument.registry import driver, names

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for root in ("labkit", "instruments/labkit_instruments", "test_plans/labkit_plans")
                 for path in (ROOT / root).rglob("*.py"))

MOST_LINES, MOST_FUNCTION_LINES, MOST_PUBLIC_METHODS = 400, 40, 15

WAITING = {"time", "threading", "queue", "select", "selectors", "asyncio", "socket", "multiprocessing", "signal",
           "subprocess"}
"""Modules by which code could wait, or run beside others, behind the back of the clock."""

MAY_WAIT = {
    "labkit/clock.py": {"time", "threading"},                    # the clock itself
    "labkit/transport/tcp.py": {"time", "threading", "select", "socket"},  # real connections have real time-outs
    "labkit/transport/visa.py": {"time", "threading", "socket"},
    "labkit/transport/modbus.py": {"time", "threading", "socket"},
    "labkit/transport/serial_port.py": {"time", "threading"},
    "labkit/transport/serial_message.py": {"time", "threading"},
    "labkit/transport/pacing.py": {"time", "threading"},         # the gap that an instrument needs between messages
    "labkit/sim/serve/listener.py": {"threading", "socket"},     # servers of twins
    "labkit/sim/serve/tcp.py": {"threading", "socket"},
    "labkit/sim/serve/modbus.py": {"threading", "socket"},
    "labkit/sim/serve/serial.py": {"threading"},
    "labkit/sim/serve/rtu.py": {"threading"},
    "labkit/bench/faces.py": {"threading"},                      # the lock of the served bench, handed on
    "labkit/sim/serve/pty.py": {"threading", "select"},
    "labkit/bench/served.py": {"threading"},                     # one lock around the twins that several servers share
    "labkit/store/journal.py": {"time", "threading"},            # the writer beside the run; real milliseconds
    "labkit/run/record.py": {"threading"},                       # a lock around counters, never held across a wait
    "labkit/run/session.py": {"signal"},                         # Ctrl-C
    "labkit/run/launch.py": {"time"},                            # how long a run took on the wall
    "labkit/run/provenance.py": {"socket", "subprocess"},        # host name; git state
    "labkit/cli/sim.py": {"threading", "signal"},                # serve until Ctrl-C
}

TWIN_HOOKS = ("get_", "on_", "do_", "step_", "limits_")
"""In the twin of a SCPI instrument a method a command, attached by its name: these are rows, not an interface."""

HEAVY = ("pandas", "numpy", "plotly", "pyarrow", "pyvisa", "pymodbus", "serial", "scipy", "ruamel", "pydantic", "rich")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@lru_cache(maxsize=512)
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def test_the_three_roots_are_looked_at() -> None:
    assert {_name(path).split("/")[0] for path in SOURCES} == {"labkit", "instruments", "test_plans"}
    assert len(SOURCES) > 100


def test_no_file_is_too_long() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    found = {f"{_name(path)} {node.name}": node.end_lineno - node.lineno + 1
             for path in SOURCES for node in ast.walk(_tree(path))
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None}
    assert {name: n for name, n in found.items() if n > MOST_FUNCTION_LINES} == {}


def _public_methods(node: ast.ClassDef) -> set[str]:
    return {item.name for item in node.body if isinstance(item, ast.FunctionDef)
            and not item.name.startswith(("_", *TWIN_HOOKS))}


def test_no_class_has_too_many_public_methods() -> None:
    found = {f"{_name(path)} {node.name}" for path in SOURCES for node in ast.walk(_tree(path))
             if isinstance(node, ast.ClassDef) and len(_public_methods(node)) > MOST_PUBLIC_METHODS}
    assert found == set()


def test_only_the_named_files_can_wait_behind_the_back_of_the_clock() -> None:
    found = {_name(path): {name.split(".")[0] for name in _imports(path)} & WAITING for path in SOURCES}
    assert {name: modules for name, modules in found.items() if modules} == MAY_WAIT


def test_nobody_sleeps_but_the_clock() -> None:
    found = [f"{_name(path)}:{node.lineno}" for path in SOURCES for node in ast.walk(_tree(path))
             if isinstance(node, ast.Attribute) and node.attr == "sleep"
             and isinstance(node.value, ast.Name) and node.value.id == "time"]
    assert [place for place in found if not place.startswith("labkit/clock.py:")] == []
    assert not [_name(path) for path in SOURCES for node in ast.walk(_tree(path))
                if isinstance(node, ast.ImportFrom) and node.module == "time"]


def test_no_function_changes_what_a_module_holds() -> None:
    assert [f"{_name(path)}:{node.lineno}" for path in SOURCES for node in ast.walk(_tree(path))
            if isinstance(node, ast.Global)] == []


def test_names_say_what_a_class_is() -> None:
    vague = ("Manager", "Helper", "Handler", "Utils", "Util")
    assert [f"{_name(path)} {node.name}" for path in SOURCES for node in ast.walk(_tree(path))
            if isinstance(node, ast.ClassDef) and node.name.endswith(vague)] == []
    assert [_name(path) for path in SOURCES if path.stem in ("utils", "util", "helpers", "helper", "misc")] == []


def _undocumented(path: Path) -> Iterator[str]:
    def look(node: ast.Module | ast.ClassDef, inside: str) -> Iterator[str]:
        for item in node.body:
            if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or item.name.startswith("_"):
                continue
            overload = any("overload" in ast.unparse(d) or ".setter" in ast.unparse(d) for d in item.decorator_list)
            if not overload and ast.get_docstring(item) is None:
                yield f"{inside}{item.name}"
            if isinstance(item, ast.ClassDef):
                yield from look(item, f"{inside}{item.name}.")

    tree = _tree(path)
    if ast.get_docstring(tree) is None:
        yield "(the module)"
    yield from look(tree, "")


def test_everything_public_is_documented() -> None:
    found = {_name(path): list(_undocumented(path)) for path in SOURCES}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_help_imports_nothing_heavy() -> None:
    code = ("import sys\nfrom labkit.cli.main import main\nsys.argv = ['labkit', '--help']\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            f"print([name for name in {HEAVY!r} if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "Commands:" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def _owners(cls: type[Instrument]) -> list[type[Owner]]:
    return [cls, *([cls.channel_type] if cls.channel_type is not None else [])]


def _rows() -> list[tuple[str, Row[object]]]:
    return [(f"{name} {owner.__name__}.{row_name}", row) for name in names()
            for owner in _owners(driver(name)) for row_name, row in owner.rows().items()]


@pytest.mark.parametrize(("where", "row"), _rows(), ids=[where for where, _ in _rows()])
def test_every_row_of_every_driver_says_what_it_is_and_how_that_is_known(where: str, row: Row[object]) -> None:
    assert row.doc.strip().endswith("."), "a sentence"
    assert row.source.where.strip(), "the document, the program, or why it is assumed"
    assert row.unit is not None
    number = row.values is float and isinstance(row, Setting | Reading)
    if not number:
        assert row.unit == "", "a unit belongs to a number"


@pytest.mark.parametrize("name", sorted(names()))
def test_every_driver_has_a_twin_and_says_what_it_is(name: str) -> None:
    from labkit.sim.registry import twin

    cls = driver(name)
    assert callable(twin(name))
    assert cls.kind
    assert cls.__doc__
    assert cls.dialect.link_kind in ("message", "stream", "register")
    assert bool(cls.channel_numbers) == (cls.channel_type is not None)
    assert cls.__mro__.index(Instrument) <= 2, "at most two steps of inheritance"


def test_every_twin_has_a_driver() -> None:
    assert set(names("labkit.twins")) == set(names("labkit.drivers"))
