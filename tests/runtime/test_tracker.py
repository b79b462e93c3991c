"""The tracker: snapshots find their step, whatever runs at the same time, and misuse never hurts."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError
from odibi_core.events import decode, encode
from odibi_core.runtime.tracker import WARNING, Tracker
from odibi_core.testing import FakeClock, RecordingSink
from odibi_core.views.lineage import LineageView

Rows = list[dict[str, Any]]


def rows(count: int) -> Rows:
    return [{"x": number} for number in range(count)]


@pytest.fixture
def heard() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def tracker(heard: RecordingSink) -> Tracker:
    bus = EventBus()
    bus.subscribe(heard)
    return Tracker(bus=bus)


def counts(tracker: Tracker) -> dict[str, tuple[int | None, int | None]]:
    """Rows before and after, for each step."""

    def seen(snap: dict[str, Any] | None) -> int | None:
        return None if snap is None else snap["row_count"]

    steps = tracker.export_lineage()["steps"]
    return {s["step_name"]: (seen(s["before_snapshot"]), seen(s["after_snapshot"])) for s in steps}


def warnings(heard: RecordingSink) -> list[str | None]:
    return [event.message for event in heard.of_kind(WARNING)]


WIDTH = 8
EXPECTED = {f"s{n}": (n + 1, n + 2) for n in range(WIDTH)}


def run_in_threads(tracker: Tracker) -> None:
    """Each stage of every step in turn, so that all steps are open at once."""
    barrier = threading.Barrier(WIDTH)

    def work(number: int) -> None:
        stages: list[Callable[[], None]] = [
            lambda: tracker.start_step(f"s{number}", "transform"),
            lambda: tracker.snapshot("before", rows(number + 1)),
            lambda: tracker.snapshot("after", rows(number + 2)),
            lambda: tracker.end_step(f"s{number}", "success"),
        ]
        for stage in stages:
            barrier.wait(20)
            stage()

    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(work, range(WIDTH)))


def run_in_tasks(tracker: Tracker) -> None:
    """The same in asyncio: between any two calls every other task has its turn."""

    async def work(number: int) -> None:
        tracker.start_step(f"s{number}", "transform")
        await asyncio.sleep(0)
        tracker.snapshot("before", rows(number + 1))
        await asyncio.sleep(0)
        tracker.snapshot("after", rows(number + 2))
        await asyncio.sleep(0)
        tracker.end_step(f"s{number}", "success")

    async def all_of_them() -> None:
        await asyncio.gather(*(work(number) for number in range(WIDTH)))

    asyncio.run(all_of_them())


TOGETHER = pytest.mark.parametrize("run", [run_in_threads, run_in_tasks])


def check_snapshots_find_their_step(tracker: Tracker, run: Callable[[Tracker], None]) -> None:
    tracker.start_pipeline("p")
    run(tracker)
    assert counts(tracker) == EXPECTED


@TOGETHER
def test_a_snapshot_belongs_to_the_step_of_its_own_thread_or_task(
    tracker: Tracker, heard: RecordingSink, run: Callable[[Tracker], None]
) -> None:
    """Steps that run at the same time never get each other's data, and no edge joins them."""
    check_snapshots_find_their_step(tracker, run)
    assert tracker.export_lineage()["edges"] == []
    assert not warnings(heard)


class _OneCurrentStep(Tracker):
    """A broken tracker: like the older system, it knows one current step for all threads."""

    def _current(self) -> Any:
        return next((handle for handle in reversed(self._handles.values()) if handle.open), None)


@TOGETHER
def test_the_check_finds_a_tracker_with_one_current_step(run: Callable[[Tracker], None]) -> None:
    """The sabotage twin: with a current step that all threads share, the check fails."""
    with pytest.raises(AssertionError):
        check_snapshots_find_their_step(_OneCurrentStep(), run)


def test_nested_steps(tracker: Tracker) -> None:
    """A snapshot goes to the innermost open step; when that has ended, to the one around it."""
    tracker.start_pipeline("p")
    tracker.start_step("outer", "transform")
    tracker.snapshot("before", rows(1))
    tracker.start_step("inner", "transform")
    tracker.snapshot("before", rows(2))
    tracker.snapshot("after", rows(3))
    tracker.end_step("inner", "success")
    tracker.snapshot("after", rows(4))
    tracker.end_step("outer", "success")
    assert counts(tracker) == {"outer": (1, 4), "inner": (2, 3)}


