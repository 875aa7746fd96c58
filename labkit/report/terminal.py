"""A run in the terminal: shmoos as character maps, the summary of a run, the list of runs.

Everything is built as :class:`rich.text.Text` or a table, so that text of boards and operators is never taken for
markup; it has passed ``clean()`` before.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labkit.analysis.shmoo import OUTCOMES, Shmoo
from labkit.quantity import render_duration
from labkit.report.words import MARKS, VERDICT_COLOURS, Scale, conditions_text, name_of, number, scale_for, word
from labkit.store.load import RunData, RunSummary, section

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_GAP = 3
_NARROW = 30


@dataclass(frozen=True)
class _Look:
    """How the map is drawn: with colour, with more than ASCII, characters a cell, grid columns a character cell."""

    color: bool
    unicode: bool
    cell: int
    fold: int

    def glyph(self, outcome: str) -> str:
        return MARKS[outcome].glyph if self.unicode else MARKS[outcome].plain

    def line(self, name: str) -> str:
        drawn = {"h": "─-", "v": "│|", "tl": "┌+", "tr": "┐+", "bl": "└+", "br": "┘+", "left": "◂<", "up": "▴^",
                 "nominal": "◆@", "axis": "│|", "corner": "└+", "tick": "┬|"}
        return drawn[name][0 if self.unicode else 1]


def render_shmoo(shmoo: Shmoo, *, color: bool, width: int, unicode: bool = True, run: str = "") -> Text:
    """Return one shmoo at most ``width`` characters wide, with header and legend."""
    return render_shmoos([shmoo], color=color, width=width, unicode=unicode, run=run)


def render_shmoos(
    shmoos: Sequence[Shmoo], *, color: bool, width: int, unicode: bool = True, run: str = "", simulated: bool = False,
) -> Text:
    """Return the shmoos under one another, side by side where ``width`` allows, and one legend at the end."""
    from rich.text import Text

    if not shmoos:
        return Text("no shmoo: the run has no point yet, or no axis")
    look, columns = _layout(shmoos, color, width, unicode)
    out = Text(no_wrap=True)
    if run:
        out.append(word(run, 120), style="bold" if color else "")
        out.append("   SIMULATED" if simulated else "", style="bold magenta" if color else "")
        out.append("\n\n")
    drawn = [_draw(shmoo, look, max(_NARROW, width)) for shmoo in shmoos]
    for site in dict.fromkeys(shmoo.site for shmoo in shmoos):
        blocks = [block for shmoo, block in zip(shmoos, drawn, strict=True) if shmoo.site == site]
        for start in range(0, len(blocks), columns):
            _beside(out, blocks[start:start + columns])
            out.append("\n")
    out.append_text(_legend(shmoos, look))
    return out


def _layout(shmoos: Sequence[Shmoo], color: bool, width: int, unicode: bool) -> tuple[_Look, int]:
    """Choose two characters a cell, one where more slices of a site then stand side by side, or folded columns."""
    columns_x = max(len(shmoo.x_values) for shmoo in shmoos)
    slices = max(Counter(shmoo.site for shmoo in shmoos).values())
    margin = max(_margin(shmoo) for shmoo in shmoos) + 5
    beside = {cell: (width + _GAP) // (margin + cell * columns_x + _GAP) for cell in (2, 1)}
    if beside[1] < 1:
        room = max(1, max(_NARROW, width) - margin)
        return _Look(color, unicode, 1, math.ceil(columns_x / room)), 1
    cell = 1 if beside[1] > beside[2] and beside[2] < slices else 2
    return _Look(color, unicode, cell, 1), beside[cell]


def _margin(shmoo: Shmoo) -> int:
    scale = scale_for(shmoo.y_values, shmoo.y_unit)
    return max([len(scale.label(value)) for value in shmoo.y_values], default=1)


def _draw(shmoo: Shmoo, look: _Look, width: int) -> list[Text]:
    """Return the lines of one shmoo: title, map from the highest y down, axis, labels."""
    from rich.text import Text

    codes, x_values = _folded(shmoo, look.fold)
    y_scale, margin = scale_for(shmoo.y_values, shmoo.y_unit), _margin(shmoo)
    box = _box(shmoo, x_values)
    lines = _titles(shmoo, look, y_scale, width)
    for row in reversed(range(len(shmoo.y_values))):
        if box and row == box[3]:
            lines.append(_edge_line(look, margin, box, len(x_values), top=True))
        lines.append(_row(shmoo, look, codes[row], x_values, row, y_scale, margin, box))
        if box and row == box[2]:
            lines.append(_edge_line(look, margin, box, len(x_values), top=False))
    lines += _x_axis(shmoo, look, x_values, margin, box)
    if look.fold > 1:
        lines.append(Text(f"each column is {look.fold} values of the axis; the worst is shown"))
    return lines


def _titles(shmoo: Shmoo, look: _Look, y_scale: Scale, width: int) -> list[Text]:
    from rich.text import Text

    title = Text(f"{word(shmoo.dut, 40) or '?'}  site {word(shmoo.site, 20)}", style="bold" if look.color else "")
    where = Text(conditions_text(shmoo.conditions, shmoo.units) if shmoo.conditions else "")
    for line in (title, where):
        line.truncate(width)
    counted = Text()
    for outcome, count in shmoo.counts.items():
        if count:
            counted.append(look.glyph(outcome), style=_style(outcome, look))
            counted.append(f"{count} ")
    axis = Text(f"{name_of(shmoo.y_name)} [{y_scale.unit}]" if shmoo.y_name else "")
    return [title, where, counted, axis] if shmoo.conditions else [title, counted, axis]


_SEVERITY = np.array([OUTCOMES.index(name) for name in (
    "not-tested", "aborted", "infra", "invalid", "pass", "marginal", "fail", "hang", "crash")])


def _folded(shmoo: Shmoo, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and x values with ``fold`` columns taken together: the worst code, the first x."""
    if fold == 1:
        return shmoo.outcome, shmoo.x_values
    rank = np.argsort(_SEVERITY)[shmoo.outcome]
    starts = np.arange(0, rank.shape[1], fold)
    return _SEVERITY[np.maximum.reduceat(rank, starts, axis=1)], shmoo.x_values[starts]


