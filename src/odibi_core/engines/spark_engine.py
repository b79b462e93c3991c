"""The Spark engine: DataFrames are plans, and Spark executes them where they are written or handed over."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, Final

from odibi_core.engines import (
    files,
    formats,
    partitions,
    refusals,
    spark_csv,
    spark_files,
    spark_footers,
    spark_late,
    spark_operators,
    spark_plans,
    spark_rows,
    spark_session,
    spark_sql,
    spark_types,
    tables,
)  # fmt: skip
from odibi_core.engines.duckdb_turn import is_relation
from odibi_core.engines.frame_narwhals import collected
from odibi_core.errors import STOPS, EngineError

_OF_FILES: Final = frozenset({"pathGlobFilter", "recursiveFileLookup", "modifiedBefore", "modifiedAfter", "schema"})
_PARQUET: Final = _OF_FILES | {"mergeSchema", "datetimeRebaseMode", "int96RebaseMode", "columns"}


class SparkEngine:
    """Frames of the Spark session of the program. CSV means what it means to pandas; SQL is Spark's."""

    name = "spark"

    def __init__(self) -> None:
        self.late_frames = spark_late.LateFrames()
        """The frames of earlier steps that are counted when a later step executes them."""

    def is_plan(self, frame: Any) -> bool:
        """Return whether a frame is a plan, which all of Spark's are."""
        return is_spark(frame)

    def late(self, frame: Any, plan: spark_rows.Plan | None, *, asked: bool, nulls: bool) -> spark_late.Late | None:
        """Return the facts of a frame, which a later execution brings; None if its rows are there, or never come.

        Args:
            frame: A frame that a step made.
            plan: Returns the checks to count, as for `write_counted`; None for none.
            asked: Count even without checks if Spark's optimizer then moves no filter through the frame.
            nulls: Count the missing values too.
        """
        if not is_spark(frame) or frame.isStreaming or not spark_plans.is_classic(frame):
            return None
        late = spark_late.Late(frame, plan, asked=asked, nulls=nulls)
        if late.is_known:
            return None if plan is None else late
        return self.late_frames.add(late)

    def without_operators(self, frame: Any) -> str:
        """Return the reason why the rows of operators of a frame will stay unknown; empty if they can be known."""
        return spark_operators.CONNECT if is_spark(frame) and not spark_plans.is_classic(frame) else ""

    def frame(self, value: Any) -> Any:
        if is_spark(value):
            return value
        if isinstance(value, list | dict):
            return self.of_arrow(spark_types.plain(value))
        if is_relation(value):
            return self.of_arrow(value.to_arrow_table())
        seen = collected(value)
        if seen is None:
            raise EngineError(f"a {type(value).__name__} is no frame, and the spark engine cannot make it one")
        return self.of_arrow(seen.to_arrow())

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        found = spark_session.problems()
        if found or operation == "sql":
            return found
        found = self._unfit(operation, path, options)
        return found or refusals.problems(operation, path, options, _known_options, to_folders=True)

    def _unfit(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        """Return the reason why Spark cannot read or write a file that the other engines can."""
        format = options.get("format")
        if not isinstance(format, str | None) or formats.table_named(path, format):
            return []
        if path.lower().endswith(".zip"):
            return [f"{path!r} is a zip, which Spark does not read or write; use .gz"]
        if operation == "write" and (format or files.format_of(path.rstrip("/"))) == "json":
            return [f"{path!r} is one JSON array, which Spark does not write; use .jsonl, one object a line"]
        own = formats.TABLE.get((format or files.format_of(path) or "").lower())
        if operation == "write" and own is not None and own.target and not own.is_table and files.is_remote(path):
            return [f"{files.shown(path)!r}: the spark engine writes this format to local files only; use .parquet"]
        return []

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        self._refuse("read", path, format, options)
        if table := formats.table_named(path, format):
            return self.of_arrow(tables.read(table, path, options))
        sources, kind = spark_files.found(path, format)
        own = formats.file_format(kind.format)
        if own is not None:
            members = files.read_each(sources, format, lambda _, source: own.read(source, options), options)
            return _united([self.of_arrow(member.frame) for member in members])
        folders = partitions.columns(path, sources, options)
        given = partitions.file_options(options, folders)
        with spark_session.step_jobs(), spark_files.reading(path, kind):
            frame = _read(sources, kind.format, dict(given), {name: folders[name] for name in folders})
        if kind.format == "parquet" and not given.keys() - {"columns"} and not files.is_remote(files.local(path)):
            spark_footers.learn_read(frame, sources)
        return frame

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> int | None:
        return self.write_counted(frame, path, None, format=format, **options)[0]

    def write_counted(
        self, frame: Any, path: str, plan: spark_rows.Plan | None, *, format: str | None = None, **options: Any
    ) -> tuple[int | None, list[Any] | None]:
        """Write as `write` does; return the rows, and the results of checks that were counted in the job that writes.

        Args:
            frame: The frame.
            path: As the step has it.
            plan: Returns the checks for the schema of the frame, a `Counting` of the checks; None for no checks.
            format: The format, if it is not that of the suffix.
            options: Those of the writer.
        """
        self._refuse("write", path, format, options)
        plan = plan if is_spark(frame) else None  # a frame in memory is checked there, with examples
        frame = self.frame(frame)
        if table := formats.table_named(path, format):
            tables.write(table, path, lambda: self.arrow(frame), options)
            return spark_rows.rows(frame), None
        by, given = partitions.by(options)
        kind = files.target(path, format) if not by else files.Target("parquet", "")
        if (own := formats.file_format(kind.format)) is not None:
            files.write_one(path, format, lambda _, target: own.write(self.arrow(frame), target, options), options)
            return spark_rows.rows(frame), None
        if by:
            partitions.names_to_write(by, frame.columns)
        mode = options.get("mode", "overwrite")

        found: list[Any] = []
        has_footers = kind.format == "parquet" and not files.is_remote(files.local(path))

        def write(execution: spark_late.Execution) -> None:
            def save(to: str, mode: str) -> None:
                _save(execution.frame, kind, by, to, mode, given)
                if has_footers:
                    spark_footers.learn_written(frame, to.removeprefix("file://"))
                found[:] = execution.finish()  # before the data take their place: a check of an earlier step may fail

            with spark_session.step_jobs():
                spark_files.write(path, kind, save, mode, options)

        execution = self.late_frames.execution(frame, plan, counted=not has_footers)
        try:
            write(execution)
        except EngineError:
            if not execution.has_checks or (files.is_remote(path) and mode == "append"):
                raise
            # A check may be what failed, such as a text compared with a number: the data must be written without it.
            write(spark_late.LateFrames().execution(frame, counted=not has_footers))
        return spark_rows.rows(frame), found[1]

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        spark = spark_session.session()
        own = {name: self.frame(frame) for name, frame in frames.items()}
        with spark_session.step_jobs():
            return spark_sql.query(spark, query, own, parameters)

    def turn(self) -> AbstractContextManager[None]:
        """Return a context in which the jobs of this thread have the name of the step."""
        return spark_session.step_jobs()

    def arrow(self, frame: Any) -> Any:
        """Return the rows of a frame as an Arrow table; its plan is executed, in one job."""
        execution = self.late_frames.execution(frame, counted=False)
        with spark_session.step_jobs():
            try:
                table = spark_types.arrow(execution.frame)
            except STOPS:
                raise
            except Exception:
                if not execution.has_checks:
                    raise
                table = spark_types.arrow(frame)  # a check may be what failed
        spark_rows.learn(frame, table.num_rows)
        execution.finish()
        return table

    def of_arrow(self, table: Any) -> Any:
        """Return an Arrow table as a Spark frame, each value exact."""
        return spark_types.of_arrow(spark_session.session(), table)

    def _refuse(self, operation: Any, path: str, format: str | None, options: Mapping[str, Any]) -> None:
        found = self.problems(operation, path, options if format is None else {**options, "format": format})
        if found:
            raise EngineError("; ".join(found))


def is_spark(value: object) -> bool:
    """Return whether a value is a DataFrame of Spark, also one of Spark Connect."""
    return any(
        base.__module__.startswith("pyspark.sql") and base.__name__ == "DataFrame" for base in type(value).__mro__
    )


def _known_options(operation: refusals.Operation, format: str) -> frozenset[str] | None:
    from pyspark.sql import DataFrameReader, DataFrameWriter

    if operation == "read":
        if format == "parquet":
            return _PARQUET
        reader = DataFrameReader.csv if format == "csv" else DataFrameReader.json
        return refusals.parameters(reader) | _OF_FILES
    if format == "parquet":
        return frozenset({"compression", *refusals.OWN_WRITES})
    writer = {"csv": DataFrameWriter.csv, "jsonl": DataFrameWriter.json, "json": DataFrameWriter.json}[format]
    return refusals.parameters(writer)


def _read(sources: list[str], format: str, options: dict[str, Any], folders: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the frame of files of a format that Spark itself reads, with the columns of their folders."""
    spark = spark_session.session()
    options.pop("storage_options", None)
    columns = options.pop("columns", None)
    uris = [spark_files.uri(source) for source in sources]
    if format in ("csv", "tsv"):
        frame = spark_csv.read(spark, uris, {"sep": "\t", **options} if format == "tsv" else options)
    elif format in ("json", "jsonl"):
        given = {"mode": "FAILFAST", "multiLine": format == "json", "encoding": "UTF-8", **options}
        frame = spark.read.json(uris, **given)
    else:
        frame = _parquet(spark, sources, uris, options, folders)
    frame = _with_folders(spark, frame, dict(zip(sources, uris, strict=True)), folders)
    return frame if columns is None else frame.select(*map(spark_rows.quoted, columns))


def _parquet(
    spark: Any, sources: list[str], uris: list[str], options: dict[str, Any], folders: Mapping[str, Mapping[str, Any]]
) -> Any:
    """Return the frame of Parquet files. Columns of folders are Spark's own, so that a filter leaves files out."""
    from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

    schema = options.pop("schema", None)
    reader = (spark.read if schema is None else spark.read.schema(schema)).options(mergeSchema=len(uris) > 1, **options)
    roots = {_root(uri) for uri in uris}
    frame = reader.option("recursiveFileLookup", True).parquet(*uris)  # no partitions
    missing = [name for name in folders if name not in frame.columns]
    if not missing or len(roots) > 1:
        return frame
    fields = list(frame.schema.fields)
    for name in missing:
        kind = {int: LongType, date: DateType}.get(partitions.value_type(folders[name].values()), StringType)
        fields.append(StructField(name, kind(), True))
    return spark.read.schema(StructType(fields)).options(basePath=roots.pop(), **options).parquet(*uris)


def _root(uri: str) -> str:
    """Return the folder above the first one whose name is a value, such as `year=2020`."""
    folder = uri.rpartition("/")[0]
    while "=" in (name := folder.rpartition("/"))[2]:
        folder = name[0]
    return folder


def _with_folders(spark: Any, frame: Any, uris: Mapping[str, str], folders: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a frame with the columns of its folders' names, found by the path of each row's file."""
    from pyspark.sql import functions as f

    missing = [name for name in folders if name not in frame.columns]
    if not missing:
        return frame
    import pyarrow as pa

    place = spark_rows.quoted("odibi file")
    facts = {"odibi file": list(uris.values()), **{name: list(folders[name].values()) for name in missing}}
    types = {name: pa.array(values) if any(v is not None for v in values) else pa.array(values, pa.string())
             for name, values in facts.items()}  # fmt: skip
    places = spark_types.of_arrow(spark, pa.table(types))
    path = f.regexp_replace(f.url_decode(f.input_file_name()), "^file:/+", "file:///")
    joined = frame.withColumn("odibi file", path).join(f.broadcast(places), "odibi file", "left")
    return joined.drop(f.col(place))


def _save(frame: Any, kind: files.Target, by: list[str], folder: str, mode: str, options: Mapping[str, Any]) -> None:
    packed = {"compression": "gzip"} if kind.packed else {}
    given = {name: value for name, value in {**packed, **options}.items() if value is not None}
    writer = frame.write.mode("overwrite" if mode == "overwrite_partitions" else mode)
    if mode == "overwrite_partitions":
        writer = writer.option("partitionOverwriteMode", "dynamic")
    if by:
        writer = writer.partitionBy(*by)
    if kind.format == "parquet":
        writer.options(**given).parquet(folder)
    elif kind.format == "jsonl":
        writer.json(folder, **{"ignoreNullFields": False, **given})
    else:
        writer.csv(folder, **spark_csv.written({"sep": "\t", **given} if kind.format == "tsv" else given))


def _united(frames: list[Any]) -> Any:
    """Return the rows of frames under each other; a column that one lacks is null there."""
    first, *others = frames
    for frame in others:
        first = first.unionByName(frame, allowMissingColumns=True)
    return first
