"""Records of `logging` that come in: what becomes of each part, and that nothing raises or loops."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from itertools import count
from logging.handlers import MemoryHandler
from typing import Any

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.logs.from_logging import LoggingHandler, capture_logging, is_capturing
from odibi_core.logs.program_logger import ProgramLog
from odibi_core.runtime.observer import observe
from odibi_core.settings import Log
from odibi_core.testing import RecordingSink


class Bridge:
    """A program's log that shows JSON, a logger of `logging` that leads there and nowhere else."""

    def __init__(self, **settings: Any) -> None:
        self.stream = io.StringIO()
        self.log = ProgramLog(Log(**{"level": "debug", "format": "json", **settings}), self.stream)
        self.handler = LoggingHandler(log=self.log)
        self.logger = logging.Logger("lib.client")
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (found,) = self.lines
        return found


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger; what a test does to it is undone."""
    logger = logging.getLogger()
    before = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]


class Hostile:
    """An object that cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


def test_a_record_is_a_line_of_its_loggers_name(bridge: Bridge) -> None:
    """Name, level, message with its template, and where it was logged."""
    bridge.logger.warning("%d of %s", 2, "three")
    line = bridge.line
    assert (line["component"], line["level"], line["event_type"]) == ("lib.client", "warning", "log")
    assert (line["message"], line["message_template"]) == ("2 of three", "%d of %s")
    assert line["code.file.path"] == __file__
    assert line["code.function.name"] == "test_a_record_is_a_line_of_its_loggers_name"
    assert isinstance(line["code.line.number"], int)
    assert not {"thread.name", "process.name", "task.name", "level_name"} & set(line)


def test_extra_becomes_fields(bridge: Bridge) -> None:
    """Names that are the recorder's own get a `_`; an extra may set the user and the operation, as a context may."""
    extra = {
        "rows": 3,
        "status": 404,
        "component": "mine",
        "level": "mine",
        "run_id": "mine",
        "error": "mine",
        "timestamp": "mine",
        "user": "ada",
        "correlation_id": "c-1",
        "operation": 7,
        "api_key": "canary",
        "Ä b": [1],
    }
    bridge.logger.info("said", extra=extra)
    line = bridge.line
    assert (line["rows"], line["user"], line["correlation_id"], line["Ä b"]) == (3, "ada", "c-1", [1])
    assert (line["status_"], line["operation_"]) == (404, 7)
    assert {line[f"{name}_"] for name in ("component", "level", "run_id", "error", "timestamp")} == {"mine"}
    assert (line["component"], line["level"]) == ("lib.client", "info")
    assert "run_id" not in line
    assert "canary" not in bridge.stream.getvalue()


def test_an_exception_comes_with_its_traceback(bridge: Bridge) -> None:
    """`logger.exception` gives error, error_type and traceback, whatever the exception is."""
    try:
        raise ValueError("no such order")
    except ValueError:
        bridge.logger.exception("import failed", extra={"traceback": "mine"})
    line = bridge.line
    assert (line["error"], line["error_type"], line["level"]) == ("no such order", "ValueError", "error")
    assert "test_from_logging" in line["traceback"]
    assert line["traceback_"] == "mine"


def cyclic() -> BaseException:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    return first


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "error",
    [
        BaseExceptionGroup(
            "many", [KeyboardInterrupt(), ExceptionGroup("inner", [ValueError("x" * 100_000)])]
        ),
        cyclic(),
        Mute(),
        KeyboardInterrupt(),
    ],
    ids=["group", "cyclic", "mute", "interrupt"],
)
def test_any_exception_is_described(bridge: Bridge, error: BaseException) -> None:
    """Groups, causes that bite their tails, exceptions that cannot be shown: one bounded line."""
    bridge.logger.error("failed", exc_info=error)
    assert bridge.line["error_type"].endswith(type(error).__name__)
    assert len(bridge.stream.getvalue()) < 80_000


