"""Contract, section 7: instrumented stages and circuit breakers, row by row."""

from __future__ import annotations

import copy
import io
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from odibi_core.observability import CircuitBreaker, InstrumentedStage, StructuredLogger, get_logger, measured_stage
from odibi_core.process.state import current_bus
from odibi_core.testing import RecordingSink


class Normalize:
    """A stage as anyone writes it."""

    def process(self, records: list[int], factor: int = 2) -> list[int]:
        return [record * factor for record in records if record]


@pytest.fixture
def heard() -> RecordingSink:
    """Everything that the program says."""
    sink = RecordingSink()
    current_bus().subscribe(sink)
    return sink


def test_instrumented_stage_wraps_anything_with_process(heard: RecordingSink) -> None:
    """`InstrumentedStage(stage, name=None, logger=None)`: the result is the stage's, the arguments go through."""
    assert InstrumentedStage(Normalize()).process([1, 2], factor=3) == [3, 6]
    assert InstrumentedStage(Normalize(), "tidy").process([1]) == [2]
    assert [event.component for event in heard.events] == ["Normalize", "tidy"]


def test_each_batch_logs_stage_completed_with_the_courses_fields(heard: RecordingSink) -> None:
    """`recordsIn, recordsOut, elapsedMs, throughputRps`."""
    InstrumentedStage(Normalize()).process([0, 1, 2])
    (event,) = heard.of_kind("stage_completed")
    assert (event.fields["recordsIn"], event.fields["recordsOut"]) == (3, 2)
    assert event.fields["elapsedMs"] > 0
    assert event.fields["throughputRps"] == pytest.approx(3 / event.fields["elapsedMs"] * 1000)


def test_instrumented_stage_is_subclassed_with_the_name_as_argument(heard: RecordingSink) -> None:
    """As in the course: `process` of one's own, `Validate("validate")`."""

    class Validate(InstrumentedStage):
        def process(self, records: list[int]) -> list[int]:
            return records

    assert Validate("validate").process([1, 2]) == [1, 2]
    assert [(event.component, event.fields["recordsIn"]) for event in heard.events] == [("validate", 2)]


class Calibrate(InstrumentedStage):
    """The course's stage: it inherits, takes its name and a logger, and logs its batches itself."""

    def process(self, records: list[float], offset: float = 0.5) -> list[float]:
        """Shift every reading."""
        started = time.perf_counter()
        calibrated = [record + offset for record in records]
        elapsed_ms = (time.perf_counter() - started) * 1000
        self._logger.info(
            "stage_completed",
            recordsIn=len(records),
            recordsOut=len(calibrated),
            elapsedMs=round(elapsed_ms, 3),
            throughputRps=round(len(records) / max(elapsed_ms / 1000, 1e-9), 1),
        )
        return calibrated


def test_a_subclass_without_a_logger_has_a_working_one(heard: RecordingSink) -> None:
    """`self._logger` writes a line with the stage as its component, where the program's log goes."""

    class Quiet(InstrumentedStage):
        def process(self, records: list[int]) -> list[int]:
            self._logger.warning("late_records", late=2)
            return records

    for stage in (Quiet("quiet"), pickle_twin(Quiet("quiet"))):
        assert stage.process([1]) == [1]
    assert [(event.component, event.fields["late"]) for event in heard.of_kind("late_records")] == [
        ("quiet", 2)
    ] * 2


def pickle_twin(stage: InstrumentedStage) -> InstrumentedStage:
    """A copy, as a worker process gets it: without what cannot travel."""
    return copy.deepcopy(stage)


def test_a_stage_that_logs_its_own_stage_completed_is_counted_once(heard: RecordingSink) -> None:
    """The line that it wrote is the batch's; one that does not, or that failed, is told as ever."""
    assert Calibrate("calibrate").process([1.0, 2.0]) == [1.5, 2.5]
    (event,) = heard.of_kind("stage_completed")
    assert (event.component, event.fields["recordsIn"], event.fields["recordsOut"]) == ("calibrate", 2, 2)
    with pytest.raises(TypeError):
        Calibrate("calibrate").process(["x"])  # type: ignore[list-item]
    assert [event.component for event in heard.of_kind("stage_failed")] == ["calibrate"]


def test_the_courses_stage_runs_as_it_is_written(heard: RecordingSink) -> None:
    """With its own stream: one line a batch there, by the stage, and none anywhere else."""
    stream = io.StringIO()
    stage = Calibrate("calibrate", StructuredLogger("calibrate", stream=stream))
    for batch in ([1.0], [2.0, 3.0]):
        stage.process(batch)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["component"], line["recordsIn"]) for line in lines] == [
        ("stage_completed", "calibrate", 1),
        ("stage_completed", "calibrate", 2),
    ]
    assert heard.events == []


