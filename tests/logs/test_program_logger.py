"""Program loggers and the context that follows: what the contract's rows leave open."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import msgspec
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.error_reporting.tracker import capture_exception
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, context
from odibi_core.logs.context import (
    LogContext,
    context_for_workers,
    get_correlation_id,
    set_correlation_id,
    set_user_context,
    wrap,
)
from odibi_core.logs.program_logger import ProgramLog, configure, get_logger
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.process.state import current_bus, program_bus
from odibi_core.runtime.observer import Observer, observe
from odibi_core.runtime.program import init_observability
from odibi_core.settings import Log, ObservabilityConfig
from odibi_core.testing import fresh_program


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> Iterator[ProgramLog]:
    """A program of its own, showing JSON on `stream`; what a test sets in its context is gone after it."""
    with LogContext(correlation_id="of-the-test"):
        yield ProgramLog(Log(format="json"), stream)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Hostile:
    """An object that cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


def test_nothing_a_caller_says_raises(log: ProgramLog, stream: io.StringIO) -> None:
    """Names of fields and values may be anything, the recorder's own names included; the line is logged."""
    logger = log.get_logger("app")
    logger.info(
        "said",
        level=1,
        event_type=2,
        component=Hostile(),
        self=3,
        event=4,
        **{"a b": Hostile(), "": float("nan")},
    )
    logger.info(None)  # no name at all
    logger.info(event="by_keyword")
    logger.exception("nothing_is_being_handled")
    first, *others = lines(stream)
    assert (first["event_type"], first["component"], first["level_"], first["self"]) == ("said", "app", 1, 3)
    assert "component_" in first
    assert [line["event_type"] for line in others] == ["log", "by_keyword", "nothing_is_being_handled"]


def test_secrets_reach_neither_the_console_nor_the_file(stream: io.StringIO) -> None:
    """Events, fields, context and the logger's name pass the one redactor."""
    log = ProgramLog(Log(file="app.jsonl"), stream)
    with LogContext(user="ada@example.com", api_key="canary-1"):
        log.get_logger("of ada@example.com").info(
            "login", password="canary-2", url="https://u:canary-3@host/"
        )
    assert log.file is not None
    written = stream.getvalue() + log.file.path.read_text()
    assert "login" in written
    assert "canary" not in written
    assert "ada@example.com" not in written


def test_a_logger_whose_name_is_redacted_is_shown_in_a_run(stream: io.StringIO) -> None:
    """A line is matched to its logger by the sanitized component."""
    logger = ProgramLog(Log(), stream).get_logger("of ada@example.com")
    with observe("nightly", store=False):
        logger.info("inside")
    assert stream.getvalue().count("inside") == 1


def test_set_level_changes_one_logger(log: ProgramLog, stream: io.StringIO) -> None:
    """Below its level a logger logs nothing; another keeps the program's."""
    quiet, other = log.get_logger("quiet"), log.get_logger("other")
    quiet.set_level("CRITICAL")
    quiet.error("a")
    quiet.exception("b")
    quiet.critical("c")
    other.info("d")
    assert [line["event_type"] for line in lines(stream)] == ["c", "d"]
    quiet.set_level("debug")
    quiet.debug("e")
    assert lines(stream)[-1]["event_type"] == "e"
    with pytest.raises(ConfigurationError, match="did you mean 'info'"):
        quiet.set_level("inof")


def test_getting_a_logger_opens_nothing(stream: io.StringIO) -> None:
    """The file is made when the first line is logged."""
    log = ProgramLog(Log(file="sub/app.jsonl"), stream)
    logger = log.get_logger("app")
    assert not os.listdir(".")
    logger.info("first")
    assert os.listdir("sub") == ["app.jsonl"]


def test_a_sink_of_a_run_may_log(log: ProgramLog, stream: io.StringIO) -> None:
    """A sink that logs, as its first line and while its bus is calling it, neither hangs nor is lost."""
    logger = log.get_logger("app")

    def sink(event: Event) -> None:
        if event.event_type == "odd":
            logger.info("the_sink_said")

    bus = EventBus()
    bus.subscribe(sink)
    done = threading.Event()

    def say() -> None:
        with context.using_bus(bus):
            bus.publish("odd")
            bus.publish("even")
        done.set()

    threading.Thread(target=say, daemon=True).start()
    assert done.wait(20)
    assert [line["event_type"] for line in lines(stream)] == ["the_sink_said"]


