"""Every format in object stores: a file is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.engines import object_store
from odibi_core.engines.formats import TABLE
from odibi_core.errors import EngineError, SourceNotFoundError, UnreadableSourceError
from odibi_core.store.runs import RunStore

ROWS = [{"n": 1, "s": "a"}, {"n": 2**53 + 1, "s": "é"}]
NAMES = [f"x{row.suffixes[0]}" for row in TABLE.values() if row.suffixes] + ["x.csv.gz", "x.jsonl.zip"]


@pytest.fixture(params=["memory", "s3"])
def place(request: pytest.FixtureRequest) -> str:
    """The URI of an empty folder."""
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()
        return "memory://bucket"
    return str(request.getfixturevalue("bucket"))


def rows(frame: Any) -> list[dict[str, Any]]:
    found = frame.rows(named=True) if isinstance(frame, pl.DataFrame) else frame.to_dict("records")
    return list(found)


def test_every_format_is_written_and_read(engine: Any, place: str) -> None:
    """Packed text too; nothing is left beside the file."""
    for name in NAMES:
        wanted = ROWS[:1] if name == "x.xlsx" else ROWS
        for _ in range(2):
            engine.write(wanted, f"{place}/deep/{name}")
        assert rows(engine.read(f"{place}/deep/{name}")) == wanted, name
    system, path = fsspec.core.url_to_fs(f"{place}/deep")
    system.invalidate_cache()
    assert sorted(each.rpartition("/")[2] for each in system.find(path)) == sorted(NAMES)


def test_patterns_and_folders_are_one_frame(engine: Any, place: str) -> None:
    """With the columns of partitions; a single file has its own."""
    for year in (2020, 2021):
        engine.write([{"n": year}], f"{place}/hive/year={year}/part-0.parquet")
    engine.write([{"n": 5}], f"{place}/a-1.csv")
    engine.write([{"n": 6}], f"{place}/a-2.csv")
    assert rows(engine.read(f"{place}/a-*.csv")) == [{"n": 5}, {"n": 6}]
    for path in ("hive", "hive/", "hive/*/*.parquet"):
        assert rows(engine.read(f"{place}/{path}")) == [{"n": 2020, "year": 2020}, {"n": 2021, "year": 2021}]
    assert list(engine.read(f"{place}/hive/year=2020/part-0.parquet").columns) == ["n"]


def test_partitions_are_replaced_and_appended_to(engine: Any, place: str) -> None:
    """As on disk; a file that no step has written is left alone."""
    first = [{"n": 1, "year": 2020}, {"n": 2, "year": 2021}]
    more = [{"n": 3, "year": 2021}]
    for mode, wanted in (("overwrite", more), ("append", [*first, *more]), ("overwrite_partitions", [first[0], *more])):
        engine.write(first, f"{place}/hive", partition_by="year")
        engine.write(more, f"{place}/hive/", partition_by="year", mode=mode)
        assert sorted(rows(engine.read(f"{place}/hive")), key=lambda row: row["n"]) == wanted
    with fsspec.open(f"{place}/hive/notes.txt", "wb") as stream:
        stream.write(b"x")
    with pytest.raises(EngineError, match=r"holds 'notes.txt', which no step has written"):
        engine.write(first, f"{place}/hive", partition_by="year")


def test_a_partition_that_cannot_be_put_changes_nothing(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that were put before it are removed."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    engine.write([{"n": 1, "year": 2020}], "memory://hive", partition_by="year")
    move, calls = type(system).mv, []

    def fail(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise OSError("connection reset")
        return move(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(system), "mv", fail)
        with pytest.raises(EngineError, match="connection reset"):
            engine.write([{"n": 5, "year": 2020}, {"n": 6, "year": 2021}], "memory://hive", partition_by="year")
    assert rows(engine.read("memory://hive")) == [{"n": 1, "year": 2020}]
    assert len(system.store) == 1


def test_what_is_not_there_is_one_error(engine: Any, place: str) -> None:
    """A file, a folder, a pattern."""
    for name in ("x.csv", "x.parquet", "folder/", "*.csv", "nothing"):
        with pytest.raises(SourceNotFoundError, match="there is no file"):
            engine.read(f"{place}/{name}")


def test_a_write_that_fails_leaves_the_old_file(engine: Any, place: str) -> None:
    """And no other."""
    engine.write(ROWS, f"{place}/x.csv")
    with pytest.raises(EngineError, match="no form for"):
        engine.write(engine.frame(pl.DataFrame({"n": [b"x"]})), f"{place}/x.csv")
    assert rows(engine.read(f"{place}/x.csv")) == ROWS
    system, path = fsspec.core.url_to_fs(place)
    system.invalidate_cache()
    assert len(system.find(path)) == 1


def test_a_put_that_fails_leaves_the_old_file(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file is renamed into its place: also if the connection ends before the rename."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    engine.write(ROWS, "memory://bucket/x.csv")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("connection reset")

    with monkeypatch.context() as patch:
        patch.setattr(type(system), "mv", fail)
        with pytest.raises(EngineError, match="connection reset"):
            engine.write(ROWS[:1], "memory://bucket/x.csv")
    assert rows(engine.read("memory://bucket/x.csv")) == ROWS
    assert list(system.store) == ["/bucket/x.csv"]


def test_a_damaged_file_is_unreadable(engine: Any, place: str) -> None:
    """By its URI."""
    for name in ("x.parquet", "x.arrow", "x.avro", "x.xlsx", "x.json", "x.csv.gz"):
        with fsspec.open(f"{place}/{name}", "wb") as stream:
            stream.write(bytes(range(128, 256)) * 10)
        with pytest.raises(UnreadableSourceError, match=f"{place}/{name}"):
            engine.read(f"{place}/{name}")


def test_a_file_that_other_code_replaced_is_read_anew(engine: Any, bucket: str) -> None:
    """No listing of the library is trusted."""
    engine.write(ROWS, f"{bucket}/x.parquet")
    assert len(engine.read(f"{bucket}/*.parquet")) == 2
    import boto3

    boto3.client("s3").put_object(Bucket=bucket.removeprefix("s3://"), Key="y.csv", Body=b"n\n1\n")
    assert len(engine.read(f"{bucket}/*.csv")) == 1


def test_a_bucket_that_is_not_there_is_an_error(engine: Any, bucket: str) -> None:
    """Writing and reading."""
    with pytest.raises(EngineError, match="nosuch"):
        engine.write(ROWS, f"{bucket}-nosuch/x.csv")
    with pytest.raises(EngineError, match="nosuch"):
        engine.read(f"{bucket}-nosuch/x.csv")


def test_storage_options_are_those_of_fsspec(
    engine: Any, s3_url: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They reach the file system, and no record."""
    from tests.services.s3_server import CREDENTIALS

    for name in [*CREDENTIALS, "AWS_ENDPOINT_URL"]:
        monkeypatch.delenv(name)
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    options = {"key": CREDENTIALS["AWS_ACCESS_KEY_ID"], "secret": secret, "endpoint_url": s3_url}
    steps: list[Any] = [
        Step(name="made", layer="ingest", value=lambda: pl.DataFrame(ROWS)),
        Step(name="save", layer="publish", value=f"{bucket}/x.parquet", inputs=["made"],
             params={"storage_options": options}),
    ]  # fmt: skip
    result = Orchestrator(steps, engine.name, store="store").execute()
    assert result["status"] == "success"
    assert rows(engine.read(f"{bucket}/x.parquet", storage_options=options)) == ROWS
    record = b"".join(path.read_bytes() for path in Path("store").rglob("*") if path.is_file())
    assert secret.encode() not in record
    (event,) = [e for e in RunStore("store").events(result["run_id"]) if e.event_type == "file_access"]
    assert (event.fields["uri"], event.row_count) == (f"{bucket}/x.parquet", 2)


def test_a_delta_table_of_a_store_is_not_read_as_files(engine: Any) -> None:
    """Old files of it would be rows."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("_delta_log/0.json", "part-0.parquet"):
        system.pipe_file(f"/table/{name}", b"x")
    with pytest.raises(EngineError, match="is a Delta table; set format='delta'"):
        engine.read("memory://table/")


def test_delta_tables_in_a_store(engine: Any, s3_url: str, bucket: str) -> None:
    """With the options of its own library."""
    options = {"format": "delta", "storage_options": {"AWS_ENDPOINT_URL": s3_url, "AWS_ALLOW_HTTP": "true",
                                                      "aws_conditional_put": "etag"}}  # fmt: skip
    engine.write(ROWS, f"{bucket}/table", mode="append", **options)
    engine.write(ROWS, f"{bucket}/table", mode="append", **options)
    assert len(engine.read(f"{bucket}/table", **options)) == 4
    assert len(engine.read(f"{bucket}/table", version=0, **options)) == 2


def test_the_library_of_the_engine_reads_the_web() -> None:
    """http and https are left to it."""
    assert not object_store.is_stored("https://host/x.csv")
    assert not object_store.is_stored("/a/b.csv")
    assert object_store.is_stored("s3://bucket/x.csv")
