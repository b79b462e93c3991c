"""Delta and Iceberg tables: versions, modes, keys, and what the record has of them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.families.seen import rows_of

from odibi_core import Orchestrator, Step, history, pipeline
from odibi_core.errors import EngineError, PipelineDefinitionError, SourceNotFoundError, UnreadableSourceError
from odibi_core.store.runs import RunStore

ROWS = [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}]
rows = partial(rows_of, by="k")


class Table:
    """A table of one of the two formats."""

    def __init__(self, format: str, folder: Path) -> None:
        self.format = format
        self.path = str(folder / "table") if format == "delta" else "shop.orders"
        catalog = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
        self.options: dict[str, Any] = {"format": format, **({} if format == "delta" else {"catalog": catalog})}
        self.at = "version" if format == "delta" else "snapshot"

    def write(self, engine: Any, frame: Any, **options: Any) -> str:
        """Write, and return the version."""
        from odibi_core.engines import access_facts

        engine.write(frame, self.path, **self.options, **options)
        facts = access_facts.noted()
        assert facts is not None
        return str(facts.version)

    def read(self, engine: Any, **options: Any) -> list[dict[str, Any]]:
        return rows(engine.read(self.path, **self.options, **options))


@pytest.fixture(params=["delta", "iceberg"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    return Table(request.param, tmp_path)


def test_each_write_is_a_version_that_can_be_read(engine: Any, table: Table) -> None:
    """Overwrite, append, merge; earlier ones by number and by time."""
    first = table.write(engine, ROWS)
    between = datetime.now(UTC) + timedelta(milliseconds=2)
    while datetime.now(UTC) <= between + timedelta(milliseconds=2):
        pass
    second = table.write(engine, [{"k": 3, "v": "c"}], mode="append")
    third = table.write(engine, [{"k": 3, "v": "C"}, {"k": 4, "v": "d"}], mode="merge", keys="k")
    fourth = table.write(engine, ROWS[:1], mode="overwrite")
    assert len({first, second, third, fourth}) == 4
    assert table.read(engine) == ROWS[:1]
    assert table.read(engine, **{table.at: int(first)}) == ROWS
    assert table.read(engine, **{table.at: int(second)}) == [*ROWS, {"k": 3, "v": "c"}]
    assert table.read(engine, **{table.at: int(third)}) == [*ROWS, {"k": 3, "v": "C"}, {"k": 4, "v": "d"}]
    assert table.read(engine, timestamp=between) == table.read(engine, timestamp=between.isoformat()) == ROWS
    assert table.read(engine, columns=["k"]) == [{"k": 1}]


def test_versions_and_files_are_in_the_record(table: Table, tmp_path: Path) -> None:
    """In the event and in the table `files`; the rows are those of the frame."""
    store = str(tmp_path / "store")
    save = Step(
        name="save", layer="publish", value=table.path, inputs=["made"], params={**table.options, "mode": "append"}
    )
    take = Step(name="take", layer="ingest", value=table.path, params=table.options)
    made = Step(name="made", layer="ingest", value=lambda: pl.DataFrame(ROWS))
    accesses = []
    for steps in ([made, save], [take]):
        result = Orchestrator(steps, "polars", store=store).execute()
        assert result["status"] == "success"
        accesses += [e for e in RunStore(store).events(result["run_id"]) if e.event_type == "file_access"]
    wrote, read = accesses
    version = wrote.fields["version"]
    assert version == read.fields["version"] != ""
    for event, expected in ((wrote, ("save", 2, "append", 1)), (read, ("take", 2, "read", 1))):
        assert (event.node_name, event.row_count, event.fields["table_operation"], event.fields["files"]) == expected
    assert os.path.isdir(wrote.fields["uri"])
    assert wrote.fields["bytes"] > 0
    found = history(store).sql("select node_name, format, version, table_operation from files order by 1")
    assert [tuple(row.values()) for row in found.rows] == [
        ("save", table.format, version, "append"),
        ("take", table.format, version, "read"),
    ]


def test_a_table_that_is_not_there(engine: Any, table: Table) -> None:
    """And a version that is not there."""
    with pytest.raises(SourceNotFoundError):
        table.read(engine)
    table.write(engine, ROWS)
    with pytest.raises((SourceNotFoundError, UnreadableSourceError)):
        table.read(engine, **{table.at: 99})
    with pytest.raises((SourceNotFoundError, UnreadableSourceError)):
        table.read(engine, timestamp="2001-01-01T00:00:00+00:00")


def test_a_write_that_fails_makes_no_version(engine: Any, table: Table) -> None:
    """Another schema, keys that identify no row, a column that has no type."""
    table.write(engine, ROWS)
    for frame, options, words in (
        ([{"k": "text", "v": "a"}], {"mode": "append"}, "was not written; the table is as it was before"),
        ([{"k": 1, "v": "a"}, {"k": 1, "v": "b"}], {"mode": "merge", "keys": "k"}, "are in several rows"),
        ([{"k": None, "v": "a"}, {"k": 1, "v": "b"}], {"mode": "merge", "keys": "k"}, "is null in 1 rows"),
        (ROWS, {"mode": "merge", "keys": "kk"}, "no column 'kk' for keys"),
    ):
        with pytest.raises(EngineError, match=words):
            table.write(engine, frame, **options)
    assert table.read(engine) == ROWS


def test_a_column_without_values_gets_the_type_of_the_table(engine: Any, table: Table) -> None:
    """Appending; a new table needs a type."""
    empty = pl.DataFrame({"k": [3], "v": [None]})
    with pytest.raises(EngineError, match="'v' has no value"):
        table.write(engine, engine.frame(empty))
    table.write(engine, ROWS)
    table.write(engine, engine.frame(empty), mode="append")
    assert table.read(engine) == [*ROWS, {"k": 3, "v": None}]


def test_a_merge_into_no_table_makes_it(engine: Any, table: Table) -> None:
    """The first run of a pipeline is as every later one."""
    for _ in range(2):
        table.write(engine, ROWS, mode="merge", keys=["k"])
        assert table.read(engine) == ROWS


def test_a_damaged_table_is_unreadable(engine: Any, table: Table, tmp_path: Path) -> None:
    """A file of data that is cut short."""
    table.write(engine, ROWS)
    for path in tmp_path.rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UnreadableSourceError, match="cannot be read as"):
        table.read(engine)


BAD = [
    ("read", {"version": "latest"}, "delta", "version must be a whole number, got 'latest'"),
    ("read", {"version": 1, "timestamp": "2026-01-01T00:00:00Z"}, "delta", "only one of version, timestamp"),
    ("read", {"timestamp": "2026-01-01"}, "delta", "timestamp must be a time with its zone"),
    ("read", {"timestamp": "soon"}, "iceberg", "timestamp must be a time with its zone"),
    ("read", {"snapshot": -1}, "iceberg", "snapshot must be a whole number"),
    ("read", {"snapshot": 1}, "delta", "no option 'snapshot'"),
    ("read", {"columns": "k"}, "delta", "columns must be a list of names"),
    ("read", {"catalog": None}, "iceberg", "catalog must be the name of a catalog"),
    ("write", {"mode": "replace"}, "delta", "mode must be one of overwrite, append, merge, got 'replace'"),
    ("write", {"mode": "merge"}, "iceberg", "mode='merge' needs keys="),
    ("write", {"schema_mode": "x"}, "delta", "schema_mode must be merge or overwrite"),
    ("write", {"partition": "x"}, "delta", "no option 'partition' .did you mean 'partition_by'"),
]


@pytest.mark.parametrize(("operation", "params", "format", "words"), BAD)
def test_options_that_do_not_fit_are_refused_before_the_run(
    operation: str, params: dict[str, Any], format: str, words: str, tmp_path: Path
) -> None:
    """By the name of the step, on every engine."""
    table = Table(format, tmp_path)
    is_read = operation == "read"
    step = Step(
        name="s", layer="ingest" if is_read else "publish", value=table.path, params={**table.options, **params},
        inputs=[] if is_read else ["x"],
    )  # fmt: skip
    for engine in ("pandas", "polars"):
        with pytest.raises(PipelineDefinitionError, match=f"step 's': .*{words}"):
            pipeline.compile([step], engine, initial={"x"})


def test_a_folder_of_a_delta_table_is_read_as_one(engine: Any, tmp_path: Path) -> None:
    """Without `format=`: its old files are no rows of it. In a store it is an error that names the option."""
    table = Table("delta", tmp_path)
    table.write(engine, ROWS)
    table.write(engine, ROWS[:1])
    assert len(list(Path(table.path).glob("*.parquet"))) == 2
    assert rows(engine.read(table.path)) == ROWS[:1]


def test_partitions_of_a_delta_table(engine: Any, tmp_path: Path) -> None:
    """Folders for each value, with odd characters too."""
    table = Table("delta", tmp_path)
    frame = [{"k": 1, "v": "a/b c=é%"}, {"k": 2, "v": "x"}]
    table.write(engine, frame, partition_by="v")
    assert table.read(engine) == frame


def test_a_version_of_iceberg_is_read_from_its_metadata(engine: Any, tmp_path: Path) -> None:
    """Without a catalog; writing needs one."""
    table = Table("iceberg", tmp_path)
    table.write(engine, ROWS)
    newest = max(Path(tmp_path / "warehouse").rglob("*.metadata.json"))
    assert rows(engine.read(str(newest), format="iceberg")) == ROWS
    with pytest.raises(EngineError, match="is one version of a table; write to"):
        engine.write(ROWS, str(newest), format="iceberg", catalog=table.options["catalog"])
