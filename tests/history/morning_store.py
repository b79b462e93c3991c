"""A store for the fifty questions: eleven days of two pipelines and of a program, with known faults.

    nightly, 1 to 10 March, at 04:00, for the day before.
        Day 5 fails in `clean`, and a second run at 05:00 succeeds. There is no run on day 7.
        From day 8 `join` has other code and another commit, and loses two in five rows.
        From day 9 `clean` finds missing prices, and `read_orders` reads the file of day 8 again.
        Day 10 has another limit, another pandas, another host, and a slow `clean`.
    hourly, on 10 March from 00:00 to 05:00. The last run is lost.
    service, on 10 March: the log lines of a stream with circuit breakers.
    stream, on 10 March at 07:00: it still runs, on another host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.history.stores import event_with_seq, write_run

from odibi_core import Orchestrator, Step
from odibi_core.events import Event, encode
from odibi_core.testing import an_event

Emit = Callable[..., Event]

NOW = "timestamp '2026-03-10 08:00:00'"
"""The morning after, in place of `now()::timestamp`."""
_DAYS = [(day, 4, day == 5) for day in range(1, 11) if day != 7]
NIGHTLY = [*_DAYS[:5], (5, 5, False), *_DAYS[5:]]
"""Day, hour, and true for the run that fails."""


def build(root: Path) -> None:
    """Write the store."""
    for day, hour, is_failed in NIGHTLY:
        run_id = f"202603{day:02}T{hour:02}0000-nightly-{day:05x}{hour:03x}"
        write_run(root, run_id, _numbered(_nightly(run_id, day, hour, is_failed)))
    for hour in range(6):
        run_id = f"20260310T{hour:02}0000-hourly-{hour:08x}"
        write_run(root, run_id, _numbered(_hourly(run_id, hour)))
    write_run(root, "20260310T060000-service-00000001", _numbered(_service("20260310T060000-service-00000001")))
    write_run(root, "20260310T070000-stream-00000001", _numbered(_running("20260310T070000-stream-00000001")))
    note = an_event("alert_acknowledged", timestamp=_at(10, 7)(0), alert_id="join-8", user="ada")
    (root / "notes").mkdir()
    (root / "notes" / "events.jsonl").write_bytes(encode(note))


def run_real(root: Path) -> str:
    """Record a run of the orchestrator too, after all others; return its id."""
    steps = [
        Step(name="load", layer="ingest", value=lambda: [{"a": 1}, {"a": 2}], outputs={"out": "raw"}),
        Step(name="half", value=lambda raw: raw[:1], inputs={"raw": "raw"}, outputs={"out": "half"}),
    ]
    return str(Orchestrator(steps, pipeline_name="adhoc", store=root).execute()["run_id"])


def _numbered(events: Iterator[Event]) -> list[Event]:
    return [event_with_seq(event, seq) for seq, event in enumerate(events)]


def _at(day: int, hour: int) -> Callable[[float], datetime]:
    start = datetime(2026, 3, day, hour, tzinfo=UTC)
    return lambda second: start + timedelta(seconds=second)


def _events(run_id: str, day: int, hour: int) -> Emit:
    at = _at(day, hour)

    def event(second: float, kind: str, /, **fields: Any) -> Event:
        return an_event(kind, **{"timestamp": at(second), "run_id": run_id, "writer_id": run_id[-8:], **fields})

    return event


PLAN: list[dict[str, Any]] = [
    {"name": "read_orders", "layer": "ingest", "outputs": {"out": "orders"}, "source_hash": "o1"},
    {"name": "read_customers", "layer": "ingest", "outputs": {"out": "customers"}, "source_hash": "k1"},
    {
        "name": "clean", "layer": "transform", "inputs": {"x": "orders"}, "outputs": {"out": "tidy"},
        "depends_on": ["read_orders"], "source_hash": "c1", "source_file": "nightly.py", "source_line": 20,
    },
    {
        "name": "join", "layer": "transform", "inputs": {"x": "tidy", "y": "customers"}, "outputs": {"out": "sales"},
        "depends_on": ["clean", "read_customers"], "source_file": "nightly.py", "source_line": 40,
    },
    {
        "name": "publish", "layer": "publish", "inputs": {"x": "sales"}, "outputs": {"out": "report"},
        "depends_on": ["join"], "source_hash": "p1",
    },
]  # fmt: skip


def _complete(event: Emit, second: float, step: str, rows: int, took: float, **fields: Any) -> Event:
    known = {"node_name": step, "status": "success", "row_count": rows, "duration_ms": took}
    return event(second, "node_complete", **known, **fields)


def _frame(event: Emit, second: float, step: str, dataset: str, rows: int, *columns: dict[str, Any]) -> Event:
    schema = [{"column": column["column"], "type": column.pop("type", "Int64")} for column in map(dict, columns)]
    stats = [{name: value for name, value in column.items() if name != "type"} for column in columns]
    about = {"when": "after", "dataset": dataset, "schema": schema, "column_count": len(schema), "stats": stats}
    return event(second, "snapshot", node_name=step, row_count=rows, metadata={"stats_rows": rows}, **about)


def _nightly(run_id: str, day: int, hour: int, is_failed: bool) -> Iterator[Event]:
    event = _events(run_id, day, hour)
    orders = 1000 + 10 * day
    tidy = orders - 10
    sales = tidy * 3 // 5 if day >= 8 else tidy
    for_day = f"2026-03-{day - 1:02}" if day > 1 else "2026-02-28"
    yield event(
        0, "pipeline_start", pipeline_name="nightly", engine="pandas", steps=5, partition=for_day,
        params={"day": for_day, "limit": 500 if day == 10 else 100}, tags={"team": "sales"},
        command=f"odibi run nightly.py --partition {for_day}", host="web2" if day == 10 else "web1", pid=100 + day,
        git={"commit": "c2" if day >= 8 else "c1", "branch": "main", "dirty": day == 9},
        packages={"pandas": "2.3" if day == 10 else "2.2", "polars": "1.0"}, python="3.11.9", os_user="etl",
        environment={"REGION": "eu"}, system="Linux x86_64",
    )  # fmt: skip
    join_source = {"source_hash": "j2" if day >= 8 else "j1"}
    steps = [step | join_source if step["name"] == "join" else step for step in PLAN]
    yield event(0, "pipeline_plan", steps=steps)
    yield from _read(event, day, for_day, orders)
    yield event(4, "node_start", node_name="clean", layer="transform")
    if is_failed:
        error = {"error": "bad price: 'n/a'", "error_type": "ValueError", "error_id": "e5", "level": "error"}
        yield event(5, "node_failed", node_name="clean", status="failed", duration_ms=1000.0, **error)
        for step in ("join", "publish"):
            yield event(5, "node_skipped", node_name=step, status="skipped", reason="clean failed")
        yield event(6, "alert_raised", level="error", message="nightly failed", rule="failed", severity="error")
        yield event(6, "pipeline_error", pipeline_name="nightly", status="failed", duration_ms=6000.0, **error)
        return
    yield from _clean(event, day, tidy)
    yield from _join(event, day, tidy, sales)
    yield event(15, "node_start", node_name="publish", layer="publish")
    yield event(
        15.5, "file_access", node_name="publish", access="write", uri="/data/sales.parquet", dataset="report",
        format="parquet", bytes=50 * sales, row_count=sales,
    )  # fmt: skip
    cost = {"estimated_cost_usd": 1.5 if day == 4 else 0.05, "bytes_processed": 50 * sales}
    yield event(15.6, "cost", node_name="publish", operation="load", **cost)
    yield _complete(event, 16, "publish", sales, 1000.0, layer="publish")
    unusual = {8: 1, 10: 2}.get(day, 0)
    yield from _alerts(event, day)
    yield event(
        17, "pipeline_complete", pipeline_name="nightly", status="success", unusual=unusual, overhead_pct=0.4,
        overhead_ms=60.0, duration_ms=22000.0 if day == 10 else 15000.0 + 100 * day,
    )  # fmt: skip


def _read(event: Emit, day: int, for_day: str, orders: int) -> Iterator[Event]:
    yield event(1, "node_start", node_name="read_orders", layer="ingest")
    file = 8 if day >= 9 else day
    yield event(
        1.5, "file_access", node_name="read_orders", access="read", uri=f"s3://shop/orders/{for_day}.csv",
        dataset="orders", format="csv", bytes=10_000 + 100 * file, modified=f"2026-03-{file:02}T01:00:00Z",
        etag=f"v{file}", row_count=orders,
    )  # fmt: skip
    if day == 6:
        yield event(1.8, "node_retry", level="warning", node_name="read_orders", attempt=1, error="timed out")
        yield event(1.9, "node_start", node_name="read_orders", layer="ingest", attempt=2)
    about = {"memory_mb": 100.0 + day, "attempts": 2 if day == 6 else 1}
    yield _complete(event, 2, "read_orders", orders, 1000.0, layer="ingest", **about)
    yield event(3, "node_start", node_name="read_customers", layer="ingest")
    yield _complete(event, 3.5, "read_customers", 100, 500.0, layer="ingest")


def _clean(event: Emit, day: int, tidy: int) -> Iterator[Event]:
    nulls = tidy // 10 if day >= 9 else 0
    mean = 9.0 if day == 10 else 20.0
    yield _frame(
        event, 5, "clean", "tidy", tidy,
        {"column": "order_id", "nulls": 0, "distinct": tidy},
        {"column": "price", "type": "Float64", "nulls": nulls, "mean": mean, "min": 1, "max": 100},
        {"column": "country", "type": "String", "nulls": 0, "distinct": 6 if day == 10 else 5},
    )  # fmt: skip
    yield event(5, "check_result", node_name="clean", check="unique", column="order_id", passed=True, total_rows=tidy)
    yield event(
        5, "check_result", node_name="clean", check="not_null", column="price", passed=nulls == 0, severity="warn",
        failed_rows=nulls, total_rows=tidy, message=f"{nulls} missing values of price",
    )  # fmt: skip
    fresh = None if day == 6 else True
    yield event(5, "check_result", node_name="clean", check="fresh", column="updated", passed=fresh)
    took = 9000.0 if day == 10 else 2000.0
    yield _complete(event, 6, "clean", tidy, took)


def _join(event: Emit, day: int, tidy: int, sales: int) -> Iterator[Event]:
    yield event(10, "node_start", node_name="join", layer="transform")
    yield event(
        10.5, "join_match", node_name="join", left="tidy", right="customers", keys=["customer_id"],
        left_match_rate=0.6 if day >= 8 else 1.0, right_match_rate=1.0, fan_out_left=1.0, fan_out_right=9.9,
    )  # fmt: skip
    name = "customer" if day >= 8 else "cust"
    yield _frame(event, 12, "join", "sales", sales, {"column": "order_id", "nulls": 0}, {"column": name, "nulls": 0})
    yield _complete(event, 13, "join", sales, 3000.0)


def _alerts(event: Emit, day: int) -> Iterator[Event]:
    warning = {"level": "warning", "compared_runs": 7}
    if day == 8:
        yield event(
            16, "anomaly", node_name="join", alert_id="join-8", family="join", series="join.match_rate", actual=0.6,
            expected=1.0, low=0.98, high=1.0, likelihood=0.001, message="join matched 60 % of tidy", **warning,
        )  # fmt: skip
    if day == 10:
        yield event(
            16, "anomaly", node_name="clean", alert_id="clean-10", family="duration", series="clean.duration_ms",
            actual=9000, expected=2000, low=1500, high=2600, likelihood=0.0001, message="clean took 9 s", **warning,
        )  # fmt: skip
        yield event(
            16, "anomaly", node_name="publish", alert_id="publish-10", family="duration", series="publish.start",
            actual=15, expected=8, follows_from="clean-10", message="publish began late", **warning,
        )  # fmt: skip


def _hourly(run_id: str, hour: int) -> Iterator[Event]:
    event = _events(run_id, 10, hour)
    about = {"engine": "polars", "steps": 1, "tags": {"team": "web"}, "host": "web1"}
    yield event(0, "pipeline_start", pipeline_name="hourly", **about)
    yield event(0, "pipeline_plan", steps=[{"name": "pull", "layer": "ingest", "outputs": {"out": "clicks"}}])
    yield event(1, "node_start", node_name="pull", layer="ingest")
    if hour == 5:
        yield event(2, "run_lost", level="error", status="lost", pipeline_name="hourly")
        return
    yield _complete(event, 2, "pull", 100 * hour, 1000.0, layer="ingest")
    yield event(3, "metric", metric="queue_depth", name="pull", value=float(hour), kind="gauge", node_name="pull")
    yield event(3, "pipeline_complete", pipeline_name="hourly", status="success", duration_ms=3000.0)


def _running(run_id: str) -> Iterator[Event]:
    yield _events(run_id, 10, 7)(0, "pipeline_start", pipeline_name="stream", host="far-away", pid=7)


def _service(run_id: str) -> Iterator[Event]:
    event = _events(run_id, 10, 6)
    yield event(0, "pipeline_start", pipeline_name="service")
    for number in range(10):
        counts = {"recordsIn": 100, "recordsOut": 90 + number, "elapsedMs": 100.0 * (number + 1)}
        yield event(number + 1, "stage_completed", component="normalize", **counts)
        yield event(number + 1, "stage_completed", component="load", records_in=10, records_out=10, elapsed_ms=5000.0)
    for number in range(8):
        state = "open" if number % 2 == 0 else "closed"
        name = "payments" if number < 6 else "stock"
        yield event(20 + number, "circuit_state_change", circuitName=name, oldState="closed", newState=state)
    for number in range(3):
        yield event(
            30 + number, "error", level="error", error="no route to payments", error_type="ConnectionError",
            component="checkout", error_id=f"s{number}", handled=number > 0,
        )  # fmt: skip
    yield event(40, "message", level="warning", message="cache is cold", component="checkout", user="ada")
    yield event(41, "pipeline_complete", pipeline_name="service", status="success", duration_ms=41_000.0)
