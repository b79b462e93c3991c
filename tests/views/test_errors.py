"""Failures grouped by fingerprint: events that count, how often, and the details of an example."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from tests.error_program import program_heard

from odibi_core.events import Event
from odibi_core.observability import Orchestrator, PipelineError, capture_exception, observe
from odibi_core.testing import RecordingSink, an_event
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.errors import MAX_NAMES, MAX_WAITING, ErrorsView, fingerprint_of

TRACE = 'Traceback (most recent call last):\n  File "/app/etl.py", line 3, in {}\n    f()\nValueError: bad\n'
START = datetime(2026, 1, 1, tzinfo=UTC)


def failed(kind: str = "error", place: str = "load", /, **fields: Any) -> Event:
    told = {"level": "error", "error": "bad", "error_type": "ValueError", "traceback": TRACE.format(place)}
    return an_event(kind, **{**told, **fields})


def answer_of(*events: Event, limit: int = 1000) -> dict[str, Any]:
    view = ErrorsView(limit)
    for event in events:
        view(event)
    answer = answer_dict(view.answer())
    return answer


@pytest.mark.parametrize("kind", ["error", "node_failed", "operation_failed", "stage_failed", "bad_amount"])
def test_what_says_that_it_failed_is_a_failure(kind: str) -> None:
    """Of every origin: captured, a node, an operation, a stage, a line of a log at level error."""
    assert answer_of(failed(kind))["total"] == 1


@pytest.mark.parametrize(
    "event",
    [
        an_event("node_complete"),
        an_event("late", level="warning", error="slow"),
        an_event("bad_day", level="error"),
        an_event("message", level="info", message="hello"),
        failed("node_failed", status="cancelled"),
        an_event("node_retry", level="warning", error="no route"),
    ],
    ids=["success", "warning", "no error told", "message", "cancelled", "retry"],
)
def test_what_is_no_failure_is_not_counted(event: Event) -> None:
    """A warning, a retry and an interruption are no failures."""
    assert answer_of(event) == {"total": 0, "groups": [], "forgotten": 0}


def test_failures_are_grouped_by_fingerprint() -> None:
    """Count, first and last seen, runs, nodes and operations of each; the one seen last first."""
    events = [
        failed(
            "node_failed",
            run_id=f"r{n}",
            node_name="clean",
            operation="nightly",
            timestamp=START + timedelta(n),
        )
        for n in range(3)
    ]
    answer = answer_of(*events, failed("error", "save", run_id="r1", timestamp=START + timedelta(1, 1)))
    load, save = answer["groups"]
    assert (answer["total"], load["count"], save["count"]) == (4, 3, 1)
    assert (load["first_seen"], load["last_seen"]) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-03T00:00:00.000000Z",
    )
    assert (load["error_type"], load["message"]) == ("ValueError", "bad")
    assert (load["runs"], load["run_count"]) == (["r0", "r1", "r2"], 3)
    assert (load["nodes"], load["operations"]) == (["clean"], ["nightly"])
    assert save["runs"] == ["r1"]


def test_an_exception_that_several_events_tell_of_counts_once() -> None:
    """It passed through an operation, a node and a `capture_exception`; in two runs' records it is one too."""
    once = {"error_id": "a" * 32, "run_id": "r1"}
    kinds = ("operation_failed", "node_failed", "error", "pipeline_error")
    answer = answer_of(*(failed(kind, **once) for kind in kinds), failed(error_id="b" * 32))
    assert answer["total"] == 2
    assert answer["groups"][0]["count"] == 2


def test_the_end_of_a_run_counts_when_no_node_of_it_failed() -> None:
    """It reports the failure of the node in other words."""
    ends = [
        failed("pipeline_error", "run", run_id=run_id, error="1 of 3 steps failed") for run_id in ("r1", "r2")
    ]
    answer = answer_of(failed("node_failed", run_id="r1"), *ends, failed("pipeline_error", "run"))
    assert answer["total"] == 3
    assert [group["runs"] for group in answer["groups"] if group["message"] != "bad"] == [["r2"]]


OUTER = ("captured", "outer node", "outer end")


