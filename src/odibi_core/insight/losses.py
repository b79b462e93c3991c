"""The causes of the rows that a step lost, multiplied or left unmatched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from odibi_core.insight.base import Budget, Cause, Level, Rule, Side, Test
from odibi_core.insight.frames.hashes import salted
from odibi_core.insight.frames.matching import evenly
from odibi_core.insight.kinds import prefers_head
from odibi_core.insight.predicates.features import OF_TABLE, ROWS
from odibi_core.insight.predicates.partners import of_partner
from odibi_core.insight.predicates.tests import split_op
from odibi_core.insight.predicates.wording import rule_text
from odibi_core.insight.rules import chance
from odibi_core.insight.rules.causes import (
    Context,
    Found,
    cause_of,
    certain,
    evaluated,
    examples,
    find_rule,
    with_alike,
)
from odibi_core.insight.rules.duplicates import Duplicates, find_duplicates, names_duplicates
from odibi_core.insight.rules.few_values import find_values
from odibi_core.insight.rules.source import Hints

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Frame, Mask
    from odibi_core.insight.joins import Join
    from odibi_core.insight.origins import Origin

_MOST_CAUSES: Final = 3
_KEYS: Final = 5
_DETAILS: Final = 1_000_000
"""Units for the rule of the rows without a partner."""
_SAMPLE: Final = 1_000
_SIMPLE: Final = 3
"""Tests and constants of a rule that is taken at once."""
_PLACES: Final = 3
"""The places of lost rows that are tried: after the others, before them, and around them."""


def lost_causes(origin: Origin, context: Context, lost: Mask) -> list[Cause]:
    """Return the causes of the rows that were lost, those of joins first; none if none were lost."""
    import numpy as np

    if not lost.any():
        return []
    rest = np.ones(origin.main.height, np.bool_)
    causes: list[Cause] = []
    details: dict[int, list[Cause]] = {}
    for join in origin.joins:
        found = _of_join(join, lost & rest, rest)
        if found is not None:
            details[len(causes)] = _details(join, origin, context, (found.selected & lost, rest), "lost")
            causes.append(
                structs.replace(cause_of(found, "lost", lost), keys=most_frequent(join, origin.main, found.selected))
            )
            rest = rest & ~found.selected
    for _ in range(_MOST_CAUSES):
        step = _next(origin, context, lost, rest) if (lost & rest).any() else None
        if step is None:
            break
        causes.append(with_alike(context, cause_of(step[1], "lost", lost, step[0]), step[1]))
        rest = rest & ~step[1].selected
    if not causes:
        return [no_rule("lost", lost, context)]
    level: Level = "part" if (lost & rest).any() or any(cause.wrong for cause in causes) else "exact"
    ranked = sorted(range(len(causes)), key=lambda place: -causes[place].rows)
    return [each for place in ranked for each in (structs.replace(causes[place], level=level), *details.get(place, []))]


def no_rule(side: Side, rows: Mask, context: Context) -> Cause:
    """Return the cause of rows that no test explains, or for which the budget ended."""
    refused = context.budget.refused
    text = "" if refused else "no simple rule"
    return Cause(side, 0, int(rows.sum()), text, "unknown" if refused else "no_rule", examples=examples(rows))


def unmatched_causes(join: Join, origin: Origin, context: Context) -> list[Cause]:
    """Return the cause of the rows that a join kept without a partner, with the rule of most of them."""
    import numpy as np

    without = ~join.is_member
    if not without.any():
        return []
    everything = np.ones(origin.main.height, np.bool_)
    cause = Cause(
        side="unmatched",
        rows=int(without.sum()),
        of=int(without.sum()),
        text=rule_text(_key_rule(join)),
        level="exact",
        rule=_key_rule(join),
        examples=examples(without),
        keys=most_frequent(join, origin.main, without),
    )
    return [cause, *_details(join, origin, context, (without, everything), "unmatched")]


def gained_causes(origin: Origin, gained: int) -> list[Cause]:
    """Return the causes of the rows beyond one for each row of the main input."""
    import numpy as np

    if gained <= 0:
        return []
    found: list[Cause] = []
    for join in origin.joins:
        more = int(np.maximum(join.copies - 1, 0).sum())
        if not more:
            continue
        rule = Rule(((Test("many_in_input", join.keys.main, None, join.other, join.keys.other),),))
        text = f"{rule_text(rule)}: {join.repeated:,} of {join.total_keys:,} keys"
        many = join.copies > 1
        level: Level = "exact" if more == gained else "part"
        keys = most_frequent(join, origin.main, many, copies=True)
        found.append(Cause("gained", min(more, gained), gained, text, level, rule, examples=examples(many), keys=keys))
    if not found:
        text = {
            "cross join": "each row with each row of the other input",
            "union": "rows of other inputs" if origin.united else "the input more than once",
            "explode": "a row for each member of a nested column",
        }.get(origin.shape, "")
        level = "exact" if text else "no_rule"
        found.append(
            Cause(
                "gained",
                gained if text else 0,
                gained,
                text or "no simple rule",
                level,
                examples=examples(origin.counts > 1),
            )
        )
    return found


def _key_rule(join: Join, *, is_anti: bool = False) -> Rule:
    op = "in_input" if is_anti else "not_in_input"
    return Rule(((Test(op, join.keys.main, None, join.other, join.keys.other),),))


def _of_join(join: Join, lost: Mask, rest: Mask) -> Found | None:
    """Return the rows that the join lost: those without a partner, or those with one."""
    without = rest & ~join.is_member
    if without.any() and not (without & ~lost).any():
        return Found(_key_rule(join), without, 0, int((lost & ~without).sum()))
    with_one = rest & join.is_member
    if not join.brought and with_one.any() and not (with_one & ~lost).any():
        return Found(_key_rule(join, is_anti=True), with_one, 0, int((lost & ~with_one).sum()))
    return None


def _details(join: Join, origin: Origin, context: Context, wanted: tuple[Mask, Mask], side: Side) -> list[Cause]:
    """Return the rule of most rows without a partner, by their own columns; the keys of the join come first."""
    rows, part = wanted
    if not (part & ~rows).any():
        return []
    found = find_values(context, dict.fromkeys((*join.keys.main, *context.main.names)), rows, part)
    if found is None:
        budget = Budget(min(_DETAILS, context.budget.units - context.budget.spent))
        names = context.hints.names | {name for name in join.keys.main if _is_short(name, origin)}
        hints = Hints(frozenset(names), context.hints.constants, context.hints.numbers)
        found = find_rule(replace(context, hints=hints, others={}, budget=budget), rows, part)
        context.budget.take(budget.spent)
    return [] if found is None else [cause_of(found, side, rows)]


def _is_short(name: str, origin: Origin) -> bool:
    """Return whether a column of a key has few different values, so that a list of them explains something."""
    import numpy as np

    sample = evenly(origin.main.height, _SAMPLE)
    return len(np.unique(origin.main.hashes(name, sample))) <= max(len(sample) // 4, 2)


def _next(origin: Origin, context: Context, lost: Mask, rest: Mask) -> tuple[str, Found] | None:
    """Return the next cause with its text: the kinds of causes in the order of their price, the source's first."""
    ways = [_by_rule, _by_join, _by_place, _by_duplicates, _by_null]
    if prefers_head(context.hints.names):
        ways.insert(0, _by_place)
    if names_duplicates(context.hints.names):
        ways.insert(0, _by_duplicates)
    best: tuple[str, Found] | None = None
    for way in dict.fromkeys(ways):
        found = way(origin, context, lost & rest, rest)
        if found is not None and not found[1].wrong and not found[1].missed:
            return _or_duplicates(found, origin, context, (lost & rest, rest))
        if found is not None and (best is None or found[1].missed + found[1].wrong < best[1].missed + best[1].wrong):
            best = found
    return best


