"""The work of one step: its operation, and the findings on the frames that it made, in this process or in a worker.

`StepWork` has no events of its own. In this process it reports its findings to the events of the node; in a worker,
`work_of_step` notes them in a report, from which the process of the run publishes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from odibi_core.coroutines import AwaitableRun, is_awaitable
from odibi_core.engines import access_facts, duckdb_profile, plan_operators
from odibi_core.engines.file_watch import unwatched
from odibi_core.engines.frame import Description, row_count
from odibi_core.engines.frame_copy import separate
from odibi_core.engines.lineage.base import FrameColumns, unknown_columns
from odibi_core.engines.plan_operators import Operators
from odibi_core.errors import StepError, nearest
from odibi_core.events import context
from odibi_core.events.clock import monotonic
from odibi_core.executors.sent_errors import SentError
from odibi_core.pipeline import Step
from odibi_core.pipeline.one_shot import PLAIN, readable_again
from odibi_core.process import state as program
from odibi_core.process import worker_runs
from odibi_core.runtime import node_span
from odibi_core.runtime.column_events import NO_LOOK, report_function
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.join_events import JoinEvents, JoinFindings
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.notes import Notes
from odibi_core.runtime.row_events import Frames, RowEvents, RowFindings, heights_of
from odibi_core.runtime.step_engines import Engines
from odibi_core.runtime.step_task import StepTask
from odibi_core.runtime.worker_budgets import budgets_of
from odibi_core.runtime.worker_files import files_of_run, files_of_worker, notes_here

if TYPE_CHECKING:
    from odibi_core.engines.lineage.budgeted import ContentLineage
    from odibi_core.engines.lineage.items import Found
    from odibi_core.engines.lineage.looks import Look

Wait = Callable[[AwaitableRun | None, Any], Any]
"""Runs an awaitable and returns its result; the first argument is the one by which an attempt is cancelled."""


def wait_here(awaiting: AwaitableRun | None, awaitable: Any) -> Any:
    """Run an awaitable in this thread, and return its result."""
    return (awaiting or AwaitableRun()).run(awaitable)


class Findings(JoinFindings, RowFindings, Protocol):
    """Where the findings on a step go; the events of its node have these methods."""

    def snapshot(self, when: str, dataset: str | None, description: Description) -> None: ...
    def columns(self, dataset: str, fields: dict[str, Any]) -> None: ...
    def check(self, result: Any, duration_ms: float) -> None: ...
    def file(self, message: str | None, fields: dict[str, Any]) -> None: ...


class Outcome(NamedTuple):
    """`rows` is None if unknown; `checks` has True, False or None for each check; `failed` the messages of errors."""

    rows: int | None
    checks: list[bool | None]
    failed: list[str]


class Beside(NamedTuple):
    """The facts of the run that checks may compare a step with: its other datasets by key, and its partition."""

    datasets: Mapping[str, Any]
    partition: str | None


class StepWork:
    """One step and the engine that it needs; the same in each process."""

    def __init__(
        self, step: Step, engine: str, beside: Beside, *, wanted: bool, wait: Wait = wait_here,
        files: FileEvents | None = None, engines: Engines | None = None,
    ) -> None:  # fmt: skip
        self.step = step
        self.engine = engine
        self._beside = beside
        self._wanted = wanted
        """True if a missing output is an error: a step takes it, or the author named it."""
        self._wait = wait
        self._files = files
        self._engines = Engines() if engines is None else engines
        self.settled: Collection[str] | None = None
        """The outputs whose plans are executed where they are made; None for all."""
        self._taken: int | None = None
        """The rows that a step without outputs took; it may have changed its frame in place since."""
        self.content: ContentLineage | None = None
        """Finds the column lineage of functions; None if it is not recorded."""
        self.rows: RowEvents | None = None
        """Compares the rows of inputs and outputs; None if they are not compared."""
        self._heights: dict[str, int] = {}
        self.operators: dict[str, Operators] = {}
        """The rows after each operator of the plans behind outputs, by logical name."""
        self.looks: dict[str, Look] | str = NO_LOOK
        self._counted: dict[int, Any] = {}
        """The results of checks that the engine counted while it wrote, by the id of the check."""

    def operate(self, inputs: dict[str, Any], awaiting: AwaitableRun | None = None, *, copied: bool) -> dict[str, Any]:
        """Return the frames that one attempt makes, by logical name.

        Args:
            inputs: Frames by logical name.
            awaiting: Cancels the attempt if it awaits something.
            copied: The function gets its own copies: another attempt, or another step, may need the same frames.

        Raises:
            StepError: The step did not return its outputs.
        """
        inputs = self._engines.brought(self.step, self.engine, inputs)
        if not self.step.outputs:
            self._taken = rows_of(inputs)
        self._heights = heights_of(inputs) if self.rows is not None else {}
        if self.rows is None or not self.rows.wants_operators:
            return self._settled(inputs, awaiting, copied)
        with duckdb_profile.wanted(), plan_operators.wanted():
            made = self._settled(inputs, awaiting, copied)
        self.operators = dict.fromkeys(made, Operators(duckdb_profile.take())) | plan_operators.take(made)
        return made

    def _settled(self, inputs: dict[str, Any], awaiting: AwaitableRun | None, copied: bool) -> dict[str, Any]:
        made = self.by_logical_name(self._result(inputs, awaiting, copied))
        return self._engines.settled(self.engine, made, self.settled)

    def _result(self, inputs: dict[str, Any], awaiting: AwaitableRun | None, copied: bool) -> Any:
        step = self.step
        if step.operation == "call":
            if copied:
                inputs = {name: separate(frame) for name, frame in inputs.items()}
            inputs = self._engines.handed(step, self.engine, inputs)
            if self.content is not None and inputs:
                self.looks = self.content.looks(inputs)
            with self._engines.turn(step, self.engine), node_span.active():
                return self._readable_again(step.value(**inputs, **step.params), awaiting)
        if step.operation == "give":
            return step.value
        made = None
        access_facts.note(None)  # a function may have left those of a table that it read by an engine itself
        try:
            with unwatched():  # its files are those of the step, whatever the engine opens for it
                made = self._by_engine(inputs)
        finally:
            if self._files is not None:
                self._files.of_step(step, made)
        return made if step.outputs else None

    def _by_engine(self, inputs: dict[str, Any]) -> Any:
        """Return the frame that the engine of the step makes, reads or writes."""
        step, engine = self.step, self._engines.get(self.engine)
        if step.operation == "sql":
            return engine.sql(step.value, inputs, step.params)
        if step.operation == "read":
            return engine.read(str(step.value), **step.params)
        (frame,) = inputs.values()
        written = self._write(engine, frame, inputs)
        self._taken = written if self._taken is None else self._taken
        return frame

    def _write(self, engine: Any, frame: Any, inputs: dict[str, Any]) -> int | None:
        """Write a frame and return its rows if known; an engine that can counts the checks in the job that writes."""
        step = self.step
        if not step.checks or not hasattr(engine, "write_counted"):
            return engine.write(frame, str(step.value), **step.params)  # type: ignore[no-any-return]
        names = {None, *step.inputs, *step.inputs.values()}
        checks = [
            each for each in step.checks if getattr(each, "on", None) in names and getattr(each, "of_run", None) is None
        ]
        rows, results = engine.write_counted(
            frame, str(step.value), partial(self.counting, checks, inputs), **step.params
        )
        self.keep_counted(checks, results or ())
        return rows  # type: ignore[no-any-return]

    def counting(self, checks: Sequence[Any], frames: dict[str, Any], schema: Mapping[str, Any]) -> Any:
        """Return how checks are counted over a frame of that schema; `frames` are those of the step, by name."""
        from odibi_core.checks.counts import Counting  # here: few engines count, and it loads time zones

        return Counting(checks, schema, self._for_checks(frames))

    def keep_counted(self, checks: Sequence[Any], results: Sequence[Any]) -> None:
        """Keep the results of checks that an engine counted; None for one that it did not."""
        for check, result in zip(checks, results, strict=False):
            if result is not None:
                self._counted[id(check)] = result

    def _readable_again(self, result: Any, awaiting: AwaitableRun | None) -> Any:
        """Return the result of a function, awaited and consumed, so that this counts to the step and its attempt."""
        if type(result) in PLAIN:
            return result
        return readable_again(
            result,
            lambda awaitable: self._wait(awaiting, awaitable),
            f"what step {self.step.name!r} returned",
            outputs=len(self.step.outputs),
            connects=self.step.layer == "connect",
        )

    def by_logical_name(self, result: Any) -> dict[str, Any]:
        """Return the result of the step by the logical names of its outputs.

        Raises:
            StepError: The step did not return its outputs.
        """
        step, names = self.step, list(self.step.outputs)
        if not names:
            return {}
        if len(names) == 1:
            if result is None and self._wanted:
                raise StepError(
                    f"step {step.name!r} returned nothing, but it must return {step.outputs[names[0]]!r}; "
                    "return the frame at the end of its function"
                )
            return {names[0]: result}
        if isinstance(result, tuple) and len(result) == len(names):
            result = dict(zip(names, result, strict=True))
        if not isinstance(result, Mapping):
            raise StepError(
                f"step {step.name!r} must return a dict of its {len(names)} outputs ({', '.join(names)}) "
                f"or a tuple of that length, got {type(result).__name__}"
            )
        for name in names:
            if result.get(name) is None:
                raise StepError(f"step {step.name!r} did not return {name!r}{nearest(name, map(str, result))}")
        return {name: result[name] for name in names}

    def examine(
        self, inputs: dict[str, Any], made: dict[str, Any], findings: Findings, descriptions: Descriptions,
        joins: JoinEvents | None,
    ) -> Outcome:  # fmt: skip
        """Describe the frames that the step made, measure its joins, run its checks; report each finding."""
        step = self.step
        for name, frame in made.items():
            description = descriptions.after(step.outputs[name], frame)
            if description is not None:
                findings.snapshot("after", step.outputs[name], description)
                if step.operation == "call" and step.inputs and step.map is None and descriptions.lineage:
                    report_function(step, name, self._columns(frame, description.columns()), self.looks, findings)
        if joins is not None and len(inputs) > 1:
            with_keys = {name: (step.inputs[name], frame) for name, frame in inputs.items()}
            joins.of_step(findings, with_keys, list(made.values()), step.value)
        if self.rows is not None and inputs and step.operation in ("call", "sql"):
            by_key = {step.outputs[name]: frame for name, frame in made.items()}
            known = {name: rows for name in inputs if (rows := descriptions.rows_of(step.inputs[name])) is not None}
            frames = Frames(
                step.name, inputs, step.inputs, known | self._heights, by_key, step.value,
                {step.outputs[name]: found for name, found in self.operators.items()},
                descriptions.is_unchanged if step.policy.plain else None, descriptions.rows_of,
            )  # fmt: skip
            self.rows.of_step(findings, frames)
        outcome = Outcome(rows_of(made) if step.outputs else self._taken, [], [])
        if step.checks:
            self._check({**inputs, **made}, findings, outcome)
        return outcome

    def _columns(self, frame: Any, names: list[str]) -> FrameColumns:
        if self.content is None:
            return unknown_columns(names, NO_LOOK)
        return self.content.columns(self.looks, frame, self.step.inputs, names)

    def _check(self, frames: dict[str, Any], findings: Findings, outcome: Outcome) -> None:
        step = self.step
        frames = self._for_checks(frames)
        for check in step.checks:
            started = monotonic()
            if (of_run := getattr(check, "of_run", None)) is not None:
                check = of_run(check, self._beside.partition)
            given = frames if check.on or not step.outputs else {**frames, "out": frames[main_output(step)]}
            found = self._counted.get(id(check)) or check.check(given)
            if is_awaitable(found):
                found = self._wait(None, found)
            duration_ms = (monotonic() - started) * 1e3
            results = found if isinstance(found, list) else [found]  # a suite of another library has many
            for result in results:
                findings.check(result, duration_ms / len(results))
                outcome.checks.append(result.passed)
                if result.passed is False and result.severity == "error":
                    outcome.failed.append(f"{result.check}: {result.message}")

    def _for_checks(self, frames: dict[str, Any]) -> dict[str, Any]:
        """Return the frames of the step by logical name and by key, and the other datasets by key."""
        keys = {**self.step.inputs, **self.step.outputs}
        of_step = {**{key: frames[name] for name, key in keys.items() if name in frames}, **frames}
        return {**self._beside.datasets, **of_step}


def main_output(step: Step) -> str:
    """Return the logical name of the output that a check examines if it names none."""
    return next(iter(step.outputs))


def rows_of(frames: Mapping[str, Any]) -> int | None:
    """Return the rows of the first frame whose rows are known."""
    return next((rows for frame in frames.values() if (rows := row_count(frame)) is not None), None)


OTHER: Final = "\0"
"""Before the key of a dataset that only a check of the step needs, among the frames that are sent to a worker."""


class ItemAnswer(NamedTuple):
    """The rows of an item of a batch, its failure, and the seconds of its function."""

    rows: int | None
    error: SentError | None
    seconds: float


class StepReport(NamedTuple):
    """The findings on a step in the order in which they were made: names of `Findings` methods, and arguments."""

    notes: Sequence[tuple[str, tuple[Any, ...]]]
    outcome: Outcome
    seconds: float = 0.0
    """Those of the function of one item."""
    items: Sequence[ItemAnswer] = ()
    columns: Sequence[Found] = ()
    """Those of the items that were looked at."""

    def publish(self, findings: Findings) -> None:
        """Report the findings again, to the events of the node."""
        for method, arguments in self.notes:
            getattr(findings, method)(*arguments)

    def descriptions(self) -> dict[str, Description]:
        """Return the descriptions of the frames that were made, by dataset key."""
        return {note[1]: note[2] for method, note in self.notes if method == "snapshot"}


def work_of_step(frames: dict[str, Any], task: StepTask) -> tuple[dict[str, Any], StepReport]:
    """Do the work of a step in a worker: return the frames that it made, by logical name, and the report.

    The code of the step publishes on the bus of this process, in the node's context.

    Raises:
        BaseException: The failure of the step.
    """
    return reported(frames, task, lambda work: work.operate(frames, copied=True))


def reported(
    frames: dict[str, Any], task: StepTask, make: Callable[[StepWork], dict[str, Any]]
) -> tuple[dict[str, Any], StepReport]:
    """Return the frames that `make` returns, and the report on them."""
    others = {name.removeprefix(OTHER): frames.pop(name) for name in list(frames) if name.startswith(OTHER)}
    budgets, descriptions = budgets_of(task.run_id), descriptions_of(task)
    with working(task, others) as (work, notes):
        work.content = descriptions.content
        if (asked := task.rows_asked) is not None:
            usual = None if asked.usual is None else {task.step.name: asked.usual}
            work.rows = RowEvents(asked.settings, usual, budgets.rows)
        made = make(work)
        outcome = work.examine(frames, made, notes, descriptions, budgets.joins if task.joins else None)
    notes.add_overhead(descriptions.overhead.seconds)
    return made, StepReport(notes.notes, outcome)


def descriptions_of(task: StepTask) -> Descriptions:
    """Return new descriptions for a step in a worker, with the budgets of its run here."""
    budgets = budgets_of(task.run_id)
    descriptions = Descriptions(task.level, task.rows, budget=budgets.stats)
    descriptions.lineage, descriptions.lineage_budget = task.lineage, budgets.lineage
    return descriptions


@contextmanager
def working(task: StepTask, others: Mapping[str, Any] | None = None) -> Iterator[tuple[StepWork, Notes]]:
    """Work for the run of the task, in the context of its node; the events of files become notes."""
    beside = Beside(others or {}, task.partition)
    notes = Notes()
    with ExitStack() as stack:
        files = _join_run(task, stack)
        stack.callback(notes_here.reset, notes_here.set(notes))
        here = stack.enter_context(context.bind(run_id=task.run_id, node_name=task.step.name))
        context.put(node_span.inside(here))
        yield StepWork(task.step, task.engine, beside, wanted=task.wanted, files=files), notes


def _join_run(task: StepTask, stack: ExitStack) -> FileEvents | None:
    """Work for the run of the task, until the stack is closed or in the whole process; return its file events."""
    if task.shared:
        run = stack.enter_context(worker_runs.joined(task.run_id, task.context))
    elif program.begun_in() != task.run_id:
        program.begin_in(task.context)
    if task.files is None:
        return None
    files = files_of_run(run, ask=task.files) if task.shared else files_of_worker(task.run_id, ask=task.files)
    if task.step.operation == "call":
        files.include([task.step.value])
    return files
