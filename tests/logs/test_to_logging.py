"""Events that are forwarded to `logging`: the record, its handlers, and that it does not come back."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.logs.context import LogContext
from odibi_core.logs.from_logging import capture_logging
from odibi_core.logs.program_logger import configure, get_logger
from odibi_core.logs.to_logging import LoggingSink, forward_to_logging
from odibi_core.process.state import current_bus
from odibi_core.runtime.observer import observe
from odibi_core.settings import Log
from odibi_core.testing import an_event, fresh_program


class Keeping(logging.Handler):
    """A handler that keeps the records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def kept() -> Iterator[Keeping]:
    """The records of the standard logger `odibi`, in a program that has just begun."""
    handler = Keeping()
    logger = logging.getLogger("odibi")
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    with fresh_program():
        configure(Log(level="debug"))
        yield handler
    logger.removeHandler(handler)
    logger.setLevel("NOTSET")


def test_a_line_is_a_record(kept: Keeping) -> None:
    """Name, level, message, time and caller; `event_type` and the fields are the record's attributes."""
    with forward_to_logging(), LogContext("import", user="ada", correlation_id="c-1"):
        get_logger("etl.load").warning("orders_loaded", message="100 % of them", row_count=3)
    (record,) = kept.records
    said: Any = record
    assert (record.name, record.levelname, record.getMessage()) == ("etl.load", "WARNING", "100 % of them")
    assert (said.event_type, said.row_count, said.user) == ("orders_loaded", 3, "ada")
    assert (said.operation, said.correlation_id) == ("import", "c-1")
    assert (record.pathname, record.funcName) == (__file__, "test_a_line_is_a_record")
    assert record.threadName == threading.current_thread().name
    assert abs(datetime.fromtimestamp(record.created, UTC) - datetime.now(UTC)).total_seconds() < 3600


def test_a_record_has_the_time_of_its_event(kept: Keeping) -> None:
    """However late it is handed on."""
    sink = LoggingSink()
    sink(an_event("x", timestamp=datetime(2026, 1, 31, 4, 5, 6, 789012, tzinfo=UTC)))
    sink.close()
    (record,) = kept.records
    shown = logging.Formatter("%(asctime)s %(message)s")
    shown.converter = lambda seconds: datetime.fromtimestamp(seconds or 0, UTC).timetuple()
    assert shown.format(record) == "2026-01-31 04:05:06,789 x"


def test_names_that_records_have_themselves_get_a_(kept: Keeping) -> None:
    """No field can pass for the record's own `name`, `args` or `msg`."""
    with forward_to_logging():
        get_logger("app").info("x", name="mine", args=[1], msg="%s", exc_text="t", process=7, asctime=1)
    (record,) = kept.records
    assert (record.name, record.getMessage()) == ("app", "x")
    attributes = vars(record)
    assert (attributes["name_"], attributes["args_"], attributes["msg_"]) == ("mine", [1], "%s")
    assert (attributes["exc_text_"], attributes["process_"], attributes["asctime_"]) == ("t", 7, 1)


def test_a_formatter_shows_the_traceback(kept: Keeping) -> None:
    """As it does for any record with an exception."""
    with forward_to_logging():
        try:
            raise ValueError("no such order")
        except ValueError:
            get_logger("app").exception("import_failed")
    (record,) = kept.records
    assert "ValueError: no such order" in logging.Formatter().format(record)
    assert vars(record)["error_type"] == "ValueError"


def test_runs_and_the_toolkits_calls_go_out_too(kept: Keeping) -> None:
    """All events of the process, except those for programs alone."""
    with forward_to_logging():
        with observe("nightly", store=False) as run:
            run.bus.publish("metric", fields={"value": 1})
            current_bus().publish("cost", "a query", fields={"operation": "q"})
        current_bus().publish("health_check", level="debug")
    types = [vars(record)["event_type"] for record in kept.records]
    assert types == ["pipeline_start", "cost", "pipeline_complete", "health_check"]
    assert kept.records[0].name == "odibi"


