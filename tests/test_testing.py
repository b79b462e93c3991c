"""The fakes record what they are given."""

from __future__ import annotations

import pytest

from odibi_core.testing import FailingSink, FakeClock, RecordingSink, SequentialIds, an_event


def test_the_clock_advances_only_when_asked() -> None:
    """The fake clock advances only when asked; a step back changes only the wall clock."""
    clock = FakeClock()
    start = clock.now()
    assert clock.now() == start
    clock.advance(10)
    clock.set_back(60)
    assert ((clock.now() - start).total_seconds(), clock.monotonic()) == (-50, 10)


def test_the_recording_sink_keeps_its_events() -> None:
    """The recording sink has its events in order and by kind, and if it was closed."""
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
    """The failing sink raises each time, and counts."""
    sink = FailingSink(KeyError("x"))
    for _ in range(2):
        with pytest.raises(KeyError):
            sink(an_event())
    assert sink.calls == 2


def test_ids_count() -> None:
    """Fake ids count up, so that a test can predict them."""
    ids = SequentialIds("run")
    assert [ids(), ids()] == ["run-1", "run-2"]
