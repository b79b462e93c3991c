"""SQL over 2,000,000 log lines, compacted and hot, against DuckDB on files by hand; and searches through a log."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, timed
from odibi_core.store.sql_duckdb import THREADS

LINES = 2_000_000
QUICK = 4_000
RUNS = 100
NODES = 20
SEARCHED = 1_000_000

LEVEL = "select level, count(*) as n from {logs} group by level order by level"
ERRORS = (
    "select error, count(*) as n from {logs} where level = 'error' and node_name = 'step_3'"
    " group by error order by n desc, error limit 10"
)
P95 = "select node_name, quantile_cont(duration_ms, 0.95) as p95 from {logs} group by node_name order by node_name"
QUERIES = {"count by level": LEVEL, "errors of one node": ERRORS, "p95 by node": P95}
COLUMNS = {
    LEVEL: {"level": "VARCHAR"},
    ERRORS: {"level": "VARCHAR", "node_name": "VARCHAR", "error": "VARCHAR"},
    P95: {"node_name": "VARCHAR", "duration_ms": "DOUBLE"},
}
JQ = {
    LEVEL: ".level",
    ERRORS: 'select(.level == "error" and .node_name == "step_3") | .error',
    P95: '"\\(.node_name) \\(.duration_ms)"',
}


def lines_of(run_id: str, number: int, start: datetime, is_over: bool = True) -> Iterator[bytes]:
    """Yield the lines of a run: its start, `number` log lines of 20 steps, and its end."""
    import msgspec

    encode, chance = msgspec.json.Encoder().encode, random.Random(run_id)
    about = {"run_id": run_id, "writer_id": run_id[-8:]}

    def line(seq: int, kind: str, **fields: Any) -> bytes:
        stamp = (start + timedelta(milliseconds=seq)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return encode({"timestamp": stamp, "level": "info", "event_type": kind, **fields, **about, "seq": seq}) + b"\n"

    yield line(0, "pipeline_start", pipeline_name="nightly", status="running")
    for seq in range(1, number + 1):
        step, took = f"step_{chance.randrange(NODES)}", round(chance.lognormvariate(3, 1), 3)
        fields = {"node_name": step, "duration_ms": took, "memory_mb": 120.5, "batch": seq % 100}
        if chance.random() < 0.1:
            message = f"ValueError: bad value {chance.randrange(50)}"
            yield line(seq, "rows_failed", message=message, error=message, **{**fields, "level": "error"})
        else:
            rows = chance.randrange(10_000)
            yield line(seq, "rows_written", message=f"{step} wrote {rows} rows", row_count=rows, **fields)
    if is_over:
        yield line(number + 1, "pipeline_complete", pipeline_name="nightly", status="success")


def write_store(root: Path, lines: int) -> list[Path]:
    """Write ended runs with so many lines together, and a live one; return the segments."""
    start, paths = datetime(2026, 1, 1, tzinfo=UTC), []
    for number in range(RUNS + 1):
        moment = start + timedelta(hours=number)
        run_id = f"{moment:%Y%m%dT%H%M%S}-nightly-{number:08x}"
        path = root / "runs" / run_id / "events" / "events.jsonl"
        path.parent.mkdir(parents=True)
        is_over = number < RUNS
        with path.open("wb") as file:
            file.writelines(lines_of(run_id, lines // RUNS if is_over else 1_000, moment, is_over))
        paths.append(path)
    return paths


class Stores:
    """The stores and files that all works share, each made at its first use, in a folder that ends with the process."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self._folder = tempfile.TemporaryDirectory(prefix="odibi-bench-query-")

    def _get(self, name: str, make: Callable[[Path], object]) -> Path:
        path = Path(self._folder.name) / name
        if not path.exists():
            path.mkdir()
            make(path)
        return path

    def hot(self) -> Path:
        """Return a store of segments."""
        return self._get("hot", lambda root: write_store(root, self.lines))

    def cold(self) -> Path:
        """Return the same store compacted, but for its live run."""

        def make(root: Path) -> None:
            from odibi_core.history.compaction import compact
            from odibi_core.store.runs import RunStore

            shutil.copytree(self.hot() / "runs", root / "runs")
            report = compact(RunStore(root))
            if report.runs != RUNS:
                raise RuntimeError(f"{report.runs} of {RUNS} runs were compacted")

        return self._get("cold", make)

    def by_hand(self) -> Path:
        """Return one Parquet file of all lines, written by DuckDB."""

        def make(root: Path) -> None:
            import duckdb

            source = f"read_json('{self.hot()}/runs/*/events/*.jsonl', format='newline_delimited', union_by_name=true)"
            with duckdb.connect() as connection:
                connection.execute(
                    f"copy (from {source} order by run_id, event_type, seq) to '{root}/logs.parquet' "
                    "(format parquet, compression zstd)"
                )

        return self._get("by-hand", make) / "logs.parquet"


