"""Checks of whole frames, and of references between frames."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

from odibi_core.checks.base import Check, Finding, Options, RowOptions, Wrong, frame_check, row_check
from odibi_core.checks.comparison import among
from odibi_core.checks.frames import eager, missing_in, named
from odibi_core.checks.labels import column_label, column_of
from odibi_core.checks.masks import failing, mask_of, textual, wrong_rows
from odibi_core.checks.planned import PlannedFrame
from odibi_core.errors import CheckError, NotCheckedError


def row_count(
    at_least: int | None = None,
    at_most: int | None = None,
    *,
    compare_to: str | None = None,
    ratio: float | tuple[float, float] = 1.0,
    **options: Unpack[Options],
) -> Check:
    """Check the number of rows. `row_count(1)`: not empty; `row_count(5, 5)`: exactly five.

    Args:
        at_least: The fewest rows.
        at_most: The most rows.
        compare_to: Another input or output of the step, or the key of a dataset of the run.
        ratio: The rows for each row of `compare_to`: a number, or the least and the greatest.
    """
    if at_least is None and at_most is None and compare_to is None:
        raise CheckError("row_count() needs at_least, at_most or both, or compare_to")
    for name, bound in (("at_least", at_least), ("at_most", at_most)):
        if bound is not None and (type(bound) is not int or bound < 0):
            raise CheckError(f"row_count(): {name} must be a whole number from 0, got {bound!r}")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise CheckError(f"row_count({at_least}, {at_most}) always fails: at_least must be at most at_most")
    if compare_to is not None and (not isinstance(compare_to, str) or not compare_to):
        raise CheckError(f"row_count(): compare_to must be the name of a dataset, got {compare_to!r}")
    if compare_to is None and ratio != 1.0:
        raise CheckError("row_count(): ratio needs compare_to, the dataset whose rows are counted")
    bounds = _ratio(ratio)
    if compare_to is None:
        judge = partial(_judge_row_count, at_least, at_most)
        return frame_check("row_count", judge, options)
    compared = partial(_judge_ratio, at_least, at_most, compare_to, bounds, bool(options.get("collect")))
    return frame_check("row_count", compared, options, needs=(compare_to,))


def _ratio(given: Any) -> tuple[float, float]:
    ends = given if isinstance(given, tuple | list) else (given, given)
    numbers = [each for each in ends if isinstance(each, int | float) and not isinstance(each, bool) and each >= 0]
    if len(ends) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
        raise CheckError(f"row_count(): ratio must be a number from 0, or two such as (0.9, 1.1), got {given!r}")
    return numbers[0], numbers[1]


def references(
    column: Hashable | Sequence[Hashable],
    target: str,
    columns: Sequence[Hashable] | None = None,
    **options: Unpack[RowOptions],
) -> Check:
    """Check that every value is in another frame's column, `target="planes.tailnum"`. Missing values pass.

    Args:
        column: The column; or a list of columns whose values together are looked up.
        target: "frame.column"; for a list of columns, the frame.
        columns: The columns of the frame, for a list of columns whose names differ there.
    """
    if isinstance(column, list | tuple):
        return _references_of_several(column, target, columns, options)
    column = column_label(column, "references")
    if columns is not None:
        raise CheckError(f"references({column!r}): columns is for a list of columns; write target='frame.column'")
    if not isinstance(target, str) or not target.strip(".").count("."):
        raise CheckError(f"references({column!r}): target must be 'frame.column', got {target!r}")
    judge = partial(_judge_references, column, target, bool(options.get("collect")))
    return row_check("references", judge, options, column=str(column))


def _references_of_several(given: Sequence[Any], target: Any, columns: Any, options: RowOptions) -> Check:
    own = tuple(column_label(each, "references") for each in given)
    other = own if columns is None else columns
    if not isinstance(target, str) or not target:
        raise CheckError(f"references({own!r}): target must be the name of a frame, got {target!r}")
    if not own or not isinstance(other, list | tuple) or len(other) != len(own):
        raise CheckError(
            f"references({list(own)!r}): columns must name one column of {target!r} for each, got {other!r}"
        )
    theirs = tuple(column_label(each, "references") for each in other)
    judge = partial(_judge_several, own, target, theirs, bool(options.get("collect")))
    return row_check("references", judge, options, column=", ".join(map(str, own)))


def _judge_row_count(at_least: int | None, at_most: int | None, frame: Any, frames: Mapping[str, Any]) -> Finding:
    return count_finding(at_least, at_most, len(frame))


def count_finding(at_least: int | None, at_most: int | None, rows: int) -> Finding:
    """Return the finding for a number of rows between two bounds."""
    low = at_least is None or rows >= at_least
    high = at_most is None or rows <= at_most
    bounds = []
    if at_least is not None:
        bounds.append(f"at least {at_least:,}")
    if at_most is not None:
        bounds.append(f"at most {at_most:,}")
    expected = f", expected {' and '.join(bounds)}" if bounds else ""
    return Finding(low and high, None, rows, f"{rows:,} rows{expected}")


def _judge_ratio(
    at_least: int | None,
    at_most: int | None,
    other: str,
    ratio: tuple[float, float],
    collect: bool,
    frame: Any,
    frames: Mapping[str, Any],
) -> Finding:
    found = count_finding(at_least, at_most, len(frame))
    compared = len(available(other, frames, collect))
    low, high = (end * compared for end in ratio)
    fits = low <= len(frame) <= high
    wanted = f"{ratio[0]:g}" if ratio[0] == ratio[1] else f"{ratio[0]:g} to {ratio[1]:g}"
    message = f"{found.message}; {other} has {compared:,}, expected {wanted} times as many"
    return found._replace(passed=bool(found.passed and fits), message=message)


def available(name: str, frames: Mapping[str, Any], collect: bool) -> Any:
    """Return another frame of the step or of the run.

    Raises:
        NotCheckedError: It is lazy, or the run does not have it now.
    """
    if name not in frames:
        raise NotCheckedError(
            f"the run does not have {name!r} now: it is not made yet, or it was released; make it an input of the step"
        )
    other = eager(frames[name], collect=collect)
    if other is None:
        raise NotCheckedError(f"{name!r} is lazy; collect=True runs it")
    return other


def _judge_references(
    label: Hashable, target: str, collect: bool, frame: Any, frames: Mapping[str, Any]
) -> Finding | Wrong:
    other_name, other_column = _split(target, frames)
    other = eager(named(frames, other_name), collect=collect)
    if other is None:
        why = f"{other_name!r} is lazy, so {label!r} cannot be looked up in it; collect=True runs it"
        raise NotCheckedError(why) if isinstance(frame, PlannedFrame) else CheckError(why)
    column = textual(column_of(frame, label))
    known = textual(column_of(other, other_column)).drop_nulls()
    values = (known if known.dtype.is_nested() else known.unique()).to_list()
    return failing(column, among(column, values), f"value of {label} missing from {target}")


def _judge_several(
    labels: tuple[Hashable, ...],
    target: str,
    others: tuple[Hashable, ...],
    collect: bool,
    frame: Any,
    frames: Mapping[str, Any],
) -> Wrong:
    if isinstance(frame, PlannedFrame):
        raise NotCheckedError("a reference by several columns cannot be counted while a lazy frame is executed")
    other = eager(named(frames, target), collect=collect)
    if other is None:
        raise CheckError(f"{target!r} is lazy, so rows cannot be looked up in it; collect=True runs it")
    columns = [textual(column_of(frame, label)) for label in labels]
    known = [textual(column_of(other, label)) for label in others]
    try:
        there = set(zip(*(column.to_list() for column in known), strict=True))
        rows = list(zip(*(column.to_list() for column in columns), strict=True))
        absent = [row not in there for row in rows]
    except TypeError as error:
        raise CheckError(f"{', '.join(map(str, labels))} cannot be looked up: {error}") from None
    mask = mask_of(columns[0], absent)
    for column in columns:
        mask = mask & ~missing_in(column)
    what = f"combination of {', '.join(map(str, labels))} missing from {target}"
    return wrong_rows(frame, mask, what, [column.name for column in columns])


def _split(target: str, frames: Mapping[str, Any]) -> tuple[str, str]:
    # Names of frames and of columns may have dots of their own: the frames that there are decide.
    dots = [i for i, letter in enumerate(target) if letter == "."]
    at = next((i for i in dots if target[:i] in frames), dots[0])
    return target[:at], target[at + 1 :]
