"""Lines for other systems: where they look for things, and that nothing is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigurationError
from odibi_core.events import COLUMNS, Event, encode
from odibi_core.sinks.line_presets import PRESETS, Service, line_encoder
from odibi_core.testing import an_event

OTHERS = [preset for preset in PRESETS if preset != "odibi"]
EVERY_PRESET = pytest.mark.parametrize("preset", OTHERS)
SERVICE = Service("orders", "prod", "1.2")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def record_of(preset: str, event: Event, service: Service = SERVICE) -> dict[str, Any]:
    line = line_encoder(preset, service)(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    record: dict[str, Any] = json.loads(line)
    return record


@pytest.fixture
def failure() -> Event:
    """An event with all that some system has a name for."""
    return an_event(
        "import_failed",
        level="error",
        timestamp=datetime(2026, 1, 31, 4, 5, 6, 789012, tzinfo=UTC),
        message="two of three",
        component="etl.load",
        node_name="clean",
        status="failed",
        duration_ms=12.5,
        error="disk full",
        user="ada",
        run_id="r-1",
        correlation_id="c-1",
        seq=7,
        error_type="OSError",
        traceback="Traceback…\nOSError: disk full",
        trace_id=TRACE,
        span_id=SPAN,
        trace_flags="01",
        source="a.csv",
        sizes=[1, 2],
        **{"code.file.path": "/app/load.py", "code.line.number": 12, "code.function.name": "load"},
    )


def test_ecs_finds_what_it_knows(failure: Event) -> None:
    """Elastic: base, log, event, error, trace and service fields; scalars are labels, the rest is below `odibi`."""
    record = record_of("ecs", failure)
    assert list(record)[:4] == ["@timestamp", "log.level", "message", "ecs.version"]
    assert record["@timestamp"] == "2026-01-31T04:05:06.789012Z"
    assert (record["log.level"], record["message"]) == ("error", "two of three")
    assert (record["event.action"], record["event.outcome"]) == ("import_failed", "failure")
    assert record["event.duration"] == 12_500_000
    assert (record["error.type"], record["error.message"]) == ("OSError", "disk full")
    assert record["error.stack_trace"].startswith("Traceback")
    assert (record["trace.id"], record["span.id"]) == (TRACE, SPAN)
    assert (record["service.name"], record["service.environment"]) == ("orders", "prod")
    assert record["service.version"] == "1.2"
    assert (record["log.logger"], record["user.name"]) == ("etl.load", "ada")
    assert record["log.origin.file.name"] == "/app/load.py"
    assert (record["log.origin.file.line"], record["log.origin.function"]) == (12, "load")
    assert record["labels"] == {"source": "a.csv", "trace_flags": "01"}
    assert record["odibi"]["fields"] == {"sizes": [1, 2]}
    assert (record["odibi"]["run_id"], record["odibi"]["status"]) == ("r-1", "failed")


def test_otel_is_the_log_data_model(failure: Event) -> None:
    """Timestamp in nanoseconds, severity as text and number, body, event name, resource, scope, attributes."""
    record = record_of("otel", failure)
    seconds = int(failure.timestamp.timestamp())
    assert record["Timestamp"] == f"{seconds}789012000"
    assert (record["SeverityText"], record["SeverityNumber"]) == ("ERROR", 17)
    assert (record["Body"], record["EventName"]) == ("two of three", "import_failed")
    assert (record["TraceId"], record["SpanId"], record["TraceFlags"]) == (TRACE, SPAN, "01")
    assert record["Resource"] == {
        "service.name": "orders", "service.version": "1.2", "deployment.environment.name": "prod",
    }  # fmt: skip
    assert record["InstrumentationScope"] == {"Name": "etl.load"}
    attributes = record["Attributes"]
    assert (attributes["exception.type"], attributes["exception.message"]) == ("OSError", "disk full")
    assert (attributes["odibi.run.id"], attributes["odibi.node.name"]) == ("r-1", "clean")
    assert (attributes["source"], attributes["code.line.number"]) == ("a.csv", 12)


@pytest.mark.parametrize(
    ("level", "number"), [("debug", 5), ("info", 9), ("warning", 13), ("error", 17), ("critical", 21)]
)
def test_otel_severities(level: str, number: int) -> None:
    """The numbers of the data model."""
    assert record_of("otel", an_event("x", level=level))["SeverityNumber"] == number


def test_gcp_finds_what_it_knows(failure: Event) -> None:
    """Google Cloud: severity, time, message, trace, labels as texts, the place, and a stack for Error Reporting."""
    record = record_of("gcp", failure)
    assert (record["severity"], record["time"]) == ("ERROR", "2026-01-31T04:05:06.789012Z")
    assert (record["message"], record["event_type"]) == ("two of three", "import_failed")
    assert record["logging.googleapis.com/trace"] == TRACE
    assert record["logging.googleapis.com/spanId"] == SPAN
    assert record["logging.googleapis.com/labels"] == {
        "run_id": "r-1",
        "node_name": "clean",
        "component": "etl.load",
        "correlation_id": "c-1",
        "user": "ada",
        "environment": "prod",
    }
    place = {"file": "/app/load.py", "line": "12", "function": "load"}
    assert record["logging.googleapis.com/sourceLocation"] == place
    assert record["serviceContext"] == {"service": "orders", "version": "1.2"}
    assert record["stack_trace"].startswith("Traceback")
    assert record["source"] == "a.csv"


def test_datadog_finds_what_it_knows(failure: Event) -> None:
    """Datadog: timestamp, status (the level), service, ddsource, dd.trace_id, error.{kind,message,stack}."""
    record = record_of("datadog", failure)
    assert (record["timestamp"], record["status"]) == ("2026-01-31T04:05:06.789012Z", "error")
    assert (record["message"], record["evt"]) == ("two of three", {"name": "import_failed"})
    assert (record["service"], record["env"], record["ddsource"]) == ("orders", "prod", "python")
    assert record["version"] == "1.2"
    assert (record["dd.trace_id"], record["dd.span_id"]) == (TRACE, str(int(SPAN, 16)))
    stack = "Traceback…\nOSError: disk full"
    assert record["error"] == {"kind": "OSError", "message": "disk full", "stack": stack}
    assert (record["duration"], record["usr"]) == (12_500_000, {"name": "ada"})
    assert record["logger"] == {"name": "etl.load"}
    assert record["odibi"]["status"] == "failed"


@pytest.mark.parametrize(
    ("ids", "theirs"),
    [
        (("0" * 16 + SPAN, "0" * 15 + "a"), (str(int(SPAN, 16)), "10")),
        ((TRACE, "not-hexadecimal!"), (TRACE, "not-hexadecimal!")),
        (("t-1", "a"), ("t-1", "a")),
    ],
)
def test_datadog_has_ids_of_64_bits_as_decimals(ids: tuple[str, str], theirs: tuple[str, str]) -> None:
    """As its own tracers log them; a longer one stays hexadecimal, and what is no id stays as it is."""
    record = record_of("datadog", an_event("x", trace_id=ids[0], span_id=ids[1]))
    assert (record["dd.trace_id"], record["dd.span_id"]) == theirs


@EVERY_PRESET
def test_a_line_without_a_message_reads_as_its_event(preset: str) -> None:
    """The message is never empty, and the event's type has its own place all the same."""
    record = record_of(preset, an_event("orders_loaded"))
    assert Counter(leaves(record))["orders_loaded"] == 2


