"""`OdibiAdapter`: the record of a Hamilton driver: `driver.Builder().….with_adapters(OdibiAdapter()).build()`.

Each call of `execute` or `materialize` is a run, each function of the graph that it needs a node. `AsyncOdibiAdapter`
is for drivers of `hamilton.async_driver`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from hamilton.caching.adapter import CachingEventType, HamiltonCacheAdapter
from hamilton.lifecycle import base

from odibi_core.checks.base import CheckResult
from odibi_core.engines.frame import is_frame
from odibi_core.integrations.base import PlannedNode, System, guarded
from odibi_core.integrations.host_node import HostNode
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, current_run

__all__ = ["AsyncOdibiAdapter", "OdibiAdapter"]

HAMILTON: Final = System("hamilton", "apache-hamilton", ("1.90",))


_MOST_MARKED: Final = 1_000
"""Nodes of a graph whose answers of the cache are recorded: Hamilton lists all of them for each question."""


class _Recorder:
    """The executions of a driver as runs, for the synchronous and the asynchronous adapter."""

    scoped = True
    """False if Hamilton calls a hook in another task than the function."""

    def __init__(
        self, name: str | None = None, *, tags: Mapping[str, Any] | None = None, partition: Any = None,
        store: Any = None,
    ) -> None:  # fmt: skip
        self._name = name
        self._details = HostDetails(tags=tags, partition=partition, store=store)
        self._begin_process()

    def _begin_process(self) -> None:
        self._runs: dict[str, tuple[HostRun, Any]] = {}
        """By id of Hamilton: the run, and the adapter of the cache if there is one."""
        self._open: dict[tuple[str, str | None, str], HostNode] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open runs here: a copy in a worker process records in the run of the process that started it."""
        return {"_name": self._name, "_details": self._details}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin_process()

    @guarded
    def start_run(
        self, run_id: str, graph: Any, final_vars: list[str], inputs: dict[str, Any], overrides: dict[str, Any]
    ) -> None:
        """Start the run, with the nodes that the execution needs as its plan."""
        params = {name: value for name, value in {**graph.config, **inputs}.items() if not is_frame(value)}
        details = self._details._replace(external_run_id=run_id, params=params)
        run = begin_run(HAMILTON, self._name or _name_of(graph), details)
        if run is None:
            return
        nodes = _plan_of(graph, final_vars, inputs, overrides)
        self._runs[run_id] = run, _cache_of(graph) if len(nodes) <= _MOST_MARKED else None
        run.plan(nodes)

    @guarded
    def start_node(self, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None) -> None:
        """Start a node."""
        run, _ = self._runs.get(run_id) or (current_run(), None)
        if run is None or node_.user_defined:
            return
        execution = run.node(_planned(node_, frozenset(kwargs)), kwargs, scoped=self.scoped).begin()
        if execution is not None:
            self._open[run_id, task_id, node_.name] = execution

    @guarded
    def end_node(
        self, run_id: str, node_: Any, success: bool, error: Exception | None, result: Any, task_id: str | None
    ) -> None:
        """End a node."""
        execution = self._open.pop((run_id, task_id, node_.name), None)
        if execution is None:
            return
        if not success:
            execution.fail(error)
            return
        _, cache = self._runs.get(run_id, (None, None))
        if cache is not None and _was_cached(cache, run_id, node_.name, task_id):
            execution.cached()
        if (checked := node_.tags.get("hamilton.data_quality.source_node")) is not None:
            execution.check(_check_of(node_.name, checked, result))
        execution.end(result)

    @guarded
    def end_run(self, run_id: str, success: bool, error: Exception | None) -> None:
        """End the run."""
        run, _ = self._runs.pop(run_id, (None, None))
        if run is not None:
            run.end(None if success else error or "the execution failed")


