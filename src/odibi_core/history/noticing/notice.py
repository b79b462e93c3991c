"""The findings of a run that ends, from the tables of the run and the figures of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from odibi_core.history.figures import RunFigures, Tables, run_figures
from odibi_core.history.noticing.judge import MOST_RUNS, Judgement, comparable, judge
from odibi_core.history.noticing.notes import Notes

_FEW: Final = 15
_MANY: Final = 5 * MOST_RUNS
"""Runs that are read if fewer than `_FEW` of the last are comparable: the others failed or had other parameters."""


class FiguresOfRuns(Protocol):
    """The part of the index that noticing reads."""

    root: Any

    def figures(self, pipeline_name: str, before: datetime | None = None, last: int = 60) -> list[RunFigures]:
        """Return the figures of the last runs of a pipeline, the oldest first."""
        ...


def judge_run(index: FiguresOfRuns, current: RunFigures) -> list[dict[str, Any]] | None:
    """Return the fields of an `anomaly` event for each finding of a run; None if the run was not judged.

    A finding that `odibi mute` covers has the field `muted`.
    """
    found = judge(current, earlier_runs(index, current))
    if found.is_learning:
        return None
    notes = Notes.read(index.root) if found.findings else Notes()
    name, at = current.pipeline_name, current.started
    return [
        each.fields() | ({"muted": True} if notes.is_muted(name, each.node_name, each.family, at) else {})
        for each in found.findings
    ]


def earlier_runs(index: FiguresOfRuns, current: RunFigures) -> list[RunFigures]:
    """Return the figures of the last runs before a run, of more of them if few are comparable."""
    found = index.figures(current.pipeline_name, current.started, MOST_RUNS)
    if len(found) == MOST_RUNS and len(comparable(current, found)) < _FEW:
        return index.figures(current.pipeline_name, current.started, _MANY)
    return found


def notice(tables: Tables, earlier: Sequence[RunFigures]) -> Judgement:
    """Judge a run by its tables and the figures of earlier runs of its pipeline."""
    current = run_figures(tables)
    return Judgement([], 0, 0) if current is None else judge(current, earlier)
