"""The kind of a step, from how the rows and columns of its output follow from those of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odibi_core.insight.base import Rule
from odibi_core.insight.pairs import Identity
from odibi_core.insight.predicates.tests import STAYS, split_op

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Frame
    from odibi_core.insight.joins import Join

_HEAD = frozenset({"head", "limit", "tail", "slice", "islice", "LIMIT", "iloc", "nlargest", "nsmallest"})
_SAMPLE = frozenset({"sample", "SAMPLE", "TABLESAMPLE", "shuffle"})


@dataclass(frozen=True)
class Facts:
    """Facts from which the kind follows.

    Args:
        lost: Rows of the main input without a row in the output.
        is_ordered: The rows stand in the order of the main input.
        names: Names that the source has.
    """

    lost: int
    is_ordered: bool
    names: Collection[str]


def kind_of_join(join: Join, lost_members: int, kept_without: int, made: int, names: Collection[str]) -> str:
    """Return the kind of a join.

    Args:
        join: The join.
        lost_members: Rows with a partner that were lost.
        kept_without: Rows without a partner that were kept.
        made: Rows of the output that are none of the main input.
        names: Names that the source has.
    """
    members = int(join.is_member.sum())
    if made:
        return "outer join"
    if not join.brought:
        return "anti join" if members and lost_members == members else "semi join"
    if kept_without:
        return "left join"
    if members < len(join.is_member):
        return "inner join"
    declared = {"left", "LEFT"} & set(names) or (
        "join" in names and not {"merge", "inner", "INNER", "JOIN"} & set(names)
    )
    return "left join" if declared or not names else "inner join"


def kind_of_loss(facts: Facts, rules: Sequence[Rule | None], is_dedup: bool) -> str:
    """Return the kind of a step that lost rows of its one input, by the rules that select them."""
    tests = [test for rule in rules if rule is not None for group in rule.any_of for test in group]
    ops = [split_op(test.op) for test in tests]
    if is_dedup:
        return "dedup"
    if ops and all(comparison == "null" and not negated for negated, _, comparison in ops):
        return "dropna"
    features = {feature for _, feature, _ in ops}
    if ops and all(comparison in STAYS for _, _, comparison in ops):
        return "dedup"
    if features and features <= {"group_row", "group_row_end"}:
        return "dedup"
    if features and features <= {"row", "row_end"} and not any(comparison == "mod" for _, _, comparison in ops):
        return "head"
    if ops:
        return "filter"
    return "sample" if not facts.is_ordered or set(facts.names) & _SAMPLE else "filter"


def kind_of_same_rows(main: Frame, output: Frame, identity: Identity, facts: Facts) -> str:
    """Return the kind of a step whose output has each row of the input once."""
    if not facts.is_ordered:
        return "sort"
    if identity.altered:
        return "values"
    return "same" if main.names == output.names and not identity.altered else "columns"


def prefers_head(names: Collection[str]) -> bool:
    """Return whether the source names a choice of the first or last rows."""
    return bool(_HEAD & set(names))
