"""`labkit sim serve`: the simulated twin of a bench, for other programs."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import click

from labkit.cli.options import DUT, SITES, pairs


@click.group()
def sim() -> None:
    """Simulated benches."""


@sim.command()
@click.argument("bench")
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="Write where every model answers (JSON).")
@click.option("--bench-out", type=click.Path(path_type=Path), help="Write the bench file with the served addresses.")
@click.option("--time-scale", type=click.FloatRange(0.01, 10_000), default=1.0, show_default=True,
              help="How many times faster than life soaks, settles and boots go.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulation.")
@DUT
@SITES
def serve(
    bench: str, map_file: Path | None, bench_out: Path | None, time_scale: float, seed: int, duts: tuple[str, ...],
    sites: tuple[str, ...],
) -> None:
    """Serve every instrument of BENCH on loopback: TCP, Modbus TCP and pseudo terminals, until Ctrl-C.

    Another terminal runs a plan on it with: labkit run PLAN --bench FILE (the file of --bench-out).
    """
    from labkit.bench.load import load_bench
    from labkit.bench.served import ServedBench
    from labkit.wholefile import write_whole

    loaded = load_bench(bench)
    given = pairs(duts, "--dut")
    for name in (*given, *sites):
        if name not in loaded.file.sites:
            raise click.UsageError(f"the bench {loaded.name} has no site {name!r}")
    chosen = {name: given.get(name, f"SIM-{name}") for name in loaded.file.sites if not sites or name in sites}
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    served = ServedBench(loaded, seed=seed, time_scale=time_scale, duts=chosen)
    try:
        served.start()
        where = served.map()
        # The bench file first: who waits for the map may read both.
        if bench_out is not None:
            write_whole(bench_out, served.bench_text())
        if map_file is not None:
            write_whole(map_file, json.dumps(where, indent=1) + "\n")
        for model, entry in where["models"].items():
            address = entry.get("visa") or entry.get("modbus_tcp") or entry.get("serial")
            click.echo(f"{entry['instrument']:<16} {model:<22} {address}")
        click.echo(f"serving bench {loaded.name}, {time_scale:g} times faster than life; Ctrl-C ends", err=True)
        while not ended.wait(1.0):
            pass
    finally:
        served.close()