def test_the_outer_step_may_end_first(tracker: Tracker) -> None:
    """An end names its step; what is still open inside stays open."""
    tracker.start_pipeline("p")
    tracker.start_step("outer", "transform")
    tracker.start_step("inner", "transform")
    tracker.end_step("outer", "success")
    tracker.snapshot("after", rows(2))
    tracker.end_step("inner", "success")
    assert counts(tracker) == {"outer": (None, None), "inner": (None, 2)}


def test_a_thread_that_was_given_the_context_works_for_its_step(tracker: Tracker) -> None:
    """Work handed to another thread with `copy_context` belongs to the step that handed it."""
    tracker.start_pipeline("p")
    tracker.start_step("s", "transform")
    thread = threading.Thread(target=copy_context().run, args=(tracker.snapshot, "after", rows(3)))
    thread.start()
    thread.join()
    assert counts(tracker) == {"s": (None, 3)}


def test_a_step_may_end_in_another_thread(tracker: Tracker, heard: RecordingSink) -> None:
    """A callback's thread knows the step by its name; the thread that began it sees it as ended."""
    tracker.start_pipeline("p")
    tracker.start_step("s", "transform")
    thread = threading.Thread(target=tracker.end_step, args=("s", "success"))
    thread.start()
    thread.join()
    assert tracker.export_lineage()["steps"][0]["state"] == "success"
    assert not warnings(heard)
    tracker.snapshot("after", rows(1))
    assert warnings(heard) == ["a snapshot outside any step belongs to none"]


def test_edges_follow_the_order_of_each_thread(tracker: Tracker) -> None:
    """A step follows the one that its own thread started before; a new run begins anew."""
    tracker.start_pipeline("p")

    def chain(name: str) -> None:
        for number in range(3):
            tracker.start_step(f"{name}{number}", "transform")
            tracker.end_step(f"{name}{number}", "success")

    for name in ("a", "b"):
        thread = threading.Thread(target=chain, args=(name,))
        thread.start()
        thread.join()
    found = {(edge["source"], edge["target"]) for edge in tracker.export_lineage()["edges"]}
    assert found == {("a0", "a1"), ("a1", "a2"), ("b0", "b1"), ("b1", "b2")}
    chain("c")
    tracker.start_pipeline("q")
    tracker.start_step("first", "ingest")
    assert tracker.export_lineage()["edges"] == []


def test_two_trackers_in_one_thread_do_not_meet() -> None:
    """Neither a snapshot nor an edge crosses from one tracker to the other."""
    one, two = Tracker(), Tracker()
    for tracker in (one, two):
        tracker.start_pipeline("p")
        tracker.start_step("a", "ingest")
    one.snapshot("after", rows(1))
    two.snapshot("after", rows(2))
    for tracker in (one, two):
        tracker.end_step("a", "success")
        tracker.start_step("b", "transform")
    assert counts(one)["a"] == (None, 1)
    assert counts(two)["a"] == (None, 2)
    assert [len(tracker.export_lineage()["edges"]) for tracker in (one, two)] == [1, 1]


def test_a_name_used_again_is_a_step_of_its_own(tracker: Tracker, heard: RecordingSink) -> None:
    """In a loop each turn is kept; metrics and hooks still get the one name."""
    tracker.start_pipeline("p")
    for number in range(3):
        tracker.start_step("load", "ingest")
        tracker.snapshot("after", rows(number))
        tracker.end_step("load", "success" if number else "failed")
    tracker.start_step("load#2", "ingest")
    steps = {step["step_name"]: step["state"] for step in tracker.export_lineage()["steps"]}
    assert steps == {"load": "failed", "load#2": "success", "load#3": "success", "load#2#2": "running"}
    assert {event.node_name for event in heard.of_kind("node_complete")} == {"load"}


