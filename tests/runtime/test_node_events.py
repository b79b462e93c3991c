"""The record of one node, and the descriptions of datasets."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.checks import not_null
from odibi_core.engines.frame import Description
from odibi_core.runtime.node_events import Descriptions, NodeEvents
from odibi_core.testing import RecordingSink


@pytest.fixture
def heard() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def record(heard: RecordingSink) -> NodeEvents:
    bus = EventBus()
    bus.subscribe(heard)
    events = NodeEvents(bus, "r1", "clean", "transform", "pandas")
    events.start()
    return events


def test_start(record: NodeEvents, heard: RecordingSink) -> None:
    """With run, node, layer, engine, status and worker."""
    (event,) = heard.events
    assert (event.event_type, event.run_id, event.node_name) == ("node_start", "r1", "clean")
    assert (event.layer, event.engine, event.status) == ("transform", "pandas", "running")
    assert event.fields == {"worker": "MainThread"}


def test_every_later_event_is_of_the_same_node(record: NodeEvents, heard: RecordingSink) -> None:
    """Each event of a node has its run, its name, its layer and its engine."""
    record.snapshot("after", "clean", Description(row_count=2))
    record.retry(1, ValueError("x"), 0.5, 3)
    record.check(not_null("id").check({"out": [{"id": 1}]}), 1.5)
    record.complete(2)
    record.failed(ValueError("x"))
    assert heard.kinds[1:] == ["snapshot", "node_retry", "check_result", "node_complete", "node_failed"]
    told = {(event.run_id, event.node_name, event.layer, event.engine) for event in heard.events}
    assert told == {("r1", "clean", "transform", "pandas")}


def test_complete(record: NodeEvents, heard: RecordingSink) -> None:
    """Status, a duration, the rows; attempts only where it took more than one, and of no cache nothing."""
    record.complete(7)
    event = heard.events[-1]
    assert (event.status, event.row_count, event.cache_hit) == ("success", 7, None)
    assert event.duration_ms == record.duration_ms
    assert event.duration_ms
    assert "attempts" not in event.fields


def test_attempts_are_counted_by_retries(record: NodeEvents, heard: RecordingSink) -> None:
    """The pause is in milliseconds, and the end has the number of attempts."""
    record.retry(1, ConnectionError("no route"), 0.25, 4)
    record.complete(None)
    retry, end = heard.events[-2:]
    assert retry.level == "warning"
    assert retry.error == "no route"
    assert {name: retry.fields[name] for name in ("attempt", "max_attempts", "delay_ms", "error_type")} == {
        "attempt": 1, "max_attempts": 4, "delay_ms": 250.0, "error_type": "ConnectionError",
    }  # fmt: skip
    assert end.fields["attempts"] == 2


def test_failed_gives_what_it_said(record: NodeEvents, heard: RecordingSink) -> None:
    """Redacted: secrets in an exception's text reach neither the event nor the caller."""
    said = record.failed(ConnectionError("postgres://bob:hunter2@db/x is away"))
    event = heard.events[-1]
    assert event.error == said
    assert "hunter2" not in said + str(event.fields)
    assert (event.level, event.status, event.fields["attempts"]) == ("error", "failed", 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_node_is_cancelled(
    error: BaseException, record: NodeEvents, heard: RecordingSink
) -> None:
    """An error that is no Exception is not a failure of the node itself."""
    record.failed(error)
    assert heard.events[-1].status == "cancelled"


@pytest.mark.parametrize(
    ("value", "severity", "status", "level"),
    [
        (1, "error", "success", "info"),
        (None, "warn", "failed", "warning"),
        (None, "error", "failed", "error"),
    ],
)
def test_a_check_is_told_by_its_verdict(
    value: Any, severity: str, status: str, level: str, record: NodeEvents, heard: RecordingSink
) -> None:
    """Its level is that of its severity when it failed."""
    record.check(not_null("id", severity=severity).check({"out": [{"id": value}]}), 1.5)
    event = heard.events[-1]
    assert (event.status, event.level, event.duration_ms) == (status, level, 1.5)
    assert event.fields["check"] == "not_null"
    assert event.message


def test_a_check_that_was_not_made_is_skipped(record: NodeEvents, heard: RecordingSink) -> None:
    """A lazy frame is not forced for a check: neither passed nor failed."""
    import polars as pl

    record.check(not_null("id").check({"out": pl.LazyFrame({"id": [None]})}), 0.1)
    assert (heard.events[-1].status, heard.events[-1].level) == ("skipped", "info")


class Counting(Descriptions):
    """Counts how often a frame was really looked at."""

    looks = 0

    def after(self, key: str, frame: Any) -> Description | None:
        self.looks += 1
        return super().after(key, frame)


def test_a_frame_is_looked_at_once() -> None:
    """Its consumer gets the description from when it was made; a forgotten frame is described again."""
    frame, descriptions = pd.DataFrame({"x": [1]}), Counting("sample", 5)
    made = descriptions.after("x", frame)
    assert descriptions.before("x", frame) is made
    assert descriptions.looks == 1
    descriptions.forget("x")
    assert descriptions.before("x", frame) == made
    assert descriptions.looks == 2


def test_what_is_no_frame_is_not_described() -> None:
    """Nor is anything at the level off."""
    assert Descriptions("sample", 5).after("x", 1) is None
    assert Descriptions("sample", 5).before("x", object()) is None
    assert Descriptions("off", 5).after("x", pd.DataFrame({"x": [1]})) is None
