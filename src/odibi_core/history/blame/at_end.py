"""The answer of a run that ends, if something in it is unusual or failed."""

from __future__ import annotations

from odibi_core.errors import RunNotFoundError
from odibi_core.history.blame.answer import Blame
from odibi_core.history.blame.finding import blame
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.comparison.stored import StoredSources, last_good, noise_of
from odibi_core.history.figures import Tables
from odibi_core.history.index import Index


def blame_at_end(index: Index, tables: Tables) -> Blame | None:
    """Return where a run begins to differ from the last good one; None without such a run, or within the noise.

    On demand `blame_run` names the first difference within the noise, as possible.

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
    found = blame(before, after, noise, StoredSources(index.root))
    return None if found is None or found.certainty == "possible" else found