class OdibiAdapter(
    _Recorder, base.BasePreGraphExecute, base.BasePostGraphExecute, base.BasePreNodeExecute, base.BasePostNodeExecute
):
    """Records the executions of a `Driver`. It never raises, and changes no value.

    Args:
        name: Name of the pipeline; by default the names of the driver's modules.
        tags: Tags of the runs.
        partition: Logical date or partition of the runs.
        store: Folder of the record; by default `.odibi`, or the setting.
    """

    def pre_graph_execute(
        self, *, run_id: str, graph: Any, final_vars: list[str], inputs: dict[str, Any] | None,
        overrides: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Start the run."""
        self.start_run(run_id, graph, final_vars, inputs or {}, overrides or {})

    def pre_node_execute(self, *, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None = None) -> None:
        """Start a node."""
        self.start_node(run_id, node_, kwargs, task_id)

    def post_node_execute(
        self, *, run_id: str, node_: Any, kwargs: dict[str, Any], success: bool, error: Exception | None, result: Any,
        task_id: str | None = None,
    ) -> None:  # fmt: skip
        """End a node."""
        self.end_node(run_id, node_, success, error, result, task_id)

    def post_graph_execute(
        self, *, run_id: str, graph: Any, success: bool, error: Exception | None, results: dict[str, Any] | None
    ) -> None:
        """End the run."""
        self.end_run(run_id, success, error)


class AsyncOdibiAdapter(
    _Recorder, base.BasePreGraphExecuteAsync, base.BasePostGraphExecuteAsync, base.BasePreNodeExecuteAsync,
    base.BasePostNodeExecuteAsync,
):  # fmt: skip
    """Records the executions of an `AsyncDriver`, with the arguments of `OdibiAdapter`.

    Hamilton calls the hooks of a node outside of its task: lines of loggers belong to the run, and not to the node.
    """

    scoped = False

    async def pre_graph_execute(
        self, *, run_id: str, graph: Any, final_vars: list[str], inputs: dict[str, Any] | None,
        overrides: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Start the run."""
        self.start_run(run_id, graph, final_vars, inputs or {}, overrides or {})

    async def pre_node_execute(
        self, *, run_id: str, node_: Any, kwargs: dict[str, Any], task_id: str | None = None
    ) -> None:
        """Start a node."""
        self.start_node(run_id, node_, kwargs, task_id)

    async def post_node_execute(
        self, *, run_id: str, node_: Any, kwargs: dict[str, Any], success: bool, error: Exception | None, result: Any,
        task_id: str | None = None,
    ) -> None:  # fmt: skip
        """End a node."""
        self.end_node(run_id, node_, success, error, result, task_id)

    async def post_graph_execute(
        self, *, run_id: str, graph: Any, success: bool, error: Exception | None, results: dict[str, Any] | None
    ) -> None:
        """End the run."""
        self.end_run(run_id, success, error)


def _name_of(graph: Any) -> str:
    """Return the names of the modules of a graph, in the order of its functions."""
    modules = dict.fromkeys(
        function.__module__.rpartition(".")[2]
        for node in graph.nodes.values()
        for function in node.originating_functions or ()
    )
    return "-".join(modules) or "hamilton"


def _plan_of(graph: Any, final_vars: list[str], inputs: dict[str, Any], overrides: dict[str, Any]) -> list[PlannedNode]:
    """Return the nodes that an execution runs: neither inputs nor overrides, which are values."""
    needed, user_defined = graph.get_upstream_nodes(final_vars, {**graph.config, **inputs}, overrides)
    given = {node.name for node in user_defined} | overrides.keys()
    names = {node.name for node in needed if not node.user_defined} - given
    return [_planned(graph.nodes[node.name], names) for node in _ordered(needed) if node.name in names]


def _ordered(nodes: Any) -> list[Any]:
    """Return nodes so that each comes after its dependencies."""
    from graphlib import TopologicalSorter

    by_name = {node.name: node for node in sorted(nodes, key=lambda node: node.name)}
    sorter = TopologicalSorter({name: _dependencies(node) for name, node in by_name.items()})
    return [by_name[name] for name in sorter.static_order() if name in by_name]


def _dependencies(node: Any) -> list[str]:
    return [dependency.name for dependency in node.dependencies]


def _planned(node: Any, names: Collection[str]) -> PlannedNode:
    needed = [name for name in _dependencies(node) if name in names]
    functions = node.originating_functions or (node.callable,)
    return PlannedNode(
        node.name,
        inputs={name: name for name in needed},
        outputs={"out": node.name},
        depends_on=needed,
        function=functions[0],
    )


def _cache_of(graph: Any) -> Any:
    """Return the adapter of the cache of a graph's driver; None without one."""
    adapters = getattr(graph.adapter, "adapters", ())
    return next((adapter for adapter in adapters if isinstance(adapter, HamiltonCacheAdapter)), None)


def _was_cached(cache: Any, run_id: str, node: str, task_id: str | None) -> bool:
    events = cache.logs(run_id).get((node, task_id) if task_id else node, ())
    return any(event.event_type is CachingEventType.GET_RESULT for event in events)


def _check_of(name: str, checked: str, result: Any) -> CheckResult:
    """Return the result of a validator of `@check_output`."""
    return CheckResult(
        check=name.removeprefix(f"{checked}_"), column=None, passed=bool(result.passes), failed_rows=None,
        total_rows=None, severity="error", message=str(result.message), examples=[],
    )  # fmt: skip
