"""The observer: a run that something else drives, recorded from beginning to end."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odibi_core import Observer, observe, run
from odibi_core.runtime.observer import active
from odibi_core.store.runs import RunStore


def kinds_of(folder: Path, run_id: str) -> list[str]:
    return [event.event_type for event in RunStore(folder).read(run_id)]


def test_a_block_is_a_run_with_a_record(tmp_path: Path) -> None:
    """Its start, its events and its end belong to one run, which the store finds again."""
    with observe("nightly", store=tmp_path) as observer:
        observer.say("orders_loaded", row_count=3)
        assert active() is observer
    assert kinds_of(tmp_path, observer.run_id) == ["pipeline_start", "orders_loaded", "pipeline_complete"]
    assert {event.run_id for event in RunStore(tmp_path).read(observer.run_id)} == {observer.run_id}
    row = RunStore(tmp_path).rows()[0]
    assert (row["pipeline_name"], row["status"], observer.path) == (
        "nightly",
        "success",
        RunStore(tmp_path).folder(observer.run_id),
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("bad"), "failed"), (KeyboardInterrupt(), "cancelled"), (SystemExit(1), "cancelled")],
)
def test_what_leaves_the_block_is_recorded_and_goes_on(
    error: BaseException, status: str, tmp_path: Path
) -> None:
    """An exception is the run's failure; a request to stop the program cancels the run."""
    with pytest.raises(type(error)), observe("nightly", store=tmp_path) as observer:
        raise error
    assert kinds_of(tmp_path, observer.run_id)[-1] == "pipeline_error"
    assert RunStore(tmp_path).rows()[0]["status"] == status


def test_making_one_does_nothing_yet_and_without_store_nothing_is_written(tmp_path: Path) -> None:
    """Constructors do no I/O."""
    Observer("x", store=tmp_path / "store")
    with observe("x", store=False) as observer:
        observer.say("a")
    assert list(tmp_path.iterdir()) == []
    assert observer.path is None
    assert observer.tracker.export_lineage()["status"] == "success"


def test_blocks_nest(tmp_path: Path) -> None:
    """The inner one is active inside, the outer one again after it; each has its own record."""
    with observe("outer", store=tmp_path) as outer:
        with observe("inner", store=tmp_path) as inner:
            inner.say("in")
            assert active() is inner
        outer.say("out")
        assert active() is outer
    assert kinds_of(tmp_path, inner.run_id) == ["pipeline_start", "in", "pipeline_complete"]
    assert kinds_of(tmp_path, outer.run_id) == ["pipeline_start", "out", "pipeline_complete"]


def test_finishing_twice_ends_once(tmp_path: Path) -> None:
    """The second time is no error."""
    observer = Observer("x", store=tmp_path).start()
    observer.finish()
    observer.finish()
    assert kinds_of(tmp_path, observer.run_id).count("pipeline_complete") == 1


def test_outside_any_block_a_node_is_the_plain_function(tmp_path: Path) -> None:
    """Nothing is recorded, nothing is written: decorating a library costs its users nothing."""
    script = "from odibi_core import node\n@node\ndef f(x): return x\nassert f(1) == 1\n"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
    assert active() is None


def test_a_thread_of_the_users_own_finds_the_one_open_observer() -> None:
    """A thread has no block of its own; if two are open, neither is chosen."""

    def found() -> object:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(active).result()

    with observe("one", store=False) as one:
        assert found() is one
        with observe("two", store=False):
            assert found() is None
        assert found() is one
    assert found() is None


def test_run_runs_functions_as_a_pipeline(tmp_path: Path) -> None:
    """Parameter names are the inputs."""

    def numbers() -> list[int]:
        return [1, 2]

    def total(numbers: list[int]) -> int:
        return sum(numbers)

    assert run([numbers, total], store=tmp_path)["data"]["total"] == 3
