"""The change of rows of one step as a record, from the origin of its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Cause, RowChange, Rule
from odibi_core.insight.kinds import Facts, kind_of_join, kind_of_loss, kind_of_same_rows
from odibi_core.insight.losses import gained_causes, lost_causes, unmatched_causes
from odibi_core.insight.origins import groups_lost
from odibi_core.insight.rules.causes import Context, cause_of, find_rule

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask
    from odibi_core.insight.origins import Origin

_NOT_UNIQUE: Final = "the columns that stayed do not distinguish the rows"
_NO_BUDGET: Final = "the budget ended the search for a rule"
_JOINS: Final = frozenset({"merge", "join", "JOIN"})


def change_of(origin: Origin, context: Context) -> RowChange:
    """Return the change of rows with its kind and its causes."""
    if origin.shape == "aggregate":
        return _of_groups(origin, context)
    unsure = doubt(origin)
    if unsure:
        return _record(origin, kind=_kind_of_doubt(origin), known=None, causes=[], reason=unsure)
    lost = origin.lost
    gained = origin.output.height - int((~lost).sum())
    causes = lost_causes(origin, context, lost)
    unmatched = {}
    for join in origin.joins:
        without = ~join.is_member
        unmatched[join.other] = int(without.sum())
        if (without & ~lost).any() and join.brought:
            causes += unmatched_causes(join, origin, context)
    causes += gained_causes(origin, gained)
    kind = _kind(origin, context, causes)
    levels = {cause.level for cause in causes}
    tried, names = len(context.main.names), len(origin.main.nameable().names)
    reason = _NO_BUDGET if "unknown" in levels else ""
    if "no_rule" in levels and tried < names:
        reason = f"a rule was searched in {tried} of {names:,} columns"
    return _record(
        origin, kind=kind, known=(int(lost.sum()), gained), causes=causes, unmatched=unmatched, reason=reason
    )


def _record(
    origin: Origin,
    *,
    kind: str,
    known: tuple[int, int] | None,
    causes: list[Cause],
    unmatched: dict[str, int] | None = None,
    reason: str = "",
) -> RowChange:
    return RowChange(
        kind=kind,
        main=origin.name,
        rows_in=origin.main.height,
        rows_out=origin.output.height,
        lost=None if known is None else known[0],
        gained=None if known is None else known[1],
        unmatched=unmatched or {},
        causes=tuple(causes),
        how=origin.identity.how,
        reason=reason,
    )


def doubt(origin: Origin) -> str:
    """Return the reason why the lost rows are not known; empty if they are.

    Rows of the output that are none of the input may be lost rows with other values.
    """
    if origin.identity.how == "index" or not origin.lost.any():
        return ""
    if not origin.made:
        mixed = not origin.identity.is_unique and int(origin.counts.max()) > 1
        return _NOT_UNIQUE if mixed and not origin.joins else ""
    if origin.united or any(join.is_outer for join in origin.joins):
        return ""
    return f"{origin.made:,} rows of the output are no rows of {origin.name}, or rows with other values"


def _kind_of_doubt(origin: Origin) -> str:
    return "made" if origin.made > origin.output.height / 2 else "unknown"


def _of_groups(origin: Origin, context: Context) -> RowChange:
    """Return the change of an aggregation, which loses the rows of the groups that have no row in the output."""
    lost: Mask = groups_lost(origin)
    causes = []
    if lost.any():
        found = find_rule(context, lost)
        causes = [cause_of(found, "lost", lost)] if found is not None else lost_causes(origin, context, lost)[:1]
    return _record(origin, kind="aggregate", known=(int(lost.sum()), 0), causes=causes)


def _kind(origin: Origin, context: Context, causes: list[Cause]) -> str:
    if origin.shape:
        return "fan-out" if origin.shape == "cross join" else origin.shape
    lost, names = origin.lost, context.hints.names
    for join in origin.joins:
        with_one = join.is_member
        return kind_of_join(join, int((lost & with_one).sum()), int((~lost & ~with_one).sum()), origin.made, names)
    facts = Facts(int(lost.sum()), origin.is_ordered, names)
    if facts.lost and names & _JOINS and any(name not in origin.main for name in origin.output.names):
        return "inner join"  # with a frame that is no input: it was read or made by the step
    if facts.lost:
        rules = [cause.rule for cause in causes if cause.side == "lost"]
        return kind_of_loss(facts, rules, any(cause.text.startswith("duplicate of") for cause in causes))
    return kind_of_same_rows(origin.main, origin.output, origin.identity, facts)


def of_nothing(change: RowChange, lost: int, keys: Rule | None) -> RowChange:
    """Return the change of a step with an empty output or an empty input."""
    from msgspec import structs

    gained = (change.rows_out or 0) if not change.rows_in else 0
    causes = []
    if lost:
        from odibi_core.insight.predicates.wording import rule_text

        rule = keys or Rule(((),))
        causes = [Cause("lost", lost, lost, rule_text(rule), "exact", rule, examples=tuple(range(min(lost, 5))))]
    return structs.replace(change, kind="empty", lost=lost, gained=gained, causes=tuple(causes), how="count")
