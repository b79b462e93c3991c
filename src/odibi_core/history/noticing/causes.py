"""The place where a change begins: findings downstream of another, or of one column with it, are folded under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing.consequences import Moved, Rows, is_of_rows, is_of_share, is_slower_by, rows_of
from odibi_core.history.noticing.finding import Finding

_WHOLE: Final = frozenset({"no rows", "rows", "selectivity", "join", "content", "files"})
"""Families about all rows of a frame: anything downstream, and any column of the frame, may follow from them."""
FAMILIES: Final = (
    "no rows", "content", "files", "schema", "rows", "selectivity", "join", "nulls", "categories", "mean", "range",
    "spread", "distinct", "length", "checks", "duration", "memory", "cost",
)  # fmt: skip
"""The families of findings, those that begin a change first."""
_TIMES: Final = frozenset({"duration", "memory", "cost"})
_COUNTED: Final = frozenset({"rows", "selectivity"})
"""Families about the number of rows, whose consequences can be computed."""
SAME: Final = "the same content"
"""The actual value of a finding about the content of an earlier run."""
STAYS: Final = frozenset({"stale", "stuck"})
"""The metrics of findings about a column that has the values of the last run, where each run had new ones."""
_ROWS: Final = _COUNTED | {"no rows"}


class Candidate(msgspec.Struct, frozen=True):
    """A finding whose cause is not known yet, or a hint: a figure that moved, but not enough to be a finding."""

    finding: Finding
    score: float
    moved: Moved | None = None
    """The figure as a number; None for an exact rule."""

    @property
    def is_hint(self) -> bool:
        """True if the figure is unusual only together with what follows from it."""
        return self.score < 1.0


class _Graph(msgspec.Struct, frozen=True):
    """The steps: their figures, those that each depends on, and the usual rows of each."""

    steps: dict[str, Any]
    above: dict[str, set[str]]
    usual_rows: dict[str, float]
    other_rows: set[str | None]
    """The steps with a finding about their number of rows."""

    def rows(self, each: Candidate) -> Rows | None:
        """Return the rows of the step of a finding."""
        return rows_of(self.steps, self.usual_rows, each.finding.node_name)


def with_causes(
    current: RunFigures, candidates: Sequence[Candidate], usual_rows: dict[str, float] | None = None
) -> list[Finding]:
    """Return the findings, each with the one that it follows from, those that begin a change first.

    Args:
        current: The run.
        candidates: Its findings and hints.
        usual_rows: The usual rows of each step. Without them, everything in lost rows follows from their loss.
    """
    if all(each.is_hint for each in candidates):
        return []  # nearly always: the steps above each other need not be known
    other_rows = {each.finding.node_name for each in candidates if not each.is_hint and each.finding.family in _ROWS}
    graph = _Graph(current.figures["steps"], ancestors(current.figures["edges"]), usual_rows or {}, other_rows)
    order = _positions(graph)
    ranked = sorted(
        candidates, key=lambda each: (order.get(each.finding.node_name or "", -1), _rank(each), -each.score)
    )
    hints = [each for each in ranked if each.is_hint]
    roots: list[Candidate] = []
    followers: list[Finding] = []
    for each in ranked:
        if each.is_hint:
            continue
        cause = next((root for root in roots if _follows(each, root, graph)), None)
        if cause is not None and cause.finding.column is not None and each.finding.family in _WHOLE:
            # not from one column, if another input as a whole is another one
            cause = next((hint for hint in hints if _is_other_input(each, hint, cause, graph)), cause)
            if cause.is_hint and cause not in roots:
                roots.append(cause)
        elif cause is None:
            cause = next((hint for hint in hints if _begins(each, hint, graph)), each)
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


def _positions(graph: _Graph) -> dict[str, int]:
    """Return a place for each step, in which a step is behind those that it depends on; the run as a whole is last."""
    places = {name: len(graph.above.get(name, ())) for name in graph.steps}
    return places | {"": len(places) + 1}


def _rank(each: Candidate) -> int:
    return FAMILIES.index(each.finding.family) if each.finding.family in FAMILIES else len(FAMILIES)


def _follows(each: Candidate, root: Candidate, graph: _Graph) -> bool:
    """Return true if a finding may be a consequence of another one."""
    here, there = each.finding, root.finding
    if (here.family in _TIMES) != (there.family in _TIMES):
        may = here.family in _TIMES and there.family in _WHOLE and _is_below(here, there, graph)
        return may and (there.family not in _ROWS or is_slower_by(graph.rows(root)))
    if here.family in _TIMES:
        return here.node_name is None or _is_below(here, there, graph)
    if here.node_name == there.node_name:
        if there.family in _WHOLE:
            return _is_explained(each, root, graph)
        return here.column == there.column and here.column is not None
    if not _is_below(here, there, graph):
        return False
    if there.family in _WHOLE:
        return _is_explained(each, root, graph)
    if here.family in (*_WHOLE, "checks") or here.column is None:
        # of a finding about one category others may have moved as well; a hint is about the largest move
        is_share = there.family == "nulls" or (there.family == "categories" and root.is_hint)
        if not is_share or each.moved is None or root.moved is None:
            return True
        return is_of_share(each.moved, root.moved)
    return here.column == there.column or not _has_column(graph, there.node_name, here.column)


def _is_explained(each: Candidate, root: Candidate, graph: _Graph) -> bool:
    """Return true if a finding about all rows explains another one at its step or below it."""
    begin, rows = graph.rows(root), graph.rows(each)
    here = each.finding
    if root.finding.actual == SAME and here.column is not None:
        # an earlier run had this content, and all that follows from it
        return here.node_name in graph.other_rows or (each.moved is not None and each.moved.metric in STAYS)
    if here.node_name == root.finding.node_name and here.column is None:
        return True
    if root.finding.family not in _COUNTED or each.moved is None or begin is None or rows is None:
        return True
    side = each.moved.dataset
    if here.family == "join" and root.finding.node_name not in {side, *graph.above.get(side or "", ())}:
        return True  # rows of the other input, which these rows have to find
    if here.column is not None and not _has_column(graph, root.finding.node_name, here.column):
        return True  # the column is made later
    return is_of_rows(each.moved, begin, rows)


def _is_other_input(each: Candidate, hint: Candidate, cause: Candidate, graph: _Graph) -> bool:
    """Return true for a hint about all of a step that neither makes the column of the cause nor gets it."""
    steps = hint.finding.node_name, cause.finding.node_name
    apart = all(here != there and here not in graph.above.get(there or "", ()) for here, there in (steps, steps[::-1]))
    return apart and hint.finding.family in _WHOLE and _begins(each, hint, graph)


def _begins(each: Candidate, hint: Candidate, graph: _Graph) -> bool:
    """Return true for a hint upstream of a finding, from which the finding may follow."""
    here, there = each.finding, hint.finding
    upstream = here.node_name is not None and there.node_name in graph.above.get(here.node_name, ())
    return upstream and here.family not in _TIMES and _follows(each, hint, graph)


def _is_below(here: Finding, there: Finding, graph: _Graph) -> bool:
    """Return true for a step downstream of another, or the same one; the run as a whole is downstream of all."""
    if here.node_name is None or here.node_name == there.node_name:
        return True
    return there.node_name in graph.above.get(here.node_name, ())


def _has_column(graph: _Graph, step: str | None, column: str) -> bool:
    frames = graph.steps.get(step or "", {}).get("frames", {})
    return any(column in frame["columns"] for frame in frames.values())
