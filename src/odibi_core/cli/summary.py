"""What is left on the screen when a run has ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.cli.steps_table import steps_table, worth_showing

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST_STEPS: Final = 60
_MOST_CHECKS: Final = 30
_ERROR_LINES: Final = 12
_VERDICTS: Final = {
    "success": "succeeded",
    "failed": "failed",
    "cancelled": "was cancelled",
    "lost": "was lost",
}


def failed_checks(lineage: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks that did not pass, each with its step."""
    return [
        {"step": step["step_name"], **check}
        for step in lineage["steps"]
        for check in step["checks"]
        if check["passed"] is False
    ]


def document(lineage: dict[str, Any], files: dict[str, str]) -> dict[str, Any]:
    """The same for programs."""
    told = ("run_id", "pipeline_name", "status", "engine", "start_time", "end_time", "duration_ms", "summary")
    about = ("layer", "state", "duration_ms", "row_count", "attempts", "error_message", "skip_reason")
    return {
        **{name: lineage[name] for name in told},
        "steps": [
            {"name": step["step_name"], **{name: step[name] for name in about}} for step in lineage["steps"]
        ],
        "checks_failed": failed_checks(lineage),
        "files": files,
    }


def show(lineage: dict[str, Any], files: dict[str, str]) -> None:
    """The steps, the verdict, the errors, the checks that failed, and where everything is."""
    on = output.console()
    steps = [_as_row(step) for step in lineage["steps"]]
    shown = worth_showing(steps, _MOST_STEPS)
    parts: list[RenderableType] = [steps_table(shown, on)]
    if len(shown) < len(steps):
        parts.append(
            output.styled(f"and {len(steps) - len(shown):,} steps more: `odibi logs` has them", "dim")
        )
    parts += ["", _verdict(lineage, on), *_errors(lineage), *_checks(lineage, on), *_files(files)]
    for part in parts:
        output.write(on, part)


def _as_row(step: dict[str, Any]) -> dict[str, Any]:
    renamed = {"name": step["step_name"], "error": "failed", "start": None, "end": step["end_time"]}
    return {**step, **renamed}


def _verdict(lineage: dict[str, Any], on: Console) -> RenderableType:
    from rich.text import Text

    totals, status = lineage["summary"], lineage["status"]
    style = f"bold {output.STYLES.get(status, '')}".strip()
    told = [output.count(totals["success_count"]) + f" of {output.count(totals['total_steps'], 'steps')}"]
    told += [
        f"{totals[f'{what}_count']:,} {what}" for what in ("failed", "skipped") if totals[f"{what}_count"]
    ]
    checks = totals["checks_passed"] + totals["checks_failed"]
    told += [f"{totals['checks_passed']:,} of {checks:,} checks passed"] if checks else []
    name = output.shown(lineage["pipeline_name"] or "the pipeline")
    head = f"{output.sign(status, on)} {name} {_VERDICTS.get(status, status)}"
    took = f" in {output.duration(lineage['duration_ms'])}" if lineage["duration_ms"] is not None else ""
    return Text.assemble((head, style), took, (f"   {output.joined(told, on)}", "dim"))


def _errors(lineage: dict[str, Any]) -> list[RenderableType]:
    found: list[RenderableType] = []
    for step in lineage["steps"]:
        if step["state"] != "failed":
            continue
        said = [line for line in (step["error_message"] or "").splitlines() if line.strip()]
        first, *others = said or ["it did not say why"]
        kind = step.get("error_type") or ""
        kind = (
            f"{kind}: " if kind and not kind.startswith("odibi_core.") else ""
        )  # ours say all in their words
        found += [
            "",
            output.styled(f"  {step['step_name']}", "bold red"),
            output.styled(f"    {kind}{first}"),
        ]
        found += [output.styled(f"    {line}") for line in others[:_ERROR_LINES]]
        if len(others) > _ERROR_LINES:
            found.append(output.styled(f"    {len(others) - _ERROR_LINES} lines more in the story", "dim"))
    return found


def _checks(lineage: dict[str, Any], on: Console) -> list[RenderableType]:
    failed = failed_checks(lineage)
    if not failed:
        return []
    made = output.table("", "Check that failed", "Step", "Rows", "", right=("Rows",))
    for check in failed[:_MOST_CHECKS]:
        is_error = check["severity"] == "error"
        made.add_row(
            output.cell(
                output.sign("failed" if is_error else "warning", on), "red" if is_error else "yellow"
            ),
            output.cell(f"{check['check']} {check['column'] or ''}".strip()),
            output.cell(check["step"], "dim"),
            output.count(check["failed_rows"]),
            output.styled(check["message"] or "", "dim"),
        )
    more = (
        [output.styled(f"and {len(failed) - _MOST_CHECKS} more", "dim")] if len(failed) > _MOST_CHECKS else []
    )
    return ["", made, *more]


def _files(files: dict[str, str]) -> list[RenderableType]:
    from rich.text import Text

    return [
        "",
        *(Text.assemble((f"{name:<9}", "dim"), output.shown(_near(path))) for name, path in files.items()),
    ]


def _near(path: str) -> str:
    """A path as one would type it here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
