"""The explanation of a step: the rows of an output that an input lost, multiplied or left unmatched, and why.

It reads the frames of one execution and nothing else: no function of the step is called, and no frame is changed. It
never raises. If it cannot determine the rows, the reason is in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from odibi_core.errors import STOPS
from odibi_core.insight.base import Budget, RowChange

if TYPE_CHECKING:
    from odibi_core.insight.declared import Declared
    from odibi_core.insight.frames.frame import Frame
    from odibi_core.insight.origins import Origin
    from odibi_core.insight.rules.causes import Context

    Traced = tuple[Origin, Context]

MOST_COLUMNS: Final = 200
"""Columns of a wide frame that rules may read."""
_NEEDED: Final = ("numpy", "narwhals")
_UNIDENTIFIED: Final = "the rows of the output could not be identified"


def explain(
    inputs: Mapping[str, Any],
    output: Any,
    *,
    source: Any = None,
    known: RowChange | None = None,
    budget: Budget | None = None,
) -> RowChange:
    """Return how the rows of an output follow from those of the inputs of its step. Never raises.

    Args:
        inputs: The frames that the step took, by their logical names; values that are no frames are left out.
        output: The frame that it returned: of pandas, polars or pyarrow, in memory.
        source: The function of the step, its text, or SQL: evidence for columns and constants; it is not called.
        known: An earlier explanation of the step, whose rules are tried on all rows before others.
        budget: The work that it may take; the default is that of `Budget`.

    Returns:
        The change. A number that could not be determined is None, and `reason` states why.
    """
    budget = Budget() if budget is None else budget

    def work() -> RowChange:
        traced = trace(inputs, output, (source, known), budget)
        return traced if isinstance(traced, RowChange) else _change(*traced)

    return structs.replace(guarded(work), units=budget.spent)


def explain_outputs(
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    *,
    source: Any = None,
    known: Mapping[str, RowChange] | None = None,
    budget: Budget | None = None,
) -> dict[str, RowChange]:
    """Return the change of each output of one step. Never raises.

    If several outputs have each row of an input once, together, the step splits it: no output lost the rows of the
    others.

    Args:
        inputs: The frames that the step took, by their logical names.
        outputs: The frames that it returned, by their logical names.
        source: As that of `explain`.
        known: Earlier changes of the outputs by their names.
        budget: The work that all of them may take.
    """
    budget = Budget() if budget is None else budget
    before = known or {}
    traced: dict[str, RowChange | Traced] = {}
    changes: dict[str, RowChange] = {}
    for name, output in outputs.items():
        traced[name] = _traced(inputs, output, (source, before.get(name)), budget)
    split = _split(traced)
    for name, found in traced.items():
        spent = budget.spent
        if isinstance(found, RowChange):
            changes[name] = found
        elif name in split:
            changes[name] = _record_of_split(found[0])
        else:
            changes[name] = guarded(partial(_change, *found))
        changes[name] = structs.replace(changes[name], units=budget.spent - spent)
    return changes


def guarded(work: Callable[[], RowChange]) -> RowChange:
    """Return the result of some work, or a change whose reason is the error that it raised, or a missing library."""
    try:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        return RowChange(reason=f"{missing[0]} is not installed") if missing else work()
    except STOPS:
        raise
    except BaseException as error:
        return RowChange(reason=f"the explanation failed: {type(error).__name__}")


def _change(origin: Origin, context: Context) -> RowChange:
    from odibi_core.insight.changes import change_of

    return change_of(origin, context)


def _traced(
    inputs: Mapping[str, Any], output: Any, evidence: tuple[Any, RowChange | None], budget: Budget
) -> RowChange | Traced:
    """Return the origin of an output with the frames, or the change if there is nothing to explain or it failed."""
    found: list[Traced] = []

    def work() -> RowChange:
        traced = trace(inputs, output, evidence, budget)
        if isinstance(traced, RowChange):
            return traced
        found.append(traced)
        return RowChange()

    change = guarded(work)
    return found[0] if found else change


def _split(traced: Mapping[str, RowChange | Traced]) -> set[str]:
    """Return the names of the outputs that together have each row of one input once."""
    by_main: dict[str, list[str]] = {}
    for name, found in traced.items():
        if not isinstance(found, RowChange) and found[0].lost.any():
            by_main.setdefault(found[0].name, []).append(name)
    split: set[str] = set()
    for names in by_main.values():
        origins = [found[0] for name in names if not isinstance(found := traced[name], RowChange)]
        total: Any = sum(each.counts for each in origins)
        if len(names) > 1 and bool((total == 1).all()):
            split.update(names)
    return split


def _record_of_split(origin: Origin) -> RowChange:
    sizes = (origin.main.height, origin.output.height)
    return RowChange("split", origin.name, *sizes, lost=0, gained=0, how=origin.identity.how)


def trace(
    inputs: Mapping[str, Any], output: Any, evidence: tuple[Any, RowChange | None], budget: Budget
) -> RowChange | Traced:
    """Return the origin of an output with the frames for its rules, or the change if there is no origin.

    Args:
        inputs: The frames that the step took, by their logical names.
        output: The frame that it returned.
        evidence: The source of the step, and an earlier change; each may be None.
        budget: The work that it may take.
    """
    from odibi_core.insight.frames.frame import frame_of

    made = frame_of(output)
    if made is None:
        return RowChange(reason=f"the output must be a frame in memory, got {type(output).__name__}")
    for name, frame in inputs.items():
        if frame is output:
            return RowChange("same", name, made.height, made.height, 0, 0, how="object")
    taken = {name: found for name, frame in inputs.items() if (found := frame_of(frame)) is not None}
    if not taken:
        return RowChange(kind="made", rows_out=made.height, reason="the step took no frame in memory")
    if len({made.library, *(each.library for each in taken.values())}) > 1:
        for each in (made, *taken.values()):
            each.is_mixed = True
    return _of_frames((taken, made), evidence, budget)


def _of_frames(
    frames: tuple[dict[str, Frame], Frame], evidence: tuple[Any, RowChange | None], budget: Budget
) -> RowChange | Traced:
    from odibi_core.insight.declared import declared_by
    from odibi_core.insight.origins import find_origin, likely

    taken, output = frames
    source, known = evidence
    declared = declared_by(source, {name: each.names for name, each in taken.items()})
    first = likely(taken, output)[0]
    shape = RowChange("unknown", first, taken[first].height, output.height)
    if not output.height or not taken[first].height:
        return _of_nothing(shape, taken, declared)
    origin = find_origin(taken, output, declared, budget)
    # Rows that were found in one input may be those of another, which the budget left out.
    if origin is None or (budget.refused and len(taken) > 1):
        spent = " within the budget" if budget.refused else ""
        return structs.replace(shape, reason=_UNIDENTIFIED + spent)
    return origin, _context(origin, (declared, known), budget)


def _context(origin: Origin, evidence: tuple[Declared, RowChange | None], budget: Budget) -> Context:
    from odibi_core.insight.rules.causes import Context

    declared, known = evidence
    others = {name: _narrow(other, declared) for name, other in origin.others.items()}
    rules = tuple(cause.rule for cause in (known.causes if known is not None else ()) if cause.rule is not None)
    return Context(_narrow(origin.main, declared), others, budget, declared.hints, rules)


def _narrow(frame: Frame, declared: Declared) -> Frame:
    """Return the columns of a frame that rules may read: of a wide one those that the source names, and the first."""
    frame = frame.nameable()
    if len(frame.names) <= MOST_COLUMNS:
        return frame
    named = declared.hints.columns(frame.names)[:MOST_COLUMNS]
    return frame.only(list(dict.fromkeys((*named, *frame.names)))[:MOST_COLUMNS])


def _of_nothing(shape: RowChange, taken: Mapping[str, Frame], declared: Declared) -> RowChange:
    from odibi_core.insight.changes import of_nothing
    from odibi_core.insight.joins import without_partners

    main = taken[shape.main]
    keys = None
    for name, other in taken.items():
        if name != shape.main and keys is None:
            keys = without_partners(main, other, name, declared.keys.get((shape.main, name), []))
    return of_nothing(shape, main.height, keys)
