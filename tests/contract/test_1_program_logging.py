"""Contract, section 1: package-level logging (system D), row by row."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from odibi_core.event_bus import EventBus
from odibi_core.logs.program_logger import ProgramLog, ProgramLogger
from odibi_core.observability import (
    LogContext,
    Step,
    StructuredLogger,
    context_for_workers,
    environment_for_workers,
    get_correlation_id,
    get_logger,
    observe,
    run,
    set_correlation_id,
    set_operation_context,
    set_user_context,
    wrap,
)
from odibi_core.settings import Log


class Program:
    """A program's log that shows JSON on a stream we can read."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.log = ProgramLog(Log(level="debug", format="json"), self.stream)

    def get_logger(self, name: str = "app") -> ProgramLogger:
        return self.log.get_logger(name)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def named(self, event: str) -> dict[str, Any]:
        (found,) = (line for line in self.lines if line["event_type"] == event)
        return found


@pytest.fixture
def program() -> Iterator[Program]:
    """What a test sets in its own context is gone after it."""
    with LogContext(correlation_id="of-the-test"):
        yield Program()


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would, with these variables."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SAY = "from odibi_core.observability import get_logger\nlog = get_logger('etl')\n"


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_logger_has_the_level_methods(program: Program, level: str) -> None:
    """`log.<level>(event, **fields)`: the event given, its level, and any keyword a field."""
    getattr(program.get_logger("etl.load"), level)("orders_loaded", row_count=3, source="a.csv")
    line = program.named("orders_loaded")
    assert (line["level"], line["component"], line["row_count"]) == (level, "etl.load", 3)
    assert line["source"] == "a.csv"


def test_exception_adds_the_traceback(program: Program) -> None:
    """`log.exception(event)` inside `except` is an error with what was raised."""
    try:
        raise ValueError("no such order")
    except ValueError:
        program.get_logger().exception("import_failed", order=7)
    line = program.named("import_failed")
    assert (line["level"], line["error"], line["error_type"]) == ("error", "no such order", "ValueError")
    assert "test_exception_adds_the_traceback" in line["traceback"]
    assert line["order"] == 7


def test_get_logger_gives_the_same_logger_for_a_name() -> None:
    """As everywhere, `get_logger(__name__)` may be called again."""
    assert get_logger("a.b") is get_logger("a.b")
    assert get_logger("a.b") is not get_logger("a.c")


def test_log_context_is_a_context_manager(program: Program) -> None:
    """Its operation, user, correlation id and fields are on every line inside, and on none outside."""
    log = program.get_logger()
    with LogContext("import", "ada", "c-1", batch=7):
        log.info("inside")
    log.info("outside")
    wanted = {"operation": "import", "user": "ada", "correlation_id": "c-1", "batch": 7}
    assert program.named("inside").items() >= wanted.items()
    assert not {"operation", "user", "batch"} & program.named("outside").keys()


def test_log_context_is_a_decorator_of_functions(program: Program) -> None:
    """Each call is inside; arguments, result, name and exceptions are the function's own."""

    @LogContext(operation="import")
    def load(path: str, *, strict: bool = False) -> str:
        program.get_logger().info("loading", strict=strict)
        if strict:
            raise LookupError(path)
        return path

    assert load("a.csv") == "a.csv"
    assert load.__name__ == "load"
    with pytest.raises(LookupError, match=r"b\.csv"):
        load("b.csv", strict=True)
    program.get_logger().info("after")
    assert [line.get("operation") for line in program.lines] == ["import", "import", None]


def test_log_context_is_a_decorator_of_coroutines(program: Program) -> None:
    """The whole coroutine is inside, past its awaits; other code that runs meanwhile is not."""

    @LogContext(operation="import")
    async def load(number: int) -> int:
        await asyncio.sleep(0)
        program.get_logger().info("loaded", number=number)
        return number

    async def main() -> list[int]:
        both = asyncio.gather(load(1), load(2))
        await asyncio.sleep(0)
        program.get_logger().info("meanwhile")
        return list(await both)

    assert asyncio.run(main()) == [1, 2]
    assert [line.get("operation") for line in program.lines if line["event_type"] == "loaded"] == [
        "import"
    ] * 2
    assert "operation" not in program.named("meanwhile")


