"""The pipelines as recorded runs: six good runs, then one with a fault, and the step that its record names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from benchmarks.insight.faults import Fault
from benchmarks.insight.pipelines import Function, Pipeline, Tables
from odibi_core.insight.base import Cause

if TYPE_CHECKING:
    from odibi_core.history.blame import Blame

GOOD: Final = 6
"""Good runs before one with a fault; noticing needs five."""


class NamedRows(NamedTuple):
    """The rows of the effect that an answer names: the step, the number, the rule, and the causes in the record."""

    step: str
    rows: int | None
    rule: str
    causes: tuple[Cause, ...]


class Named(NamedTuple):
    """The step that the record names, the class of the cause, the sentence and the rows; empty if it names none."""

    step: str | None
    cause: str = ""
    sentence: str = ""
    effect: NamedRows | None = None


NOTHING: Final = Named(None)


def read_pandas(path: str) -> Any:
    """Read a source as a pandas frame."""
    import pandas as pd

    return pd.read_parquet(path)


def read_polars(path: str) -> Any:
    """Read a source as a polars frame."""
    import polars as pl

    return pl.read_parquet(path)


class Recorder:
    """A folder with the stores of the good runs, each made when it is needed, and copied for each fault.

    Args:
        folder: The folder.
        good: The good runs before a fault.
    """

    def __init__(self, folder: Path, good: int = GOOD) -> None:
        self._folder = folder
        self._count = good

    def named(self, fault: Fault) -> tuple[Named, Named]:
        """Run a fault after the good runs; return what is named on demand, and what the run itself names at its end."""
        from odibi_core.history.blame import blame_run

        good = self._good(fault.pipeline, fault.batch)
        store = self._folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(good, store)
        run_id = self._run(fault.pipeline, fault.tables, fault.replaced, store, fault.batch)
        found = blame_run(store, run_id)
        return NOTHING if found is None else _named(found, store, run_id), self._at_end(store, run_id)

    def _good(self, pipeline: Pipeline, batch: int) -> Path:
        store = self._folder / f"{pipeline.name}-{batch}"
        if not store.exists():
            for number in range(batch - self._count, batch):
                self._run(pipeline, pipeline.batch(number), {}, store, number)
        return store

    def _run(
        self, pipeline: Pipeline, tables: Tables, replaced: Mapping[str, Function], store: Path, batch: int
    ) -> str:
        from odibi_core import Orchestrator

        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        for name, table in tables.items():
            table.write_parquet(data / f"{name}.parquet")
        orchestrator = Orchestrator(
            _steps(pipeline, tables, replaced, data),
            engine_type=pipeline.library,
            pipeline_name=pipeline.name,
            store=store,
            partition=f"batch-{batch:02d}",
            raise_on_error=False,
            # a run takes 0.2 s, in which `auto` has time for few statistics: results would depend on the load
            snapshot_level="stats",
        )
        return str(orchestrator.execute()["run_id"])

    def _at_end(self, store: Path, run_id: str) -> Named:
        from odibi_core.history.blame import Blame
        from odibi_core.store.runs import RunStore

        for event in RunStore(store).read(run_id):
            if event.event_type == "blame":
                found = Blame.of_dict({**event.fields, "step": event.node_name, "sentence": event.message})
                return NOTHING if found is None else _named(found, store, run_id)
        return NOTHING


def _named(found: Blame, store: Path, run_id: str) -> Named:
    """Return an answer with the causes that the record has of its rows."""
    from odibi_core.store.runs import RunStore

    if found.effect_step is None:
        return Named(found.step, found.cause, found.sentence)
    changes = [
        event.fields
        for event in RunStore(store).read(run_id)
        if event.event_type == "row_change" and event.node_name == found.effect_step
    ]
    causes = tuple(_cause(cause) for change in changes for cause in change["causes"])
    effect = NamedRows(found.effect_step, found.rows, found.rule or "", causes)
    return Named(found.step, found.cause, found.sentence, effect)


def _cause(plain: Mapping[str, Any]) -> Cause:
    """Return a cause of the record; the fields that only the record has are left out."""
    return msgspec.convert({name: value for name, value in plain.items() if name in Cause.__struct_fields__}, Cause)


def _steps(pipeline: Pipeline, tables: Tables, replaced: Mapping[str, Function], data: Path) -> list[Any]:
    from odibi_core import Step

    read = read_polars if pipeline.library == "polars" else read_pandas
    sources = [
        Step(name=name, layer="ingest", value=read, params={"path": str(data / f"{name}.parquet")}) for name in tables
    ]
    steps = [
        Step(name=name, value=replaced.get(name, function), inputs=pipeline.inputs(name))
        for name, function in pipeline.steps.items()
    ]
    return [*sources, *steps]


@contextmanager
def recorder(good: int = GOOD) -> Iterator[Recorder]:
    """Yield a recorder whose folder is deleted at the end."""
    with TemporaryDirectory(prefix="odibi-bench-") as folder:
        yield Recorder(Path(folder), good)