def test_a_traceback_that_was_written_out_is_kept(bridge: Bridge) -> None:
    """A record from another process has no exception any more, only its text."""
    record = logging.makeLogRecord({"name": "worker", "msg": "failed", "exc_text": "Traceback: gone"})
    bridge.handler.handle(record)
    assert bridge.line["traceback"] == "Traceback: gone"


def test_stack_info_is_kept(bridge: Bridge) -> None:
    """`stack_info=True` is the field `stack`."""
    bridge.logger.info("here", stack_info=True)
    assert "test_stack_info_is_kept" in bridge.line["stack"]


def test_threads_and_processes_are_named_when_they_are_not_the_main_one(bridge: Bridge) -> None:
    """So an ordinary line is not longer for it."""
    thread = threading.Thread(target=bridge.logger.info, args=("said",), name="loader-1")
    thread.start()
    thread.join()
    record = logging.makeLogRecord({"name": "w", "msg": "m", "processName": "Worker-2"})
    bridge.handler.handle(record)
    first, second = bridge.lines
    assert (first["thread.name"], second["process.name"]) == ("loader-1", "Worker-2")


def test_the_task_is_named(bridge: Bridge) -> None:
    """`taskName`, which records have since Python 3.12, is the field `task.name`."""

    async def main() -> None:
        await asyncio.create_task(work(), name="import-7")

    async def work() -> None:
        bridge.logger.info("said")

    asyncio.run(main())
    assert bridge.line.get("task.name") == ("import-7" if sys.version_info >= (3, 12) else None)


def test_a_record_with_a_task_names_it(bridge: Bridge) -> None:
    """On any Python, as where it came from another process."""
    bridge.handler.handle(logging.makeLogRecord({"name": "w", "msg": "m", "taskName": "import-7"}))
    assert bridge.line["task.name"] == "import-7"


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (1, "debug"),
        (10, "debug"),
        (19, "debug"),
        (25, "info"),
        (30, "warning"),
        (45, "error"),
        (99, "critical"),
    ],
)
def test_levels_of_others_are_the_next_of_ours_below(bridge: Bridge, number: int, level: str) -> None:
    """The name of one that is not among the five is kept."""
    bridge.logger.log(number, "said")
    assert bridge.line["level"] == level
    assert ("level_name" in bridge.line) is (number % 10 != 0)


def test_levels_are_honoured(bridge: Bridge) -> None:
    """That of the handler, of the program and of the record's logger: a record below any of them is not logged."""
    bridge.handler.setLevel("INFO")
    bridge.logger.debug("below the handler's")
    bridge.log.get_logger("lib.client").set_level("error")
    bridge.logger.warning("below the logger's")
    assert not bridge.lines
    bridge.logger.error("said")
    assert bridge.line["message"] == "said"


LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("%d rows", ("three",)),
        ("%s and %s", ("one",)),
        ("no place", ("for", "this")),
        ("%(name)s", ({"other": 1},)),
        ("%s", (Hostile(),)),
        ("%s", (LOOP,)),
        (LOOP, ()),
        (Hostile(), ()),
        ("\ud800\x00\x1b[2J", ()),
        ("x" * 500_000, ()),
        (b"bytes", ()),
        (None, ()),
    ],
    ids=count(),
)
def test_any_message_is_one_line(bridge: Bridge, message: Any, args: Any) -> None:
    """Arguments that do not fit, are cyclic, or cannot be shown: a valid line each, and what was given is kept."""
    bridge.logger.info(message, *args)
    assert bridge.line["level"] == "info"
    assert bridge.stream.getvalue().count("\n") == 1
    assert len(bridge.stream.getvalue()) < 140_000
    if message == "%d rows":
        assert (bridge.line["message"], bridge.line["message_args"]) == ("%d rows", ["three"])
        assert "TypeError" in bridge.line["message_problem"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"args": LOOP},
        {"args": 7},
        {"name": Hostile()},
        {"name": None},
        {"levelno": "high", "levelname": None},
        {"exc_info": True},
        {"exc_info": ()},
        {"exc_info": (None, None, None)},
        {"pathname": None},
        {"threadName": None, "processName": None},
        {7: "a key that is no text"},
        {"self": 1, "event": 2, "fields": 3, "name_": 4},
    ],
    ids=count(),
)
def test_a_record_made_by_hand_raises_nothing(bridge: Bridge, attributes: dict[Any, Any]) -> None:
    """A record with any value, or without one, is logged."""
    record = logging.LogRecord("lib", logging.INFO, "a.py", 1, "said", None, None)
    vars(record).update(attributes)
    bridge.handler.handle(record)
    assert bridge.line["message"].startswith("said")
    assert bridge.handler.dropped == 0


