"""The explanation of a step: the rows of an output that an input lost, multiplied or left unmatched, and why.

It reads the frames of one execution and nothing else: no function of the step is called, and no frame is changed. It
never raises. If it cannot determine the rows, the reason is in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from odibi_core.errors import STOPS
from odibi_core.insight.base import Budget, RowChange

if TYPE_CHECKING:
    from odibi_core.insight.causes import Context
    from odibi_core.insight.columns import Columns
    from odibi_core.insight.declared import Declared
    from odibi_core.insight.origins import Origin

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
    try:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            return RowChange(reason=f"{missing[0]} is not installed")
        change = _explained(inputs, output, (source, known), budget)
    except STOPS:
        raise
    except BaseException as error:
        change = RowChange(reason=f"the explanation failed: {type(error).__name__}")
    return structs.replace(change, units=budget.spent)


def _explained(
    inputs: Mapping[str, Any], output: Any, evidence: tuple[Any, RowChange | None], budget: Budget
) -> RowChange:
    from odibi_core.insight.columns import columns_of

    made = columns_of(output)
    if made is None:
        return RowChange(reason=f"the output must be a frame in memory, got {type(output).__name__}")
    for name, frame in inputs.items():
        if frame is output:
            return RowChange("same", name, made.height, made.height, 0, 0, how="object")
    taken = {name: found for name, frame in inputs.items() if (found := columns_of(frame)) is not None}
    if not taken:
        return RowChange(kind="made", rows_out=made.height, reason="the step took no frame in memory")
    if len({made.library, *(each.library for each in taken.values())}) > 1:
        for each in (made, *taken.values()):
            each.is_mixed = True
    return _of_frames(inputs, (taken, made), evidence, budget)


def _of_frames(
    frames: Mapping[str, Any],
    columns: tuple[dict[str, Columns], Columns],
    evidence: tuple[Any, RowChange | None],
    budget: Budget,
) -> RowChange:
    from odibi_core.insight.changes import change_of
    from odibi_core.insight.declared import declared_by
    from odibi_core.insight.origins import find_origin, likely

    taken, output = columns
    source, known = evidence
    declared = declared_by(source, {name: each.names for name, each in taken.items()})
    first = likely(taken, output)[0]
    shape = RowChange("unknown", first, taken[first].height, output.height)
    if not output.height or not taken[first].height:
        return _of_nothing(shape, (taken, output), declared)
    origin = find_origin(taken, output, declared, budget)
    if origin is None:
        spent = "" if budget.spent < budget.units else " within the budget"
        return structs.replace(shape, reason=_UNIDENTIFIED + spent)
    return change_of(origin, _context(origin, frames, (declared, known), budget))


def _context(
    origin: Origin, frames: Mapping[str, Any], evidence: tuple[Declared, RowChange | None], budget: Budget
) -> Context:
    from odibi_core.insight.causes import Context
    from odibi_core.insight.tables import Table, table_of

    declared, known = evidence
    tables: dict[str, Table] = {}
    for name in (origin.name, *origin.others):
        table = table_of(frames[name])
        if table is not None:
            tables[name] = table
    rules = tuple(cause.rule for cause in (known.causes if known is not None else ()) if cause.rule is not None)
    return Context(tables.pop(origin.name), tables, budget, declared.hints, rules)


def _of_nothing(shape: RowChange, columns: tuple[Mapping[str, Columns], Columns], declared: Declared) -> RowChange:
    from odibi_core.insight.changes import of_nothing
    from odibi_core.insight.joins import without_partners

    taken, _ = columns
    main = taken[shape.main]
    keys = None
    for name, other in taken.items():
        if name != shape.main and keys is None:
            keys = without_partners(main, other, name, declared.keys.get((shape.main, name), []))
    return of_nothing(shape, main.height, keys)
