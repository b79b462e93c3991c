"""Files of polars frames: each format's reader and writer, and the sets of files that a path names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from odibi_core.engines import files, polars_csv, polars_json, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.polars_sets import united


def read(path: str, format: str | None, options: Mapping[str, Any]) -> Any:
    """Return the frame of all files that `path` names."""
    texts: set[str] = set()

    def one(kind: str, source: Any) -> Any:
        if kind == "parquet":
            return [pl.read_parquet(source, **{"glob": False, **options})]
        if kind == "jsonl":
            return polars_json.read(source, options)
        frame, named = polars_csv.read(source, options, texts)
        texts.update(named)
        return [frame]

    members = files.read_each(path, format, one, options)
    if any(_is_number(frame, name) for member in members for frame in member.frame for name in texts):
        members = files.read_each(path, format, one, options)
    return united([Member(member.path, frame) for member in members for frame in member.frame])


def _is_number(frame: Any, name: str) -> bool:
    return name in frame.columns and bool(frame.schema[name].is_numeric())


def write(frame: Any, path: str, format: str | None, options: Mapping[str, Any]) -> None:
    """Write a frame to a file."""
    files.write_one(path, format, lambda kind, target: _write(frame, kind, target, options), options)


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
