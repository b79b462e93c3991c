"""The rule of some rows of the main input: guessed from a sample and evaluated on all rows, again with its mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec import structs

from odibi_core.insight.base import Budget, Cause, Level, Rule, Side
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.matching import evenly
from odibi_core.insight.predicates.wording import rule_text
from odibi_core.insight.rules import proving
from odibi_core.insight.rules.proving import find, judge, same_rows
from odibi_core.insight.rules.source import NO_HINTS, Hints

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask

_ALIKE: Final = 1_000_000
"""Units for other rules of the same rows."""
_WRONG: Final = 0.01
"""The share of other rows that a rule may select."""
_MOST_WEIGHT: Final = 12
"""Tests and constants of a rule that is not exact: a longer one fits fragments."""
_ENOUGH: Final = 0.5
"""The share of the rows that a rule must select to be a cause; less is no simple rule."""
EXAMPLES: Final = 5


@dataclass(frozen=True)
class Context:
    """The frames and the limits of one explanation.

    Args:
        main: The main input.
        others: The other inputs by their logical names.
        hints: The names and constants of the source.
        budget: The work that is left.
        known: Rules of an earlier run, which are tried first.
    """

    main: Frame
    others: Mapping[str, Frame]
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
        alike: Rules that select the same rows, and could be the reason as well.
    """

    rule: Rule | None
    selected: Mask
    wrong: int
    missed: int
    weight: int = 0
    alike: tuple[Rule, ...] = ()

    @property
    def is_exact(self) -> bool:
        return not self.wrong and not self.missed


def find_rule(context: Context, wanted: Mask, part: Mask | None = None) -> Found | None:
    """Return the rule of the wanted rows, exact if there is one, else the one with fewest mistakes; None without one.

    Args:
        context: The frames.
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
    return _weighed(judge(rule, context.main, wanted, context.budget, context.others, part))


def certain(rule: Rule, wanted: Mask) -> Found:
    """Return a rule that is known to select exactly the wanted rows."""
    return Found(rule, wanted, 0, 0, _weight(rule))


def _weighed(found: proving.Found | None) -> Found | None:
    if found is None:
        return None
    return Found(found.rule, found.selected, found.wrong, found.missed, _weight(found.rule))


def _weight(rule: Rule) -> int:
    """Return the number of the tests and constants of a rule."""
    tests = [test for group in rule.any_of for test in group]
    return len(tests) + sum(len(test.value) if isinstance(test.value, list | tuple) else 1 for test in tests)


def _learned(context: Context, wanted: Mask, part: Mask | None) -> Found | None:
    found = _weighed(find(context.main, wanted, context.hints, context.budget, context.others, part))
    rows = int((wanted if part is None else wanted & part).sum())
    return found if found is not None and _is_good(found, rows) else None


def with_alike(context: Context, cause: Cause, found: Found) -> Cause:
    """Return a cause with the other rules that select the same rows, if its rule is exact and short."""
    if found.rule is None or not found.is_exact or found.weight > _MOST_WEIGHT or not found.selected.any():
        return cause
    budget = Budget(min(_ALIKE, context.budget.units - context.budget.spent))
    rules = same_rows(found.rule, context.main, found.selected, context.hints, budget, {})
    context.budget.take(budget.spent)
    rules = (*found.alike, *(rule for rule in rules if rule not in found.alike))
    return structs.replace(cause, same_rows_as=tuple(map(rule_text, rules)), same_rules=rules)


def _is_good(found: Found, wanted: int) -> bool:
    """Return whether a rule is a finding: exact, or short, right, and of most of the rows."""
    right = wanted - found.missed
    return found.is_exact or (
        right >= _ENOUGH * wanted and found.wrong <= _WRONG * right and found.weight <= _MOST_WEIGHT
    )


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
    import numpy as np

    rows = np.flatnonzero(mask)
    return tuple(int(row) for row in rows[evenly(len(rows), EXAMPLES)])
