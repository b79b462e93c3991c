"""`trace_run`: the rows of a dataset of a run in a store, followed back and forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from odibi_core.events.sanitize import sanitize_field, sanitize_text
from odibi_core.history.comparison.stored import run_data
from odibi_core.runtime.resume.past_frames import frames_of_run
from odibi_core.runtime.tracing.answer import Trace
from odibi_core.runtime.tracing.walking import trace
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore

SHOWS: Final = "keys"
"""The value of ODIBI_ROWS__SHOW with which values of rows are shown."""
_LONGEST: Final = 60


def trace_run(
    store: RunStore | str | Path, run: str | None, dataset: str, where: str, *, rows: int = 3, replays: bool = False
) -> Trace:
    """Return where some rows of a dataset came from and where they went.

    Args:
        store: The store, or its folder.
        run: A run: an id, a part of one, or a pipeline for its latest run; None for the latest run.
        dataset: The dataset.
        where: A condition of SQL on its columns.
        rows: Rows of each dataset to return, if ODIBI_ROWS__SHOW is `keys`; their values are redacted.
        replays: Run steps again whose datasets were not kept.

    Raises:
        RunNotFoundError: There is no such run or dataset.
        StoreError: The dataset was not kept, or is gone.
        QueryError: The condition is none, or reads anything else.
    """
    kept = store if isinstance(store, RunStore) else RunStore(store)
    run_id = kept.find(run)
    settings = read_settings(store={"dir": str(kept.root)})
    frames = frames_of_run(kept, run_id, settings, replays=replays)
    found = trace(run_data(kept, run_id), frames.dataset, dataset, where, rows if settings.rows.show == SHOWS else 0)
    found = replace(found, where=sanitize_text(where))
    return replace(found, links=[replace(each, examples=tuple(map(shown, each.examples))) for each in found.links])


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it may be shown: each value redacted under the name of its column, and bounded."""
    return {str(name): sanitize_field(str(name), value, _LONGEST) for name, value in row.items()}
