"""The rule `sql`: a SELECT over the history returns rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import StoreFacts

Query = Annotated[
    str, Meta(min_length=1, max_length=20_000, description="it is one SELECT over the tables of the history")
]
_SELECT: Final = re.compile(r"(?:\s|--[^\n]*\n)*(?:(?:select|with|from|pivot|summarize)\b|\()", re.IGNORECASE)
_FIELD: Final = re.compile(r"\{(\w+)\}")
_MOST: Final = 1_000
"""Rows that are read; more are no alerts of their own."""


class SqlRule(Rule, frozen=True, kw_only=True):
    """A query of which each row is an alert; evaluated by `odibi alerts check`.

    The columns `pipeline_name`, `node_name`, `run_id`, `subject` and `value` have their meaning if the row has them.

    Args:
        query: One SELECT, as for `odibi sql`.
        message: The text of an alert; `{column}` stands for the value of a column of the row.
    """

    kind: ClassVar[str] = "sql"
    of_what: ClassVar[tuple[str, ...]] = ("store",)

    query: Query
    message: str = ""

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: a text that is no query."""
        if not _SELECT.match(self.query):
            yield f"`query` must be one SELECT, got {self.query[:40]!r}"

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each row of the answer."""
        seen: Counter[tuple[str, str | None, str]] = Counter()
        for row in facts.select(self.query, _MOST):
            name, node_name = str(row.get("pipeline_name") or ""), _text(row.get("node_name"))
            tags = facts.pipelines[name].tags if name in facts.pipelines else {}
            if "pipeline_name" in row and not self.applies_to(name, tags):
                continue
            run_id = _text(row.get("run_id"))
            subject = str(row["subject"]) if row.get("subject") is not None else run_id or ""
            seen[name, node_name, subject] += 1
            number = seen[name, node_name, subject]
            yield Firing(
                message=self._message(row), node_name=node_name, run_id=run_id, pipeline_name=name,
                subject=subject if number == 1 else f"{subject} {number}".strip(), value=_plain(row.get("value")),
            )  # fmt: skip

    def _message(self, row: Mapping[str, Any]) -> str:
        if self.message:
            return _FIELD.sub(lambda found: str(row.get(found[1], found[0])), self.message)
        return f"{self.name}: " + ", ".join(f"{name} = {value}" for name, value in list(row.items())[:10])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _plain(value: Any) -> str | float | None:
    return value if isinstance(value, str | int | float | None) else str(value)