@EVERY_PRESET
def test_a_service_without_a_name_says_nothing_of_it(preset: str) -> None:
    """No empty names stand for something that is not known."""
    assert '""' not in line_encoder(preset)(an_event("x", writer_id="w", seq=1)).decode()


@pytest.mark.parametrize(
    ("preset", "name"),
    [("gcp", "severity"), ("gcp", "time"), ("gcp", "event_type_"), ("datadog", "host"), ("datadog", "date")],
)
def test_a_field_cannot_pass_for_what_the_system_reads(preset: str, name: str) -> None:
    """A caller's `severity` is not the line's, nor its `time`: the name gets a `_`, and never another field's."""
    record = record_of(preset, an_event("x", **{name: "mine", f"{name}_": "other"}))
    assert "mine" in record.values()
    assert "other" in record.values()
    assert record.get(name) != "mine" or name.endswith("_")


def test_labels_hold_no_dots() -> None:
    """Elastic would make an object of `a.b`, which cannot stand beside a label `a`; two such names stay two."""
    record = record_of("ecs", an_event("x", **{"a": 1, "a.b": 2, "a_b": 3}))
    assert sorted(record["labels"].values()) == [1, 2, 3]
    assert not any("." in name for name in record["labels"])


def leaves(value: Any) -> Iterator[str]:
    """Every value that is not a container, as text."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield str(value)


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9) | st.floats(-1e6, 1e6)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
OURS = [name for name in COLUMNS if name not in ("timestamp", "level", "event_type", "seq", "writer_id")]
KNOWN = [
    "error_type",
    "traceback",
    "trace_id",
    "span_id",
    "code.file.path",
    "code.line.number",
    "thread.name",
]
NAMES = st.sampled_from([*OURS, *KNOWN, "severity", "time", "status_", "labels", "a.b", "odibi"]) | st.text(
    max_size=9
)


@EVERY_PRESET
@given(fields=st.dictionaries(NAMES.filter(lambda name: name not in ("timestamp", "level", "seq")), VALUES))
def test_nothing_is_lost(preset: str, fields: dict[str, Any]) -> None:
    """For any field, name and type: each value is in the line, as often as it was given."""
    fields = {name: value for name, value in fields.items() if name not in ("event_type", "writer_id")}
    event = an_event("x", **fields)
    found = Counter(leaves(json.loads(line_encoder(preset, SERVICE)(event))))
    duration = fields.get("duration_ms")
    if preset in ("ecs", "datadog") and isinstance(duration, int | float) and abs(duration) < 1e12:
        fields = {**fields, "duration_ms": round(duration * 1_000_000)}
    # Null in a standard field means unknown, and no line has those.
    said = {name: value for name, value in fields.items() if value is not None or name not in COLUMNS}
    if not said.get("message"):
        said.pop("message", None)
    missing = Counter(leaves(said)) - found
    assert not missing


def test_durations_beyond_reason_stay_as_they_are() -> None:
    """A number of nanoseconds that no integer of JSON's readers holds is not made."""
    assert record_of("ecs", an_event("x", duration_ms=1e300))["odibi"]["duration_ms"] == 1e300


def test_our_own_preset_is_the_codec() -> None:
    """`odibi`: the line that our readers read."""
    assert line_encoder("odibi") is encode


def test_an_unknown_preset_names_the_nearest() -> None:
    """The message names the known ones."""
    with pytest.raises(ConfigurationError, match=r"odibi, ecs, otel, gcp, datadog, got .* .did you mean 'datadog'"):
        line_encoder("datadgo")


@pytest.mark.parametrize("preset", ["ecs", "otel", "gcp", "datadog"])
def test_a_span_that_is_a_number_is_none_of_a_trace(preset: str) -> None:
    """It is kept by its own name: over there an id is a text of a trace that they know."""
    line = line_encoder(preset)(an_event("said", span_id=288774000000)).decode()
    assert '"span_id":288774000000' in line
    assert not any(name in line for name in ("SpanId", "spanId", "span.id", "dd."))
