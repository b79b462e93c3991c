"""The tables, for people and for programs. Lost rows and missed targets are printed like any other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import Figures, Target, Verdict, Work, judge, ratio

Area = dict[str, Any]
INTRODUCTION = """\
# Benchmarks

Written by `make bench`; not edited by hand. Each contender takes its turn in each round, so that a noisy
minute is shared by all. A figure is the median of the rounds. *× odibi* is the median of the ratios within
a round; it is above 1 if odibi-core is faster or smaller. `benchmarks/` has the set-up of each peer. A peer
does the same work as odibi-core, or its note names the difference.
"""


def as_data(work: Work, figures: Sequence[Figures]) -> dict[str, Any]:
    ours = next((who for who in figures if who.contender.kind == "ours"), None)
    return {
        "name": work.name,
        "unit": work.unit,
        "note": work.note,
        "contenders": [_contender(who, ours) for who in figures],
        "targets": [_target(verdict, work.unit) for verdict in judge(work, figures)],
    }


def _contender(who: Figures, ours: Figures | None) -> dict[str, Any]:
    return {
        "name": who.contender.name,
        "kind": who.contender.kind,
        "median": who.median,
        "best": min(who.rounds, default=None),
        "worst": max(who.rounds, default=None),
        "rounds": who.rounds,
        "times_ours": None if ours is None or who is ours else ratio(who, ours),
        "not_run": who.not_run,
        "note": who.contender.note,
    }


def _target(verdict: Verdict, unit: str) -> dict[str, Any]:
    return {
        "text": _words(verdict.target, unit),
        "limit": verdict.target.limit,
        "measured": verdict.measured,
        "unit": "×" if verdict.target.how == "ratio" else unit,
        "met": verdict.met,
        "spread": verdict.spread,
    }


def _words(target: Target, unit: str) -> str:
    if target.how == "ratio":
        return f"{f'of {target.of} ' if target.of else ''}≤ {target.limit:g} × {target.against}"
    over = f" over the {target.against}" if target.how == "difference" else ""
    return f"≤ {target.limit:g} {unit}{over}" + (f" ({target.label})" if target.label and not over else "")


def verdict_words(target: dict[str, Any]) -> str:
    """Met, or missed by how much; never a silence where nothing was measured."""
    if target["met"] is None:
        return "not measured"
    return "met" if target["met"] else f"**missed** ({number(target['measured'] / target['limit'])} × the limit)"


def measured_words(target: dict[str, Any]) -> str:
    if target["measured"] is None:
        return "no figure"
    spread = target.get("spread")  # files of earlier measurements have none
    between = "" if spread is None else f" ({number(spread[0])} – {number(spread[1])})"
    return f"{number(target['measured'])} {target['unit']}{between}"


def number(value: float | None) -> str:
    """Three significant digits, thousands apart."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def area_as_markdown(area: Area) -> str:
    parts = [f"## {area['area']}", f"*{machine_line(area)}*"]
    parts += [_work_as_markdown(work) for work in area["works"]]
    return "\n\n".join(parts) + "\n"


def machine_line(area: Area) -> str:
    machine = area["machine"]
    where = [machine["python"], machine["system"], f"{machine['cores']} cores", machine["processor"]]
    if machine["memory_gb"]:
        where.append(f"{machine['memory_gb']} GB")
    where.append(f"load at start {machine['load_at_start']}")
    return f"{area['measured_on']}: " + ", ".join(str(fact) for fact in where)


def _work_as_markdown(work: dict[str, Any]) -> str:
    unit = work["unit"]
    lines = [f"### {work['name']}", ""]
    if work["note"]:
        lines += [f"{work['note'][0].upper()}{work['note'][1:]}.", ""]
    lines += [f"| contender | {unit} | best – worst | × odibi | |", "|---|---:|---:|---:|---|"]
    lines += [_row(who) for who in work["contenders"]]
    for target in work["targets"]:
        lines += ["", f"Target {target['text']}: {measured_words(target)}, {verdict_words(target)}."]
    return "\n".join(lines)


def _row(who: dict[str, Any]) -> str:
    name = {"ours": f"**{who['name']}**", "floor": f"floor: {who['name']}"}.get(who["kind"], who["name"])
    if who["not_run"]:
        return f"| {name} | – | – | – | not run: {_cell(who['not_run'])} |"
    spread = f"{number(who['best'])} – {number(who['worst'])}"
    figures = f"{number(who['median'])} | {spread} | {number(who['times_ours'])}"
    return f"| {name} | {figures} | {_cell(who['note'])} |"


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def page(areas: Sequence[Area]) -> str:
    """Return the page of the docs: every target and its result, then all tables, then the versions."""
    rows = [
        f"| {work['name']} | {target['text']} | {measured_words(target)} | {verdict_words(target)} |"
        for area in areas
        for work in area["works"]
        for target in work["targets"]
    ]
    targets = [target for area in areas for work in area["works"] for target in work["targets"]]
    counts = f"{sum(t['met'] is True for t in targets)} of {len(targets)} targets met."
    table = ["| work | target | measured | |", "|---|---|---:|---|", *rows]
    versions: dict[str, str] = {}
    for area in areas:
        versions |= area["machine"]["versions"]
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    tables = [area_as_markdown(area) for area in areas]
    return "\n".join([INTRODUCTION, counts, "", *table, "", *tables, "## versions", "", f"{told}.", ""])


def write(areas: Sequence[Area], results: Path, docs: Path) -> None:
    """Replace the files of each measured area, and write the page from the files of all areas."""
    results.mkdir(parents=True, exist_ok=True)
    for area in areas:
        (results / f"{area['area']}.json").write_text(json.dumps(area, indent=1, ensure_ascii=False) + "\n")
        (results / f"{area['area']}.md").write_text(area_as_markdown(area))
    docs.parent.mkdir(parents=True, exist_ok=True)
    known = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    docs.write_text(page([area for area in known if "works" in area]))  # others have pages of their own