def test_a_record_with_nothing_in_it_is_said(bridge: Bridge) -> None:
    """Its parts are missing, and the line has the reason."""
    record = logging.LogRecord("lib", logging.INFO, "a.py", 1, "said", None, None)
    for name in ("msg", "args", "exc_info", "pathname", "threadName"):
        delattr(record, name)
    bridge.handler.handle(record)
    assert "damaged" in bridge.line["message_problem"]


class Logs:
    """An object whose text is logged about: `depth` times inside itself."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger

    def __str__(self) -> str:
        self.logger.info("asked: %s", self)
        return "logs"


def test_an_object_that_logs_itself_ends(bridge: Bridge) -> None:
    """A record that is logged while one is brought in comes in too; past a few deep it is a loop, and counted."""
    bridge.logger.info("said: %s", Logs(bridge.logger))
    assert len(bridge.lines) == 3
    assert bridge.handler.dropped == 1
    assert not is_capturing()


def test_our_own_complaints_are_not_brought_in(bridge: Bridge) -> None:
    """A record of the logger `odibi_core` may be about the capture itself."""
    for name in ("odibi_core", "odibi_core.anything"):
        bridge.handler.handle(logging.makeLogRecord({"name": name, "msg": "complaint"}))
    bridge.handler.handle(logging.makeLogRecord({"name": "odibi_core_tools", "msg": "another's"}))
    assert bridge.line["component"] == "odibi_core_tools"


def test_a_sink_that_logs_and_fails_makes_no_loop(bridge: Bridge) -> None:
    """A broken sink is complained of under `odibi_core`; the bridge leaves that alone, and all lines are logged."""

    def sink(event: Any) -> None:
        bridge.logger.info("the sink heard")
        raise RuntimeError("broken")

    with capture_logging("info", log=bridge.log):
        bridge.log.bus().subscribe(sink)
        bridge.logger.info("said")
    assert len(bridge.lines) < 40


def test_a_record_belongs_to_the_run_that_it_was_logged_in(bridge: Bridge) -> None:
    """As a line of `get_logger` does: it stands in that run's record."""
    heard = RecordingSink()
    with observe("nightly", store=False) as run:
        run.bus.subscribe(heard)
        bridge.logger.info("inside")
    (event,) = heard.of_kind("log")
    assert (event.run_id, event.message) == (run.run_id, "inside")


def test_who_waits_for_our_stream_does_not_hold_up_who_logs(bridge: Bridge) -> None:
    """One thread brings in a record while a sink, called in another, logs by `logging`: neither waits for the other."""
    speaking, bringing = threading.Event(), threading.Event()

    class Second:
        def __str__(self) -> str:
            bringing.set()
            return "second"

    def sink(event: Any) -> None:
        if event.event_type == "first":
            speaking.set()
            bringing.wait(20)
            bridge.logger.info("from the sink")

    bridge.log.bus().subscribe(sink)
    first = threading.Thread(target=bridge.log.get_logger("app").info, args=("first",), daemon=True)
    first.start()
    assert speaking.wait(20)
    second = threading.Thread(target=bridge.logger.info, args=(Second(),), daemon=True)
    second.start()
    for thread in (first, second):
        thread.join(20)
        assert not thread.is_alive()
    assert {line.get("message") for line in bridge.lines} == {"first", "second", "from the sink"}


