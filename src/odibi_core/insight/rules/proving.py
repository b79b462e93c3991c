"""The proof of a rule: it is evaluated on all rows, and the rows that refute it join the sample.

`find` is for an input whose lost rows are all known. If they are not, take `learn` and prove its rule by the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Budget, Rule
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.tests import cost, evaluate
from odibi_core.insight.rules.learning import alternatives, learn
from odibi_core.insight.rules.sampling import Sample
from odibi_core.insight.rules.settling import adjusted
from odibi_core.insight.rules.source import Hints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.frame import Frame

    Mask = NDArray[np.bool_]

SAMPLED: Final = 2_000
"""Rows of each side in the first sample."""
COUNTEREXAMPLES: Final = 250
"""Rows of each side that a refuted rule adds."""
ROUNDS: Final = 6
WRONG: Final = 0.01
"""The share of the selected rows that may be wrong."""
MOST_ALIKE: Final = 3
_ALIKE: Final = 4
"""Units of a row and column for tests that select the same rows."""


@dataclass(frozen=True)
class Found:
    """A rule with the rows that it selects.

    Args:
        rule: The rule.
        selected: The rows that it selects, of all rows.
        wrong: Rows that it selects and that are not lost.
        missed: Lost rows that it does not select.
    """

    rule: Rule
    selected: Mask
    wrong: int
    missed: int

    @property
    def is_exact(self) -> bool:
        return not self.wrong and not self.missed


def sample_rows(lost: Mask, most: int = SAMPLED, part: Mask | None = None) -> NDArray[np.int64]:
    """Return the numbers of up to `most` rows of each side, of a part of the rows, the same for the same labels."""
    import numpy as np

    sides = (lost, ~lost) if part is None else (lost & part, part & ~lost)
    return np.sort(np.concatenate([_some(np.flatnonzero(side), most) for side in sides]))


def _some(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Choose rows at random: every k-th row would repeat what recurs in an order."""
    import numpy as np

    return rows if len(rows) <= most else np.random.default_rng(len(rows)).choice(rows, most, replace=False)


def find(
    frame: Frame, lost: Mask, hints: Hints, budget: Budget, others: Mapping[str, Frame], part: Mask | None = None
) -> Found | None:
    """Return the rule of the lost rows, evaluated on all rows; None if there is none within the budget.

    Args:
        frame: The main input.
        lost: For each of its rows, if it is lost.
        hints: Names and constants of the source of the step.
        budget: The work that may be spent; `refused` is set if it ended the search.
        others: The other inputs by their logical names.
        part: The rows that are looked at; None for all.
    """
    import numpy as np

    lost = lost if part is None else lost & part
    rows = sample_rows(lost, part=part)
    best: Found | None = None
    for _ in range(ROUNDS):
        rule = None if best is None else adjusted(best.rule, Sample(frame, rows, lost[rows], hints, others), budget)
        rule = learn(frame, rows, lost[rows], hints, budget, others) if rule is None else rule
        found = None if rule is None else judge(rule, frame, lost, budget, others, part)
        if found is None:
            break
        if best is None or found.wrong + found.missed < best.wrong + best.missed:
            best = found
        if found.is_exact or (not found.wrong and (lost & ~found.selected)[rows].any()):
            break  # proved, or known to be a part
        more = np.union1d(rows, _added(found, lost))
        if len(more) == len(rows):
            break
        rows = more
    return None if best is None or best.wrong > WRONG * best.selected.sum() else best


def judge(
    rule: Rule, frame: Frame, lost: Mask, budget: Budget, others: Mapping[str, Frame], part: Mask | None = None
) -> Found | None:
    """Evaluate a rule on all rows, or a part of them; None if it does not fit the data or the budget."""
    if not budget.take(frame.height, sum(cost(test, frame) for group in rule.any_of for test in group)):
        return None
    try:
        selected = evaluate(rule, frame, others)
    except CannotEvaluate:
        return None
    if part is not None:
        lost, selected = lost & part, selected & part
    return Found(rule, selected, int((selected & ~lost).sum()), int((lost & ~selected).sum()))


def _added(found: Found, lost: Mask) -> NDArray[np.int64]:
    """Return rows that refute a rule."""
    import numpy as np

    wrong = _some(np.flatnonzero(found.selected & ~lost), COUNTEREXAMPLES)
    missed = _some(np.flatnonzero(lost & ~found.selected), COUNTEREXAMPLES)
    return np.concatenate([wrong, missed])


def same_rows(
    rule: Rule, frame: Frame, selected: Mask, hints: Hints, budget: Budget, others: Mapping[str, Frame]
) -> tuple[Rule, ...]:
    """Return other rules that select the same rows, such as `dep_time IS NULL`.

    Args:
        rule: The rule.
        frame: The main input.
        selected: The rows that it selects.
        hints: Names and constants of the source of the step.
        budget: The work that may be spent.
        others: The other inputs by their logical names.
    """
    used = {name for group in rule.any_of for test in group for name in test.columns}
    rows = sample_rows(selected)
    if not budget.take(len(rows) * len(frame.names), _ALIKE):
        return ()
    alike: list[Rule] = []
    for other in alternatives(frame, rows, selected[rows], hints, budget, others):
        if used & set(other.any_of[0][0].columns) or len(alike) >= MOST_ALIKE:
            continue
        found = judge(other, frame, selected, budget, others)
        if found is not None and found.is_exact:
            alike.append(other)
    return tuple(alike)
