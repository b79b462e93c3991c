"""The life cycle of a run: its one end, stop signals, and forks, of which only the process that began it ends it."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.runtime.fork_program import HOWS, PLACES

from odibi_core import observe
from odibi_core.bus.bus import EventBus
from odibi_core.errors import StoreError
from odibi_core.metrics.manager import MetricsManager
from odibi_core.runtime.record import RunRecord
from odibi_core.runtime.tracker import Tracker
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
PROGRAM = Path(__file__).with_name("fork_program.py")
CASES = [(place, how) for place in PLACES for how in (HOWS if place != "double" else ("raise", "on"))]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Every case, run by one program; what its children wrote to stderr under ("", "")."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM)], cwd=tmp_path_factory.mktemp("forks"), env=environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    cases = [json.loads(line) for line in ran.stdout.splitlines()]
    return {("", ""): {"stderr": ran.stderr}} | {(case["place"], case["how"]): case for case in cases}


@pytest.mark.parametrize(("place", "how"), CASES)
def test_only_the_owner_ends_a_run(done: dict[tuple[str, str], dict[str, Any]], place: str, how: str) -> None:
    """In every case: one start, one end, each node once, and the result is that of the record."""
    case = done[place, how]
    said = case["said"]
    assert (case["status"], case["row"]) == ("success", "success")
    assert (said.count("pipeline_start"), said.count("pipeline_complete")) == (1, 1)
    assert not {"pipeline_error", "node_failed", "node_skipped"} & set(said)
    nodes = 0 if place == "observe" else 2
    assert (said.count("node_start"), said.count("node_complete")) == (nodes, nodes)


@pytest.mark.parametrize(("place", "how"), CASES)
def test_a_child_ends_with_a_code_of_its_own(
    done: dict[tuple[str, str], dict[str, Any]], place: str, how: str
) -> None:
    """That of `sys.exit` and `os._exit`; 1 after an exception, which a hook keeps to itself; 0 when it came back."""
    a_hook = place not in ("step", "threads", "timeout", "retried", "observe", "double")
    expected = {"exit": 3, "_exit": 4, "raise": 0 if a_hook else 1, "on": 0}[how]
    assert done[place, how]["codes"] == [expected]


def test_a_child_that_comes_back_says_so(done: dict[tuple[str, str], dict[str, Any]]) -> None:
    """It does not run the rest of its parent's pipeline, and one line has the remedy."""
    stderr = done["", ""]["stderr"]
    assert "came back from a step or a hook" in stderr
    assert "os._exit(0)" in stderr
    assert "ValueError: raised in the child" in stderr


STOPPED = {
    "run": """
        from odibi_core import run
        def numbers():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        run([numbers], pipeline_name="stopped")
    """,
    "run in threads": """
        from odibi_core import run
        def numbers():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        run([numbers], pipeline_name="stopped", max_workers=2)
    """,
    "observe": """
        from odibi_core import observe
        with observe("stopped"):
            os.kill(os.getpid(), signal.SIGTERM)
    """,
    "buffered": """
        from odibi_core import Observer
        from odibi_core.settings import read_settings
        with Observer("stopped", settings=read_settings(store={"durability": "buffered"})):
            os.kill(os.getpid(), signal.SIGTERM)
    """,
}


def run_program(code: str) -> subprocess.CompletedProcess[str]:
    code = "import os, signal, time\n" + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("code", STOPPED.values(), ids=STOPPED)
def test_sigterm_ends_an_open_record_as_cancelled(code: str) -> None:
    """The process dies of the signal as it would have; the record has its end."""
    done = run_program(code)
    assert done.returncode == -signal.SIGTERM, done.stderr
    (row,) = RunStore(".odibi").rows()
    assert (row["pipeline_name"], row["status"]) == ("stopped", "cancelled")
    *_, last = RunStore(".odibi").events()
    assert (last.event_type, last.error) == ("pipeline_error", "stopped by SIGTERM")


def test_a_run_leaves_the_programs_own_handlers_alone() -> None:
    """They are called as before; without one, the default is back when the last run has ended."""
    code = """
        from odibi_core import observe
        with observe("first"), observe("second"):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
        with observe("third"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
    """
    assert run_program(code).returncode == 7


def test_a_journal_that_cannot_be_opened_leaves_nothing_subscribed(tmp_path: Path) -> None:
    """The bus is as it was before."""
    (tmp_path / "store").write_text("a file where the folder should be")
    bus = EventBus()
    tracker = Tracker(bus=bus)
    settings = read_settings()
    record = RunRecord(
        "r", bus, "r-1", settings=settings, store=RunStore(tmp_path / "store"),
        metrics=MetricsManager(bus=bus), tracker=tracker,
    )  # fmt: skip
    with pytest.raises(StoreError):
        record.open()
    assert bus.sinks() == []


def test_a_run_ends_once() -> None:
    """A second end emits nothing, so that a stop signal and the run itself may both end it."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    record = RunRecord("r", bus, "r-1", tracker=Tracker(bus=bus))
    record.open()
    record.start()
    assert record.end("success")
    assert not record.end("failed")
    record.interrupt(KeyboardInterrupt())
    record.close()
    record.close()
    assert heard.kinds == ["pipeline_start", "pipeline_complete"]


def test_forked_children_of_a_run_are_counted_in_its_metrics() -> None:
    """Also in the result of the process that ran it, as in the record."""
    code = """
        from odibi_core import run
        from odibi_core.observability import MetricsManager
        manager = MetricsManager()
        def numbers():
            child = os.fork()
            if child == 0:
                manager.increment("in_the_child")
                return []
            os.waitpid(child, 0)
            return []
        result = run([numbers], metrics_manager=manager)
        assert result["metrics"].counters["in_the_child"] == 1, result["metrics"].counters
    """
    done = run_program(code)
    assert done.returncode == 0, done.stderr


def test_an_observer_that_is_dropped_open_is_released(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The call before a stop signal does not keep it, nor its record."""
    observer = observe("dropped", store=tmp_path).start()
    released = weakref.ref(observer), weakref.ref(observer.record)
    del observer
    gc.collect()
    assert not caplog.records  # the traceback of a logged failure keeps the frames of `start`, and its observer
    assert [each() for each in released] == [None, None]


def test_a_signal_during_a_fork_does_not_end_the_run_of_the_parent() -> None:
    """It waits until the child has restored its handlers: earlier, the child would record the run as cancelled."""
    code = """
        from odibi_core import _fork
        _fork.in_child(lambda: os.kill(os.getpid(), signal.SIGTERM))  # before every other handler
        from odibi_core import observe
        with observe("forking"):
            child = os.fork()
            if child == 0:
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    """
    done = run_program(code)
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in RunStore(".odibi").rows()] == ["success"]
    assert [event.event_type for event in RunStore(".odibi").events()] == ["pipeline_start", "pipeline_complete"]
