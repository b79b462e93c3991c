"""`blame_run`: the answer for a run of a store, against the last good run before it."""

from __future__ import annotations

from pathlib import Path

from odibi_core.history.blame.answer import Blame
from odibi_core.history.blame.finding import blame
from odibi_core.history.comparison.stored import two_runs
from odibi_core.store.runs import RunStore


def blame_run(store: RunStore | str | Path, run: str | None = None, other: str | None = None) -> Blame | None:
    """Return where a run of a store begins to differ from another one; None if no step differs.

    Args:
        store: The store, or its folder.
        run: The run in question: an id, a part of one, or a pipeline for its latest run; by default the latest run.
        other: The run to compare it with; by default the last good run before it.

    Raises:
        RunNotFoundError: There is no such run, or no good run to compare with.
        ConfigurationError: The runs are of different pipelines, or are one run.
    """
    pair = two_runs(store, run, other)
    return blame(pair.before, pair.after, pair.noise, pair.sources)