def test_set_correlation_id_gives_the_id(program: Program) -> None:
    """Given: that one; not given: a new one; `get_correlation_id()` and every line have it."""
    assert set_correlation_id("c-9") == get_correlation_id() == "c-9"
    made = set_correlation_id()
    assert made == get_correlation_id() != "c-9"
    program.get_logger().info("said")
    assert program.named("said")["correlation_id"] == made


def test_set_user_and_operation_context(program: Program) -> None:
    """From there on every line has them, and the fields given along."""
    set_user_context("ada", team="finance")
    set_operation_context("import", batch=7)
    program.get_logger().info("said")
    wanted = {"user": "ada", "team": "finance", "operation": "import", "batch": 7}
    assert program.named("said").items() >= wanted.items()


def test_context_never_bleeds_between_tasks(program: Program) -> None:
    """Fifty tasks that interleave at every await: each says only its own."""

    async def work(number: int) -> None:
        set_user_context(f"user-{number}")
        with LogContext(operation=f"op-{number}", correlation_id=f"c-{number}"):
            for _ in range(3):
                await asyncio.sleep(0)
                program.get_logger().info("step", number=number)

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(50)))

    asyncio.run(main())
    said = [
        (line["number"], line["user"], line["operation"], line["correlation_id"]) for line in program.lines
    ]
    assert len(said) == 150
    assert sorted(said) == sorted((n, f"user-{n}", f"op-{n}", f"c-{n}") for n in range(50) for _ in range(3))


def test_context_never_bleeds_between_threads(program: Program) -> None:
    """A thread's context is its own, also while another's is set at the same time."""
    both = threading.Barrier(2)

    def work(user: str) -> None:
        set_user_context(user)
        both.wait(10)
        program.get_logger().info(f"said_by_{user}")

    threads = [threading.Thread(target=work, args=(user,)) for user in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert program.named("said_by_ada")["user"] == "ada"
    assert program.named("said_by_bob")["user"] == "bob"
    program.get_logger().info("here")
    assert "user" not in program.named("here")


def test_context_follows_asyncio_tasks(program: Program) -> None:
    """A task begins in the context in which it was created."""

    async def child() -> None:
        await asyncio.sleep(0)
        program.get_logger().info("in_child")

    async def main() -> None:
        with LogContext(operation="import"):
            task = asyncio.create_task(child())
        await task

    asyncio.run(main())
    assert program.named("in_child")["operation"] == "import"


def test_context_follows_executors_and_threads_of_ours(program: Program) -> None:
    """Steps on worker threads, steps with a timeout, and asynchronous hooks are in the context of their run."""
    log = program.get_logger()

    def hook(event: dict[str, Any]) -> None:
        log.info("in_hook")

    bus = EventBus()
    bus.register_hook("pipeline_complete", hook, async_execution=True)

    def first() -> list[int]:
        log.info("in_first")
        return [1]

    def timed() -> list[int]:
        log.info("in_timed")
        return [2]

    timed_step = Step(name="timed", value=timed, outputs={"out": "timed"}, timeout_s=60)
    with LogContext(operation="nightly", correlation_id="c-5"):
        run([first, timed_step], max_workers=2, event_bus=bus)
    assert bus.shutdown()
    for event in ("in_first", "in_timed", "in_hook"):
        said = program.named(event)
        assert (said["operation"], said["correlation_id"]) == ("nightly", "c-5"), event


def test_wrap_carries_context_into_threads_and_executors_of_users(program: Program) -> None:
    """`pool.submit(wrap(f))`, `Thread(target=wrap(f))`, `run_in_executor(None, wrap(f))`; without it they have none."""

    def say(event: str) -> str:
        program.get_logger().info(event)
        return event

    async def on_the_loop() -> None:
        await asyncio.get_running_loop().run_in_executor(None, wrap(say), "in_loops_executor")

    with LogContext(operation="import"):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(wrap(say), ["a", "b", "c"])) == ["a", "b", "c"]
            pool.submit(say, "not_wrapped").result()
        thread = threading.Thread(target=wrap(say), args=("in_thread",))
        thread.start()
        thread.join()
        asyncio.run(on_the_loop())
    for event in ("a", "b", "c", "in_thread", "in_loops_executor"):
        assert program.named(event)["operation"] == "import"
    assert "operation" not in program.named("not_wrapped")


