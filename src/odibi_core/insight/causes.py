"""The rule of some rows of the main input: guessed from a sample and evaluated on all rows, again with its mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Budget, Cause, Level, Rule, Side
from odibi_core.insight.constants import CannotEvaluate
from odibi_core.insight.learning import learn
from odibi_core.insight.matching import evenly
from odibi_core.insight.rule_tests import evaluate
from odibi_core.insight.source import NO_HINTS, Hints
from odibi_core.insight.tables import Table
from odibi_core.insight.wording import rule_text

if TYPE_CHECKING:
    from odibi_core.insight.columns import Mask, Rows

SAMPLE: Final = 2_000
"""Rows of each side from which a rule is guessed."""
_AGAIN: Final = 200
"""Rows that refute a rule and join the sample."""
_ROUNDS: Final = 4
_WRONG: Final = 0.01
"""The share of other rows that a rule may select."""
_MOST_WEIGHT: Final = 12
"""Tests and constants of a rule that is not exact: a longer one fits fragments."""
_ENOUGH: Final = 0.5
"""The share of the rows that a rule must select to be a cause; less is no simple rule."""
EXAMPLES: Final = 5


@dataclass(frozen=True)
class Context:
    """The tables and the limits of one explanation.

    Args:
        table: The main input.
        others: The other inputs by their logical names.
        hints: The names and constants of the source.
        budget: The work that is left.
        known: Rules of an earlier run, which are tried first.
    """

    table: Table
    others: Mapping[str, Table]
    budget: Budget
    hints: Hints = NO_HINTS
    known: tuple[Rule, ...] = field(default=())


@dataclass(frozen=True)
class Found:
    """A rule and the rows that it selects, of those that were looked at.

    Args:
        rule: The rule; None if no test describes it.
        selected: The rows that it selects.
        wrong: Rows that it selects and that are not wanted.
        missed: Rows that are wanted and that it does not select.
        weight: Its tests and constants.
    """

    rule: Rule | None
    selected: Mask
    wrong: int
    missed: int
    weight: int = 0

    @property
    def is_exact(self) -> bool:
        return not self.wrong and not self.missed


def find_rule(context: Context, wanted: Mask, part: Mask | None = None) -> Found | None:
    """Return the rule of the wanted rows, exact if there is one, else the one with fewest mistakes; None without one.

    Args:
        context: The tables.
        wanted: The rows that the rule must select.
        part: The rows that are looked at; None for all.
    """
    confirmed = _confirmed(context, wanted, part)
    if confirmed is not None:
        return confirmed
    return _learned(context, wanted, part)


def _confirmed(context: Context, wanted: Mask, part: Mask | None) -> Found | None:
    for rule in context.known:
        found = evaluated(context, rule, wanted, part)
        if found is not None and found.is_exact:
            return found
    return None


def evaluated(context: Context, rule: Rule, wanted: Mask, part: Mask | None) -> Found | None:
    """Return a rule with its mistakes on all rows; None if it does not fit the data or exceeds the budget."""
    if not context.budget.take(context.table.height * sum(map(len, rule.any_of))):
        return None
    try:
        selected = evaluate(rule, context.table, context.others)
    except CannotEvaluate:
        return None
    if part is not None:
        selected = selected & part
    return Found(rule, selected, int((selected & ~wanted).sum()), int((wanted & ~selected).sum()), _weight(rule))


def _weight(rule: Rule) -> int:
    """Return the number of the tests and constants of a rule."""
    tests = [test for group in rule.any_of for test in group]
    return len(tests) + sum(len(test.value) if isinstance(test.value, list | tuple) else 1 for test in tests)


def _learned(context: Context, wanted: Mask, part: Mask | None) -> Found | None:
    import numpy as np

    inside = wanted if part is None else wanted & part
    outside = ~wanted if part is None else part & ~wanted
    rows = np.concatenate([_some(inside, SAMPLE), _some(outside, SAMPLE)])
    best: Found | None = None
    for _ in range(_ROUNDS):
        rows = np.unique(rows)
        rule = learn(context.table, rows, wanted[rows], context.hints, context.budget, context.others)
        found = None if rule is None else evaluated(context, rule, inside, part)
        if found is None:
            break
        if best is None or found.wrong + found.missed < best.wrong + best.missed:
            best = found
        if found.is_exact:
            break
        mistakes = [_some(found.selected & ~inside, _AGAIN), _some(inside & ~found.selected, _AGAIN)]
        rows = np.concatenate([rows, *mistakes])
    return best if best is not None and _is_good(best, int(inside.sum())) else None


def _is_good(found: Found, wanted: int) -> bool:
    """Return whether a rule is a finding: exact, or short, right, and of most of the rows."""
    right = wanted - found.missed
    return found.is_exact or (
        right >= _ENOUGH * wanted and found.wrong <= _WRONG * right and found.weight <= _MOST_WEIGHT
    )


def _some(mask: Mask, most: int) -> Rows:
    import numpy as np

    rows = np.flatnonzero(mask)
    return rows[evenly(len(rows), most)]


def cause_of(found: Found, side: Side, wanted: Mask, text: str = "") -> Cause:
    """Return a rule as the cause of the wanted rows."""
    right = found.selected & wanted
    level: Level = "exact" if found.is_exact else "part"
    return Cause(
        side=side,
        rows=int(right.sum()),
        of=int(wanted.sum()),
        text=text or (rule_text(found.rule) if found.rule is not None else ""),
        level=level,
        rule=found.rule,
        wrong=found.wrong,
        examples=examples(right),
    )


def examples(mask: Mask) -> tuple[int, ...]:
    """Return the numbers of a few rows."""
    return tuple(int(row) for row in _some(mask, EXAMPLES))