def test_one_name_open_twice_ends_in_its_own_thread(tracker: Tracker) -> None:
    """Two threads with one name: each ends its own step."""
    tracker.start_pipeline("p")
    begun, ended = threading.Barrier(2), threading.Barrier(2)

    def work(count: int) -> None:
        tracker.start_step("load", "ingest")
        begun.wait(20)
        tracker.snapshot("after", rows(count))
        ended.wait(20)
        tracker.end_step("load", "success" if count == 1 else "failed")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (1, 2)))
    states = {s["after_snapshot"]["row_count"]: s["state"] for s in tracker.export_lineage()["steps"]}
    assert states == {1: "success", 2: "failed"}


@pytest.mark.parametrize(
    ("misuse", "warning"),
    [
        (lambda t: t.snapshot("after", rows(1)), "a snapshot outside any step belongs to none"),
        (
            lambda t: t.end_step("ghost", "success"),
            "a step ended that was never started: its duration is unknown",
        ),
        (lambda t: t.end_step("done", "failed"), "a step was ended twice: the first end counts"),
        (lambda t: t.end_step("open", "finished"), "a step ends with success or failed"),
        (lambda t: t.end_pipeline(), "the pipeline ended before some of its steps"),
    ],
)
def test_misuse_is_a_warning(
    tracker: Tracker, heard: RecordingSink, misuse: Callable[[Tracker], None], warning: str
) -> None:
    """Out of order never raises: a `tracker_warning` has the reason, and the rest stands."""
    tracker.start_pipeline("p")
    tracker.start_step("open", "transform")
    tracker.start_step("done", "transform")
    tracker.end_step("done", "success")
    if "snapshot" in warning:
        tracker.end_step("open", "success")
    misuse(tracker)
    assert warnings(heard) == [warning]
    done = next(step for step in tracker.export_lineage()["steps"] if step["step_name"] == "done")
    assert done["state"] == "success"


def test_a_step_that_ended_but_never_began_is_recorded(tracker: Tracker) -> None:
    """Its result is known and its duration is not."""
    tracker.start_pipeline("p")
    tracker.end_step("ghost", "failed", "no route")
    (step,) = tracker.export_lineage()["steps"]
    assert (step["state"], step["duration_ms"], step["error_message"]) == ("failed", None, "no route")


def test_without_start_pipeline_one_begins(tracker: Tracker, heard: RecordingSink) -> None:
    """The steps are kept under a pipeline named `pipeline`, once, however many threads come first."""
    run_in_threads(tracker)
    assert counts(tracker) == EXPECTED
    assert len(heard.of_kind("pipeline_start")) == 1
    assert warnings(heard) == ["a step outside any pipeline: one named 'pipeline' began with it"]


def test_end_pipeline_without_start_is_a_warning(tracker: Tracker, heard: RecordingSink) -> None:
    """There is nothing to end, so no end is announced."""
    tracker.end_pipeline()
    assert heard.kinds == [WARNING]


class _Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __len__ = __str__


HOSTILE: list[Any] = [
    None,
    "",
    "../../etc",
    "a\nb\0",
    "x" * 10_000,
    "\ud800",
    5,
    b"\xff",
    [],
    _Unspeakable(),
    float("nan"),
]


@pytest.mark.parametrize("thing", HOSTILE, ids=lambda thing: type(thing).__name__)
def test_anything_may_be_given_anywhere(tmp_path: Path, thing: Any) -> None:
    """Names, frames, contexts and errors of any kind: nothing raises, and what comes out is valid JSON on disk."""
    tracker = Tracker(tmp_path)
    tracker.start_pipeline(thing)
    tracker.start_step(thing, thing)
    tracker.snapshot("before", thing, thing)
    tracker.snapshot(thing, rows(2), {"dataset": thing, thing if isinstance(thing, str) else "k": thing})
    tracker.end_step(thing, "failed", thing)
    tracker.end_step(thing, thing, thing)
    tracker.end_pipeline(thing)
    lineage = tracker.export_lineage()
    json.dumps(lineage, allow_nan=False)
    path = tracker.save()
    assert path.parent == tmp_path
    assert json.loads(path.read_text("utf-8")) == lineage
    assert tracker.get_summary()
    assert lineage["steps"][0]["state"] == "failed"


