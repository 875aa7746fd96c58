"""Doctor: Python, packages, VISA libraries, drivers, the terminal."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version
from importlib.util import find_spec

from labkit.errors import LabkitError
from labkit.instrument.registry import driver, names
from labkit.lab.finding import Finding, ok, problem, warning
from labkit.sim.registry import twin

OLDEST_PYTHON = (3, 11)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;]*)(;.*)?\Z")


def check_python(running: Sequence[int], executable: str) -> Finding:
    """Judge the Python version."""
    shown = ".".join(map(str, running[:3]))
    if tuple(running[:2]) < OLDEST_PYTHON:
        return problem("python", f"Python {shown} is older than labkit needs",
                       f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    return ok("python", f"Python {shown} ({executable})")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_packages(wanted: Sequence[str], find: Callable[[str], str | None] = _installed) -> list[Finding]:
    """Judge the versions of the packages that labkit needs; ``wanted`` in the notation of pyproject.toml."""
    found, wrong = [], []
    for text in wanted:
        match = _REQUIREMENT.match(text)
        if match is None or "extra ==" in (match.group(3) or ""):
            continue
        name, bounds = match.group(1), match.group(2).strip()
        installed = find(name)
        if installed is None:
            wrong.append(problem("packages", f"{name} is not installed", f"pip install \"{name}{bounds}\""))
        elif not _satisfies(installed, bounds):
            wrong.append(problem("packages", f"{name} {installed} is installed, and {bounds} is needed",
                                 f"pip install \"{name}{bounds}\""))
        found.append(f"{name} {installed}")
    return [*wrong, ok("packages", f"labkit {find('labkit')}; {', '.join(found)}")]


def needed_packages() -> list[str]:
    """Return what labkit's own package says that it needs."""
    return requires("labkit") or []


def _satisfies(installed: str, bounds: str) -> bool:
    """Tell whether a version lies within bounds like ``>=3.8,<4``; a notation that is not known counts as kept."""
    here = _numbers(installed)
    for bound in bounds.split(","):
        match = re.match(r"(>=|<)\s*([0-9.]+)\Z", bound.strip())
        if match and ((here >= _numbers(match.group(2))) is (match.group(1) == "<")):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, without zeros at its end: 4.0 is 4."""
    found = [int(part) for part in re.findall(r"\d+", re.split(r"[^0-9.]", text)[0])]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def check_visa() -> list[Finding]:
    """Judge which VISA libraries can be used; opens none."""
    found = []
    vendor: list[str] = []
    try:
        from pyvisa.ctwrapper.highlevel import IVIVisaLibrary

        vendor = [str(path) for path in IVIVisaLibrary.get_library_paths()]
    except Exception as error:  # a broken library must not keep the doctor from the other checks
        found.append(warning("visa", f"PyVISA cannot be asked for libraries: {error}", "pip install --upgrade pyvisa",
                             traceback.format_exc()))
    if vendor:
        found.append(ok("visa", f"vendor library {', '.join(vendor)}: write visa: \"@ivi\" in a bench file to use it"))
    else:
        found.append(ok("visa", "no vendor library; most GPIB boards need one (NI-VISA, Keysight IO Libraries)"))
    own = _installed("pyvisa-py")
    missing = [f"{what} (pip install {package})" for what, module, package in (
        ("USB", "usb", "pyusb"), ("GPIB", "gpib_ctypes", "gpib-ctypes")) if find_spec(module) is None]
    if own is not None:
        without = f"; without {' and '.join(missing)}" if missing else ""
        found.append(ok("visa", f"pyvisa-py {own}: VXI-11, HiSLIP, sockets, serial{without}"))
    return found


def check_terminal(encodings: Mapping[str, str]) -> Finding:
    """Judge the encodings of the terminal and the file system, by what each is of."""
    odd = {what: name for what, name in encodings.items() if "utf" not in name.lower()}
    if odd:
        listed = ", ".join(f"{what} {name or 'unknown'}" for what, name in odd.items())
        return warning("terminal", f"not UTF-8: {listed}; block characters and °C will not show",
                       "export PYTHONUTF8=1 (Windows: setx PYTHONUTF8 1), and a UTF-8 locale such as C.UTF-8")
    return ok("terminal", f"UTF-8 ({', '.join(encodings)})")


def terminal_encodings() -> dict[str, str]:
    """Return the encodings in use here."""
    return {"output": sys.stdout.encoding or "", "file names": sys.getfilesystemencoding()}


def check_drivers() -> list[Finding]:
    """Import every driver and twin; a broken one is a problem with its trace, a name that stands twice a warning."""
    found = _twice([*entry_points(group="labkit.drivers"), *entry_points(group="labkit.twins")])
    broken = 0
    loaders: tuple[tuple[str, str, Callable[[str], object]], ...] = (
        ("driver", "labkit.drivers", driver), ("twin", "labkit.twins", twin))
    for what, group, load in loaders:
        try:
            known = names(group)
        except LabkitError as error:
            return [*found, problem("drivers", str(error), "correct labkit.toml")]
        for name in known:
            try:
                load(name)
            except Exception as error:
                broken += 1
                cause = error.__cause__ or error
                trace = "".join(traceback.format_exception(cause))
                found.append(problem("drivers", str(error), f"mend or uninstall the package of this {what}", trace))
        if not broken:
            found.append(ok("drivers", f"{len(known)} {what}s can be imported"))
    return found


def _twice(points: Sequence[EntryPoint]) -> list[Finding]:
    values: dict[tuple[str, str], set[str]] = {}
    for point in points:
        values.setdefault((point.group, point.name), set()).add(point.value)
    return [warning("drivers", f"{group} {name} is installed twice: {', '.join(sorted(codes))}; which one is used is "
                    "chance", "uninstall one of the packages")
            for (group, name), codes in values.items() if len(codes) > 1]