def _box(shmoo: Shmoo, x_values: np.ndarray) -> tuple[int, int, int, int] | None:
    """Return first and last column, lowest and highest row inside the spec box; None where the grid misses it."""
    if not {shmoo.x_name, shmoo.y_name} & set(shmoo.spec):
        return None
    found = []
    for name, values in ((shmoo.x_name, x_values), (shmoo.y_name, shmoo.y_values)):
        low, high = shmoo.spec.get(name, (-math.inf, math.inf))
        slack = 1e-9 * max(abs(values).max(initial=0.0), 1e-30)
        inside = np.flatnonzero((values >= low - slack) & (values <= high + slack))
        if not len(inside):
            return None
        found += [int(inside[0]), int(inside[-1])]
    return found[0], found[1], found[2], found[3]


def _edge_line(look: _Look, margin: int, box: tuple[int, int, int, int], columns: int, *, top: bool) -> Text:
    """Return the upper or lower side of the spec box as a line of its own."""
    from rich.text import Text

    first, last = box[0], box[1]
    line = Text(" " * (margin + 1) + look.line("axis") + " " * (first * look.cell), style="")
    inner = look.line("h") * ((last - first + 1) * look.cell)
    line.append(look.line("tl" if top else "bl") + inner + look.line("tr" if top else "br"),
                style="bold" if look.color else "")
    line.append(" " * ((columns - 1 - last) * look.cell))
    return line