def _or_duplicates(
    found: tuple[str, Found], origin: Origin, context: Context, rows: tuple[Mask, Mask]
) -> tuple[str, Found]:
    """Return duplicates instead of a long rule, or instead of places of rows, which come with it as another reason."""
    rule = found[1].rule
    if rule is None or (found[1].weight <= _SIMPLE and not _is_of_places(rule)):
        return found
    if _is_of_places(rule) and prefers_head(context.hints.names):
        return found
    other = _by_duplicates(origin, context, *rows)
    if other is None or not other[1].is_exact:
        return found
    return other[0], replace(other[1], alike=(rule,) if _is_of_places(rule) else ())


def _is_of_places(rule: Rule) -> bool:
    """Return whether a rule reads only the places of rows in the frame."""
    return all(split_op(test.op)[1] in ROWS for group in rule.any_of for test in group)


def _by_rule(origin: Origin, context: Context, wanted: Mask, part: Mask) -> tuple[str, Found] | None:
    """Return a rule of the columns of the main input, or the simpler one of those that a join brought."""
    found = find_rule(context, wanted, part)
    mine = None if found is None else ("", found)
    if found is None or not found.is_exact or found.weight <= _SIMPLE:
        return mine
    brought = _by_join(origin, context, wanted, part)
    return brought if brought is not None and brought[1].is_exact and brought[1].weight < found.weight else mine


