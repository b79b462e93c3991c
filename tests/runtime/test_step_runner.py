"""One step: its inputs, its results, and its events."""

from __future__ import annotations

import threading
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.checks import between, not_null, unique
from odibi_core.errors import PipelineError
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.runtime.node_decorator import node
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.story.generator import StoryGenerator
from odibi_core.testing import RecordingSink

PATIENCE = 20  # seconds that a correct run never needs
ROWS = [{"id": 1}, {"id": None}]


def run(*steps: Any, bus: EventBus | None = None, **options: Any) -> tuple[Result, RecordingSink]:
    """The result of a run that may fail, and all its events."""
    heard, bus = RecordingSink(), bus or EventBus()
    bus.subscribe(heard)
    options = {"store": False, "raise_on_error": False, **options}
    return Orchestrator(list(steps), event_bus=bus, **options).execute(), heard


def error_of(*steps: Any, **options: Any) -> str:
    """The error of the run of these steps."""
    result, _ = run(*steps, **options)
    assert result.status == "failed"
    return str(result.error)


# --- outputs -------------------------------------------------------------------------------------------------


Pair = namedtuple("Pair", "good bad")


@pytest.mark.parametrize(
    "given",
    [{"good": 1, "bad": 2}, {"bad": 2, "good": 1, "more": 3}, (1, 2), Pair(1, 2)],
    ids=["dict", "larger dict", "tuple", "named tuple"],
)
def test_several_outputs_come_as_a_dict_or_a_tuple(given: Any) -> None:
    """By logical name, or in the order of the names."""
    result, _ = run(
        Step(name="split", layer="ingest", value=lambda: given, outputs={"good": "g", "bad": "b"})
    )
    assert result.data == {"g": 1, "b": 2}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"good": 1, "bda": 2}, "did not return 'bad' (did you mean 'bda'?)"),
        ({"good": 1, "bad": None}, "did not return 'bad'"),
        ((1, None), "did not return 'bad'"),
        ((1, 2, 3), "got tuple"),
        ([1, 2], "got list"),
        (None, "got NoneType"),
        ({1: 2, None: 3}, "did not return 'good'"),
    ],
)
def test_wrong_outputs_are_told(given: Any, told: str) -> None:
    """With the names that were wanted, and the nearest of those that came."""
    step = Step(name="split", layer="ingest", value=lambda: given, outputs={"good": "g", "bad": "b"})
    error = error_of(step)
    assert told in error
    assert "'split'" in error


def test_nothing_returned_is_an_error_where_somebody_waits_for_it() -> None:
    """A step whose output is named or taken must return it; a step that only acts need not."""

    def forgets() -> Any:
        return dict[str, int]().get("forgotten")

    def takes(forgets: Any) -> int:
        return 1

    assert "return the frame" in error_of(forgets, takes)
    assert "returned nothing" in error_of(Step(name="s", layer="ingest", value=forgets, outputs=["orders"]))
    assert run(forgets)[0].status == "success"


# --- operations ----------------------------------------------------------------------------------------------


def test_sql_of_an_unknown_table_fails_the_step() -> None:
    """The error is the engine's own: it names the table and the ones that there are."""
    orders = Step(name="orders", layer="ingest", value=lambda: pd.DataFrame({"id": [1]}))
    sql = Step(name="sql", type="sql", value="select * from oders", inputs=["orders"])
    result, heard = run(orders, sql)
    assert "oders" in result.error
    assert "'orders'" in result.error
    (failed,) = heard.of_kind("node_failed")
    assert failed.fields["error_type"].endswith("UnknownTableError")


def test_a_file_that_is_not_there_fails_the_step() -> None:
    """With its path."""
    assert "nowhere.csv" in error_of(Step(name="read", layer="ingest", value="nowhere.csv"))


