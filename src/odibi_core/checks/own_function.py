"""Checks by a function of one's own: `custom(no_overlaps)`, or the function itself in `Step(checks=[no_overlaps])`.

The function gets the frame as the step made it, and further frames by the names of its other parameters. It returns

- `True` or `False`: the frame passes or fails,
- a column of booleans, or an expression for one (narwhals, polars): the rows for which it is false fail,
- a frame: its rows are the failures; no row means that the frame passes,
- a `CheckResult`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter, iscoroutinefunction, signature
from typing import Any, Unpack

from odibi_core.checks.base import EXAMPLES, Check, CheckResult, Finding, Row, RowOptions, Wrong, row_check  # fmt: skip
from odibi_core.checks.frames import eager
from odibi_core.checks.labels import named_check
from odibi_core.checks.masks import mask_of, wrong_rows
from odibi_core.errors import CheckError, nearest

_WANTED = "True or False, a column of booleans, a frame of failing rows, an expression or a CheckResult"


def custom(function: Callable[..., Any], *, name: str | None = None, **options: Unpack[RowOptions]) -> Check:
    """Check a frame by a function, which must not change it.

    Args:
        function: Takes the frame; further parameters are named after other inputs or outputs of the step.
        name: The name in the record; that of the function by default.
    """
    if not callable(function):
        raise CheckError(f"custom() takes a function of a frame, got {function!r}")
    if iscoroutinefunction(function):
        raise CheckError("custom() takes a function that is not async; call the coroutine in the step itself")
    others = _others(function)
    given = name if name is not None else getattr(function, "__name__", type(function).__name__)
    found = "custom" if given == "<lambda>" else named_check("custom", given)
    needs = tuple(other for other, required in others.items() if required)
    return row_check(found, partial(_judge, function, tuple(others)), options, takes="native", needs=needs)


def _others(function: Callable[..., Any]) -> dict[str, bool]:
    """Return the names of the frames that a function takes beside the first; true if it needs them."""
    try:
        found = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return {}
    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)
    if not found or found[0].kind not in by_position:
        raise CheckError("custom() takes a function whose first parameter is the frame; it has none")
    rest = [each for each in found[1:] if each.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]
    for each in rest:
        if each.kind is Parameter.POSITIONAL_ONLY and each.default is Parameter.empty:
            raise CheckError(f"custom(): the function takes {each.name!r} by position only; drop the /")
    return {each.name: each.default is Parameter.empty for each in rest}


def _judge(
    function: Callable[..., Any], others: tuple[str, ...], frame: Any, frames: Mapping[str, Any]
) -> Finding | Wrong | CheckResult:
    given = {name: frames[name] for name in others if name in frames}
    try:
        signature(function).bind(frame, **given)
    except TypeError as error:
        lacking = [name for name in others if name not in frames]
        hint = "".join(f"; the step has no frame {each!r}{nearest(each, frames)}" for each in lacking[:1])
        raise CheckError(f"the function cannot be called: {error}{hint}") from None
    except ValueError:
        pass  # a builtin without a signature
    return _found(function(frame, **given), frame)


def _found(answer: Any, frame: Any) -> Finding | Wrong | CheckResult:
    """Return what a function's answer means for the frame that it was given.

    Raises:
        CheckError: The answer means nothing.
    """
    import narwhals

    if isinstance(answer, CheckResult):
        return answer
    seen = eager(frame, collect=False)
    rows = None if seen is None else len(seen)
    if type(answer) is bool or type(answer).__name__ in ("bool_", "bool"):
        return Finding(bool(answer), None, rows, "the function returns " + str(bool(answer)))
    if isinstance(answer, narwhals.Expr):
        answer = seen.select(passes=answer)["passes"]
    elif type(answer).__name__ == "Expr" and type(answer).__module__.startswith("polars"):
        answer = frame.select(answer.alias("passes"))["passes"]
    series = narwhals.from_native(answer, allow_series=True, pass_through=True)
    if isinstance(series, narwhals.Series):
        return _by_mask(series, seen)
    if isinstance(series, narwhals.DataFrame) or (isinstance(answer, list) and all(map(_is_dict, answer))):
        return _failing_frame(series if isinstance(series, narwhals.DataFrame) else answer, rows)
    hint = "; is a return missing?" if answer is None else ""
    raise CheckError(f"the function must return {_WANTED}, got {_shown(answer)}{hint}")


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) or value is None else f"a {type(value).__name__}"


def _by_mask(mask: Any, frame: Any) -> Wrong:
    import narwhals

    if mask.dtype == narwhals.Object or str(mask.dtype) == "Unknown":
        values = mask.to_list()
        if all(value is None or type(value).__name__ in ("bool", "bool_") for value in values):
            mask = mask_of(mask, [value is None or bool(value) for value in values])
    if mask.dtype != narwhals.Boolean:
        raise CheckError(f"the function must return {_WANTED}, got a column of {mask.dtype}")
    if len(mask) != len(frame):
        raise CheckError(
            f"the function returns {len(mask):,} booleans for {len(frame):,} rows; it must return one a row"
        )
    return wrong_rows(frame, ~mask.fill_null(True), "row for which the function is false", frame.columns)


def _failing_frame(answer: Any, rows: int | None) -> Finding:
    failed = len(answer)
    shown = answer[:EXAMPLES] if isinstance(answer, list) else answer.head(EXAMPLES).rows(named=True)
    message = f"the function returns {failed:,} failing row{'' if failed == 1 else 's'}"
    return Finding(not failed, failed, rows, message, [Row(row) for row in shown])
