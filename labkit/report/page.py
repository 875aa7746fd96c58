"""The style and the script of the report's page: constants, without any text of a run in them."""

from __future__ import annotations

STYLE = """
:root{--ground:#fff;--panel:#f6f7f8;--ink:#1b1f24;--soft:#5a646e;--grid:#dfe3e7;--hatch:#c3c9cf;--link:#0b5cad;
--bad:#b03a21;--stamp:#8a2be2;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root:not(.paper){--ground:#14171a;--panel:#1d2125;--ink:#e6e9ec;--soft:#9aa5af;
--grid:#333a41;--hatch:#4a535c;--link:#79b8ff;--bad:#ff8a6b;--stamp:#c58cff}}
:root.paper{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1360px;padding:20px 24px 60px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0}h2{font-size:1.2rem;margin:2.2em 0 .6em;padding-bottom:.25em;
border-bottom:1px solid var(--grid)}h3{font-size:1rem;margin:1.4em 0 .4em}h4{font-size:.9rem;font-weight:600;margin:0}
p{margin:.4em 0;max-width:80ch}.soft{color:var(--soft)}.bad{color:var(--bad);font-weight:600}
.banner{display:flex;flex-wrap:wrap;align-items:center;gap:14px 22px;padding:18px 22px;border-radius:8px;color:#fff}
.banner .verdict{font-size:2.1rem;font-weight:750;letter-spacing:.04em;line-height:1.1}
.banner .what{flex:1 1 220px;min-width:0}.banner h1,.banner p{color:#fff;overflow-wrap:anywhere}
.stamp{border:3px solid #fff;border-radius:6px;padding:3px 12px;font-size:1.35rem;font-weight:800;
letter-spacing:.14em;transform:rotate(-3deg)}
.strip{margin:10px 0 0;padding:8px 14px;border:2px dashed var(--stamp);border-radius:6px;color:var(--stamp);
font-weight:600}
.alarm{margin:10px 0 0;padding:10px 16px;border-radius:6px;background:#b00020;color:#fff;font-weight:700;
font-size:1.1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:.6em 0}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;min-width:0}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 40px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.5em 0}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--grid);padding:4px 14px 4px 0;
vertical-align:bottom}td{padding:4px 14px 4px 0;border-bottom:1px solid var(--grid);vertical-align:top;
white-space:nowrap}
.t{display:block;white-space:normal;min-width:18ch;max-width:60ch;overflow-wrap:break-word}td.n,th.n{text-align:right}
.chip{display:inline-block;width:.85em;height:.85em;border-radius:2px;margin-right:.4em;vertical-align:-.06em;
outline:1px solid rgba(128,128,128,.5)}
.untested{background:repeating-linear-gradient(45deg,var(--hatch) 0 1.5px,transparent 1.5px 5px)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;margin:.4em 0}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr));gap:14px 18px}
.card{min-width:0;background:var(--panel);border-radius:8px;padding:10px 10px 4px}.card p{margin:0;font-size:.82rem}
.plot{width:100%}.plot .modebar{opacity:0;transition:opacity .2s}.plot:hover .modebar{opacity:1}
.shmoo .bglayer .bg,.shmoo .plot>.bg{fill:url(#untested)!important;
fill-opacity:1!important}
.bar{display:flex;height:16px;border-radius:3px;overflow:hidden;min-width:200px;background:var(--grid)}
.bar i{display:block;height:100%}
details{margin:.5em 0}summary{cursor:pointer;color:var(--link)}code,pre{font:.84rem/1.45 ui-monospace,"SF Mono",
Consolas,"DejaVu Sans Mono",monospace}pre{background:var(--panel);padding:12px;border-radius:6px;overflow-x:auto;
white-space:pre-wrap;overflow-wrap:anywhere}code{overflow-wrap:anywhere}
@media (max-width:760px){body{padding:12px 12px 40px}}
@media (max-width:480px){dl{grid-template-columns:1fr}dt{margin-top:.4em}}
@media print{body{padding:0;max-width:none;font-size:10.5pt}.banner,.chip,.bar i,.alarm{print-color-adjust:exact;
-webkit-print-color-adjust:exact}.card,tr,.banner{break-inside:avoid}h2,h3{break-after:avoid}}
:root.paper body{width:700px}:root.paper .grid{grid-template-columns:1fr 1fr}
"""

SCRIPT = """
(() => {
  const figures = JSON.parse(document.getElementById('figures').textContent);
  const root = document.documentElement;
  const config = {displaylogo: false, responsive: true, displayModeBar: 'hover', showTips: false,
    modeBarButtons: [['toImage', 'resetScale2d']]};
  const drawn = new Set();
  const colour = name => getComputedStyle(root).getPropertyValue(name).trim();
  const themed = figure => {
    let text = JSON.stringify(figure);
    for (const name of ['ink', 'grid'])
      text = text.replaceAll('"$' + name + '"', JSON.stringify(colour('--' + name)));
    return JSON.parse(text);
  };
  const draw = place => {
    const figure = themed(figures[Number(place.dataset.figure)]);
    const font = {family: getComputedStyle(document.body).fontFamily, size: 12, color: colour('--ink')};
    const layout = Object.assign({paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font,
      dragmode: 'zoom', modebar: {bgcolor: 'rgba(0,0,0,0)', color: colour('--soft'), activecolor: colour('--ink')},
      hoverlabel: {align: 'left', font: {size: 12}}, height: figure.height}, figure.layout);
    drawn.add(place);
    return Plotly.react(place, figure.data, layout, config);
  };
  const places = [...document.querySelectorAll('[data-figure]')];
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, {rootMargin: '600px'});
  places.forEach(place => seen.observe(place));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.forEach(draw));
  addEventListener('beforeprint', () => { root.classList.add('paper'); places.forEach(draw); });
  addEventListener('afterprint', () => { root.classList.remove('paper'); drawn.forEach(draw); });
})();
"""

HATCH = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="untested" width="6" '
    'height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" '
    'style="stroke:var(--hatch);stroke-width:2"/></pattern></defs></svg>'
)
"""The ground of a shmoo: cells that nobody measured show it."""
