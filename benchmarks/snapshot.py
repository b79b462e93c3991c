"""The description of a frame of 5,000,000 × 12: levels sample (schema, rows, 5 rows), auto and stats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

ROWS = 5_000_000
AUTO = "statistics of 10,000 rows, as of a long run"
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@cache
def polars_frame(rows: int) -> Any:
    """Four columns of integers, four of floats, two of text, a date and a flag; a tenth of two are null."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(7)
    columns: dict[str, Any] = {f"i{n}": random.integers(0, 10 ** (n + 2), rows) for n in range(4)}
    columns |= {f"f{n}": random.normal(size=rows) for n in range(4)}
    columns["flag"] = random.random(rows) < 0.5
    carriers = pl.Series(["UA", "AA", "DL", "WN", "B6", "EV"])
    frame = pl.DataFrame(columns).with_columns(
        carrier=carriers.gather(random.integers(0, 6, rows)),
        tail=pl.concat_str(pl.lit("N"), pl.col("i3").cast(pl.String)),
        day=pl.date(2013, 1, 1) + pl.duration(days=pl.col("i0")),
    )
    holes = random.random(rows) < 0.1
    return frame.with_columns(
        pl.when(pl.Series(holes)).then(None).otherwise(pl.col(n)).alias(n) for n in ("f0", "tail")
    )


@cache
def pandas_frame(rows: int) -> Any:
    return polars_frame(rows).to_pandas()


Make = Callable[[int], Any]


def _on(make: Make, rows: int, code: str, names: Callable[[], dict[str, Any]]) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        yield statement(code, frame=make(rows), **names())

    return prepare


def _describe() -> dict[str, Any]:
    from odibi_core.engines.frame import describe

    return {"describe": describe}


def _tracked(make: Make, rows: int) -> Prepare:
    """Through the tracker, event and journal line included: what a snapshot costs a run."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import EventBus, StructuredLogger, Tracker

        bus = EventBus()
        StructuredLogger("bench", log_dir=folder, bus=bus)
        frame, tracker = make(rows), Tracker(bus=bus)
        tracker.start_pipeline("bench")
        tracker.start_step("only", "transform")
        yield statement("snapshot('before', frame)", snapshot=tracker.snapshot, frame=frame)

    return prepare


def _polars_native() -> dict[str, Any]:
    def sample(frame: Any) -> Any:
        return dict(frame.schema), frame.height, frame.head(5).to_dicts()

    return {"sample": sample}


def _pandas_native() -> dict[str, Any]:
    def sample(frame: Any) -> Any:
        return frame.dtypes.to_dict(), len(frame), frame.head(5).to_dict("records")

    return {"sample": sample}


def _narwhals() -> dict[str, Any]:
    import narwhals as nw

    def sample(frame: Any) -> Any:
        wide = nw.from_native(frame, eager_only=True)
        return dict(wide.schema), len(wide), list(wide.head(5).iter_rows(named=True))

    return {"sample": sample}


def _polars_stats() -> dict[str, Any]:
    """Return the names of one select of all that a description has; the most frequent values come on top of it."""
    import polars as pl
    import polars.selectors as cs

    def stats(frame: Any) -> Any:
        every, numbers, texts = pl.all(), cs.numeric(), cs.string()
        quantiles = [numbers.quantile(share, "linear").name.suffix(f"_{share}") for share in SHARES]
        return frame.select(
            every.null_count().name.suffix("_nulls"),
            every.min().name.suffix("_min"),
            every.max().name.suffix("_max"),
            pl.exclude(pl.Boolean).approx_n_unique().name.suffix("_distinct"),
            numbers.mean().name.suffix("_mean"),
            numbers.std().name.suffix("_deviation"),
            *quantiles,
            texts.str.len_chars().min().name.suffix("_shortest"),
            texts.str.len_chars().mean().name.suffix("_length"),
            texts.str.len_chars().max().name.suffix("_longest"),
        )

    return {"stats": stats}


def _pandas_stats() -> dict[str, Any]:
    def stats(frame: Any) -> Any:
        return {
            name: (int(column.isna().sum()), column.dropna().min(), column.dropna().max(), column.nunique())
            for name, column in frame.items()
        } | {"numbers": frame.select_dtypes("number").describe(percentiles=list(SHARES))}

    return {"stats": stats}


def _duckdb_stats() -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()

    def stats(frame: Any) -> Any:
        connection.register("frame", frame)
        return connection.execute("summarize frame").fetchall()

    return {"stats": stats}


def works(quick: bool) -> list[Work]:
    rows = 1_000 if quick else ROWS
    return [_sample("polars", polars_frame, rows, 0.15), _sample("pandas", pandas_frame, rows, 0.8), *_stats(rows)]


def _sample(kind: str, make: Make, rows: int, limit: float) -> Work:
    native = _polars_native if kind == "polars" else _pandas_native
    return Work(
        f"snapshot of {rows:,} × 12, {kind}",
        "ms",
        [
            Contender("odibi-core", _on(make, rows, "describe(frame)", _describe), "ours", "every value made plain"),
            Contender("odibi-core, Tracker.snapshot", _tracked(make, rows), note="described, redacted, written"),
            Contender("odibi-core, level auto", _on(make, rows, "describe(frame, 'auto')", _describe), note=AUTO),
            Contender(f"{kind} itself", _on(make, rows, "sample(frame)", native), note="schema, rows, 5 rows as dicts"),
            Contender("narwhals", _on(make, rows, "sample(frame)", _narwhals), note="the same, through narwhals"),
        ],
        [Target(limit)],
    )


def _stats(rows: int) -> list[Work]:
    ours = "describe(frame, level='stats')"
    one_select = Contender("polars, one select", _on(polars_frame, rows, "stats(frame)", _polars_stats))
    summarize = "SUMMARIZE, which does more"
    return [
        Work(
            f"statistics of {rows:,} × 12, polars",
            "ms",
            [Contender("odibi-core", _on(polars_frame, rows, ours, _describe), "ours"), one_select],
            [Target(1.1, one_select.name, "ratio")],
            loops=1,
            rounds=5,
        ),
        Work(
            f"statistics of {rows:,} × 12, pandas",
            "ms",
            [
                Contender("odibi-core", _on(pandas_frame, rows, ours, _describe), "ours"),
                Contender(
                    "pandas itself",
                    _on(pandas_frame, rows, "stats(frame)", _pandas_stats),
                    note="exact distinct, no lengths",
                ),
                Contender("DuckDB", _on(pandas_frame, rows, "stats(frame)", _duckdb_stats), note=summarize),
            ],
            [Target(1.0, "pandas itself", "ratio")],
            loops=1,
            rounds=3,
        ),
    ]
