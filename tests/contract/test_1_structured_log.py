"""Section 1 of the contract, row by row: the structured log."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from odibi_core.event_bus import EventBus
from odibi_core.logs.structured_logger import LogLevel, StructuredLogEntry, StructuredLogger

STANDARD = [
    "timestamp",
    "level",
    "event_type",
    "message",
    "node_name",
    "layer",
    "engine",
    "status",
    "duration_ms",
    "error",
    "cache_hit",
    "row_count",
    "memory_mb",
    "user",
    "metadata",
    "run_id",
    "correlation_id",
    "operation",
    "component",
    "writer_id",
    "seq",
]


@pytest.fixture
def logger(tmp_path: Path) -> StructuredLogger:
    return StructuredLogger("nightly", log_dir=tmp_path)


def last(logger: StructuredLogger) -> dict[str, Any]:
    """The last line of the file, as any other program reads it."""
    assert logger.log_file is not None
    return dict(json.loads(logger.log_file.read_text("utf-8").splitlines()[-1]))


def test_the_constructor_takes_name_log_dir_max_file_size_mb_user_bus_stream() -> None:
    """With the contract's defaults."""
    parameters = inspect.signature(StructuredLogger).parameters
    assert list(parameters)[:6] == ["name", "log_dir", "max_file_size_mb", "user", "bus", "stream"]
    assert (parameters["log_dir"].default, parameters["max_file_size_mb"].default) == ("logs", 100)
    assert parameters["bus"].kind is parameters["stream"].kind is inspect.Parameter.KEYWORD_ONLY


def test_it_creates_log_dir_and_at_once_the_stamped_file(tmp_path: Path) -> None:
    """`<name>_<YYYYmmdd_HHMMSS>.jsonl`; `.log_file` is its `Path`; the default folder is `logs`."""
    logger = StructuredLogger("nightly", log_dir=tmp_path / "a" / "b")
    assert isinstance(logger.log_file, Path)
    assert logger.log_file.is_file()
    assert logger.log_file.parent == tmp_path / "a" / "b"
    assert re.fullmatch(r"nightly_\d{8}_\d{6}\.jsonl", logger.log_file.name)
    default = StructuredLogger("x").log_file
    assert default is not None
    assert default.parent == Path("logs").absolute()


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "../../etc/passwd",
        "a\nb",
        "",
        ".",
        "x" * 300,
        "ünïcode",
        "a\x00b",
        "\ud800",
        "CON",
        "a b",
        "-rf",
        "~",
        "a.p1",
    ],
)
def test_an_unsafe_name_gives_one_safe_file_inside_log_dir(name: str, tmp_path: Path) -> None:
    """Separators, newlines, 300 characters: data, never a path."""
    logger = StructuredLogger(name, log_dir=tmp_path / "logs")
    logger.info("x")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [logger.log_file]
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.jsonl", files[0].name)
    assert len(logger.query_logs()) == len(logger.query_logs(scope="all")) == 1


def test_two_names_never_share_a_file(tmp_path: Path) -> None:
    """Also those that look alike once they are made safe; nor do two loggers of one name."""
    names = ["a/b", "a\\b", "a b", "a-b", "a:b", "a-b"]
    loggers = [StructuredLogger(name, log_dir=tmp_path) for name in names]
    assert len({logger.log_file for logger in loggers}) == len(names)


def test_one_json_object_a_line_with_the_standard_fields_in_order(logger: StructuredLogger) -> None:
    """UTF-8; ISO 8601 in UTC; then any other keyword as it was given."""
    logger.info(
        "x",
        message="ü",
        node_name="n",
        layer="l",
        engine="pandas",
        status="running",
        duration_ms=1.5,
        error="e",
        cache_hit=True,
        row_count=1,
        metadata={"k": [1]},
        run_id="r",
        correlation_id="c",
        operation="o",
        user="u",
        zebra=1,
        apple=[2, {"a": None}],
    )
    line = last(logger)
    assert list(line) == [*STANDARD, "zebra", "apple"]
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    assert (line["level"], line["event_type"], line["apple"], line["metadata"]) == (
        "info",
        "x",
        [2, {"a": None}],
        {"k": [1]},
    )
    assert b"\xc3\xbc" in (logger.log_file or Path()).read_bytes()


