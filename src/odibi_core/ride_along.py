"""Riding along: functions that something else calls are recorded as the nodes of a run."""

from __future__ import annotations

import functools
import inspect
import logging
import weakref
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar, overload

from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS
from odibi_core.events import context, kinds
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

    Plain or with arguments, on functions and coroutines: `@node`, `@node(name="clean", layer="transform")`. The
    function behaves as before; whose result it takes becomes an edge of the lineage. Outside `with observe(…)` it is
    the plain function, and nothing is recorded.
    """
    if function is None:
        return functools.partial(_decorate, name=name, layer=layer)
    return _decorate(function, name, layer)


def _decorate(function: Callable[..., Any], name: str | None, layer: str) -> Callable[..., Any]:
    label = name or function.__name__
    signature = inspect.signature(function)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def recorded_coroutine(*args: Any, **kwargs: Any) -> Any:
            call = _Call.begin(label, layer, signature, args, kwargs)
            with context.bind(**call.bound):
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    call.failed(error)
                    raise
            call.complete(result)
            return result

        return recorded_coroutine

    @functools.wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        call = _Call.begin(label, layer, signature, args, kwargs)
        with context.bind(**call.bound):
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                call.failed(error)
                raise
        call.complete(result)
        return result

    return recorded


class _Call:
    """One call of a node. Whatever goes wrong in recording it is logged, and the function goes on."""

    def __init__(self, observer: Observer, name: str, layer: str, given: dict[str, Any]) -> None:
        self.observer = observer
        self.name = _book(observer).name_of_call(name)
        self.bound = {"run_id": observer.run_id, "node_name": self.name}
        makers = {
            parameter: maker
            for parameter, value in given.items()
            if (maker := _book(observer).maker_of(value))
        }
        step = {
            "name": self.name, "layer": layer, "type": "function", "inputs": makers, "outputs": {"out": self.name},
            "depends_on": list(dict.fromkeys(makers.values())),
        }  # fmt: skip
        observer.say(kinds.PIPELINE_PLAN, level="debug", steps=[step])
        self.record = NodeRecord(observer.bus, observer.run_id, self.name, layer)
        for parameter, value in given.items():
            self._tell("before", makers.get(parameter, f"{self.name}.{parameter}"), value)

    @classmethod
    def begin(
        cls,
        name: str,
        layer: str,
        signature: inspect.Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> _Call | _NoCall:
        """The record of a call that begins now."""
        observer = active()
        if observer is None:
            return _NoCall()
        try:
            return cls(observer, name, layer, signature.bind_partial(*args, **kwargs).arguments)
        except STOPS:
            raise
        except BaseException:
            _log.exception("the call of %s is not recorded", name)
            return _NoCall()

    def complete(self, result: Any) -> None:
        """The function returned."""
        try:
            self._tell("after", self.name, result)
            _book(self.observer).remember(result, self.name)
            self.record.complete(row_count(result))
        except STOPS:
            raise
        except BaseException:
            _log.exception("the end of %s is not recorded", self.name)

    def failed(self, error: BaseException) -> None:
        """The function raised."""
        self.record.failed(error)

    def _tell(self, when: str, dataset: str, value: Any) -> None:
        descriptions = self.observer.descriptions
        look = descriptions.before if when == "before" else descriptions.after
        description = look(dataset, value)
        if description is not None:
            self.record.snapshot(when, dataset, description)


class _NoCall:
    """Stands in where a call is not recorded."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}

    def complete(self, result: Any) -> None:
        """Nothing to say."""

    def failed(self, error: BaseException) -> None:
        """Nothing to say."""


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