def test_reading_and_writing(tmp_path: Path) -> None:
    """`ingest` reads the path in value, `publish` writes its input there and makes nothing."""
    (tmp_path / "in.csv").write_text("id\n1\n2\n")
    result, heard = run(
        Step(name="read", layer="ingest", value=str(tmp_path / "in.csv"), outputs=["rows"]),
        Step(name="write", layer="publish", value=tmp_path / "out.csv", inputs=["rows"]),
        keep="all",
    )
    assert (tmp_path / "out.csv").read_text().split() == ["id", "1", "2"]
    assert set(result.data) == {"rows"}
    assert [event.row_count for event in heard.of_kind("node_complete")] == [2, 2]


def test_a_configuration_has_no_rows() -> None:
    """A dict of lists that a step makes, takes or has as a parameter is no frame: no row count, no snapshot."""
    config = {"tables": ["orders", "customers"], "days": [1, 2]}
    _, heard = run(
        Step(name="plan", type="config_op", value=lambda: config, outputs=["plan"]),
        Step(name="connect", layer="connect", value=config, outputs=["given"]),
        Step(name="take", value=lambda plan, wanted: wanted, inputs=["plan"], params={"wanted": config}, outputs=["x"]),
    )
    assert [event.row_count for event in heard.of_kind("node_complete")] == [None] * 3
    assert heard.of_kind("snapshot") == []


def test_a_connection_is_given_as_it_is() -> None:
    """A `connect` step whose value is no function makes the value itself a dataset."""
    connection = object()
    result, _ = run(Step(name="db", layer="connect", type="config_op", value=connection))
    assert result.data["db"] is connection


def test_params_are_given_by_name() -> None:
    """Beside the inputs."""
    step = Step(name="s", layer="ingest", value=lambda *, factor: factor * 2, params={"factor": 21})
    assert run(step)[0].data == {"s": 42}


# --- retries and timeouts ------------------------------------------------------------------------------------


def flaky(times: int) -> Any:
    calls = iter(range(times))

    def value() -> int:
        if next(calls, None) is not None:
            raise ConnectionError("no route")
        return 7

    return value


def test_retries_are_said_and_counted() -> None:
    """A node_retry for each wait, the number of attempts at the end and in the lineage."""
    result, heard = run(Step(name="s", layer="ingest", value=flaky(2), retries=3, retry_delay_s=0.001))
    assert result.data == {"s": 7}
    assert [event.fields["attempt"] for event in heard.of_kind("node_retry")] == [1, 2]
    (end,) = heard.of_kind("node_complete")
    assert end.fields["attempts"] == 3
    (step,) = result.tracker.export_lineage()["steps"]
    assert (step["attempts"], step["state"], len(step["retries"])) == (3, "success", 2)


def test_when_all_attempts_fail_the_step_failed() -> None:
    """Once, with the last error."""
    result, heard = run(Step(name="s", layer="ingest", value=flaky(9), retries=1))
    (failed,) = heard.of_kind("node_failed")
    assert failed.fields["attempts"] == 2
    assert result.error == "s: no route"


def test_a_step_that_takes_too_long_fails() -> None:
    """As StepTimeoutError, without the run waiting for what was abandoned; what it brings later is nobody's."""
    release, ended = threading.Event(), threading.Event()

    def slow() -> int:
        release.wait(PATIENCE)
        ended.set()
        return 1

    began = time.monotonic()
    result, heard = run(Step(name="slow", layer="ingest", value=slow, timeout_s=0.05))
    assert time.monotonic() - began < PATIENCE / 2
    (failed,) = heard.of_kind("node_failed")
    assert failed.fields["error_type"].endswith("StepTimeoutError")
    told = len(heard.events)
    release.set()
    assert ended.wait(PATIENCE)
    assert (len(heard.events), result.data) == (told, {})


# --- checks --------------------------------------------------------------------------------------------------


def test_failed_checks_of_severity_error_fail_the_step_all_in_one_message() -> None:
    """Each check is asked, also after one failed; the message has those that failed the step."""
    step = Step(
        name="rows", layer="ingest", value=lambda: [{"id": 1, "x": 9}, {"id": 1, "x": None}],
        checks=[unique("id"), not_null("x"), between("x", 0, 5, severity="warn"), not_null("id")],
    )  # fmt: skip
    result, heard = run(step)
    assert "2 of its checks" in result.error
    assert "unique: " in result.error
    assert "not_null: " in result.error
    assert "between" not in result.error
    assert [event.status for event in heard.of_kind("check_result")] == [
        "failed",
        "failed",
        "failed",
        "success",
    ]
    assert heard.kinds.index("check_result") < heard.kinds.index("node_failed")