def of_a_failed_run() -> dict[str, Event]:
    """The node that failed in r1, later reports of it, and the end of an outer run that it ended too."""
    about = {"failed_run_id": "r1", "error": "pipeline failed: bad", "error_type": "PipelineError"}
    told: dict[str, Any] = {**about, "error_id": "b" * 32}
    report = {"handled": True, "context": {"batch": 7}, "breadcrumbs": [{"message": "opened"}], "user": "ada"}
    return {
        "node": failed("node_failed", run_id="r1", node_name="load", error_id="a" * 32),
        "end": failed("pipeline_error", "run", run_id="r1", error="load: bad", traceback=None),
        "captured": failed("error", "execute", run_id="r2", fingerprint="f" * 16, **told, **report),
        "outer node": failed("node_failed", "execute", run_id="r2", node_name="inner", **told),
        "outer end": failed("pipeline_error", "execute", run_id="r2", **told),
        "outermost": failed("error", "main", **{**told, "failed_run_id": "r2", "error_id": "c" * 32}),
    }


@pytest.mark.parametrize("order", [*permutations([("node", "end"), OUTER, ("outermost",)])], ids=repr)
def test_the_exception_that_a_failed_run_ends_with_is_its_nodes_failure(order: Any) -> None:
    """Captured by hand, uncaught, or passing through an outer run: counted once in whichever order records are read,
    shown as the node's, with what the report knows besides.
    """
    events = [of_a_failed_run()[each] for record in order for each in record]
    view = ErrorsView()
    for event in events:
        view(event)
        view.answer()
    answer = answer_dict(view.answer())
    (group,) = answer["groups"]
    assert (answer["total"], group["count"], sorted(group["runs"])) == (1, 1, ["r1", "r2"])
    example = group["example"]
    assert (group["error_type"], group["message"]) == ("ValueError", "bad")
    assert (example["context"], example["handled"], example["user"]) == ({"batch": 7}, True, "ada")
    assert (example["breadcrumbs"], example["traceback"]) == ([{"message": "opened"}], TRACE.format("load"))


def test_a_pipeline_that_failed_is_its_nodes_failure() -> None:
    """Its `PipelineError` names the run, so that a capture of it counts no second failure."""

    def orders() -> None:
        raise ValueError("bad")

    with program_heard() as heard, observe("nightly", store=False):
        try:
            Orchestrator([orders], store=False).execute()
        except PipelineError as error:
            capture_exception(error, {"batch": 7})
    (failed,), (captured,) = heard.of_kind("node_failed"), heard.of_kind("error")
    assert captured.fields["failed_run_id"] == failed.run_id != captured.run_id
    for outer_first in (False, True):
        answer = answer_of(
            *sorted(heard.events, key=lambda event: outer_first and event.run_id == failed.run_id)
        )
        assert (answer["total"], answer["groups"][0]["error_type"]) == (1, "ValueError")
        assert answer["groups"][0]["example"]["context"] == {"batch": 7}


def test_where_the_run_is_not_read_its_exception_is_all_there_is() -> None:
    """It has no record, or lies before what was asked for: then it is a failure of its own, once."""
    told = of_a_failed_run()
    answer = answer_of(told["captured"], told["outer end"])
    (group,) = answer["groups"]
    assert (answer["total"], group["count"], group["error_type"]) == (1, 1, "PipelineError")
    answer = answer_of(told["outermost"], told["outer node"], told["captured"])
    assert (answer["total"], [group["count"] for group in answer["groups"]]) == (1, [1])


def test_a_report_stays_with_the_failure_that_it_is_of() -> None:
    """A later failure of the same kind, of another run, has no report and does not take this one's."""
    told = of_a_failed_run()
    later = failed("node_failed", run_id="r9", node_name="load", error_id="d" * 32)
    (group,) = answer_of(told["node"], later, told["captured"])["groups"]
    assert (group["count"], group["example"]["run_id"], group["example"]["context"]) == (2, "r9", {})
    (group,) = answer_of(told["node"], told["captured"], later)["groups"]
    assert (group["example"]["run_id"], group["example"]["context"]) == ("r1", {"batch": 7})


def test_what_waits_for_a_run_to_be_read_is_bounded() -> None:
    """Reports of further runs are counted, and none is lost."""
    view = ErrorsView()
    for number in range(MAX_WAITING + 50):
        for _ in range(20):
            view(failed("error", failed_run_id=f"r{number}", error_id=f"{number:032}"))
    assert len(view._waiting) == MAX_WAITING
    assert max(map(len, view._waiting.values())) < 20
    assert view.answer().total == MAX_WAITING + 50