def _by_place(origin: Origin, context: Context, wanted: Mask, part: Mask) -> tuple[str, Found] | None:
    """Return the rule of rows that are all after the first ones, or all before the last ones."""
    import numpy as np

    kept = np.flatnonzero(part & ~wanted)
    if not len(kept) or kept[-1] - kept[0] + 1 != len(kept):
        return None
    height = origin.main.height
    surprise = chance.bits_of_choice(int(part.sum()), len(kept)) - chance.bits_of_tests(_PLACES)
    if surprise <= chance.NEEDED and not prefers_head(context.hints.names):
        return None  # one row of some thousands is the last one by chance
    if kept[0] == 0:
        rule = Rule(((Test("row.ge", (), len(kept)),),))
    elif kept[-1] == height - 1:
        rule = Rule(((Test("row_end.ge", (), len(kept)),),))
    else:
        rule = Rule(((Test("row.lt", (), int(kept[0])),), (Test("row.gt", (), int(kept[-1])),)))
    found = evaluated(context, rule, wanted, part)
    return ("", found) if found is not None and found.is_exact else None


def _by_duplicates(origin: Origin, context: Context, wanted: Mask, part: Mask) -> tuple[str, Found] | None:
    found = find_duplicates(origin.main, wanted, part, context.hints.names, context.budget)
    if found is None:
        return None
    rule = rule_of_duplicates(found)
    if rule is not None and not found.has_ties and part.all():
        return found.text, certain(
            rule, wanted
        )  # the kept rows differ, and each lost one equals one of them or another
    seen = evaluated(context, rule, wanted, part) if rule is not None else None
    if seen is None or not seen.is_exact:
        seen = Found(None, wanted, 0, 0)
    return found.text, seen


def rule_of_duplicates(found: Duplicates) -> Rule | None:
    """Return duplicates as a rule; None for a choice that no test describes."""
    columns, by = found.columns, found.by
    test = {
        "first": Test("later_copy", columns),
        "last": Test("earlier_copy", columns),
        "none": Test("any_copy", columns),
        "max": Test("lower_copy", (by, *columns)),
        "min": Test("higher_copy", (by, *columns)),
    }.get(found.keep)
    return None if test is None else Rule(((test,),))


def _by_null(origin: Origin, context: Context, wanted: Mask, part: Mask) -> tuple[str, Found] | None:
    """Return the test of a missing value that selects lost rows only, however few."""
    best: tuple[str, Found] | None = None
    for name in context.main.names[:_MOST_NULLS]:
        found = evaluated(context, Rule(((Test("null", (name,)),),)), wanted, part)
        if found is None or found.wrong or not found.selected.any():
            continue
        if best is None or found.missed < best[1].missed:
            best = ("", found)
    return best


_MOST_NULLS: Final = 64


def _by_join(origin: Origin, context: Context, wanted: Mask, part: Mask) -> tuple[str, Found] | None:
    """Return the rule of rows that were lost after a join, by the columns that it brought."""
    import numpy as np

    for join in origin.joins:
        other = context.others.get(join.other)
        columns = origin.others.get(join.other)
        if other is None or columns is None or not join.brought or (join.copies > 1).any():
            continue
        looked_up = join.looked_up(origin.main, columns)
        rows = np.flatnonzero(part & (looked_up >= 0))
        if not wanted[rows].any() or not context.budget.take(2 * len(rows)):
            continue
        inner = replace(context, main=other.take(looked_up[rows]), others={}, known=())
        found = find_rule(inner, wanted[rows])
        if found is not None and found.rule is not None and not _is_of_table(found.rule):
            rule = of_partner(found.rule, join.other, join.keys.main, join.keys.other)
            return ("", one) if (one := evaluated(context, rule, wanted, part)) is not None else None
    return None


def _is_of_table(rule: Rule) -> bool:
    """Return whether a rule reads the places of rows, which are others among the partners."""
    return any(split_op(test.op)[1] in OF_TABLE for group in rule.any_of for test in group)


def most_frequent(join: Join, main: Frame, rows: Mask, *, copies: bool = False) -> tuple[dict[str, Any], ...]:
    """Return the most frequent keys of these rows, as plain values by column.

    Args:
        join: The join whose keys are shown.
        main: The main input.
        rows: The rows.
        copies: Order the keys by their rows of the other input instead.
    """
    import numpy as np

    at = np.flatnonzero(rows)
    total = np.zeros(len(at), np.uint64)
    for place, name in enumerate(join.keys.main):
        total = total + salted(main.hashes(name, at), place)
    _, firsts, counts = np.unique(total, return_index=True, return_counts=True)
    weight = join.copies[at[firsts]] if copies else counts
    chosen = at[firsts[np.argsort(-weight, kind="stable")[:_KEYS]]]
    return tuple({name: main.plain(name, int(row)) for name in join.keys.main} for row in chosen)
