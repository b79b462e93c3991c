"""The questions of TPC-H as one pipeline on each engine, recorded, beside the same pipeline without recording.

Eight tables are read from Parquet, twenty-two queries run over them, and each answer is written as Parquet. Decimals
are doubles and days are moments in the files, because pandas has objects for the others. All engines but Spark
execute the queries by DuckDB; what differs is the frames.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.dag import recorders
from benchmarks.harness import Contender, Prepare, Runner, Target, Work, timed
from benchmarks.many_runs import kept
from benchmarks.spark import session
from benchmarks.tpch_queries import QUERIES, TABLES, inputs_of

ENGINES: Final = ("pandas", "polars", "polars-lazy", "duckdb", "pyarrow", "spark")
OFF: Final = "everything off"
_CAST: Final = {"DECIMAL(15,2)": "DOUBLE", "DATE": "TIMESTAMP"}


@cache
def tables_of(scale: float) -> Path:
    """Return the folder with the tables, made at the first call and kept."""
    return kept(Path(tempfile.gettempdir()) / f"odibi-bench-tpch-{scale:g}", lambda root: _generate(root, scale))


def _generate(root: Path, scale: float) -> None:
    import duckdb

    program = Path(sys.executable).with_name("tpchgen-cli")
    if not program.exists():
        raise ModuleNotFoundError("No module named 'tpchgen_cli'")
    raw = root / "raw"
    subprocess.run([program, "parquet", "-s", f"{scale:g}", f"--output-dir={raw}"], check=True, capture_output=True)
    with duckdb.connect() as connection:
        for table in TABLES:
            found = connection.execute(f"describe select * from '{raw}/{table}.parquet'").fetchall()
            columns = ", ".join(f'"{name}"::{_CAST.get(kind, kind)} as "{name}"' for name, kind, *_ in found)
            connection.execute(f"copy (select {columns} from '{raw}/{table}.parquet') to '{root}/{table}.parquet'")


def steps_of(source: Path, target: Path, scale: float, names: Iterable[str] = QUERIES) -> list[Any]:
    """Return the steps: the tables, the queries of these names, and their answers as files."""
    from odibi_core.observability import Step

    queries = {name: QUERIES[name].replace("{scale}", f"{scale:g}") for name in names}
    return [
        *(
            Step(name=table, layer="ingest", value=str(source / f"{table}.parquet"), outputs={"out": table})
            for table in TABLES
        ),
        *(Step(name=name, type="sql", value=query, inputs=inputs_of(query)) for name, query in queries.items()),
        *(
            Step(name=f"write_{name}", layer="publish", value=str(target / f"{name}.parquet"), inputs=[name])
            for name in queries
        ),
    ]


def _run(engine: str, scale: float, names: Iterable[str], *, on: bool) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator

        if engine == "spark":
            session()  # the engine takes the one that there is
        steps = steps_of(tables_of(scale), folder / "answers", scale, names)

        def once() -> None:
            options = recorders(folder, "store and log" if on else "nothing")
            Orchestrator(steps, engine, pipeline_name="tpch", **options).execute()

        yield timed(once)

    return prepare


def works(quick: bool) -> list[Work]:
    """Return a work for each engine."""
    scale, engines, names = (0.01, ENGINES[:-1], [*QUERIES][:3]) if quick else (1.0, ENGINES, [*QUERIES])
    return [
        Work(
            f"TPC-H, scale {scale:g}, {engine}",
            "s",
            [
                Contender("odibi-core", _run(engine, scale, names, on=True), "ours"),
                Contender(OFF, _run(engine, scale, names, on=False), "floor"),
            ],
            [Target(1.03, OFF, "ratio")],
            loops=1,
            rounds=2 if engine == "spark" else 5,
            note=f"{len(names)} queries, 8 tables read, {len(names)} answers written",
        )
        for engine in engines
    ]