@pytest.mark.parametrize("run_id", [None, 7, "", "r1", ["r1"]], ids=repr)
def test_a_failed_run_may_be_called_anything(run_id: Any) -> None:
    """Any program may have written a line of a store: also one of a run that failed with itself."""
    event = failed("node_failed", run_id="r1", failed_run_id=run_id)
    assert answer_of(event, event)["total"] in (1, 2)


def test_a_message_of_level_error_is_one_too() -> None:
    """A message that was captured at level error is a failure."""
    (group,) = answer_of(an_event("message", level="error", message="odd"))["groups"]
    assert (group["message"], group["error_type"]) == ("odd", None)


def test_a_line_without_a_fingerprint_gets_the_one_that_a_captured_error_has() -> None:
    """A node's failure and the same error captured by hand are one group; a given fingerprint is taken."""
    assert fingerprint_of(failed("node_failed")) == fingerprint_of(failed("error"))
    assert fingerprint_of(failed(fingerprint="f" * 16)) == "f" * 16
    assert fingerprint_of(an_event("error", error="x", node_name="a")) != fingerprint_of(
        an_event("error", error="x", node_name="b")
    )


def test_the_example_is_the_latest_that_tells_most() -> None:
    """A captured one with its context before a node's, one with a traceback before one without."""
    crumbs = [{"message": "opened"}]
    told = failed(
        "error", context={"batch": 7}, contexts={"job": {"n": 1}}, breadcrumbs=crumbs, handled=True,
        error_id="a" * 32, user="ada", run_id="r1", fingerprint="f",
    )  # fmt: skip
    later = failed("node_failed", fingerprint="f", run_id="r2")
    bare = an_event("error", level="error", error="bad", fingerprint="f", run_id="r3")
    (group,) = answer_of(told, later, bare)["groups"]
    example = group["example"]
    assert (example["run_id"], example["user"], example["handled"]) == ("r1", "ada", True)
    assert (example["context"], example["contexts"]) == ({"batch": 7}, {"job": {"n": 1}})
    assert (example["breadcrumbs"], example["traceback"]) == (crumbs, TRACE.format("load"))


def test_memory_is_bounded_and_what_was_forgotten_is_told() -> None:
    """The latest fingerprints stay; lists of names and runs have an end, the count of runs has none."""
    events = [failed("error", f"f{n}") for n in range(5)]
    answer = answer_of(*events, limit=2)
    assert (answer["total"], len(answer["groups"]), answer["forgotten"]) == (5, 2, 3)
    many = [failed(run_id=f"r{n}", node_name=f"n{n}") for n in range(50)]
    (group,) = answer_of(*many)["groups"]
    assert (len(group["runs"]), group["runs"][-1], group["run_count"]) == (MAX_NAMES, "r49", 50)
    assert group["nodes"][0] == "n0"
    assert len(group["nodes"]) == MAX_NAMES


async def _fails(error: Exception) -> None:
    raise error


async def _together(*errors: Exception) -> None:
    async with asyncio.TaskGroup() as group:
        for error in errors:
            group.create_task(_fails(error))


def test_three_failures_of_a_task_group_are_three_errors(heard: RecordingSink) -> None:
    """Each with its own message and type, and counted once, however many layers report it."""
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(_together(ValueError("a"), KeyError("b"), OSError("c")))
    capture_exception(raised.value.exceptions[0])
    capture_exception(raised.value)
    with pytest.raises(ExceptionGroup), observe("x", store=False):
        raise raised.value
    answer = answer_of(*heard.events)
    found = {(group["error_type"], group["message"], group["count"]) for group in answer["groups"]}
    assert found == {("ValueError", "a", 1), ("KeyError", "'b'", 1), ("OSError", "c", 1)}
    assert answer["total"] == 3
    assert all("_fails" in group["example"]["traceback"] for group in answer["groups"])


def test_three_task_groups_that_fail_otherwise_are_three_errors(heard: RecordingSink) -> None:
    """Though the message of each is `unhandled errors in a TaskGroup (1 sub-exception)`."""
    for error in (ValueError("a"), KeyError("b"), OSError("c")):
        with pytest.raises(ExceptionGroup) as raised:
            asyncio.run(_together(error))
        capture_exception(raised.value)
    assert len({event.fields["fingerprint"] for event in heard.of_kind("error")}) == 3
    assert len(answer_of(*heard.events)["groups"]) == 3
