"""Riding along: functions that something else calls are recorded as the nodes of a run."""

from __future__ import annotations

import functools
import inspect
import logging
import weakref
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar, overload

from odibi_core.callables import name_of, over
from odibi_core.engines.frame import Description, is_frame, row_count
from odibi_core.errors import STOPS
from odibi_core.events import context, kinds
from odibi_core.events.clock import process_id
from odibi_core.events.context import Context
from odibi_core.flows import Arguments, CallObserver, Unobserving, wrap_callable
from odibi_core.node_record import NodeRecord
from odibi_core.observer import Observer, active

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
    `@node`, `@node(name="clean", layer="transform")`. The function behaves as before; whose result it takes becomes an
    edge of the lineage. A generator is a node while it is consumed, from the first value asked for to the last, and
    failed if it raises half-way. Outside `with observe(…)` it is the plain function, and nothing is recorded.
    """
    if function is None or isinstance(function, str):
        return functools.partial(_decorate, name=name or function, layer=layer)
    return _decorate(function, name, layer)


def _decorate(function: Any, name: str | None, layer: str) -> Any:
    return over(
        function, lambda inner: _recorded(inner, name or name_of(inner).rpartition(".")[2], layer)
    )


def _recorded(function: Callable[..., Any], name: str, layer: str) -> Callable[..., Any]:
    signature = _signature_of(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[CallObserver, Arguments]:
        observer = active()
        if observer is None:
            return _NOT_RECORDED, (args, kwargs)
        return _Call(observer, name, layer, _given(signature, args, kwargs)), (args, kwargs)

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


class _Call(Unobserving):
    """Records one call as a node. If recording fails, the failure is logged and the function goes on."""

    def __init__(self, observer: Observer, name: str, layer: str, given: dict[str, Any]) -> None:
        self._observer, self._name, self._layer, self._given = observer, name, layer, given
        self._record: NodeRecord | None = None
        self._inside: Context | None = None
        self._rows: int | None = None
        self._sample: Description | None = None
        self._flowing = False

    def flowing(self) -> None:
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
        observer, given = self._observer, self._given
        name = self._name = _book(observer).name_of_call(self._name)
        if not observer.is_owner:  # each worker counts its own calls, and two must not share a name
            name = self._name = f"{name} in process {process_id()}"
        makers = {
            parameter: maker
            for parameter, value in given.items()
            if (maker := _book(observer).maker_of(value))
        }
        step = {
            "name": name, "layer": self._layer, "type": "function", "inputs": makers, "outputs": {"out": name},
            "depends_on": list(dict.fromkeys(makers.values())),
        }  # fmt: skip
        observer.say(kinds.PIPELINE_PLAN, level="debug", steps=[step])
        record = NodeRecord(observer.bus, observer.run_id, name, self._layer)
        self._record, self._inside = record, record.context
        for parameter, value in given.items():
            self._tell(record, "before", makers.get(parameter, f"{name}.{parameter}"), value)
        self._given = {}

    def _take(self, item: Any) -> None:
        """A generator's frames are those of its node, and its rows theirs; what is no frame is a row itself."""
        rows: int | None = 1
        if is_frame(item):
            _book(self._observer).remember(item, self._name)
            rows = row_count(item)
            self._sample = self._sample or self._observer.descriptions.after(self._name, item)
        self._rows = None if rows is None or self._rows is None else self._rows + rows

    def _end(self, error: BaseException | None, partial: bool, result: Any) -> None:
        record = self._record
        assert record is not None
        if error is not None:
            record.failed(error)
            return
        if self._flowing:
            if self._sample is not None:
                record.snapshot("after", self._name, self._sample.but(row_count=self._rows))
        else:
            self._tell(record, "after", self._name, result)
            _book(self._observer).remember(result, self._name)
            self._rows = row_count(result)
        record.complete(self._rows, partial=partial)

    def _tell(self, record: NodeRecord, when: str, dataset: str, value: Any) -> None:
        descriptions = self._observer.descriptions
        look = descriptions.before if when == "before" else descriptions.after
        description = look(dataset, value)
        if description is not None:
            record.snapshot(when, dataset, description)


_NOT_RECORDED: Final = Unobserving()


class _Book:
    """Which node of a run made which object: by identity, as long as the object lives."""

    def __init__(self) -> None:
        self._makers: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._calls: Counter[str] = Counter()
        self._lock = Lock()

    def name_of_call(self, name: str) -> str:
        """A function that is called again is another node: `clean`, `clean (2)` …"""
        with self._lock:
            self._calls[name] += 1
            return name if self._calls[name] == 1 else f"{name} ({self._calls[name]})"

    def remember(self, made: Any, name: str) -> None:
        """Only what can be referred to weakly, such as a frame: the book keeps nothing alive."""
        place = id(made)
        try:
            reference = weakref.ref(made, lambda _: self._makers.pop(place, None))
        except TypeError:
            return
        self._makers[place] = (reference, name)

    def maker_of(self, value: Any) -> str | None:
        """The node that made this very object."""
        found = self._makers.get(id(value))
        return found[1] if found is not None and found[0]() is value else None


_books: weakref.WeakKeyDictionary[Observer, _Book] = weakref.WeakKeyDictionary()


def _book(observer: Observer) -> _Book:
    return _books.setdefault(observer, _Book())
