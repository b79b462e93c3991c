"""The orchestrator: the verdicts, the ends of a run, and that its record is the whole truth about it."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, OdibiError, PipelineError
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.metrics.manager import MetricsManager
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink
from odibi_core.views.as_dict import lineage_dict
from odibi_core.views.lineage import LineageView
from odibi_core.views.logs import LogsView
from odibi_core.views.metrics.view import MetricsView
from odibi_core.views.runs import RunsView

PATIENCE = 20  # seconds that a correct run never needs

WAYS = pytest.mark.parametrize("workers", [1, 4], ids=["inline", "threads"])


def source() -> int:
    return 1


def boom(source: int) -> int:
    raise ValueError("no such road")


def after_boom(boom: int) -> int:
    return boom


def beside(source: int) -> int:
    return source + 1


def replayed(view: Any, store: Path, run_id: str) -> Any:
    """The answer of a view that is fed from the journal."""
    for event in RunStore(store).read(run_id):
        view(event)
    return view.answer()


def heard_by(run: Callable[[EventBus], object]) -> RecordingSink:
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    run(bus)
    return heard


# --- results -----------------------------------------------------------------------------------------------


def test_a_result_reads_like_a_mapping_and_like_an_object() -> None:
    """Each value is an item and an attribute; a missing one is an error with the nearest name."""
    result = Orchestrator([source], store=False).execute()
    assert result["status"] == result.status == "success"
    assert set(result) == {
        "run_id", "pipeline_name", "status", "success", "nodes_executed", "duration_ms", "data", "nodes", "checks",
        "tracker", "metrics", "path", "error", "params", "tags", "partition", "overhead_ms", "overhead_pct",
    }  # fmt: skip
    assert len(result) == 18
    with pytest.raises(KeyError, match="status"):
        result["statsu"]
    with pytest.raises(AttributeError, match="run_id"):
        result.run_ids  # noqa: B018
    assert "success" in repr(result)


def test_each_execution_has_a_record_and_a_tracker_of_its_own(tmp_path: Path) -> None:
    """The result of an earlier execution stays that of the earlier one."""
    counted = iter([1, None])

    def once() -> int:
        return next(counted) or 1 // 0

    plan = Orchestrator([once], store=tmp_path, raise_on_error=False)
    first, second = plan.execute(), plan.execute()
    assert (first.status, second.status) == ("success", "failed")
    assert first.tracker.export_lineage()["status"] == "success"
    assert second.tracker.export_lineage()["status"] == "failed"
    assert plan.tracker is second.tracker
    assert len(RunStore(tmp_path).ids()) == 2


def test_an_orchestrator_that_never_runs_hears_nothing() -> None:
    """Building one subscribes nothing to a shared bus; running one leaves nothing subscribed."""
    bus = EventBus()
    before = bus.sinks()
    plan = Orchestrator([source], event_bus=bus, store=False)
    assert bus.sinks() == before
    plan.execute()
    assert bus.sinks() == before


# --- data ---------------------------------------------------------------------------------------------------


class Frame:
    """Something that can be watched being freed."""


def test_a_frame_is_freed_after_its_last_consumer() -> None:
    """The memory of a long run is that of the frames that a step still needs."""
    alive: dict[str, bool] = {}
    seen: list[weakref.ref[Frame]] = []

    def make() -> Frame:
        frame = Frame()
        seen.append(weakref.ref(frame))
        return frame

    def use(make: Frame) -> int:
        return 1

    def use_again(make: Frame, use: int) -> int:
        gc.collect()
        alive["while needed"] = seen[0]() is not None
        return 1

    def later(use_again: int) -> int:
        gc.collect()
        alive["after"] = seen[0]() is not None
        return 1

    Orchestrator([make, use, use_again, later], store=False).execute()
    assert alive == {"while needed": True, "after": False}


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_is_freed_with_its_result(tmp_path: Path, caplog: pytest.LogCaptureFixture, fails: bool) -> None:
    """A program that runs many pipelines keeps no orchestrator, no record and no result of an earlier run."""

    def made() -> Frame:
        if fails:
            raise ValueError("no rows")
        return Frame()

    def run_once() -> list[weakref.ref[Any]]:
        orchestrator = Orchestrator([made], store=tmp_path)
        try:
            result = orchestrator.execute()
        except PipelineError as error:
            result = error.result
        return [weakref.ref(each) for each in (orchestrator, orchestrator.record, result)]

    released = run_once()
    gc.collect()
    assert not [record for record in caplog.records if record.exc_info]  # it keeps the frames of the run
    assert [each() for each in released] == [None, None, None]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (None, {"last"}),
        ("all", {"given", "source", "last"}),
        (["source"], {"source"}),
        ("source", {"source"}),
        ([], set()),
    ],
)
def test_keep_names_what_stays(keep: Any, kept: set[str]) -> None:
    """By default what no step takes; `"all"`; or what is named, one name or several."""

    def last(source: int, given: int) -> int:
        return source + given

    result = Orchestrator([source, last], initial={"given": 4}, keep=keep, store=False).execute()
    assert set(result.data) == kept
    assert result.data.get("last", 5) == 5


def test_keep_of_what_nobody_makes_is_told_before_the_run() -> None:
    """Where the orchestrator is built, with the nearest name."""
    with pytest.raises(ConfigurationError, match="did you mean 'source'"):
        Orchestrator([source], keep=["sorce"], store=False)


def test_params_reach_the_steps_that_take_them() -> None:
    """By name, over the defaults."""

    def scaled(source: int, factor: int = 2) -> int:
        return source * factor

    assert Orchestrator([source, scaled], store=False).execute().data == {"scaled": 2}
    assert Orchestrator([source, scaled], params={"factor": 7}, store=False).execute().data == {"scaled": 7}


def test_data_of_a_failed_step_is_not_given_back() -> None:
    """Data that failed its checks is never mistaken for a result."""
    from odibi_core.checks import not_null

    step = Step(name="rows", value=lambda: [{"id": None}], layer="ingest", checks=[not_null("id")])
    result = Orchestrator([step], store=False, raise_on_error=False).execute()
    assert result.status == "failed"
    assert result.data == {}


# --- failure policies ----------------------------------------------------------------------------------------


@WAYS
def test_skip_lets_the_rest_finish(workers: int) -> None:
    """Descendants are skipped with the name of what failed; the rest runs; the run failed."""
    result = Orchestrator(
        [source, boom, after_boom, beside], store=False, max_workers=workers, raise_on_error=False
    ).execute()
    states = {name: node["status"] for name, node in result.nodes.items()}
    assert states == {"source": "success", "boom": "failed", "after_boom": "skipped", "beside": "success"}
    assert result.status == "failed"
    assert result.error == "boom: no such road"
    assert result.data == {"beside": 2}


def test_stop_begins_nothing_more() -> None:
    """Every step that was not reached is skipped, with the reason."""
    heard = heard_by(
        lambda bus: Orchestrator(
            [source, boom, after_boom, beside],
            store=False,
            on_failure="stop",
            raise_on_error=False,
            event_bus=bus,
        ).execute()
    )
    told = {event.node_name: event.fields for event in heard.of_kind("node_skipped")}
    assert set(told) == {"after_boom", "beside"}
    assert "stopped" in told["beside"]["reason"]
    assert {fields["because_of"] for fields in told.values()} == {"boom"}
    (end,) = heard.of_kind("pipeline_error")
    counts = (end.fields["success_count"], end.fields["failed_count"], end.fields["skipped_count"])
    assert counts == (1, 1, 2)


@WAYS
def test_continue_is_a_success_with_a_failure_in_it(workers: int) -> None:
    """The run completes and does not raise, but the failure is reported."""
    heard = heard_by(
        lambda bus: Orchestrator(
            [source, boom, after_boom, beside],
            store=False,
            on_failure="continue",
            max_workers=workers,
            event_bus=bus,
        ).execute()
    )
    (end,) = heard.of_kind("pipeline_complete")
    assert end.fields["failed_count"] == 1
    assert not heard.of_kind("pipeline_error")


def test_an_unknown_policy_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigurationError, match="skip"):
        Orchestrator([source], on_failure="explode", store=False)  # type: ignore[arg-type]


def test_many_failures_are_counted_in_the_message() -> None:
    """The first three are named, the rest counted."""

    def fails(name: str) -> Step:
        def value() -> None:
            raise ValueError(name)

        return Step(name=name, layer="ingest", value=value)

    with pytest.raises(PipelineError, match=r"s0: s0; s1: s1; s2: s2; and 2 more") as raised:
        Orchestrator([fails(f"s{number}") for number in range(5)], store=False).execute()
    assert raised.value.result.status == "failed"


# --- interruptions -------------------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize("on_failure", ["skip", "stop"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=["ctrl-c", "exit"])
def test_an_interrupt_in_a_step_ends_the_record_and_is_raised(
    error: BaseException, on_failure: Literal["skip", "stop"], workers: int, tmp_path: Path
) -> None:
    """The record is closed with pipeline_error, status cancelled; nothing begins after it."""
    begun = []

    def interrupted(source: int) -> int:
        raise error

    def never(interrupted: int) -> int:
        begun.append("never")
        return 1

    plan = Orchestrator(
        [source, interrupted, never], store=tmp_path, max_workers=workers, on_failure=on_failure
    )
    with pytest.raises(type(error)):
        plan.execute()
    assert not begun
    (run_id,) = RunStore(tmp_path).ids()
    events = list(RunStore(tmp_path).read(run_id))
    assert events[-1].event_type == "pipeline_error"
    assert events[-1].status == "cancelled"
    lineage = lineage_dict(replayed(LineageView(), tmp_path, run_id))
    assert lineage["status"] == "cancelled"
    assert [step["state"] for step in lineage["steps"]] == ["success", "cancelled", "pending"]
    assert plan.tracker is not None
    assert plan.tracker.export_lineage() == lineage


def test_ctrl_c_while_threads_run_abandons_them(tmp_path: Path) -> None:
    """The run ends at once and is recorded; later results of the abandoned threads are neither kept nor published."""
    release, begun, done, after = (threading.Event() for _ in range(4))
    heard = RecordingSink()
    bus = EventBus()
    bus.subscribe(heard)

    def stuck(source: int) -> int:
        begun.set()
        release.wait(PATIENCE)
        done.set()
        return 7

    def never(stuck: int) -> int:
        after.set()
        return 1

    def interrupt() -> None:
        begun.wait(PATIENCE)
        time.sleep(0.05)
        # To this thread, as the system may choose to: the main thread must notice all the same.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    plan = Orchestrator([source, stuck, never, beside], store=tmp_path, max_workers=2, event_bus=bus)
    # Not a matter of course: a program that a shell put into the background begins with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            plan.execute()
    finally:
        signal.signal(signal.SIGINT, before)
    told, end = len(heard.events), heard.events[-1]
    assert (end.event_type, end.status) == ("pipeline_error", "cancelled")
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("odibi-worker")]
    release.set()
    assert done.wait(PATIENCE)
    for worker in workers:
        worker.join(PATIENCE)
    assert not after.is_set()
    assert len(heard.events) == told
    (run_id,) = RunStore(tmp_path).ids()
    assert list(RunStore(tmp_path).read(run_id))[-1].event_type == "pipeline_error"
    assert plan.tracker is not None
    states = {step["step_name"]: step["state"] for step in plan.tracker.export_lineage()["steps"]}
    assert states["stuck"] == "cancelled"
    assert states["never"] == "pending"


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    """A hook of the run's end may still speak; the record of the run ends with its end."""
    bus = EventBus()
    bus.register_hook(
        "pipeline_complete", lambda event: bus.publish("afterthought", fields={"run_id": event["run_id"]})
    )
    result = Orchestrator([source], store=tmp_path, event_bus=bus).execute()
    assert list(RunStore(tmp_path).read(result.run_id))[-1].event_type == "pipeline_complete"


