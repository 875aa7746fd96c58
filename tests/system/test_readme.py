"""The commands of the README, as a newcomer types them: top to bottom, in one folder."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from tests.system.serving import labkit, start

README = Path(__file__).parents[2] / "README.md"


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_every_command_of_the_readme_works_in_order(tmp_path: Path) -> None:
    found = commands()
    assert len(found) >= 9 and all(command.startswith("labkit ") for command in found)
    background = []
    try:
        for command in found:
            words = shlex.split(command)[1:]
            if words[-1] == "&":
                background.append(start(*words[:-1], cwd=tmp_path))
                until = time.monotonic() + 20
                while not (tmp_path / "map.json").exists():
                    assert time.monotonic() < until
                    time.sleep(0.05)
                continue
            done = labkit(*words, cwd=tmp_path)
            assert done.returncode == 0 and done.stdout.strip(), f"{command}\n{done.stderr}"
    finally:
        for process in background:
            process.terminate()
            process.communicate(timeout=20)
    assert (tmp_path / "live.yaml").exists() and len(list(tmp_path.glob("runs/*/*/report.html"))) == 3


@pytest.mark.parametrize("name", ["docs/report.png", "docs/decisions", "CHANGELOG.md",
                                  "instruments/labkit_instruments/power_supply/keysight_e36312a.py"])
def test_what_the_readme_points_to_exists(name: str) -> None:
    assert name in README.read_text(encoding="utf-8")
    assert (README.parent / name).exists()


def test_the_bench_file_of_the_readme_fits_the_board_that_init_makes(tmp_path: Path) -> None:
    assert labkit("init", "lab", cwd=tmp_path).returncode == 0
    example = re.search(r"```yaml\n(bench: mybench\n.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert example is not None
    (tmp_path / "lab" / "benches" / "mybench.yaml").write_text(example.group(1))
    done = labkit("run", "my-plan", "--bench", "mybench", "--sim", "--json", cwd=tmp_path / "lab")
    assert done.returncode == 0, done.stderr
