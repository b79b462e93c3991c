"""Stages of a streaming pipeline that describe their own work: each batch says how much went in, came out, how fast.

A stage that yields is measured while its consumer takes, and never asked for more than that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from itertools import count
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from odibi_core.errors import ConfigurationError
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_text
from odibi_core.instrument.stage_batch import Batch, Counted
from odibi_core.process.state import resolve_bus
from odibi_core.wrapping.callables import decorate, is_decorable, name_of
from odibi_core.wrapping.calls import wrap_callable

__all__ = ["InstrumentedStage", "measured_stage"]

F = TypeVar("F", bound=Callable[..., Any])

_LAZY: Final = ("builtins", "itertools")
"""Where iterators come from that are nothing but iterators: these may be put into another one."""


def measured(function: Callable[..., Any], begin: Callable[..., Batch], own: int = 0) -> Callable[..., Any]:
    """`function`, of the same kind as it was, where each call is the batch that `begin(*args, **kwargs)` gives.

    `own` is how many arguments come before the records, where that cannot be told from their names.
    """
    place, keyword = _records_of(function, own)

    def taken(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Batch, tuple[Any, ...], dict[str, Any]]:
        batch = begin(*args, **kwargs)
        if keyword in kwargs:
            kwargs[keyword] = batch.take(kwargs[keyword])
        elif len(args) > place:
            args = (*args[:place], batch.take(args[place]), *args[place + 1 :])
        return batch, args, kwargs

    return wrap_callable(function, taken, source_in=_source_in)


def _source_in(result: Any) -> Any:
    """What of a result has yet to be consumed, which is measured until it is."""
    kind = type(result)  # which, unlike isinstance, runs nothing of the result's own
    if issubclass(kind, Counted):
        return _begun_by_its_consumer(result)
    lazy = kind.__module__ in _LAZY and issubclass(kind, Iterator)
    return result if lazy or kind in (AsyncGeneratorType, CoroutineType) else None


def _begun_by_its_consumer(records: Any) -> Generator[Any, Any, Any]:
    """What a stage hands on as it came is asked for its iterator when it is consumed, as it would be."""
    return (yield from records)


def _records_of(function: Callable[..., Any], own: int) -> tuple[int, str]:
    """Which argument the records are: the one of that name, else the first that is not the object itself."""
    bound = inspect.unwrap(function, stop=inspect.ismethod)
    code = getattr(inspect.unwrap(bound), "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code is not None else ()
    if inspect.ismethod(bound):
        names = names[1:]
    elif names[:1] in (("self",), ("cls",)):
        own = 1
    if "records" in names:
        return names.index("records"), "records"
    return own, names[own] if len(names) > own else "records"


class InstrumentedStage:
    """A stage whose every batch says `stage_completed`: `InstrumentedStage(Normalize()).process(records)`.

    Wraps anything with `process(records, …)`; what else that has can be read through it. Or inherit from it and write
    `process`: then the first argument is the stage's name. Lists, frames, generators and `async` are all measured; a
    generator while it is consumed. When a batch fails, `stage_failed` says so and the exception goes on. A copy counts
    its batches anew and, as one that was pickled, speaks where everything does.

    >>> class Double(InstrumentedStage):
    ...     def process(self, records):
    ...         return [record * 2 for record in records]
    >>> Double("double").process([1, 2])
    [2, 4]
    """

    stage: Any = None
    name: str = ""
    _given_logger: Any = None

    def __init__(self, stage: Any = None, name: Any = None, logger: Any = None) -> None:
        if logger is None and name is not None and not isinstance(name, str):
            name, logger = None, name  # the course's Normalize("normalize", logger)
        brings_its_own = type(self).process is not InstrumentedStage.process
        if not isinstance(stage, type) and callable(getattr(stage, "process", None)):
            self.stage = stage
            self.name = name or _name_of(stage)
        elif brings_its_own and (stage is None or isinstance(stage, str)):
            self.name = name or stage or type(self).__name__
        else:
            raise ConfigurationError(_no_stage(stage))
        self._given_logger = resolve_bus(logger)

    @property
    def _logger(self) -> Any:
        """The logger that was given; else the program's logger of the stage's name."""
        if self._given_logger is not None:
            return self._given_logger
        from odibi_core.logs.program_logger import get_logger  # here: most stages need none

        return get_logger(self.name or type(self).__name__)

    @_logger.setter
    def _logger(self, logger: Any) -> None:
        self._given_logger = logger

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("process")
        if isinstance(own, staticmethod | classmethod):
            raise ConfigurationError(
                f"process of {cls.__name__} is a {type(own).__name__}; that of an InstrumentedStage is a method with "
                "self, since its batches are told by the stage's name"
            )
        if inspect.isfunction(own):

            def begin(stage: InstrumentedStage, *args: Any, **kwargs: Any) -> Batch:
                # Called by way of super() it is a part of the batch, and not one of its own.
                return stage._begin(silent=type(stage).process is not process)

            process = measured(own, begin, own=1)
            cls.process = process  # type: ignore[method-assign]

    if TYPE_CHECKING:

        def process(self, *args: Any, **kwargs: Any) -> Any:
            """One batch."""

    else:

        @property
        def process(self) -> Callable[..., Any]:
            """One batch, by the stage that is wrapped."""
            return measured(self.stage.process, lambda *args, **kwargs: self._begin())

    def _begin(self, silent: bool = False) -> Batch:
        numbers = self.__dict__.setdefault("_numbers", count(1))
        return Batch(self.name or type(self).__name__, 0 if silent else next(numbers), self._given_logger)

    def __getstate__(self) -> dict[str, Any]:
        # Neither can be pickled, and what can be without us must be so with us.
        return {name: value for name, value in self.__dict__.items() if name not in ("_given_logger", "_numbers")}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.stage is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.stage, name)


@overload
def measured_stage(name: F, logger: Any = None) -> F: ...
@overload
def measured_stage(name: str | None = None, logger: Any = None) -> Callable[[F], F]: ...
def measured_stage(name: Any = None, logger: Any = None) -> Any:
    """Each call of a function is a batch of a stage: `@measured_stage`, `@measured_stage("normalize", logger=…)`.

    Functions, methods, generators, coroutines and asynchronous generators; the records are the argument of that name,
    else the first. The stage's name is the function's unless given.
    """
    resolve_bus(logger)
    if is_decorable(name):
        return decorate(name, lambda function: _stage(function, None, logger))
    return lambda decorated: decorate(decorated, lambda function: _stage(function, name, logger))


def _stage(function: Callable[..., Any], name: Any, logger: Any) -> Callable[..., Any]:
    called = str(name) if name else name_of(function).rpartition(".")[2]
    numbers = count(1)
    stage = measured(function, lambda *args, **kwargs: Batch(called, next(numbers), logger))
    stage.__odibi_stage__ = called  # type: ignore[attr-defined]  # how `discover_stages` knows it
    return stage


def _name_of(stage: object) -> str:
    name = getattr(stage, "name", None)
    return name if isinstance(name, str) and name else type(stage).__name__


def _no_stage(given: object) -> str:
    if isinstance(given, type):
        what = f"the class {given.__name__}: make a stage of it first, {given.__name__}()"
    elif callable(given):
        what = f"the function {getattr(given, '__name__', given)!s:.100}: a function is measured by @measured_stage"
    else:
        what = f"{sanitize_text(to_text(given, 200))} ({type(given).__name__})"
    return (
        f"a stage is an object with process(records, …); given was {what}. "
        "Only a class that inherits from InstrumentedStage and has a process of its own takes a name instead."
    )
