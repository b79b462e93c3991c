"""Checks of whole frames, and of references between frames."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

from odibi_core.checks.base import Check, Finding, eager, named
from odibi_core.checks.columns import failing, textual
from odibi_core.checks.comparison import not_among
from odibi_core.checks.labels import column_label, column_of
from odibi_core.errors import CheckError


def row_count(
    at_least: int | None = None,
    at_most: int | None = None,
    *,
    severity: str = "error",
    on: str | None = None,
    collect: bool = False,
) -> Check:
    """Check the number of rows. `row_count(1)`: not empty; `row_count(5, 5)`: exactly five."""
    if at_least is None and at_most is None:
        raise CheckError("row_count() needs at_least, at_most or both")
    for name, bound in (("at_least", at_least), ("at_most", at_most)):
        if bound is not None and (type(bound) is not int or bound < 0):
            raise CheckError(f"row_count(): {name} must be a whole number from 0, got {bound!r}")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise CheckError(f"row_count({at_least}, {at_most}) always fails: at_least must be at most at_most")
    judge = partial(_judge_row_count, at_least, at_most)
    return Check(name="row_count", judge=judge, severity=severity, on=on, collect=collect)


def references(
    column: Hashable, target: str, *, severity: str = "error", on: str | None = None, collect: bool = False
) -> Check:
    """Check that every value is in another frame's column, `target="planes.tailnum"`. Missing values pass."""
    column = column_label(column, "references")
    if not isinstance(target, str) or not target.strip(".").count("."):
        raise CheckError(f"references({column!r}): target must be 'frame.column', got {target!r}")
    judge = partial(_judge_references, column, target, collect)
    return Check(name="references", column=str(column), judge=judge, severity=severity, on=on, collect=collect)


def _judge_row_count(at_least: int | None, at_most: int | None, frame: Any, frames: Mapping[str, Any]) -> Finding:
    rows = len(frame)
    low = at_least is None or rows >= at_least
    high = at_most is None or rows <= at_most
    bounds = []
    if at_least is not None:
        bounds.append(f"at least {at_least:,}")
    if at_most is not None:
        bounds.append(f"at most {at_most:,}")
    return Finding(low and high, None, rows, f"{rows:,} rows, expected {' and '.join(bounds)}")


def _judge_references(label: Hashable, target: str, collect: bool, frame: Any, frames: Mapping[str, Any]) -> Finding:
    other_name, other_column = _split(target, frames)
    other = eager(named(frames, other_name), collect=collect)
    if other is None:
        raise CheckError(f"{other_name!r} is lazy, so {label!r} cannot be looked up in it; collect=True runs it")
    column = textual(column_of(frame, label))
    known = textual(column_of(other, other_column)).drop_nulls()
    values = (known if known.dtype.is_nested() else known.unique()).to_list()
    return failing(column, not_among(column, values), f"value of {label} missing from {target}")


def _split(target: str, frames: Mapping[str, Any]) -> tuple[str, str]:
    # Names of frames and of columns may have dots of their own: the frames that there are decide.
    dots = [i for i, letter in enumerate(target) if letter == "."]
    at = next((i for i in dots if target[:i] in frames), dots[0])
    return target[:at], target[at + 1 :]
