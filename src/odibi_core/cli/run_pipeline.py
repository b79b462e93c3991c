"""One run from the command line: progress, interruption, the files of the run, the summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from odibi_core import private_files
from odibi_core.cli import exits, output, run_plan
from odibi_core.cli.interruption import Interruption
from odibi_core.cli.params import with_floats
from odibi_core.cli.progress import Progress, new_progress
from odibi_core.cli.run_summary import RunSummary
from odibi_core.errors import STOPS, is_stop
from odibi_core.observability import EventBus, EventPriority, Observer, Orchestrator, StoryGenerator
from odibi_core.process_end import any_alive
from odibi_core.runtime.resume.plan import Selection
from odibi_core.runtime.resume.planned import Planned
from odibi_core.runtime.sigterm import Stopped
from odibi_core.store.runs import RunStore
from odibi_core.views.answers import Lineage
from odibi_core.views.as_dict import as_json, lineage_dict
from odibi_core.views.lineage import LineageView


@dataclass(frozen=True)
class RunRequest:
    """A pipeline and the options of its run; `load` returns the steps."""

    load: Callable[[], list[Any]]
    name: str
    engine: str = "pandas"
    workers: int = 1
    executor: str | None = None
    store: str | None = None
    on_failure: Any = "skip"
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str | None = None
    cache: bool | None = None
    story: bool = True
    as_json: bool = False
    resume: str | None = None
    selection: Selection = field(default_factory=Selection)
    dry_run: bool = False
    target: str | None = None
    """The file that `load` loads, perhaps with a name in it."""


def run_pipeline(request: RunRequest) -> int:
    """Run a pipeline, show its summary, and return the exit code.

    Raises:
        OdibiError: The pipeline cannot run; nothing was started.
    """
    # JSON: output of the steps between the lines would break the document.
    with output.aside() if request.as_json else nullcontext():
        plan = _plan(request)
        planned = plan.planned(request.resume, request.selection)
        if request.dry_run:
            found = run_plan.document(plan, planned.plan)
        else:
            run_plan.announce(planned.plan)
            ending = RunSummary(plan.bus)
            ended = _execute(plan, planned)
    if request.dry_run:
        (output.write_json if request.as_json else run_plan.show)(found)
        return exits.SUCCESS
    lineage = plan.tracker.lineage() if plan.tracker else LineageView().answer()
    if ended is not None and lineage.run_id is None:
        raise ended  # not started: its record could not be opened
    files = write_files(plan, lineage, request.story)
    code = _code(lineage.status, ended)
    try:
        if request.as_json:
            output.write_json(ending.document(lineage, files))
        else:
            ending.show(lineage, files)
        sys.stdout.flush()
    finally:
        if ended is not None:
            _exit_if_abandoned(code)
    if ended is not None and not is_stop(ended):
        raise ended
    return code


def _plan(request: RunRequest) -> Orchestrator:
    steps = request.load()
    plan = Orchestrator(
        steps, request.engine, event_bus=EventBus(), pipeline_name=request.name, max_workers=request.workers,
        executor=request.executor,
        store=request.store, params=with_floats(request.params, steps), tags=request.tags, partition=request.partition,
        on_failure=request.on_failure, raise_on_error=False, keep=(), cache=request.cache,
    )  # fmt: skip
    plan.target = request.target
    return plan


def _execute(plan: Orchestrator, planned: Planned) -> BaseException | None:
    """Run with progress on stderr; return the exception that ended the run from outside, if any."""
    progress = new_progress()
    interruption = Interruption(lambda number: _give_up(plan, progress, number))
    plan.bus.subscribe(progress, name="progress")
    plan.bus.subscribe(interruption, priority=EventPriority.LOW, name="interruption")
    try:
        with progress, interruption:
            plan.execute_planned(planned)
    except BaseException as error:
        return error
    return None


def _give_up(plan: Orchestrator, progress: Progress, number: int) -> None:
    """End the record of the run in place of the main thread, which is stuck inside a step, and exit.

    Return if the main thread is ending the record.
    """
    if plan.record is not None and not plan.record.interrupt(Stopped(number)):
        return
    progress.__exit__(None, None, None)
    output.notice(f"{plan.pipeline_name} was cancelled in the middle of a step")
    os._exit(128 + number)


def _write_story(store: RunStore, lineage: Lineage, path: Path) -> None:
    from odibi_core.history.for_story import story_history

    StoryGenerator().generate_story(lineage, path, history=story_history(store, lineage.run_id or ""))


def write_files(plan: Orchestrator | Observer, lineage: Lineage, story: bool) -> dict[str, str]:
    """Write the files of a run beside its journal; a file that cannot be written is a notice and no failure."""
    if plan.store is None or lineage.run_id is None:
        return {}
    if not plan.store.root.is_absolute():  # the working directory was deleted
        return {}
    folder = plan.store.folder(lineage.run_id)
    writers: dict[str, tuple[str, Callable[[Any], object]]] = {
        "lineage": ("lineage.json", lambda path: private_files.write_atomic(path, as_json(lineage_dict(lineage)))),
        "metrics": ("metrics.prom", plan.metrics.export_prometheus),
    }
    if story:
        writers = {"story": ("story.html", partial(_write_story, plan.store, lineage)), **writers}
    files = {"run": str(folder)}
    for name, (file, write) in writers.items():
        try:
            write(folder / file)
            files[name] = str(folder / file)
        except STOPS:
            raise
        except BaseException as error:  # the run has ended and is recorded: its result may not change here
            output.notice(f"{file} could not be written: {error}")
    return files


def _code(status: str, ended: BaseException | None) -> int:
    if isinstance(ended, Stopped):
        return 128 + ended.number
    if isinstance(ended, KeyboardInterrupt):
        return exits.INTERRUPTED
    return exits.SUCCESS if status == "success" and ended is None else exits.FAILED


def _exit_if_abandoned(code: int) -> None:
    """Exit at once if a step still runs in its thread: it may run for hours, or crash during finalization."""
    if any_alive():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                pass
        os._exit(code)
