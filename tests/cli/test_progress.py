"""The live view: what is drawn of a run, and how much of a large one."""

import io

import pytest
from rich.console import Console

from odibi_core.bus.bus import EventBus
from odibi_core.cli.progress import PlainProgress, draw
from odibi_core.cli.steps_table import worth_showing
from odibi_core.observability import Orchestrator, get_logger, track_performance
from odibi_core.process.state import current_bus
from odibi_core.views.timeline import TimelineView


def _heard(steps: int) -> TimelineView:
    """A run of `steps` steps: the first is done, the second failed, the third runs."""
    bus, view = EventBus(), TimelineView()
    bus.subscribe(view)
    about = {"run_id": "r1", "pipeline_name": "nightly", "steps": steps}
    bus.publish("pipeline_start", fields=about)
    plan = [{"name": f"step {number}", "layer": "transform"} for number in range(steps)]
    bus.publish("pipeline_plan", fields={"run_id": "r1", "steps": plan})
    for number in range(3):
        bus.publish("node_start", fields={"run_id": "r1", "node_name": f"step {number}"})
    bus.publish(
        "node_complete", fields={"run_id": "r1", "node_name": "step 0", "row_count": 1200, "duration_ms": 5.0}
    )
    bus.publish("node_failed", fields={"run_id": "r1", "node_name": "step 1", "error": "no [bold]such\x1b thing"})
    return view


def _drawn(view: TimelineView, height: int = 30, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    on = Console(file=stream, width=100, height=height, markup=False, force_terminal=False)
    on.print(draw(view.answer(), on))
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(encoding)


def test_states_rows_errors_and_the_total_are_drawn() -> None:
    """One line a step, then the bar with what is done."""
    lines = _drawn(_heard(5)).splitlines()
    assert lines[0] == "nightly"
    assert [line[0] for line in lines[2:7]] == ["✓", "✗", lines[4][0], "·", "·"]
    assert lines[4][0] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    assert "1,200" in lines[2]
    assert "no [bold]such\\x1b thing" in lines[3]
    assert "2 of 5 steps" in lines[-1]
    assert "1 failed" in lines[-1]


@pytest.mark.parametrize("height", [10, 24, 50])
def test_a_large_run_fits_the_terminal_and_shows_what_matters(height: int) -> None:
    """Of a thousand steps, those that failed and those that run are always among the lines."""
    text = _drawn(_heard(1000), height)
    assert len(text.splitlines()) <= height
    assert "step 1 " in text
    assert "step 2 " in text
    assert "more steps" in text


def test_what_does_not_fit_is_left_out_from_the_least_interesting() -> None:
    """Waiting steps go first; the order of the plan stays."""
    steps = _heard(50).answer().nodes
    assert [step.node_name for step in worth_showing(steps, 3)] == ["step 0", "step 1", "step 2"]
    assert [step.node_name for step in worth_showing(steps, 1)] == ["step 1"]
    assert worth_showing(steps, 50) == steps


def test_a_terminal_without_the_signs_gets_letters() -> None:
    """Nothing that ASCII cannot write is drawn of a run by us."""
    lines = _drawn(_heard(4), encoding="ascii").splitlines()
    assert lines[2][0] == "+"
    assert lines[3][0] == "x"


def test_plain_progress_is_a_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: what begins and ends and which checks failed, without tracebacks, on stderr."""
    bus = EventBus()
    with PlainProgress() as progress:
        bus.subscribe(progress)
        bus.publish("node_start", fields={"node_name": "clean"})
        bus.publish("check_result", fields={"node_name": "clean", "status": "success", "check": "unique"})
        bus.publish(
            "check_result", "3 rows", fields={"node_name": "clean", "status": "failed", "check": "not_null"}
        )
        bus.publish(
            "node_failed",
            level="error",
            fields={"node_name": "clean", "error": "boom", "traceback": "Traceback …"},
        )
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[2] for line in err.splitlines()] == ["node_start", "check_result", "node_failed"]


def test_an_end_says_its_duration_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The words of a node's or a pipeline's end have it; the figures behind them do not repeat it."""
    bus = EventBus()
    with PlainProgress() as progress:
        bus.subscribe(progress)
        bus.publish("node_complete", fields={"node_name": "clean", "duration_ms": 12.5, "row_count": 3})
        bus.publish("pipeline_complete", fields={"pipeline_name": "shop", "duration_ms": 165.4})
    node, pipeline = (line.partition("info")[2].strip() for line in capsys.readouterr().err.splitlines())
    assert node == "node_complete Node 'clean' completed in 12.50ms (3 rows)"
    assert pipeline == "pipeline_complete Pipeline 'shop' completed in 165.40ms"


def test_a_line_of_the_log_of_the_program_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A logger writes to stderr by itself, also the calls of the toolkit; the progress repeats neither."""

    def load() -> list[dict[str, int]]:
        get_logger("shop").warning("late_delivery", hours=3)
        with track_performance("enrich"):
            current_bus().publish("own_event")
        return [{"x": 1}]

    bus = EventBus()
    bus.subscribe(PlainProgress())
    Orchestrator([load], event_bus=bus, store=False).execute()
    words = [line.split()[2] for line in capsys.readouterr().err.splitlines()]
    assert [words.count(each) for each in ("shop", "operation_complete", "own_event", "node_start")] == [1, 1, 1, 1]
