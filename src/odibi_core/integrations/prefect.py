"""`odibi_flow` and `odibi_task`: the record of Prefect's flows and tasks, as a line below `@flow` and below `@task`.

They wrap the function itself, because each hook that Prefect offers adds lines to the log of the flow. A run of a flow
is a run, each task a node; its attempts are retries of the node, and the calls of `.map` its calls.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, ParamSpec, TypeVar, overload

from prefect import context as prefect_context
from prefect.client.schemas.objects import TaskRunResult
from prefect.settings import PREFECT_UI_URL

from odibi_core._state import STATE
from odibi_core.engines.frame import is_frame
from odibi_core.integrations.base import PlannedNode, System, guarded
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, current_run
from odibi_core.wrapping.calls import BlockObserver, CallObserver, observe_calls

__all__ = ["odibi_flow", "odibi_task"]

PREFECT: Final = System("prefect", "prefect", ("3.9",))
_CACHED: Final = "Finished in state Cached"
_NOT_READY: Final = "Finished in state NotReady"
"""The beginnings of the lines that Prefect logs for tasks whose functions it does not call."""
P = ParamSpec("P")
R = TypeVar("R")


@overload
def odibi_flow(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def odibi_flow(
    *, name: str | None = None, tags: Mapping[str, Any] | None = None, partition: Any = None, store: Any = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def odibi_flow(
    function: Any = None, /, *, name: str | None = None, tags: Mapping[str, Any] | None = None, partition: Any = None,
    store: Any = None,
) -> Any:  # fmt: skip
    """Record the runs of a flow; a line between `@flow` and the function.

    A call outside of a flow run, such as `my_flow.fn()` in a test, is not recorded.

    Args:
        function: The function of the flow.
        name: Name of the pipeline; by default that of the flow.
        tags: Tags of the runs, beside those of the flow run.
        partition: Logical date or partition of the runs.
        store: Folder of the record; by default `.odibi`, or the setting.
    """
    details = HostDetails(tags=tags, partition=partition, store=store)
    if function is None:
        return functools.partial(_flow, name=name, details=details)
    return _flow(function, name, details)


def _flow(function: Any, name: str | None, details: HostDetails) -> Any:
    return observe_calls(function, lambda: BlockObserver(_FlowBlock(name, details)))


def odibi_task(function: Callable[P, R]) -> Callable[P, R]:
    """Record the runs of a task as a node of the flow's run; a line between `@task` and the function."""
    return observe_calls(function, _TaskCall)


class _Flows:
    """The runs of flows in this process: by id of the flow run, the run, and its tasks that are not over."""

    def __init__(self) -> None:
        self.open: dict[str, _FlowRun] = {}


class _FlowRun:
    """One run of a flow in this process."""

    def __init__(self, run: HostRun) -> None:
        self.run = run
        self.names: dict[str, str] = {}
        """The task by the id of the task run."""
        self.waiting: dict[str, tuple[HostNode, BaseException]] = {}
        """By id of the task run: the node whose attempt failed, and its error, until the next attempt."""


_flows: Final = STATE.part(_Flows)


class _FlowBlock(AbstractContextManager[None]):
    """One run of a flow."""

    def __init__(self, name: str | None, details: HostDetails) -> None:
        self._name, self._details = name, details
        self._id: str | None = None

    @guarded
    def __enter__(self) -> None:
        here = prefect_context.FlowRunContext.get()
        if here is None or here.flow_run is None or here.flow is None:
            return
        flow_run = here.flow_run
        base = PREFECT_UI_URL.value()
        details = self._details._replace(
            external_run_id=str(flow_run.id),
            external_url=f"{base}/runs/flow-run/{flow_run.id}" if base else None,
            params={name: value for name, value in (here.parameters or {}).items() if not is_frame(value)},
            tags={**dict.fromkeys(flow_run.tags, "yes"), **(self._details.tags or {})},
        )
        run = begin_run(PREFECT, self._name or here.flow.name, details)
        if run is not None:
            self._id = str(flow_run.id)
            _flows.open[self._id] = _FlowRun(run)
            if len(_flows.open) == 1:
                logging.getLogger("prefect.task_runs").addHandler(_tasks_not_called)

    @guarded
    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        flow = _flows.open.pop(self._id or "", None)
        if flow is None:
            return
        if not _flows.open:
            logging.getLogger("prefect.task_runs").removeHandler(_tasks_not_called)
        for node, last_error in flow.waiting.values():  # the condition of the task refused the next attempt
            node.fail(last_error)
        flow.run.end(error)


