"""The life of runs and steps in events of OpenLineage, and the bounds of facets."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
from tests.openlineage.checking import wrong_with

from odibi_core.events import Event
from odibi_core.openlineage import OpenLineageFold, openlineage_events
from odibi_core.openlineage.facets import MAX_FACET

START = datetime(2026, 1, 31, 4, tzinfo=UTC)
PLAN = [
    {"name": "orders", "outputs": {"out": "orders"}, "depends_on": []},
    {"name": "total", "inputs": {"orders": "orders"}, "outputs": {"out": "total"}, "depends_on": ["orders"]},
]


class Run:
    """Events of one run, a second apart."""

    def __init__(self) -> None:
        self._seconds = count()

    def event(self, kind: str, node: str | None = None, **fields: Any) -> Event:
        standard = {name: fields.pop(name) for name in ("status", "error", "row_count", "metadata") if name in fields}
        at = START + timedelta(seconds=next(self._seconds))
        about: dict[str, Any] = {"timestamp": at, "level": "info", "message": kind, "run_id": "r", "node_name": node}
        return Event(event_type=kind, fields=fields, **about, **standard)

    def begun(self) -> list[Event]:
        return [self.event("pipeline_start", pipeline_name="shop"), self.event("pipeline_plan", steps=PLAN)]


def kinds_of(events: list[Event]) -> list[tuple[str, str]]:
    found = list(openlineage_events(events))
    assert [wrong_with(event) for event in found] == [[]] * len(found)
    return [(event["job"]["name"], event["eventType"]) for event in found]


def test_a_step_that_never_ended_is_aborted_with_its_run() -> None:
    """So is a run whose process died; nothing follows its end."""
    run = Run()
    events = [
        *run.begun(),
        run.event("node_start", "orders"),
        run.event("run_lost"),
        run.event("node_complete", "orders"),
    ]
    assert kinds_of(events) == [
        ("shop", "START"), ("shop.orders", "START"), ("shop.orders", "ABORT"), ("shop", "ABORT"),
    ]  # fmt: skip


def test_a_running_run_has_no_end() -> None:
    """A killed run has the events up to its last one."""
    run = Run()
    assert kinds_of([*run.begun(), run.event("node_start", "orders")]) == [("shop", "START"), ("shop.orders", "START")]


def test_a_failed_step_fails_and_a_cancelled_one_is_aborted() -> None:
    """The run has the outcome that its last event reports."""
    run = Run()
    events = [
        *run.begun(), run.event("node_start", "orders"),
        run.event("node_failed", "orders", status="failed", error="no"),
        run.event("node_start", "total"), run.event("node_failed", "total", status="cancelled"),
        run.event("pipeline_error", status="cancelled", error="stopped"),
    ]  # fmt: skip
    found = kinds_of(events)
    assert found[2:] == [("shop.orders", "FAIL"), ("shop.total", "START"), ("shop.total", "ABORT"), ("shop", "ABORT")]


def test_what_did_not_run_has_no_events_and_is_named_at_the_end() -> None:
    """A skipped step, and one whose result an earlier run made."""
    run = Run()
    events = [
        *run.begun(), run.event("node_complete", "orders", taken_from="earlier"), run.event("node_skipped", "total"),
        run.event("pipeline_complete", status="success"),
    ]  # fmt: skip
    assert kinds_of(events) == [("shop", "START"), ("shop", "COMPLETE")]
    outcome = list(openlineage_events(events))[-1]["run"]["facets"]["odibi_outcome"]
    assert (outcome["skipped_steps"], outcome["taken_steps"]) == (["total"], ["orders"])


def test_calls_of_a_step_are_runs_of_its_job() -> None:
    """Also while they overlap: each has its own id, its start and its end."""
    run = Run()
    numbered = [("node_start", 1), ("node_start", 2), ("node_complete", 1), ("node_complete", 2)]
    events = [*run.begun(), *(run.event(kind, "orders", call=call) for kind, call in numbered)]
    found = [(event["run"]["runId"], event["eventType"]) for event in openlineage_events(events)][1:]
    first, second = found[0][0], found[1][0]
    assert first != second
    assert found[2:] == [(first, "COMPLETE"), (second, "COMPLETE")]


def test_during_the_run_the_events_are_those_of_the_record() -> None:
    """One by one or all at once; an event of another run changes nothing."""
    run = Run()
    events = [*run.begun(), run.event("node_start", "orders"), run.event("node_complete", "orders", row_count=3)]
    stranger = msgspec.structs.replace(events[0], run_id="another")
    fold = OpenLineageFold()
    live = [made for event in events for each in (event, stranger) for made in fold(each)]
    assert live == list(openlineage_events(events))


def test_a_facet_is_cut_to_its_bound_and_what_was_cut_is_counted() -> None:
    """The largest part is halved; the event stays valid."""
    run = Run()
    schema = [{"column": f"column_{place}", "type": "Int64"} for place in range(20_000)]
    events = [
        *run.begun(), run.event("node_start", "orders"),
        run.event("snapshot", "orders", when="after", dataset="orders", schema=schema),
        run.event("node_failed", "orders", error="e" * 100_000, traceback="t" * 1_000_000),
    ]  # fmt: skip
    *_, failed = openlineage_events(events)
    assert wrong_with(failed) == []
    (output,) = failed["outputs"]
    parts = [failed["run"], failed["job"], output]
    assert all(len(msgspec.json.encode(facet)) <= MAX_FACET for part in parts for facet in part["facets"].values())
    assert output["facets"]["odibi_left_out"]["facets"]["schema"] == 20_000 - len(output["facets"]["schema"]["fields"])
