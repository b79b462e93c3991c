"""`History`: the tables of a store, in Python."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.errors import QueryError, StoreError
from odibi_core.history.answer import HistoryAnswer
from odibi_core.history.index import Index
from odibi_core.history.index.filters import ALL, RunFilter
from odibi_core.history.sql.collecting import collected, set_damage_aside
from odibi_core.history.sql.opening import opened
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore
from odibi_core.store.sql import answer_within
from odibi_core.store.sql_duckdb import TIMEOUT_S
from odibi_core.views.cards import Card, Carded, Section

_log = logging.getLogger("odibi_core")
_CHILD = "odibi_core.history.sql.child"


class History(Carded):
    """The history of a store: every run, as tables.

    >>> import odibi_core
    >>> history = odibi_core.history()
    >>> history.sql("select status, count(*) as n from runs group by all").rows
    []

    Args:
        store: The store, its folder, or the URL of a shared store; None for the one of the settings.
    """

    def __init__(self, store: RunStore | str | Path | None = None) -> None:
        self.store = store if isinstance(store, RunStore) else _opened(store)

    def _card(self) -> Card:
        """Return the place of the store and the ways to ask it; the store itself is not read."""
        ways = [
            "history.sql('select * from runs order by started desc limit 10')",
            "history.runs(limit=10)",
            "history.compare()",
        ]
        return Card(title=f"the history in {self.store.root}", sections=[Section(code="\n".join(ways))])

    def runs(self, wanted: RunFilter = ALL, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """Return rows of `runs` that pass a filter as dicts, the newest first, from the index.

        A warning in the log names each file that could not be read.
        """
        with Index(self.store.root) as index:
            index.refresh()
            found = index.runs(wanted, limit, offset)
            for problem in index.problems:
                _log.warning(problem)
            return found

    def sql(
        self, query: str, *, run: str | None = None, isolated: bool = False, timeout_s: float = TIMEOUT_S
    ) -> HistoryAnswer:
        """Return the answer of one SELECT over the tables of `odibi_core.history.schema`.

        Args:
            query: One SELECT.
            run: The only run that it sees: an id, a part of one, or the name of a pipeline for its latest run.
            isolated: Run the query in a process of its own, for queries from outside of the program. The operating
                system then limits its memory, CPU time and duration; otherwise one expensive value may take any amount
                of both.
            timeout_s: Seconds for the query. Listing and reading the runs that are not compacted is not counted.

        Raises:
            QueryError: It is not one SELECT, it names what is not there, or it needs too much time or memory.
            RunNotFoundError: `run` is no run.
            StoreError: The record could not be read.
        """
        chosen = None if run is None else self.store.find(run)
        try:
            return self._sql(query, chosen, isolated, timeout_s)
        except (QueryError, StoreError):
            if not set_damage_aside(self.store, query):
                raise
            return self._sql(query, chosen, isolated, timeout_s)

    def _sql(self, query: str, chosen: str | None, isolated: bool, timeout_s: float) -> HistoryAnswer:
        if isolated:
            from odibi_core.store.sql_process import LARGEST_ANSWER, Child

            with Child(_CHILD) as child:  # it loads its libraries while the files are listed
                cursor = child.ask(query, collected(self.store, query, chosen), timeout_s, LARGEST_ANSWER)
                return HistoryAnswer.of(cursor.answer())
        with opened(query, collected(self.store, query, chosen)) as record:
            return HistoryAnswer.of(answer_within(record, query, timeout_s))

    def compare(self, run: str | None = None, other: str | None = None, *, anyway: bool = False) -> Comparison:
        """Compare two runs: their differences, the most important first, with the probable cause.

        Args:
            run: The run in question, as `RunStore.find` takes it; by default the latest run.
            other: The run to compare it with; by default the last good run before it, of the same pipeline and
                parameters.
            anyway: Compare runs of different pipelines too.

        Raises:
            RunNotFoundError: There is no such run, or no good run to compare with.
            ConfigurationError: The runs are of different pipelines, or are one run.
        """
        from odibi_core.history.comparison import compare_runs

        return compare_runs(self.store, run, other, anyway=anyway)


def _opened(store: str | Path | None) -> RunStore:
    settings = read_settings(store={"dir": store})
    if settings.store.url and (store is None or "://" in str(store)):
        from odibi_core.history.remote.opening import open_copy

        return open_copy(settings, _log.warning)
    return RunStore(settings.root)


if TYPE_CHECKING:
    from odibi_core.history.comparison import Comparison

    def history(store: RunStore | str | Path | None = None) -> History:
        """Return the history of a store."""
else:
    # The package is callable: `odibi_core` loads the name from here, and must get the package itself.
    history = sys.modules[__package__]
