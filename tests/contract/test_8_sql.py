"""Section 8 of the contract: SQL over the log, and nothing but the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import QueryError
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.store.runs import RunStore
from odibi_core.store.sql import query_files
from odibi_core.testing import FakeClock, an_event

Ask = Callable[[str], list[dict[str, Any]]]


def course_events(say: Callable[..., Any]) -> None:
    """What a course's pipeline logs: two stages in both spellings, and circuits."""
    for number in range(40):
        say(
            "stage_completed",
            component="normalize",
            recordsIn=100,
            recordsOut=90 + number % 10,
            elapsedMs=300.0 + 10 * number,
        )
        say("stage_completed", component="load", records_in=10, records_out=10, elapsed_ms=9000.0)
        state = "open" if number % 4 == 0 else "closed"
        say("circuit_state_change", circuitName=f"c{number % 8 // 4}", oldState="closed", newState=state)


@pytest.fixture(params=["logger", "runs"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Over a logger's rotated files, and over the segments of past runs."""
    if request.param == "logger":
        logger = StructuredLogger("course", log_dir=tmp_path, max_file_size_mb=0.005)
        course_events(logger.info)
        assert len(list(tmp_path.iterdir())) > 3
        return logger.sql
    store, clock = RunStore(tmp_path), FakeClock()
    for run in ("one", "two"):
        journal = store.open(store.new_run_id(run, clock.now()), segment_bytes=4000)

        def say(kind: str, journal: Any = journal, run: str = run, **fields: Any) -> None:
            if (fields.get("component") == "normalize") == (run == "one"):
                clock.advance(1)
                journal(an_event(kind, timestamp=clock.now(), run_id=run, **fields))

        course_events(say)
        journal.close()
    paths = [path for run_id in store.ids() for path in store.segments(run_id)]
    return lambda query: query_files(query, paths).rows


def test_average_elapsed_ms_of_one_component_over_500(ask: Ask) -> None:
    """The first question, in snake_case, over fields that were logged in camelCase."""
    query = (
        "select avg(elapsed_ms) as average from logs "
        "where event = 'stage_completed' and component = 'normalize' and elapsed_ms > 500"
    )
    assert ask(query) == [{"average": 600.0}]


def test_count_of_circuit_state_changes_to_open_by_circuit_name(ask: Ask) -> None:
    """The second question."""
    query = (
        "select circuitName, count(*) as n from logs "
        "where event_type = 'circuit_state_change' and newState = 'open' group by circuitName order by circuitName"
    )
    assert ask(query) == [{"circuitName": "c0", "n": 5}, {"circuitName": "c1", "n": 5}]


def test_records_out_over_records_in_over_time_of_one_component(ask: Ask) -> None:
    """The third question."""
    query = (
        "select timestamp, recordsOut::float / recordsIn as ratio from logs "
        "where event = 'stage_completed' and component = 'normalize' order by timestamp"
    )
    rows = ask(query)
    assert [round(row["ratio"], 2) for row in rows[:3]] == [0.9, 0.91, 0.92]
    assert len(rows) == 40
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)


def test_camel_case_and_snake_case_are_the_same_column_whichever_was_logged(ask: Ask) -> None:
    """Both spellings of both stages' fields, in one question."""
    query = "select sum(recordsIn) as a, sum(records_in) as b, sum(RECORDS_IN) as c from logs where event = event_type"
    assert ask(query) == [{"a": 4400, "b": 4400, "c": 4400}]


REFUSED = [
    "drop table raw",
    "delete from raw",
    "insert into raw values (1)",
    "update raw set level = 'x'",
    "create table t (a int)",
    "alter table raw drop level",
    "select 1; select 2",
    "select 1; drop table raw",
    "",
    ";",
    "-- only a comment",
    "set memory_limit = '100GB'",
    "reset memory_limit",
    "pragma version",
    "attach ':memory:' as x",
    "detach memory",
    "copy logs to 'stolen.csv'",
    "copy (select 1) to 'stolen.csv'",
    "export database 'stolen'",
    "import database 'x'",
    "install httpfs",
    "load httpfs",
    "call pragma_version()",
    "prepare q as select 1",
    "execute q",
    "begin",
    "checkpoint",
    "vacuum",
    "explain select 1",
    "use memory",
    "create macro m() as 1",
    "create secret (type s3)",
    "select * from read_text('secret.txt')",
    "select * from read_csv('secret.txt')",
    "select * from read_blob('secret.txt')",
    "select * from read_json('secret.txt')",
    "select * from read_parquet('secret.txt')",
    "select * from 'secret.txt'",
    "select * from 'secret.csv'",
    "select * from glob('*')",
    "select * from glob('/*')",
    "select * from sniff_csv('secret.txt')",
    "select * from parquet_scan('secret.txt')",
    "select * from read_csv('https://example.com/x.csv')",
    "select * from sqlite_scan('secret.txt', 't')",
    "select getenv('HOME')",
    "with t as (select * from read_text('secret.txt')) select * from t",
    "select (select content from read_text('secret.txt'))",
    "select * from query('select * from read_text(''secret.txt'')')",
    "select * from query('drop table raw')",
    "select * from duckdb_secrets()",
    "select * from local_frame",
]


@pytest.mark.parametrize("query", REFUSED)
def test_everything_that_is_not_one_select_over_the_log_is_refused(query: str, tmp_path: Path) -> None:
    """No file, no network, no setting, no environment, no Python variable: an error, and nothing happened."""
    Path("secret.txt").write_text("canary,1\n")
    Path("secret.csv").write_text("canary,1\n")
    local_frame = [1]
    logger = StructuredLogger("x", log_dir=tmp_path)
    logger.info("a")
    with pytest.raises(QueryError) as refused:
        logger.sql(query)
    assert "canary" not in str(refused.value)
    assert sorted(path.name for path in Path().iterdir()) == ["secret.csv", "secret.txt"]
    assert logger.sql("select count(*) as n from logs") == [{"n": 1}]
    assert local_frame == [1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select elapsed_m from logs", "no field 'elapsed_m' (did you mean 'elapsed_ms'?)"),
        ("select l.elapsed_m from logs l", "no field 'elapsed_m' (did you mean 'elapsed_ms'?)"),
        ("selec 1", "syntax error"),
        ("select * from log", "log"),
        ("select nosuch(1) from logs", "nosuch"),
        ("select level + 1 from logs", "No function matches"),
        ("select 1; select 2", "one SELECT at a time; given were 2"),
        ("drop table raw", "SELECT only; given was DROP"),
    ],
)
def test_an_error_says_what_is_wrong_and_what_is_near(query: str, said: str, tmp_path: Path) -> None:
    """One sentence, no traceback of another library."""
    logger = StructuredLogger("x", log_dir=tmp_path)
    logger.info("a", elapsed_ms=5)
    with pytest.raises(QueryError) as error:
        logger.sql(query)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
