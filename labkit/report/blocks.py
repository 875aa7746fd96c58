"""The tables and texts of the report's page. Every foreign text passes :func:`said` or :func:`source`."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from labkit.analysis.shmoo import OUTCOMES, axis_names, of_the_plan
from labkit.quantity import render, render_duration
from labkit.report.words import MARKS, VERDICT_COLOURS, name_of, number, word
from labkit.store.load import RunData, section
from labkit.text import clean

_FAILURES = 40
_EVENTS = 400


def said(value: object, limit: int = 300) -> str:
    """Return foreign text for HTML, on one line: cleaned and escaped."""
    return html.escape(word(value, limit))


def wrapped(value: object, limit: int = 300, kind: str = "") -> str:
    """Return foreign text for a cell of a table whose lines may break; the other cells keep to one line."""
    shown = said(value, limit)
    return f'<span class="t {kind}">{shown}</span>' if shown else ""


def source(text: object) -> str:
    """Return a file's text for HTML, with its lines."""
    return html.escape(clean(str(text), 200_000))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Return a table of cells that are HTML already; ``numbers`` are the columns set right-aligned."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f'<{tag} class="n">{cell}</{tag}>' if at in right else f"<{tag}>{cell}</{tag}>"
                       for at, cell in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (f'<div class="scroll"><table><thead><tr>{cells("th", [html.escape(head) for head in heads])}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of names and values (HTML); empty values are left out."""
    inner = "".join(f"<dt>{html.escape(name)}</dt><dd>{value}</dd>" for name, value in pairs if value)
    return f"<dl>{inner}</dl>" if inner else ""


def chip(outcome: str) -> str:
    """Return an outcome with its colour."""
    mark = MARKS.get(outcome)
    if mark is None:
        return said(outcome, 40)
    if outcome == "not-tested":
        return '<i class="chip untested"></i>not-tested'
    return f'<i class="chip" style="background:{mark.colour}"></i>{outcome}'


def legend() -> str:
    """Return the meaning of all colours, once for all shmoos."""
    parts = [f'<span title="{html.escape(mark.meaning)}">{chip(name)}</span>' for name, mark in MARKS.items()]
    return f'<div class="legend">{"".join(parts)}<span>◇ nominal</span><span>▭ spec box</span></div>'


def banner(run: RunData) -> str:
    """Return verdict, name, reasons, and what a reader must not overlook."""
    info = run.info
    verdict = word(info.get("verdict"), 20) or "unset"
    status = word(info.get("status"), 20) or "not finished"
    reasons = info.get("verdict_reasons")
    lines = [f"<p>{said(reason)}</p>" for reason in (reasons if isinstance(reasons, list) else [])[:5]]
    stamp = '<div class="stamp">SIMULATED</div>' if run.simulated else ""
    colour = VERDICT_COLOURS.get(verdict, "#5c5c5c")
    parts = [f'<header class="banner" style="background:{colour}"><div class="verdict">{said(verdict.upper())}</div>'
             f'<div class="what"><h1>{said(run.name, 120)}</h1>{"".join(lines)}</div>{stamp}</header>']
    safe = section(info, "safe")
    if safe and not safe.get("verified"):
        parts.append(f'<div class="alarm">NOT VERIFIED SAFE: {said(safe.get("text"))}</div>')
    if run.simulated:
        seed = said(section(info, "simulation").get("seed"), 40)
        parts.append('<div class="strip">Simulated: these values come from a model of the bench'
                     f'{f" (seed {seed})" if seed else ""}. No hardware was measured.</div>')
    if status != "complete":
        parts.append(f'<p class="bad">The run is {said(status)}: this shows what was stored so far.</p>')
    return "".join(parts)


def what_was_run(run: RunData) -> str:
    """Return plan, bench, boards, operator, times and how the run was left."""
    info, points = run.info, run.points
    plan, times, safe = section(info, "plan"), section(info, "times"), section(info, "safe")
    sites = section(info, "sites")
    duts = [f"<b>{said(section(site).get('dut') or '?', 60)}</b> at site {said(name, 20)} "
            f"({said(section(site).get('board'), 60)}){_about(section(site))}{_fate(section(site))}"
            for name, site in sites.items()]
    took = [f"{render_duration(value)} {what}" for value, what in (
        (number(times.get("virtual_s")), "of bench time"), (number(times.get("wall_s")), "on the clock"))
        if value is not None]
    tags = ", ".join(f"{said(key, 60)} = {said(value, 100)}" for key, value in section(info, "tags").items())
    tested = int((points["outcome"] != "not-tested").sum())
    left = facts([
        ("Plan", said(plan.get("name"))), ("Bench", said(section(info, "bench").get("name"))),
        ("Boards", "<br>".join(duts)), ("Operator", said(info.get("operator"))), ("Note", said(info.get("note"), 2000)),
        ("Tags", tags), ("Said later", "<br>".join(
            f"{said(note.utc, 40)} {said(note.who, 40)}: {said(note.text, 2000)}"
            + (f" <b>({said(note.kind)})</b>" if note.kind != "note" else "") for note in run.notes)),
        ("Calibration waived", said(info.get("calibration_waiver"), 500))])
    right = facts([
        ("Started", said(info.get("created_utc"), 40)), ("Finished", said(info.get("finished_utc"), 40)),
        ("Took", ", ".join(took)), ("Points", f"{tested:,} measured, {len(points):,} stored"),
        ("Test", said(plan.get("test"))), ("Search", said(plan.get("search"))), ("Judged", said(plan.get("judge"))),
        ("Left", said(safe.get("text"))), ("Limits", _limits(section(plan, "limits")))])
    return f'<h2>What was run</h2><div class="two"><div>{left}</div><div>{right}</div></div>'


def _about(site: Mapping[str, Any]) -> str:
    """Return attempt, slot and what duts.csv says of a board."""
    known = [f"attempt {said(site.get('attempt'))}"] if site.get("attempt") else []
    known += [f"{said(key, 40)} {said(value, 80)}" for key, value in
               {"slot": site.get("slot"), **section(site, "about")}.items() if value]
    return f" {', '.join(known)}" if known else ""


def _fate(site: Mapping[str, Any]) -> str:
    if site.get("status") != "dropped":
        return ""
    return f' <span class="bad">dropped: {said(site.get("reason")) or "no reason stored"}</span>'


def _limits(limits: Mapping[str, Any]) -> str:
    shown = []
    for name, limit in limits.items():
        ends, unit = section(limit), str(section(limit).get("unit") or "")
        bounds = [f"{sign} {said(_value(ends.get(key), unit))}" for key, sign in (("min", "≥"), ("max", "≤"))
                  if number(ends.get(key)) is not None]
        shown.append(f"{said(name_of(name))} {' and '.join(bounds)}")
    return "<br>".join(shown)


def _value(value: object, unit: str) -> str:
    known = number(value)
    if known is None:
        return word(value, 60)
    try:
        return render(known, unit)
    except ValueError:
        return f"{known:g} {unit}"


def failures(run: RunData) -> str:
    """Return the judged points that do not pass, and the most frequent reasons of all that do not."""
    points = run.points
    judged = points[points["judged"]]
    bad = judged[(judged["outcome"] != "pass") | (judged["violations"] != "")]
    head = "<h2>Failures</h2>"
    if judged.empty:
        head += "<p>No point was judged.</p>"
    elif bad.empty:
        head += f"<p>All {len(judged):,} judged points pass, within all limits.</p>"
    else:
        head += f"<p>{len(bad):,} of {len(judged):,} judged points do not pass or break a limit.</p>"
        head += _failure_table(run, bad)
    return head + _reasons(of_the_plan(points))


def _failure_table(run: RunData, bad: pd.DataFrame) -> str:
    axes, units = axis_names(run.points, run.info), section(run.points.attrs, "units")
    rows = []
    for row in bad.head(_FAILURES).to_dict("records"):
        values = [said(_value(row[axis], units.get(axis, ""))) for axis in axes]
        rows.append([said(row["site"], 20), said(row["dut"], 60), *values, chip(str(row["outcome"])),
                     wrapped(row["reason"]) + wrapped(row["violations"], kind="bad")])
    heads = ["Site", "DUT", *(name_of(axis).capitalize() for axis in axes), "Outcome", "Why"]
    more = len(bad) - _FAILURES
    tail = f'<p class="soft">… and {more:,} more; all of them are in points.parquet.</p>' if more > 0 else ""
    return table(heads, rows, range(2, 2 + len(axes))) + tail


def _reasons(points: pd.DataFrame) -> str:
    odd = points[~points["outcome"].isin(("pass", "not-tested"))]
    if odd.empty:
        return ""
    found = odd.groupby(["outcome", "reason"], sort=False).agg(n=("judged", "size"), judged=("judged", "sum"))
    top = found.sort_values(["judged", "n"], ascending=False).head(12).reset_index()
    rows = [[chip(str(row["outcome"])), wrapped(row["reason"]) or '<span class="soft">none given</span>',
             f"{row['n']:,}", f"{row['judged']:,}"] for row in top.to_dict("records")]
    return ('<h3>Why points did not pass</h3><p class="soft">Points that are not judged are data: '
            "a shmoo that finds its edge passes.</p>"
            + table(["Outcome", "Reason", "Points", "of them judged"], rows, (2, 3)))


def outcome_counts(run: RunData) -> str:
    """Return points by outcome and site, as a bar and in numbers."""
    points = run.points
    counts = points.groupby(["site", "outcome"]).size()
    present = [name for name in OUTCOMES if (points["outcome"] == name).any()]
    rows = []
    for site in sorted(points["site"].unique()):
        numbers = [int(counts.get((site, name), 0)) for name in present]
        parts = [f'<i class="{"untested" if name == "not-tested" else ""}" style="width:{100 * n / sum(numbers):.2f}%'
                 f'{"" if name == "not-tested" else ";background:" + MARKS[name].colour}"></i>'
                 for name, n in zip(present, numbers, strict=True) if sum(numbers)]
        rows.append([said(site, 20), f'<div class="bar">{"".join(parts)}</div>', *(f"{n:,}" for n in numbers)])
    return "<h2>Outcomes</h2>" + table(["Site", "", *present], rows, range(2, 2 + len(present)))


def settles(run: RunData) -> str:
    """Return how long the bench waited for each shared setting, and what was met last."""
    listed = run.info.get("settles")
    rows = []
    for settle in (section(item) for item in (listed if isinstance(listed, list) else [])):
        took = number(settle.get("took_s"))
        reached = "yes" if settle.get("settled") else '<span class="bad">no, timed out</span>'
        rows.append([said(settle.get("block"), 10), said(name_of(str(settle.get("setting") or ""))),
                     said(_value(settle.get("target"), str(settle.get("unit") or ""))), reached,
                     render_duration(took) if took is not None else "", said(settle.get("last_clause"), 60)])
    if not rows:
        return ""
    return "<h3>Settling</h3>" + table(["Block", "Setting", "Target", "Settled", "Took", "Met last"], rows, (2, 4))


def events(run: RunData) -> str:
    """Return warnings and errors, and all events folded away."""
    found = run.events
    if found.empty:
        return ""
    loud = found[found["level"].isin(("warning", "error"))]
    parts = ["<h2>Recoveries and events</h2>"]
    counted = Counter(zip(loud["level"].tolist(), loud["site"].tolist(), strict=True))
    shown = [f"{n:,} {said(level, 20)}{'s' if n > 1 else ''} at {f'site {said(site, 20)}' if site else 'the bench'}"
             for (level, site), n in sorted(counted.items())]
    parts.append(f"<p>{', '.join(shown) or 'No warnings and no errors'}.</p>")
    recoveries = number(run.info.get("recoveries"))
    if recoveries:
        parts.append(f"<p>{recoveries:,.0f} recoveries by power cycle.</p>")
    errors = found[found["level"] == "error"]
    if len(errors):
        parts.append(_event_table(errors))
    parts.append(f"<details><summary>All {len(found):,} events</summary>{_event_table(found)}</details>")
    return "".join(parts)


def _event_table(found: pd.DataFrame) -> str:
    rows = [[render_duration(row["t_s"]) if row["t_s"] == row["t_s"] else "", said(row["level"], 20),
             said(row["site"], 20), wrapped(row["text"], 600)] for row in found.head(_EVENTS).to_dict("records")]
    more = len(found) - _EVENTS
    tail = f'<p class="soft">… and {more:,} more in run.db.</p>' if more > 0 else ""
    return table(["At", "Level", "Site", "What"], rows, (0,)) + tail


def provenance(run: RunData) -> str:
    """Return instruments, files, versions, and the texts of the files."""
    info, station = run.info, section(run.info, "station")
    rows = [[said(name, 60), *(said(section(box).get(key), 120) for key in (
        "manufacturer", "model", "serial", "firmware", "calibration_due", "driver", "resource"))]
        for name, box in section(info, "instruments").items()]
    parts = ["<h2>Provenance</h2>"]
    if rows:
        parts.append(table(["Instrument", "Maker", "Model", "Serial", "Firmware", "Calibration due", "Driver",
                            "Address"], rows))
    simulation = section(info, "simulation")
    parts.append(facts([
        ("labkit", said(info.get("labkit"), 60)), ("Python", said(station.get("python"), 60)),
        ("Git", said(station.get("git"), 100)), ("Station", said(station.get("host"), 100)),
        ("User", said(station.get("user"), 100)), ("Platform", said(station.get("platform"), 200)),
        ("Seed", said(simulation.get("seed"), 60)), ("World", said(simulation.get("world"), 60)),
        ("Run folder", said(run.folder.name, 200))]))
    files = [("Plan", section(info, "plan")), ("Bench", section(info, "bench")),
             *((f"Board {name}", section(board)) for name, board in section(info, "boards").items())]
    named = [[html.escape(clean(what, 80)), said(file.get("file")), f"<code>{said(file.get('sha256'), 80)}</code>"]
             for what, file in files if file]
    parts.append(table(["File", "Name", "SHA-256"], named) if named else "")
    parts += [f"<details><summary>{html.escape(clean(what, 80))}: {said(file.get('file'))}</summary>"
              f"<pre>{source(file['source'])}</pre></details>" for what, file in files if file.get("source")]
    return "".join(parts)