def test_a_failed_check_of_severity_warn_is_only_told() -> None:
    """The step succeeds and its data goes on."""
    step = Step(name="rows", layer="ingest", value=lambda: ROWS, checks=not_null("id", severity="warn"))
    result, heard = run(step)
    assert result.status == "success"
    assert [event.level for event in heard.of_kind("check_result")] == ["warning"]
    assert result.data == {"rows": ROWS}


def test_a_check_means_the_output_whatever_it_is_called() -> None:
    """Without `on` the first output; with it, any input or output by its logical name."""

    def split(rows: Any) -> Any:
        return {"good": [{"id": 1}], "bad": [{"id": None}]}

    def of(check: Any) -> str:
        step = Step(
            name="split", value=split, inputs=["rows"], outputs={"good": "g", "bad": "b"}, checks=[check]
        )
        return str(run(Step(name="rows", layer="ingest", value=lambda: ROWS), step)[0].status)

    assert of(not_null("id")) == "success"
    assert of(not_null("id", on="bad")) == "failed"
    assert of(not_null("id", on="rows")) == "failed"


def test_a_step_that_only_writes_is_checked_on_what_it_takes(tmp_path: Path) -> None:
    """It has no output that could be meant."""
    rows = Step(name="rows", layer="ingest", value=lambda: pd.DataFrame({"id": [1.0, None]}))
    write = Step(
        name="w", layer="publish", value=tmp_path / "x.csv", inputs=["rows"], checks=[not_null("id")]
    )
    assert run(rows, write)[0].status == "failed"


# --- events --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_are_told_before_and_after(make: Any) -> None:
    """Each input by its dataset before the work, each output after it; and the difference is in the lineage."""

    def wide(raw: Any) -> Any:
        return make({"id": [1], "x": [2.5]})

    result, heard = run(
        Step(name="raw", layer="ingest", value=lambda: make({"id": [1, 2]})),
        Step(name="wide", value=wide, inputs=["raw"]),
    )
    told = [
        (event.node_name, event.fields["when"], event.fields["dataset"], event.row_count)
        for event in heard.of_kind("snapshot")
    ]
    assert told == [("raw", "after", "raw", 2), ("wide", "before", "raw", 2), ("wide", "after", "wide", 1)]
    step = result.tracker.export_lineage()["steps"][1]
    assert step["schema_diff"]["added_columns"] == ["x"]
    assert step["row_delta"] == -1


def test_without_a_tracker_no_frame_is_looked_at() -> None:
    """A description costs time, and nothing would use it."""
    step = Step(name="raw", layer="ingest", value=lambda: pd.DataFrame({"id": [1]}))
    result, heard = run(step, enable_tracker=False)
    assert not heard.of_kind("snapshot")
    assert result.tracker is None
    assert not run(step, snapshot_level="off")[1].of_kind("snapshot")


def test_what_a_step_logs_belongs_to_it(tmp_path: Path) -> None:
    """Lines of a logger on the same bus carry the run and the node of their thread."""
    bus = EventBus()
    logger = StructuredLogger("mine", log_dir=tmp_path, bus=bus)
    meet = threading.Barrier(3)

    def step(name: str) -> Step:
        def value() -> int:
            meet.wait(PATIENCE)
            logger.info("inside", said_by=name)
            return 1

        return Step(name=name, layer="ingest", value=value, timeout_s=PATIENCE if name == "c" else None)

    result, heard = run(*map(step, "abc"), bus=bus, max_workers=3)
    lines = heard.of_kind("inside")
    assert len(lines) == 3
    assert all(line.node_name == line.fields["said_by"] for line in lines)
    assert {line.run_id for line in lines} == {result.run_id}
    logger.info("outside")
    assert (heard.events[-1].run_id, heard.events[-1].node_name) == (None, None)
    logger.close()


