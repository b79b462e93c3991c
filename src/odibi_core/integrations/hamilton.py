"""`OdibiAdapter`: the record of a Hamilton driver: `driver.Builder().with_modules(flow).with_adapters(OdibiAdapter())`.

Each call of `execute` or `materialize` is a run, each function of the graph that it needs a node.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, Final

from hamilton.lifecycle import base

from odibi_core.integrations.base import PlannedNode, System, guarded
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, current_run

__all__ = ["OdibiAdapter"]

HAMILTON: Final = System("hamilton", "apache-hamilton", ("1.90",))


class OdibiAdapter(
    base.BasePreGraphExecute, base.BasePostGraphExecute, base.BasePreNodeExecute, base.BasePostNodeExecute
):
    """Records the executions of a driver. It never raises, and changes no value.

    Args:
        name: Name of the pipeline; by default the names of the driver's modules.
        tags: Tags of the runs.
        partition: Logical date or partition of the runs.
        store: Folder of the record; by default `.odibi`, or the setting.
    """

    def __init__(
        self, name: str | None = None, *, tags: Mapping[str, Any] | None = None, partition: Any = None,
        store: Any = None,
    ) -> None:  # fmt: skip
        self._name = name
        self._about = HostDetails(tags=tags, partition=partition, store=store)
        self._runs: dict[str, HostRun] = {}
        self._open: dict[tuple[str, str | None, str], HostNode] = {}
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open runs here: a copy in a worker process records in the run of the process that started it."""
        return {"_name": self._name, "_about": self._about}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_name"])  # type: ignore[misc]
        self._about = state["_about"]

    @guarded
    def pre_graph_execute(
        self, *, run_id: str, graph: Any, final_vars: list[str], inputs: dict[str, Any] | None,
        overrides: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Start the run, with the nodes that the execution needs as its plan."""
        name = self._name or _name_of(graph)
        params = {"config": graph.config, "inputs": inputs or {}, "final_vars": final_vars}
        run = begin_run(HAMILTON, name, self._about._replace(external_run_id=run_id, params=params))
        if run is None:
            return
        self._runs[run_id] = run
        run.plan(_plan_of(graph, final_vars, inputs or {}, overrides or {}))

    @guarded
    def pre_node_execute(self, *, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None = None) -> None:
        """Start a node."""
        run = self._runs.get(run_id) or current_run()
        if run is None or node_.user_defined:
            return
        execution = run.node(node_.name, kwargs).begin()
        if execution is not None:
            self._open[run_id, task_id, node_.name] = execution

    @guarded
    def post_node_execute(
        self, *, run_id: str, node_: Any, kwargs: dict[str, Any], success: bool, error: Exception | None, result: Any,
        task_id: str | None = None,
    ) -> None:  # fmt: skip
        """End a node."""
        execution = self._open.pop((run_id, task_id, node_.name), None)
        if execution is None:
            return
        if success:
            execution.end(result)
        else:
            execution.fail(error)

    @guarded
    def post_graph_execute(
        self, *, run_id: str, graph: Any, success: bool, error: Exception | None, results: dict[str, Any] | None
    ) -> None:
        """End the run."""
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.end(None if success else error or "the execution failed")


def _name_of(graph: Any) -> str:
    """Return the names of the modules of a graph, in the order of its functions."""
    modules = dict.fromkeys(
        function.__module__.rpartition(".")[2]
        for node in graph.nodes.values()
        for function in node.originating_functions or ()
    )
    return "-".join(modules) or "hamilton"


def _plan_of(graph: Any, final_vars: list[str], inputs: dict[str, Any], overrides: dict[str, Any]) -> list[PlannedNode]:
    """Return the nodes that an execution needs, without inputs, which are values and no work."""
    needed, user_defined = graph.get_upstream_nodes(final_vars, {**graph.config, **inputs}, overrides)
    names = {node.name for node in needed if node not in user_defined and not node.user_defined}
    return [_planned(graph.nodes[node.name], names) for node in _ordered(needed) if node.name in names]


def _ordered(nodes: Any) -> list[Any]:
    """Return nodes so that each comes after its dependencies."""
    from graphlib import TopologicalSorter

    by_name = {node.name: node for node in sorted(nodes, key=lambda node: node.name)}
    sorter = TopologicalSorter({name: _dependencies(node) for name, node in by_name.items()})
    return [by_name[name] for name in sorter.static_order() if name in by_name]


def _dependencies(node: Any) -> list[str]:
    return [dependency.name for dependency in node.dependencies]


def _planned(node: Any, names: set[str]) -> PlannedNode:
    needed = [name for name in _dependencies(node) if name in names]
    functions = node.originating_functions or (node.callable,)
    return PlannedNode(
        node.name,
        inputs={name: name for name in needed},
        outputs={"out": node.name},
        depends_on=needed,
        function=functions[0],
    )