def test_capture_takes_in_what_every_library_says(bridge: Bridge, root: logging.Logger) -> None:
    """On the root, from the level up, though the root would keep it back; all is as before afterwards."""
    root.setLevel("WARNING")
    before = root.handlers[:]
    logger = logging.getLogger("some.library")
    restore = capture_logging("info", log=bridge.log)
    logger.info("said")
    logger.debug("below")
    restore()
    logger.warning("after")
    assert bridge.line["component"] == "some.library"
    assert (root.level, root.handlers) == (logging.WARNING, before)


def test_capture_is_a_context_manager_and_does_not_double(bridge: Bridge, root: logging.Logger) -> None:
    """Asked for twice, a record still comes in once; the inner end is not the outer's."""
    with capture_logging("info", log=bridge.log):
        with capture_logging("info", log=bridge.log):
            logging.getLogger("some.library").info("first")
        logging.getLogger("some.library").info("second")
    assert [line["message"] for line in bridge.lines] == ["first", "second"]


def test_capture_of_one_logger_leaves_the_others(bridge: Bridge, root: logging.Logger) -> None:
    """`logger="sql"`: that one and what is below it."""
    with capture_logging(logger="sql", log=bridge.log):
        logging.getLogger("sql.engine").info("said")
        logging.getLogger("other").error("not said")
    assert bridge.line["component"] == "sql.engine"


def test_capture_takes_the_programs_level_by_default(root: logging.Logger) -> None:
    """`LOG_LEVEL` decides then."""
    bridge = Bridge(level="error")
    with capture_logging(log=bridge.log):
        logging.getLogger("lib").warning("below")
        logging.getLogger("lib").error("said")
    assert bridge.line["message"] == "said"


def test_warnings_come_in_when_asked(bridge: Bridge, root: logging.Logger) -> None:
    """`warnings=True`: as lines of `py.warnings`; afterwards they go where they went."""
    logging.captureWarnings(False)  # another library may have begun it in this process
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        before = warnings.showwarning
        with capture_logging("info", warnings=True, log=bridge.log):
            warnings.warn("old spelling", DeprecationWarning, stacklevel=1)
        assert warnings.showwarning is before
    line = bridge.line
    assert (line["component"], line["level"]) == ("py.warnings", "warning")
    assert "old spelling" in line["message"]
    assert "code.file.path" not in line


def test_an_unknown_level_is_refused() -> None:
    """At set-up, where it can be mended."""
    with pytest.raises(ConfigurationError, match="'loud' is no level"):
        capture_logging("loud")


def test_a_handler_before_ours_may_buffer(bridge: Bridge) -> None:
    """A `MemoryHandler` hands its records on later: they come in as any."""
    buffered = MemoryHandler(100, target=bridge.handler)
    logger = logging.Logger("lib")
    logger.addHandler(buffered)
    logger.info("said")
    buffered.flush()
    assert bridge.line["message"] == "said"


def test_a_childs_records_come_in_by_a_queue(bridge: Bridge) -> None:
    """Through `QueueHandler` and `QueueListener`, the standard library's own way home from processes."""
    from logging.handlers import QueueHandler, QueueListener
    from queue import SimpleQueue

    queue: SimpleQueue[Any] = SimpleQueue()
    logger = logging.Logger("worker")
    logger.addHandler(QueueHandler(queue))
    try:
        raise ValueError("in the child")
    except ValueError:
        logger.exception("failed")
    listener = QueueListener(queue, bridge.handler)
    listener.start()
    listener.stop()
    assert bridge.line["component"] == "worker"
    assert "in the child" in json.dumps(bridge.line)


def test_what_is_no_logger_is_refused() -> None:
    """By its type, with what would be right."""
    with pytest.raises(ConfigurationError, match="its name, or None for all, got a list"):
        capture_logging(logger=[])  # type: ignore[arg-type]
