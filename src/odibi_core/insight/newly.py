"""The rows that a step loses today and would not have lost by the rules of an earlier run, and their own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Budget, Cause, RowChange, Rule, Side
from odibi_core.insight.explaining import guarded, trace

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask
    from odibi_core.insight.origins import Origin
    from odibi_core.insight.rules.causes import Context

_SIDES: Final[tuple[Side, ...]] = ("lost", "unmatched")


def newly_lost(
    inputs: Mapping[str, Any], output: Any, known: RowChange, *, source: Any = None, budget: Budget | None = None
) -> tuple[Cause, ...]:
    """Return the causes of the rows that are lost or unmatched now, and that no earlier rule selects. Never raises.

    A rule that looks in another input does not count as an earlier one, because that input has changed too: if rows
    of a dimension are missing, all rows without a partner are new, except those that a rule of their own columns
    selected before.

    Args:
        inputs: The frames that the step took, by their logical names.
        output: The frame that it returned.
        known: The earlier change of the output.
        source: As that of `explain`.
        budget: The work that it may take.

    Returns:
        A cause for each side with new rows, `of` all of them; none if there are none, or if they are not known.
    """
    budget = Budget() if budget is None else budget
    found: list[Cause] = []

    def work() -> RowChange:
        traced = trace(inputs, output, (source, None), budget)
        if not isinstance(traced, RowChange):
            found.extend(_causes(*traced, known))
        return known

    guarded(work)
    return tuple(found)


def _causes(origin: Origin, context: Context, known: RowChange) -> list[Cause]:
    import numpy as np

    from odibi_core.insight.changes import doubt
    from odibi_core.insight.losses import no_rule
    from odibi_core.insight.rules.causes import cause_of, find_rule
    from odibi_core.insight.rules.few_values import find_values

    if doubt(origin):
        return []
    unmatched = np.zeros(origin.main.height, np.bool_)
    for join in origin.joins:
        unmatched |= ~join.is_member
    causes = []
    for side, rows in zip(_SIDES, (origin.lost, unmatched & ~origin.lost), strict=True):
        before = _selected_before(context, known, side)
        new = rows if before is None else rows & ~before
        if not new.any():
            continue
        part = ~_nothing(context) if before is None else ~before
        keys = [name for join in origin.joins for name in join.keys.main]
        rule = find_values(context, dict.fromkeys((*keys, *context.main.names)), new, part)
        rule = rule or find_rule(replace(context, others={}), new, part)
        causes.append(no_rule(side, new, context) if rule is None else cause_of(rule, side, new))
    return causes


def _selected_before(context: Context, known: RowChange, side: Side) -> Mask | None:
    """Return the rows that the earlier rules of a side select; None if there is no such rule."""
    from odibi_core.insight.rules.causes import evaluated

    selected: Mask | None = None
    for cause in known.causes:
        if cause.side != side or cause.rule is None or _looks_elsewhere(cause.rule):
            continue
        found = evaluated(context, cause.rule, ~_nothing(context), None)
        if found is not None:
            selected = found.selected if selected is None else selected | found.selected
    return selected


def _nothing(context: Context) -> Mask:
    import numpy as np

    return np.zeros(context.main.height, np.bool_)


def _looks_elsewhere(rule: Rule) -> bool:
    return any(test.other for group in rule.any_of for test in group)
