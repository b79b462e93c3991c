"""`RunTables`: the fold of one run's events into the rows of every table but `logs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.history.rows.beside import BESIDE, cost_units
from odibi_core.history.rows.cells import Row, row_of
from odibi_core.history.rows.failures import Failures
from odibi_core.history.rows.run import blame_columns, param_rows, run_row
from odibi_core.history.rows.steps import RunSteps
from odibi_core.history.schema import TABLES
from odibi_core.store.segments import ReadErrors
from odibi_core.views.costs import dollars
from odibi_core.views.runs import RunsView
from odibi_core.views.values import number

ROW_TABLES: Final = tuple(name for name in TABLES if name != "logs")


class RunTables:
    """The rows of one run: the run of the first event that has one.

    Events of another run are left out. Events without a run belong to the run whose record holds them, except those
    that report its start, its end and its steps.

    Args:
        read_errors: The lines that could not be read, once the last event was; None if this is not known.
    """

    def __init__(self, read_errors: ReadErrors | None = None) -> None:
        self._read_errors = read_errors
        self._runs = RunsView(limit=1)
        self._steps: RunSteps | None = None
        self._failures = Failures()
        self._beside: dict[str, dict[object, dict[str, Any]]] = {}
        self._events = 0
        self._peak: float | None = None
        self._cost: int | None = None
        self._blame: Event | None = None

    def __call__(self, event: Event) -> None:
        run_id = event.run_id if isinstance(event.run_id, str) else None
        if run_id is not None:
            if self._steps is None:
                self._steps = RunSteps(run_id)
            if run_id != self._steps.run_id:
                return
            self._runs(event)
            self._steps(event)
        self._events += 1
        memory = number(event.memory_mb)
        if memory is not None and (self._peak is None or memory > self._peak):
            self._peak = memory
        self._failures(event)
        if event.event_type == kinds.BLAME:
            self._blame = event
        if (entry := BESIDE.get(event.event_type)) is not None:
            self._keep(event, *entry)

    def _keep(self, event: Event, table: str, read: Callable[[Event], tuple[object, dict[str, Any]]]) -> None:
        rows = self._beside.setdefault(table, {})
        key, values = read(event)
        rows[len(rows) if key is None else key] = values
        if event.event_type == kinds.COST and (cost := cost_units(event)) is not None:
            self._cost = cost + (self._cost or 0)

    def answer(self) -> dict[str, list[Row]]:
        """Return the rows by table; no rows if no event had a run."""
        tables: dict[str, list[Row]] = {name: [] for name in ROW_TABLES}
        if self._steps is None:
            return tables
        (run,) = self._runs.answer()
        head = self._steps.head
        opening = head.opening.fields if head.opening else {}
        of_record = {
            "cost_usd": None if self._cost is None else dollars(self._cost),
            "peak_memory_mb": self._peak,
            "events": self._events,
            "unreadable": self._unreadable(),
            **blame_columns(self._blame),
        }
        about: dict[str, Any] = {"run_id": run.run_id, "pipeline_name": run.pipeline_name}
        row = run_row(run, opening, head.closing, of_record)
        tables["runs"] = [row_of("runs", row)]
        tables["params"] = param_rows(opening, {**about, "run_started": run.start})
        tables |= self._steps.rows({**about, "partition": row["partition"]})
        tables["errors"] = self._failures.rows(about)
        for name, rows in self._beside.items():
            tables[name] = [row_of(name, {**values, **about}) for values in rows.values()]
        return tables

    @property
    def is_closed(self) -> bool:
        """True if an event reported the end of the run."""
        return self._steps is not None and self._steps.head.closing is not None

    def _unreadable(self) -> int | None:
        found = self._read_errors
        return None if found is None else found.torn + found.unreadable


def tables_of(events: Iterable[Event], read_errors: ReadErrors | None = None) -> dict[str, list[Row]]:
    """Return the rows of one run by table.

    Args:
        events: The events of its record.
        read_errors: The counts that the reader of `events` adds to; None if lines that cannot be read are not counted.
    """
    fold = RunTables(read_errors)
    for event in events:
        fold(event)
    return fold.answer()


def as_dicts(table: str, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows of a table as dicts by column; a row of an older version has no values for later columns."""
    names = TABLES[table].names
    return [dict.fromkeys(names) | dict(zip(names, row, strict=False)) for row in rows]