def test_a_failure_is_told_with_its_traceback() -> None:
    """Down to the line of the step's own function."""

    def boom() -> None:
        raise ValueError("no such road")

    _, heard = run(boom)
    (failed,) = heard.of_kind("node_failed")
    assert (failed.error, failed.fields["error_type"]) == ("no such road", "ValueError")
    assert 'raise ValueError("no such road")' in failed.fields["traceback"]


@pytest.mark.parametrize(
    "name", ["../..", "x" * 300, "a\nb", "a@example.com", "4111111111111111", "Ünï🚀", "password", "a\udcff", "\ud800"]
)
def test_any_name_of_a_step_is_told_the_same_everywhere(name: str) -> None:
    """Plan and events agree on a step, whatever it is called, so its lineage is one step that ran."""
    result, _ = run(Step(name=name, layer="ingest", value=lambda: 1))
    (step,) = result.tracker.export_lineage()["steps"]
    assert (step["state"], step["type"]) == ("success", "function")
    assert result.nodes[name]["status"] == "success"


def test_a_name_that_cannot_be_encoded_is_told_with_a_sign_in_its_place(tmp_path: Path) -> None:
    """In run, journal, lineage, story, metrics and the error of the run; the run's own result keeps the name."""
    name = "b\udcff"

    def boom(rows: Any) -> None:
        raise ValueError("no \udc80 way")

    rows = Step(name="rows\ud800", layer="ingest", value=lambda: [{"n\udc80": "\ud800"}])
    step = Step(name=name, value=boom, inputs={"rows": "rows\ud800"}, outputs={"out": "out\udcff"})
    result, heard = run(rows, step, store=tmp_path)
    assert result.nodes[name]["status"] == "failed"
    assert result.error == "b\ufffd: no \ufffd way"
    lineage = result.tracker.export_lineage(tmp_path / "lineage.json")
    assert [entry["step_name"] for entry in lineage["steps"]] == ["rows\ufffd", "b\ufffd"]
    assert [(edge["source"], edge["target"]) for edge in lineage["edges"]] == [("rows\ufffd", "b\ufffd")]
    assert {event.node_name for event in heard.events} == {None, "rows\ufffd", "b\ufffd"}
    StoryGenerator().generate_story(lineage, tmp_path / "story.html")
    written = (tmp_path / "lineage.json", tmp_path / "story.html", *Path(result.path).rglob("*.jsonl"))
    assert all("b\ufffd" in file.read_text("utf-8") for file in written)
    assert "b\ufffd" in result.metrics.export_prometheus()


def test_an_observed_node_whose_name_cannot_be_encoded_is_recorded() -> None:
    """By `@node` and by a tracker."""
    with Observer("program\ud800", store=False) as observer:
        node(name="a\udcff")(lambda: 1)()
    (step,) = observer.tracker.export_lineage()["steps"]
    assert (step["step_name"], step["state"]) == ("a\ufffd", "success")


def test_an_exception_whose_text_raises_fails_only_its_step() -> None:
    """Observing never raises into the observed."""

    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def boom() -> None:
        raise UnspeakableError

    def other() -> int:
        return 1

    with pytest.raises(PipelineError) as raised:
        Orchestrator([boom, other], store=False).execute()
    assert raised.value.result.nodes["other"]["status"] == "success"


def test_a_check_may_name_a_frame_by_its_dataset_key() -> None:
    """`on` takes what the author sees: the step's own name of a frame, or the key of the dataset."""
    step = Step(
        name="clean",
        value=lambda o: o,
        inputs={"o": "orders"},
        outputs={"out": "clean_orders"},
        checks=[not_null("id", on=name) for name in ("o", "orders", "out", "clean_orders")],
    )
    orders = Step(name="orders", value=lambda: [{"id": 1}, {"id": 2}])
    heard = RecordingSink()
    bus = EventBus()
    bus.subscribe(heard)
    Orchestrator([orders, step], event_bus=bus, store=False).execute()
    assert [event.status for event in heard.of_kind("check_result")] == ["success"] * 4
