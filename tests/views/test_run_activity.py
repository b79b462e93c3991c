"""The activity of a run beside its steps: errors, log, operations and costs of its lineage."""

from __future__ import annotations

import pandas as pd

from odibi_core import Orchestrator, node, observe
from odibi_core.observability import (
    LogContext,
    ObservabilityConfig,
    capture_exception,
    get_logger,
    init_observability,
    track_cost,
    track_performance,
)
from odibi_core.runtime.program import finish_all
from odibi_core.testing import an_event
from odibi_core.views.as_dict import lineage_dict
from odibi_core.views.lineage import LineageView
from odibi_core.views.run_activity import MAX_LINES


def program() -> None:
    """Emit events of each sort."""
    log = get_logger("shop")
    with LogContext(operation="import"), track_performance("enrich"):
        with track_performance("fetch"):
            log.warning("slow %s", "orders", password="hunter2hunter2")
        try:
            raise LookupError("row 7")
        except LookupError as error:
            capture_exception(error)
    track_cost("orders", 10**12, 6.25)


def test_an_observed_programs_lineage_tells_what_it_did() -> None:
    """Its captured errors, its log, the tree of its measured operations, and what it cost."""
    with observe("x", store=False) as observer:
        program()
    activity = observer.tracker.export_lineage()["activity"]
    (error,) = activity["errors"]
    assert (error["error_type"], error["message"], activity["error_count"]) == ("LookupError", "row 7", 1)
    warning = next(line for line in activity["log"] if line["level"] == "warning")
    assert (warning["message"], warning["event_type"], warning["component"]) == ("slow orders", None, "shop")
    assert "hunter2" not in str(activity)
    (operation,) = activity["operations"]
    assert (operation["name"], [child["name"] for child in operation["children"]]) == ("enrich", ["fetch"])
    assert activity["costs"]["total"]["cost_usd"] == 6.25


def test_the_whole_program_is_told_too() -> None:
    """`init_observability`: the events of all of its code."""
    observer = init_observability(ObservabilityConfig(metrics_enabled=False, health_check_enabled=False))
    try:
        program()
        activity = observer.tracker.export_lineage()["activity"]
    finally:
        finish_all()
    assert (activity["error_count"], activity["operations"][0]["name"]) == (1, "enrich")


def test_the_exception_of_a_step_is_the_steps() -> None:
    """Captured again where it is handled, it is no error beside the steps."""

    @node
    def broken() -> pd.DataFrame:
        raise ValueError("bad")

    with observe("x", store=False) as observer:
        try:
            broken()
        except ValueError as error:
            capture_exception(error)
    assert "errors" not in observer.tracker.export_lineage()["activity"]


def test_the_log_is_bounded_and_counted() -> None:
    """The latest lines, with how many there were; a run without events has none."""
    view = LineageView("r")
    assert view.answer().activity is None
    for n in range(MAX_LINES + 50):
        view(an_event("line", run_id="r", message="x" * 10_000, n=n, values=list(range(1000))))
    activity = lineage_dict(view.answer())["activity"]
    assert (len(activity["log"]), activity["log_levels"]) == (MAX_LINES, {"info": MAX_LINES + 50})
    assert len(str(activity)) < MAX_LINES * 1500


def test_steps_and_measurements_are_no_lines() -> None:
    """Other parts of the lineage have them."""
    view = LineageView("r")
    for kind in ("operation_complete", "node_start", "node_complete", "metric", "snapshot", "cost"):
        view(an_event(kind, run_id="r", node_name="a", operation="o"))
    assert "log" not in lineage_dict(view.answer()).get("activity", {})


def test_a_join_is_a_line_if_it_is_a_warning() -> None:
    """The usual joins of a run are in its record, not among the lines that people read."""
    flights = pd.DataFrame({"origin": ["JFK"], "n": [1]})

    def joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        return left.merge(right, on="origin")

    for origin, levels in (("JFK", []), ("EWR", ["warning"])):
        weather = pd.DataFrame({"origin": [origin], "temp": [41.0]})
        run = Orchestrator([joined], initial={"left": flights, "right": weather}, store=False)
        activity = run.execute().tracker.export_lineage().get("activity", {})
        assert [line["level"] for line in activity.get("log", []) if line["event_type"] == "join_match"] == levels
