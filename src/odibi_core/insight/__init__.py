"""Insight: the rows that a step lost, multiplied or left unmatched, and the rule that selects them.

A rule is guessed from a sample and proved on all rows. An answer that is not proved has a level below `replayed`; if
nothing can be proved within the budget, the level is `unknown` and `reason` states why.
"""

from odibi_core.insight.base import Budget, Cause, RowChange, Rule, Test

__all__ = ["Budget", "Cause", "RowChange", "Rule", "Test"]
