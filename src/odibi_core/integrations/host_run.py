"""`HostRun`: the record of a run that another system drives, by the callbacks of that system."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from odibi_core import private_files
from odibi_core.errors import is_failure
from odibi_core.events import context, kinds, sanitize_text
from odibi_core.events.context import Context
from odibi_core.events.failure import describe_failure
from odibi_core.integrations.base import Number, PlannedNode, System, guarded
from odibi_core.integrations.host_log import RunHandler
from odibi_core.integrations.host_node import HostNode
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.observer import Observer, active
from odibi_core.runtime.run_context import purpose_of, run_context
from odibi_core.settings import read_settings
from odibi_core.store.segments import safe_name

__all__ = ["NO_DETAILS", "HostDetails", "HostRun", "begin_run", "current_run", "join_run", "shared_run_id"]


class HostDetails(NamedTuple):
    """The run as its host knows it: its id and its page there, and its purpose for the record."""

    external_run_id: str | None = None
    external_url: str | None = None
    params: Mapping[str, Any] | None = None
    tags: Mapping[str, Any] | None = None
    partition: str | date | None = None
    store: str | Path | Literal[False] | None = None
    selection: Mapping[str, Any] | None = None
    """The options by which the user left out nodes, so that the run is not compared with runs of all; None for all."""


NO_DETAILS: Final = HostDetails()


class HostRun:
    """A run of a host in this process. No method raises.

    Args:
        observer: The observer of the record.
        prefix: Put before the names of nodes, if the nodes belong to the run of another host or program.
        owns: True if the end of this run is the end of the record.
        is_shared: True if other processes record the run too, each of which may end it.
    """

    def __init__(self, observer: Observer, *, prefix: str = "", owns: bool = True, is_shared: bool = False) -> None:
        self.observer = observer
        self._prefix = prefix
        self._owns = owns
        self._is_shared = is_shared
        self.is_first = not is_shared
        """True if this process published the start of the run."""
        self._makers: dict[str, str] = {}
        self._planned: dict[str, PlannedNode] = {}
        self._has_threads = False

    @cached_property
    def lines(self) -> RunHandler:
        """The handler that copies records of `logging` into the record of the run."""
        return RunHandler(self.observer)

    @property
    def run_id(self) -> str:
        """The id of the run in the record."""
        return self.observer.run_id

    @guarded
    def plan(self, nodes: Iterable[PlannedNode]) -> None:
        """Publish the plan, or more of it: all nodes before the first one begins."""
        named = [self._named(node) for node in nodes]
        for node in named:
            self._planned[node.name] = node
            self._makers.update(dict.fromkeys(node.outputs.values(), node.name))
        self.observer.record.plan(map(self._row_of, named))

    def node(
        self, node: PlannedNode | str, given: Mapping[str, Any] | None = None, *, scoped: bool = True,
        began: float | None = None, attempt: int | Number = 1,
    ) -> HostNode:  # fmt: skip
        """Return an execution of a node, which `begin` starts; a name is that of a planned node, or of a new one.

        `given`, `scoped`, `began` and `attempt` are those of `HostNode`.
        """
        planned = self._named(PlannedNode(node) if isinstance(node, str) else node)
        planned = self._planned.get(planned.name, planned)
        return HostNode(self, planned, dict(given or {}), scoped=scoped, began=began, attempt=attempt)

    def context_of(self, name: str) -> Context:
        """Return the context in which lines, files and nested runs belong to a node, for work before it starts."""
        return context.current().at_node(self.run_id, sanitize_text(f"{self._prefix}{name}"))

    @guarded
    def skip(self, name: str, reason: str, because_of: str | None = None, *, is_wanted: bool = False) -> None:
        """Publish that a node does not run, and the node that is the reason."""
        own = f"{self._prefix}{name}"
        cause = None if because_of is None else f"{self._prefix}{because_of}"
        layer = self._planned[own].layer if own in self._planned else None
        events = NodeEvents(self.observer.bus, self.run_id, own, layer)
        events.skipped(reason, cause, is_wanted=is_wanted)

    @guarded
    def end(self, error: BaseException | str | None = None, *, status: str | None = None, **about: Any) -> None:
        """End the run: as failed or cancelled with an error, else as succeeded, or with the status of the host.

        A run inside the record of another one ends with that one.
        """
        self.leave_threads()
        if not self._owns or not self._is_first("ended"):
            return
        if isinstance(error, BaseException):
            status = status or ("failed" if is_failure(error) else "cancelled")
            about |= describe_failure(error)
        elif error is not None:
            status, about["error"] = status or "failed", error
        self.observer.end(status or "success", about)

    @guarded
    def leave(self) -> None:
        """Close the part of this process in a run that other processes continue."""
        self.leave_threads()
        if self._owns:
            self.observer.record.leave()

    def _is_first(self, step: str) -> bool:
        """Return whether this process is the first one to take a step of the run that is taken once."""
        folder = self.observer.path
        return not self._is_shared or folder is None or private_files.create_atomic(folder / step, b"")

    @guarded
    def ended_elsewhere(self) -> set[tuple[str, int | None]]:
        """Return the executions whose end another process has published: the name of the node, and the call."""
        store = self.observer.store
        events = () if store is None else store.read(self.run_id)
        return {
            (event.node_name or "", event.fields.get("call"))
            for event in events
            if event.event_type in (kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.NODE_SKIPPED)
        }

    def stop(self, reason: BaseException) -> None:
        """Leave a run that others continue, because a signal ends this process."""
        self.leave()

    def enter_threads(self) -> None:
        """Let threads of this process that are in no run belong to this one, and copy the records of `logging`.

        The level of the root logger stays, because its other handlers would get more records.
        """
        self._has_threads = True
        self.observer.attach()
        logging.getLogger().addHandler(self.lines)

    def leave_threads(self) -> None:
        """End `enter_threads`; without it, do nothing."""
        if self._has_threads:
            self._has_threads = False
            logging.getLogger().removeHandler(self.lines)
            self.observer.detach()

    def is_planned(self, name: str) -> bool:
        """Return whether the plan that was published has a node."""
        return name in self._planned

    def maker_of(self, dataset: str) -> str:
        """Return the node that makes a dataset; the dataset itself if no planned node does."""
        return self._makers.get(dataset, dataset)

    def _named(self, node: PlannedNode) -> PlannedNode:
        if not self._prefix:
            return node
        prefix = self._prefix
        return node._replace(
            name=f"{prefix}{node.name}",
            inputs={name: f"{prefix}{key}" for name, key in node.inputs.items()},
            outputs={name: f"{prefix}{key}" for name, key in node.outputs.items()},
            depends_on=[f"{prefix}{name}" for name in node.depends_on],
        )

    def _row_of(self, node: PlannedNode) -> dict[str, Any]:
        source = {} if node.function is None else self.observer.sources.of_function(node.function)
        return {
            "name": node.name, "type": node.type, "layer": node.layer, "inputs": dict(node.inputs),
            "outputs": dict(node.outputs), "depends_on": list(node.depends_on), **source, **node.about,
        }  # fmt: skip


@guarded
def begin_run(system: System, name: str, about: HostDetails = NO_DETAILS) -> HostRun:
    """Start the record of a run of a host; return None if that fails, after a line in the log.

    Inside the run of another host, or of `observe`, the nodes belong to that run, under the name of its node.
    """
    system.check()
    outer = active()
    if outer is not None:
        here = context.current()
        return HostRun(outer, prefix=f"{here.node_name or name}.", owns=False)
    observer = _observer(name, about, None)
    observer.start(**_host_fields(system, about))
    run = HostRun(observer)
    run.enter_threads()
    return run


@guarded
def current_run() -> HostRun | None:
    """Return the run that this code belongs to: in a worker process, that of the process which started it."""
    observer = active()
    return None if observer is None else HostRun(observer, owns=False)


@guarded
def join_run(
    system: System, name: str, began: datetime, key: str, about: HostDetails = NO_DETAILS, *, scoped: bool = True
) -> HostRun:
    """Join a run that several processes of the host record, none of which lives as long as the run.

    Its id follows from the arguments, so each process computes the same one. The first that joins publishes its start.
    Call `leave` when the process has done its part, and `end` where the host ends the run.

    Args:
        system: The host.
        name: Name of the run's pipeline.
        began: The time of the run in the host, the same for all its processes.
        key: The id of the run in the host.
        about: More about the run.
        scoped: False in a process that does no work of the run, such as a scheduler.
    """
    system.check()
    observer = _observer(name, about, shared_run_id(name, began, f"{system.name}:{key}"))
    run = HostRun(observer, is_shared=True)
    observer.open(run.stop)
    run.is_first = run._is_first("started")
    if run.is_first:
        fields = run_context(observer.purpose, observer.settings.run)
        observer.record.start(outlives_process=True, **fields, **_host_fields(system, about))
    if scoped:
        run.enter_threads()
    return run


def shared_run_id(name: str, began: datetime, key: str) -> str:
    """Return the id of a run by its time, its pipeline and the key of its host, as `RunStore.new_run_id` forms one."""
    moment = began.astimezone(UTC) if began.tzinfo else began.replace(tzinfo=UTC)
    end = f"{moment.microsecond:05x}{sha256(key.encode('utf-8', 'replace')).hexdigest()[:6]}"
    return f"{moment:%Y%m%dT%H%M%S}-{safe_name(name, 40)}-{end}"


def _observer(name: str, about: HostDetails, run_id: str | None) -> Observer:
    settings = read_settings(store={"dir": about.store or None})
    purpose = purpose_of(about.params, about.tags, about.partition, settings.run)
    return Observer(name, store=about.store, settings=settings, purpose=purpose, run_id=run_id)


def _host_fields(system: System, about: HostDetails) -> dict[str, Any]:
    fields = {
        "integration": system.name, "integration_version": system.version(),
        "external_run_id": about.external_run_id, "external_url": about.external_url,
    }  # fmt: skip
    return fields if about.selection is None else {**fields, "selection": dict(about.selection)}
