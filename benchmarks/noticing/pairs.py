"""Two faults at once: the findings that name each of them, and the pairs in which one hides the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from benchmarks.noticing.staged import Case
from odibi_core.history.noticing import Finding

_OF_ROWS: Final = frozenset({"no rows", "stale content", "−50 % rows", "doubled rows"})
_SLOW: Final = "3 × duration twice"
_LOST: Final = "large category lost"


def named(case: Case, roots: Sequence[Finding]) -> bool:
    """Return true if each fault has a finding of its own, that follows from no other, at the step where it begins."""
    fits = [[_names(case, place, root) for root in roots] for place in range(len(case.faults))]
    orders = itertools.permutations(range(len(roots)), len(case.faults))
    return any(all(fits[place][root] for place, root in enumerate(order)) for order in orders)


def _names(case: Case, place: int, root: Finding) -> bool:
    fault, column = case.faults[place], case.columns[place]
    if root.node_name not in case.begins[place]:
        return False
    if fault == _SLOW:
        return root.family == "duration"
    if fault in _OF_ROWS:
        return root.column is None and root.family != "duration"
    if column is None or root.column == column:
        return root.family != "duration"
    return fault == _LOST and root.family == "rows"


def hides(case: Case) -> bool:
    """Return true if one fault removes what the other is seen by, so that only one of them is left to name."""
    one, two = case.faults
    if _SLOW in case.faults:
        return False
    if "no rows" in case.faults or {one, two} == {"−50 % rows", "doubled rows"}:
        return True
    if "stale content" in case.faults:
        return case.begins[0] == case.begins[1]  # the content is another one again
    return case.columns[0] is not None and case.columns[0] == case.columns[1]
