"""Checks of each row: the rows that a condition chooses, the share that passes, and the failing rows as examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from odibi_core.checks.labels import key_of, text_labels
from odibi_core.errors import CheckError, nearest

if TYPE_CHECKING:
    from odibi_core.checks.base import Check, Finding, Wrong

LOOKED_AT = 1_000  # failing values from which different examples are taken


def valid_options(check: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a check of each row, validated.

    Raises:
        CheckError: `where` is no SQL condition, `mostly` no share, or `key` no columns.
    """
    where, mostly = options.get("where"), options.get("mostly", 1.0)
    if where is not None:
        from odibi_core.checks.sql_frames import valid_predicate

        valid_predicate(f"{check}(): where", where)
    if isinstance(mostly, bool) or not isinstance(mostly, int | float | Decimal | Fraction) or not 0 < mostly <= 1:
        raise CheckError(f"{check}(): mostly must be a share above 0 and at most 1, such as 0.99, got {mostly!r}")
    return {**options, "mostly": float(mostly), "key": text_labels(options.get("key"), f"{check}(): key")}


def chosen(frame: Any, where: str, frames: Mapping[str, Any]) -> tuple[Any, list[int]]:
    """Return the rows for which a condition is true, and their numbers in the frame."""
    from odibi_core.checks.sql_frames import rows_where

    rows = rows_where(frame, where, frames)
    return frame[rows], rows


def finding(check: Check, wrong: Wrong, frame: Any, rows: Sequence[int] | None) -> Finding:
    """Return the finding of failing rows: how many of how many, if enough pass, and examples.

    Args:
        check: The check.
        wrong: The failing rows, as a mask over `frame`.
        frame: The rows that were checked.
        rows: Their numbers in the whole frame if a condition chose them.
    """
    from odibi_core.checks.base import EXAMPLES, Finding

    mask, total = wrong.mask, len(frame)
    failed = int(mask.sum() or 0)
    message = counted(failed, wrong.what, total)
    if not failed:
        shown: Sequence[Any] = ()
    elif check.key:
        shown, missing = _keyed(frame, mask, check.key, wrong.columns)
        message += missing
    elif wrong.examples is not None:
        shown = wrong.examples()
    else:
        numbers = mask.arg_true().head(EXAMPLES).to_list()
        shown = numbers if rows is None else [rows[number] for number in numbers]
    passed, message = verdict(check, failed, total, message)
    return Finding(passed, failed, total, message, shown)


def verdict(check: Check, failed: int, total: int, message: str) -> tuple[bool, str]:
    """Return whether enough rows pass, and the message with the condition and the share that passes."""
    if check.where is not None:
        message += f" where {check.where}"
    if check.mostly == 1:
        return not failed, message
    needed = Fraction(repr(check.mostly))
    if not total:
        return True, f"{message}; there is no row, so no share of at least {percent(needed)} was computed"
    passed = total - failed >= needed * total
    return passed, f"{message}; {percent(Fraction(total - failed, total))} pass, at least {percent(needed)} must"


def percent(share: Fraction) -> str:
    """Return a share as a text such as `99.97 %`, cut and not rounded: only a whole is 100 %, only nothing is 0 %."""
    cut = (Decimal(share.numerator * 100) / Decimal(share.denominator)).quantize(Decimal("0.0001"), ROUND_FLOOR)
    if not cut and share:
        return "less than 0.0001 %"
    return f"{cut.normalize():f} %"


def counted(failed: int, what: str, total: int) -> str:
    """Return a message such as `3 missing values of tailnum in 1,000 rows`."""
    noun, joint, rest = what.partition(" " if what.startswith("row ") else " of ")
    return f"{failed:,} {noun}{'' if failed == 1 else 's'}{joint}{rest} in {total:,} row{'' if total == 1 else 's'}"


def _keyed(frame: Any, mask: Any, key: Sequence[str], columns: Sequence[str]) -> tuple[list[Any], str]:
    """Return failing rows as dicts of key and columns, and a notice if a column of the key is not there."""
    from odibi_core.checks.base import EXAMPLES, Row

    there = [label for label in key if key_of(label) in frame.columns]
    lacking = [label for label in key if label not in there]
    notice = "".join(f"; the key column {each!r} is not there{nearest(each, frame.columns)}" for each in lacking)
    shown = list(dict.fromkeys([*map(key_of, there), *columns]))
    failing = frame.select(*shown).filter(mask).head(EXAMPLES)
    return [Row(row) for row in failing.rows(named=True)], notice