def context_in_worker(_: int) -> tuple[str | None, str | None]:
    """What a worker process would put on a line, in its main thread and in another."""
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(get_correlation_id()))
    thread.start()
    thread.join()
    return get_correlation_id(), found[0]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_context_follows_worker_processes(method: str) -> None:
    """`ProcessPoolExecutor(**context_for_workers())`, however its processes are started."""
    with LogContext(correlation_id="c-of-parent"):
        pool = ProcessPoolExecutor(1, mp_context=get_context(method), **context_for_workers())
    with pool:
        assert pool.submit(context_in_worker, 0).result(60) == ("c-of-parent", "c-of-parent")


def test_context_follows_programs_that_are_started() -> None:
    """`subprocess.run(…, env=environment_for_workers())`: the program's lines, in all its threads, have it."""
    code = (
        SAY + "import threading\nt = threading.Thread(target=lambda: log.info('said'))\nt.start(); t.join()"
    )
    with LogContext(operation="import", correlation_id="c-7", batch="ä\ud800"):
        environment = environment_for_workers()
    done = python(code, **{**environment, "LOG_FORMAT": "json"})
    line = json.loads(done.stderr)
    assert (line["operation"], line["correlation_id"]) == ("import", "c-7")
    assert line["batch"].startswith("ä")


def test_log_format_json() -> None:
    """`LOG_FORMAT=json`: one JSON object a line, on stderr; stdout stays the program's own."""
    done = python(SAY + "log.info('orders_loaded', row_count=3)", LOG_FORMAT="json")
    assert done.stdout == ""
    assert json.loads(done.stderr)["row_count"] == 3


def test_log_format_text() -> None:
    """`LOG_FORMAT=text`, which is the default: a line for people, plain where nobody sees colours."""
    for environment in ({}, {"LOG_FORMAT": "TEXT"}):
        done = python(SAY + "log.info('orders_loaded', row_count=3, source='a.csv')", **environment)
        assert done.stderr[8:] == " info     etl orders_loaded (3 rows) source=a.csv\n"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "xterm", "LOG_FORMAT": "json"}, False),
    ],
)
def test_text_is_coloured_on_a_terminal(environment: dict[str, str], coloured: bool) -> None:
    """A real terminal gets colours; NO_COLOR, FORCE_COLOR and TERM=dumb are honoured in that order; JSON never."""
    master, terminal = os.openpty()
    code = SAY + "log.error('failed')"
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, stderr=terminal, check=True
    )
    os.close(terminal)
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert "failed" in shown
    assert ("\x1b[31merror" in shown) is coloured
    assert ("\x1b" in shown) is coloured


def test_force_color_colours_a_pipe() -> None:
    """`FORCE_COLOR` for a program that passes colours on, such as a CI."""
    assert "\x1b[" in python(SAY + "log.info('x')", FORCE_COLOR="1").stderr


@pytest.mark.parametrize("spelling", ["WARNING", "warning", "warn", " Warning "])
def test_log_level(spelling: str) -> None:
    """`LOG_LEVEL` in any usual spelling; what is below is neither shown nor kept."""
    done = python(SAY + "log.info('low'); log.warning('high')", LOG_LEVEL=spelling, LOG_FILE="app.jsonl")
    assert "high" in done.stderr
    assert "low" not in done.stderr + Path("app.jsonl").read_text()


def test_the_level_is_info_when_nothing_is_said() -> None:
    """Without a setting, debug lines are not shown."""
    done = python(SAY + "log.debug('low'); log.info('high')")
    assert "high" in done.stderr
    assert "low" not in done.stderr


