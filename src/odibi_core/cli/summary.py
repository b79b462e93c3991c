"""The summary of a run on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict

from odibi_core.cli import output, row_lines
from odibi_core.cli.steps_table import steps_table, worth_showing
from odibi_core.views.answers import Check, Lineage, Totals
from odibi_core.views.as_dict import lineage_dict
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from odibi_core.cli.blamed import BlamedStep
    from odibi_core.cli.unusual import Findings

_MOST_STEPS: Final = 60
_MOST_CHECKS: Final = 30
_MOST_JOINS: Final = 10
_ERROR_LINES: Final = 12
_VERDICTS: Final = {"success": "succeeded", "failed": "failed", "cancelled": "was cancelled", "lost": "was lost"}


def checks_that(passed: bool | None, lineage: Lineage) -> list[tuple[str, Check]]:
    """Return the checks with that result, each with its step; None selects those that could not be checked."""
    return [(node.node_name, check) for node in lineage.nodes for check in node.checks if check.passed is passed]


def document(lineage: Lineage, files: dict[str, str], unusual: Findings | None = None) -> dict[str, Any]:
    """Return the summary as a JSON document."""
    plain = lineage_dict(lineage)
    header = ("run_id", "pipeline_name", "status", "engine", "start_time", "end_time", "duration_ms", "summary")
    about = ("layer", "state", "duration_ms", "row_count", "attempts", "error_message", "skip_reason")
    return {
        **{name: plain[name] for name in header},
        "overhead_ms": lineage.overhead_ms,
        "overhead_pct": lineage.overhead_pct,
        "steps": [{"name": step["step_name"], **{name: step[name] for name in about}} for step in plain["steps"]],
        "checks_failed": [{"step": step, **asdict(check)} for step, check in checks_that(False, lineage)],
        "checks_not_checked": [{"step": step, **asdict(check)} for step, check in checks_that(None, lineage)],
        "few_matches": lineage.few_matches,
        "unusual": unusual.found if unusual else [],
        "row_changes": row_lines.documents(lineage),
        "files": files,
    }


def show(
    lineage: Lineage, files: dict[str, str], about: Sequence[RenderableType] = (), blamed: BlamedStep | None = None
) -> None:
    """Write the steps, the verdict, the errors, the failed checks, what is `about` the run, the paths of the files.

    The step that is blamed comes after the errors, and its rows are not repeated.
    """
    on = output.console()
    steps = lineage.nodes
    shown = worth_showing(steps, _MOST_STEPS)
    parts: list[RenderableType] = [steps_table(shown, on)]
    if len(shown) < len(steps):
        parts.append(output.styled(f"and {len(steps) - len(shown):,} more steps: `odibi logs` shows them", "dim"))
    explained = () if blamed is None else blamed.steps
    parts += ["", _verdict(lineage, on), *_errors(lineage), *(() if blamed is None else blamed.lines(on))]
    parts += [*_checks(lineage, on), *_joins(lineage, on, explained)]
    parts += row_lines.unusual_lines(lineage, on, explained)
    parts += [*about, *_files(files)]
    for part in parts:
        output.write(on, part)


def _verdict(lineage: Lineage, on: Console) -> RenderableType:
    from rich.text import Text

    totals, status = lineage.summary, lineage.status
    amber = totals.checks_failed if status == "success" else 0
    shown_as = "warning" if amber else status
    style = f"bold {output.STYLES.get(shown_as, '')}".strip()
    facts = [output.count(totals.success_count) + f" of {output.count(totals.total_steps, 'steps')}"]
    facts += [
        f"{number:,} {state}"
        for state, number in (("failed", totals.failed_count), ("skipped", totals.skipped_count))
        if number
    ]
    facts += [*_check_totals(totals), *_overhead(lineage)]
    name = output.shown(lineage.pipeline_name or "the pipeline")
    head = f"{output.sign(shown_as, on)} {name} {_VERDICTS.get(status, status)}"
    if amber:
        head += f" with {plural(amber, 'failed check')}"
    took = f" in {output.duration(lineage.duration_ms)}" if lineage.duration_ms is not None else ""
    return Text.assemble((head, style), took, (f"   {output.joined(facts, on)}", "dim"))


def _overhead(lineage: Lineage) -> list[str]:
    if lineage.overhead_ms is None:
        return []
    share = "" if lineage.overhead_pct is None else f" ({lineage.overhead_pct:.1f} %)"
    return [f"recorded in {output.duration(lineage.overhead_ms)}{share}"]


def _check_totals(totals: Totals) -> list[str]:
    passed, unchecked = totals.checks_passed, totals.checks_not_checked
    checks = passed + totals.checks_failed + unchecked
    facts = [f"{passed:,} of {checks:,} checks passed"] if checks else []
    return [*facts, f"{unchecked:,} not checked"] if unchecked else facts


def _errors(lineage: Lineage) -> list[RenderableType]:
    found: list[RenderableType] = []
    for step in lineage.nodes:
        if step.state != "failed":
            continue
        lines = [line for line in (step.error or "").splitlines() if line.strip()]
        first, *others = lines or ["no message"]
        kind = step.error_type or ""
        kind = f"{kind}: " if kind and not kind.startswith("odibi_core.") else ""  # messages of odibi are complete
        found += ["", output.styled(f"  {step.node_name}", "bold red"), output.styled(f"    {kind}{first}")]
        found += [output.styled(f"    {line}") for line in others[:_ERROR_LINES]]
        if len(others) > _ERROR_LINES:
            found.append(output.styled(f"    {len(others) - _ERROR_LINES} more lines in the story", "dim"))
    return found


def _checks(lineage: Lineage, on: Console) -> list[RenderableType]:
    listed = [*checks_that(False, lineage), *checks_that(None, lineage)]
    if not listed:
        return []
    made = output.table("", "Check that did not pass", "Step", "Rows", "", right=("Rows",))
    for step, check in listed[:_MOST_CHECKS]:
        sign, style = _sign(check)
        made.add_row(
            output.cell(output.sign(sign, on), style),
            output.cell(f"{check.check} {check.column or ''}".strip()),
            output.cell(step, "dim"),
            output.count(check.failed_rows),
            output.styled(check.message or "", "dim"),
        )
    hidden = len(listed) - _MOST_CHECKS
    return ["", made, *([output.styled(f"and {hidden} more", "dim")] if hidden > 0 else [])]


def _joins(lineage: Lineage, on: Console, explained: Collection[str]) -> list[RenderableType]:
    """Return the joins with few matches as lines, but those of steps whose rows are shown or `explained`."""
    steps = {*explained, *row_lines.unusual_steps(lineage)}
    warnings = [warning for warning in lineage.few_matches if warning.partition(": ")[0] not in steps]
    if not warnings:
        return []
    shown = [f"{output.sign('warning', on)}  {warning}" for warning in warnings[:_MOST_JOINS]]
    hidden = len(warnings) - _MOST_JOINS
    return ["", *(output.styled(line, "yellow") for line in shown), *([f"and {hidden} more"] if hidden > 0 else [])]


def _sign(check: Check) -> tuple[str, str]:
    """Return the state of the sign of a check that did not pass, and its colour."""
    if check.passed is None:
        return "unknown", "dim"
    return ("failed", "red") if check.severity == "error" else ("warning", "yellow")


def _files(files: dict[str, str]) -> list[RenderableType]:
    from rich.text import Text

    return ["", *(Text.assemble((f"{name:<9}", "dim"), output.shown(_near(path))) for name, path in files.items())]


def _near(path: str) -> str:
    """Return a path relative to the working directory if it is inside."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # outside, or the working directory was deleted
        return path
