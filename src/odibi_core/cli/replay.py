"""`odibi replay`: run a recorded step again with its kept inputs, and state whether the result is the same."""

from __future__ import annotations

import pdb
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from odibi_core.cli import exits, options, output, record
from odibi_core.cli.completion import steps_of_run
from odibi_core.cli.params import parse_params
from odibi_core.errors import RunNotFoundError, nearest
from odibi_core.views.wording import plural, size

if TYPE_CHECKING:
    from rich.console import RenderableType

_STEP: Final = typer.Argument(
    metavar="STEP", help="Step that failed, or succeeded.", show_default=False, autocompletion=steps_of_run
)


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run id, part of it, or pipeline.", show_default=False)],
    step: Annotated[str, _STEP],
    debug: Annotated[bool, typer.Option("--pdb", help="Stop in the debugger at the failing line.")] = False,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE[:NAME]", help="File of the pipeline.", show_default="recorded")
    ] = None,
    item: Annotated[
        str | None, typer.Option("--item", metavar="ITEM", help="Item of a mapped step.", show_default="failed")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Another value of a parameter.")
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run one step of a run again with exactly the inputs that it had.

    The inputs are those that the run kept (ODIBI_KEEP__FRAMES), the
    parameters those that it recorded, the function that of the file as it is
    now. Nothing is recorded, and nothing but the step runs. The answer is
    whether the result is identical: the error with its type, message and
    line, or the frames by content; and if it is not, why that may be: code,
    versions, clock, random numbers, environment. Of a step that is mapped
    over a list, one item is repeated: --item is its text or its place from
    0, by default the first one that failed.

    Exit codes: 0 identical; 1 another result, or not known; 2 wrong usage;
    3 no such run or step; 4 inputs missing or damaged.

    odibi replay 3fa2c1b7 clean --pdb
    odibi replay 3fa2c1b7 load --item 2026-01-03
    """
    from odibi_core.runtime.resume.definition import step_of
    from odibi_core.runtime.resume.doubts import doubts
    from odibi_core.runtime.resume.past_run import PastRun
    from odibi_core.runtime.resume.replaying import replay as replayed

    as_json = format is options.TextOrJson.json
    if debug:
        options.refuse("with --pdb", {"--format": as_json})
    kept = record.open_store(store)
    past = PastRun(kept, record.find(kept, run))
    if step not in past.plan:
        raise RunNotFoundError(f"{past.run_id} has no step {step!r}{nearest(step, past.plan)}")
    with output.aside() if as_json else nullcontext():
        found, graph = step_of(past, step, file, parse_params(param or []))
        result = replayed(past, found, graph, (lambda error: _stop_at(error, found)) if debug else None, item)
        why = doubts(past, found, graph, kept.root)
    if as_json:
        output.write_json({**msgspec.to_builtins(result), "changed": why.changed, "seen": why.seen, "diff": why.diff})
    else:
        output.write(output.console(), *_text(result, why))
    raise typer.Exit(exits.SUCCESS if result.is_identical else exits.FAILED)


def _stop_at(error: BaseException, step: Any) -> None:
    """Open the debugger at the last line of the function's file in the traceback."""
    from odibi_core.runtime.resume.replaying import file_of

    debugger = _Debugger(file_of(step))
    debugger.reset()
    output.notice(f"{type(error).__name__}: {error}; `q` ends the debugger, `help` lists its commands")
    debugger.interaction(None, error.__traceback__)


class _Debugger(pdb.Pdb):
    """A debugger that begins in the function of the step, and not in the library that it called."""

    def __init__(self, file: str | None) -> None:
        super().__init__()
        self._file = file

    def get_stack(self, frame: Any, traceback: Any) -> tuple[list[tuple[Any, int]], int]:
        stack, index = super().get_stack(frame, traceback)
        own = [place for place, (each, _) in enumerate(stack) if each.f_code.co_filename == self._file]
        return stack, own[-1] if own else index


def _text(found: Any, why: Any) -> list[RenderableType]:
    recorded, result = found.recorded, found.result
    of_item = "" if found.task is None else f", item {found.task}: {found.item}"
    parts: list[RenderableType] = [output.styled(f"{found.step}{of_item} of {found.run_id}", "bold")]
    for key, entry in found.inputs.items():
        rows = f"{plural(entry.rows, 'row')}, " if entry.rows is not None else ""
        parts.append(output.styled(f"  input     {key} ({rows}{size(entry.bytes or 0)})", "dim"))
    parts += [output.styled(f"  recorded  {_result(recorded)}"), output.styled(f"  now       {_result(result)}"), ""]
    if found.is_identical:
        made = "the content of its frames" if found.task is None else "its result in the list of all"
        same = "type, message and line of the error" if result.status == "failed" else made
        parts.append(output.styled(f"identical: {same}", "green"))
    elif found.is_identical is None:
        rows = "" if result.rows is None else "; the rows are equal"
        parts.append(output.styled(f"not known: the run did not keep what the step made{rows}", "yellow"))
    else:
        parts.append(output.styled("not identical", "red"))
        parts += [output.styled(f"  {each}") for each in found.differences]
    parts += [output.styled(f"  changed: {each}", "yellow") for each in why.changed]
    if not found.is_identical:
        parts += [output.styled(f"  may differ: {each}", "dim") for each in why.seen]
    if why.diff:
        parts += ["", *(output.styled(line, "dim") for line in why.diff.splitlines())]
    return parts


def _result(result: Any) -> str:
    if result.status == "success":
        return "success" if result.rows is None else f"success, {plural(result.rows, 'row')}"
    line = f"   (line {result.line} of the function)" if result.line is not None else ""
    return f"{result.error_type}: {(result.error or '').strip().partition(chr(10))[0]}{line}"
