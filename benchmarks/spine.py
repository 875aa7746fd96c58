"""The figures of the spine: speed of a simulated run, a rehearsed night, memory, start-up, the estimate, served twins.

    python benchmarks/spine.py            all of them, about two minutes
    python benchmarks/spine.py speed help only these

Each figure is a median over fresh rounds, printed with its bar. Timings on a shared machine move by tens of per cent;
the ratios (served twin against echo server) are taken within one round.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LABKIT = [sys.executable, "-m", "labkit.cli.main"]
HERE = Path(__file__).resolve().parent


def labkit(*args: str, cwd: str) -> dict[str, object]:
    done = subprocess.run([*LABKIT, *args, "--json"], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def row(name: str, value: str, bar: str) -> None:
    print(f"{name:<58} {value:>22}   {bar}", flush=True)


def speed() -> None:
    """Points a second inside the engine, in a process pinned to one core as `labkit run --sim` pins itself."""
    code = """
import os, sys, tempfile, time
from pathlib import Path
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from labkit.run import launch as L
p = L.prepare(L.RunRequest("vtf-shmoo", "duo", simulate=True, runs=Path(tempfile.mkdtemp())))
took, perform = [], L.perform
def timed(*a):
    t = time.perf_counter(); r = perform(*a); took.append(time.perf_counter() - t); return r
L.perform = timed
for _ in range(7):
    L.launch(p)
print(*[p.plan.point_count / t for t in took[1:]])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rates = sorted(map(float, done.stdout.split()))
    row("simulated flagship, 5,400 points, two sites", f"{statistics.median(rates):,.0f} points/s",
        f"at least 4,000  (6 rounds: {rates[0]:,.0f} to {rates[-1]:,.0f})")


def night() -> None:
    """A plan of more than twelve hours, rehearsed: the whole command, report included."""
    cycling = "-40 degC, 85 degC, -35 degC, 80 degC, -30 degC, 75 degC, -25 degC, 70 degC, -20 degC, 65 degC, 0 degC"
    with tempfile.TemporaryDirectory() as folder:
        t = time.perf_counter()
        said = labkit("run", "vtf-shmoo", "--bench", "duo", "--sim",
                      "-e", f"chamber.temperature={cycling}", cwd=folder)
        took = time.perf_counter() - t
    hours = float(str(said["virtual_s"])) / 3600
    points = sum(said["points"].values())  # type: ignore[attr-defined]
    row(f"rehearsal of {hours:.1f} h, {points:,} points, whole command", f"{took * 12 / hours:.1f} s a 12 h",
        f"under 8 s  (this plan: {took:.1f} s)")


def memory() -> None:
    """Peak memory of the run itself (no report) while the points grow sixteen times."""
    peaks = []
    for temperatures in (1, 4, 16):
        values = ", ".join(f"{20 + i} degC" for i in range(temperatures))
        code = f"""
import os, resource, sys, tempfile
from pathlib import Path
from labkit.run import launch as L
p = L.prepare(L.RunRequest("vtf-shmoo", "duo", simulate=True, runs=Path(tempfile.mkdtemp()),
                           overrides={{"chamber.temperature": "{values}"}}))
L.launch(p)
print(p.plan.point_count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        peaks.append((count, peak / 1024))
    shown = ", ".join(f"{count:,}: {peak:.0f} MB" for count, peak in peaks)
    row("peak memory while points grow 16 times", f"{peaks[-1][1] / peaks[0][1]:.2f} x", f"flat  ({shown})")


def help_time() -> None:
    """`labkit --help`, the whole process."""
    took = []
    for _ in range(15):
        t = time.perf_counter()
        subprocess.run([*LABKIT, "--help"], capture_output=True, check=True)
        took.append(time.perf_counter() - t)
    row("labkit --help, whole process", f"{statistics.median(took):.3f} s", "under 0.25 s")


def estimate() -> None:
    """The estimate without recoveries against a run in which no board fails."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for window in (["-e", "rails.core.voltage=0.90 V : 0.80 V : -5 mV"],
                       ["-e", "rails.core.voltage=0.90 V, 0.85 V", "-e", "chamber.temperature=85 degC, 0 degC"],
                       ["-e", "rails.core.voltage=0.90 V : 0.80 V : -1 mV", "-e", "chamber.temperature=25 degC"]):
            said = labkit("check", "vtf-shmoo", "--bench", "duo", *window, cwd=folder)
            run = labkit("run", "vtf-shmoo", "--bench", "duo", "--sim", "--no-report", *window, cwd=folder)
            error = float(str(said["without_recoveries_s"])) / float(str(run["virtual_s"])) - 1
            worst = max(worst, error, -error)
    row("estimate without recoveries, worst of three windows", f"{worst:.1%} off", "within 10 %")


def queries_a_second(port: int, message: bytes, count: int = 4000) -> float:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for _ in range(count):
            sock.sendall(message)
            while not sock.recv(4096).endswith(b"\n"):
                pass
        return count / (time.perf_counter() - began)


def served() -> None:
    """A served twin against an echo server: a simple query, the twin's own latency scaled away.

    All on one core: across two, whether a wake-up finds its core asleep decides the figure, not the server.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})
    code = "import sys; sys.path.insert(0, sys.argv[1]); from spine import echo_forever; echo_forever()"
    with tempfile.TemporaryDirectory() as folder:
        twin = subprocess.Popen([*LABKIT, "sim", "serve", "duo", "--map", "map.json", "--time-scale", "5000"],
                                cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        echo = subprocess.Popen([sys.executable, "-c", code, str(HERE)], stdout=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 30
            while not (Path(folder) / "map.json").exists():
                assert time.monotonic() < until and twin.poll() is None, "the twins were not served"
                time.sleep(0.05)
            models = json.loads((Path(folder) / "map.json").read_text())["models"]
            port = int(models["keysight-e36312a"]["visa"].split("::")[2])
            echo_port = int(echo.stdout.readline())  # type: ignore[union-attr]
            for query in (b"*IDN?\n", b"VOLT? (@1)\n"):
                ratios = []
                for _ in range(11):
                    plain = queries_a_second(echo_port, query)
                    ratios.append(queries_a_second(port, query) / plain)
                row(f"served twin against echo server, {query.decode().strip()}",
                    f"{statistics.median(ratios):.2f} x",
                    f"at least 0.5  (11 pairs: {min(ratios):.2f} to {max(ratios):.2f})")
        finally:
            twin.terminate()
            echo.terminate()
            twin.wait()
            echo.wait()
            if cores:
                os.sched_setaffinity(0, cores)


def echo_forever() -> None:
    """Serve echo connections until killed; prints the port."""
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := connection.recv(65536):
            connection.sendall(data)


FIGURES: dict[str, Callable[[], None]] = {
    "speed": speed, "night": night, "memory": memory, "help": help_time, "estimate": estimate, "served": served}


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at start\n")
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()