def test_structured_log_entry_is_the_record_of_a_line(logger: StructuredLogger) -> None:
    """With the standard fields as attributes."""
    logger.info("x", node_name="n")
    entry = next(iter(logger.store.read()))
    assert isinstance(entry, StructuredLogEntry)
    assert [getattr(entry, name, "absent") for name in STANDARD].count("absent") == 0
    assert entry.node_name == "n"


ENTRY = ("2026-01-31T04:00:00Z", "info", "node_complete", "Node 'a' completed in 1.50ms", "a", "ingest", "pandas",
         "success", 1.5, None, False, 10, 64.5, "jane", {"k": 1})  # fmt: skip


def test_structured_log_entry_is_made_by_position_and_by_keyword() -> None:
    """In the order of the standard fields; `dataclasses.asdict()` and `fields()` work."""
    entry = StructuredLogEntry(*ENTRY)  # type: ignore[arg-type]
    assert entry == StructuredLogEntry(**dict(zip(STANDARD, ENTRY, strict=False)))  # type: ignore[arg-type]
    assert list(dataclasses.asdict(entry).items())[: len(ENTRY)] == list(zip(STANDARD, ENTRY, strict=False))
    assert [field.name for field in dataclasses.fields(StructuredLogEntry)][: len(STANDARD)] == STANDARD
    assert json.loads(json.dumps(dataclasses.asdict(entry)))["node_name"] == "a"


def test_structured_log_entry_needs_no_more_than_its_first_three() -> None:
    """Everything else is None until it is known."""
    entry = StructuredLogEntry(timestamp=datetime.now(UTC), level=LogLevel.INFO, event_type="x")
    assert (entry.level, entry.message, entry.row_count) == ("info", None, None)


def test_an_entry_that_was_read_becomes_a_dict_too(logger: StructuredLogger) -> None:
    """`asdict` of a line's own record."""
    logger.log_node_complete("n", 12.5, rows=3)
    (entry,) = logger.store.read()
    assert dataclasses.asdict(entry).items() >= {"node_name": "n", "row_count": 3, "duration_ms": 12.5}.items()


def test_log_level_is_a_str_enum() -> None:
    """`debug info warning error critical`."""
    assert [level.value for level in LogLevel] == ["debug", "info", "warning", "error", "critical"]
    assert all(isinstance(level, str) for level in LogLevel)


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]] = {
    "log_node_start": (
        ("n", "ingest"),
        {"metadata": {"a": 1}},
        {
            "event_type": "node_start",
            "level": "info",
            "status": "running",
            "node_name": "n",
            "layer": "ingest",
            "engine": "pandas",
            "metadata": {"a": 1},
        },
    ),
    "log_node_complete": (
        ("n", 12.5),
        {"rows": 3},
        {
            "event_type": "node_complete",
            "level": "info",
            "status": "success",
            "row_count": 3,
            "duration_ms": 12.5,
            "cache_hit": False,
        },
    ),
    "log_node_failed": (
        ("n", "bad"),
        {"duration_ms": 2, "layer": "l"},
        {
            "event_type": "node_failed",
            "level": "error",
            "status": "failed",
            "error": "bad",
            "duration_ms": 2,
            "layer": "l",
        },
    ),
    "log_cache_hit": (
        ("n", "k"),
        {},
        {"event_type": "cache_hit", "level": "info", "cache_hit": True, "cache_key": "k"},
    ),
    "log_cache_miss": (
        ("n", "k"),
        {},
        {"event_type": "cache_miss", "level": "info", "cache_hit": False, "cache_key": "k"},
    ),
    "log_pipeline_start": (
        ("p",),
        {},
        {"event_type": "pipeline_start", "level": "info", "status": "running", "pipeline_name": "p"},
    ),
    "log_pipeline_complete": (
        ("p", 100, 3, 0),
        {},
        {
            "event_type": "pipeline_complete",
            "level": "info",
            "status": "success",
            "success_count": 3,
            "failed_count": 0,
            "duration_ms": 100,
        },
    ),
    "log_error": (
        ("loader", "bad"),
        {"layer": "l"},
        {"event_type": "error", "level": "error", "node_name": "loader", "error": "bad"},
    ),
}


