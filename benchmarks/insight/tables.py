"""The scores of outcomes as figures, and as text."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.insight.score import Outcome


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of a set of outcomes, shares in percent; None where no trial asks for it."""
    exact = [each.exact for each in outcomes if each.exact is not None]
    rows = [each.rows for each in outcomes if each.rows is not None]
    counts = [each.counts for each in outcomes if each.counts is not None]
    known = [each.jaccard for each in outcomes if each.jaccard is not None]
    times = [each.ms for each in outcomes]
    return {
        "trials": len(outcomes),
        "kind": _percent([each.kind for each in outcomes]),
        "asked": len(exact),
        "exact": _percent(exact),
        "rows_right": _percent([each == "right" for each in rows]),
        "rows_unknown": _percent([each == "unknown" for each in rows]),
        "rows_wrong": sum(each == "wrong" for each in rows),
        "jaccard": statistics.mean(known) if known else None,
        "counts_right": _percent([each == "right" for each in counts]),
        "counts_unknown": _percent([each == "unknown" for each in counts]),
        "counts_wrong": sum(each == "wrong" for each in counts),
        "false_claims": sum(bool(each.false_claim) for each in outcomes),
        "without_rule": sum(each.false_claim is not None for each in outcomes),
        "wrong_claims": sum(each.wrong_claim for each in outcomes),
        "ms_median": statistics.median(times) if times else None,
        "ms_p90": _quantile(times, 0.9),
    }


def _percent(found: Iterable[bool]) -> float | None:
    values = list(found)
    return 100 * sum(values) / len(values) if values else None


def _quantile(values: Sequence[float], share: float) -> float | None:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None


def by_family(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Return the number of exact answers and of trials that ask for one, by family."""
    found: dict[str, tuple[int, int]] = {}
    for each in outcomes:
        if each.exact is not None:
            right, asked = found.get(each.family, (0, 0))
            found[each.family] = (right + each.exact, asked + 1)
    return dict(sorted(found.items()))


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the figures by library and of all, one line each."""
    lines = []
    for library in ("pandas", "polars", "all"):
        chosen = [each for each in outcomes if library in (each.library, "all")]
        if chosen:
            found = figures(chosen)
            lines.append(f"{library}: " + ", ".join(f"{name} {_number(value)}" for name, value in found.items()))
    families = ", ".join(f"{name} {right}/{asked}" for name, (right, asked) in by_family(outcomes).items())
    return "\n".join([*lines, f"exact by family: {families}"])


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def is_miss(outcome: Outcome) -> bool:
    """Return whether anything of an answer is wrong or missing."""
    return (
        not outcome.kind
        or outcome.exact is False
        or outcome.rows == "wrong"
        or outcome.counts == "wrong"
        or bool(outcome.false_claim)
        or outcome.wrong_claim
    )


def misses(outcomes: Sequence[Outcome]) -> str:
    """Return each miss with what was answered."""
    lines = []
    for each in outcomes:
        if is_miss(each):
            marks = [
                "" if each.kind else f"kind {each.answered}",
                "not exact" if each.exact is False else "",
                f"rows {each.rows}" if each.rows in ("wrong", "unknown") else "",
                f"counts {each.counts}" if each.counts in ("wrong", "unknown") else "",
                "false claim" if each.false_claim else "",
                "proved claim selects other rows" if each.wrong_claim else "",
            ]
            texts = "; ".join(each.texts) or "no claim"
            lines.append(
                f"- {each.trial} [{each.family}]: {', '.join(mark for mark in marks if mark)}. {texts}. {each.reason}"
            )
    return "\n".join(lines) or "no miss"
