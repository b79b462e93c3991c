"""`HostNode`: one execution of a node of a host, from the callback before it to the callback after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.checks.base import CheckResult
from odibi_core.events import context
from odibi_core.integrations.base import Number, PlannedNode, guarded
from odibi_core.runtime import node_span
from odibi_core.runtime.node_decorator import ObservedCall
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.observer import activate
from odibi_core.runtime.producer_index import Link

if TYPE_CHECKING:
    from odibi_core.integrations.host_run import HostRun


class HostNode(ObservedCall):
    """Records one execution of a node. No method raises, and a method after the end does nothing.

    Between `begin` and the end, lines of loggers, accesses to files and nested runs belong to the node, in the thread
    or task that called `begin`.

    Args:
        run: The run.
        planned: The node.
        given: The values that it takes, by parameter.
        scoped: False if the host calls back outside of the thread or task that does the work.
        began: The time at which it began, by the monotonic clock, if that is not now.
        attempt: The number of the attempt, if another process made the earlier ones; a `Number` if several processes
            continue the executions of each other.
    """

    def __init__(
        self, run: HostRun, planned: PlannedNode, given: dict[str, Any], *, scoped: bool = True,
        began: float | None = None, attempt: int | Number = 1,
    ) -> None:  # fmt: skip
        super().__init__(run.observer, (planned.name, planned.layer, planned.function), given)
        self._run, self._planned, self._scoped, self._began_at = run, planned, scoped, began
        self._number = attempt if isinstance(attempt, Number) else None
        self._is_open = False
        self._is_inside = False
        self._attempt = attempt.attempt if isinstance(attempt, Number) else attempt

    @guarded
    def begin(self) -> HostNode:
        """Publish the start, and the frames that the node takes; return the node."""
        self._is_open = True
        self._safely(self._begin)
        if self._events is None:
            self._is_open = False
            return self
        self._inside = node_span.inside(self._events.context)
        self.enter()
        return self

    def enter(self) -> None:
        """Let this thread or task work for the node, again after `leave`; without `scoped`, do nothing."""
        if not self._is_open or not self._scoped or self._inside is None:
            return
        self._outside = context.current()
        context.put(self._inside)
        self._bus_before, self._observer_before = context.bus_here.get(), activate(self._observer)
        context.bus_here.set(self._observer.bus)
        self._is_inside = True

    def leave(self) -> None:
        """Restore the context of the thread or task from before `enter`; the node stays open."""
        if self._is_inside:
            self._is_inside = False
            context.put(self._outside)
            context.bus_here.set(self._bus_before)
            activate(self._observer_before)

    @guarded
    def take(self, given: Mapping[str, Any]) -> None:
        """Publish the frames that the node takes, if they are known only after its start."""
        if self._is_open and self._events is not None:
            taken = self._taken_of(dict(given))
            self._plan([link for _, _, link in taken if link is not None], {})
            self._take_frames(self._events, taken)

    @guarded
    def needs(self, parameter: str, node: str) -> None:
        """Publish that the node takes the result of another one, whose value is not seen here."""
        if self._is_open:
            self._planned = self._planned._replace(inputs={**self._planned.inputs, parameter: node})
            self._plan([Link(parameter, node, node, False)], {})

    @guarded
    def take_over(self, duration_s: float | None = None) -> HostNode:
        """Continue an execution that another process began, to publish its end; return the node."""
        observer = self._observer
        self._events = NodeEvents(observer.bus, observer.run_id, self._name, self._layer, **self._numbers(1))
        self._events.ran_elsewhere(self._attempt, duration_s)
        self._scoped, self._is_open = False, True
        return self

    @guarded
    def end(self, result: Any = None, *, rows: int | None = None) -> None:
        """Publish the frames of the result, and the success; `rows` is the number of rows if there is no frame."""
        if self._close():
            self._rows_reported = rows
            self.finish(result=result)

    @guarded
    def fail(self, error: BaseException | str | None, *, cancelled: bool | None = None) -> None:
        """Publish the failure: an exception, or the text that the host reports."""
        if not self._close() or self._events is None:
            return
        if isinstance(error, BaseException):
            self._events.failed(error, cancelled=cancelled)
        else:
            self._events.failed_elsewhere(error, None, cancelled=cancelled)
        self._events = None

    @guarded
    def skip(self, reason: str, because_of: str | None = None) -> None:
        """Publish that the execution does no work, and the node that is the reason."""
        if self._close() and self._events is not None:
            self._events.skipped(reason, because_of)
            self._events = None

    @guarded
    def leave_open(self) -> None:
        """Leave the execution open: the host goes on with it in another process, or runs it again."""
        self._close()
        self._events = None

    @guarded
    def retry(self, error: BaseException, delay_s: float, max_attempts: int | None) -> None:
        """Publish that an attempt failed and that the host makes another one: the node stays open.

        Args:
            error: The error of the attempt.
            delay_s: Seconds until the next attempt.
            max_attempts: The most attempts; None if the host does not report it.
        """
        if self._is_open and self._events is not None:
            self._events.retry(self._events.attempts, error, delay_s, max_attempts)

    @guarded
    def cached(self, key: str | None = None) -> None:
        """Publish that the result comes from the cache of the host."""
        if self._is_open and self._events is not None:
            self._events.cached(True, {} if key is None else {"cache_key": key})

    @guarded
    def check(self, result: CheckResult, duration_ms: float = 0.0) -> None:
        """Publish the result of a check of the host."""
        if self._is_open and self._events is not None:
            self._events.check(result, duration_ms)

    @guarded
    def note(self, **fields: Any) -> None:
        """Add fields to the events of the node from here on, such as its end."""
        if self._is_open and self._events is not None:
            self._events.note(fields)

    @property
    def name(self) -> str:
        """The name of the node in the record."""
        return self._name

    def _close(self) -> bool:
        """Leave the node for good; return False if it is not open."""
        was_open, self._is_open = self._is_open, False
        self.leave()
        return was_open

    _rows_reported: int | None = None

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        if self._events is not None:
            self._safely(self._end, error, partial, result)
        self._columns = None

    def _made(self, events: NodeEvents, result: Any, found: list[tuple[str, Any]]) -> int | None:
        rows = super()._made(events, result, found)
        return self._rows_reported if rows is None else rows

    def _identity(self) -> Any:
        return HostNode  # the name alone is the identity: a host may make its functions anew

    def _start(self, events: NodeEvents) -> None:
        events.start(began=self._began_at)
        events.attempts = self._attempt

    def _numbers(self, call: int) -> dict[str, Any]:
        return super()._numbers(call) if self._number is None else self._number.fields()

    def _link_of(self, path: str, value: Any) -> Link | None:
        dataset = _declared(self._planned.inputs, path)
        if dataset is None:
            return super()._link_of(path, value)
        return Link(path, dataset, self._run.maker_of(dataset), False)

    def _dataset(self, path: str) -> str:
        outputs = self._planned.outputs
        return _declared(outputs, path.removeprefix(".")) or f"{outputs.get('out', self._name)}{path}"

    def _plan(self, links: list[Link], outputs: dict[str, str]) -> None:
        if not self._run.is_planned(self._planned.name):
            super()._plan(links, outputs)


def _declared(datasets: Mapping[str, str], path: str) -> str | None:
    """Return the dataset at a path that begins with a declared name; None if none is declared."""
    for name, dataset in datasets.items():
        rest = path.removeprefix(name)
        if path.startswith(name) and rest[:1] in ("", ".", "["):
            return f"{dataset}{rest}"
    return None
