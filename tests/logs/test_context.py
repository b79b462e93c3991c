"""The span that a process is part of: given by its parent, on everything it logs, and handed on."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from tests.cli.conftest import environment

from odibi_core.observability import (
    LogContext,
    capture_logging,
    context_for_workers,
    environment_for_workers,
    get_logger,
    track_performance,
)
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FIELDS = {"trace_id": TRACE, "span_id": SPAN, "trace_flags": "01"}
PARENT = f"00-{TRACE}-{SPAN}-01"
ACTIVE = trace.NonRecordingSpan(trace.SpanContext(0xAF, 0x7, False, trace.TraceFlags(1)))
OF_ACTIVE = {"trace_id": f"{0xAF:032x}", "span_id": f"{7:016x}", "trace_flags": "01"}

SAID = "from odibi_core.observability import get_logger\nget_logger('shop').info('said')\n"


def python(code: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A program of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**variables, "LOG_FORMAT": "json"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip


def span_of(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in FIELDS if name in line}


def test_what_a_process_says_belongs_to_the_span_that_it_was_started_in() -> None:
    """Every line and every event: of loggers in all threads, of a program, of blocks and pipelines in it."""
    code = SAID + """
import threading
from odibi_core.observability import Orchestrator, Step, init_observability, observe
thread = threading.Thread(target=get_logger("shop").info, args=("in_a_thread",))
thread.start()
thread.join()
init_observability()
with observe("nightly") as run:
    run.say("in_a_run")
Orchestrator([Step(name="one", value=lambda: 1)], pipeline_name="steps").run()
"""
    done = python(code, environment(TRACEPARENT=PARENT))
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["event_type"] for line in lines} >= {"said", "in_a_thread"}
    events = list(RunStore(".odibi").events())
    assert {event.event_type for event in events} >= {"pipeline_start", "in_a_run", "node_complete"}
    assert [span_of(line) for line in lines] == [FIELDS] * len(lines)
    assert [span_of(event.fields) for event in events] == [FIELDS] * len(events)


@pytest.mark.parametrize(
    "code",
    [
        "with observe('x', store='.odibi') as run: run.say('said')",
        "Orchestrator([Step(name='said', value=int)]).run()",
        "with init_observability(), track_performance('timed'): pass",
        "with init_observability(): capture_exception(ValueError('x'))",
        "with track_performance('first'): pass\nwith observe('x'), track_performance('timed'): pass",
    ],
)
def test_whatever_comes_first_takes_up_the_span(code: str) -> None:
    """A run, a timing or an error as well as a logger; and it stays in force afterwards."""
    python("from odibi_core.observability import *\n" + code, environment(TRACEPARENT=PARENT))
    events = list(RunStore(".odibi").events())
    assert events
    assert [span_of(event.fields) for event in events] == [FIELDS] * len(events)


def test_a_traceparent_that_names_no_span_is_one_warning() -> None:
    """And nothing of it is on a line."""
    wrong = f"00-{'0' * 32}-{SPAN}-01"
    lines = list(map(json.loads, python(SAID, environment(TRACEPARENT=wrong)).stderr.splitlines()))
    assert [line["event_type"] for line in lines] == ["setup_problem", "said"]
    assert lines[0]["message"].startswith(f"TRACEPARENT is '{wrong}', which names no span")
    assert [span_of(line) for line in lines] == [{}, {}]


def test_lines_are_of_the_span_that_opentelemetry_has_active(
    heard: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of `logging` and timings too; the caller's own fields take precedence; nothing is left after its end."""
    with capture_logging("info"), trace.use_span(ACTIVE), LogContext(batch=7):
        get_logger("shop").info("inside")
        logging.getLogger("other").info("inside")
        get_logger("shop").info("own", span_id="mine")
        with track_performance("timed"):
            pass
    get_logger("shop").info("after")
    inside, bridged, own, timed, after = heard.events
    assert inside.fields == {**OF_ACTIVE, "batch": 7, "logger": "shop"}
    assert span_of(bridged.fields) == OF_ACTIVE
    assert span_of(own.fields) == {**OF_ACTIVE, "span_id": "mine"}
    assert span_of(timed.fields) == OF_ACTIVE
    assert span_of(after.fields) == {}


def test_the_active_span_goes_before_the_parents() -> None:
    """It is the parent's child, or another trace's."""
    code = f"""
from opentelemetry import trace
from odibi_core.observability import get_logger
with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(int("{TRACE}", 16), 7, False, trace.TraceFlags(0)))):
    get_logger("shop").info("said")
get_logger("shop").info("said")
"""
    inside, outside = map(json.loads, python(code, environment(TRACEPARENT=PARENT)).stderr.splitlines())
    assert span_of(inside) == {"trace_id": TRACE, "span_id": f"{7:016x}", "trace_flags": "00"}
    assert span_of(outside) == FIELDS


def test_programs_that_are_started_are_in_the_span() -> None:
    """By `ODIBI_CONTEXT`, and by a `TRACEPARENT` that goes before it, which was set nearer to the process."""
    with trace.use_span(ACTIVE), LogContext(operation="import"):
        variables = environment_for_workers()
    assert variables["TRACEPARENT"] == f"00-{OF_ACTIVE['trace_id']}-{OF_ACTIVE['span_id']}-01"
    spans = []
    for changed in ({}, {"TRACEPARENT": ""}, {"TRACEPARENT": "nonsense"}, {"TRACEPARENT": PARENT}):
        line = json.loads(python(SAID, {**variables, **changed}).stderr.splitlines()[-1])
        assert (line["event_type"], line["operation"]) == ("said", "import")
        spans.append(span_of(line))
    assert spans == [OF_ACTIVE, OF_ACTIVE, OF_ACTIVE, FIELDS]


def test_pools_of_processes_are_in_the_span() -> None:
    """Their context has it; outside of any it has none, and no program is given a `TRACEPARENT`."""
    with trace.use_span(ACTIVE):
        (fields,) = context_for_workers()["initargs"]
        assert span_of(fields) == OF_ACTIVE
    (fields,) = context_for_workers()["initargs"]
    assert span_of(fields) == {}
    assert "TRACEPARENT" not in environment_for_workers()


def test_lines_for_people_do_not_show_it() -> None:
    """Three ids on each would hide the message."""
    done = subprocess.run(
        [sys.executable, "-c", SAID],
        env=environment(TRACEPARENT=PARENT), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr[8:] == " info     shop said\n"
