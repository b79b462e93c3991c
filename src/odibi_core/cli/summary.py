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


def checks_that(passed: bool | None, lineage: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of that result, each with its step; None for those that could not be checked."""
    return [
        {"step": step["step_name"], **check}
        for step in lineage["steps"]
        for check in step["checks"]
        if check["passed"] is passed
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
        "checks_failed": checks_that(False, lineage),
        "checks_not_checked": checks_that(None, lineage),
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
    amber = status == "success" and totals["checks_failed"]
    shown_as = "warning" if amber else status
    style = f"bold {output.STYLES.get(shown_as, '')}".strip()
    told = [output.count(totals["success_count"]) + f" of {output.count(totals['total_steps'], 'steps')}"]
    told += [
        f"{totals[f'{what}_count']:,} {what}" for what in ("failed", "skipped") if totals[f"{what}_count"]
    ]
    told += _check_totals(totals)
    name = output.shown(lineage["pipeline_name"] or "the pipeline")
    head = f"{output.sign(shown_as, on)} {name} {_VERDICTS.get(status, status)}"
    if amber:
        head += f" with {totals['checks_failed']:,} failed {'check' if amber == 1 else 'checks'}"
    took = f" in {output.duration(lineage['duration_ms'])}" if lineage["duration_ms"] is not None else ""
    return Text.assemble((head, style), took, (f"   {output.joined(told, on)}", "dim"))


def _check_totals(totals: dict[str, Any]) -> list[str]:
    passed, unchecked = totals["checks_passed"], totals["checks_not_checked"]
    checks = passed + totals["checks_failed"] + unchecked
    told = [f"{passed:,} of {checks:,} checks passed"] if checks else []
    return [*told, f"{unchecked:,} not checked"] if unchecked else told


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
    told = [*checks_that(False, lineage), *checks_that(None, lineage)]
    if not told:
        return []
    made = output.table("", "Check that did not pass", "Step", "Rows", "", right=("Rows",))
    for check in told[:_MOST_CHECKS]:
        sign, style = _sign(check)
        made.add_row(
            output.cell(output.sign(sign, on), style),
            output.cell(f"{check['check']} {check['column'] or ''}".strip()),
            output.cell(check["step"], "dim"),
            output.count(check["failed_rows"]),
            output.styled(check["message"] or "", "dim"),
        )
    more = (
        [output.styled(f"and {len(told) - _MOST_CHECKS} more", "dim")] if len(told) > _MOST_CHECKS else []
    )
    return ["", made, *more]


def _sign(check: dict[str, Any]) -> tuple[str, str]:
    """Return the state whose sign a check that did not pass gets, and its colour."""
    if check["passed"] is None:
        return "unknown", "dim"
    return ("failed", "red") if check["severity"] == "error" else ("warning", "yellow")


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
    except (ValueError, OSError):  # elsewhere, or the working directory is gone
        return path
