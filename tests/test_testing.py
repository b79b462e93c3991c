"""The fakes record what they are given."""

from __future__ import annotations

import pytest

from odibi_core.testing import FailingSink, FakeClock, RecordingSink, SequentialIds, an_event


def test_the_clock_stands_still_until_told() -> None:
    """Set back, only the wall clock goes back."""
    clock = FakeClock()
    start = clock.now()
    assert clock.now() == start
    clock.advance(10)
    clock.set_back(60)
    assert ((clock.now() - start).total_seconds(), clock.monotonic()) == (-50, 10)


def test_the_recording_sink_remembers() -> None:
    """In order, by kind, and that it was closed."""
    sink = RecordingSink()
    for kind in "aba":
        sink(an_event(kind, node_name="n", other=1))
    sink.close()
    assert (sink.kinds, len(sink.of_kind("a")), list(sink.read()) == sink.events, sink.closed) == (
        ["a", "b", "a"],
        2,
        True,
        True,
    )
    assert (sink.events[0].node_name, sink.events[0].fields) == ("n", {"other": 1})


def test_the_failing_sink_fails() -> None:
    """Each time, and counts."""
    sink = FailingSink(KeyError("x"))
    for _ in range(2):
        with pytest.raises(KeyError):
            sink(an_event())
    assert sink.calls == 2


def test_ids_count() -> None:
    """So that a test can foresee them."""
    ids = SequentialIds("run")
    assert [ids(), ids()] == ["run-1", "run-2"]
