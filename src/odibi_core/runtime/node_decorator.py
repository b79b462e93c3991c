"""`@node`: records the calls of a function as a node of the observed run."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from odibi_core.engines.frame import Description, is_frame, row_count
from odibi_core.engines.lineage.base import FrameColumns
from odibi_core.errors import STOPS
from odibi_core.events import context
from odibi_core.events.context import Context
from odibi_core.runtime.call_columns import CallColumns
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.observer import Observer, active
from odibi_core.runtime.producer_index import MAX_FRAMES, Link, frames_in
from odibi_core.runtime.row_events import Frames, heights_of
from odibi_core.wrapping.callables import decorate, name_of
from odibi_core.wrapping.calls import UNOBSERVED, CallObserver, wrap_callable

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("odibi_core")


@overload
def node(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def node(*, name: str | None = None, layer: str = "transform") -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def node(function: Any = None, /, *, name: str | None = None, layer: str = "transform") -> Any:
    """Record each call of a function as a node: its duration, its frames before and after, its failure.

    `@node` and `@node(name="clean", layer="transform")` decorate functions, methods, coroutines, generators and other
    callables, which behave as before. Outside `with observe(…)` nothing is recorded.

    - An argument that another node returned is an edge of the lineage, also inside a list, a tuple or a dict. A view or
      a copy of it is a probable edge.
    - Further calls of a function belong to the same node, with a count.
    - The columns of its frame that have the values of columns which it took are the lineage of its columns.
    - A generator is a node from the first value that is requested to the last; if it raises, the node failed.

    Args:
        function: The function to decorate.
        name: Name of the node; that of the function by default.
        layer: Layer of the node.
    """
    if function is None or isinstance(function, str):
        return functools.partial(_decorate, name=name or function, layer=layer)
    return _decorate(function, name, layer)


def _decorate(function: Any, name: str | None, layer: str) -> Any:
    return decorate(function, lambda inner: _recorded(inner, name or name_of(inner).rpartition(".")[2], layer))


def _recorded(function: Callable[..., Any], name: str, layer: str) -> Callable[..., Any]:
    signature = _signature_of(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[CallObserver, tuple[Any, ...], dict[str, Any]]:
        observer = active()
        if observer is None:
            return UNOBSERVED, args, kwargs
        return ObservedCall(observer, (name, layer, function), _given(signature, args, kwargs)), args, kwargs

    return wrap_callable(function, begin)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature; None for some built-in functions and classes."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _given(signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by the names of their parameters, or by their positions without a signature."""
    try:
        if signature is not None:
            return dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError:  # the call fails with the same error
        pass
    return {**{f"argument {place}": value for place, value in enumerate(args, 1)}, **kwargs}


