"""`trace`: the rows of a dataset followed back to their sources, and forward to what was made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from odibi_core.engines.duckdb_tables import Tables
from odibi_core.engines.sql_inputs import quoted
from odibi_core.errors import EngineError, RunNotFoundError, StoreError, nearest
from odibi_core.history.comparison.run_data import RunData, list_of, object_of
from odibi_core.runtime.tracing.answer import Direction, Level, Link, Trace
from odibi_core.runtime.tracing.matching import Relation, condition, relation, with_keys

Load = Callable[[str], Any]
"""Returns the frame of a dataset; raises StoreError or EngineError with the reason if there is none."""
_START: Final = "rows in question"
_MOST_ROWS: Final = 100_000
"""Rows that are followed at once."""


def trace(run: RunData, load: Load, dataset: str, where: str, examples: int = 3) -> Trace:
    """Return where some rows of a dataset came from and where they went.

    Args:
        run: The rows of the run.
        load: Returns the frame of a dataset.
        dataset: The dataset.
        where: A condition of SQL on its columns.
        examples: Rows of each dataset to return.

    Raises:
        RunNotFoundError: The run has no such dataset.
        StoreError: The dataset was not kept, or is gone.
        QueryError: The condition is none.
    """
    with Tables() as tables:
        walk = _Walk(run, load, tables, examples)
        return walk.trace(walk.start(dataset, where), where)


def trace_row(run: RunData, load: Load, dataset: str, number: int, examples: int = 0) -> Trace:
    """Return where one row of a dataset, by its number from 0, came from and where it went.

    Raises:
        StoreError: The dataset was not kept, or is gone.
        EngineError: It cannot be a table.
    """
    with Tables() as tables:
        walk = _Walk(run, load, tables, examples)
        return walk.trace(walk.start_at(dataset, number), f"row {number:,}")


class _Walk:
    """The datasets of a run, and the rows of each that were found."""

    def __init__(self, run: RunData, load: Load, tables: Tables, examples: int) -> None:
        self._run, self._load, self._tables, self._examples = run, load, tables, examples
        self._made: dict[str, str] = {}
        self._takers: dict[str, list[str]] = {}
        for name, node in run.nodes.items():
            self._made |= dict.fromkeys(map(str, object_of(node["outputs"]).values()), name)
            for key in dict.fromkeys(map(str, object_of(node["inputs"]).values())):
                self._takers.setdefault(key, []).append(name)
        self._reasons: dict[str, str] = {}
        self._relations: dict[tuple[str, str], Relation] = {}
        self._seen: set[tuple[str, str]] = set()
        self._number = 0

    def start(self, dataset: str, where: str) -> Link:
        """Choose the rows of the dataset."""
        known = self._made.keys() | self._takers.keys()
        if dataset not in known:
            raise RunNotFoundError(f"the run has no dataset {dataset!r}{nearest(dataset, known)}")
        if reason := self._missing(dataset):
            raise StoreError(f"the rows of {dataset!r} cannot be chosen: {reason}")
        rows = self._tables.chosen(_START, dataset, where)
        return self._link(dataset, "start", _START, rows, Relation([], True, False), "exact")

    def start_at(self, dataset: str, number: int) -> Link:
        """Choose one row of the dataset."""
        if reason := self._missing(dataset):
            raise StoreError(reason)
        rows = self._tables.keep_row(_START, dataset, number)
        return self._link(dataset, "start", _START, rows, Relation([], True, False), "exact")

    def trace(self, found: Link, where: str) -> Trace:
        """Return the way of the chosen rows, back and forward."""
        dataset, run_id = found.dataset, str(self._run.run.get("run_id"))
        links = [*reversed(list(self.back(dataset, _START))), found, *self.forward(dataset, _START)]
        return Trace(run_id=run_id, dataset=dataset, where=where, rows=found.rows or 0, links=links)

    def back(self, dataset: str, chosen: str) -> Iterator[Link]:
        """Yield the links to the datasets that the rows came from, the nearest first."""
        step = self._made.get(dataset)
        if step is None:
            return
        for taken in dict.fromkeys(map(str, object_of(self._run.nodes[step]["inputs"]).values())):
            if ("back", taken) in self._seen or not self._is_frame(taken):
                continue
            self._seen.add(("back", taken))
            link, found = self._one(step, taken, dataset, chosen, "back")
            yield link
            if found is not None and link.rows:
                yield from self.back(taken, found)

    def forward(self, dataset: str, chosen: str) -> Iterator[Link]:
        """Yield the links to the datasets that the rows went into."""
        for step in self._takers.get(dataset, ()):
            for made in map(str, object_of(self._run.nodes[step]["outputs"]).values()):
                if ("forward", made) in self._seen or not self._is_frame(made):
                    continue
                self._seen.add(("forward", made))
                link, found = self._one(step, dataset, made, chosen, "forward")
                yield link
                if found is not None and link.rows:
                    yield from self.forward(made, found)

    def _is_frame(self, dataset: str) -> bool:
        """Return whether a dataset is a frame of a step, or an input of the run, which is not described."""
        step = self._made.get(dataset)
        return step is None or any(key == (step, dataset) for key in self._run.frames)

    def _one(self, step: str, taken: str, made: str, chosen: str, way: Direction) -> tuple[Link, str | None]:
        other, near = (taken, made) if way == "back" else (made, taken)
        try:
            found = self._followed(step, taken, made, chosen)
            self._number += 1
            name = f"found {self._number}"
            where = condition(found.pairs, "a", "b", back=way == "back")
            rows = self._tables.keep(
                name, f"select b.* from {quoted(other)} b where exists (select 1 from {quoted(chosen)} a where {where})"
            )
        except EngineError as error:
            return Link(other, self._made.get(other), way, "unknown", next=near, reason=str(error)), None
        level, reason = self._level(step, taken, chosen, found, rows, way)
        return self._link(other, way, name, rows, found, level, next=near, reason=reason), name

    def _followed(self, step: str, taken: str, made: str, chosen: str) -> Relation:
        """Return the relation by which rows are followed.

        Raises:
            EngineError: They cannot be followed.
        """
        if reason := self._missing(taken) or self._missing(made):
            raise EngineError(reason)
        if self._tables.rows(chosen) > _MOST_ROWS:
            raise EngineError(f"more than {_MOST_ROWS:,} rows are not followed")
        found = self._relation(step, taken, made)
        if not found.pairs:
            raise EngineError(f"no column of {taken} passes through {step} unchanged")
        return found

    def _relation(self, step: str, taken: str, made: str) -> Relation:
        if (taken, made) not in self._relations:
            ours, theirs = self._tables.types(taken), self._tables.types(made)
            pairs = [(name, name) for name in ours if name in theirs]
            pairs += [(old, new) for old, new in self._renamed(step, taken) if old in ours and new in theirs]
            found = relation(self._tables, taken, made, pairs)
            self._relations[taken, made] = self._with_keys(found, step, taken, made)
        return self._relations[taken, made]

    def _with_keys(self, found: Relation, step: str, taken: str, made: str) -> Relation:
        """Return a relation with the keys of a join, which an outer join has from its other input as well."""
        ours, theirs = self._tables.types(taken), self._tables.types(made)
        for edge in self._edges(step, taken):
            keys = [(str(name), str(name)) for name in list_of(edge["join_keys"])]
            if keys and not set(keys) <= set(found.pairs) and all(a in ours and a in theirs for a, _ in keys):
                return with_keys(self._tables, taken, found, keys)
        return found

    def _renamed(self, step: str, taken: str) -> Iterator[tuple[str, str]]:
        """Yield the columns of a dataset that have another name in the output of a step, by the recorded lineage."""
        for edge in self._edges(step, taken):
            for new, sources in object_of(edge["column_sources"]).items():
                names = list_of(sources)
                if len(names) == 1 and names[0] != new:
                    yield str(names[0]), new

    def _edges(self, step: str, taken: str) -> list[dict[str, Any]]:
        return [edge for edge in self._run.rows("edges") if (edge["target"], edge["dataset"]) == (step, taken)]

    def _level(
        self, step: str, taken: str, chosen: str, found: Relation, rows: int, way: Direction
    ) -> tuple[Level, str]:
        """Return how far a link is proved, and why no further; or why no rows were found."""
        by = ", ".join(pair[0] for pair in found.pairs[:4])
        if found.groups:
            return "exact", "" if way == "forward" else f"all rows of the same {by}"
        if way == "forward" and not rows:
            reason = f"lost in {step}{self._rule(step, taken)}"
            return ("exact" if found.is_key else "likely"), reason
        if found.is_key or (way == "forward" and self._are_alone(taken, chosen, found)):
            return "exact", ""
        return "likely", f"{taken} has other rows with the same {by}"

    def _are_alone(self, taken: str, chosen: str, found: Relation) -> bool:
        """Return whether no other row of the input has the values of the chosen rows of it."""
        same = condition([(name, name) for name, _ in found.pairs], "a", "b", back=False)
        query = f"select count(*) from {quoted(taken)} b where exists (select 1 from {quoted(chosen)} a where {same})"
        return self._tables.number(query) == self._tables.rows(chosen)

    def _rule(self, step: str, taken: str) -> str:
        """Return the rule by which a step loses most rows, as the record has it."""
        for row in self._run.rows("row_changes"):
            if row["node_name"] == step and row["main_dataset"] in (taken, None) and row["rule"]:
                return f"; it loses rows by {row['rule']}"
        return ""

    def _missing(self, dataset: str) -> str:
        """Load a dataset; return the reason if it cannot be loaded."""
        if dataset not in self._reasons:
            self._reasons[dataset] = ""
            try:
                self._tables.add(dataset, self._load(dataset))
            except (StoreError, EngineError) as error:
                self._reasons[dataset] = str(error)
        return self._reasons[dataset]

    def _link(
        self, dataset: str, way: Direction, table: str, rows: int, found: Relation, level: Level, **more: Any
    ) -> Link:
        shown = self._tables.examples(table, self._examples) if rows else []
        by = tuple(pair[0] for pair in found.pairs)
        of = self._tables.rows(dataset)
        return Link(
            dataset, self._made.get(dataset), way, level, rows=rows, of=of, by=by, examples=tuple(shown), **more
        )
