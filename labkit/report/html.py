"""The report of a run: one HTML file that opens anywhere, without a network, now and in ten years.

plotly's JavaScript stands in the page. Its content security policy names the page's own scripts by their hashes and
forbids everything else, so text of a board or an operator could not run even if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.analysis.shmoo import Shmoo, shmoo_matrices
from labkit.report import blocks
from labkit.report.page import HATCH, SCRIPT, STYLE
from labkit.report.plots import Figure, edge_figure, hover_texts, shmoo_figure, timeline_figure
from labkit.report.words import conditions_text, word
from labkit.store.load import RunData
from labkit.wholefile import whole_file


def write_report(run: RunData, target: Path) -> Path:
    """Write the report of ``run`` to ``target`` and return it; the file appears whole or not at all.

    Raises :class:`InfrastructureError` when it cannot be written.
    """
    page = report_page(run)
    with whole_file(Path(target)) as part:
        part.write_text(page, encoding="utf-8", newline="\n")
    return Path(target)


def report_page(run: RunData) -> str:
    """Return the whole page."""
    from plotly.offline import get_plotlyjs

    figures: list[Figure] = []
    body = [
        blocks.banner(run), blocks.what_was_run(run), blocks.failures(run), _shmoos(run, figures),
        _timeline(run, figures), blocks.outcome_counts(run), blocks.events(run), blocks.provenance(run)]
    plotly = get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")
    title = f"{run.name} · {word(run.info.get('verdict'), 20) or 'unset'}{' · simulated' if run.simulated else ''}"
    return "".join([
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(plotly, SCRIPT)}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{html.escape(word(title))}</title><style>{STYLE}</style></head>\n<body>{HATCH}\n",
        "\n".join(body), "<noscript><p>The plots need JavaScript; everything else is above.</p></noscript>\n",
        f'<script type="application/json" id="figures">{_json([_spec(figure) for figure in figures])}</script>\n',
        f"<script>{plotly}</script>\n<script>{SCRIPT}</script>\n</body></html>\n"])


def _policy(*scripts: str) -> str:
    """Return a policy under which only these scripts run and nothing is fetched."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
                      for script in scripts)
    return (f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
            "base-uri 'none'; form-action 'none'")


def _json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    dumped = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return dumped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _spec(figure: Figure) -> dict[str, Any]:
    return {"data": figure.data, "layout": figure.layout, "height": figure.height}


def _place(figure: Figure, figures: list[Figure], kind: str = "") -> str:
    """Keep the figure and return the element it is drawn in."""
    figures.append(figure)
    return (f'<div class="plot {kind}" style="height:{figure.height}px" data-figure="{len(figures) - 1}" role="img" '
            f'aria-label="{html.escape(word(figure.label))}"></div>')


def _shmoos(run: RunData, figures: list[Figure]) -> str:
    shmoos = shmoo_matrices(run.points, run.info)
    if not shmoos:
        return "<h2>Shmoo</h2><p>No point is stored yet, or the run has no axis.</p>"
    hovers = hover_texts(run.points)
    parts = ["<h2>Shmoo</h2>", blocks.legend()]
    sites = list(dict.fromkeys(shmoo.site for shmoo in shmoos))
    for site in sites:
        of_site = [shmoo for shmoo in shmoos if shmoo.site == site]
        parts.append(f"<h3>{blocks.said(of_site[0].dut, 60) or '?'} · site {blocks.said(site, 20)}</h3>")
        cards = [_card(shmoo, _place(shmoo_figure(shmoo, hovers), figures, "shmoo")) for shmoo in of_site]
        parts.append(f'<div class="grid">{"".join(cards)}</div>')
    return "".join(parts) + _edges(shmoos, sites, figures)


def _card(shmoo: Shmoo, place: str) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in shmoo.counts.items() if count)
    where = html.escape(conditions_text(shmoo.conditions, shmoo.units)) or "all points"
    return f'<div class="card"><h4>{where}</h4><p class="soft">{counts}</p>{place}</div>'


def _edges(shmoos: Sequence[Shmoo], sites: Sequence[str], figures: list[Figure]) -> str:
    cards = []
    for site in sites:
        of_site = [shmoo for shmoo in shmoos if shmoo.site == site]
        figure = edge_figure(of_site)
        if figure is not None:
            title = f"{blocks.said(of_site[0].dut, 60)} · site {blocks.said(site, 20)}"
            cards.append(f'<div class="card"><h4>{title}</h4>{_place(figure, figures)}</div>')
    if not cards:
        return ""
    return ("<h2>Edge</h2><p>The lowest pass, going down from the highest one until the first tested point that does "
            f'not pass. The dotted box is the spec.</p><div class="two">{"".join(cards)}</div>')


def _timeline(run: RunData, figures: list[Figure]) -> str:
    figure = timeline_figure(run)
    place = ""
    if figure is not None:
        place = ('<p>Shaded: waiting for a temperature to settle; dotted: its target.</p>'
                 f'<div class="card">{_place(figure, figures)}</div>')
    settled = blocks.settles(run)
    return f"<h2>Current and temperature over the run</h2>{place}{settled}" if place or settled else ""
