"""`StepTask`: a step as a worker gets it."""

from __future__ import annotations

from typing import Any, NamedTuple

from odibi_core.pipeline import Step
from odibi_core.runtime.row_events import RowTask


class StepTask(NamedTuple):
    """A step as a worker gets it, the context of its run, and the level and the sample rows of descriptions."""

    step: Step
    engine: str
    wanted: bool
    run_id: str
    context: dict[str, Any]
    partition: str | None
    level: str
    rows: int
    joins: bool
    files: bool | None
    """`ask` of the file events; None to record no files."""
    shared: bool = False
    """True if the worker may serve other runs too."""
    lineage: bool = True
    """False if no column lineage is recorded."""
    rows_asked: RowTask | None = None
    """The rows of the step in the last good run, and what is asked about them; None if they are not compared."""