def test_log_file_and_console_together() -> None:
    """`LOG_FILE`: every line is on stderr and, as JSON, in exactly that file, whose folder is made."""
    done = python(SAY + "log.info('orders_loaded', row_count=3)", LOG_FILE="deep/in/app.log")
    assert "orders_loaded (3 rows)" in done.stderr
    (line,) = Path("deep/in/app.log").read_text().splitlines()
    assert json.loads(line)["row_count"] == 3


def test_odibi_log_variables_work_too() -> None:
    """`ODIBI_LOG__*` say the same; `LOG_*` go before them."""
    code = SAY + "log.warning('low'); log.error('high')"
    done = python(code, ODIBI_LOG__LEVEL="error", ODIBI_LOG__FORMAT="text", LOG_FORMAT="json")
    assert json.loads(done.stderr)["event_type"] == "high"


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("LOG_LEVEL", "infoo", "did you mean 'info'?"),
        ("LOG_FORMAT", "xml", "one of text, json"),
        ("ODIBI_LOG__LEVEL", "loud", "one of debug, info"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, advice: str) -> None:
    """One line says which variable, what it was, and what would be right; and the program goes on."""
    said, done = python(SAY + "log.info('went_on')", **{variable: value}).stderr.splitlines()
    assert f"{variable} is {value!r}" in said
    assert advice in said
    assert "went_on" in done


def test_a_variable_that_is_meant_for_others_does_not_stop_a_run() -> None:
    """`LOG_LEVEL` may belong to other software: a program without a program logger is not refused for it."""
    code = "from odibi_core.observability import observe\nwith observe('nightly', store=False): print('ran')"
    assert python(code, LOG_LEVEL="verbose", LOG_FORMAT="%(message)s").stdout == "ran\n"


def test_a_line_said_in_a_run_is_in_its_record_and_on_the_console(program: Program, tmp_path: Path) -> None:
    """Inside `observe()` a logger speaks on the run's bus, under its run id; the program shows it as ever, once."""
    log = program.get_logger()
    log.info("before")
    with observe("nightly", store=tmp_path) as observed:
        log.info("inside")
        observed.say("not_a_loggers")
    log.info("after")
    assert observed.store is not None
    kept = [event for event in observed.store.read(observed.run_id) if event.component == "app"]
    assert [(event.event_type, event.run_id) for event in kept] == [("inside", observed.run_id)]
    assert [line["event_type"] for line in program.lines] == ["before", "inside", "after"]


def test_a_line_said_in_a_step_is_in_the_runs_log(program: Program) -> None:
    """Inside a step too, with the step's name; and on a bus that two runs share each line is shown once."""
    bus = EventBus()
    logger = StructuredLogger("of_runs", bus=bus)

    def clean() -> list[int]:
        program.get_logger().info("cleaned", row_count=1)
        return [1]

    for _ in range(2):
        run([clean], event_bus=bus)
    found = logger.query_logs("cleaned")
    assert [(line["node_name"], line["component"]) for line in found] == [("clean", "app")] * 2
    assert all(line["run_id"] for line in found)
    assert len(program.lines) == 2


def test_a_line_of_get_logger_carries_its_event_text_as_message_and_its_name_as_logger() -> None:
    """On the console as JSON, in the file and in the journal alike; the text for people says neither twice."""
    code = (
        "from odibi_core.observability import get_logger, observe\n"
        "with observe('nightly'): get_logger('etl.load').info('orders_loaded', row_count=3)"
    )
    done = python(code, LOG_FORMAT="json", LOG_FILE="app.jsonl")
    (journal,) = Path(".odibi").rglob("*.jsonl")
    for text in (done.stderr, Path("app.jsonl").read_text(), journal.read_text()):
        (line,) = (each for each in map(json.loads, text.splitlines()) if each["event_type"] == "orders_loaded")
        assert (line["message"], line["logger"]) == ("orders_loaded", "etl.load")
        assert all(each["message"] for each in map(json.loads, text.splitlines()))
    assert python(code).stderr[9:] == "info     etl.load orders_loaded (3 rows)\n"