class ObservedCall(CallObserver):
    """Records one call as a node. If recording fails, the failure is logged and the function continues.

    A statement of a recorded script is such a call too (`recording.statement_call`).
    """

    def __init__(self, observer: Observer, node: tuple[str, str, Callable[..., Any]], given: dict[str, Any]) -> None:
        self._observer, self._index = observer, observer.producers
        self._name, self._layer = node[:2]
        self._function: Any = node[2]
        self._given = given
        self._events: NodeEvents | None = None
        self._inside: Context | None = None
        self._rows: int | None = None
        self._sample: Description | None = None
        self._flowing = False
        self._joined: dict[str, tuple[str, Any]] = {}
        self._taken: dict[str, tuple[str, Any]] = {}
        self._heights: dict[str, int] = {}
        self._columns: CallColumns | None = None
        self._flowing_columns: FrameColumns | None = None

    def start_generator(self) -> None:
        self._flowing, self._rows = True, 0

    def resume(self) -> None:
        self._outside = context.current()
        if self._inside is None:
            self._inside = self._outside
            self._safely(self._begin)
        context.put(self._inside)

    def suspend(self) -> None:
        self._inside = context.current()
        context.put(self._outside)

    def yielded(self, item: Any) -> None:
        self._safely(self._take, item)

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        context.put(self._outside)
        if self._events is not None:
            self._safely(self._end, error, partial, result)
        self._columns = None

    def _safely(self, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except STOPS:
            raise
        except BaseException:
            _log.exception("a call of %s is not recorded completely", self._name)

    def _begin(self) -> None:
        observer = self._observer
        name, number = self._index.begin_call(self._name, self._identity())
        self._name = name
        taken, self._given = self._taken_of(self._given), {}
        self._plan([link for _, _, link in taken if link is not None], {"out": name} if number == 1 else {})
        overhead = observer.record.overhead
        events = NodeEvents(
            observer.bus, observer.run_id, name, self._layer, overhead=overhead, **self._numbers(number)
        )
        self._start(events)
        self._events, self._inside = events, events.context
        self._take_frames(events, taken)
        if observer.record.files is not None:
            observer.record.files.include([self._function])

    def _taken_of(self, given: dict[str, Any]) -> list[tuple[str, Any, Link | None]]:
        """Return the values in arguments with their paths and origins."""
        return [
            (path, value, self._link_of(path, value))
            for parameter, each in given.items()
            for path, value in frames_in(each, parameter)
        ]

    def _take_frames(self, events: NodeEvents, taken: list[tuple[str, Any, Link | None]]) -> None:
        """Describe the frames that the call takes, and keep what is compared with its result."""
        observer = self._observer
        frames = [(path, value, link) for path, value, link in taken if is_frame(value)]
        taken_by_key: dict[str, tuple[str, Any]] = {}
        for path, value, link in frames[:MAX_FRAMES]:
            dataset = f"{self._name}.{path}" if link is None or link.probable else link.dataset
            self._describe_taken(events, dataset, value)
            taken_by_key[path] = dataset, value
        if len(taken_by_key) > 1 and observer.joins is not None:
            self._joined = taken_by_key
        if taken_by_key and observer.rows is not None and not self._flowing:
            self._taken = taken_by_key
            self._heights = heights_of({path: value for path, (_, value) in taken_by_key.items()})
        self._columns = observer.columns.before(events, self._name, taken_by_key)

    def _identity(self) -> Any:
        """Return the function, all calls of which are one node."""
        return self._function

    def _numbers(self, call: int) -> dict[str, Any]:
        """Return the fields that number this execution of the node, the `call`th in this process."""
        return {"call": call}

    def _link_of(self, path: str, value: Any) -> Link | None:
        """Return the origin of a value that the call takes."""
        return self._index.link_of(path, value, self._name)

    def _dataset(self, path: str) -> str:
        """Return the key of a frame that the call returned, by its path in the result."""
        return f"{self._name}{path}"

    def _plan(self, links: list[Link], outputs: dict[str, str]) -> None:
        plan = self._index.plan(self._name, links, outputs)
        if plan is not None:
            self._observer.record.plan([{**plan, "layer": self._layer, **self._source_fields()}])

    def _start(self, events: NodeEvents) -> None:
        events.start()

    def _source_fields(self) -> dict[str, Any]:
        """Return the fields of the source in the plan."""
        return self._observer.sources.of_function(self._function)

    def _take(self, item: Any) -> None:
        """Count the rows of a frame that a generator yields; any other value is one row."""
        rows: int | None = 1
        if is_frame(item):
            description = self._observer.descriptions.described(item)
            self._index.remember(item, self._name, self._name, description)
            if self._sample is None and description is not None and self._columns is not None:
                self._flowing_columns = self._columns.of(item, description.columns())
            self._sample, rows = self._sample or description, row_count(item)
        self._rows = None if rows is None or self._rows is None else self._rows + rows

    def _end(self, error: BaseException | None, partial: bool, result: Any) -> None:
        events = self._events
        assert events is not None
        if error is not None:
            self._taken = {}
            events.failed(error)
            return
        if not self._flowing:
            found = [(path, value) for path, value in frames_in(result, "") if is_frame(value)][:MAX_FRAMES]
            self._rows = self._made(events, result, found)
            self._match(events, result)
            self._compare(events, found)
        elif self._sample is not None:
            events.snapshot("after", self._name, self._sample.but(row_count=self._rows))
            if self._columns is not None and self._flowing_columns is not None:
                self._columns.report(self._name, self._flowing_columns)
        events.complete(self._rows, partial=partial)

    def _match(self, events: NodeEvents, result: Any) -> None:
        """Measure the joins of the frames that the function took, and release them."""
        joined, self._joined = self._joined, {}
        if joined and self._observer.joins is not None:
            made = [value for _, value in frames_in(result, "")][:MAX_FRAMES]
            self._observer.joins.of_step(events, joined, made, self._function)

    def _compare(self, events: NodeEvents, found: list[tuple[str, Any]]) -> None:
        """Compare the rows of the frames that the function took and returned, and release them."""
        taken, self._taken = self._taken, {}
        if taken and self._observer.rows is not None:
            made = {self._dataset(path): value for path, value in found}
            inputs = {path: value for path, (_, value) in taken.items()}
            keys = {path: key for path, (key, _) in taken.items()}
            frames = Frames(self._name, inputs, keys, self._heights, made, self._function)
            self._observer.rows.of_step(events, frames)

    def _made(self, events: NodeEvents, result: Any, found: list[tuple[str, Any]]) -> int | None:
        """Describe the frames that the function returned, also in a container; return their rows."""
        if not any(path for path, _ in found):
            self._describe_made(events, self._dataset(""), result)
            return row_count(result)
        self._plan([], {path.lstrip("."): self._dataset(path) for path, _ in found})
        for path, value in found:
            self._describe_made(events, self._dataset(path), value)
        rows = [row_count(value) for _, value in found]
        return None if None in rows else sum(filter(None, rows))

    def _describe_taken(self, events: NodeEvents, dataset: str, value: Any) -> None:
        """Describe a frame again, because code between the nodes may have changed it in place."""
        description = self._observer.descriptions.again(self._index.description_of(value), value)
        if description is not None:
            events.snapshot("before", dataset, description)

    def _describe_made(self, events: NodeEvents, dataset: str, value: Any) -> None:
        description = self._observer.descriptions.described(value)
        self._index.remember(value, dataset, self._name, description)
        if description is not None:
            events.snapshot("after", dataset, description)
            if self._columns is not None:
                self._columns.report(dataset, self._columns.of(value, description.columns()))