class _TaskCall(CallObserver):
    """One attempt of a task."""

    def __init__(self) -> None:
        self._node: HostNode | None = None
        self._flow: _FlowRun | None = None
        """None in a worker process, where each attempt is a node of its own."""
        self._begun = False

    def resume(self) -> None:
        if not self._begun:
            self._begun = True
            self._begin()
        elif self._node is not None:
            self._node.enter()

    def suspend(self) -> None:
        if self._node is not None:
            self._node.leave()

    @guarded
    def _begin(self) -> None:
        self._here = here = prefect_context.TaskRunContext.get()
        if here is None:
            return
        self._flow = flow = _flows.open.get(str(here.task_run.flow_run_id))
        run = current_run() if flow is None else flow.run
        if run is None:
            return
        task_id = str(here.task_run.id)
        if flow is not None and task_id in flow.waiting:
            self._node, last_error = flow.waiting.pop(task_id)
            delay_s = _delay_of(here.task, here.task_run.run_count - 1)
            self._node.retry(last_error, delay_s, here.task.retries + 1)
            self._node.enter()
            return
        names = {} if flow is None else flow.names
        names[task_id] = here.task.name
        planned = PlannedNode(here.task.name, inputs=_inputs_of(here.task_run, names), function=here.task.fn)
        self._node = run.node(planned, here.parameters).begin()

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        self._finish(error, result)

    @guarded
    def _finish(self, error: BaseException | None, result: Any) -> None:
        node, flow = self._node, self._flow
        if node is None:
            return
        if error is None:
            node.end(result)
        elif flow is not None and self._may_run_again(error):
            node.leave()
            flow.waiting[str(self._here.task_run.id)] = node, error
        else:
            node.fail(error)

    def _may_run_again(self, error: BaseException) -> bool:
        """Return whether Prefect has an attempt left."""
        return isinstance(error, Exception) and self._here.task_run.run_count <= self._here.task.retries


def _inputs_of(task_run: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return the tasks whose results a task takes, by parameter."""
    found = {}
    for parameter, inputs in task_run.task_inputs.items():
        made = [names.get(str(each.id)) for each in inputs if isinstance(each, TaskRunResult)]
        if len(made) == 1 and made[0] is not None:
            found[parameter] = made[0]
    return found


def _delay_of(task: Any, attempt: int) -> float:
    delays = task.retry_delay_seconds or 0
    return float(delays[min(attempt, len(delays)) - 1] if isinstance(delays, list | tuple) else delays)


class _TasksNotCalled(logging.Handler):
    """Records the tasks whose function Prefect does not call, from the line about their state: cached, or not ready."""

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith((_CACHED, _NOT_READY)):
            self._record(str(record.msg), vars(record))

    @guarded
    def _record(self, message: str, fields: dict[str, Any]) -> None:
        flow = _flows.open.get(str(fields.get("flow_run_id")))
        task_id, name = str(fields.get("task_run_id")), fields.get("task_name")
        if flow is None or task_id in flow.names or not isinstance(name, str):
            return
        flow.names[task_id] = name
        if message.startswith(_NOT_READY):
            flow.run.skip(name, "a task that it needs did not complete")
        elif (node := flow.run.node(name).begin()) is not None:
            node.cached()
            node.end()


_tasks_not_called: Final = _TasksNotCalled()
