"""The Dag run of Airflow as a run of the record: its id, its purpose, its tasks as the plan, and their numbers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from airflow.configuration import AIRFLOW_HOME, conf

from odibi_core.integrations.base import Number, PlannedNode, System
from odibi_core.integrations.host_run import HostDetails, HostRun, join_run
from odibi_core.settings import read_settings
from odibi_core.settings.sections import Store

__all__ = ["AIRFLOW", "given_to", "join", "key_of", "number_of", "plan_of", "planned_task", "state_of"]

AIRFLOW: Final = System("airflow", "apache-airflow-core", ("3.3",))


def join(dag_run: Any, dag: Any, *, scoped: bool = True) -> HostRun | None:
    """Join the run of a Dag run, in the process of a task or, not `scoped`, in the scheduler."""
    about = HostDetails(
        external_run_id=dag_run.run_id,
        external_url=_url(dag_run),
        params=dag_run.conf or None,
        tags=_tags(dag_run, dag),
        partition=_partition(dag_run),
        store=_store(),
    )
    return join_run(AIRFLOW, dag_run.dag_id, dag_run.run_after, key_of(dag_run), about, scoped=scoped)


def key_of(dag_run: Any) -> str:
    """Return the key of a Dag run; after a user has cleared tasks of it, another one: they are executed again."""
    cleared = f"#{dag_run.clear_number}" if dag_run.clear_number else ""
    return f"{dag_run.dag_id}:{dag_run.run_id}{cleared}"


def number_of(task_instance: Any) -> Number:
    """Return the number of a task's execution: the attempt, and the call of a mapped task."""
    index = task_instance.map_index
    return Number(max(1, task_instance.try_number), index + 1 if index >= 0 else None)


def state_of(row: Any) -> str | None:
    """Return the state of a task or of a Dag run as text, without that of its enumeration."""
    state = row.state
    return None if state is None else str(getattr(state, "value", state))


def plan_of(dag: Any) -> list[PlannedNode]:
    """Return all tasks of a Dag, each after those that it needs."""
    tasks = dag.task_dict
    sorter = TopologicalSorter({name: sorted(tasks[name].upstream_task_ids) for name in sorted(tasks)})
    return [_planned(tasks[name]) for name in sorter.static_order()]


def planned_task(task: Any) -> PlannedNode:
    """Return a task with what only its own process knows: its function, its inputs, its rendered parameters."""
    inputs = dict(_inputs(task.dag.get_task(task.task_id)))
    planned = _planned(task)
    about = {**planned.about, "parameters": _parameters(task)}
    return planned._replace(inputs=inputs, function=getattr(task, "python_callable", None), about=about)


def _planned(task: Any) -> PlannedNode:
    return PlannedNode(
        task.task_id,
        outputs={"out": task.task_id},
        depends_on=sorted(task.upstream_task_ids),
        type=str(task.operator_name),
    )


def given_to(task: Any) -> dict[str, Any]:
    """Return the arguments of a Python function by the names of its parameters; `{}` for other operators."""
    positional, named = getattr(task, "op_args", None), getattr(task, "op_kwargs", None)
    if not isinstance(positional, list | tuple) or not isinstance(named, Mapping):
        return {}
    try:
        return dict(inspect.signature(task.python_callable).bind_partial(*positional, **named).arguments)
    except (TypeError, ValueError):
        return {**{f"argument {place}": value for place, value in enumerate(positional, 1)}, **named}


def _inputs(task: Any) -> Iterator[tuple[str, str]]:
    """Yield the parameters that take the result of another task, before Airflow renders them."""
    mapped = getattr(getattr(task, "op_kwargs_expand_input", None), "value", None)
    for name, value in {**given_to(task), **(mapped if isinstance(mapped, Mapping) else {})}.items():
        maker = getattr(getattr(value, "operator", None), "task_id", None)
        if isinstance(maker, str):
            yield name, maker


def _parameters(task: Any) -> dict[str, Any]:
    """Return the rendered fields of an operator, such as `bash_command`, without the arguments of a function."""
    names = [name for name in task.template_fields if name not in ("op_args", "op_kwargs", "templates_dict")]
    return {name: value for name in names if (value := getattr(task, name, None)) is not None}


def _tags(dag_run: Any, dag: Any) -> dict[str, str]:
    tags = {"run_type": str(getattr(dag_run.run_type, "value", dag_run.run_type))}
    names = sorted(map(str, getattr(dag, "tags", None) or ()))
    return {**tags, "dag_tags": ", ".join(names)} if names else tags


def _partition(dag_run: Any) -> str | None:
    """Return the key of the partition, or the logical date: a day if the run is for midnight in UTC."""
    if getattr(dag_run, "partition_key", None):
        return str(dag_run.partition_key)
    moment = dag_run.logical_date
    return None if moment is None else moment.isoformat().removesuffix("T00:00:00+00:00")


def _url(dag_run: Any) -> str | None:
    base = conf.get("api", "base_url", fallback=None)
    return f"{base.rstrip('/')}/dags/{dag_run.dag_id}/runs/{dag_run.run_id}" if base else None


def _store() -> str | Path | None:
    """Return the folder of the record if no setting names one: processes of Airflow have many working folders."""
    if read_settings().store.dir != Store().dir:
        return None
    return Path(AIRFLOW_HOME) / Store().dir
