"""The plan of a run as `--dry-run` shows it, and as a line before a run that does not run every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.events import sanitize_text
from odibi_core.redaction import redact
from odibi_core.redaction.locations import location
from odibi_core.runtime.resume.forecast import Forecast, forecast
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import RenderableType

    from odibi_core.runtime.orchestrator import Orchestrator
    from odibi_core.runtime.resume.plan import RunPlan

_MOST_NAMED: Final = 6


def announce(plan: RunPlan) -> None:
    """Write to stderr which steps run, and why, if not every step does."""
    if plan.past is None and not plan.selection:
        return
    taken = plan.indexes("take")
    if plan.past is not None and taken:
        output.notice(f"{plural(len(taken), 'step')} taken from {plan.past.run_id}")
    runs = [plan.steps[index] for index in plan.indexes("run")]
    for step in runs[:_MOST_NAMED]:
        output.notice(f"{step.name} runs: {step.reason}")
    if len(runs) > _MOST_NAMED:
        output.notice(f"{len(runs) - _MOST_NAMED} more steps run")
    for index in taken:
        if plan.steps[index].note:
            output.notice(f"{plan.steps[index].name} is taken, but {plan.steps[index].note}")


def document(run: Orchestrator, plan: RunPlan) -> dict[str, Any]:
    """Return the plan as plain JSON values, redacted."""
    expected = forecast(run)
    rows = [
        _row(run, plan, index, expected.get(sanitize_text(run.graph.steps[index].name))) for index in run.graph.order
    ]
    found: dict[str, Any] = redact(
        {
            "dry_run": True,
            "pipeline_name": run.pipeline_name,
            "engine": run.graph.engine,
            "executor": run.executor,
            "workers": run.max_workers,
            "params": run.purpose.fields()["params"],
            "partition": run.purpose.shown_partition,
            "resumed_from": plan.resumed_from,
            "selection": plan.selection.described() or None,
            "steps": rows,
        }
    )
    return found


def _row(run: Orchestrator, plan: RunPlan, index: int, expected: Forecast | None) -> dict[str, Any]:
    step, planned = run.graph.steps[index], plan.steps[index]
    runs = planned.action == "run"
    return {
        "name": step.name,
        "action": planned.action,
        "reason": planned.reason or None,
        "note": planned.note,
        "loads": list(planned.loads),
        "layer": step.layer,
        "operation": step.operation,
        "engine": run.graph.engine_of(index),
        "inputs": dict(step.inputs),
        "outputs": dict(step.outputs),
        "file": str(location(str(step.value))) if step.operation in ("read", "write") else None,
        "expected": None if expected is None or not runs else expected.fields(),
    }


def show(found: dict[str, Any]) -> None:
    """Print the plan as a table, in the order in which the steps can run, and the number of runs it expects from."""
    on = output.console()
    table = output.table("", "Step", "Engine", "Takes", "Rows", "Duration", right=("Rows", "Duration"), whole=("Step",))
    notes = []
    for row in found["steps"]:
        expected = row["expected"] or {}
        style = "" if row["action"] == "run" else "dim"
        table.add_row(
            output.cell(row["action"], style), output.cell(row["name"], style), output.cell(row["engine"], "dim"),
            output.cell(", ".join(row["inputs"].values()), "dim"),
            _range(expected.get("rows"), output.count), _range(expected.get("duration_ms"), output.duration),
        )  # fmt: skip
        notes += [f"{row['name']}: {each}" for each in (row["file"], row["reason"], row["note"]) if each]
    runs = max((row["expected"]["runs"] for row in found["steps"] if row["expected"]), default=0)
    known = f"rows and durations of the last {plural(runs, 'run')}" if runs else "no earlier run to expect from"
    with_ = f"{found['executor']}, {plural(found['workers'], 'worker')}"
    parts: list[RenderableType] = [table, "", *(output.styled(note, "dim") for note in notes), *([""] if notes else [])]
    parts.append(output.styled(f"{found['pipeline_name']} would run ({with_}): nothing was run or recorded"))
    parts.append(output.styled(known, "dim"))
    output.write(on, *parts)


def _range(found: list[Any] | None, written: Any) -> str:
    if not found:
        return "–"
    low, high = map(written, found)
    return str(low) if low == high else f"{low}–{high}"
