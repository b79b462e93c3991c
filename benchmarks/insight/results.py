"""The results of all parts as the tables of the page of the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from benchmarks.insight import scores, tables
from benchmarks.insight.baselines import COMPARED, INDICATOR, TREE
from benchmarks.insight.case import HALVES
from benchmarks.insight.fault_rows import RowScore
from benchmarks.insight.faults import KINDS
from benchmarks.insight.naming import CLASSES, NamedOutcome
from benchmarks.insight.score import Outcome

Rows = Sequence[tuple[str, str, str, bool]]
FIGURES: Final[Rows] = (
    ("predicate or key exact, %", "exact", "≥ 90 / 80", False),
    ("kind of step right, %", "kind", "", False),
    ("lost rows right, %", "rows_right", "", False),
    ("lost rows unknown, %", "rows_unknown", "≤ 10", False),
    ("lost rows wrong", "rows_wrong", "0", True),
    ("numbers of rows right, %", "counts_right", "", False),
    ("numbers of rows wrong", "counts_wrong", "0", True),
    ("proved claims that select other rows", "wrong_claims", "0", True),
    ("false claims where no rule exists", "false_claims", "0", True),
    ("ms, median", "ms_median", "", False),
    ("ms, 90th percentile", "ms_p90", "", False),
)


def as_markdown() -> str:
    """Return all tables."""
    found = {half: scores.halves(half, False) for half in HALVES}
    parts = [_ours(found), _baselines(found), _families(found), _losses(), _faults(), _clean(), _rows(), _causes()]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _ours(found: dict[Any, dict[str, list[Outcome]]]) -> list[str]:
    head = "| odibi-core | goal | report, with source | report, without | development, with | development, without |"
    lines = [head, "|---|--:|--:|--:|--:|--:|"]
    columns = [found[half][entry] for half in reversed(HALVES) for entry in (scores.OURS, scores.WITHOUT)]
    for title, name, goal, is_count in FIGURES:
        cells = " | ".join(_cell(tables.figures(each)[name], is_count) for each in columns)
        lines.append(f"| {title} | {goal} | {cells} |")
    return lines


def _baselines(found: dict[Any, dict[str, list[Outcome]]]) -> list[str]:
    head = "| report half | odibi-core | decision tree, given the lost rows | merge(indicator), given the keys "
    lines = [head + "| datacompy, given the keys |", "|---|--:|--:|--:|--:|"]
    columns = [found["report"].get(entry) for entry in (scores.OURS, TREE, INDICATOR, COMPARED)]
    for title, name, _, is_count in FIGURES:
        if name in ("exact", "rows_right", "rows_unknown", "rows_wrong", "ms_median", "ms_p90"):
            # the rows of a tree are those that it was given
            values = [
                "given" if place == 1 and name.startswith("rows") else _of(each, name, is_count)
                for place, each in enumerate(columns)
            ]
            lines.append(f"| {title} | {' | '.join(values)} |")
    return lines


def _of(outcomes: list[Outcome] | None, name: str, is_count: bool) -> str:
    return "not run" if outcomes is None else _cell(tables.figures(outcomes)[name], is_count)


def _families(found: dict[Any, dict[str, list[Outcome]]]) -> list[str]:
    lines = ["| exact, of the trials that ask for it | report | development |", "|---|--:|--:|"]
    both = {half: tables.by_family(found[half][scores.OURS]) for half in HALVES}
    for family in sorted(both["report"].keys() | both["development"].keys()):
        cells = [
            f"{both[half][family][0]} of {both[half][family][1]}" if family in both[half] else "–" for half in HALVES
        ]
        lines.append(f"| {family} | {cells[1]} | {cells[0]} |")
    return lines


def _losses() -> list[str]:
    lines = ["| random losses | false claims | of | number of lost rows right |", "|---|--:|--:|--:|"]
    for entry, outcomes in scores.random_losses(False).items():
        false = sum(each.false_claim for each in outcomes)
        counted = sum(each.is_counted for each in outcomes)
        lines.append(f"| {entry} | {false} | {len(outcomes)} | {counted} |")
    return lines


def _faults() -> list[str]:
    found = {method: scores.named_faults(False)[method] for method in scores.METHODS}
    head = "| first step named, % | " + " | ".join(found) + " |"
    lines = [head, "|---|" + "--:|" * len(found)]
    groups: list[tuple[str, Any]] = [
        ("faults that change counts, keys or schema (goal ≥ 95)", lambda each: each.is_visible),
        ("all 240 faults", lambda each: bool(each.begins)),
        ("of these, report half", lambda each: bool(each.begins) and each.half == "report"),
        ("of these, development half", lambda each: bool(each.begins) and each.half == "development"),
        *((kind, _is_of_kind(kind)) for kind in KINDS),
    ]
    for title, chosen in groups:
        lines.append(f"| {title} | {' | '.join(_share(filter(chosen, each)) for each in found.values())} |")
    return lines


def _clean() -> list[str]:
    """Return the runs without a fault in which a step is named, with the interval of their rate."""
    found = scores.named_faults(False)
    lines = ["| runs without a fault in which a step is named | report | development | rate of all, 95 % interval |"]
    lines.append("|---|--:|--:|--:|")
    for method in (scores.AT_END, scores.COUNTS):
        clean = [each for each in found[method] if not each.begins]
        cells = []
        for half in reversed(HALVES):
            named = [not each.is_right for each in clean if each.half == half]
            cells.append(f"{sum(named)} of {len(named)}")
        wrong = sum(not each.is_right for each in clean)
        low, high = interval(wrong, len(clean))
        lines.append(
            f"| {method} | {' | '.join(cells)} | {100 * wrong / len(clean):.1f} % ({low:.1f} to {high:.1f} %) |"
        )
    return lines


def interval(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate in percent, by Wilson's formula."""
    share, z = found / of, 1.96
    center, width = share + z * z / (2 * of), z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5
    return 100 * (center - width) / (1 + z * z / of), 100 * (center + width) / (1 + z * z / of)


