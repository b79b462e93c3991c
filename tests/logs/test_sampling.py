"""Sampling and repeats: the accepted lines that are logged, to the unit."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.bus.bus import EventBus
from odibi_core.logs.context import LogContext
from odibi_core.logs.program_logger import ProgramLog
from odibi_core.logs.sampling import LogSampler
from odibi_core.runtime.observer import observe
from odibi_core.runtime.program import init_observability
from odibi_core.settings import Log, ObservabilityConfig
from odibi_core.testing import FakeClock, RecordingSink


class Program:
    """A program whose clock obeys, its lines read back."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.stream = io.StringIO()
        self.bus = EventBus(clock=self.clock)
        self.log = ProgramLog(Log(level="debug", format="json", **settings), self.stream, bus=self.bus)
        self.logger = self.log.get_logger("app")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event_type"] == event]

    @property
    def told(self) -> list[dict[str, Any]]:
        return self.named("messages_suppressed")


def test_a_sample_keeps_its_share() -> None:
    """Of 4,000 lines a tenth, give or take; each has the rate; the others are counted."""
    program = Program(sample_rate=0.1)
    for _ in range(4000):
        program.logger.info("tick")
    lines = program.named("tick")
    assert 300 < len(lines) < 500
    assert {line["sample_rate"] for line in lines} == {0.1}
    assert len(lines) + program.log.sampled_out == 4000


def test_one_request_is_kept_whole_or_not_at_all() -> None:
    """Lines of one correlation id share their fate, in this process and in any other; about half are kept."""
    program, other = Program(sample_rate=0.5), Program(sample_rate=0.5)
    for number in range(200):
        with LogContext(correlation_id=f"request-{number}"):
            for logger in (program.logger, program.log.get_logger("db"), other.logger):
                logger.info("began")
                logger.debug("ended")
    kept = Counter(line["correlation_id"] for line in program.lines)
    assert set(kept.values()) == {4}
    assert 60 < len(kept) < 140
    assert {line["correlation_id"] for line in other.lines} == set(kept)


def test_the_id_of_a_whole_program_decides_nothing() -> None:
    """Else `init_observability` would log all of a program's lines or none."""
    observer = init_observability(ObservabilityConfig())
    program = Program(sample_rate=0.5)
    for _ in range(200):
        program.logger.info("tick")
    observer.finish()
    assert 0 < len(program.lines) < 200
    assert {line["correlation_id"] for line in program.lines} == {observer.run_id}


def test_the_lines_own_correlation_id_decides() -> None:
    """One that is given with the line goes before the context's, as it does on the line."""
    program = Program(sample_rate=0.5)
    for number in range(50):
        program.logger.info("a", correlation_id=f"r-{number}")
        with LogContext(correlation_id=f"r-{number}"):
            program.logger.info("b")
    ids = [{line["correlation_id"] for line in program.named(name)} for name in "ab"]
    assert ids[0] == ids[1]
    assert 0 < len(ids[0]) < 50


def test_warnings_and_above_are_never_sampled() -> None:
    """At a rate of 0 all of them are logged, without a `sample_rate`, and nothing else."""
    program = Program(sample_rate=0.0)
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(program.logger, level)(level)
    program.logger.exception("exception")
    assert [line["event_type"] for line in program.lines] == ["warning", "error", "critical", "exception"]
    assert not any("sample_rate" in line for line in program.lines)


def test_a_sample_rate_of_the_callers_own_is_kept() -> None:
    """As any field with a name of the recorder: with a `_`."""
    program = Program(sample_rate=1.0, repeat_limit=5)
    program.logger.info("x", sample_rate=44100)
    assert program.lines[0]["sample_rate"] == 44100
    program.log.configure(Log(format="json", sample_rate=0.999999))
    program.logger.info("y", sample_rate=44100)
    assert (program.lines[1]["sample_rate"], program.lines[1]["sample_rate_"]) == (0.999999, 44100)


