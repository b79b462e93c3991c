"""The contract of an integration: `System` names the host, `PlannedNode` a node of its plan, `guarded` its callbacks.

A host calls the callbacks of its integration in its own threads and processes. A callback raises nothing but requests
to end the program. All events are those of any other run: nothing downstream knows the host.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from odibi_core._state import STATE
from odibi_core.errors import STOPS

__all__ = ["Number", "PlannedNode", "System", "guarded", "reported_error"]

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger("odibi_core")


class System(NamedTuple):
    """A host: its name in the record, its distribution, and the versions that the tests run, such as `("1.90",)`."""

    name: str
    distribution: str
    tested: tuple[str, ...]

    def version(self) -> str | None:
        """Return the installed version; None if the distribution is unknown."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def check(self) -> None:
        """Log one warning in a process if the installed version is not among the tested ones."""
        version = self.version()
        is_tested = version is None or any(f"{version}.".startswith(f"{tested}.") for tested in self.tested)
        if not is_tested and _is_first(self.name):
            _log.warning(
                "odibi-core records %s %s, which its tests do not run; they run %s",
                self.name, version, ", ".join(self.tested),
            )  # fmt: skip


class PlannedNode(NamedTuple):
    """A node of the plan of a host, under a name that is the same in every run.

    `inputs` and `outputs` are datasets by parameter; the output `out` is the result as a whole.
    """

    name: str
    inputs: Mapping[str, str] = {}
    outputs: Mapping[str, str] = {}
    depends_on: Sequence[str] = ()
    type: str = "function"
    layer: str = "transform"
    function: Any = None
    """The function that the node calls, for its source."""
    about: Mapping[str, Any] = {}
    """More fields of the plan."""


class Number(NamedTuple):
    """The number of an execution in the whole run, for a host whose processes execute the nodes of one run.

    Processes that use the same numbers continue one execution: one may publish its start, another one its end.
    """

    attempt: int = 1
    call: int | None = None
    """The number of the call, from 1, if one node is executed for many items."""

    def fields(self) -> dict[str, Any]:
        """Return the fields of the events of the execution."""
        return {"attempt": self.attempt} if self.call is None else {"call": self.call, "call_in_run": True}


class _Warned:
    """The warnings that this process has logged."""

    def __init__(self) -> None:
        self.about: set[str] = set()


_warned: Final = STATE.part(_Warned)


def _is_first(about: str) -> bool:
    """Return whether nothing about this was logged in this process, and note that it is now."""
    if about in _warned.about:
        return False
    _warned.about.add(about)
    return True


def reported_error(type_name: str | None, message: str) -> Exception:
    """Return an exception of the type that a host names, for an error that it reports as texts."""
    name = (type_name or "").rpartition(".")[2]
    named: type[Exception] = type(name, (Exception,), {}) if name.isidentifier() else RuntimeError
    return named(message.strip().removeprefix(f"{name}: "))


def guarded(callback: Callable[P, R]) -> Callable[P, R | None]:
    """Return a callback that logs its first failure in this process, with its traceback, and returns None."""

    @functools.wraps(callback)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return callback(*args, **kwargs)
        except STOPS:
            raise
        except BaseException:
            about = f"{callback.__module__}.{callback.__qualname__}"
            if _is_first(about):
                _log.exception("%s failed, so the record of this run is not complete", about)
            return None

    return quiet