def test_the_lineage_is_the_fold_of_what_was_published(tracker: Tracker, heard: RecordingSink) -> None:
    """A view fed from the log afterwards gives the answer of the tracker, which knows nothing but the events."""
    tracker.start_pipeline("p")
    run_in_threads(tracker)
    tracker.end_step("ghost", "failed", ValueError("boom"))
    tracker.end_pipeline()
    replay = LineageView()
    for event in heard.events:
        replay(decode(encode(event)))
    assert replay.answer() == tracker.lineage()


def test_a_given_bus_is_heard(heard: RecordingSink) -> None:
    """When an orchestrator drives, the tracker answers without one call; its own steps join that run."""
    bus = EventBus()
    tracker = Tracker(bus=bus)
    bus.subscribe(heard)
    bus.publish("pipeline_start", fields={"run_id": "r1", "pipeline_name": "daily"})
    bus.publish("node_complete", fields={"run_id": "r1", "node_name": "a", "duration_ms": 2.0})
    tracker.start_step("mine", "transform")
    tracker.end_step("mine", "success")
    lineage = tracker.export_lineage()
    assert (lineage["run_id"], [step["step_name"] for step in lineage["steps"]]) == ("r1", ["a", "mine"])
    assert lineage["status"] == "running"
    assert not warnings(heard)


def test_a_run_of_its_own_on_a_bus_with_others() -> None:
    """It receives the run that it began, or was set to follow, also if another one starts beside it."""
    bus = EventBus()
    first, own = Tracker(bus=bus, run_id="r1"), Tracker(bus=bus)
    bus.publish("pipeline_start", fields={"run_id": "r1", "pipeline_name": "one"})
    own.start_pipeline("own")
    bus.publish("pipeline_start", fields={"run_id": "r2", "pipeline_name": "two"})
    assert [t.export_lineage()["pipeline_name"] for t in (first, own)] == ["one", "own"]


def test_closed_it_hears_no_more_and_still_answers(tracker: Tracker) -> None:
    """A finished run's tracker costs the bus nothing."""
    tracker.start_pipeline("p")
    tracker.close()
    tracker.start_step("late", "transform")
    lineage = tracker.export_lineage()
    assert (lineage["pipeline_name"], lineage["steps"]) == ("p", [])


@pytest.mark.parametrize(("error", "kind"), [(None, "pipeline_complete"), ("boom", "pipeline_error")])
def test_the_end_is_announced_to_hooks(error: str | None, kind: str) -> None:
    """With the counts and the tracker itself; an error makes it a `pipeline_error`."""
    tracker = Tracker()
    told: list[dict[str, Any]] = []
    for name in ("pipeline_complete", "pipeline_error"):
        tracker.bus.register_hook(name, told.append)
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    tracker.end_step("a", "success")
    tracker.end_pipeline(error)
    (end,) = told
    assert (end["event_type"], end["success_count"], end["failed_count"]) == (kind, 1, 0)
    assert end["tracker"] is tracker


def test_a_failed_step_makes_a_failed_run(tracker: Tracker, heard: RecordingSink) -> None:
    """`pipeline_complete` means success; a second start ends the first run."""
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    tracker.end_step("a", "failed", ValueError("boom"))
    tracker.start_pipeline("q")
    assert len(heard.of_kind("pipeline_error")) == 1
    assert not heard.of_kind("pipeline_complete")
    (failed,) = heard.of_kind("node_failed")
    assert (failed.level, failed.error, failed.fields["error_type"]) == (
        "error",
        "ValueError: boom",
        "ValueError",
    )