def test_threads_that_log_first_at_once_do_not_double_a_line(stream: io.StringIO) -> None:
    """Each of eight threads logs its first line at the same moment: eight lines."""
    log = ProgramLog(Log(format="json"), stream)
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait(20)
        log.get_logger(f"app-{number}").info("said", number=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["number"] for line in lines(stream)) == list(range(8))


def test_contexts_nest_and_the_inner_wins(log: ProgramLog, stream: io.StringIO) -> None:
    """Inner fields go before outer ones, a line's own before both; the correlation id stays that of the outer."""
    logger = log.get_logger("app")
    with LogContext("outer", user="ada", a=1, b=1), LogContext("inner", a=2):
        logger.info("said", b=3)
    line = lines(stream)[0]
    assert (line["operation"], line["user"], line["a"], line["b"]) == ("inner", "ada", 2, 3)
    assert line["correlation_id"] == "of-the-test"


def test_a_context_without_a_correlation_id_in_force_makes_one() -> None:
    """The lines of one operation can be found together, those of the next have another id."""

    def found() -> list[str | None]:
        ids = []
        for _ in range(2):
            with LogContext("import"):
                ids.append(get_correlation_id())
        return [*ids, get_correlation_id()]

    first, second, outside = context_free(found)
    assert first
    assert second
    assert first != second
    assert outside is None


def context_free(function: Any) -> Any:
    """The result of a function in a thread of its own, without a context."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_what_is_set_inside_a_context_ends_with_it() -> None:
    """`set_…` holds to the end of the block that it was called in."""
    with LogContext(correlation_id="outer"):
        with LogContext():
            set_correlation_id("inner")
        assert get_correlation_id() == "outer"


def test_an_instance_may_be_entered_again() -> None:
    """Inside itself and afterwards, in any number."""
    again = LogContext(user="ada")
    before = context.current()
    with again, again:
        assert context.current().standard["user"] == "ada"
    with again:
        assert context.current().standard["user"] == "ada"
    assert context.current() is before


def test_generators_that_interleave_leave_nothing_behind() -> None:
    """Two contexts left in the order in which they were entered: afterwards neither is in force."""

    def items(name: str, count: int) -> Iterator[int]:
        with LogContext(operation=name):
            yield from range(count)

    before = context.current()
    first, second = items("a", 1), items("b", 2)
    next(first), next(second)
    next(first, None)
    assert context.current().standard["operation"] == "b"
    next(second), next(second, None)
    assert context.current() is before


def test_an_observed_programs_lines_carry_a_correlation_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Its run's, which text leaves out; each context has one of its own all the same, and afterwards there is none."""
    with fresh_program():
        observer = init_observability(ObservabilityConfig(log_format="json"))
        assert get_correlation_id() == observer.run_id
        for event in ("first", "second"):
            with LogContext():
                get_logger("app").info(event)
        thread = threading.Thread(target=get_logger("app").info, args=("in_a_thread",))
        thread.start()
        thread.join()
        configure(Log())
        get_logger("app").info("shown")
        observer.finish()
    assert get_correlation_id() is None
    *said, shown = capsys.readouterr().err.splitlines()
    first, second, other = (json.loads(line)["correlation_id"] for line in said)
    assert len({first, second, other}) == 3
    assert (other, "correlation_id" in shown) == (observer.run_id, False)


def test_a_decorated_generator_is_inside_and_its_consumer_is_not() -> None:
    """With one correlation id all along, and with what it set itself; a new one has an id of its own."""

    @LogContext(operation="import")
    def items() -> Generator[Any, None, None]:
        set_user_context("ada")
        while True:
            with LogContext(batch=7):
                yield context.current().standard

    before = context.current()
    stream = items()
    first = next(stream)
    assert context.current() is before
    second = next(stream)
    assert first["correlation_id"] == second["correlation_id"] != next(items())["correlation_id"]
    assert (second["operation"], second["user"]) == ("import", "ada")
    stream.close()
    assert context.current() is before


