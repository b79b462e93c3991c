"""The span of events: of W3C's `traceparent`, and the active one of OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from opentelemetry import trace

from odibi_core.events import context
from odibi_core.events.trace_context import active_span, read_traceparent, span_in, traceparent
from odibi_core.testing import fresh_program

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FIELDS = {"trace_id": TRACE, "span_id": SPAN, "trace_flags": "01"}


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-03", "03"),
        (f"cc-{TRACE}-{SPAN}-03", "01"),
        (f"cc-{TRACE}-{SPAN}-02-what-will-be", "00"),
    ],
)
def test_a_traceparent_is_read_as_the_specification_says(text: str, flags: str) -> None:
    """Of a version to come only what this one has too: the ids, and whether it is sampled."""
    assert read_traceparent(text) == {**FIELDS, "trace_flags": flags}


@pytest.mark.parametrize(
    "text",
    [
        "", "00", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-1", f"00-{TRACE}-{SPAN}-01-", f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n", f" 00-{TRACE}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01", f"00-{TRACE}-{SPAN}0-01", f"00-{TRACE}-{SPAN}-zz", f"cc-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN[:-1]}\u0661-01",
    ],
)  # fmt: skip
def test_a_traceparent_that_is_none_says_nothing(text: str) -> None:
    """No part of it is taken."""
    assert read_traceparent(text) == {}


def test_a_span_is_written_as_it_is_read() -> None:
    """Fields that name none are no `traceparent`, whatever they are."""
    assert read_traceparent(traceparent({**FIELDS, "batch": 7})) == span_in(FIELDS) == FIELDS
    for strange in ({}, {"trace_id": TRACE}, {**FIELDS, "span_id": 7}, {**FIELDS, "trace_id": "x"}):
        assert traceparent(strange) == ""
        assert span_in(strange) == {}


def test_the_ids_that_a_process_inherits_are_never_taken_for_a_secret() -> None:
    """One of a thousand has digits as an account's number has them; what is no span is redacted as ever."""
    like_an_account = "be68539007547034"
    with fresh_program():
        context.inherit({**FIELDS, "span_id": like_an_account, "trace_id": f"{like_an_account}a{TRACE[17:]}"})
        assert context.inherited().fields["span_id"] == like_an_account
        assert context.inherited().fields["trace_id"].startswith(like_an_account)
        context.inherit({**FIELDS, "span_id": like_an_account, "trace_id": "x"})
        assert context.inherited().fields["span_id"] == "[REDACTED]"


def test_the_active_span_of_opentelemetry_is_had_as_hexadecimal_digits() -> None:
    """With leading zeros; outside of one there is none."""
    span = trace.NonRecordingSpan(trace.SpanContext(0xAF, 0x7, False, trace.TraceFlags(1)))
    assert active_span() == {}
    assert context.in_span(context.current()) is context.current()
    with trace.use_span(span), context.bind(batch=7):
        assert active_span() == {"trace_id": f"{0xAF:032x}", "span_id": f"{7:016x}", "trace_flags": "01"}
        assert context.in_span(context.current()).fields == {"batch": 7, **active_span()}
        assert context.current().fields == {"batch": 7}
    assert active_span() == {}


@pytest.mark.parametrize("loaded", [None, SimpleNamespace(), SimpleNamespace(get_current_span=lambda: None)])
def test_what_only_has_opentelemetrys_name_is_no_span(
    loaded: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that is blocked, half loaded, or another's."""
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", loaded)
    assert active_span() == {}


def test_opentelemetry_is_not_loaded_to_ask_it() -> None:
    """A program with spans has loaded it."""
    code = """
import sys
from odibi_core.observability import get_logger
get_logger("shop").info("said")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
