"""`OdibiHooks`: the record of a Kedro project, by one line in its settings.py: `HOOKS = (OdibiHooks(),)`.

Each `kedro run` is a run, each node a node under its own name, each entry of the catalog a dataset. A node lasts from
the call of its function until the last of its outputs is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from typing import Any, Final

from kedro.framework.hooks import hook_impl

from odibi_core.events import context
from odibi_core.events.context import Context
from odibi_core.integrations.base import PlannedNode, System, guarded
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, current_run

__all__ = ["OdibiHooks"]

KEDRO: Final = System("kedro", "kedro", ("1.7",))
_SELECTIONS: Final = (
    "tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs", "namespaces", "only_missing_outputs",
)  # fmt: skip
"""The options of `kedro run` that leave out nodes."""


class _OpenNode:
    """A node between its call and the last save."""

    def __init__(self, execution: HostNode, unsaved: set[str]) -> None:
        self.execution = execution
        self.unsaved = unsaved
        self.outputs: dict[str, Any] = {}


class OdibiHooks:
    """The hooks of a project. No hook raises, and none changes an input or an output.

    Args:
        name: Name of the pipeline; by default that of the project's package and of the pipelines that run.
        tags: Tags of the runs.
        partition: Logical date or partition of the runs.
    """

    def __init__(
        self, name: str | None = None, *, tags: Mapping[str, Any] | None = None, partition: Any = None
    ) -> None:
        self._name = name
        self._details = HostDetails(tags=tags, partition=partition)
        self._params: dict[str, Any] = {}
        self._run: HostRun | None = None
        self._open: dict[str, _OpenNode] = {}
        self._outside: dict[int, Context] = {}
        """By thread: the context before a dataset was loaded."""

    @hook_impl
    @guarded
    def after_context_created(self, context: Any) -> None:
        """Keep the parameters of the project for the record of the run."""
        self._params = dict(context.params)

    @hook_impl
    @guarded
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """Start the run, with its plan."""
        selection = {name: run_params[name] for name in _SELECTIONS if run_params.get(name)}
        details = self._details._replace(
            external_run_id=run_params.get("run_id"), params=self._params, selection=selection or None
        )
        self._run = begin_run(KEDRO, self._name or _name_of(run_params), details)
        if self._run is not None:
            self._run.plan(_plan_of(pipeline))

    @hook_impl
    @guarded
    def before_dataset_loaded(self, node: Any) -> None:
        """Let the file that is read belong to the node, which has not started yet."""
        run = self._of_process()
        if run is not None and node.name not in self._open:
            self._outside[get_ident()] = context.current()
            context.put(run.context_of(node.name))

    @hook_impl
    @guarded
    def after_dataset_loaded(self) -> None:
        """End `before_dataset_loaded`."""
        outside = self._outside.pop(get_ident(), None)
        if outside is not None:
            context.put(outside)

    @hook_impl
    @guarded
    def before_node_run(self, node: Any, inputs: dict[str, Any]) -> None:
        """Start a node, with the data that it takes."""
        run = self._of_process()
        if run is None:
            return
        given = {name: value for name, value in inputs.items() if not _is_parameter(name)}
        execution = run.node(_planned(node, {}), given).begin()
        if execution is not None:
            self._open[node.name] = _OpenNode(execution, set(node.outputs))

    @hook_impl
    @guarded
    def after_node_run(self, node: Any, outputs: dict[str, Any]) -> None:
        """End a node without outputs; another one ends when they are saved."""
        found = self._open.get(node.name)
        if found is not None:
            found.outputs = dict(outputs)
            self._end_if_saved(node.name, found)

    @hook_impl
    @guarded
    def after_dataset_saved(self, dataset_name: str, node: Any) -> None:
        """End a node whose last output is saved."""
        found = self._open.get(node.name)
        if found is not None:
            found.unsaved.discard(dataset_name)
            self._end_if_saved(node.name, found)

    @hook_impl
    @guarded
    def on_node_error(self, error: Exception, node: Any) -> None:
        """End a node that failed."""
        found = self._open.pop(node.name, None)
        if found is not None:
            found.execution.fail(error)

    @hook_impl
    @guarded
    def after_pipeline_run(self) -> None:
        """End the run."""
        self._end_run(None)

    @hook_impl
    @guarded
    def on_pipeline_error(self, error: Exception) -> None:
        """End the run as failed."""
        self._end_run(error)

    def _of_process(self) -> HostRun | None:
        """Return the run of this process; in a worker of `ParallelRunner`, that of the process which started it."""
        return current_run() if self._run is None or self._run.observer.record.forked else self._run

    def _end_if_saved(self, name: str, found: _OpenNode) -> None:
        if not found.unsaved:
            self._open.pop(name, None)
            found.execution.end(found.outputs)

    def _end_run(self, error: Exception | None) -> None:
        """End the run, and the nodes that are open still: one of them failed to save, or its saves are not known."""
        self.after_dataset_loaded()
        while self._open:
            _, found = self._open.popitem()
            if error is None:
                found.execution.end(found.outputs)
            else:
                found.execution.fail(error)
        run, self._run = self._run, None
        if run is not None:
            run.end(error)


def _name_of(run_params: dict[str, Any]) -> str:
    """Return the name of the project's package, and those of the pipelines if they are selected."""
    from kedro.framework.project import PACKAGE_NAME

    selected = [name for name in run_params.get("pipeline_names") or () if name != "__default__"]
    return "-".join([PACKAGE_NAME or "kedro", *selected])


def _plan_of(pipeline: Any) -> list[PlannedNode]:
    """Return the nodes of a pipeline, each after those that it needs."""
    makers = {dataset: node.name for node in pipeline.nodes for dataset in node.outputs}
    return [_planned(node, makers) for node in pipeline.nodes]


def _planned(node: Any, makers: dict[str, str]) -> PlannedNode:
    inputs = [name for name in node.inputs if not _is_parameter(name)]
    return PlannedNode(
        node.name,
        inputs={name: name for name in inputs},
        outputs={name: name for name in node.outputs},
        depends_on=list(dict.fromkeys(makers[name] for name in inputs if name in makers)),
        function=node.func,
    )


def _is_parameter(dataset: str) -> bool:
    return dataset == "parameters" or dataset.startswith("params:")
