"""The public readers and writers of the libraries, whose files, tables and databases are recorded.

One row a library's module: the functions and methods by access, each with its format if the path may not show it.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

Access = Literal["read", "write"]


class Opener(NamedTuple):
    """A public function or method that opens files."""

    name: str
    """In its module, such as `read_csv` or `DataFrame.to_csv`."""
    access: Access
    format: str | None
    path_at: int
    """The position of the path among the arguments; `self` is the first of a method."""
    kind: str = "path"
    """`path`; `sql`, a text of SQL for files; `table`, a table with versions; `database`, if a connection follows."""


PATH_NAMES: Final = frozenset(
    """path path_or_buf filepath_or_buffer filepath_or_buffers path_or_buffer source sources file file_name file_glob
    io where dest target workbook excel_writer root_path base_dir input_file output_file fname file_or_path
    path_or_buffer filepath query table_uri table_or_uri table_identifier""".split()  # noqa: SIM905
)
"""The names by which the path, or the text of SQL, is passed as a keyword."""


def _openers(names: str, access: Access, path_at: int, of: str = "", kind: str = "path") -> list[Opener]:
    found = []
    for each in names.split():
        name, _, format = each.partition(":")
        found.append(Opener(f"{of}{name}", access, format or None, path_at, kind))
    return found


_PANDAS_WRITES: Final = "to_csv:csv to_json:json to_pickle:pickle to_excel:excel to_hdf:hdf"
_DUCKDB_READS: Final = "read_csv:csv read_json:json read_parquet:parquet from_csv_auto:csv from_parquet:parquet"

OPENERS: Final[dict[str, list[Opener]]] = {
    "pandas": [
        *_openers(
            """read_csv:csv read_table:csv read_fwf:fwf read_parquet:parquet read_feather:feather read_orc:orc
            read_json:json read_excel:excel read_pickle:pickle read_xml:xml read_html:html read_sas:sas
            read_stata:stata read_spss:spss read_hdf:hdf""",
            "read",
            0,
        ),
        *_openers(
            f"{_PANDAS_WRITES} to_parquet:parquet to_feather:feather to_orc:orc to_xml:xml to_stata:stata to_html:html",
            "write",
            1,
            "DataFrame.",
        ),
        *_openers(_PANDAS_WRITES, "write", 1, "Series."),
        *_openers("read_sql:sql read_sql_query:sql read_sql_table:sql", "read", 0, kind="database"),
        *_openers("to_sql:sql", "write", 1, "DataFrame.", "database"),
        *_openers("to_sql:sql", "write", 1, "Series.", "database"),
        *_openers("read_iceberg:iceberg", "read", 0, kind="table"),
        *_openers("to_iceberg:iceberg", "write", 1, "DataFrame.", "table"),
    ],
    "polars": [
        *_openers(
            """read_csv:csv read_parquet:parquet read_ndjson:jsonl read_json:json read_ipc:ipc read_ipc_stream:ipc
            read_avro:avro read_excel:excel read_ods:excel read_lines:text scan_csv:csv scan_parquet:parquet
            scan_ndjson:jsonl scan_ipc:ipc scan_lines:text""",
            "read",
            0,
        ),
        *_openers(
            """write_csv:csv write_parquet:parquet write_ndjson:jsonl write_json:json write_ipc:ipc
            write_ipc_stream:ipc write_avro:avro write_excel:excel""",
            "write",
            1,
            "DataFrame.",
        ),
        *_openers("read_delta:delta scan_delta:delta scan_iceberg:iceberg", "read", 0, kind="table"),
        *_openers("write_delta:delta write_iceberg:iceberg", "write", 1, "DataFrame.", "table"),
        *_openers("sink_delta:delta sink_iceberg:iceberg", "write", 1, "LazyFrame.", "table"),
        *_openers("read_database:sql read_database_uri:sql", "read", 0, kind="database"),
        *_openers("write_database:sql", "write", 1, "DataFrame.", "database"),
        *_openers("sink_csv:csv sink_parquet:parquet sink_ndjson:jsonl sink_ipc:ipc", "write", 1, "LazyFrame."),
    ],
    "pyarrow.parquet": [
        *_openers("read_table:parquet read_pandas:parquet", "read", 0),
        *_openers("__init__:parquet", "read", 1, "ParquetFile."),
        *_openers("write_table:parquet write_to_dataset:parquet", "write", 1),
    ],
    "pyarrow.csv": [*_openers("read_csv:csv open_csv:csv", "read", 0), *_openers("write_csv:csv", "write", 1)],
    "pyarrow.json": _openers("read_json:jsonl open_json:jsonl", "read", 0),
    "pyarrow.feather": [
        *_openers("read_table:feather read_feather:feather", "read", 0),
        *_openers("write_feather:feather", "write", 1),
    ],
    "pyarrow.orc": [*_openers("read_table:orc", "read", 0), *_openers("write_table:orc", "write", 1)],
    "pyarrow.dataset": [*_openers("dataset", "read", 0), *_openers("write_dataset", "write", 1)],
    "deltalake": [
        *_openers("write_deltalake:delta", "write", 0, kind="table"),
        *_openers("__init__:delta", "read", 1, "DeltaTable.", "table"),
    ],
    "pyiceberg.table": [
        *_openers("to_arrow:iceberg to_arrow_batch_reader:iceberg", "read", 0, "DataScan.", "table"),
        *_openers("append:iceberg overwrite:iceberg upsert:iceberg", "write", 0, "Table.", "table"),
    ],
    "duckdb": [
        *_openers(_DUCKDB_READS, "read", 0),
        *_openers(_DUCKDB_READS, "read", 1, "DuckDBPyConnection."),
        *_openers("sql query execute", "read", 0, kind="sql"),
        *_openers("sql query execute", "read", 1, "DuckDBPyConnection.", kind="sql"),
        *_openers("to_csv:csv write_csv:csv to_parquet:parquet write_parquet:parquet", "write", 1, "DuckDBPyRelation."),
    ],
}
"""By module; a module is examined when it is imported."""


def argument(opener: Opener, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the path or the SQL of a call; None if the call has none."""
    if len(args) > opener.path_at:
        return args[opener.path_at]
    return next((value for name, value in kwargs.items() if name in PATH_NAMES), None)
