"""An event as Sentry takes it: made of what the log has, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import COLUMNS, from_dict
from odibi_core.events.failure import describe_failure
from odibi_core.sinks.sentry_event import sentry_event
from odibi_core.testing import an_event


class OrderError(Exception):
    """One of the program's own."""


def told_of() -> dict[str, Any]:
    try:
        try:
            int("twelve")
        except ValueError as error:
            raise OrderError("row 7 is bad") from error
    except OrderError as error:
        return describe_failure(error)
    raise AssertionError


def test_an_error_is_told_with_its_chain_and_its_frames() -> None:
    """The original cause first; type, module, message, and each frame with its line of code."""
    payload = sentry_event(an_event("error", level="critical", handled=False, **told_of()))
    cause, last = payload["exception"]["values"]
    assert (cause["type"], cause["value"]) == (
        "ValueError",
        "invalid literal for int() with base 10: 'twelve'",
    )
    assert (last["type"], last["module"], last["value"]) == ("OrderError", __name__, "row 7 is bad")
    assert last["mechanism"] == {"type": "odibi_core", "handled": False}
    (frame,) = last["stacktrace"]["frames"]
    assert (frame["function"], frame["filename"], frame["in_app"]) == (
        "told_of",
        "sinks/test_sentry_event.py",
        True,
    )
    assert frame["context_line"] == 'raise OrderError("row 7 is bad") from error'
    assert (payload["level"], payload["platform"]) == ("fatal", "python")


def test_where_it_was_is_told_as_tags_and_contexts() -> None:
    """Tags to search by, contexts to read, the rest as extra; the user by the id of the log's context."""
    payload = sentry_event(
        an_event(
            "node_failed", level="error", error="bad", error_type="ValueError", error_id="a" * 32, run_id="r1",
            node_name="clean", operation="nightly", correlation_id="c1", user="ada", username="Ada", batch=7,
            timestamp=datetime(2026, 1, 1, tzinfo=UTC), context={"row": 3}, contexts={"job": {"n": 1}, "odd": 5},
            breadcrumbs=[{"at": "2026-01-01T00:00:00Z", "severity": "info", "category": "db", "message": "m"}],
        ),
        not_sent=12,
    )  # fmt: skip
    mark = payload["fingerprint"][0]
    assert payload["tags"] == {
        "run_id": "r1", "node_name": "clean", "operation": "nightly", "correlation_id": "c1",
        "event_type": "node_failed", "fingerprint": mark,
    }  # fmt: skip
    assert payload["user"] == {"id": "ada", "username": "Ada"}
    assert (payload["contexts"]["error"], payload["contexts"]["job"]) == ({"row": 3}, {"n": 1})
    assert "odd" not in payload["contexts"]
    assert payload["contexts"]["odibi"]["run_id"] == "r1"
    assert payload["extra"] == {"batch": 7, "not_sent_before": 12}
    assert (payload["event_id"], payload["transaction"]) == ("a" * 32, "nightly")
    assert payload["timestamp"] == "2026-01-01T00:00:00.000000Z"
    (crumb,) = payload["breadcrumbs"]["values"]
    assert crumb == {"timestamp": "2026-01-01T00:00:00Z", "level": "info", "category": "db", "message": "m"}


def test_a_message_is_no_exception() -> None:
    """It has its text, and the id under which it was captured."""
    payload = sentry_event(an_event("message", level="warning", message="odd", message_id="b" * 32))
    assert payload["logentry"] == {"formatted": "odd"}
    assert (payload["event_id"], payload["level"]) == ("b" * 32, "warning")
    assert "exception" not in payload


def test_an_error_without_a_traceback_has_no_frames() -> None:
    """And the kind of its event where it has no type."""
    (told,) = sentry_event(an_event("node_failed", error="bad"))["exception"]["values"]
    assert (told["type"], told["value"]) == ("node_failed", "bad")
    assert "stacktrace" not in told


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)
NAMES = (
    "error_id",
    "traceback",
    "contexts",
    "context",
    "breadcrumbs",
    "handled",
    "error_type",
    "fingerprint",
    "email",
)


@given(
    st.fixed_dictionaries(
        {}, optional={n: ANYTHING for n in [*NAMES, *COLUMNS] if n not in ("seq", "timestamp")}
    )
)
def test_a_line_that_anyone_wrote_gives_a_payload(line: dict[str, Any]) -> None:
    """For any content of its fields."""
    sentry_event(from_dict({"event_type": "error", "timestamp": "2026-01-01T00:00:00Z", **line}))


def test_a_group_is_sent_with_its_members_and_notes() -> None:
    """Each member is an exception of the event that names the group as its parent, the group itself the last."""
    member = KeyError("b")
    member.add_note("of row 7")
    group = ExceptionGroup("two", [OrderError("a"), member])
    group.add_note("on monday")
    payload = sentry_event(an_event("error", **describe_failure(group)))
    second, first, last = payload["exception"]["values"]
    assert [(first["type"], first["value"]), (second["type"], second["value"])] == [
        ("OrderError", "a"),
        ("KeyError", "'b'\nof row 7"),
    ]
    assert last["value"].endswith("\non monday")
    assert (last["mechanism"]["is_exception_group"], last["mechanism"]["exception_id"]) == (True, 0)
    assert first["mechanism"] == {
        "type": "chained", "exception_id": 1, "parent_id": 0, "source": "exceptions[0]",
    }  # fmt: skip
    assert not {"members", "notes"} & set(payload["extra"])
