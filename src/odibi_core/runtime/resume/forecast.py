"""The rows and the duration to expect of each step, by the last runs of the pipeline in which it succeeded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.history.index import Index

if TYPE_CHECKING:
    from odibi_core.runtime.orchestrator import Orchestrator

LAST: Final = 10
"""Runs that the range is of."""


class Forecast(msgspec.Struct, frozen=True):
    """The smallest and the largest value of the last runs; None if none of them has one."""

    runs: int
    rows: tuple[int, int] | None = None
    duration_ms: tuple[float, float] | None = None

    def fields(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "rows": None if self.rows is None else list(self.rows),
            "duration_ms": None if self.duration_ms is None else [round(each, 3) for each in self.duration_ms],
        }


def forecast(run: Orchestrator) -> dict[str, Forecast]:
    """Return what to expect of each step; steps that never succeeded are left out."""
    if run.store is None or not run.store.root.is_dir():
        return {}
    with Index(run.store.root) as index:
        index.refresh()
        rows = index.nodes(run.pipeline_name, last=LAST)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["status"] == "success" and not row["taken_from"]:
            found.setdefault(row["node_name"], []).append(row)
    return {
        name: Forecast(
            len(of_step), _range(row["rows_out"] for row in of_step), _range(row["duration_ms"] for row in of_step)
        )
        for name, of_step in found.items()
    }


def _range(values: Iterable[Any]) -> tuple[Any, Any] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None
