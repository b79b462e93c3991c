"""The fifty questions of `docs/questions.md` have the answers that the store was built with."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.plan import ROOT
from tests.history import morning_store

from odibi_core.history.compaction import compact
from odibi_core.history.history import History
from odibi_core.store.runs import RunStore

PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = {
    int(number): query.replace("now()::timestamp", morning_store.NOW)
    for number, query in re.findall(r"^### (\d+)\. [^\n]+\?\n\n```sql\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL)
}

N4, N5_FAILED, N5, N6 = (
    "20260304T040000-nightly-00004004",
    "20260305T040000-nightly-00005004",
    "20260305T050000-nightly-00005005",
    "20260306T040000-nightly-00006004",
)
N8, N9, N10 = (f"202603{day:02}T040000-nightly-{day:05x}004" for day in (8, 9, 10))
LOST, SERVICE = "20260310T050000-hourly-00000005", "20260310T060000-service-00000001"
STREAM = "20260310T070000-stream-00000001"


def hourly(hour: int) -> tuple[Any, ...]:
    return "hourly", f"20260310T{hour:02}0000-hourly-{hour:08x}", None, "success", f"2026-03-10 {hour:02}:00:00", 3000.0


ANSWERS: dict[int, list[tuple[Any, ...]]] = {
    1: [
        ("stream", STREAM, None, "running", "2026-03-10 07:00:00", 0.0),
        ("service", SERVICE, None, "success", "2026-03-10 06:00:00", 41000.0),
        ("hourly", LOST, None, "lost", "2026-03-10 05:00:00", 1000.0),
        hourly(4),
        ("nightly", N10, "2026-03-09", "success", "2026-03-10 04:00:00", 22000.0),
        *(hourly(hour) for hour in (3, 2, 1, 0)),
    ],
    2: [(LOST, "lost", None), (N5_FAILED, "failed", "bad price: 'n/a'")],
    3: [
        ("hourly", "lost", "2026-03-10 05:00:00", None),
        ("nightly", "success", "2026-03-10 04:00:00", 2),
        ("service", "success", "2026-03-10 06:00:00", None),
        ("stream", "running", "2026-03-10 07:00:00", None),
    ],
    4: [
        ("hourly", "2026-03-10 04:00:00", "20260310T040000-hourly-00000004"),
        ("nightly", "2026-03-10 04:00:00", N10),
        ("service", "2026-03-10 06:00:00", SERVICE),
    ],
    5: [("stream", STREAM, "2026-03-10 07:00:00", "far-away", 7)],
    6: [("hourly", 6, 0.1667), ("nightly", 10, 0.1), ("service", 1, 0.0)],
    7: [("hourly", "web1", None), ("nightly", "web2", "etl"), ("service", None, None), ("stream", "far-away", None)],
    8: [(N5_FAILED, "odibi run nightly.py --partition 2026-03-04")],
    9: [(N5, "2026-03-05 05:00:00", "success"), (N5_FAILED, "2026-03-05 04:00:00", "failed")],
    10: [("2026-03-04", 2, "2026-03-05 05:00:00")],
    11: [("2026-03-06",)],
    12: [("2026-03-09",)],
    13: [("join", 1090, 654, 0.6)],
    14: [
        ("read_orders", 1090, 1100, 10), ("read_customers", 100, 100, 0), ("clean", 1080, 1090, 10),
        ("join", 648, 654, 6), ("publish", 648, 654, 6),
    ],
    15: [("2026-03-08 04:00:00", 3)],
    16: [("2026-03-10", 654, 6), ("2026-03-09", 648, 6), ("2026-03-08", 642, -408)],
    17: [("clean", "customers", '["customer_id"]', 0.6)],
    18: [("2026-03-08", 1.0, 0.6)],
    19: [(N8, 642), (N9, 648), (N10, 654)],
    20: [("hourly", "20260310T000000-hourly-00000000", "pull")],
    21: [("clean", 9000.0, 0.62), ("join", 3000.0, 0.21)],
    22: [("clean", 9000.0, 2000.0, 4.5)],
    23: [("2026-03-10 04:00:00",)],
    24: [
        ("nightly", "join", 27000.0, 3000.0), ("nightly", "clean", 26000.0, 5850.0),
        ("nightly", "read_orders", 10000.0, 1000.0),
    ],
    25: [(60.0, 0.4)],
    26: [(N10, 110.0)],
    27: [(N6, "read_orders", 2)],
    28: [("join", "j1", "j2", "nightly.py", 40)],
    29: [(N8, "c1", "c2")],
    30: [(N9, "c2")],
    31: [("pandas", "2.2", "2.3")],
    32: [("2026-03-08", "join", "sales")],
    33: [("join", "cust", "Int64", None), ("join", "customer", None, "Int64")],
    34: [("2026-03-06",)],
    35: [("limit", "100", "500")],
    36: [(N10, "500")],
    37: [
        ("read", "s3://shop/orders/2026-03-09.csv", 10800, 1100), ("write", "/data/sales.parquet", 32700, 654),
    ],
    38: [("v8", 3, "s3://shop/orders/2026-03-07.csv", "s3://shop/orders/2026-03-09.csv")],
    39: [(N5_FAILED, "read_orders"), (N5, "read_orders")],
    40: [("nightly", 10)],
    41: [("clean", "not_null", "price", N9, 2)],
    42: [("2026-03-08", 108, 0.1), ("2026-03-09", 109, 0.1)],
    43: [(N6, "clean", "fresh")],
    44: [("2026-03-10", 9.0)],
    45: [
        ("ConnectionError", "no route to payments", 3, "2026-03-10 06:00:30", "2026-03-10 06:00:32"),
        ("ValueError", "bad price: 'n/a'", 1, "2026-03-05 04:00:05", "2026-03-05 04:00:05"),
    ],
    46: [("nightly", 1.9, N4)],
    47: [("clean", "clean took 9 s")],
    48: [(800.0,)],
    49: [("payments", 3), ("stock", 1)],
    50: [("2026-03-10 06:00:01", 0.9), ("2026-03-10 06:00:02", 0.91), ("2026-03-10 06:00:03", 0.92)],
}  # fmt: skip


@pytest.fixture(scope="module", params=["hot", "compacted", "half"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    """The same runs as segments, as Parquet, and as both."""
    root = tmp_path_factory.mktemp("morning")
    morning_store.build(root)
    store = RunStore(root)
    if request.param != "hot":
        kept = [] if request.param == "compacted" else list((root / "runs").glob("*hourly*"))
        for path in kept:
            path.rename(root / path.name)
        compact(store)
        for path in kept:
            (root / path.name).rename(path)
        assert len(store.hot_ids()) < len(store.ids())
    return History(root)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    return str(value) if isinstance(value, datetime | date) else value


def test_there_are_fifty() -> None:
    """Numbered without a gap, each with its answer."""
    assert list(QUESTIONS) == list(ANSWERS) == list(range(1, 51))


@pytest.mark.parametrize("number", ANSWERS)
def test_a_question_has_its_answer(number: int, history: History) -> None:
    """The value is that of the store, not only an answer of any kind."""
    rows = history.sql(QUESTIONS[number]).rows
    assert [tuple(map(plain, row.values())) for row in rows] == ANSWERS[number]


def test_a_run_of_the_orchestrator_answers_too(tmp_path: Path) -> None:
    """The questions are asked of a pipeline that really ran."""
    run_id = morning_store.run_real(tmp_path)
    ask = History(tmp_path).sql
    (lost,) = ask(QUESTIONS[13].replace("nightly", "adhoc")).rows
    assert lost == {"node_name": "half", "rows_in": 2, "rows_out": 1, "selectivity": 0.5}
    (state,) = ask("select pipeline_name, run_id, status from latest()").rows
    assert state == {"pipeline_name": "adhoc", "run_id": run_id, "status": "success"}
    assert {row["node_name"] for row in ask(QUESTIONS[21].replace("nightly", "adhoc")).rows} == {"load", "half"}
