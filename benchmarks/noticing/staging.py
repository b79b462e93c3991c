"""A small pipeline over a batch, computed without the orchestrator: five steps, their frames, their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import polars as pl

from odibi_core.history.figures import RunFigures, run_figures
from odibi_core.history.schema import TABLES

STEPS: Final = ("load", "lookup", "enriched", "kept", "summary")
EDGES: Final = (("load", "enriched"), ("lookup", "enriched"), ("enriched", "kept"), ("kept", "summary"))
_TOP: Final = 10


@dataclass(frozen=True)
class Plan:
    """The choices of a pipeline, made once for its source: the key of the join, the filter, the lookup table."""

    key: str
    measure: str
    limit: float
    lookup: pl.DataFrame


@dataclass(frozen=True)
class Run:
    """A run before its figures are computed: its batch, and the changes that a fault makes."""

    run_id: str
    started: datetime
    batch: pl.DataFrame
    durations: Mapping[str, float]
    changes: Mapping[str, Any] = field(default_factory=dict)
    """By step, a function that changes its frame."""


def compute(plan: Plan, run: Run) -> RunFigures:
    """Return the figures of a run."""
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
    frames = _frames(plan, run)
    _row(tables, run, "runs", status="success", duration_ms=sum(run.durations.values()), started=run.started)
    inputs = {"enriched": "load", "kept": "enriched", "summary": "kept"}
    for name, frame in frames.items():
        rows_in = frames[inputs[name]].height if name in inputs else None
        selectivity = frame.height / rows_in if rows_in else None
        _row(
            tables, run, "nodes", node_name=name, status="success", duration_ms=run.durations[name],
            rows_in=rows_in, rows_out=frame.height, selectivity=selectivity, attempts=1, depends_on="[]",
        )  # fmt: skip
        _describe(tables, run, name, frame)
    rate = _match_rate(plan, frames["load"], frames["lookup"])
    for source, target in EDGES:
        joined = (source, target) == ("load", "enriched")
        about: dict[str, Any] = {"match_rate": rate, "fan_out": 1.0} if joined and rate is not None else {}
        _row(
            tables, run, "edges", source=source, target=target, dataset=source, row_count=frames[source].height, **about
        )
    found = run_figures(tables)
    assert found is not None
    return found


def _frames(plan: Plan, run: Run) -> dict[str, pl.DataFrame]:
    frames: dict[str, pl.DataFrame] = {}

    def made(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        change = run.changes.get(name)
        frames[name] = change(frame) if change else frame
        return frames[name]

    load = made("load", run.batch)
    lookup = made("lookup", plan.lookup)
    right = lookup.rename({"key": plan.key})
    if plan.key in load.columns:
        joined = load.with_columns(pl.col(plan.key).cast(pl.String)).join(right, on=plan.key, how="left")
    else:
        joined = load.with_columns(pl.lit(None, pl.String).alias("label"), pl.lit(None, pl.Float64).alias("weight"))
    enriched = made("enriched", joined)
    if _is_number(enriched, plan.measure):
        # nulls are kept, so that only values change the selectivity
        enriched = enriched.filter((pl.col(plan.measure) >= plan.limit) | pl.col(plan.measure).is_null())
    kept = made("kept", enriched)
    means = [pl.col(plan.measure).mean()] if _is_number(kept, plan.measure) else []
    made("summary", kept.group_by("label").agg(pl.len().alias("number"), *means).sort("label"))
    return frames


def _is_number(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and frame[name].dtype.is_numeric()


def _match_rate(plan: Plan, load: pl.DataFrame, lookup: pl.DataFrame) -> float | None:
    if plan.key not in load.columns or not load.height:
        return None
    keys = set(lookup["key"].to_list())
    return float(load[plan.key].cast(pl.String).is_in(keys).fill_null(False).sum()) / load.height


def _row(tables: dict[str, list[tuple[Any, ...]]], run: Run, table: str, **values: Any) -> None:
    about = {"run_id": run.run_id, "pipeline_name": "bench", **values}
    tables[table].append(tuple(about.get(name) for name in TABLES[table].names))


def _describe(tables: dict[str, list[tuple[Any, ...]]], run: Run, step: str, frame: pl.DataFrame) -> None:
    about = {"node_name": step, "side": "after", "dataset": step}
    _row(tables, run, "snapshots", **about, row_count=frame.height, stats_rows=frame.height)
    for stats in describe(frame):
        _row(tables, run, "columns", **about, rows_sampled=frame.height or None, **stats)


def describe(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the statistics of each column in the form of the table `columns`."""
    asked: list[pl.Expr] = []
    for i, (name, kind) in enumerate(frame.schema.items()):
        column = pl.col(name)
        asked += [column.null_count().alias(f"{i}.nulls"), column.drop_nulls().n_unique().alias(f"{i}.distinct")]
        if kind.is_numeric():
            value = column.cast(pl.Float64)
            asked += [
                value.min().alias(f"{i}.min"), value.max().alias(f"{i}.max"), value.mean().alias(f"{i}.mean"),
                value.std().alias(f"{i}.deviation"), value.median().alias(f"{i}.median"),
            ]  # fmt: skip
        elif kind == pl.String:
            length = column.str.len_chars()
            asked += [length.mean().alias(f"{i}.length_mean"), column.min().alias(f"{i}.min")]
            asked.append(column.drop_nulls().value_counts(sort=True).head(_TOP).implode().alias(f"{i}.top"))
    found = frame.select(asked).row(0, named=True) if asked else {}
    return [_of_column(found, i, name, kind, frame.height) for i, (name, kind) in enumerate(frame.schema.items())]


def _of_column(found: dict[str, Any], i: int, name: str, kind: pl.DataType, rows: int) -> dict[str, Any]:
    names = ("nulls", "distinct", "min", "max", "mean", "deviation", "median", "length_mean")
    stats = {each: value for each in names if (value := found.get(f"{i}.{each}")) is not None}
    for each in ("min", "max"):
        if each in stats:
            stats[each] = str(stats[each])
    if top := found.get(f"{i}.top"):
        stats["top"] = json.dumps([[str(pair[name])[:60], pair["count"]] for pair in top])
    share = stats["nulls"] / rows if rows else None
    return {"column_name": name, "type": str(kind), "null_share": share, **stats}