def test_durations_do_not_know_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set back by an hour in the middle of a step, its duration stays what it was."""
    clock = FakeClock()
    monkeypatch.setattr("odibi_core.runtime.node_events.monotonic", clock.monotonic)
    tracker = Tracker(bus=EventBus(clock=clock))
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    clock.advance(1.5)
    clock.set_back(3600)
    tracker.end_step("a", "success")
    assert tracker.export_lineage()["steps"][0]["duration_ms"] == 1500


def test_the_level_decides_how_closely_frames_are_looked_at() -> None:
    """`off` keeps no snapshot; `schema` no rows; a level that is none is refused at once, with the nearest."""
    off, schema = Tracker(level="off"), Tracker(level="schema")
    for tracker in (off, schema):
        tracker.start_pipeline("p")
        tracker.start_step("a", "transform")
        tracker.snapshot("after", rows(2))
    assert off.export_lineage()["steps"][0]["after_snapshot"] is None
    snap = schema.export_lineage()["steps"][0]["after_snapshot"]
    assert ([column["column"] for column in snap["schema"]], snap["sample_data"]) == (["x"], [])
    with pytest.raises(ConfigurationError, match="did you mean 'sample'"):
        Tracker(level="samples")


def test_several_inputs_are_kept_by_name_or_by_number(tracker: Tracker) -> None:
    """`dataset` in the context names a snapshot; those without a name are all kept."""
    tracker.start_pipeline("p")
    tracker.start_step("join", "transform")
    tracker.snapshot("before", rows(1), {"dataset": "flights", "source": "csv"})
    tracker.snapshot("before", rows(2))
    tracker.snapshot("before", rows(3))
    (step,) = tracker.export_lineage()["steps"]
    assert [(snap["name"], snap["row_count"]) for snap in step["before_snapshots"]] == [
        ("flights", 1), ("before", 2), ("before_2", 3),
    ]  # fmt: skip
    assert step["before_snapshots"][0]["metadata"]["source"] == "csv"


def test_secrets_do_not_come_out(tracker: Tracker, tmp_path: Path) -> None:
    """Samples, errors and contexts pass the one path of every event: what is secret is hidden in the file too."""
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    tracker.snapshot("after", [{"password": "CANARY1", "x": 1}], {"api_key": "CANARY2"})
    tracker.end_step("a", "failed", "postgres://me:CANARY3@host/db")
    tracker.export_lineage(tmp_path / "lineage.json")
    written = (tmp_path / "lineage.json").read_text("utf-8") + tracker.get_summary()
    assert "CANARY" not in written


def test_files_of_two_runs_never_meet(tmp_path: Path) -> None:
    """Names that look alike once made safe have files of their own; the same run replaces its own."""
    paths = set()
    for name in ("a/b", "a\\b", "a b", "a.b", "..", "", "a" * 300, "é", "e\u0301"):
        tracker = Tracker(tmp_path)
        tracker.start_pipeline(name)
        paths |= {tracker.save(), tracker.save()}
    assert len(paths) == 9
    assert set(tmp_path.iterdir()) == paths
    assert all(len(path.name) < 200 for path in paths)


def test_two_pipelines_under_one_run_id_have_files_of_their_own(tmp_path: Path) -> None:
    """An id that a user chose may repeat, and the hash takes the exact names."""
    saved = []
    for name in ("a/b", "a.b"):
        bus = EventBus()
        tracker = Tracker(tmp_path, bus=bus)
        bus.publish("pipeline_start", fields={"run_id": "same", "pipeline_name": name})
        saved.append(tracker.save())
    assert saved[0] != saved[1]


def test_a_disk_that_refuses_is_a_warning(tracker: Tracker, heard: RecordingSink, tmp_path: Path) -> None:
    """Saving never raises: the log and a `tracker_warning` have the reason for the missing file."""
    (tmp_path / "file").write_text("in the way")
    tracker.log_dir = tmp_path / "file" / "logs"
    tracker.start_pipeline("p")
    assert not tracker.save().exists()
    tracker.export_lineage("/dev/full/x.json")
    tracker.export_lineage("a\0b")
    assert warnings(heard) == ["the lineage could not be written"] * 3


def test_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    """A folder named at construction is not even made."""
    tracker = Tracker(tmp_path / "logs")
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    tracker.end_step("a", "success")
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_is_freed_though_its_thread_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    """The steps that a thread remembers do not hold the tracker."""
    tracker = Tracker()
    tracker.start_pipeline("p")
    tracker.start_step("a", "transform")
    gone = weakref.ref(tracker)
    del tracker
    gc.collect()
    assert not caplog.records  # the traceback of a logged failure keeps the frames of the tracker's methods
    assert gone() is None