def test_repeats_are_held_back_and_told_of_once() -> None:
    """More than the limit within the window: one line reports the number of the others, their event and times."""
    program = Program(repeat_limit=2, repeat_window_s=60)
    for number in range(5):
        program.logger.warning("slow", message=f"query {number}", number=number)
        program.clock.advance(1)
    assert [line["number"] for line in program.named("slow")] == [0, 1]
    program.clock.advance(60)
    program.logger.info("other")
    assert [line["event_type"] for line in program.lines] == ["slow", "slow", "messages_suppressed", "other"]
    (told,) = program.told
    assert (told["count"], told["level"], told["component"]) == (3, "warning", "app")
    assert (told["suppressed_event"], told["suppressed_message"]) == ("slow", "query 2")
    assert told["first_at"] == "2026-01-01T00:00:02.000000Z"
    assert told["last_at"] == "2026-01-01T00:00:04.000000Z"


def test_what_differs_is_not_a_repeat() -> None:
    """Component, event and level distinguish lines; a line without a name is distinguished by its message."""
    program = Program(repeat_limit=1)
    for logger in (program.logger, program.log.get_logger("other")):
        for event in ("a", "b"):
            logger.info(event)
            logger.debug(event)
        logger.info(message="one")
        logger.info(message="two")
    assert len(program.lines) == 12
    program.logger.info(message="two")
    assert len(program.lines) == 12


def test_errors_are_never_held_back() -> None:
    """However often the same one comes."""
    program = Program(repeat_limit=1)
    for _ in range(5):
        program.logger.error("failed")
        program.logger.critical("failed")
    assert len(program.lines) == 10


def test_a_new_window_begins_anew() -> None:
    """After the window the line is logged again, behind the count of the old one."""
    program = Program(repeat_limit=1, repeat_window_s=10)
    for _ in range(6):
        program.logger.info("tick")
        program.clock.advance(4)
    kinds = [line["event_type"] for line in program.lines]
    assert kinds == ["tick", "messages_suppressed", "tick"]
    program.log.close()
    assert [line["count"] for line in program.told] == [2, 2]


def test_the_wall_clock_may_go_back() -> None:
    """Windows are measured by the clock that never does."""
    program = Program(repeat_limit=1, repeat_window_s=10)
    program.logger.info("tick")
    program.clock.set_back(86_400)
    program.logger.info("tick")
    program.clock.advance(10)
    program.logger.info("tick")
    assert [line["event_type"] for line in program.lines] == ["tick", "messages_suppressed", "tick"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["debug", "info", "warning", "error"]),
        st.sampled_from([0, 0, 0, 1, 7]),
        st.sampled_from([None, "r-1", "r-2", "r-3"]),
    ),
    max_size=80,
)


def said_of(steps: list[tuple[str, str, int, str | None]], program: Program) -> Counter[str]:
    """Log the lines, end the program, and count what it accepted of each event."""
    accepted: Counter[str] = Counter()
    for event, level, pause, correlation_id in steps:
        fields = {"correlation_id": correlation_id} if correlation_id else {}
        getattr(program.logger, level)(event, **fields)
        accepted[event] += 1
        program.clock.advance(pause)
    program.log.close()
    return accepted


@given(steps=STEPS, limit=st.integers(0, 4), rate=st.sampled_from([1.0, 0.5, 0.0]))
def test_accepted_is_said_and_held_back_and_sampled_out(
    steps: list[tuple[str, str, int, str | None]], limit: int, rate: float
) -> None:
    """To the unit, whatever comes when: nothing vanishes without being counted, and nothing is counted twice."""
    program = Program(repeat_limit=limit, repeat_window_s=5, sample_rate=rate)
    accepted = said_of(steps, program)
    said = Counter(line["event_type"] for line in program.lines if line["event_type"] in "abc")
    held: Counter[str] = Counter()
    for line in program.told:
        held[line["suppressed_event"]] += line["count"]
    assert sum(accepted.values()) == said.total() + held.total() + program.log.sampled_out
    if rate == 1.0:
        assert accepted == said + held


