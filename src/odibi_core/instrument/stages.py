"""Stages of a streaming pipeline, measured: records in and out, duration and throughput of each batch.

A generator is measured while it is consumed, and no record is requested ahead.
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
from odibi_core.process.state import validate_logger
from odibi_core.wrapping.callables import decorate, is_decorable, name_of
from odibi_core.wrapping.calls import wrap_callable

__all__ = ["InstrumentedStage", "measured_stage"]

F = TypeVar("F", bound=Callable[..., Any])

_LAZY: Final = ("builtins", "itertools")
"""Modules whose iterators have nothing that a wrapping generator would hide."""


def measured(function: Callable[..., Any], begin: Callable[..., Batch], own: int = 0) -> Callable[..., Any]:
    """Return `function`, of its own kind, with each call measured as the batch that `begin(*args, **kwargs)` returns.

    `own` is the number of arguments before the records, if their names do not show it.
    """
    place, keyword = _records_argument(function, own)

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Batch, tuple[Any, ...], dict[str, Any]]:
        batch = begin(*args, **kwargs)
        if keyword in kwargs:
            kwargs[keyword] = batch.take(kwargs[keyword])
        elif len(args) > place:
            args = (*args[:place], batch.take(args[place]), *args[place + 1 :])
        return batch, args, kwargs

    return wrap_callable(function, start, source_in=_source_in)


def _source_in(result: Any) -> Any:
    """Return the part of a result that has yet to be consumed; None if there is none."""
    kind = type(result)  # `isinstance` runs code of the object
    if issubclass(kind, Counted):
        return _iterate(result)
    lazy = kind.__module__ in _LAZY and issubclass(kind, Iterator)
    return result if lazy or kind in (AsyncGeneratorType, CoroutineType) else None


def _iterate(records: Any) -> Generator[Any, Any, Any]:
    """Yield from the given records; `iter()` is called on them when they are consumed, as without the measurement."""
    return (yield from records)


def _records_argument(function: Callable[..., Any], own: int) -> tuple[int, str]:
    """Return position and name of the records: the argument `records`, else the first that is not the object."""
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
    """A stage that publishes `stage_completed` for each batch: `InstrumentedStage(Normalize()).process(records)`.

    Wraps an object with `process(records, …)`; its other attributes are read through the wrapper. A subclass with a
    `process` of its own takes the stage's name instead. Lists, frames, generators and coroutines are measured; a
    generator while it is consumed. A batch that raises is `stage_failed`, and the exception goes on. A copied or
    unpickled stage counts its batches from 1 and has no logger of its own.

    Args:
        stage: Object with `process(records, …)`; of a subclass the name.
        name: Name of the stage, by default `stage.name`, else its class.
        logger: `StructuredLogger`, logger of `get_logger`, or `EventBus`; by default the bus of the current run.

    Raises:
        ConfigurationError: If there is no `process`, or `logger` is none.

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
            name, logger = None, name  # Normalize("normalize", logger)
        has_own_process = type(self).process is not InstrumentedStage.process
        if not isinstance(stage, type) and callable(getattr(stage, "process", None)):
            self.stage = stage
            self.name = name or _name_of(stage)
        elif has_own_process and (stage is None or isinstance(stage, str)):
            self.name = name or stage or type(self).__name__
        else:
            raise ConfigurationError(_no_stage(stage))
        self._given_logger = validate_logger(logger)

    @property
    def _logger(self) -> Any:
        """The logger that was given, else the program's logger of the stage's name."""
        if self._given_logger is not None:
            return self._given_logger
        from odibi_core.logs.program_logger import get_logger  # deferred: most stages need no logger

        return get_logger(self.name or type(self).__name__)

    @_logger.setter
    def _logger(self, logger: Any) -> None:
        self._given_logger = logger

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("process")
        if isinstance(own, staticmethod | classmethod):
            raise ConfigurationError(
                f"process of {cls.__name__} must be a method with self, got a {type(own).__name__}; "
                "its batches are reported under the name of the stage"
            )
        if inspect.isfunction(own):

            def begin(stage: InstrumentedStage, *args: Any, **kwargs: Any) -> Batch:
                # Called through super() it is a part of the batch, and not a batch of its own.
                return stage._begin(silent=type(stage).process is not process)

            process = measured(own, begin, own=1)
            cls.process = process  # type: ignore[method-assign]

    if TYPE_CHECKING:

        def process(self, *args: Any, **kwargs: Any) -> Any:
            """Process one batch."""

    else:

        @property
        def process(self) -> Callable[..., Any]:
            """`process` of the wrapped stage, measured."""
            return measured(self.stage.process, lambda *args, **kwargs: self._begin())

    def _begin(self, silent: bool = False) -> Batch:
        numbers = self.__dict__.setdefault("_numbers", count(1))  # a subclass may not call this class's __init__
        return Batch(self.name or type(self).__name__, 0 if silent else next(numbers), self._given_logger)

    def __getstate__(self) -> dict[str, Any]:
        # Neither can be pickled, and a stage that can be pickled must stay so when it is wrapped.
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
    """Measure each call of a function as a batch: `@measured_stage`, `@measured_stage("normalize", logger=…)`.

    Decorates functions, methods, coroutines and generators of both kinds. The records are the argument `records`, else
    the first argument.

    Args:
        name: Name of the stage, by default that of the function.
        logger: `StructuredLogger`, logger of `get_logger`, or `EventBus`; by default the bus of the current run.

    Raises:
        ConfigurationError: If `logger` is none of these.
    """
    validate_logger(logger)
    if is_decorable(name):
        return decorate(name, lambda function: _stage(function, None, logger))
    return lambda decorated: decorate(decorated, lambda function: _stage(function, name, logger))


def _stage(function: Callable[..., Any], name: Any, logger: Any) -> Callable[..., Any]:
    called = str(name) if name else name_of(function).rpartition(".")[2]
    numbers = count(1)
    stage = measured(function, lambda *args, **kwargs: Batch(called, next(numbers), logger))
    stage.__odibi_stage__ = called  # type: ignore[attr-defined]  # read by `discover_stages`
    return stage


def _name_of(stage: object) -> str:
    name = getattr(stage, "name", None)
    return name if isinstance(name, str) and name else type(stage).__name__


def _no_stage(given: object) -> str:
    if isinstance(given, type):
        what = f"the class {given.__name__}; make a stage of it first, {given.__name__}()"
    elif callable(given):
        what = f"the function {getattr(given, '__name__', given)!s:.100}; a function is measured by @measured_stage"
    else:
        what = f"{sanitize_text(to_text(given, 200))} ({type(given).__name__})"
    return (
        f"stage must be an object with process(records, …), got {what}. "
        "Only a subclass of InstrumentedStage with a process of its own takes a name instead."
    )