@pytest.mark.parametrize("method", CALLS)
def test_each_call_writes_its_event_type_level_and_status(method: str, logger: StructuredLogger) -> None:
    """The table of the contract."""
    positional, named, expected = CALLS[method]
    getattr(logger, method)(*positional, **named)
    line = last(logger)
    assert {name: line.get(name) for name in expected} == expected


WORDS: dict[str, tuple[tuple[Any, ...], str]] = {
    "log_node_start": (("read_data", "ingest"), "Node 'read_data' started"),
    "log_node_complete": (("read_data", 125.5), "Node 'read_data' completed in 125.50ms"),
    "log_node_failed": (("read_data", "no file"), "Node 'read_data' failed: no file"),
    "log_cache_hit": (("read_data", "k"), "Cache hit for node 'read_data'"),
    "log_cache_miss": (("read_data", "k"), "Cache miss for node 'read_data'"),
    "log_pipeline_start": (("daily",), "Pipeline 'daily' started"),
    "log_pipeline_complete": (("daily", 1000, 3, 0), "Pipeline 'daily' completed in 1000.00ms"),
    "log_error": (("transform", "bad row"), "Error in transform: bad row"),
    "info": (("orders_loaded",), "orders_loaded"),
}


@pytest.mark.parametrize("method", WORDS)
def test_message_is_on_every_line_in_the_older_systems_words(method: str, logger: StructuredLogger) -> None:
    """In the file as in the answer of a query."""
    arguments, words = WORDS[method]
    getattr(logger, method)(*arguments)
    assert last(logger)["message"] == logger.query_logs()[0]["message"] == words


def test_a_message_is_bounded_whatever_it_is_made_of(logger: StructuredLogger) -> None:
    """A name or an error that is too long stands in its field whole, and in the message cut."""
    logger.log_node_failed("n" * 3000, "e" * 3000)
    logger.log_error("c" * 3000, "e" * 3000)
    assert all(len(line["message"]) < 1300 for line in logger.query_logs())
    assert {len(line["error"]) for line in logger.query_logs()} == {3000}


def test_a_message_that_was_given_stays(logger: StructuredLogger) -> None:
    """The words stand in for none."""
    logger.info("node_start", node_name="a", message="off we go")
    assert last(logger)["message"] == "off we go"


def test_log_takes_level_event_type_message_and_fields(logger: StructuredLogger) -> None:
    """`.log(level, event_type, message, **fields)`, by position and by keyword, with the enum or its text."""
    logger.log(LogLevel.WARNING, "slow_query", "took long", table="orders")
    line = last(logger)
    assert (line["level"], line["event_type"], line["message"], line["table"]) == (
        "warning", "slow_query", "took long", "orders",
    )  # fmt: skip
    logger.log(level="ERROR", event_type="x", message="m")
    assert (last(logger)["level"], last(logger)["message"]) == ("error", "m")
    logger.log("info", "only_this")
    assert last(logger)["message"] == "only_this"
    logger.set_level("error")
    logger.log("info", "below")
    assert last(logger)["event_type"] == "only_this"


def test_log_dir_and_max_file_size_mb_can_be_read(tmp_path: Path) -> None:
    """As they were given."""
    logger = StructuredLogger("x", log_dir=str(tmp_path), max_file_size_mb=2.5)
    assert (logger.log_dir, logger.max_file_size_mb) == (tmp_path, 2.5)
    assert StructuredLogger("x", stream=io.StringIO()).log_dir is None


@pytest.mark.parametrize("method", ["log_cache_hit", "log_cache_miss"])
def test_cache_calls_take_metadata(method: str, logger: StructuredLogger) -> None:
    """By keyword, beside the key."""
    getattr(logger, method)("n", cache_key="k", metadata={"size": 3})
    assert (last(logger)["metadata"], last(logger)["cache_key"]) == ({"size": 3}, "k")


def test_memory_mb_of_a_nodes_lines_is_measured_at_that_moment(logger: StructuredLogger) -> None:
    """Not a figure of up to a second ago: 200 MB that a node takes and keeps are seen at its end."""
    logger.log_node_start("n", "l")
    before = last(logger)["memory_mb"]
    kept = bytearray(b"x" * 200 * 2**20)
    logger.log_node_complete("n", 1.0)
    assert last(logger)["memory_mb"] - before > 150
    del kept
    logger.log_node_failed("n", "bad")
    assert last(logger)["memory_mb"] - before < 100


