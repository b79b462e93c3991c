"""The rows of a step in the last good run, and the decision whether those of today are unusual."""

from __future__ import annotations

from math import sqrt
from typing import Any, Final

import msgspec
from msgspec import Struct

from odibi_core.errors import STOPS
from odibi_core.insight.base import Cause, RowChange, Rule
from odibi_core.views import row_operators

POINTS: Final = 0.02
"""The difference of two shares above which one is unusual."""
_DEVIATIONS: Final = 3.0
"""Standard deviations of a share of few rows above which it is unusual."""


class Usual(Struct, frozen=True, omit_defaults=True):
    """The row change of a dataset in the last good run, as its event has it: constants may be hidden or absent.

    `causes` are those of the event, as dicts.
    """

    run_id: str
    kind: str = "unknown"
    main: str = ""
    rows_in: int | None = None
    rows_out: int | None = None
    lost: int | None = None
    gained: int | None = None
    unmatched: dict[str, int] = {}
    causes: tuple[dict[str, Any], ...] = ()
    stages: tuple[dict[str, Any], ...] = ()
    """Those of a plan of which the rows of the inputs are unknown."""
    is_unconfirmed: bool = False
    """True if its rules could not be confirmed, and an explanation found nothing unusual: they are not tried again."""

    def facts(self) -> dict[str, Any]:
        """Return the facts that the event of today has beside its own."""
        found = {name: getattr(self, name) for name in ("run_id", "kind", "rows_in", "rows_out", "unmatched")}
        rule = next((each.get("text") for each in self.causes), None)
        return {**found, "rule": rule} if rule else found

    def change(self) -> RowChange | None:
        """Return the row change with the causes whose rules are known whole; None if there is no such cause."""
        causes = tuple(cause for each in self.causes if (cause := _cause(each)) is not None)
        if not causes:
            return None
        return RowChange(
            kind=self.kind, main=self.main, rows_in=self.rows_in, rows_out=self.rows_out, lost=self.lost,
            gained=self.gained, unmatched=self.unmatched, causes=causes,
        )  # fmt: skip


def _cause(fields: dict[str, Any]) -> Cause | None:
    try:
        return Cause(
            side=fields["side"], rows=fields["rows"], of=fields["of"], text=fields.get("text", ""),
            level=fields.get("level", "unknown"), rule=msgspec.convert(fields["rule"], Rule),
        )  # fmt: skip
    except STOPS:
        raise
    except Exception:  # hidden, or of another version
        return None


def is_unusual(change: RowChange, usual: Usual) -> bool:
    """Return whether a share of today differs by more than two points, and by more than few rows vary by chance.

    Of a plan of which the rows of the inputs are unknown, the share is that of a filter or a join in it.
    """
    if change.rows_in is None and change.stages:
        both = row_operators.pairs(change.stages, usual.stages)
        return any(_differs(now.after, now.before, before.after, before.before) for now, before in both)
    pairs = [(change.rows_out, usual.rows_out)]
    if change.main == usual.main:
        # Rows that an inner join lost are unmatched only in an explanation; a quick look counts them as rows out.
        names = {*change.unmatched, *(() if usual.lost else usual.unmatched)}
        pairs += [(change.unmatched.get(name, 0), usual.unmatched.get(name, 0)) for name in names]
    return any(_differs(now, change.rows_in, before, usual.rows_in) for now, before in pairs)


def _differs(now: int | None, now_of: int | None, before: int | None, before_of: int | None) -> bool:
    if now is None or before is None or now_of is None or before_of is None:
        return False
    if not now_of or not before_of:
        return bool(now_of) != bool(before_of)  # a frame without rows, and one with rows
    share, usual = now / now_of, before / before_of
    if max(share, usual) > 1:  # of rows that were multiplied, the factor counts
        return abs(share - usual) > POINTS * max(1.0, usual)
    expected = (before + 1) / (before_of + 2)
    by_chance = sqrt(expected * (1 - expected) * (1 / now_of + 1 / before_of))
    return abs(share - usual) > max(POINTS, _DEVIATIONS * by_chance)


def are_new(change: RowChange, usual: Usual | None) -> tuple[bool | None, ...]:
    """Return for each cause whether the last good run had none of the same side and text; None if that is unknown."""
    if usual is None:
        return (None,) * len(change.causes)
    known = {(each.get("side"), each.get("text")) for each in usual.causes}
    none = {
        "lost": usual.lost == 0,
        "gained": usual.gained == 0,
        "unmatched": usual.rows_in is not None and not usual.unmatched,
    }
    return tuple(_is_new(cause, known, had_none=none[cause.side]) for cause in change.causes)


def _is_new(cause: Cause, known: set[tuple[Any, Any]], *, had_none: bool) -> bool | None:
    if had_none:
        return True
    if not known or not cause.text:
        return None
    return (cause.side, cause.text) not in known
