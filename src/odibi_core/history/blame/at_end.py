"""The answer of a run that ends, if something in it is unusual or failed."""

from __future__ import annotations

from odibi_core.errors import RunNotFoundError
from odibi_core.history.blame.answer import Blame
from odibi_core.history.blame.finding import blame
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.comparison.stored import StoredSources, last_good, noise_of
from odibi_core.history.figures import RunFigures, Tables
from odibi_core.history.index import Index
from odibi_core.history.rows import as_dicts


def is_suspicious(status: str, tables: Tables, current: RunFigures, last: RunFigures | None) -> bool:
    """Return whether a run is worth a comparison with the last good one, by facts that are at hand.

    It failed, a step lost, doubled or did not match another share of rows, or a frame has other columns.

    Args:
        status: The status with which it ends.
        tables: Its rows.
        current: Its figures.
        last: Those of the last good run; None without one.
    """
    if last is None:
        return False
    if status == "failed" or any(row["unusual"] for row in as_dicts("row_changes", tables.get("row_changes", ()))):
        return True
    was = last.figures.get("steps", {})
    return any(
        frame["schema"] != was.get(name, {}).get("frames", {}).get(dataset, frame)["schema"]
        for name, step in current.figures["steps"].items()
        for dataset, frame in step.get("frames", {}).items()
    )


def blame_at_end(index: Index, tables: Tables) -> Blame | None:
    """Return where a run begins to differ from the last good one; None without such a run, or if no step differs.

    Args:
        index: The index of its store.
        tables: The rows of the run.
    """
    after = RunData(tables)
    noise = noise_of(index, after)
    try:
        before = last_good(index, after, noise, [])
    except RunNotFoundError:
        return None
    return blame(before, after, noise, StoredSources(index.root))
