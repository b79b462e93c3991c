"""Counts of polars itself: the rows that each operator of a plan sent on in one execution.

polars counts them for its monitoring: it passes each plan, and a handle on the counts, to the class
`polars_cloud.QueryCloudObserver`. A stand-in for that module is there while this one is imported and registers its own
class, and only if the real one is not installed. Nothing leaves the process, and no other plan is observed. These are
private parts of polars: `benchmarks/plan_operators.py` has what they cost and what the public ways do, and without one
of them the rows are unknown.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec

from odibi_core.errors import STOPS

_MODULE: Final = "polars_cloud"
_SETTLES: Final = 20
"""Looks at the counts, a millisecond apart, until polars has ended them; they are nearly always there at once."""
_STREAMING: Final = ("_AutoEngine", "StreamingEngine")
"""The engines of polars that count."""

OTHER_ENGINE: Final = "polars counts rows of operators only on its streaming engine"
OTHER_MONITOR: Final = "polars-cloud is installed, which has the place of the counts of polars"
OTHER_VERSION: Final = "this version of polars reports no rows of operators"

Made = TypeVar("Made")


class Profile:
    """The plan of one execution, and its counts; None where polars reported nothing."""

    def __init__(self) -> None:
        self.plan: list[dict[str, Any]] | None = None
        """The operators of the optimized plan: `id`, `input_ids`, `properties`."""
        self.physical: list[dict[str, Any]] | None = None
        """Those that were executed, with `ir_node_id`: that of the operator of the plan that they are for."""
        self.handle: Any = None

    def counts(self) -> dict[int, int] | None:
        """Return the rows that each executed operator sent on, of those whose count has ended; None without any."""
        pause = threading.Event()
        for _ in range(_SETTLES):
            nodes = _nodes(msgspec.msgpack.decode(self.handle.snapshot_query_metrics()))
            if all(node["done"] for node in nodes):
                break
            pause.wait(0.001)
        return {node["phys_node_key"]: node["rows_sent"] for node in nodes if node["done"]} if nodes else None


def _nodes(found: Any) -> list[dict[str, Any]]:
    nodes = found["nodes"] if isinstance(found, dict) else found  # a list before polars 2.1
    return list(nodes)


class _Here(threading.local):
    profile: Profile | None = None


_here: Final = _Here()


class _End:
    def close(self) -> None:
        """Take the end of an execution; its counts are read when its result is there."""


class _Observer:
    """Takes the reports of polars on an execution, in the thread that began it. Never raises: polars would print it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def on_query_started(self, query: Any) -> None:
        """Take the start of an execution, which has no plan yet."""

    def on_query_planned(self, query: Any, handle: Any, plan: bytes, physical: bytes, *_: Any) -> _End:
        """Keep the plan of an execution that `profiled` began."""
        if (profile := _here.profile) is not None and profile.handle is None:
            with suppress(Exception):
                profile.plan = msgspec.msgpack.decode(plan)
                profile.physical = msgspec.msgpack.decode(physical)
                profile.handle = handle
        return _End()

    def on_query_failed(self, query: Any, error: str) -> None:
        """Take a failure, which is raised too."""


def _register() -> str:
    """Register the observer in this process; return the reason why it cannot be."""
    if _MODULE in sys.modules or find_spec(_MODULE) is not None:
        return OTHER_MONITOR
    try:
        import polars._plr as plr

        if not hasattr(plr, "set_query_monitoring"):
            return OTHER_VERSION
        module = ModuleType(_MODULE)
        module.QueryCloudObserver = _Observer  # type: ignore[attr-defined]
        sys.modules[_MODULE] = module
        try:
            plr.set_query_monitoring(True)
        finally:
            sys.modules.pop(_MODULE, None)
    except STOPS:
        raise
    except BaseException:
        return OTHER_VERSION
    return ""


_REASON: Final = _register()  # once, by the lock of the import
"""The reason why polars does not report to this process; empty if it does."""


def _engine() -> tuple[Any, str]:
    """Return the engine of polars that runs plans by default, as one that counts; or the reason why it cannot."""
    if _REASON or _MODULE in sys.modules:
        return None, _REASON or OTHER_MONITOR
    try:
        from polars.lazyframe.engine_config import _select_engine

        chosen = type(_select_engine("auto"))
    except STOPS:
        raise
    except BaseException:
        return None, OTHER_VERSION
    if chosen.__name__ not in _STREAMING or not chosen.__module__.startswith("polars."):
        return None, OTHER_ENGINE
    return _counting(chosen)(), ""


@cache
def _counting(engine: type[Any]) -> type[Any]:
    """Return an engine of polars that counts rows, and else is the same one."""

    class Counting(engine):  # type: ignore[misc]
        def _with_monitoring(self, optimizations: Any) -> Any:
            observed = super()._with_monitoring(optimizations)
            with suppress(Exception):
                observed._pyoptflags.query_monitoring = True
            return observed

    return Counting


def profiled(execute: Callable[[Any], Made]) -> tuple[Made, Profile, str]:
    """Return what `execute` returns for an engine of polars, the profile of its execution, and why it has none.

    Raises:
        BaseException: The error of `execute`, as without a profile.
    """
    engine, reason = _engine()
    if engine is None:
        return execute("auto"), Profile(), reason
    with _taking() as profile:
        made = execute(engine)
    return made, profile, "" if profile.handle is not None else OTHER_VERSION


@contextmanager
def _taking() -> Iterator[Profile]:
    before, _here.profile = _here.profile, Profile()
    try:
        yield _here.profile
    finally:
        _here.profile = before
