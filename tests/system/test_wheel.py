"""The wheel, installed outside the checkout: everything that a run needs is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "README.md", "labkit", "instruments", "test_plans")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: a build leaves files beside what it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / "source" / part,
                            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(source, folder / "source" / part)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source"))
    (built,) = folder.glob("labkit-*.whl")
    return built


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True,
                   timeout=100, capture_output=True)


def test_every_file_that_is_no_code_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for root in ("labkit", "instruments", "test_plans"):
        package = ROOT / root if root == "labkit" else next((ROOT / root).glob("labkit_*"))
        wanted = {path.relative_to(package.parent).as_posix() for path in package.rglob("*")
                  if path.is_file() and "__pycache__" not in path.parts}
        assert wanted - inside == set()
        assert f"{package.name}/py.typed" in inside
    assert {"labkit_plans/benches/duo.yaml", "labkit/lab/template/boards/my-board.yaml"} <= inside
    assert not [name for name in inside if name.startswith("tests")]


def test_the_wheel_in_an_environment_of_its_own_runs_the_flagship(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True, timeout=60)
    bin_folder = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    python = bin_folder / Path(sys.executable).name
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    site = Path(subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True,
        text=True, timeout=30).stdout.strip())
    # The dependencies are those of the tests; a path from a .pth file comes last, and its own .pth files (the editable
    # install of this checkout) are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    where = subprocess.run(
        [str(python), "-c", "import labkit, labkit_plans, labkit_instruments as i; "
         "print(labkit.__file__, labkit_plans.__file__, i.__file__, sep='\\n')"],
        cwd=empty, check=True, capture_output=True, text=True, timeout=30).stdout.splitlines()
    assert all(Path(file).is_relative_to(site) for file in where), where
    done = subprocess.run([str(bin_folder / "labkit"), "run", "vtf-shmoo", "--bench", "duo", "--sim", "--json"],
                          cwd=empty, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"] == "pass" and said["simulated"] is True
    assert (empty / said["folder"] / "report.html").exists()
    assert [path.name for path in empty.iterdir()] == ["runs"]
