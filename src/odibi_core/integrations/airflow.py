"""`OdibiPlugin`: the record of the Dag runs of Airflow, by its listener: each task is a node, each Dag run a run.

Airflow finds the plugin by the entry point of this distribution, or in a file of its folder `plugins`:
`from odibi_core.integrations.airflow import OdibiPlugin`.

The hooks of tasks are called in the processes of the tasks, those of Dag runs in the scheduler. All of them write one
record, whose id follows from the Dag run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from odibi_core._state import STATE
from odibi_core.integrations.airflow_run import given_to, join, number_of, plan_of, planned_task, state_of
from odibi_core.integrations.airflow_states import DagRunEnd, end_soon, report_task
from odibi_core.integrations.base import guarded, reported_error
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostRun

__all__ = ["OdibiPlugin", "record_result"]


class _Here:
    """The task that this process executes: its run, its node, and what it returned."""

    def __init__(self) -> None:
        self.run: HostRun | None = None
        self.node: HostNode | None = None
        self.task: Any = None
        self.result: Any = None


_here: Final = STATE.part(_Here)


@guarded
def record_result(context: Mapping[str, Any], result: Any = None) -> None:
    """Describe the frames that tasks return, as their hook: `DAG(default_args={"post_execute": record_result})`.

    The listeners of Airflow do not get results.
    """
    _here.result = result


class _Listener:
    """The hooks of Airflow."""

    @hookimpl
    @guarded
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """Start the node of a task, in the process of the task."""
        if not _is_in_task(task_instance):
            return
        _leave()
        run = join(task_instance.get_template_context()["dag_run"], task_instance.task.dag)
        if run is None:
            return
        planned = planned_task(task_instance.task)
        run.plan(plan_of(task_instance.task.dag) if run.is_first else ())
        run.plan([planned])
        _here.run, _here.task, _here.result = run, task_instance, None
        _here.node = run.node(planned, given_to(task_instance.task), attempt=number_of(task_instance)).begin()

    @hookimpl
    @guarded
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """End the node of a task; outside of its process a user has set the state."""
        if not _is_in_task(task_instance):
            report_task(task_instance, "success")
        elif _here.node is not None:
            _here.node.end(_here.result)

    @hookimpl
    @guarded
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """End the node of a task, or record that it is tried again; the scheduler reports a killed process."""
        if not _is_in_task(task_instance):
            report_task(task_instance, state_of(task_instance), error)
        elif _here.node is not None:
            _fail(_here.node, task_instance, error)

    @hookimpl
    @guarded
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
        """End the node of a task that skips itself."""
        if not _is_in_task(task_instance):
            report_task(task_instance, "skipped")
        elif _here.node is not None:
            _here.node.skip("the task skipped itself")

    @hookimpl
    @guarded
    def before_stopping(self, component: Any) -> None:
        """Leave the run, when the process of a task ends. A task that waits stays open."""
        if type(component).__name__ == "TaskRunnerMarker":
            _leave()

    @hookimpl
    @guarded
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:
        """Start the run, in the scheduler."""
        run = join(dag_run, dag_run.dag, scoped=False)
        if run is not None:
            run.plan(plan_of(dag_run.dag) if run.is_first and dag_run.dag is not None else ())
            run.leave()

    @hookimpl
    @guarded
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """End the run as succeeded."""
        end_soon(DagRunEnd.of(dag_run, msg))

    @hookimpl
    @guarded
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """End the run as failed."""
        end_soon(DagRunEnd.of(dag_run, msg))


class OdibiPlugin(AirflowPlugin):
    """Registers the listener with Airflow."""

    name = "odibi_core"
    listeners: Final = [_Listener()]


def _is_in_task(task_instance: Any) -> bool:
    """Return whether a hook is called in the process of the task; elsewhere the object is a row of the database."""
    return hasattr(task_instance, "get_template_context")


def _fail(node: HostNode, task_instance: Any, error: Any) -> None:
    failure = error if isinstance(error, BaseException) else reported_error(None, str(error or "the task failed"))
    if state_of(task_instance) != "up_for_retry":
        node.fail(failure, cancelled=False)  # Airflow reports an exit of the process as a failure too
        return
    delay = task_instance.task.retry_delay.total_seconds()
    node.retry(failure, delay, task_instance.max_tries + 1)


def _leave() -> None:
    """Leave the run of the task that this process executed, if there is one."""
    run, node = _here.run, _here.node
    _here.run = _here.node = _here.task = _here.result = None
    if node is not None:
        node.leave_open()
    if run is not None:
        run.leave()