def test_log_pipeline_complete_with_failures_is_failed_and_an_error(logger: StructuredLogger) -> None:
    """When failed_count > 0."""
    logger.log_pipeline_complete("p", 100, 3, 1)
    assert (last(logger)["status"], last(logger)["level"]) == ("failed", "error")


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_level_methods_take_the_event_and_any_keyword(level: str, logger: StructuredLogger) -> None:
    """Each keyword becomes a field that can be asked for."""
    getattr(logger, level)("my_event", recordsIn=200, event_time="x")
    line = last(logger)
    assert (line["level"], line["event_type"], line["recordsIn"], line["event_time"]) == (
        level,
        "my_event",
        200,
        "x",
    )
    assert logger.sql("select records_in as n from logs") == [{"n": 200}]


def test_exception_adds_the_traceback(logger: StructuredLogger) -> None:
    """At error level, with the message and the type."""
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logger.exception("broke", step="s")
    line = last(logger)
    assert (line["level"], line["event_type"], line["error"], line["step"]) == (
        "error",
        "broke",
        "division by zero",
        "s",
    )
    assert "ZeroDivisionError" in line["traceback"]
    assert "1 / 0" in line["traceback"]
    logger.exception("nothing_is_being_handled")
    assert last(logger)["level"] == "error"


def test_query_logs_filters_and_limits(logger: StructuredLogger) -> None:
    """By type, node, level, run and time; oldest first; at most `limit`."""
    for number in range(150):
        logger.info(
            "a" if number % 2 else "b", node_name=f"n{number % 3}", run_id=f"r{number % 5}", number=number
        )
    logger.error("a", number=150)
    assert len(logger.query_logs()) == 100
    assert [entry["number"] for entry in logger.query_logs(limit=2)] == [0, 1]
    assert [entry["number"] for entry in logger.query_logs(limit=2, newest_first=True)] == [150, 149]
    assert len(logger.query_logs("a", limit=None)) == 76
    assert len(logger.query_logs("a", "n1", "info", None)) == 25
    assert {entry["level"] for entry in logger.query_logs(level=LogLevel.ERROR)} == {"error"}
    assert len(logger.query_logs(run_id="r0", limit=None)) == 30
    assert logger.query_logs(limit=0) == logger.query_logs(limit=-1) == []
    future = datetime.now(UTC) + timedelta(hours=1)
    assert logger.query_logs(since=future) == []
    assert len(logger.query_logs(until=future, limit=None)) == 151
    assert len(logger.query_logs(since="2020-01-01", limit=None)) == 151
    assert logger.query_logs("node_error") == logger.query_logs("node_failed") == []


def test_query_logs_of_scope_own_covers_rotated_segments_and_forked_children(tmp_path: Path) -> None:
    """The older system read only the newest file; what another logger of the same name wrote is not its own."""
    other = StructuredLogger("nightly", log_dir=tmp_path)
    other.info("other")
    logger = StructuredLogger("nightly", log_dir=tmp_path, max_file_size_mb=0.001)
    for number in range(30):
        logger.info("x", number=number)
    pid = os.fork()
    if pid == 0:
        logger.info("x", number=30)
        os._exit(0)
    os.waitpid(pid, 0)
    assert [entry["number"] for entry in logger.query_logs(limit=None)] == list(range(31))
    assert len(logger.query_logs(limit=None, scope="all")) == 32
    assert logger.get_summary()["total_entries"] == 31
    assert logger.get_summary(scope="all")["total_entries"] == 32


def test_scope_all_is_every_file_of_that_name_and_of_no_other(tmp_path: Path) -> None:
    """Whoever wrote it and whenever; a name that begins alike is another name."""
    for name in ("etl", "etl_2", "etl_20260101", "etl_20260101_000000", "etl2"):
        StructuredLogger(name, log_dir=tmp_path).info(name)
    assert [
        entry["event_type"] for entry in StructuredLogger("etl", log_dir=tmp_path).query_logs(scope="all")
    ] == ["etl"]