def test_the_property_sees_a_sampler_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a sampler that drops what it held back when a window ends does not add up."""
    monkeypatch.setattr(LogSampler, "report", lambda *_: None)
    program = Program(repeat_limit=1)
    accepted = said_of([("a", "info", 0, None)] * 3, program)
    assert accepted.total() != len(program.lines) + sum(line["count"] for line in program.told)


def test_a_thousand_different_lines_are_the_most_that_are_counted() -> None:
    """Names that never end do not fill the memory; the count of those that make room is reported at once."""
    program = Program(repeat_limit=1)
    for _ in range(2):
        program.logger.info("first")
    for number in range(1500):
        program.logger.info(f"event-{number}")
    assert [line["suppressed_event"] for line in program.told] == ["first"]
    assert len(program.log.sampler._windows) == 1000


def test_threads_lose_no_count() -> None:
    """Eight threads log the same line at once: logged and held back are all of them."""
    program = Program(repeat_limit=10)

    def work() -> None:
        for _ in range(200):
            program.logger.info("x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    program.log.close()
    assert len(program.named("x")) == 10
    assert [line["count"] for line in program.told] == [1590]


def test_the_record_of_a_run_agrees_with_the_console() -> None:
    """The suppressed lines of a run are reported in it, before its record is closed; another run counts for itself."""
    program = Program(repeat_limit=1)
    for _ in range(2):
        with observe("nightly", store=False) as run:
            heard = RecordingSink()
            run.bus.subscribe(heard)
            for _ in range(4):
                program.logger.info("tick")
        assert len(heard.of_kind("tick")) == 1
        (told,) = heard.of_kind("messages_suppressed")
        assert (told.fields["count"], told.run_id) == (3, run.run_id)
    assert len(program.told) == 2


def test_switching_it_off_tells_what_was_held() -> None:
    """And from then on every line is published."""
    program = Program(repeat_limit=1)
    for _ in range(3):
        program.logger.info("x")
    program.log.configure(Log(format="json"))
    program.logger.info("x")
    assert [line["event_type"] for line in program.lines] == ["x", "messages_suppressed", "x"]
    assert not program.log.sampler.is_active


@pytest.mark.parametrize("ending", ["", "raise SystemExit(3)", "1 / 0"])
def test_the_programs_end_tells_what_was_held(ending: str) -> None:
    """At exit, however it comes about, on console and in the file."""
    code = (
        "from odibi_core.observability import get_logger\n"
        f"for _ in range(5): get_logger('app').info('tick')\n{ending}"
    )
    settings = {"ODIBI_LOG__REPEAT_LIMIT": "1", "LOG_FILE": "app.jsonl", "LOG_FORMAT": "json"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    with open("app.jsonl", encoding="utf-8") as file:
        kept = [json.loads(line) for line in file]
    assert [line["event_type"] for line in kept] == ["tick", "messages_suppressed"]
    assert kept[1]["count"] == 4
    assert '"count":4' in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_does_not_tell_its_parents_count() -> None:
    """The parent reports the repeats that the parent suppressed."""
    code = (
        "import os\nfrom odibi_core.observability import get_logger\nlog = get_logger('app')\n"
        "for _ in range(5): log.info('tick')\n"
        "pid = os.fork()\nif pid: os.waitpid(pid, 0)"
    )
    settings = {"ODIBI_LOG__REPEAT_LIMIT": "1", "LOG_FILE": "app.jsonl"}
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, stderr=subprocess.DEVNULL, check=True
    )
    with open("app.jsonl", encoding="utf-8") as file:
        kept = [json.loads(line) for line in file if line != "\n"]
    assert [line["count"] for line in kept if line["event_type"] == "messages_suppressed"] == [4]


WORKERS = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from odibi_core.observability import get_logger

def work(number):
    for _ in range(10):
        get_logger("worker").info("tick")

if __name__ == "__main__":
    get_logger("main").info("began")
    with ProcessPoolExecutor(2, mp_context=get_context(sys.argv[1])) as pool:
        list(pool.map(work, range(6)))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_process_tells_at_its_end(method: str) -> None:
    """A pool's workers do not end as programs do: their counts come home all the same."""
    Path("workers.py").write_text(WORKERS, encoding="utf-8")
    settings = {"ODIBI_LOG__REPEAT_LIMIT": "1", "LOG_FILE": "app.jsonl"}
    subprocess.run(
        [sys.executable, "workers.py", method],
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    with open("app.jsonl", encoding="utf-8") as file:
        kept = [json.loads(line) for line in file if line != "\n"]
    said = sum(line["event_type"] == "tick" for line in kept)
    assert said + sum(line["count"] for line in kept if line["event_type"] == "messages_suppressed") == 60