def test_a_decorated_asynchronous_generator_is_inside_too() -> None:
    """And the task that consumes it is not."""

    @LogContext(operation="import")
    async def items() -> AsyncIterator[Any]:
        for _ in range(2):
            await asyncio.sleep(0)
            yield context.current().standard.get("operation")

    async def main() -> list[Any]:
        return [(inside, context.current().standard.get("operation")) async for inside in items()]

    assert asyncio.run(main()) == [("import", None)] * 2


def test_methods_of_every_kind_are_decorated_and_nothing_else() -> None:
    """An object that cannot be called is refused at once."""

    class Importer:
        @LogContext(operation="import")
        @staticmethod
        def load() -> Any:
            return context.current().standard["operation"]

    assert Importer.load() == "import"
    for wrong in (None, 5):
        with pytest.raises(ConfigurationError, match="a function, a method"):
            LogContext(operation="import")(wrong)  # type: ignore[type-var]


def test_leaving_in_another_task_raises_nothing() -> None:
    """An asynchronous generator may be closed by another task than the one that began it."""

    async def items() -> Any:
        with LogContext(operation="import"):
            yield 1
            yield 2

    async def main() -> None:
        generator = items()
        await asyncio.create_task(anext(generator))
        await asyncio.create_task(generator.aclose())
        assert "operation" not in context.current().standard

    asyncio.run(main())


def test_a_task_keeps_its_context_when_its_parent_leaves_it() -> None:
    """Leaving is a matter of one task: what a child began in holds for the child, past contexts of its own."""

    async def child(parent_left: asyncio.Event) -> Any:
        await parent_left.wait()
        with LogContext(user="ada"):
            pass
        return context.current().standard.get("operation")

    async def main() -> Any:
        parent_left = asyncio.Event()
        with LogContext(operation="import"):
            task = asyncio.create_task(child(parent_left))
            await asyncio.sleep(0)
        parent_left.set()
        return await task

    assert asyncio.run(main()) == "import"


def test_wrap_takes_coroutines_and_may_be_called_at_once() -> None:
    """Each call is in a copy of its own: what one sets, another does not see."""

    async def work(user: str) -> tuple[Any, Any]:
        set_user_context(user)
        await asyncio.sleep(0)
        return context.current().standard["user"], context.current().standard["operation"]

    with LogContext(operation="import"):
        wrapped = wrap(work)

    async def main() -> list[tuple[Any, Any]]:
        return list(await asyncio.gather(wrapped("ada"), wrapped("bob")))

    assert asyncio.run(main()) == [("ada", "import"), ("bob", "import")]
    wrap(set_user_context)("ada")
    assert "user" not in context.current().standard


def test_wrap_takes_generators_which_stay_what_they_are() -> None:
    """In a thread of the user's, each step is in the context, with what was set inside; the consumer is not."""

    def work() -> Generator[Any, Any, str]:
        given = yield get_correlation_id()
        set_user_context(given)
        try:
            yield context.current().standard["user"]
        except KeyError:
            yield get_correlation_id()
        return "the end"

    with LogContext(correlation_id="c-1"):
        wrapped = wrap(work)

    def consume() -> list[Any]:
        steps = wrapped()
        found = [next(steps), steps.send("ada"), get_correlation_id(), steps.throw(KeyError())]
        with pytest.raises(StopIteration, match="the end"):
            next(steps)
        wrapped().close()
        return [*found, "user" in context.current().standard]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(consume).result() == ["c-1", "ada", None, "c-1", False]


def test_wrap_keeps_a_thread_in_its_run(log: ProgramLog) -> None:
    """A thread that a user starts inside `observe()` logs its lines in that run."""
    logger = log.get_logger("app")
    with observe("nightly", store=False) as observed:
        heard: list[Event] = []
        observed.bus.subscribe(heard.append)
        thread = threading.Thread(target=wrap(logger.info), args=("in_thread",))
        thread.start()
        thread.join()
    assert [event.run_id for event in heard if event.event_type == "in_thread"] == [observed.run_id]


def test_a_context_too_large_for_an_environment_leaves_the_rest_behind() -> None:
    """Starting a program never fails for what was being logged."""
    with LogContext(correlation_id="c-1", huge="x" * 60_000, huger=["y" * 60_000]):
        (portable,) = context_for_workers()["initargs"]
    assert portable["correlation_id"] == "c-1"
    assert len(json.dumps(portable)) < 20_000


