"""The engine `polars-lazy`: plans of polars, which one execution runs where their rows are needed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import polars as pl

from odibi_core.engines import csv_text, files, plan_operators, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.plan_operators import Operators
from odibi_core.engines.polars_engine import PolarsEngine, with_folders
from odibi_core.events import clock

_LONG = re.compile(rb"\d{16}")
"""Digits of a number that a float may change."""
_BLOCK = 1 << 20
_READ_ALONE = frozenset(
    ["schema", "dtypes", "new_columns", "with_column_names", "columns", "use_pyarrow", "batch_size"]
)
_SINK = frozenset({"compression", "compression_level", "statistics", "row_group_size", "data_page_size"})


class PolarsLazyEngine(PolarsEngine):
    """LazyFrames: files are scanned, and nothing is executed before `collected` or a write.

    SQL needs its tables, so that `sql` executes the plans that it takes, together, and returns a DataFrame.
    """

    name = "polars-lazy"

    def frame(self, value: Any) -> Any:
        return super().frame(value).lazy()

    def is_plan(self, frame: Any) -> bool:
        """Return whether a frame is a plan, whose rows are not there yet."""
        return isinstance(frame, pl.LazyFrame)

    def collected(self, frames: Sequence[Any]) -> list[Any]:
        """Return the rows of plans as DataFrames, all by one execution; what they share is computed once."""
        plans = [frame for frame in frames if self.is_plan(frame)]
        made = iter(_executed(plans) if plans else ())
        return [next(made) if self.is_plan(frame) else frame for frame in frames]

    def watched(self, plan: Any, take: Callable[[Any], None]) -> Any:
        """Return a plan that passes its rows to `take` when it is executed, and has them whole for that.

        It stops the pushdown of filters and projections.
        """

        def passed(frame: pl.DataFrame) -> pl.DataFrame:
            take(frame)
            return frame

        return plan.map_batches(passed, validate_output_schema=False)

    def shared(self, plan: Any) -> Any:
        """Return a plan that one execution computes once, however many plans build on it.

        polars merges equal plans by itself, except those that read from Python.
        """
        return plan.cache()

    def _tables(self, frames: Mapping[str, Any]) -> dict[str, Any]:
        return super()._tables(dict(zip(frames, self.collected(list(frames.values())), strict=True)))

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> int | None:
        """Write a frame; return the rows that a plan had, which only its execution shows."""
        if not self.is_plan(frame) or not self._is_sink(path, format, options):
            given = self.collected([frame])[0]
            super().write(given, path, format=format, **options)
            return None if given is frame else len(given)
        refusals.refuse("write", path, format, options, self._known_options)
        with files.explained(path, "parquet", options), files.replacing(path) as beside:
            frame.sink_parquet(beside, **options)
            return int(pl.scan_parquet(beside, glob=False).select(pl.len()).collect().item())

    def _is_sink(self, path: str, format: str | None, options: Mapping[str, Any]) -> bool:
        return not options.keys() - _SINK and files.is_local_parquet(path, format)

    def _eager(self, frame: Any) -> Any:
        return self.collected([frame])[0]

    def arrow(self, frame: Any) -> Any:
        return super().arrow(self._eager(frame))

    def of_arrow(self, table: Any) -> Any:
        return super().of_arrow(table).lazy()

    def _read_file(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        plan = None
        if isinstance(source, str) and "://" not in source:
            if kind == "parquet":
                plan = _scan_parquet(source, options)
            elif kind == "csv" and not named:
                plan = _scan_csv(source, options)
        return ([plan], ()) if plan is not None else super()._read_file(kind, source, options, named)

    def _has_numbers(self, frames: Sequence[Any], name: str) -> bool:
        schemas = (frame.collect_schema() for frame in frames)
        return any(name in schema and schema[name].is_numeric() for schema in schemas)

    def _united(
        self, members: Sequence[Member], folders: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        plans = [(path, frame) for path, frames in members for frame in frames]
        schemas = [frame.collect_schema() for _, frame in plans]
        if plans and all(schema == schemas[0] for schema in schemas):
            types = options.get("hive_schema") or {}
            whole = pl.concat([_lazily(path, frame, folders) for path, frame in plans])
            return whole.cast({name: dtype for name, dtype in types.items() if name in folders})
        # Only the values show the type that holds all of them.
        read = [Member(path, self.collected(list(frames))) for path, frames in members]
        return super()._united(read, folders, options).lazy()


def _executed(plans: Sequence[pl.LazyFrame]) -> list[pl.DataFrame]:
    """Return the rows of plans by one execution, and note their operators if they are wanted."""
    if not plan_operators.are_wanted():
        return pl.collect_all(plans)
    from odibi_core.engines import polars_profile  # here: it registers with polars
    from odibi_core.engines.polars_operators import operators

    began = clock.utc_now().timestamp()
    made, profile, reason = polars_profile.profiled(lambda engine: pl.collect_all(plans, engine=engine))
    found = [Operators(reason=reason)] * len(plans) if reason else operators(profile, len(plans), began)
    for frame, each in zip(made, found, strict=True):
        plan_operators.note(frame, each)
    return made


def _lazily(path: str, frame: Any, folders: Mapping[str, Mapping[str, Any]]) -> Any:
    missing = {name: values for name, values in folders.items() if name not in frame.collect_schema()}
    if not missing:
        return frame.lazy()
    literals = with_folders(path, pl.DataFrame({"\0": [None]}), missing).drop("\0")
    return frame.lazy().with_columns(pl.lit(literals[name]).first().alias(name) for name in literals.columns)


def _scan_parquet(source: str, options: Mapping[str, Any]) -> Any:
    """Return the plan that reads a file; None if an option is one of reading at once."""
    known = refusals.parameters(pl.scan_parquet)
    columns = options.get("columns")
    given = {name: value for name, value in options.items() if name != "columns"}
    if given.keys() - known or not (columns is None or all(isinstance(each, str) for each in columns)):
        return None
    plan = pl.scan_parquet(source, **{"glob": False, **given})
    plan.collect_schema()  # a damaged file is an error of the step that reads it
    return plan if columns is None else plan.select(list(columns))


def _is_scannable(source: str) -> bool:
    """Return whether a file is UTF-8, and without numbers of more digits than a float has."""
    decoder, before = codecs.getincrementaldecoder("utf-8")(), b""
    try:
        with open(source, "rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
                if _LONG.search(before + block):
                    return False
                before = block[-16:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _scan_csv(source: str, options: Mapping[str, Any]) -> Any:
    """Return the plan that reads a file; None if only its values show what they are.

    Those are numbers that begin with 0, numbers of more digits than a float has, and lines with unusual ends.
    """
    if options.keys() & _READ_ALONE or options.keys() - refusals.parameters(pl.scan_csv):
        return None
    text = csv_text.inspect(source, options)
    if text.digits or text.ends or text.nul or text.data is not source or not _is_scannable(source):
        return None
    usual = {"infer_schema_length": None, "null_values": csv_text.NULLS, "glob": False}
    plan = pl.scan_csv(source, **{**usual, **options})
    names = plan.collect_schema().names()
    if any("\ufffd" in name or '""' in name for name in names):
        return None
    return plan