def _rows() -> list[str]:
    """Return the scores of the rows and the predicates, of the faults that give a step other rows."""
    found = scores.named_faults(False)
    methods = [method for method in found if any(each.rows is not None for each in found[method])]
    lines = [f"| rows of a fault, % | half | {' | '.join(methods)} |", "|---|---|" + "--:|" * len(methods)]
    for title, measure in ROWS.items():
        for half in reversed(HALVES):
            cells = []
            for method in methods:
                asked = [each.rows for each in found[method] if each.half == half and each.rows is not None]
                is_given = method == scores.GIVEN_ROWS and title.startswith("rows")
                cells.append("given" if is_given else _cell(100 * sum(map(measure, asked)) / len(asked), False))
            lines.append(f"| {title} | {half} | {' | '.join(cells)} |")
    return lines


ROWS: Final[dict[str, Callable[[RowScore], bool]]] = {
    "predicate or key exact": lambda each: each.predicate == "right",
    "of these, of the rows that the fault adds": lambda each: each.is_of_fault,
    "predicate selects other rows": lambda each: each.predicate == "wrong",
    "rows right (Jaccard 1)": lambda each: each.rows == "right",
    "rows unknown": lambda each: each.rows == "unknown",
    "rows wrong, or of a step that the fault does not change": lambda each: each.rows == "wrong",
}


def _causes() -> list[str]:
    """Return the classes of causes that are named for each kind of fault, the right ones in bold."""
    outcomes = [each for each in scores.named_faults(False)[scores.OURS] if each.begins]
    lines = ["| kind of fault | class right, report | development | classes that are named, both halves |"]
    lines.append("|---|--:|--:|---|")
    for title in ("all", *KINDS):
        chosen = [each for each in outcomes if title in ("all", each.kind)]
        cells = [
            _cell(100 * sum(each.is_class_right for each in of_half) / len(of_half), False)
            for half in reversed(HALVES)
            if (of_half := [each for each in chosen if each.half == half])
        ]
        counts = Counter(each.cause or "none" for each in chosen) if title != "all" else Counter()
        named = ", ".join(
            f"**{cause} {count}**" if cause in CLASSES[title] else f"{cause} {count}"
            for cause, count in counts.most_common()
        )
        lines.append(f"| {title} | {' | '.join(cells)} | {named} |")
    return lines


def _is_of_kind(kind: str) -> Any:
    return lambda each: each.kind == kind


def _share(outcomes: Iterable[NamedOutcome]) -> str:
    right = [each.is_right for each in outcomes]
    return f"{100 * sum(right) / len(right):.1f}" if right else "–"


def _cell(value: float | None, is_count: bool) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if is_count or value >= 1000 else f"{value:.1f}"