# --- the store -----------------------------------------------------------------------------------------------


def test_without_a_store_no_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`store=False` leaves nothing behind, nor does building an orchestrator with one."""
    monkeypatch.chdir(tmp_path)
    result = Orchestrator([source], store=False).execute()
    assert result.path is None
    Orchestrator([source])
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    """As an OdibiError with the folder's name; no step has run, nothing stays subscribed."""
    (tmp_path / "store").write_text("a file where the folder should be")
    ran, bus = [], EventBus()
    plan = Orchestrator(
        [Step(name="s", layer="ingest", value=lambda: ran.append(1))], store=tmp_path / "store", event_bus=bus
    )
    with pytest.raises(OdibiError, match="store"):
        plan.execute()
    assert not ran
    assert bus.sinks() == []


@pytest.mark.parametrize(
    "name",
    [
        "../..",
        "a/b\\c",
        "line\nbreak",
        "x" * 300,
        "4111 1111 1111 1111",
        "4111111111111111",
        "a@example.com",
        "Ünï🚀",
        " ",
        "AKIAIOSFODNN7EXAMPLE",
        "_AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_any_name_of_a_pipeline_gives_a_whole_record(name: str, tmp_path: Path) -> None:
    """A name is data: it cannot lead out of the store, and no redaction parts a run from its events."""
    result = Orchestrator([source], pipeline_name=name, store=tmp_path).execute()
    (run_id,) = RunStore(tmp_path).ids()
    events = [event.event_type for event in RunStore(tmp_path).read(run_id)]
    assert events == ["pipeline_start", "pipeline_plan", "node_start", "node_complete", "pipeline_complete"]
    assert result.tracker.export_lineage()["status"] == "success"
    expected = {"runs", "sources", "index.sqlite", "index.unsynced"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert "example" not in run_id.lower(), "what is redacted in events is in no name of a folder either"


# --- live equals replay --------------------------------------------------------------------------------------


def rows() -> list[dict[str, Any]]:
    return [{"id": 1, "x": 1.5}, {"id": None, "x": 2.5}]


def whole_run(store: Path, workers: int) -> tuple[Result, MetricsManager, list[Any]]:
    """A run with every kind of outcome, received live by the views."""
    from odibi_core.checks import not_null

    bus = EventBus()
    metrics = MetricsManager(bus=bus)
    views: list[Any] = [LogsView(), RunsView()]
    for view in views:
        bus.subscribe(view)
    logger = StructuredLogger("whole", log_dir=store / "logs", bus=bus)
    failures = iter(["once"])

    def cleaned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        logger.info("cleaning", given=len(rows))
        metrics.increment("cache_hit", "cleaned")
        metrics.record("my.seconds", "cleaned", 0.25, {"engine": "pandas"})
        if next(failures, None):
            raise ConnectionError("not yet")
        return [row for row in rows if row["id"]]

    steps: list[Any] = [
        rows,
        Step(
            name="cleaned", value=cleaned, inputs=["rows"], retries=1,
            checks=[not_null("id"), not_null("x", severity="warn")],
        ),
        source, boom, after_boom,
    ]  # fmt: skip
    result = Orchestrator(
        steps, pipeline_name="whole", metrics_manager=metrics, event_bus=bus, store=store,
        max_workers=workers, raise_on_error=False,
    ).execute()  # fmt: skip
    logger.close()
    return result, metrics, views


@WAYS
def test_live_equals_replay_of_whole_runs(workers: int, tmp_path: Path) -> None:
    """Lineage, metrics, logs and runs folded from the journal are those that received the run live."""
    result, metrics, (logs, runs) = whole_run(tmp_path, workers)
    assert replayed(LineageView(), tmp_path, result.run_id) == result.tracker.lineage()
    assert replayed(MetricsView(), tmp_path, result.run_id) == metrics.answer()
    assert replayed(LogsView(), tmp_path, result.run_id) == logs.answer()
    assert replayed(RunsView(), tmp_path, result.run_id) == runs.answer()
    assert metrics.counters["cache_hit:cleaned"] == 2


def test_a_manager_without_a_bus_is_heard_of_in_the_record(tmp_path: Path) -> None:
    """The usual `MetricsManager()` speaks on the run's bus while the run lasts, run after run."""
    metrics = MetricsManager()

    def counts() -> int:
        metrics.increment("cache_hit", "mine", 3)
        return 1

    for _ in range(2):
        result = Orchestrator([counts], metrics_manager=metrics, store=tmp_path).execute()
        view = MetricsView()
        replayed(view, tmp_path, result.run_id)
        assert view.counters()["cache_hit:mine"] == 3
    assert metrics.counters["cache_hit:mine"] == 6


# --- several runs --------------------------------------------------------------------------------------------


def test_two_runs_on_one_bus_at_once(tmp_path: Path) -> None:
    """Each journal, tracker and manager has only its own run's events, though all are published on the same bus."""
    bus, meet = EventBus(), threading.Barrier(2)
    results: dict[str, Result] = {}

    def pipeline(name: str) -> Orchestrator:
        def work() -> list[dict[str, str]]:
            meet.wait(PATIENCE)
            return [{"of": name}]

        steps = [Step(name=f"{name}-work", layer="ingest", value=work)]
        return Orchestrator(steps, pipeline_name=name, event_bus=bus, store=tmp_path)

    def run(name: str) -> None:
        results[name] = pipeline(name).execute()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for name, result in results.items():
        events = list(RunStore(tmp_path).read(result.run_id))
        assert {event.run_id for event in events} == {result.run_id}
        assert {event.node_name for event in events} - {None} == {f"{name}-work"}
        lineage = result.tracker.export_lineage()
        assert [step["step_name"] for step in lineage["steps"]] == [f"{name}-work"]
        assert replayed(LineageView(), tmp_path, result.run_id) == result.tracker.lineage()
        assert set(result.metrics.get_summary()["nodes"]) == {f"{name}-work"}


def test_two_runs_that_share_a_manager_count_each_node_once(tmp_path: Path) -> None:
    """Also when the user put the manager on the bus before."""
    bus = EventBus()
    metrics = MetricsManager(bus=bus)
    bus.subscribe(metrics)

    def nested() -> int:
        Orchestrator([source], metrics_manager=metrics, event_bus=bus, store=tmp_path).execute()
        return 1

    Orchestrator([nested], metrics_manager=metrics, event_bus=bus, store=tmp_path).execute()
    assert metrics.counters["success_count:source"] == 1
    assert metrics.counters["success_count:nested"] == 1


def test_a_run_inside_a_step_is_a_run_of_its_own(tmp_path: Path) -> None:
    """Its own events name it and none of the outer run's nodes."""
    inner: list[Result] = []

    def outer() -> int:
        inner.append(Orchestrator([source], store=tmp_path, pipeline_name="inner").execute())
        return 1

    result = Orchestrator([outer], store=tmp_path, pipeline_name="outer").execute()
    events = list(RunStore(tmp_path).read(inner[0].run_id))
    assert {event.node_name for event in events} == {None, "source"}
    assert events[0].node_name is None
    assert result.run_id not in {event.run_id for event in events}


@pytest.mark.parametrize("kind", ["pipeline_complete", "*"])
def test_a_hook_of_the_end_may_run_a_whole_pipeline(kind: str, tmp_path: Path) -> None:
    """With threads, on the same bus: it neither hangs nor mixes with the run that it follows."""
    bus = EventBus()
    nested: list[Result] = []

    def follow(event: dict[str, Any]) -> None:
        if event["event_type"] == "pipeline_complete" and event["pipeline_name"] == "first":
            steps = [Step(name=f"n{number}", layer="ingest", value=source) for number in range(5)]
            nested.append(
                Orchestrator(
                    steps, pipeline_name="second", event_bus=bus, store=tmp_path, max_workers=3
                ).execute()
            )

    bus.register_hook(kind, follow)
    began = time.monotonic()
    result = Orchestrator(
        [source], pipeline_name="first", event_bus=bus, store=tmp_path, max_workers=2
    ).execute()
    assert time.monotonic() - began < PATIENCE, "a hook waited for itself"
    assert [each.status for each in nested] == ["success"]
    for each in (result, nested[0]):
        events = list(RunStore(tmp_path).read(each.run_id))
        assert {event.run_id for event in events} == {each.run_id}
        assert events[-1].event_type == "pipeline_complete"


# --- size ----------------------------------------------------------------------------------------------------


@WAYS
def test_a_chain_of_ten_thousand_steps(workers: int, tmp_path: Path) -> None:
    """Neither recursion nor the size of one event limits a pipeline: every step is in the record with its inputs."""

    def more(x: int) -> int:
        return x + 1

    steps = [Step(name="s0", layer="ingest", value=source)]
    steps += [Step(name=f"s{n}", value=more, inputs={"x": f"s{n - 1}"}) for n in range(1, 10_000)]
    result = Orchestrator(steps, store=tmp_path, max_workers=workers).execute()
    assert result.data == {"s9999": 10_000}
    lineage = result.tracker.export_lineage()
    assert lineage["summary"]["success_count"] == 10_000
    assert len(lineage["edges"]) == 9_999
    assert {step["type"] for step in lineage["steps"]} == {"function"}


@WAYS
def test_a_wide_pipeline(workers: int) -> None:
    """Two thousand steps between one source and one sum."""
    names = [f"w{n}" for n in range(2_000)]
    steps: list[Any] = [
        source,
        *(Step(name=name, value=lambda source: source, inputs=["source"]) for name in names),
        Step(name="total", value=lambda **parts: sum(parts.values()), inputs=names),
    ]
    result = Orchestrator(steps, store=False, max_workers=workers).execute()
    assert result.data == {"total": 2_000}
    lineage = result.tracker.export_lineage()
    assert len(lineage["edges"]) == 4_000


def test_every_executor_of_the_family_can_be_named() -> None:
    """`executor=` takes each name that there is, and refuses others before the run."""
    for name in plugins.names("executors"):
        assert Orchestrator([source], executor=name, store=False).execute().status == "success"
    with pytest.raises(OdibiError, match="inline"):
        Orchestrator([source], executor="inlien", store=False)


def test_an_event_of_no_run_is_in_the_record(tmp_path: Path) -> None:
    """An event of a thread without a run, on a run's bus, reaches the journal and the metrics."""
    bus = EventBus()

    def speaks() -> int:
        thread = threading.Thread(target=lambda: bus.publish("note", fields={"from": "afar"}))
        thread.start()
        thread.join()
        return 1

    result = Orchestrator([speaks], event_bus=bus, store=tmp_path).execute()
    kinds = [event.event_type for event in RunStore(tmp_path).read(result.run_id)]
    assert kinds.count("note") == 1


def test_hooks_of_runs_that_end_together_on_one_bus_get_each_its_own_objects() -> None:
    """`tracker` and `metrics_manager` come with the event of their run, whatever another puts on the bus meanwhile."""
    bus = EventBus()
    heard: list[dict[str, Any]] = []
    bus.register_hook("pipeline_complete", heard.append)
    bus.subscribe(lambda event: bus.attach_live(tracker="another run's", metrics_manager="another run's"))
    result = Orchestrator([numbers_of_two], event_bus=bus, store=False).execute()
    assert heard[0]["tracker"] is result["tracker"]
    assert heard[0]["metrics_manager"] is result["metrics"]


def numbers_of_two() -> list[dict[str, int]]:
    return [{"n": 1}, {"n": 2}]
