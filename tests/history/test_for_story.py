"""The background of a run for its story, read from a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from odibi_core.history import for_story
from odibi_core.history.for_story import story_history
from odibi_core.observability import EventBus, Orchestrator, Step, create_story_hook
from odibi_core.store.runs import RunStore
from odibi_core.story import build, read_background
from odibi_core.testing import FakeClock
from odibi_core.views.lineage import LineageView


def made() -> Any:
    return pl.DataFrame({"n": [1, 2, 3]})


def of_day(day: int) -> Any:
    return made()


def fails(made: Any) -> Any:
    return made.select("missing")


def run(root: Path, *steps: Any, clock: FakeClock, **options: Any) -> str:
    clock.advance(60)
    bus = EventBus(clock=clock)
    options = {"raise_on_error": False, "pipeline_name": "daily", **options}
    return str(Orchestrator(list(steps), event_bus=bus, store=root, **options).execute().run_id)


def document(root: Path, run_id: str) -> dict[str, Any]:
    store, view = RunStore(root), LineageView(run_id)
    for event in store.read(run_id):
        view(event)
    return build(view.answer(), None, read_background(story_history(store, run_id)))


def test_a_run_has_its_purpose_its_source_and_the_runs_before_it(tmp_path: Path) -> None:
    """Of its own pipeline, and none that came later."""
    clock = FakeClock()
    for _ in range(3):
        run(tmp_path, made, clock=clock)
    run(tmp_path, made, clock=clock, pipeline_name="other")
    this = run(tmp_path, made, of_day, clock=clock, params={"day": 8}, partition="2013-10-08")
    run(tmp_path, made, clock=clock)
    found = document(tmp_path, this)
    assert [one["state"] for one in found["strip"]] == ["success"] * 4
    assert found["run"]["partition"] == "2013-10-08"
    assert found["purpose"]["params"] == [["day", "8"]]
    step, new = found["steps"]
    assert "past" not in new
    assert [point[2] for point in step["past"]] == [3, 3, 3, 3]
    assert step["source"]["lines"][0] == "def made() -> Any:"


def test_a_run_is_compared_with_the_last_good_one(tmp_path: Path) -> None:
    """A run that is the first of its pipeline is compared with none, and the page claims nothing."""
    clock = FakeClock()
    first = run(tmp_path, Step(name="made", value=made), clock=clock)
    second = run(tmp_path, Step(name="made", value=lambda: made()[:1]), clock=clock)
    assert document(tmp_path, first)["changes"] is None
    changes = document(tmp_path, second)["changes"]
    assert changes["with"] == first
    assert any("made" in each["text"] and each.get("step") == 0 for each in changes["list"])


def test_the_failing_line_is_found(tmp_path: Path) -> None:
    """In the source that the store kept, by the traceback of the step."""
    this = run(tmp_path, made, fails, clock=FakeClock())
    step = document(tmp_path, this)["steps"][1]
    assert step["source"]["lines"][step["source"]["failing"]] == '    return made.select("missing")'
    assert step["trace"]["own"][0]["name"] == "fails"
    assert step["errorType"]


def test_a_background_that_cannot_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story is written without it."""
    this = run(tmp_path, made, clock=FakeClock())

    def damaged(*_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(for_story, "Index", damaged)
    assert story_history(RunStore(tmp_path), this) is None


def test_the_hook_writes_a_story_with_its_background(tmp_path: Path) -> None:
    """At the end of the run, before the index has the run itself."""
    clock = FakeClock()
    run(tmp_path, made, clock=clock)
    clock.advance(60)
    bus, hook = EventBus(clock=clock), create_story_hook(tmp_path / "stories")
    bus.register_hook("pipeline_complete", hook)
    Orchestrator([made], event_bus=bus, store=tmp_path, pipeline_name="daily", partition="2013-10-09").execute()
    (path,) = hook.written
    page = path.read_text("utf-8")
    assert "2013-10-09" in page
    assert '"past":[' in page
    assert bus.failures == {}


def test_the_hook_writes_a_story_without_a_store(tmp_path: Path) -> None:
    """There is no background then."""
    bus, hook = EventBus(), create_story_hook(tmp_path)
    bus.register_hook("pipeline_complete", hook)
    Orchestrator([made], event_bus=bus, store=False).execute()
    assert '"purpose":null' in hook.written[0].read_text("utf-8")