def query_alone(query: str, store: Callable[[], Path]) -> Prepare:
    """Answer by tables that are open already."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.history.sql.collecting import collected
        from odibi_core.history.sql.opening import opened
        from odibi_core.store.runs import RunStore
        from odibi_core.store.sql_duckdb import run_query

        sql = query.format(logs="logs")
        with opened(sql, collected(RunStore(store()), sql)) as record:
            yield timed(lambda: run_query(record, sql).answer())

    return prepare


def ours(query: str, store: Callable[[], Path]) -> Prepare:
    """Answer by `odibi_core.history(store).sql`: listing the files, opening the tables, and the query."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.history.history import History

        history, sql = History(store()), query.format(logs="logs")
        yield timed(lambda: history.sql(sql).rows)

    return prepare


def _connected() -> Any:
    import duckdb

    return duckdb.connect(config={"threads": str(min(THREADS, os.cpu_count() or 1))})


def duckdb_alone(query: str, source: Callable[[], str]) -> Prepare:
    """Answer by an open connection of DuckDB, with as many threads."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        sql = query.format(logs=source())
        with _connected() as connection:
            yield timed(lambda: connection.execute(sql).fetchall())

    return prepare


def duckdb_on(query: str, source: Callable[[], str]) -> Prepare:
    """Answer by a new connection of DuckDB on files."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        sql = query.format(logs=source())

        def ask() -> object:
            with _connected() as connection:
                return connection.execute(sql).fetchall()

        yield timed(ask)

    return prepare


def jq_on(query: str, store: Callable[[], Path]) -> Prepare:
    """Select the values by jq alone; counting them would come on top."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        program = shutil.which("jq")
        if program is None:
            raise FileNotFoundError("jq is not installed")
        paths = sorted(map(str, store().glob("runs/*/events/*.jsonl")))
        yield timed(lambda: subprocess.run([program, "-r", JQ[query], *paths], stdout=subprocess.DEVNULL, check=True))

    return prepare


def command(store: Callable[[], Path], *arguments: str) -> Prepare:
    """Run `odibi sql` as a user does."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        words = [sys.executable, "-m", "odibi_core", "sql", *arguments, "--store", str(store())]
        yield timed(lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True))

    return prepare


def python(code: str) -> Prepare:
    """Run a Python program of its own."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        yield timed(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    return prepare


def _of_lines(query: str) -> Callable[[Stores], Callable[[], str]]:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS[query].items())

    def of(stores: Stores) -> Callable[[], str]:
        return lambda: (
            f"read_json('{stores.hot()}/runs/*/events/*.jsonl', format='newline_delimited', "
            f"columns={{{columns}}}, ignore_errors=true)"
        )

    return of


def works(quick: bool) -> list[Work]:
    lines = QUICK if quick else LINES
    stores = Stores(lines)
    parquet, jsonl = "DuckDB on Parquet by hand", "DuckDB on the lines, columns by hand"
    found = []
    for name, query in QUERIES.items():
        cold = [
            Contender("odibi-core", query_alone(query, stores.cold), "ours", "live run included"),
            Contender(parquet, duckdb_alone(query, lambda: f"'{stores.by_hand()}'")),
        ]
        found.append(
            Work(
                f"{name}, compacted, the query alone",
                "ms",
                cold,
                [Target(1.3, parquet, "ratio")],
                note=f"{lines:,} lines",
            )
        )
    for name, query in QUERIES.items():
        hot = [
            Contender("odibi-core", ours(query, stores.hot), "ours", "damage counted, every spelling of a field"),
            Contender(jsonl, duckdb_on(query, _of_lines(query)(stores))),
            Contender("jq", jq_on(query, stores.hot), note="the values alone, without counting them"),
        ]
        found.append(
            Work(
                f"{name}, all hot", "ms", hot, [Target(1.5, jsonl, "ratio")], loops=1, rounds=3, note=f"{lines:,} lines"
            )
        )
    return [*found, _command(stores), _search(SEARCHED // 50 if quick else SEARCHED)]


def _command(stores: Stores) -> Work:
    floor = "python -c 'import duckdb'"
    return Work(
        "odibi sql of one row, the whole command",
        "ms",
        [
            Contender("odibi-core", command(stores.cold, "select 1"), "ours", "a process of its own for the query"),
            Contender(floor, python("import duckdb; duckdb.connect().execute('select 1').fetchall()"), "floor"),
        ],
        [Target(200, None, "absolute")],
        loops=1,
    )


def _search(lines: int) -> Work:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.logs.structured_logger import StructuredLogger

        logger = StructuredLogger("log", log_dir=folder)
        assert logger.log_file is not None
        with logger.log_file.open("ab") as file:
            file.writelines(lines_of("one", lines, datetime(2026, 1, 1, tzinfo=UTC)))
        yield timed(lambda: logger.query_logs(event_type="rows_failed", node_name="step_3", limit=None))
        logger.close()

    contenders = [Contender("odibi-core", prepare, "ours", "one in 200 lines matches; all are returned")]
    return Work(
        f"query_logs by kind and node in {lines:,} lines", "s", contenders, [Target(1.0, None, "absolute")], loops=1
    )
