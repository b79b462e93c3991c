"""The tree of errors.

    OdibiError
    ├── ConfigurationError (ValueError)     a setting, an argument, a pipeline that cannot be right
    │   ├── PluginError                     no plugin of that name in that family
    │   │   └── MissingExtraError           the plugin is there, the library that it needs is not
    │   └── PipelineDefinitionError         steps that cannot run, found before anything runs
    ├── PipelineError (RuntimeError)        a run ended without success; `.result` holds what there is
    ├── StepError (RuntimeError)            a step gave something that cannot be used
    │   ├── StepTimeoutError (TimeoutError)
    │   ├── WorkerLostError                 a worker process ended before the step in it
    │   └── NotSendableError (TypeError)    a value cannot be sent to a worker process
    ├── CircuitOpenError (RuntimeError)     a circuit breaker let the call not through
    ├── EngineError (RuntimeError)
    │   ├── SourceNotFoundError (FileNotFoundError)
    │   ├── UnreadableSourceError (ValueError)
    │   └── UnknownTableError (LookupError)
    ├── CostLimitError (RuntimeError)       a query would cost more than it may; it was not run
    ├── CheckError (ValueError)             a check that is put together wrongly
    │   └── NotCheckedError                 data that a check cannot be asked about
    ├── StoryError (ValueError)             a lineage that no story can be drawn from
    └── StoreError (OSError)                the record cannot be found or read
        ├── RemoteStoreError                a shared store that cannot be reached
        ├── RunNotFoundError (LookupError)
        ├── SourceTextNotFoundError (LookupError)
        └── QueryError (ValueError)         a question in SQL that may not or cannot be answered

Each is also the builtin that a caller expects, so that `except FileNotFoundError` keeps working.
A message states what happened, what was given, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

_ALIKE: Final = 0.66
_COMPARED: Final = 200
"""Characters: comparing takes time in proportion to the product of both lengths."""

STOPS: Final = (KeyboardInterrupt, SystemExit)
"""Requests to end the program. Every other exception of foreign code is a failure of that code, also one that is no
`Exception`: a panic of a Rust library, `GeneratorExit`, a cancelled task. If foreign code must not end the caller,
write `except STOPS: raise` before `except BaseException`.
"""


def is_stop(error: BaseException) -> bool:
    """Return whether an exception asks the program to end; a group does if one of its members does."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(STOPS) is not None
    return isinstance(error, STOPS)


def is_failure(error: BaseException) -> bool:
    """Return whether an exception that passes through observed code is a failure of it.

    False for a request to end the program, a cancelled task and a closed generator.
    """
    return isinstance(error, Exception) or not (
        is_stop(error) or isinstance(error, GeneratorExit) or _is_cancellation(error)
    )


def _is_cancellation(error: BaseException) -> bool:
    """Compare names, because importing asyncio costs more than the rest of the package."""
    return any(f"{base.__module__}.{base.__qualname__}" in _CANCELLATIONS for base in type(error).__mro__)


_CANCELLATIONS: Final = frozenset({"asyncio.exceptions.CancelledError", "trio.Cancelled", "greenlet.GreenletExit"})


class OdibiError(Exception):
    """The root: catch this to catch everything that odibi-core raises on purpose."""


class ConfigurationError(OdibiError, ValueError):
    """A setting or an argument that cannot be right."""


class PluginError(ConfigurationError):
    """No plugin of that name in that family."""


class MissingExtraError(PluginError, ImportError):
    """A plugin is known, but the library that it stands on is not installed."""


class PipelineDefinitionError(ConfigurationError):
    """Steps that cannot run; `problems` lists every reason that was found, not only the first."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class PipelineError(OdibiError, RuntimeError):
    """A run ended without success. `result` is what `execute()` would have returned."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result

    def _render_traceback_(self) -> list[str]:
        """Return the traceback as IPython shows it: the failed steps with the frames of their own code, the message.

        Raises:
            AttributeError: There is no result with a failed step; IPython then shows the frames of this exception.
        """
        failures: list[str] = self.result.failures()
        if not failures:
            raise AttributeError("no step failed")
        return [*failures, f"{type(self).__name__}: {self}"]


