"""`MapRunner`: runs mapped steps, each once for every item of a list, as tasks of the executor.

The tasks of the steps have the numbers of the steps. A mapped step has as many tasks as run at the same time, with the
numbers beyond them; each runs one item after the other, so that a list of any length keeps few of them open. A worker
of a cluster gets several short items in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import msgspec

from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import AwaitableRun
from odibi_core.engines.lineage.items import LOOKED_AT, Found
from odibi_core.errors import StepError, is_stop
from odibi_core.events import context, kinds, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import describe_failure, message_of
from odibi_core.pipeline import Step
from odibi_core.runtime.batch_size import BatchSize
from odibi_core.runtime.item_work import combined, item_columns, work_of_combination, work_of_item, work_of_items
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.step_runner import StepRunner
from odibi_core.runtime.step_work import ItemAnswer, Outcome, rows_of

_ITEM_CHARS: Final = 200
_SHOWN: Final = 3
_IN_BATCH: Final = object()
"""Instead of the result of an item that stays with those of its batch."""


class Mapped:
    """A mapped step while its items run: the results by their first position, and the messages of those that failed."""

    def __init__(self, index: int, step: Step, events: NodeEvents) -> None:
        self.index = index
        self.step = step
        self.events = events
        self.inputs: dict[str, Any] = {}
        self.items: Sequence[Any] = ()
        self.results: dict[int, Any] = {}
        """Results of items, or handles on batches of them."""
        self.failed: dict[int, str] = {}
        self.columns: list[Found] = []
        """The findings on the columns of the items that were looked at."""
        self.left = 0
        self.size = BatchSize()
        self.error: BaseException | None = None
        """The failure of the step before its first item."""
        self.begun = 0

    def take(self, items: Sequence[Any]) -> None:
        """Take the items to run."""
        self.items, self.left = items, len(items)

    def next(self, most: int) -> range:
        """Return the positions of the next items, which begin now."""
        began, self.begun = self.begun, min(self.begun + most, len(self.items))
        return range(began, self.begun)

    def raise_failure(self) -> None:
        """Raise the failure of the step, if it, or an item, failed."""
        if self.error is not None:
            raise self.error
        if self.failed:
            some = sorted(self.failed)[:_SHOWN]
            shown = "; ".join(f"{_shown(self.items[at])}: {self.failed[at]}" for at in some)
            more = f"; and {len(self.failed) - len(some)} more" if len(self.failed) > len(some) else ""
            total = len(self.items)
            raise StepError(f"step {self.step.name!r} failed for {len(self.failed)} of {total} items: {shown}{more}")


class MapRunner:
    """Runs the items of mapped steps, from any number of threads.

    Args:
        runner: The steps of the run.
        bus: Takes the events of items.
        workers: Tasks of the executor at the same time; each takes one item, or a batch, after the other.
    """

    def __init__(self, runner: StepRunner, bus: EventBus, workers: int) -> None:
        self._runner = runner
        self._bus = bus
        self._workers = workers
        self._next = len(runner.graph)
        self._tasks: dict[int, Mapped] = {}
        self._open: dict[int, Mapped] = {}
        self._lock = Lock()

    def begin(self, index: int) -> list[int]:
        """Start a mapped step; return the numbers of the tasks that run its items. `end` ends a step without items."""
        runner, step = self._runner, self._runner.graph.steps[index]
        events = runner.begin(index)
        if runner.cache is not None:
            runner.cache.refuse(step, events)
        mapped = Mapped(index, step, events)
        try:
            mapped.inputs = runner.inputs_of(index, events)
            mapped.take(items_of(step, runner.at_home(mapped.inputs[str(step.map)])))
        except BaseException as error:
            mapped.error = error
        with self._lock:
            numbers = list(range(self._next, self._next + min(self._workers, mapped.left)))
            self._next += len(numbers)
            self._tasks |= dict.fromkeys(numbers, mapped)
            self._open[index] = mapped
        return numbers

    def run(self, number: int) -> list[int] | int:
        """Run the next items of a task; return the index of its step if they were its last ones, else what is ready."""
        mapped = self._tasks[number]
        with self._lock:
            positions = mapped.next(self._most(mapped))
        if not positions:
            del self._tasks[number]
            return []
        self._runner.check_running()
        context.put(mapped.events.context)
        answers = self._together(mapped, positions) if len(positions) > 1 else {}
        for position in positions:
            try:
                result = self._attempted(mapped, position, answers.get(position))
                if result is not _IN_BATCH:
                    mapped.results[position] = result
            except BaseException as error:
                self._runner.check_running()
                mapped.failed[position] = message_of(error)
                if is_stop(error):
                    raise
        with self._lock:
            mapped.left -= len(positions)
            return [number] if mapped.left else mapped.index

    def _most(self, mapped: Mapped) -> int:
        """Return how many items a task may take; an item with a timeout has a call of its own."""
        step, place = mapped.step, self._runner.place
        if place is None or step.timeout_s is not None or not self._runner.is_elsewhere(step):
            return 1
        return mapped.size.next(mapped.items, mapped.begun, self._workers, place.batch_s)

    def _together(self, mapped: Mapped, positions: range) -> dict[int, ItemAnswer]:
        """Return the answers to a batch of items by position; none if its call failed: then each item runs alone."""
        items = [mapped.items[position] for position in positions]
        frames = {**mapped.inputs, str(mapped.step.map): (positions[0], items)}
        try:
            made, report = self._runner.call_there(mapped.index, work_of_items, frames)
        except BaseException as error:
            if is_stop(error):
                raise
            mapped.size.restart()
            return {}
        mapped.results[positions[0]] = next(iter(made.values()))
        mapped.columns += report.columns
        mapped.size.learn([answer.seconds for answer in report.items])
        report.publish(mapped.events)
        return dict(zip(positions, report.items, strict=False))

    def _attempted(self, mapped: Mapped, position: int, answer: ItemAnswer | None) -> Any:
        """Return what the step makes of an item; publish the end of each attempt. `answer` is that of the first one."""
        began, attempts = monotonic() - (answer.seconds if answer is not None else 0.0), 1

        def publish(status: str, error: BaseException | None, rows: int | None = None) -> None:
            fields = {
                "layer": mapped.step.layer, "task": position, "item": _shown(mapped.items[position]), "status": status,
                "duration_ms": round((monotonic() - began) * 1e3, 3), "attempts": attempts, "row_count": rows,
                **({} if error is None else describe_failure(error)),
            }  # fmt: skip
            level = {"success": "debug", "retried": "warning"}.get(status, "error")
            self._bus.publish(kinds.TASK, level=level, fields=fields, context=mapped.events.context)

        def retried(number: int, error: BaseException, delay_s: float) -> None:
            nonlocal attempts
            publish("retried", error)
            attempts = number + 1

        def call(awaiting: AwaitableRun | None) -> tuple[Any, int | None]:
            nonlocal answer
            if answer is None:
                return self._call(mapped, position, awaiting)
            given, answer = answer, None
            if given.error is not None:
                raise given.error.restored()
            return _IN_BATCH, given.rows

        policy = mapped.step.policy
        if self._runner.is_elsewhere(mapped.step):
            policy = msgspec.structs.replace(policy, timeout_s=None)  # the place ends an attempt
        try:
            result, rows = self._runner.attempt(policy, call, retried)
        except BaseException as error:
            publish("cancelled" if is_stop(error) else "failed", error)
            raise
        publish("success", None, rows)
        return result

    def _call(self, mapped: Mapped, position: int, awaiting: AwaitableRun | None) -> tuple[Any, int | None]:
        """Return what one attempt makes of an item, and its rows."""
        step, runner = mapped.step, self._runner
        inputs = {**mapped.inputs, str(step.map): mapped.items[position]}
        if runner.is_elsewhere(step):
            made, report = runner.call_there(mapped.index, work_of_item, inputs)
            mapped.size.learn([report.seconds])
            mapped.columns += report.columns
            report.publish(mapped.events)
            return next(iter(made.values()), None), report.outcome.rows
        work = runner.work_of(mapped.index)
        work.rows = None  # the rows of all items together are compared
        if len(mapped.columns) >= LOOKED_AT:
            work.content = None
        made = work.operate(inputs, awaiting, copied=True)
        if (columns := item_columns(work, made)) is not None:
            mapped.columns.append(columns)
        return next(iter(made.values()), None), rows_of(made)

    def end(self, index: int) -> bool:
        """End a step whose items have all run; return False if it failed. Only a request to stop is raised."""
        with self._lock:
            mapped = self._open.pop(index)
        try:
            return self._runner.finish(index, mapped.events, lambda: self._combined(mapped))
        finally:
            for result in mapped.results.values():
                self._runner.release(result)

    def _combined(self, mapped: Mapped) -> tuple[dict[str, Any], Outcome]:
        """Return the dataset that a step made of its items, examined where it is."""
        mapped.raise_failure()
        runner, index, events = self._runner, mapped.index, mapped.events
        if runner.is_elsewhere(mapped.step):
            frames = {**mapped.inputs, **{str(at): result for at, result in mapped.results.items()}}
            whole = runner.examined_there(
                index, events, lambda: runner.attempt_there(index, work_of_combination, frames, _never)
            )
            runner.publish_items(index, events, mapped.columns, len(mapped.items))
            return whole
        work = runner.work_of(index)
        made = work.by_logical_name(combined(mapped.step, [mapped.results[at] for at in sorted(mapped.results)]))
        outcome = runner.examined_here(work, mapped.inputs, made, events)
        runner.publish_items(index, events, mapped.columns, len(mapped.items))
        return made, outcome

    def cancel(self, error: BaseException | None) -> None:
        """Publish the end of each step that a stopped run left with items that did not run."""
        for mapped in list(self._open.values()):
            done = len(mapped.items) - mapped.left
            stopped = StepError(f"step {mapped.step.name!r} was stopped after {done} of {len(mapped.items)} items")
            self._runner.failed(mapped.step, mapped.events, error if error is not None and is_stop(error) else stopped)
        self._open.clear()


def _never(number: int, error: BaseException, delay_s: float) -> None:
    """Ignore a failed attempt to combine: its error is that of the step."""


def items_of(step: Step, value: Any) -> Sequence[Any]:
    """Return the items of the input that a step is mapped over.

    Raises:
        StepError: It is no list.
    """
    if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
        raise StepError(
            f"step {step.name!r}: the input {step.map!r} must be a list to map over, got a {type(value).__name__}"
        )
    if hasattr(value, "columns"):
        raise StepError(
            f"step {step.name!r}: the input {step.map!r} must be a list to map over, got a frame; "
            "return a list of its values or of its parts"
        )
    return list(value)


def _shown(item: Any) -> str:
    """Return a short text for an item."""
    return sanitize_text(str(item)[:_ITEM_CHARS]) if _is_short(item) else f"a {type(item).__name__}"


def _is_short(item: Any) -> bool:
    return isinstance(item, str | int | float | bool | None) or type(item).__module__ in ("datetime", "pathlib")