def _row(
    shmoo: Shmoo, look: _Look, codes: np.ndarray, x_values: np.ndarray, row: int, y_scale: Scale, margin: int,
    box: tuple[int, int, int, int] | None,
) -> Text:
    from rich.text import Text

    label = y_scale.label(float(shmoo.y_values[row])) if shmoo.y_name else ""
    line = Text(f"{label:>{margin}} {look.line('axis')}")
    boxed = box is not None and box[2] <= row <= box[3]
    at_row, at_column = _at_nominal(shmoo, shmoo.y_name, shmoo.y_values), _at_nominal(shmoo, shmoo.x_name, x_values)
    for column, code in enumerate(codes):
        if box and column == box[0]:
            line.append(look.line("v") if boxed else " ", style="bold" if look.color else "")
        _cell(line, look, OUTCOMES[int(code)], nominal=row == at_row and column == at_column)
        if box and column == box[1]:
            line.append(look.line("v") if boxed else " ", style="bold" if look.color else "")
    if row == at_row:
        line.append(look.line("left"))
    return line


def _cell(line: Text, look: _Look, outcome: str, *, nominal: bool) -> None:
    glyph = look.line("nominal") if nominal and outcome == "pass" else look.glyph(outcome)
    style = ""
    if look.color:
        style = f"bold reverse {_style(outcome, look)}" if nominal else _style(outcome, look)
    line.append(glyph, style=style)
    line.append(" " * (look.cell - 1))


def _at_nominal(shmoo: Shmoo, name: str, values: np.ndarray) -> int | None:
    """Return the place of the nominal value on an axis, or None where it lies outside or is not known."""
    nominal = shmoo.nominal.get(name)
    if nominal is None or not len(values):
        return None
    nearest = int(np.argmin(abs(values - nominal)))
    step = float(np.diff(values).max()) if len(values) > 1 else abs(nominal) * 1e-6
    return nearest if abs(values[nearest] - nominal) <= step * 0.501 else None


def _x_axis(
    shmoo: Shmoo, look: _Look, x_values: np.ndarray, margin: int, box: tuple[int, int, int, int] | None,
) -> list[Text]:
    """Return axis line with ticks, labels where they fit, and the axis name with the nominal value."""
    from rich.text import Text

    scale = scale_for(shmoo.x_values, shmoo.x_unit)
    at = [_offset(column, look, box) for column in range(len(x_values))]
    length = at[-1] + look.cell + (1 if box and box[1] == len(x_values) - 1 else 0)
    ticks, labels, free = list(look.line("h") * length), [" "] * (length + 12), 0
    for column, value in enumerate(x_values):
        label = scale.label(float(value))
        if at[column] >= free and at[column] + len(label) <= length + 6:
            labels[at[column]:at[column] + len(label)] = label
            ticks[at[column]] = look.line("tick")
            free = at[column] + len(label) + 1
    nominal = _at_nominal(shmoo, shmoo.x_name, x_values)
    if nominal is not None:
        ticks[at[nominal]] = look.line("up")
    lead = " " * (margin + 1)
    name = f"{name_of(shmoo.x_name)} [{scale.unit}]"
    return [Text(lead + look.line("corner") + "".join(ticks)), Text(f"{lead} {''.join(labels).rstrip()}"),
            Text(f"{lead} {name}")]


def _offset(column: int, look: _Look, box: tuple[int, int, int, int] | None) -> int:
    return column * look.cell + sum(1 for edge in ((box[0], box[1] + 1) if box else ()) if column >= edge)


def _beside(out: Text, blocks: Sequence[list[Text]]) -> None:
    """Append blocks of lines next to each other."""
    widths = [max(line.cell_len for line in block) for block in blocks]
    for number_of_line in range(max(len(block) for block in blocks)):
        for index, block in enumerate(blocks):
            line = block[number_of_line] if number_of_line < len(block) else None
            if line is not None:
                out.append_text(line)
            if index < len(blocks) - 1:
                out.append(" " * (widths[index] + _GAP - (line.cell_len if line is not None else 0)))
        out.append("\n")


def _legend(shmoos: Sequence[Shmoo], look: _Look) -> Text:
    """Name every mark that occurs, the nominal point and the box."""
    from rich.text import Text

    legend = Text()
    for outcome in OUTCOMES:
        if any(shmoo.counts.get(outcome) for shmoo in shmoos):
            legend.append(look.glyph(outcome), style=_style(outcome, look))
            legend.append(f" {outcome}   ")
    first = shmoos[0]
    units = {first.x_name: first.x_unit, first.y_name: first.y_unit}
    nominal = {name: value for name, value in first.nominal.items() if name and name in units}
    if nominal:
        legend.append(f"{look.line('nominal')} nominal ({conditions_text(nominal, units)})   ")
    if any(_box(shmoo, shmoo.x_values) for shmoo in shmoos):
        legend.append(f"{look.line('tl')}{look.line('h')}{look.line('tr')} spec box")
    return legend