def test_get_summary_has_its_keys(logger: StructuredLogger) -> None:
    """`errors`: the first ten, each with its time, node and error."""
    for number in range(12):
        logger.log_node_failed(f"n{number}", f"bad {number}")
    logger.info("x")
    summary = logger.get_summary()
    assert set(summary) == {
        "log_file",
        "total_entries",
        "by_level",
        "by_event_type",
        "errors",
        "file_size_mb",
    }
    assert (summary["total_entries"], summary["by_level"], summary["by_event_type"]) == (
        13,
        {"error": 12, "info": 1},
        {"node_failed": 12, "x": 1},
    )
    assert [(error["node_name"], error["error"]) for error in summary["errors"]] == [
        (f"n{n}", f"bad {n}") for n in range(10)
    ]
    assert set(summary["errors"][0]) == {"timestamp", "node_name", "error"}
    assert summary["log_file"] == str(logger.log_file)
    assert summary["file_size_mb"] == pytest.approx(
        (logger.log_file or Path()).stat().st_size / 2**20, abs=1e-5
    )


def test_rotation_when_the_file_would_pass_max_file_size_mb(tmp_path: Path) -> None:
    """Fractions are allowed; nothing is lost or renamed; `.log_file` is the one being written."""
    logger = StructuredLogger("x", log_dir=tmp_path, max_file_size_mb=0.002)
    first = logger.log_file
    assert first is not None
    for number in range(100):
        logger.info("x", number=number)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 5
    assert all(path.stat().st_size <= 0.002 * 2**20 for path in files)
    assert first in files
    assert json.loads(first.read_text().splitlines()[0])["number"] == 0
    assert logger.log_file != first
    assert len(logger.query_logs(limit=None)) == 100


def test_memory_mb_is_the_resident_size(logger: StructuredLogger) -> None:
    """A figure in every line, of this process."""
    import psutil

    logger.info("x")
    assert last(logger)["memory_mb"] == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.3)


def test_user_is_in_every_line_unless_the_call_says_otherwise(tmp_path: Path) -> None:
    """As the constructor was told."""
    logger = StructuredLogger("x", log_dir=tmp_path, user="jane")
    logger.log_node_start("n", "l")
    logger.info("y", user="joe")
    assert [entry["user"] for entry in logger.query_logs()] == ["jane", "joe"]


def test_sql_answers_over_the_same_records(logger: StructuredLogger) -> None:
    """Section 8 has the rest."""
    logger.log_node_complete("a", 10, rows=5)
    logger.log_node_complete("b", 30, rows=7)
    answer = logger.sql("select node_name, row_count from logs where duration_ms > 20")
    assert answer == [{"node_name": "b", "row_count": 7}]


def test_the_courses_form_writes_to_its_stream() -> None:
    """`StructuredLogger("normalize", stream=sys.stdout).info("stage_completed", recordsIn=200)`; no file."""

    class Stream(io.StringIO):
        flushed: list[str]

        def flush(self) -> None:
            self.flushed = [*getattr(self, "flushed", []), self.getvalue()]

    stream = Stream()
    logger = StructuredLogger("normalize", stream=stream)
    logger.info("stage_completed", recordsIn=200)
    line = json.loads(stream.getvalue())
    assert stream.flushed == [stream.getvalue()]
    assert (line["component"], line["event"], line["event_type"], line["recordsIn"]) == (
        "normalize",
        "stage_completed",
        "stage_completed",
        200,
    )
    assert logger.log_file is None
    assert not Path("logs").exists()
    assert logger.sql("select event, recordsIn from logs") == [{"event": "stage_completed", "recordsIn": 200}]
    assert logger.get_summary()["total_entries"] == 1


def test_with_stream_and_log_dir_it_writes_both(tmp_path: Path) -> None:
    """Console and file together."""
    stream = io.StringIO()
    logger = StructuredLogger("both", log_dir=tmp_path, stream=stream)
    logger.info("x")
    assert logger.log_file is not None
    assert json.loads(stream.getvalue())["event_type"] == last(logger)["event_type"] == "x"


def test_with_a_bus_it_keeps_what_is_said_there(tmp_path: Path) -> None:
    """One bus, one stream of events; `close` leaves it."""
    bus = EventBus()
    with StructuredLogger("x", log_dir=tmp_path, bus=bus) as logger:
        bus.emit("mine", {"a": 1})
        logger.info("own")
    bus.emit("late")
    assert [entry["event_type"] for entry in logger.query_logs()] == ["mine", "own"]