@pytest.mark.parametrize("damaged", ["", "{", "[]", "7", '{"user": {"a": [1]}}'])
def test_a_damaged_inherited_context_is_left_out(damaged: str) -> None:
    """The environment that another process left cannot keep this one from logging."""
    code = "from odibi_core.observability import get_logger; get_logger('app').info('said')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ODIBI_CONTEXT": damaged},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "app said" in done.stderr


FORKS = """
import os, sys, threading
from odibi_core.observability import get_logger
log = get_logger("app")
log.info("parent", n=0)
stop = threading.Event()
def busy():
    while not stop.is_set():
        log.info("busy")
thread = threading.Thread(target=busy); thread.start()
children = []
for n in range(20):
    pid = os.fork()
    if not pid:
        log.info("child", n=n)
        os._exit(0)
    children.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in children]
stop.set(); thread.join()
sys.exit(any(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_children_log_while_threads_do() -> None:
    """No lock that a thread held at the fork is waited for; every child's line is in the one file, once."""
    environment = {**os.environ, "LOG_FILE": "app.jsonl"}
    subprocess.run(
        [sys.executable, "-c", FORKS], env=environment, stderr=subprocess.DEVNULL, check=True, timeout=60
    )
    with open("app.jsonl", encoding="utf-8") as file:
        said = [json.loads(line) for line in file if line != "\n"]
    assert sorted(line["n"] for line in said if line["event_type"] == "child") == list(range(20))


SIGNALS = """
import signal, os
from odibi_core.observability import get_logger
log = get_logger("app")
heard = []
def handler(*_):
    log.warning("in_handler"); heard.append(1)
signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
signal.alarm(30)
signal.signal(signal.SIGVTALRM, handler)
signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
while len(heard) < 50:
    log.info("said")
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGVTALRM"), reason="this system has no such signal")
def test_a_signals_handler_may_log() -> None:
    """At any point of the interrupted line, the handler's is logged and nothing hangs."""
    environment = {**os.environ, "LOG_FILE": "app.jsonl"}
    done = subprocess.run(
        [sys.executable, "-c", SIGNALS], env=environment, stderr=subprocess.DEVNULL, check=False, timeout=60
    )
    assert done.returncode == 0
    with open("app.jsonl", encoding="utf-8") as file:
        assert sum(json.loads(line)["event_type"] == "in_handler" for line in file) >= 50


def test_logging_at_the_very_end_is_silent() -> None:
    """In `atexit`, in `__del__` at shutdown, and with stderr closed: no traceback, no exit code."""
    code = (
        "import atexit, sys\nfrom odibi_core.observability import get_logger\nlog = get_logger('app')\n"
        "class Last:\n    def __del__(self): log.info('in_del')\n"
        "last = Last(); log.info('first'); atexit.register(log.info, 'at_exit')\n"
        "sys.stderr.close(); log.info('closed'); sys.stderr = None; log.info('none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "first" in done.stderr


def test_a_program_is_configured_after_its_loggers_exist(stream: io.StringIO) -> None:
    """Level, format and file: of the loggers that there are too, but for one whose level the user set himself."""
    log = ProgramLog(Log(), stream)
    plain, own = log.get_logger("plain"), log.get_logger("own")
    own.set_level("error")
    plain.debug("unsaid")
    log.configure(Log(level="debug", format="json", file="app.jsonl"))
    plain.debug("said")
    own.warning("unsaid")
    own.error("said")
    assert [(line["component"], line["event_type"]) for line in lines(stream)] == [
        ("plain", "said"),
        ("own", "said"),
    ]
    with open("app.jsonl", encoding="utf-8") as file:
        assert len(file.readlines()) == 2


def test_configuring_again_doubles_nothing(stream: io.StringIO) -> None:
    """However often, and in a run as well: each line is shown once; the file of before is closed and gets no more."""
    log = ProgramLog(Log(file="a.jsonl"), stream)
    logger = log.get_logger("app")
    logger.info("first")
    before = log.file
    assert before is not None
    for _ in range(3):
        log.configure(Log(format="json", file="b.jsonl"))
    logger.info("second")
    with observe("nightly", store=False):
        log.configure(Log(format="json", file="b.jsonl"))
        logger.info("third")
    assert stream.getvalue().count("\n") == 3
    assert before._fd == -1
    with open("a.jsonl", encoding="utf-8") as a, open("b.jsonl", encoding="utf-8") as b:
        assert ([json.loads(line)["event_type"] for line in a], len(b.readlines())) == (["first"], 2)


def test_what_cannot_be_configured_changes_nothing(log: ProgramLog, stream: io.StringIO) -> None:
    """A preset that does not exist is refused, and the log goes on as it was."""
    with pytest.raises(ConfigurationError, match="did you mean 'ecs'"):
        log.configure(msgspec.structs.replace(Log(level="error"), preset="esc"))
    log.get_logger("app").info("said")
    assert lines(stream)[0]["event_type"] == "said"


def test_the_process_is_configured_by_its_whole_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """`configure(ObservabilityConfig(…))`, before or after the first logger; its lines name the service."""
    with fresh_program():
        configure(ObservabilityConfig(log_format="json", log_preset="ecs", service_name="orders"))
        get_logger("app").info("first")
        configure(ObservabilityConfig(log_format="json", log_level="warning"))
        get_logger("app").info("unsaid")
        get_logger("app").warning("second")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["service.name"], first["event.action"]) == ("orders", "first")
    assert second["event_type"] == "second"