def _style(outcome: str, look: _Look) -> str:
    return MARKS[outcome].style if look.color else ""


def render_summary(run: RunData) -> RenderableType:
    """Return the verdict, the counts of outcomes by site, the times and the folder of a run."""
    from rich.console import Group
    from rich.text import Text

    info = run.info
    verdict = word(info.get("verdict"), 20) or "unset"
    head = Text(f" {verdict.upper()} ", style=f"bold white on {VERDICT_COLOURS.get(verdict, '#5c5c5c')}")
    line = Text.assemble(head, f"  {word(run.name, 120)}")
    if run.simulated:
        line.append("  SIMULATED", style="bold magenta")
    if info.get("status") != "complete":
        line.append(f"  {word(info.get('status'), 20) or 'not finished'}", style="bold yellow")
    lines: list[RenderableType] = [line]
    reasons = info.get("verdict_reasons")
    lines += [Text(f"  {word(reason)}") for reason in (reasons if isinstance(reasons, list) else [])[:8]]
    lines.append(_counts_table(run))
    safe = section(info, "safe")
    if safe:
        text = "safe" if safe.get("verified") else "NOT VERIFIED SAFE"
        lines.append(Text(f"{text}: {word(safe.get('text'))}", style="" if safe.get("verified") else "bold red"))
    times = section(info, "times")
    shown = [f"{render_duration(value)} {what}" for value, what in (
        (number(times.get("virtual_s")), "on the bench"), (number(times.get("wall_s")), "on the clock"))
        if value is not None]
    if shown:
        lines.append(Text(", ".join(shown)))
    lines += [Text(f"note {word(note.utc, 40)} {word(note.who, 40)}: "
                   f"{'' if note.kind == 'note' else f'[{note.kind}] '}{word(note.text)}") for note in run.notes]
    lines.append(Text(word(str(run.folder), 1000)))
    return Group(*lines)


def _counts_table(run: RunData) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    points = run.points
    present = [name for name in OUTCOMES if (points["outcome"] == name).any()]
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("site")
    table.add_column("DUT")
    for name in present:
        table.add_column(name, justify="right")
    sites = section(run.info, "sites")
    for site in sorted({*sites, *points["site"].unique()}):
        part = points[points["site"] == site]
        facts = section(sites.get(site))
        dut = str(facts.get("dut") or (part["dut"].iloc[0] if len(part) else "?"))
        note = " (dropped)" if facts.get("status") == "dropped" else ""
        counts = [str(int((part["outcome"] == name).sum())) for name in present]
        table.add_row(Text(word(site, 20)), Text(word(dut, 40) + note), *counts)
    return table


def render_runs(runs: Sequence[RunSummary]) -> RenderableType:
    """Return a table of runs, in the order given."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not runs:
        return Text("no runs yet; start one with `labkit run PLAN --bench BENCH`")
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("run", "day", "verdict", "bench", "DUT", "points", "note"):
        table.add_column(name, justify="right" if name == "points" else "left")
    for run in runs:
        verdict = run.verdict if run.status == "complete" else f"{run.verdict} ({run.status})"
        verdict += " void" if run.void else ""
        style = f"bold {VERDICT_COLOURS.get(run.verdict, '#8c8c8c')}"
        title = Text(word(run.name, 60))
        title.append(" sim" if run.simulated else "", style="magenta")
        points = sum(count for outcome, count in run.counts.items() if outcome != "not-tested")
        table.add_row(
            title, Text(word(run.day, 12)), Text(word(verdict, 40), style=style), Text(word(run.bench, 30)),
            Text(word(", ".join(run.duts), 60)), f"{points:,}" if run.counts else "", Text(word(run.note, 60)))
    return table
