"""Files of polars frames: each format's reader and writer, and the sets of files that a path names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from odibi_core.engines import files, partitions, polars_csv, polars_json, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.polars_sets import united


def read(path: str, format: str | None, options: Mapping[str, Any]) -> Any:
    """Return the frame of all files that `path` names, with the columns that only their paths have."""
    folders = partitions.columns(path, format, options)
    given = partitions.file_options(options, folders)
    texts: set[str] = set()

    def one(kind: str, source: Any) -> Any:
        if kind == "parquet":
            return [pl.read_parquet(source, **{"glob": False, **given})]
        if kind == "jsonl":
            return polars_json.read(source, given)
        frame, named = polars_csv.read(source, given, texts)
        texts.update(named)
        return [frame]

    members = files.read_each(path, format, one, given)
    if any(_is_number(frame, name) for member in members for frame in member.frame for name in texts):
        members = files.read_each(path, format, one, given)
    asked = options.get("columns") or folders
    folders = {name: values for name, values in folders.items() if name in asked}
    whole = united(
        [_with_folders(member.path, frame, folders) for member in members for frame in member.frame]
    )
    types = options.get("hive_schema") or {}
    return whole.cast({name: dtype for name, dtype in types.items() if name in folders})


def _with_folders(path: str, frame: Any, folders: Mapping[str, Mapping[str, Any]]) -> Member:
    """A file's frame with the columns of its folders, of which those in the file itself go first."""
    missing = [name for name in folders if name not in frame.columns]
    made = [pl.lit(folders[name][path], dtype=_dtype(folders[name].values())).alias(name) for name in missing]
    return Member(path, frame.with_columns(made))


def _dtype(values: Iterable[Any]) -> Any:
    types = {type(value) for value in values} - {type(None)}
    return {int: pl.Int64, date: pl.Date}.get(types.pop() if types else str, pl.String)


def _is_number(frame: Any, name: str) -> bool:
    return name in frame.columns and bool(frame.schema[name].is_numeric())


def write(frame: Any, path: str, format: str | None, options: Mapping[str, Any]) -> None:
    """Write a frame to a file, or to a folder of files if options name columns to partition by."""
    by, given = partitions.by(options)
    if not by or files.is_remote(path):
        files.write_one(path, format, lambda kind, target: _write(frame, kind, target, options), options)
        return
    with files.explained(path, "parquet", options):
        partitions.write(path, _parts(frame, by), lambda part, file: part.write_parquet(file, **given))


def _parts(frame: Any, by: list[str]) -> Iterator[partitions.Part]:
    partitions.names_to_write(by, frame.columns)
    for name in by:
        partitions.warn_changed(name, frame[name].unique().to_list(), frame.schema[name])
    if not len(frame):
        yield {}, frame
    for values, part in frame.partition_by(by, as_dict=True, include_key=False, maintain_order=True).items():
        yield dict(zip(by, values, strict=True)), part


def _write(frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
    if kind == "csv":
        polars_csv.write(frame, target, options)
    elif kind == "jsonl":
        polars_json.write(frame, target, options)
    else:
        frame.write_parquet(target, **options)


def known(operation: str, format: str) -> frozenset[str] | None:
    """Return the names of the options of polars' own reader or writer."""
    if operation == "read":
        reader = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[format]
        return refusals.parameters(reader) | (polars_json.OWN_OPTIONS if format == "jsonl" else frozenset())
    frame = pl.DataFrame
    writer = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[format]
    return refusals.parameters(writer) | (refusals.OWN_WRITES if format == "parquet" else frozenset())
