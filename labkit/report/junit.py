"""The verdict of a run as JUnit XML, for continuous integration: one suite a site, one case a slice of the plan."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from labkit.analysis.shmoo import axis_names
from labkit.store.load import RunData, section
from labkit.text import clean
from labkit.wholefile import whole_file

_BAD = ("fail", "hang", "crash")
_UNSURE = ("marginal", "invalid", "infra", "not-tested", "aborted")


def write_junit(run: RunData, target: Path) -> Path:
    """Write ``target`` and return it. A case fails by its judged points; a run that ended early adds an error."""
    root = ElementTree.Element("testsuites", name=_xml(run.name))
    points = run.points
    outer = [name for name in axis_names(points, run.info)[:-2] if name in points.columns]
    for site, of_site in points.groupby("site", sort=True):
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(f"{run.name}.{site}"))
        failures = 0
        for block, of_block in of_site.groupby("block", sort=True):
            where = ", ".join(f"{name}={of_block[name].iloc[0]:g}" for name in outer) or f"block {block}"
            seconds = float(of_block["duration_s"].sum())
            case = ElementTree.SubElement(suite, "testcase", name=_xml(where), time=f"{seconds:.3f}",
                                          classname=_xml(f"{section(run.info, 'plan').get('name', '')}.{site}"))
            judged = of_block[of_block["judged"] == 1]
            bad = judged[judged["outcome"].isin(_BAD) | (judged["violations"].fillna("") != "")]
            unsure = judged[judged["outcome"].isin(_UNSURE)]
            if len(bad):
                failures += 1
                reason = bad.iloc[0]["violations"] or bad.iloc[0]["reason"] or bad.iloc[0]["outcome"]
                ElementTree.SubElement(case, "failure", message=_xml(f"{len(bad)} of {len(judged)} judged points: "
                                                                     f"{reason}"))
            elif len(unsure) or not len(judged):
                ElementTree.SubElement(case, "skipped", message=_xml(
                    f"{len(unsure)} of {len(judged)} judged points undecided"))
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(failures))
    if run.info.get("status") != "complete":
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(f"{run.name}.run"), tests="1", errors="1")
        case = ElementTree.SubElement(suite, "testcase", name="run")
        reasons = run.info.get("verdict_reasons") or ["the run did not reach its end"]
        ElementTree.SubElement(case, "error", message=_xml(str(reasons[0])))
    with whole_file(target) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
    return target


def _xml(text: str) -> str:
    """Return text that XML 1.0 can hold."""
    return clean(text, 500).replace("\n", " ")