@pytest.mark.parametrize("kind", [ProgramLog, StructuredLogger])
def test_exc_info_is_what_logging_has_by_that_name(kind: Any, stream: io.StringIO) -> None:
    """At every level: True, an exception, or the triple of one; any other value adds nothing."""
    if kind is ProgramLog:
        logger: Any = ProgramLog(Log(format="json"), stream).get_logger("app")
    else:
        logger = StructuredLogger("app", stream=stream)
    try:
        raise KeyError("orders")
    except KeyError as error:
        logger.warning("true", exc_info=True)
        logger.exception("other", exc_info=ValueError("orders"))
        triple = sys.exc_info()
        kept = error
    logger.info("given", exc_info=kept)
    logger.error("triple", exc_info=triple)
    logger.error("none", exc_info=True)
    logger.error("false", exc_info=False)
    said = lines(stream)
    types = ["KeyError", "ValueError", "KeyError", "KeyError", None, None]
    assert [line.get("error_type") for line in said] == types
    assert all(("traceback" in line) is bool(line.get("error_type")) for line in said)
    assert not [line for line in said if "exc_info" in line]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LOG_LEVEL", "loud"),
        ("ODIBI_LOG_FORMAT", "json"),
        ("ODIBI_CONFIG_FILE", "nowhere.toml"),
        ("ODIBI_REDACTION__PATTERNS", "("),
    ],
)
def test_a_wrong_setting_is_told_once_and_costs_no_line(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In either order: a captured error is in the log, and `init_observability` adds nothing."""
    monkeypatch.setenv(variable, value)
    with fresh_program():
        capture_exception(ValueError("kept"))
        init_observability().finish()
    shown = capsys.readouterr().err
    assert (shown.count(f"{variable} is "), shown.count("- ValueError: kept")) == (1, 1)


@pytest.mark.parametrize("preset", ["ecs", "otel", "gcp", "datadog"])
def test_a_preset_holds_for_console_and_file(stream: io.StringIO, preset: Any) -> None:
    """Both show the same line; odibi does not read it back, and reports why."""
    log = ProgramLog(Log(format="json", preset=preset, file="app.jsonl"), stream)
    log.get_logger("app").info("said")
    with open("app.jsonl", encoding="utf-8") as file:
        assert file.read() == stream.getvalue()
    assert log.file is not None
    with pytest.raises(ConfigurationError, match="LOG_PRESET=odibi"):
        list(log.file.read())


def test_our_own_lines_are_read_back(stream: io.StringIO) -> None:
    """The preset `odibi` is the journal's format."""
    log = ProgramLog(Log(file="app.jsonl"), stream)
    log.get_logger("app").info("said", row_count=3)
    assert log.file is not None
    (event,) = log.file.read()
    assert (event.event_type, event.row_count) == ("said", 3)


def test_the_toolkits_calls_are_shown_beside_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """From LOG_LEVEL up, inside a run and outside, without a logger; the events of a run itself are not shown."""
    with fresh_program():
        configure(Log(level="info", format="json", file="app.jsonl"))
        current_bus().publish("cost", fields={"operation": "q"})
        current_bus().publish("feature_usage", level="debug")
        current_bus().publish("metric", fields={"value": 1})
        with observe("nightly", store=False) as run:
            run.bus.publish("snapshot")
            run.bus.publish("node_complete", fields={"node_name": "clean"})
            current_bus().publish("error", level="error", fields={"error": "disk full"})
            get_logger("app").info("said")
    shown = [json.loads(line)["event_type"] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["cost", "error", "said"]
    with open("app.jsonl", encoding="utf-8") as file:
        assert [json.loads(line)["event_type"] for line in file] == shown


def test_the_process_shows_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A run on the program's own bus, another on its own, and lines between them."""
    with fresh_program():
        logger = get_logger("app")
        logger.info("a")
        with Observer("program", store=False, bus=program_bus()):
            logger.info("b")
            with observe("inner", store=False):
                logger.info("c")
        logger.info("d")
    assert [line.split()[3] for line in capsys.readouterr().err.splitlines()] == ["a", "b", "c", "d"]


def test_a_thread_may_ask_for_the_first_logger_while_a_sink_does() -> None:
    """The log of the process joins buses that publish at that moment: no thread waits for the other."""
    with fresh_program(), observe("nightly", store=False) as run:
        inside, go_on, done = threading.Event(), threading.Event(), threading.Event()

        def sink(event: Event) -> None:
            if event.event_type == "odd":
                inside.set()
                go_on.wait(1)
                get_logger("from_sink").info("said")
                done.set()

        run.bus.subscribe(sink)
        threading.Thread(target=wrap(run.bus.publish), args=("odd",), daemon=True).start()
        assert inside.wait(20)
        other = threading.Thread(target=lambda: get_logger("app").info("said"), daemon=True)
        other.start()
        go_on.set()
        other.join(20)
        assert not other.is_alive()
        assert done.wait(20)


NAMES = [
    "a/b\\c", "../../etc", "line\nfeed", "x" * 300, "\u0430pp", "", " ", "\ud800", "\x00", "👩‍👩‍👧", 7, None, b"bytes",
    ["unhashable"], Hostile(),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=count())
def test_a_loggers_name_may_be_anything(log: ProgramLog, stream: io.StringIO, name: Any) -> None:
    """It is data: no path is made of it, the same name is the same logger, and its lines are shown."""
    logger = log.get_logger(name)
    assert log.get_logger(name) is logger
    logger.info("said")
    assert isinstance(lines(stream)[0].get("component", ""), str)
    assert lines(stream)[0]["event_type"] == "said"
    assert not os.listdir(".")


def test_unicode_twins_are_two_loggers(log: ProgramLog) -> None:
    """Names that look alike are not alike."""
    assert log.get_logger("app") is not log.get_logger("\u0430pp")


async def _in_an_executor() -> list[str | None]:
    loop = asyncio.get_running_loop()
    return [
        await asyncio.to_thread(get_correlation_id),
        await loop.run_in_executor(None, wrap(get_correlation_id)),
    ]


def test_the_context_reaches_executors_of_asyncio() -> None:
    """`to_thread` carries it by itself, `run_in_executor` with `wrap`."""
    with LogContext(correlation_id="c-1"):
        assert asyncio.run(_in_an_executor()) == ["c-1", "c-1"]


def test_the_context_does_not_leak_between_an_executors_jobs() -> None:
    """A value that one job sets is gone for the next job on the same thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(wrap(set_correlation_id), "first").result()
        assert pool.submit(wrap(lambda: context.current().standard.get("user"))).result() is None
        before = pool.submit(get_correlation_id).result()
        pool.submit(wrap(set_user_context), "ada").result()
        assert pool.submit(get_correlation_id).result() == before


def test_the_processs_first_lines_are_all_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Eight threads ask for the first logger of the process at once, and log: every line is shown."""
    for _ in range(20):
        with fresh_program():
            together = threading.Barrier(8)

            def work(together: threading.Barrier = together) -> None:
                together.wait(20)
                get_logger("app").info("said")

            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert capsys.readouterr().err.count(" said") == 160
