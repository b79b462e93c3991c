"""Riding along: functions that something else calls are recorded as the nodes of a run."""

from __future__ import annotations

import functools
import inspect
import logging
import weakref
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from odibi_core.engines.frame import Description, is_frame, row_count
from odibi_core.errors import STOPS
from odibi_core.events import context, kinds
from odibi_core.events.context import Context
from odibi_core.runtime.node_events import NodeEvents, compared
from odibi_core.runtime.observer import Observer, active
from odibi_core.runtime.producer_index import MAX_FRAMES, Link, ProducerIndex, frames_in
from odibi_core.wrapping.callables import decorate, name_of
from odibi_core.wrapping.calls import UNOBSERVED, CallObserver, wrap_callable

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("odibi_core")


@overload
def node(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def node(
    *, name: str | None = None, layer: str = "transform"
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def node(function: Any = None, /, *, name: str | None = None, layer: str = "transform") -> Any:
    """Record each call of a function as a node: its time, its frames before and after, its failure.

    Plain or with arguments, on functions, methods, coroutines, generators and anything else that can be called:
    `@node`, `@node(name="clean", layer="transform")`. The function behaves as before. If it takes what another node
    returned, also in a list, a tuple or a dict, that is an edge of the lineage; a probable one if it takes a view or a
    copy of it. A function that is called again is the same node, with a count. A generator is a node while it is
    consumed, from the first value asked for to the last, and failed if it raises half-way. Outside `with observe(…)`
    nothing is recorded.
    """
    if function is None or isinstance(function, str):
        return functools.partial(_decorate, name=name or function, layer=layer)
    return _decorate(function, name, layer)


def _decorate(function: Any, name: str | None, layer: str) -> Any:
    return decorate(
        function, lambda inner: _recorded(inner, name or name_of(inner).rpartition(".")[2], layer)
    )


def _recorded(function: Callable[..., Any], name: str, layer: str) -> Callable[..., Any]:
    signature = _signature_of(function)

    def begin(
        args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[CallObserver, tuple[Any, ...], dict[str, Any]]:
        observer = active()
        if observer is None:
            return UNOBSERVED, args, kwargs
        return _Call(observer, (name, layer, function), _given(signature, args, kwargs)), args, kwargs

    return wrap_callable(function, begin)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature, where Python knows one: of some built-in functions and classes it does not."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _given(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments by the names of the parameters; by their places where the signature does not tell."""
    try:
        if signature is not None:
            return dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError:  # the call fails with the same error
        pass
    return {**{f"argument {place}": value for place, value in enumerate(args, 1)}, **kwargs}


class _Call(CallObserver):
    """Records one call as a node. If recording fails, the failure is logged and the function goes on."""

    def __init__(
        self, observer: Observer, node: tuple[str, str, Callable[..., Any]], given: dict[str, Any]
    ) -> None:
        self._observer, self._index = observer, _index(observer)
        self._name, self._layer, self._function = node
        self._given = given
        self._record: NodeEvents | None = None
        self._inside: Context | None = None
        self._rows: int | None = None
        self._sample: Description | None = None
        self._flowing = False

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

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> None:
        context.put(self._outside)
        if self._record is not None:
            self._safely(self._end, error, partial, result)

    def _safely(self, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except STOPS:
            raise
        except BaseException:
            _log.exception("a call of %s is not recorded, or not all of it", self._name)

    def _begin(self) -> None:
        observer, index = self._observer, self._index
        name, number = index.begin_call(self._name, self._function)
        self._name = name
        taken = [
            (path, value, index.link_of(path, value, name))
            for parameter, given in self._given.items()
            for path, value in frames_in(given, parameter)
        ]
        self._given = {}
        self._plan([link for _, _, link in taken if link is not None], {"out": name} if number == 1 else {})
        record = NodeEvents(observer.bus, observer.run_id, name, self._layer, call=number)
        record.start()
        self._record, self._inside = record, record.context
        frames = [(path, value, link) for path, value, link in taken if is_frame(value)]
        for path, value, link in frames[:MAX_FRAMES]:
            dataset = f"{name}.{path}" if link is None or link.probable else link.dataset
            self._describe_taken(record, dataset, value)

    def _plan(self, links: list[Link], outputs: dict[str, str]) -> None:
        plan = self._index.plan(self._name, links, outputs)
        if plan is not None:
            self._observer.say(kinds.PIPELINE_PLAN, level="debug", steps=[{**plan, "layer": self._layer}])

    def _take(self, item: Any) -> None:
        """A generator's frames are those of its node, and its rows theirs; what is no frame is a row itself."""
        rows: int | None = 1
        if is_frame(item):
            description = self._observer.descriptions.described(item)
            self._index.remember(item, self._name, self._name, description)
            self._sample, rows = self._sample or description, row_count(item)
        self._rows = None if rows is None or self._rows is None else self._rows + rows

    def _end(self, error: BaseException | None, partial: bool, result: Any) -> None:
        record = self._record
        assert record is not None
        if error is not None:
            record.failed(error)
            return
        if not self._flowing:
            self._rows = self._made(record, result)
        elif self._sample is not None:
            record.snapshot("after", self._name, self._sample.but(row_count=self._rows))
        record.complete(self._rows, partial=partial)

    def _made(self, record: NodeEvents, result: Any) -> int | None:
        """Remember and describe what the function returned: one frame, or those in a container. Return their rows."""
        found = [(path, value) for path, value in frames_in(result, "") if is_frame(value)][:MAX_FRAMES]
        if not any(path for path, _ in found):
            self._describe_made(record, self._name, result)
            return row_count(result)
        self._plan([], {path.lstrip("."): f"{self._name}{path}" for path, _ in found})
        for path, value in found:
            self._describe_made(record, f"{self._name}{path}", value)
        rows = [row_count(value) for _, value in found]
        return None if None in rows else sum(filter(None, rows))

    def _describe_taken(self, record: NodeEvents, dataset: str, value: Any) -> None:
        """As it is now: code between the nodes may have changed it in place since it was made."""
        known, description = self._index.description_of(value), self._observer.descriptions.described(value)
        if known is not None:
            description = compared(known, description)
        if description is not None:
            record.snapshot("before", dataset, description)

    def _describe_made(self, record: NodeEvents, dataset: str, value: Any) -> None:
        description = self._observer.descriptions.described(value)
        self._index.remember(value, dataset, self._name, description)
        if description is not None:
            record.snapshot("after", dataset, description)


_indexes: weakref.WeakKeyDictionary[Observer, ProducerIndex] = weakref.WeakKeyDictionary()


def _index(observer: Observer) -> ProducerIndex:
    return _indexes.setdefault(observer, ProducerIndex())