class StepError(OdibiError, RuntimeError):
    """A step ran and gave something that cannot be used."""


class StepTimeoutError(StepError, TimeoutError):
    """A step took longer than its `timeout_s`."""


class WorkerLostError(StepError):
    """A worker process, or its connection, ended before the step in it did."""


class NotSendableError(StepError, TypeError):
    """A value cannot be sent to a worker process."""


class CircuitOpenError(OdibiError, RuntimeError):
    """A circuit breaker did not make the call. `circuit` is its name, `retry_in_s` when it will try again."""

    def __init__(self, circuit: str, retry_in_s: float) -> None:
        super().__init__(
            f"the circuit {circuit!r} is open and the call was not made; it lets one through to try again "
            f"in {retry_in_s:.3g} s"
        )
        self.circuit = circuit
        self.retry_in_s = retry_in_s

    def __reduce__(self) -> tuple[type[CircuitOpenError], tuple[str, float]]:
        """Support pickling, so that a worker process can return the error."""
        return CircuitOpenError, (self.circuit, self.retry_in_s)


class EngineError(OdibiError, RuntimeError):
    """An engine could not read, write or compute."""


class SourceNotFoundError(EngineError, FileNotFoundError):
    """A file that a step reads is not there."""


class UnreadableSourceError(EngineError, ValueError):
    """A file exists, but its content is not in its format."""


class UnknownTableError(EngineError, LookupError):
    """A SQL step names a table that is none of its inputs."""


class DataChangedWarning(UserWarning):
    """Values of a column are written, but what reads the file gets others: the format has no form for them."""


class CostLimitError(OdibiError, RuntimeError):
    """A query would cost more than it may, so it was not run. `estimate`: what a dry run gave; `max_usd`: the limit."""

    def __init__(self, message: str, estimate: Any = None, max_usd: float | None = None) -> None:
        super().__init__(message)
        self.estimate = estimate
        self.max_usd = max_usd


class CheckError(OdibiError, ValueError):
    """A data-quality check that is put together wrongly."""


class NotCheckedError(CheckError):
    """Data that a check cannot be asked about, such as a dataset that was released. The message has the reason."""


class StoryError(OdibiError, ValueError):
    """A lineage that no story can be drawn from."""


class StoreError(OdibiError, OSError):
    """The record cannot be found, read or written."""


class RemoteStoreError(StoreError):
    """A shared store cannot be reached, read or written."""


class RunNotFoundError(StoreError, LookupError):
    """No run of that id in the store."""


class SourceTextNotFoundError(StoreError, LookupError):
    """No source of that hash in the store, or a damaged one."""


class QueryError(StoreError, ValueError):
    """A question in SQL that may not, or cannot, be answered."""


def first_line(error: BaseException) -> str:
    """Return the first line of the message of an exception of DuckDB, whose other lines repeat the query."""
    return str(error).strip().partition("\n")[0]


def nearest(name: object, known: Iterable[str], alike: float = _ALIKE) -> str:
    """Return a sentence's end that helps with a misspelling, ` (did you mean 'clean'?)`, or nothing.

    `alike` is the share of their letters in which two names must agree, 0 to 1.
    """
    match = closest(str(name), known, alike)
    return "" if match is None else f" (did you mean {match!r}?)"


def closest(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return the name that was probably meant; None if none is like it, or if only the same name is known.

    Two names are alike if they differ in nothing but case and separators, if one begins with the other, or if at
    least two thirds of their letters agree: `sql` for `slq` and `elapsed_ms` for `elapsedm`, but not `schema` for
    `nosuch`.
    """
    wanted = name[:_COMPARED]
    others = {each[:_COMPARED]: each for each in map(str, known) if each != name}
    folded: dict[str, str] = {}
    for short in others:
        folded.setdefault(_folded(short), short)
    match = get_close_matches(_folded(wanted), folded, n=1, cutoff=alike)
    return others[folded[match[0]]] if match else None


def _folded(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum()) or name
