"""`RunData`: the rows of one run, by step and dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from odibi_core.history.rows import as_dicts
from odibi_core.history.schema import TABLES

Rows = list[dict[str, Any]]
FrameKey = tuple[str, str]
"""A step and the key of a dataset that it made."""


class RunData:
    """One run as its rows in the tables of `odibi_core.history.schema`."""

    def __init__(self, tables: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        self.tables: dict[str, Rows] = {name: as_dicts(name, rows) for name, rows in tables.items() if name in TABLES}

    def rows(self, table: str) -> Rows:
        """Return the rows of a table."""
        return self.tables.get(table, [])

    @cached_property
    def run(self) -> dict[str, Any]:
        """The row of the run; empty for a run without a start."""
        return next(iter(self.rows("runs")), {})

    def field(self, name: str) -> dict[str, Any]:
        """Return an object of the run, such as `params`; empty if it has none."""
        return object_of(self.run.get(name))

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """The steps by name, in the order of the plan."""
        return {row["node_name"]: row for row in self.rows("nodes")}

    @cached_property
    def frames(self) -> dict[FrameKey, dict[str, Any]]:
        """The frames that steps made."""
        return {_frame(row): row for row in self.rows("snapshots") if row["side"] == "after"}

    @cached_property
    def columns(self) -> dict[FrameKey, dict[str, dict[str, Any]]]:
        """The columns of these frames by name."""
        found: dict[FrameKey, dict[str, dict[str, Any]]] = {}
        for row in self.rows("columns"):
            if row["side"] == "after":
                found.setdefault(_frame(row), {})[row["column_name"]] = row
        return found

    @cached_property
    def depends_on(self) -> dict[str, list[str]]:
        """The steps that each step needs."""
        found = {name: list(list_of(node["depends_on"])) for name, node in self.nodes.items()}
        for edge in self.rows("edges"):
            if edge["source"] not in found.setdefault(edge["target"], []):
                found[edge["target"]].append(edge["source"])
        return found

    def ancestors(self, node: str) -> set[str]:
        """Return every step upstream of a step."""
        found: set[str] = set()
        waiting = list(self.depends_on.get(node, ()))
        while waiting:
            step = waiting.pop()
            if step not in found:
                found.add(step)
                waiting += self.depends_on.get(step, ())
        return found


def _frame(row: dict[str, Any]) -> FrameKey:
    return str(row["node_name"]), str(row["dataset"] or "")


def object_of(value: Any) -> dict[str, Any]:
    """Return an object that a column of type json has; an empty one for anything else."""
    found = _json(value)
    return found if isinstance(found, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return a list that a column of type json has; an empty one for anything else."""
    found = _json(value)
    return found if isinstance(found, list) else []


def _json(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None
