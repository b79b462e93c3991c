"""How the rows of a frame follow from those of the inputs of its step: the answer, read from `row_change` events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from odibi_core.views.cards import Card, Carded
from odibi_core.views.values import count, flag, number, record, records, text, texts

MAX_CAUSES: Final = 20
MAX_STAGES: Final = 200


class _Part(Struct, frozen=True, omit_defaults=True, gc=False):
    """A part of the answer."""


class RowCause(_Part, frozen=True):
    """The reason for some of the rows that a step lost, gained or left unmatched (`side`).

    `rows` of the `of` rows of that side; `wrong` rows pass the rule and are not of that side. `level` is exact,
    replayed, part, no_rule or unknown. `is_new` is True if the last good run had no such cause, None if unknown.
    """

    side: str | None
    rows: int | None
    of: int | None
    text: str
    level: str
    same_rows_as: list[str] = []
    wrong: int = 0
    examples: list[int] = []
    """Row numbers of the main input."""
    keys: list[dict[str, Any]] = []
    rule: dict[str, Any] | None = None
    is_new: bool | None = None

    @property
    def share(self) -> float | None:
        """The share of the rows of its side."""
        return self.rows / self.of if self.of and self.rows is not None else None


class UsualRows(_Part, frozen=True):
    """The rows of the same frame in the last good run; `confirmed` states if its rule was tried on those of today."""

    run_id: str | None
    kind: str = "unknown"
    rule: str | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    unmatched: dict[str, int] = {}


class RowChange(Carded, _Part, frozen=True):
    """The rows of one frame of a step; None is unknown, for the reason in `reason`.

    `lost` and `unmatched` (by the name of the other input) are rows of the main input, `gained` are rows beyond one for
    each of them. `asked` is the reason for an explanation: first, unusual, unconfirmed, changed or all; off without
    one.
    """

    dataset: str | None
    kind: str
    main: str | None
    main_dataset: str | None
    rows_in: int | None
    rows_out: int | None
    lost: int | None
    gained: int | None
    unmatched: dict[str, int]
    causes: list[RowCause] = []
    how: str | None = None
    reason: str | None = None
    asked: str = "off"
    unusual: bool | None = None
    """None if there is no good run to compare with."""
    usual: UsualRows | None = None
    stages: list[dict[str, Any]] = []
    units: int | None = None
    explain_ms: float | None = None
    stages_reason: str | None = None
    confirmed: bool | None = None
    """True if the rule of the last good run selects the lost rows of today, False if not; None if it was not tried."""

    def _card(self) -> Card:
        from odibi_core.views.cards.frames import rows_card

        return rows_card(self)

    @property
    def main_cause(self) -> RowCause | None:
        """The cause of most rows; None if none was looked for or found."""
        return self.causes[0] if self.causes else None


def kept_share(rows_in: int | None, rows_out: int | None) -> float | None:
    """Return the rows of an output for each row of the input; None if one is unknown, or the input has none."""
    return rows_out / rows_in if rows_in and rows_out is not None else None


def row_change(fields: Mapping[str, Any]) -> RowChange:
    """Return the answer that the fields of a `row_change` event hold."""
    usual = record(fields.get("usual"))
    return RowChange(
        dataset=text(fields.get("dataset")),
        kind=text(fields.get("kind")) or "unknown",
        main=text(fields.get("main")) or None,
        main_dataset=text(fields.get("main_dataset")),
        rows_in=count(fields.get("rows_in")),
        rows_out=count(fields.get("rows_out")),
        lost=count(fields.get("lost")),
        gained=count(fields.get("gained")),
        unmatched=_counts(fields.get("unmatched")),
        causes=[_cause(each) for each in records(fields.get("causes"))[:MAX_CAUSES]],
        how=text(fields.get("how")) or None,
        reason=text(fields.get("reason")) or None,
        asked=text(fields.get("asked")) or "off",
        unusual=flag(fields.get("unusual")),
        usual=_usual(usual) if usual else None,
        stages=records(fields.get("stages"))[:MAX_STAGES],
        units=count(fields.get("units")),
        explain_ms=number(fields.get("explain_ms")),
        stages_reason=text(fields.get("stages_reason")) or None,
        confirmed=flag(fields.get("confirmed")),
    )


def _usual(fields: dict[str, Any]) -> UsualRows:
    return UsualRows(
        run_id=text(fields.get("run_id")),
        kind=text(fields.get("kind")) or "unknown",
        rule=text(fields.get("rule")) or None,
        rows_in=count(fields.get("rows_in")),
        rows_out=count(fields.get("rows_out")),
        unmatched=_counts(fields.get("unmatched")),
    )


def _cause(fields: dict[str, Any]) -> RowCause:
    examples = fields.get("examples")
    return RowCause(
        side=text(fields.get("side")),
        rows=count(fields.get("rows")),
        of=count(fields.get("of")),
        text=text(fields.get("text")) or "",
        level=text(fields.get("level")) or "unknown",
        same_rows_as=texts(fields.get("same_rows_as")),
        wrong=count(fields.get("wrong")) or 0,
        examples=[each for each in examples if count(each) is not None] if isinstance(examples, list) else [],
        keys=records(fields.get("keys")),
        rule=record(fields.get("rule")) or None,
        is_new=flag(fields.get("is_new")),
    )


def _counts(value: object) -> dict[str, int]:
    return {name: rows for name, given in record(value).items() if (rows := count(given)) is not None}
