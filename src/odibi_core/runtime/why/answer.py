"""The answer of `why`: a sentence, the steps with their rows and rules, the way of one row, and what is missing."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, to_builtins

from odibi_core.history.blame import Blame
from odibi_core.runtime.tracing.answer import Link
from odibi_core.views.cards import Card, Carded
from odibi_core.views.row_changes import RowChange

Since = Literal["as before", "new", "unknown"]
"""`as before`: the other run had the same rules, and the same shares of rows. `new`: it had not."""


class StepRows(Struct, frozen=True, omit_defaults=True):
    """The rows of one dataset that a step made.

    Args:
        step: The step.
        dataset: The dataset.
        change: How its rows follow from those of the inputs.
        since: The same in the other run.
        basis: record, or explained if the answer was computed from the frames now.
        reason: The reason if the rows could not be explained.
    """

    step: str
    dataset: str
    change: RowChange
    since: Since = "unknown"
    basis: Literal["record", "explained"] = "record"
    reason: str = ""


class Conjunct(Struct, frozen=True):
    """One condition of the `WHERE` of a SQL step: the rows that fail it, and those that fail no other one."""

    text: str
    fails: int
    only: int


class Why(Carded, Struct, frozen=True, kw_only=True):
    """The answer about a run or one step of it.

    `steps` are those that changed rows or are unusual, or the one that was asked for. `unchanged` counts the others,
    and `unknown` names those whose rows could not be compared. `way` is that of one row that the step lost, doubled or
    did not match. `missing` has a sentence for each part of the answer that is not available.
    """

    run_id: str
    pipeline_name: str | None
    status: str | None
    sentence: str
    step: str | None = None
    blame: Blame | None = None
    compared_with: str | None = None
    steps: list[StepRows] = []
    unchanged: int = 0
    unknown: list[str] = []
    conjuncts: list[Conjunct] = []
    way: list[Link] = []
    way_of: str = ""
    examples: list[dict[str, Any]] = []
    differences: list[str] = []
    missing: list[str] = []

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        plain: dict[str, Any] = to_builtins(self)
        return plain

    def _card(self) -> Card:
        from odibi_core.runtime.why.card import card

        return card(self)

    def __str__(self) -> str:
        from odibi_core.runtime.why.lines import lines

        return "\n".join(lines(self))
