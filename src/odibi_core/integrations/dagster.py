"""`OdibiHandler`: the record of Dagster, by a handler of its Python logs in dagster.yaml; `odibi_op` adds frames.

Dagster passes each of its events to the handlers that dagster.yaml names, in the process of the run and in those of its
steps, for every executor. A run is a run, each step a node. The events have no values: `@odibi_op` below `@op` or
`@asset` adds the frames that the function takes and returns.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar

from dagster import DagsterEventType

from odibi_core._state import STATE
from odibi_core.checks.base import CheckResult
from odibi_core.integrations.base import System, guarded, reported_error
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, current_run
from odibi_core.wrapping.callables import decorate
from odibi_core.wrapping.calls import UNOBSERVED, CallObserver, wrap_callable

__all__ = ["OdibiHandler", "odibi_op"]

DAGSTER: Final = System("dagster", "dagster", ("1.13",))
_ATTEMPT: Final = re.compile(r"attempt # (\d+)")
_ROWS: Final = "dagster/row_count"
_NO_RESULT: Final = object()
P = ParamSpec("P")
R = TypeVar("R")


class _Step:
    """A step that runs in this process."""

    def __init__(self, node: HostNode) -> None:
        self.node = node
        self.result: Any = _NO_RESULT
        self.rows: int | None = None
        self.error: BaseException | None = None
        """The exception of the function, which the events have as texts."""


class _Steps:
    """The runs of this process by id, and its open steps by id of the run and key of the step."""

    def __init__(self) -> None:
        self.runs: dict[str, HostRun] = {}
        self.open: dict[tuple[str, str], _Step] = {}


_here: Final = STATE.part(_Steps)
_step_here: ContextVar[_Step | None] = ContextVar("odibi_core_dagster_step", default=None)


def odibi_op(function: Callable[P, R]) -> Callable[P, R]:
    """Record the frames that an op or an asset takes and returns; a line between `@op` or `@asset` and the function."""

    def observed(inner: Callable[..., Any]) -> Callable[..., Any]:
        def begin(
            args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[CallObserver, tuple[Any, ...], dict[str, Any]]:
            step = _step_here.get()
            return UNOBSERVED if step is None else _OpCall(step, kwargs), args, kwargs

        return wrap_callable(inner, begin)

    wrapped: Callable[P, R] = decorate(function, observed)
    return wrapped


class _OpCall(CallObserver):
    """One call of the function of a step."""

    def __init__(self, step: _Step, given: dict[str, Any]) -> None:
        self._step, self._given = step, given

    def resume(self) -> None:
        given, self._given = self._given, {}
        if given:
            self._step.node.take(given)

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        self._step.error = error
        if error is None:
            self._step.result = result


class OdibiHandler(logging.Handler):
    """Records the events of Dagster and the lines of `context.log`; it never raises, and passes nothing on."""

    def emit(self, record: logging.LogRecord) -> None:
        """Record an event or a line."""
        self._emit(record)

    @guarded
    def _emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        run_id = str(meta.get("run_id"))
        event = getattr(record, "dagster_event", None)
        if event is None:
            self._copy(record, meta, run_id)
        elif (take := _EVENTS.get(event.event_type)) is not None:
            take(event, run_id, meta)

    def _copy(self, record: logging.LogRecord, meta: Any, run_id: str) -> None:
        """Copy a line of `context.log` with the message that the user gave."""
        run = _run_of(run_id)
        if run is not None:
            line = logging.makeLogRecord({**vars(record), "msg": meta.get("orig_message", record.msg), "args": None})
            for name in ("dagster_meta", "dagster_event", "dagster_event_batch_metadata"):
                vars(line).pop(name, None)
            run.lines.handle(line)


def _run_of(run_id: str) -> HostRun | None:
    """Return the run in this process; in the process of a step, that of the process which started it."""
    run = _here.runs.get(run_id) or current_run()
    if run is not None:
        _here.runs[run_id] = run
    return run


def _start_run(event: Any, run_id: str, meta: Any) -> None:
    tags = {name: value for name, value in (meta.get("job_tags") or {}).items() if not name.startswith(".")}
    partition = tags.get("dagster/partition")
    own = {name: value for name, value in tags.items() if not name.startswith("dagster/")}
    run = begin_run(DAGSTER, event.job_name, HostDetails(external_run_id=run_id, tags=own, partition=partition))
    if run is not None:
        _here.runs[run_id] = run


def _end_run(event: Any, run_id: str, meta: Any) -> None:
    run = _here.runs.pop(run_id, None)
    for key in [key for key in _here.open if key[0] == run_id]:
        _here.open.pop(key).node.fail("the run ended before the step", cancelled=True)
    if run is None:
        return
    if event.event_type is DagsterEventType.RUN_SUCCESS:
        run.end()
    else:
        is_cancelled = event.event_type is DagsterEventType.RUN_CANCELED
        run.end(event.message or "the run failed", status="cancelled" if is_cancelled else "failed")


def _start_step(event: Any, run_id: str, meta: Any) -> None:
    run = _run_of(run_id)
    if run is None:
        return
    known = _here.open.get((run_id, event.step_key))
    if known is not None:  # the next attempt, in the process of the one before
        known.node.enter()
        known.result, known.error = _NO_RESULT, None
        _step_here.set(known)
        return
    attempt = _ATTEMPT.search(event.message or "")
    node = run.node(_name_of(event.step_key), attempt=int(attempt[1]) if attempt else 1).begin()
    if node is not None:
        _here.open[run_id, event.step_key] = step = _Step(node)
        _step_here.set(step)


def _load_input(event: Any, run_id: str, meta: Any) -> None:
    step, loaded = _here.open.get((run_id, event.step_key)), event.event_specific_data
    if step is not None and loaded.upstream_step_key:
        step.node.needs(loaded.input_name, _name_of(loaded.upstream_step_key))


def _end_step(event: Any, run_id: str, meta: Any) -> None:
    step = _here.open.pop((run_id, event.step_key), None)
    if step is not None:
        _step_here.set(None)
        step.node.end(None if step.result is _NO_RESULT else step.result, rows=step.rows)


def _fail_step(event: Any, run_id: str, meta: Any) -> None:
    """End a step that failed; one whose process died is reported by the process of the run, which has no node of it."""
    step, run = _here.open.pop((run_id, event.step_key), None), _run_of(run_id)
    if step is None and run is not None and (node := run.node(_name_of(event.step_key)).begin()) is not None:
        step = _Step(node)
    if step is not None:
        _step_here.set(None)
        step.node.fail(step.error or _error_of(event.event_specific_data))


def _retry_step(event: Any, run_id: str, meta: Any) -> None:
    step = _here.open.get((run_id, event.step_key))
    if step is not None:
        wait = event.event_specific_data.seconds_to_wait or 0
        error = step.error or _error_of(event.event_specific_data)
        step.node.retry(error, float(wait), None)
        step.node.leave()
        _step_here.set(None)


def _skip_step(event: Any, run_id: str, meta: Any) -> None:
    run = _run_of(run_id)
    if run is not None:
        run.skip(_name_of(event.step_key), event.message or "Dagster skipped it")


def _materialize(event: Any, run_id: str, meta: Any) -> None:
    """Keep the rows that the metadata of a materialization state, for a step without frames."""
    step = _here.open.get((run_id, event.step_key))
    rows = event.event_specific_data.materialization.metadata.get(_ROWS)
    if step is not None and rows is not None:
        step.rows = rows.value


def _check_asset(event: Any, run_id: str, meta: Any) -> None:
    step, found = _here.open.get((run_id, event.step_key)), event.event_specific_data
    if step is not None:
        step.node.check(
            CheckResult(
                check=found.check_name, column=None, passed=found.passed, failed_rows=None, total_rows=None,
                severity="warn" if found.severity.name == "WARN" else "error",
                message=found.description or f"the check {found.check_name} of {found.asset_key.to_user_string()}",
                examples=[],
            )
        )  # fmt: skip


def _name_of(step_key: str) -> str:
    """Return the node of a step: the steps of a dynamic output are its calls."""
    return step_key.partition("[")[0]


def _error_of(data: Any) -> Exception:
    """Return the error that a step reports: the user's, which Dagster has as the cause of its own."""
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return reported_error(None, "unknown") if error is None else reported_error(error.cls_name, error.message)


_EVENTS: Final[dict[DagsterEventType, Callable[[Any, str, Any], None]]] = {
    DagsterEventType.RUN_START: _start_run,
    DagsterEventType.RUN_SUCCESS: _end_run,
    DagsterEventType.RUN_FAILURE: _end_run,
    DagsterEventType.RUN_CANCELED: _end_run,
    DagsterEventType.STEP_START: _start_step,
    DagsterEventType.STEP_RESTARTED: _start_step,
    DagsterEventType.LOADED_INPUT: _load_input,
    DagsterEventType.STEP_SUCCESS: _end_step,
    DagsterEventType.STEP_FAILURE: _fail_step,
    DagsterEventType.STEP_UP_FOR_RETRY: _retry_step,
    DagsterEventType.STEP_SKIPPED: _skip_step,
    DagsterEventType.ASSET_MATERIALIZATION: _materialize,
    DagsterEventType.ASSET_CHECK_EVALUATION: _check_asset,
}
