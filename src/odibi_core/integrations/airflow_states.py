"""The states of tasks that no process of a task reports, and the end of a Dag run in the scheduler."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import object_session

from odibi_core.integrations.airflow_run import join, number_of, state_of
from odibi_core.integrations.base import Number, guarded, reported_error
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostRun

__all__ = ["DagRunEnd", "TaskEnd", "end_soon", "report_task"]

WAITS_S: Final = (0.0, 0.2, 0.4, 0.8, 1.6, 2.0)
"""Pauses before a look for the ends of tasks: Airflow stores an end before it calls the listener in the task."""
NEVER_RAN: Final = {
    "skipped": "Airflow skipped the task",
    "upstream_failed": "a task that it needs failed",
    "removed": "the task is no longer in the Dag",
}
"""States of tasks that did not run, and the reason in the record."""


class TaskEnd(NamedTuple):
    """The state of a task in the database at the end of its Dag run."""

    name: str
    number: Number
    state: str | None
    duration_s: float | None
    is_earlier: bool
    """True if it ended before this Dag run began: a user cleared other tasks."""

    @classmethod
    def of(cls, row: Any, dag_run: Any) -> TaskEnd:
        """Return the state of a row of the database."""
        ended, began = row.end_date, dag_run.start_date
        is_earlier = bool(dag_run.clear_number and ended is not None and began is not None and ended < began)
        return cls(row.task_id, number_of(row), state_of(row), row.duration, is_earlier)

    def report(self, node: HostNode) -> None:
        """Publish the end of a task whose process did not."""
        node.take_over(self.duration_s)
        if self.state in NEVER_RAN:
            node.skip(NEVER_RAN[self.state])
        elif self.state == "success":
            node.end()
        else:
            node.fail(f"Airflow reports the state {self.state}, and the process of the task reported no end")


class DagRunEnd(NamedTuple):
    """The end of a Dag run, read while Airflow has its rows."""

    run: HostRun | None
    is_success: bool
    reason: str
    duration_ms: float | None
    tasks: list[TaskEnd]

    @classmethod
    def of(cls, dag_run: Any, reason: str) -> DagRunEnd:
        """Read the end of a Dag run."""
        session = object_session(dag_run)
        rows = dag_run.get_task_instances() if session is None else dag_run.get_task_instances(session=session)
        began, ended = dag_run.start_date, dag_run.end_date
        duration_ms = (ended - began).total_seconds() * 1e3 if began is not None and ended is not None else None
        tasks = [TaskEnd.of(row, dag_run) for row in rows]
        run = join(dag_run, dag_run.dag, scoped=False)
        return cls(run, state_of(dag_run) == "success", reason, duration_ms, tasks)


def end_soon(end: DagRunEnd) -> None:
    """End a run in a thread: the scheduler does not wait for the last events of tasks, nor for the comparison."""
    Thread(target=_end, args=(end,), name="odibi-dag-run-end").start()


@guarded
def _end(end: DagRunEnd) -> None:
    run = end.run
    if run is None:
        return
    for task in _unreported(run, [task for task in end.tasks if task.state is not None and not task.is_earlier]):
        task.report(run.node(task.name, attempt=task.number))
    for task in end.tasks:
        if task.is_earlier:
            run.skip(task.name, "the task was not cleared: its result is that of an earlier run", is_wanted=True)
    about: dict[str, Any] = {} if end.duration_ms is None else {"duration_ms": end.duration_ms}
    run.end(None if end.is_success else f"Airflow reports that the Dag run failed: {end.reason}", **about)


def _unreported(run: HostRun, tasks: list[TaskEnd]) -> list[TaskEnd]:
    """Return the tasks whose end is not in the record, after a while for those that are only late."""
    for pause_s in WAITS_S:
        Event().wait(pause_s)
        reported = run.ended_elsewhere() or set()
        tasks = [task for task in tasks if (task.name, task.number.call) not in reported]
        if all(task.state in NEVER_RAN for task in tasks):
            break
    return tasks


def report_task(row: Any, state: str | None, error: Any = None) -> None:
    """Publish the state of a task that the scheduler or a user has set, while its Dag run is open."""
    if state_of(row.dag_run) != "running":
        return
    run = join(row.dag_run, None, scoped=False)
    if run is None:
        return
    node = run.node(row.task_id, attempt=number_of(row)).take_over(row.duration)
    if node is None:
        return
    if state == "success":
        node.end()
    elif state == "skipped":
        node.skip("a user set the state in Airflow")
    elif state == "up_for_retry":
        node.retry(reported_error(None, str(error or "the attempt failed")), 0.0, row.max_tries + 1)
    else:
        node.fail(str(error or "the task failed"))
    run.leave()