def test_stages_inside_each_other_are_counted_once_each(heard: RecordingSink) -> None:
    """Lazy ones that are pulled through, one that logs for itself, and one that does not."""

    class Own(InstrumentedStage):
        def process(self, records: Iterable[float]) -> Iterator[float]:
            yield from records
            self._logger.info("stage_completed", recordsOut=0)

    class Outer(InstrumentedStage):
        def process(self, records: Iterable[float]) -> list[float]:
            return Calibrate("inner").process(list(records))

    pulled = Own("own").process(InstrumentedStage(Normalize(), "first").process([1, 2]))
    assert Outer("outer").process(pulled) == [2.5, 4.5]
    assert sorted(event.component or "" for event in heard.of_kind("stage_completed")) == [
        "first", "inner", "outer", "own",
    ]  # fmt: skip


def test_what_the_consumer_says_between_two_records_is_not_the_stages(heard: RecordingSink) -> None:
    """Only what is said while the stage works is its own."""

    @measured_stage
    def double(records: Iterable[int]) -> Iterator[int]:
        for record in records:
            yield record * 2

    for _ in double([1, 2]):
        get_logger("consumer").info("stage_completed", recordsIn=1)
    assert [event.component for event in heard.of_kind("stage_completed")] == ["consumer", "consumer", "double"]


def test_the_logger_given_writes_the_line(heard: RecordingSink) -> None:
    """The course's stream: the stage's line is on it, with `component` and `event`."""
    stream = io.StringIO()
    InstrumentedStage(Normalize(), "normalize", StructuredLogger("course", stream=stream)).process([1])
    line: dict[str, Any] = json.loads(stream.getvalue())
    assert (line["event"], line["component"], line["recordsIn"]) == ("stage_completed", "normalize", 1)
    assert heard.events == []


def test_measured_stage_decorates_a_function(heard: RecordingSink) -> None:
    """With and without arguments."""

    @measured_stage
    def keep(records: list[int]) -> list[int]:
        return records

    @measured_stage("drop")
    def nothing(records: list[int]) -> list[int]:
        return []

    assert (keep([1]), nothing([1])) == ([1], [])
    assert [(event.component, event.fields["recordsOut"]) for event in heard.events] == [
        ("keep", 1),
        ("drop", 0),
    ]


def test_measured_stage_keeps_a_generator_lazy(heard: RecordingSink) -> None:
    """Nothing is taken before it is asked for, and never more than that; the line comes at the end."""
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(3):
            taken.append(number)
            yield number

    @measured_stage
    def double(records: Iterable[int]) -> Iterator[int]:
        for record in records:
            yield record * 2

    doubled = double(source())
    assert taken == []
    assert next(doubled) == 0
    assert (taken, heard.events) == ([0], [])
    assert list(doubled) == [2, 4]
    (event,) = heard.of_kind("stage_completed")
    assert (event.fields["recordsIn"], event.fields["recordsOut"]) == (3, 3)


def test_instrumented_stage_keeps_a_generator_lazy(heard: RecordingSink) -> None:
    """A `process` that yields is asked for no more than its consumer asks for; the line comes at the end."""
    taken: list[int] = []

    class Double:
        def process(self, records: Iterable[int]) -> Iterator[int]:
            for record in records:
                taken.append(record)
                yield record * 2

    doubled = InstrumentedStage(Double()).process(iter([1, 2, 3]))
    assert (next(doubled), taken, heard.events) == (2, [1], [])
    assert list(doubled) == [4, 6]
    (event,) = heard.of_kind("stage_completed")
    assert (event.fields["recordsIn"], event.fields["recordsOut"]) == (3, 3)


def test_an_exception_is_passed_on_after_stage_failed(heard: RecordingSink) -> None:
    """The same object."""
    error = RuntimeError("the sensor is gone")

    @measured_stage
    def read(records: list[int]) -> list[int]:
        raise error

    with pytest.raises(RuntimeError) as raised:
        read([1])
    assert raised.value is error
    (event,) = heard.events
    assert (event.event_type, event.component, event.error) == ("stage_failed", "read", "the sensor is gone")


def test_circuit_breakers_log_circuit_state_change(heard: RecordingSink) -> None:
    """With `circuitName, oldState, newState`."""
    breaker = CircuitBreaker("sensor", fail_max=1, reset_timeout_s=0)

    @breaker
    def read(fail: bool) -> str:
        if fail:
            raise OSError("no answer")
        return "21.5"

    with pytest.raises(OSError, match="no answer"):
        read(True)
    assert read(False) == "21.5"
    changes = [
        (event.fields["circuitName"], event.fields["oldState"], event.fields["newState"])
        for event in heard.of_kind("circuit_state_change")
    ]
    assert changes == [
        ("sensor", "closed", "open"),
        ("sensor", "open", "half_open"),
        ("sensor", "half_open", "closed"),
    ]
