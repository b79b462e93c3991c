"""The place where a change begins: findings downstream of another, or of one column with it, are folded under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing.finding import Finding

_WHOLE: Final = frozenset({"no rows", "rows", "selectivity", "join", "content", "files"})
"""Families about all rows of a frame: anything downstream, and any column of the frame, may follow from them."""
FAMILIES: Final = (
    "no rows", "content", "files", "schema", "rows", "selectivity", "join", "nulls", "categories", "mean", "range",
    "spread", "distinct", "length", "checks", "duration", "memory", "cost",
)  # fmt: skip
"""The families of findings, those that begin a change first."""
_TIMES: Final = frozenset({"duration", "memory", "cost"})


class Candidate(msgspec.Struct, frozen=True):
    """A finding whose cause is not known yet, or a hint: a figure that moved, but not enough to be a finding."""

    finding: Finding
    score: float

    @property
    def is_hint(self) -> bool:
        """True if the figure is unusual only together with what follows from it."""
        return self.score < 1.0


def with_causes(current: RunFigures, candidates: Sequence[Candidate]) -> list[Finding]:
    """Return the findings, each with the one that it follows from, those that begin a change first."""
    above = ancestors(current.figures["edges"])
    order = _positions(current, above)
    ranked = sorted(
        candidates, key=lambda each: (order.get(each.finding.node_name or "", -1), _rank(each), -each.score)
    )
    hints = [each for each in ranked if each.is_hint]
    roots: list[Candidate] = []
    followers: list[Finding] = []
    for each in ranked:
        if each.is_hint:
            continue
        cause = next((root for root in roots if _follows(each, root, current, above)), None)
        if cause is None:
            cause = next((hint for hint in hints if _begins(each, hint, current, above)), each)
            roots.append(cause)
        if cause is not each:
            followers.append(msgspec.structs.replace(each.finding, follows_from=cause.finding.alert_id))
    return [root.finding for root in roots] + followers


def ancestors(edges: Sequence[Sequence[str]]) -> dict[str, set[str]]:
    """Return the steps that each step depends on, directly or through others."""
    parents: dict[str, set[str]] = {}
    for source, target in edges:
        parents.setdefault(target, set()).add(source)
    found: dict[str, set[str]] = {}
    for name in parents:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            fresh = parents.get(waiting.pop(), set()) - seen
            seen |= fresh
            waiting += fresh
        found[name] = seen - {name}
    return found


def _positions(current: RunFigures, above: dict[str, set[str]]) -> dict[str, int]:
    """Return a place for each step, in which a step is behind those that it depends on; the run as a whole is last."""
    places = {name: len(above.get(name, ())) for name in current.figures["steps"]}
    return places | {"": len(places) + 1}


def _rank(each: Candidate) -> int:
    return FAMILIES.index(each.finding.family) if each.finding.family in FAMILIES else len(FAMILIES)


def _follows(each: Candidate, root: Candidate, current: RunFigures, above: dict[str, set[str]]) -> bool:
    """Return true if a finding may be a consequence of another one."""
    here, there = each.finding, root.finding
    if (here.family in _TIMES) != (there.family in _TIMES):
        return here.family in _TIMES and there.family in _WHOLE and _is_below(here, there, above)
    if here.family in _TIMES:
        return here.node_name is None or _is_below(here, there, above)
    if here.node_name == there.node_name:
        return there.family in _WHOLE or (here.column == there.column and here.column is not None)
    if not _is_below(here, there, above):
        return False
    if there.family in _WHOLE or here.family in (*_WHOLE, "checks") or here.column is None:
        return True
    return here.column == there.column or not _has_column(current, there.node_name, here.column)


def _begins(each: Candidate, hint: Candidate, current: RunFigures, above: dict[str, set[str]]) -> bool:
    """Return true for a hint upstream of a finding, from which the finding may follow."""
    here, there = each.finding, hint.finding
    upstream = here.node_name is not None and there.node_name in above.get(here.node_name, ())
    return upstream and here.family not in _TIMES and _follows(each, hint, current, above)


def _is_below(here: Finding, there: Finding, above: dict[str, set[str]]) -> bool:
    """Return true for a step downstream of another, or the same one; the run as a whole is downstream of all."""
    if here.node_name is None or here.node_name == there.node_name:
        return True
    return there.node_name in above.get(here.node_name, ())


def _has_column(current: RunFigures, step: str | None, column: str) -> bool:
    frames = current.figures["steps"].get(step, {}).get("frames", {})
    return any(column in frame["columns"] for frame in frames.values())
