"""Running a pipeline from the command line: progress, interruption, the files of the run, the verdict."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from odibi_core.cli import exits, output, summary
from odibi_core.cli.interruption import Interruption
from odibi_core.cli.params import with_floats
from odibi_core.cli.progress import Progress, new_progress
from odibi_core.errors import STOPS, is_stop
from odibi_core.observability import EventBus, EventPriority, Orchestrator, StoryGenerator
from odibi_core.process_end import any_alive
from odibi_core.runtime.sigterm import Stopped


@dataclass(frozen=True)
class Flight:
    """What to run, and how; `load` gives the steps."""

    load: Callable[[], list[Any]]
    name: str
    engine: str = "pandas"
    workers: int = 1
    store: str | None = None
    on_failure: Any = "skip"
    params: Mapping[str, Any] = field(default_factory=dict)
    story: bool = True
    as_json: bool = False


def fly(flight: Flight) -> int:
    """Run it and say how it went; gives the exit code. Raises `OdibiError` for what is wrong before anything runs."""
    # What steps print may not come between the lines of a document.
    with redirect_stdout(sys.stderr) if flight.as_json else nullcontext():
        plan = _plan(flight)
        ended = _execute(plan)
    lineage = plan.tracker.export_lineage() if plan.tracker else {}
    if ended is not None and lineage.get("run_id") is None:
        raise ended  # it never began: its record could not be opened
    files = _write_files(plan, lineage, flight.story)
    code = _code(lineage["status"], ended)
    try:
        if flight.as_json:
            output.write_json(summary.document(lineage, files))
        else:
            summary.show(lineage, files)
        sys.stdout.flush()
    finally:
        if ended is not None:
            _leave_if_abandoned(code)
    if ended is not None and not is_stop(ended):
        raise ended
    return code


def _plan(flight: Flight) -> Orchestrator:
    steps = flight.load()
    return Orchestrator(
        steps, flight.engine, event_bus=EventBus(), pipeline_name=flight.name, max_workers=flight.workers,
        store=flight.store, params=with_floats(flight.params, steps),
        on_failure=flight.on_failure, raise_on_error=False, keep=(),
    )  # fmt: skip


def _execute(plan: Orchestrator) -> BaseException | None:
    """Run under progress; gives what ended it from outside, if anything did."""
    progress = new_progress()
    interruption = Interruption(lambda number: _give_up(plan, progress, number))
    plan.bus.subscribe(progress, name="progress")
    plan.bus.subscribe(interruption, priority=EventPriority.LOW, name="interruption")
    try:
        with progress, interruption:
            plan.execute()
    except BaseException as error:
        return error
    return None


def _give_up(plan: Orchestrator, progress: Progress, number: int) -> None:
    """The main thread is stuck inside a step: end the record of the run in its place, and leave."""
    if plan.record is not None:
        plan.record.interrupt(Stopped(number))
    progress.__exit__(None, None, None)
    output.notice(f"{plan.pipeline_name} was cancelled in the middle of a step")
    os._exit(128 + number)


def _write_files(plan: Orchestrator, lineage: dict[str, Any], story: bool) -> dict[str, str]:
    """The files that a run leaves behind beside its journal; one that cannot be written is told, and no failure."""
    if plan.store is None or not plan.store.root.is_absolute():  # the working directory is gone
        return {}
    folder = plan.store.folder(lineage["run_id"])
    writers: dict[str, tuple[str, Callable[[Any], object]]] = {
        "lineage": ("lineage.json", lambda path: plan.tracker.export_lineage(path) if plan.tracker else None),
        "metrics": ("metrics.prom", plan.metrics.export_prometheus),
    }
    if story:
        writers = {
            "story": ("story.html", lambda path: StoryGenerator().generate_story(lineage, path)),
            **writers,
        }
    files = {"run": str(folder)}
    for name, (file, write) in writers.items():
        try:
            write(folder / file)
            files[name] = str(folder / file)
        except STOPS:
            raise
        except BaseException as error:  # the run is over and recorded: nothing here may change what is said of it
            output.notice(f"{file} could not be written: {error}")
    return files


def _code(status: str, ended: BaseException | None) -> int:
    if isinstance(ended, Stopped):
        return 128 + ended.number
    if isinstance(ended, KeyboardInterrupt):
        return exits.INTERRUPTED
    return exits.SUCCESS if status == "success" and ended is None else exits.FAILED


def _leave_if_abandoned(code: int) -> None:
    """A step that was abandoned in its thread may go on for hours, or crash while the interpreter is taken down."""
    if any_alive():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                pass
        os._exit(code)
