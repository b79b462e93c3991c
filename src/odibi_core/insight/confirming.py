"""The rules of the last good run on the rows of today: cheaper than an explanation, for frames that look as usual.

The rules are evaluated on all rows of the main input. They hold if the output has as many rows as they keep, and if its
rows are those: by their labels, or some rows in the same order. If they do not, an explanation decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.lineage.looks import look_of
from odibi_core.errors import STOPS
from odibi_core.insight.base import PROVED, Budget, RowChange, Rule

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Frame, Mask

_TELLING: Final = 8
"""Values in the compared rows from which a column shows where its rows come from."""
_COLUMNS: Final = 3


def lost_rules(change: RowChange) -> tuple[Rule, ...]:
    """Return the rules of a change that together select all rows that it lost; none if they do not, or rows came in."""
    causes = [cause for cause in change.causes if cause.side == "lost"]
    rules = tuple(cause.rule for cause in causes if cause.rule is not None and cause.level in PROVED)
    is_whole = len(rules) == len(causes) > 0 and sum(cause.rows for cause in causes) == causes[0].of
    return rules if is_whole and not change.gained else ()


def holds(inputs: Mapping[str, Any], output: Any, known: RowChange, budget: Budget) -> bool | None:
    """Return whether an output lost the rows that the rules of an earlier change select; None if that is not known.

    Args:
        inputs: The frames that the step took, by their logical names.
        output: The frame that it made.
        known: The change of the last good run, with its rules.
        budget: The work that may be spent; the rules are not tried if it has less.
    """
    from odibi_core.insight.frames.frame import frame_of

    rules = lost_rules(known)
    main, made = frame_of(inputs.get(known.main)), frame_of(output)
    if not rules or main is None or made is None or not made.height or main.library != made.library:
        return None
    try:
        selected = _selected(rules, main, inputs, budget)
        return None if selected is None else _are_kept(main, made, ~selected)
    except STOPS:
        raise
    except BaseException:  # a frame of another library, or a column of another type
        return None


def _selected(rules: tuple[Rule, ...], main: Frame, inputs: Mapping[str, Any], budget: Budget) -> Mask | None:
    """Return the rows that one of the rules selects; None if they do not fit the data or the budget."""
    import numpy as np

    from odibi_core.insight.frames.frame import frame_of
    from odibi_core.insight.predicates.constants import CannotEvaluate
    from odibi_core.insight.predicates.tests import cost, evaluate

    tests = [test for rule in rules for group in rule.any_of for test in group]
    others: dict[str, Frame] = {}
    for name in {test.other for test in tests if test.other}:
        if (other := frame_of(inputs.get(name))) is not None:
            others[name] = other
    if not budget.take(main.height, sum(cost(test, main) for test in tests)):
        return None
    try:
        return np.logical_or.reduce([evaluate(rule, main, others) for rule in rules])  # type: ignore[no-any-return]
    except CannotEvaluate:
        return None


def _are_kept(main: Frame, made: Frame, kept: Mask) -> bool | None:
    """Return whether the rows of the output are those that are kept; None if no column shows it."""
    import numpy as np

    if int(kept.sum()) != made.height:
        return False
    if (places := _labelled(main, made)) is not None:
        return bool(kept[places].all())
    return _agree(main.native, made.native, np.flatnonzero(kept))


def _labelled(main: Frame, made: Frame) -> Any:
    """Return the rows of the input that the labels of a pandas frame name, if they are not numbered anew; else None."""
    if main.library != "pandas":
        return None
    index, labels = main.native.index, made.native.index
    if type(index).__name__ != "RangeIndex" or index.step != 1 or type(labels).__name__ == "RangeIndex":
        return None
    if str(labels.dtype) != "int64" or not labels.is_unique:
        return None
    places = labels.to_numpy() - index.start
    return places if places.min() >= 0 and places.max() < len(index) else None


def _agree(taken: Any, output: Any, kept: Any) -> bool | None:
    """Return whether one of the most varied columns is equal in all of some rows; a step may alter the others."""
    main, made = look_of(taken), look_of(output)
    if main is None or made is None:
        return None
    expected = main.at(kept[list(made.places)].tolist())
    varied = sorted(((len(set(made.values[name])), name) for name in expected if name in made.values), reverse=True)
    if not varied or varied[0][0] < min(_TELLING, made.height):
        return None
    telling = [name for values, name in varied[:_COLUMNS] if values * 2 >= varied[0][0]]
    return any(expected[name] == made.values[name] for name in telling)


def differing(inputs: Mapping[str, Any], known: RowChange, found: RowChange, budget: Budget) -> float | None:
    """Return the share of the main input that the rules of only one of two changes select; None if unknown.

    Args:
        inputs: The frames that the step took today.
        known: The change of the last good run.
        found: The explanation of today.
        budget: The work that may be spent.
    """
    from odibi_core.insight.frames.frame import frame_of

    main = frame_of(inputs.get(known.main))
    before, now = lost_rules(known), lost_rules(found)
    if main is None or not main.height or found.main != known.main or not before:
        return None
    if before == now:
        return 0.0
    selected = _selected(before, main, inputs, budget)
    if selected is None or (not now and (found.reason or found.lost is None)):
        return None
    if not now:  # no rule, or rules of a part: those of the earlier rules that an explanation found again are known
        again = sum(cause.rows for cause in found.causes if cause.rule in before)
        return abs(int(selected.sum()) - again) / main.height
    other = _selected(now, main, inputs, budget)
    return None if other is None else float((selected != other).mean())
