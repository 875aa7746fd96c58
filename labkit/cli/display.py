"""The live display of a run: where it is, last readings, the clock, the time left. Plain lines without a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labkit.quantity import render, render_duration
from labkit.run.progress import Progress
from labkit.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_REFRESH_HZ = 4  # a table costs 7 ms a refresh, and every site's thread waits that long for the interpreter


@contextmanager
def following(progress: Progress, *, simulated: bool, quiet: bool) -> Iterator[None]:
    """Show ``progress`` on stderr while the body runs; ``quiet`` shows nothing (one JSON object is wanted)."""
    from labkit.cli.console import stderr

    console = stderr()
    if quiet:
        yield
    elif console.is_terminal:
        from rich.live import Live

        with Live(get_renderable=lambda: _table(progress, simulated), console=console,
                  refresh_per_second=_REFRESH_HZ, transient=True, redirect_stdout=False, redirect_stderr=False):
            yield
    else:
        lines = _Lines(progress, console)
        progress.listeners.append(lines.told)
        yield


class _Lines:
    """One line a phase and one an event, for logs."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress, self._console = progress, console

    def told(self, what: str, text: str) -> None:
        p = self._progress
        at = render_duration(p.elapsed_s)
        if p.stop_text:
            self._console.print(f"{at:>12}  {p.stop_text}", markup=False, soft_wrap=True)
            p.stop_text = ""
        left = f", {sum(p.done.values())}/{p.total} points, {render_duration(p.left_s)} left" if what == "phase" else ""
        self._console.print(f"{at:>12}  {clean(text)}{left}", markup=False, soft_wrap=True)


def _table(progress: Progress, simulated: bool) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    done = sum(progress.done.values())
    head = Table.grid(padding=(0, 2))
    clock = "virtual" if progress.clock is not None and progress.clock.virtual else "lab"
    stamp = Text(" SIMULATED ", style="black on yellow") if simulated else Text(" REAL BENCH ", style="white on red")
    head.add_row(stamp, Text(progress.plan.name, style="bold"), Text(progress.phase_text),
                 Text(f"{clock} clock {render_duration(progress.elapsed_s)}"),
                 Text(f"left {render_duration(progress.left_s)}", style="cyan"))
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=max(progress.total, 1), completed=done, width=50),
                f"{done:,}/{progress.total:,} points", "  ".join(f"{n} {v}" for n, v in progress.readings.items()))
    sites = Table(box=None, padding=(0, 2), show_header=False)
    for name, plan in progress.plan.sites.items():
        sites.add_row(Text(f"site {name}", style="bold"), Text(clean(plan.dut, 20)), *_site_cells(progress, name))
    events = [Text(clean(f"  {site or 'bench'}: {text}", 160), style="red" if level == "error" else "dim")
              for level, site, text in list(progress.events)[-3:]]
    stop = [Text(f"  {progress.stop_text}", style="bold yellow")] if progress.stop_text else []
    return Group(head, bar, sites, *events, *stop)


def _site_cells(progress: Progress, site: str) -> list[str]:
    last = progress.last.get(site)
    if last is None:
        return ["", "", ""]
    units = {axis.name: axis.unit for axis in progress.plan.axes}
    columns = {c.name: c.unit for c in (*progress.plan.meanwhile, *progress.plan.measure)}
    where = "  ".join(f"{name.split('.')[-2]} {render(value, units[name])}" for name, value in last.axes.items()
                      if not name.startswith("chamber."))
    read = "  ".join(f"{name.split('.')[-1]} {render(value, columns[name])}" for name, value in last.values.items()
                     if name in columns and isinstance(value, float))
    counts = "  ".join(f"{name} {count}" for name, count in progress.counts[site].most_common(5))
    return [where, f"{last.outcome:<10} {read}", counts]
