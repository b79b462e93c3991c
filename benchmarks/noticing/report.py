"""The tables of the benchmark: found and false alarms for both halves, beside the common methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from benchmarks.noticing.evaluate import YOUNG, Clean, Outcome, Pair
from benchmarks.noticing.faults import FAULTS
from benchmarks.noticing.peers import METHODS

HALVES: Final = ("tune", "report")
_GROUPS: Final = ("100 rows", "10000 rows", "snapshot", "its own")


def as_data(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return every figure of the report as plain values."""
    return {half: _half([each for each in outcomes if each.half == half]) for half in HALVES}


def _half(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    clean = [run for each in outcomes for run in each.clean]
    sources = sorted({each.source for each in outcomes})
    by_source = {
        name: _alarms(run for each in outcomes if each.source == name for run in each.clean) for name in sources
    }
    judge_s, series = sum(each.judge_s for each in outcomes), sum(each.series for each in outcomes)
    return {
        "sources": sources,
        "histories": len(outcomes),
        "runs": len(clean),
        "false_alarms": _alarms(clean),
        "by_source": by_source,
        "by_family": dict(Counter(family for run in clean for family in set(run.families)).most_common()),
        "holidays": _alarms(run for run in clean if run.is_holiday),
        "young": _alarms(run for run in clean if run.place < YOUNG),
        "found": {name: _found(outcomes, name) for name in FAULTS},
        "missing": _share(each for outcome in outcomes for each in outcome.missing),
        "falsely_missing": _share(each for outcome in outcomes for each in outcome.falsely_missing),
        "pairs": _pairs([pair for each in outcomes for pair in each.pairs]),
        "shift_alarms": _mean(alarms for each in outcomes for alarms in each.shift_alarms),
        "shift_most": max((alarms for each in outcomes for alarms in each.shift_alarms), default=0),
        "shift_after": _share(each for outcome in outcomes for each in outcome.shift_after),
        "drift": _share(each for outcome in outcomes for each in outcome.drift_found),
        "us_a_point": 1e6 * judge_s / series,
        "ms_a_run": 1e3 * judge_s / len(clean),
        "peers": {name: _peer(outcomes, clean, name) for name in METHODS},
    }


def _pairs(pairs: Sequence[Pair]) -> dict[str, Any]:
    seen = [pair for pair in pairs if not pair.hides]
    return {
        "runs": len(pairs),
        "found": _share(pair.found for pair in pairs), "named": _share(pair.named for pair in pairs),
        "seen_runs": len(seen), "seen_named": _share(pair.named for pair in seen),
    }  # fmt: skip


def _alarms(runs: Iterable[Clean]) -> float:
    """Return the false alarms in 100 runs."""
    return _share(bool(run.families) for run in runs)


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(100 * sum(found) / len(found), 2) if found else 0.0


def _mean(values: Iterable[int]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 2) if found else 0.0


def _found(outcomes: Sequence[Outcome], fault: str) -> dict[str, Any]:
    runs = [run for each in outcomes for run in each.faulty if run.fault == fault]
    groups = {
        group: _share(run.found for each in outcomes if group in each.kind for run in each.faulty if run.fault == fault)
        for group in _GROUPS
    }
    first = _share(run.is_first_step for run in runs if run.found)
    return {"runs": len(runs), "found": _share(run.found for run in runs), "first_step": first, "groups": groups}


def _peer(outcomes: Sequence[Outcome], clean: Sequence[Clean], name: str) -> dict[str, Any]:
    """Return the false alarms and the found faults of a method, at its own threshold and at our false alarms."""
    values = sorted((run.peers[name] for run in clean if run.peers), reverse=True)
    ours = len(values) * sum(bool(run.families) for run in clean) // len(clean)
    own, same = METHODS[name][1], values[min(ours, len(values) - 1)]
    answer: dict[str, Any] = {"false_alarms": _share(value > own for value in values)}
    for label, threshold in (("own", own), ("same", same)):
        answer[label] = {
            fault: _share(run.peers[name] > threshold for each in outcomes for run in each.faulty if run.fault == fault)
            for fault in FAULTS
            if fault != "missing run"
        }
    return answer


def as_markdown(data: dict[str, Any]) -> str:
    """Return the tables of both halves."""
    report, tune = data["report"], data["tune"]
    lines = [
        f"Measured on {report['histories'] + tune['histories']} histories of {len(report['sources'])} + "
        f"{len(tune['sources'])} sources, {report['runs'] + tune['runs']:,} clean runs. "
        "The thresholds were chosen on the tuning half, but for one.",
        "",
        "| false alarms in 100 clean runs | goal | report half | tuning half |",
        "|---|--:|--:|--:|",
    ]
    rows: list[tuple[str, str, str]] = [
        ("all runs", "≤ 1", "false_alarms"), ("holidays", "≤ 5", "holidays"),
        ("runs 6 to 15 of a new pipeline", "≤ 5", "young"),
        ("after a level shift", "≤ 3", "shift_after"), ("a run that came, called missing", "", "falsely_missing"),
    ]  # fmt: skip
    lines += [f"| {label} | {goal} | {report[key]:.2f} | {tune[key]:.2f} |" for label, goal, key in rows]
    worst = [max(half["by_source"].items(), key=lambda each: each[1]) for half in (report, tune)]
    lines.append(f"| worst source | ≤ 5 | {worst[0][1]:.1f} ({worst[0][0]}) | {worst[1][1]:.1f} ({worst[1][0]}) |")
    lines += ["", *_faults(report, tune), "", *_others(data), "", *_peers(report)]
    return "\n".join(lines) + "\n"


def _faults(report: dict[str, Any], tune: dict[str, Any]) -> list[str]:
    lines = [
        "| fault, found in % | goal | report half | 100 rows | 10,000 rows | snapshots | own periods | first step "
        "| tuning half |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, (_, goal) in FAULTS.items():
        wanted = f"≥ {100 * goal:.0f}" if goal else "–"
        if name == "missing run":
            lines.append(f"| {name} | {wanted} | {report['missing']:.0f} | | | | | – | {tune['missing']:.0f} |")
            continue
        found = report["found"][name]
        groups = " | ".join(f"{found['groups'][group]:.0f}" for group in _GROUPS)
        tuned = tune["found"][name]["found"]
        lines.append(
            f"| {name} | {wanted} | {found['found']:.0f} | {groups} | {found['first_step']:.0f} | {tuned:.0f} |"
        )
    return lines


def _others(data: dict[str, Any]) -> list[str]:
    report, tune = data["report"], data["tune"]
    lines = ["| other figures | goal | report half | tuning half |", "|---|--:|--:|--:|"]
    for label, goal, key in (
        ("alarmed runs of a level shift, mean", "≤ 3", "shift_alarms"), ("the same, most", "≤ 3", "shift_most"),
        ("slow drift (−1 % a run), %", "–", "drift"), ("µs a point", "≤ 100", "us_a_point"),
        ("ms a run", "", "ms_a_run"),
    ):  # fmt: skip
        lines.append(f"| {label} | {goal} | {report[key]:.1f} | {tune[key]:.1f} |")
    whole = data["cost"]["all"]
    lines.append(f"| ms at the end of a run of 10 steps × 20 columns, 10,000 earlier runs | ≤ 50 | {whole:.0f} | |")
    for label, key in (
        ("any found", "found"), ("each named", "named"), ("each named, if neither hides the other", "seen_named"),
    ):  # fmt: skip
        lines.append(f"| two faults at once: {label}, % | – | {report['pairs'][key]:.0f} | {tune['pairs'][key]:.0f} |")
    return lines


def _peers(report: dict[str, Any]) -> list[str]:
    """Return the mean of the found faults by class of goal, for each method at its own threshold and at our alarms."""
    lines = [
        "| method, report half | false alarms in 100 | goal 95 % | goal 85 % | duration | no goal |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    ours = {name: each["found"] for name, each in report["found"].items()}
    lines.append(f"| **odibi-core** | {report['false_alarms']:.1f} | {_classes(ours)} |")
    for name, peer in report["peers"].items():
        lines.append(f"| {name}, its own threshold | {peer['false_alarms']:.1f} | {_classes(peer['own'])} |")
        lines.append(f"| {name}, at the same false alarms | {report['false_alarms']:.1f} | {_classes(peer['same'])} |")
    return lines


def _classes(found: dict[str, float]) -> str:
    cells = []
    for goal in (0.95, 0.85, 0.80, None):
        values = [found[name] for name, (_, wanted) in FAULTS.items() if wanted == goal and name != "missing run"]
        cells.append(f"{sum(values) / len(values):.0f}")
    return " | ".join(cells)