def test_levels_count_on_both_sides(kept: Keeping) -> None:
    """The given level, and the level of the standard logger."""
    with forward_to_logging(level="info"):
        get_logger("app").debug("below ours")
        get_logger("app").info("said")
    logging.getLogger("odibi").setLevel("ERROR")
    with forward_to_logging():
        get_logger("app").warning("below theirs")
        get_logger("app").error("failed")
    assert kept.messages == ["said", "failed"]
    with pytest.raises(ConfigurationError, match="'loud' is no level"):
        forward_to_logging(level="loud")


def test_it_ends_when_it_is_ended(kept: Keeping) -> None:
    """Called or left: earlier lines are forwarded, later ones are not."""
    restore = forward_to_logging()
    for number in range(100):
        get_logger("app").info(f"line {number}")
    restore()
    get_logger("app").info("after")
    assert kept.messages == [f"line {number}" for number in range(100)]


def test_both_bridges_at_once_do_not_loop(kept: Keeping, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of odibi is forwarded once and not captured; a record of a library is captured once and not forwarded."""
    heard = Keeping()
    root = logging.getLogger()
    root.addHandler(heard)
    before = root.level
    try:
        with capture_logging("debug"), forward_to_logging():
            get_logger("ours").info("out")
            logging.getLogger("theirs").info("in")
            get_logger("ours").info("out again")
    finally:
        root.removeHandler(heard)
        root.setLevel(before)
    assert sorted(heard.messages) == ["in", "out", "out again"]
    assert kept.messages == ["out", "out again"]
    shown = capsys.readouterr().err.splitlines()
    assert [line.split()[2:4] for line in shown] == [["ours", "out"], ["theirs", "in"], ["ours", "out"]]


def test_a_handler_that_logs_to_us_makes_no_loop(kept: Keeping) -> None:
    """A line that is logged while a record is forwarded is not forwarded."""

    echoed = threading.Event()

    class Echo(Keeping):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)
            get_logger("echo").info("echoed")
            echoed.set()

    echo = Echo()
    logging.getLogger("odibi").addHandler(echo)
    try:
        with forward_to_logging():
            get_logger("app").info("said")
            assert echoed.wait(20)
    finally:
        logging.getLogger("odibi").removeHandler(echo)
    assert echo.messages == ["said"]


@contextmanager
def a_handler_that_hangs() -> Iterator[threading.Event]:
    """In each record, until the block ends and all is forwarded; yields an event that is set in a record."""
    go_on, inside = threading.Event(), threading.Event()

    class Hangs(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            inside.set()
            go_on.wait(60)

    hangs = Hangs()
    logging.getLogger("odibi").addHandler(hangs)
    try:
        yield inside
    finally:
        go_on.set()
        for thread in threading.enumerate():
            if thread.name.startswith("odibi-forwarding"):
                thread.join(60)
        logging.getLogger("odibi").removeHandler(hangs)


def test_a_handler_that_hangs_holds_up_nobody(kept: Keeping) -> None:
    """Logging goes on, the queue is bounded and dropped lines are counted; ending it takes two seconds at most."""
    with a_handler_that_hangs():
        sink = LoggingSink()
        for _ in range(10_050):
            sink(an_event("x"))
        assert 0 < sink.dropped <= 50
        sink.close()


ENDS = """
import atexit, logging, logging.handlers, threading, time
from odibi_core.logs import to_logging as log_forwarding
from odibi_core.observability import forward_to_logging, get_logger

class Hangs(logging.Handler):
    def emit(self, record): threading.Event().wait()

class Slow(logging.Handler):
    def emit(self, record): time.sleep(0.1)

class Keeps(logging.Handler):
    def emit(self, record): pass
    def close(self): print("closed", flush=True)

logging.getLogger("odibi").setLevel("INFO")
logging.getLogger("odibi").addHandler(Keeps())
hangs = {handler}
logging.getLogger("odibi").addHandler(hangs)
{sabotage}
log = get_logger("app")
atexit.register(log.info, "after the last")
restore = forward_to_logging()
for number in range(1000):
    log.info("said")
{before_the_end}
print("done", flush=True)
"""
HANDLERS = {
    "hangs": "Hangs()",
    "hangs behind another": "logging.handlers.MemoryHandler(1, target=Hangs())",
    "slow": "Slow()",
}


def ends(handler: str, before_the_end: str = "", sabotage: str = "", within: float = 20) -> tuple[bool, str]:
    """Return whether a program with such a handler ends, and its output."""
    code = ENDS.format(handler=handler, before_the_end=before_the_end, sabotage=sabotage)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        try:
            return True, program.communicate(timeout=within)[0]
        except subprocess.TimeoutExpired:
            program.kill()
            return False, program.communicate()[0]


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("before_the_end", ["", "restore()"], ids=["at the end", "ended before"])
def test_no_handler_holds_up_the_programs_end(handler: str, before_the_end: str) -> None:
    """Not one that keeps its lock, which `logging.shutdown` waits for: it is let go of, and all others are closed."""
    assert ends(HANDLERS[handler], before_the_end) == (True, "done\nclosed\n")


def test_the_check_sees_an_end_that_is_held_up() -> None:
    """Where forwarding only stops to wait, `logging.shutdown` waits on."""
    sabotage = "log_forwarding.LoggingSink.finish = lambda sink: sink.close()"
    assert ends("Hangs()", sabotage=sabotage, within=6) == (False, "done\n")


def test_what_is_said_after_a_handler_hung_is_dropped_and_counted(kept: Keeping) -> None:
    """At the program's end, where the logging thread would forward it."""
    with a_handler_that_hangs() as inside:
        sink = LoggingSink()
        for _ in range(3):
            sink(an_event("x"))
        assert inside.wait(20)
        sink.finish()
        sink(an_event("x"))
        assert sink.dropped == 1
    assert (sink.dropped, len(kept.records)) == (3, 1)


def test_a_handler_that_raises_costs_nothing_else(kept: Keeping) -> None:
    """The lines after it are handed on."""

    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "bad":
                raise RuntimeError("broken")

    raises = Raises()
    logging.getLogger("odibi").addHandler(raises)
    try:
        with forward_to_logging():
            get_logger("app").info("bad")
            get_logger("app").info("good")
    finally:
        logging.getLogger("odibi").removeHandler(raises)
    assert kept.messages == ["bad", "good"]


def test_what_was_said_last_goes_out_at_exit() -> None:
    """A program that ends without ending it loses nothing, nor the lines of `atexit`."""
    code = (
        "import atexit, logging\nfrom odibi_core.observability import forward_to_logging, get_logger\n"
        "log = get_logger('app')\natexit.register(log.info, 'very last')\n"
        "logging.basicConfig(level='INFO', filename='std.log', format='%(name)s %(message)s')\n"
        "forward_to_logging()\n"
        "for number in range(50): log.info(f'line {number}')"
    )
    subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=True, timeout=60)
    with open("std.log", encoding="utf-8") as file:
        assert file.read().splitlines() == [*(f"app line {number}" for number in range(50)), "app very last"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_hands_on_too() -> None:
    """The thread that handed on in the parent is not in the child, which has its own."""
    code = (
        "import logging, os\nfrom odibi_core.observability import forward_to_logging, get_logger\n"
        "log = get_logger('app')\n"
        "logging.basicConfig(level='INFO', filename='std.log', format='%(name)s %(message)s')\n"
        "with forward_to_logging() as forwarding:\n"
        "    log.info('parent')\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        log.info('child'); forwarding(); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=True, timeout=60)
    with open("std.log", encoding="utf-8") as file:
        assert sorted(file.read().splitlines()) == ["app child", "app parent"]


def test_a_secret_does_not_go_out(kept: Keeping) -> None:
    """A record is made of what the redactor left."""
    stream = io.StringIO()
    shown = logging.StreamHandler(stream)
    shown.setFormatter(logging.Formatter("%(message)s %(password)s"))
    logging.getLogger("odibi").addHandler(shown)
    with forward_to_logging():
        get_logger("app").info("login of ada@example.com", password="canary-1")
    logging.getLogger("odibi").removeHandler(shown)
    assert "canary" not in stream.getvalue()
    assert "ada@" not in stream.getvalue()
    assert "login of" in stream.getvalue()


def test_a_traceback_ends_as_those_of_logging_do(kept: Keeping) -> None:
    """Without an empty line behind it."""
    with forward_to_logging():
        get_logger("app").error("bad", exc_info=KeyError("orders"))
    (record,) = kept.records
    assert logging.Formatter("%(message)s").format(record).endswith("KeyError: 'orders'")
