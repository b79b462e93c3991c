"""The watch over the readers and writers of other libraries: `watch` starts it, `unwatch` ends it.

While a watch is on, each function of `file_readers.OPENERS` is replaced, in its module or class, by one that calls it
and then reports the files. The last `unwatch` restores them. A library that is imported meanwhile is included.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any, Final

from odibi_core import _fork
from odibi_core.engines.file_readers import OPENERS, Opener
from odibi_core.errors import STOPS
from odibi_core.unwrapping import unwrapped

Report = Callable[[Opener, tuple[Any, ...], dict[str, Any], Any], None]
"""Called after a call of an opener with its arguments and its result; None if it failed."""

_LIBRARIES: Final = frozenset(name.partition(".")[0] for name in OPENERS)
_ABSENT: Final = object()
_log: Final = logging.getLogger("odibi_core")


class _Inside(threading.local):
    depth = 0


_inside = _Inside()


@contextmanager
def unwatched() -> Iterator[None]:
    """Report no files that this thread opens inside: they are reported as a whole, or are none of the run."""
    _inside.depth += 1
    try:
        yield
    finally:
        _inside.depth -= 1


class _Watch:
    """The replaced functions, and the watchers that need them."""

    def __init__(self) -> None:
        self.reports: tuple[Report, ...] = ()
        self.replaced: list[tuple[Any, str, Any, Any]] = []
        """Owner, name, what was in its namespace before, and the replacement."""
        self.by_original: dict[int, Any] = {}
        """The replacement of each function, by the identity of the original, which `replaced` keeps."""
        self.namespaces: set[int] = set()
        self.examined: set[str] = set()
        self.finder = _Finder(self.examine)
        self.renew_lock()
        _fork.in_child(self.renew_lock)

    def renew_lock(self) -> None:
        """Fork: another thread of the parent may hold the lock."""
        self.lock = threading.RLock()

    def add(self, report: Report) -> None:
        with self.lock:
            self.reports = (*self.reports, report)
            if len(self.reports) == 1:
                sys.meta_path.insert(0, self.finder)
            for name in OPENERS:
                module = sys.modules.get(name)
                if module is not None and not getattr(module.__spec__, "_initializing", False):
                    self.examine(module)

    def remove(self, report: Report) -> None:
        with self.lock:
            before, self.reports = self.reports, tuple(each for each in self.reports if each != report)
            if not self.reports and before:
                self.restore()

    def examine(self, module: ModuleType) -> None:
        """Replace the openers of a module, once; one that this version of the library lacks is left out."""
        with self.lock:
            if not self.reports or module.__name__ in self.examined:
                return
            self.examined.add(module.__name__)
            for opener in OPENERS[module.__name__]:
                path, _, name = opener.name.rpartition(".")
                owner = getattr(module, path, None) if path else module
                original = getattr(owner, name, None)
                if callable(original):
                    self.replace(owner, name, _watched(_Same(original), opener, module.__name__))

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        before = vars(owner).get(name, _ABSENT)
        try:
            setattr(owner, name, replacement)
        except (AttributeError, TypeError):
            return
        self.replaced.append((owner, name, before, replacement))
        if before is not _ABSENT:
            self.by_original[id(before)] = replacement

    def include(self, module: ModuleType) -> None:
        """Replace the openers that a module imported by name, such as `from pandas import read_csv`; once."""
        if id(module) in self.namespaces or not self.reports or module.__name__.partition(".")[0] in _LIBRARIES:
            return
        with self.lock:
            self.namespaces.add(id(module))
            for name, value in list(vars(module).items()):
                if (replacement := self.by_original.get(id(value))) is not None:
                    self.replace(module, name, replacement)

    def restore(self) -> None:
        """Put back what was replaced, unless other code replaced it since."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        while self.replaced:
            owner, name, before, replacement = self.replaced.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self.examined.clear()
        self.by_original.clear()
        self.namespaces.clear()


class _Finder:
    """Examines the modules of the watched libraries when they are imported. It finds none itself."""

    def __init__(self, examine: Callable[[ModuleType], None]) -> None:
        self._examine = examine

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in OPENERS:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((spec for spec in found if spec is not None), None)
        loader = getattr(spec, "loader", None)
        if loader is not None and hasattr(loader, "exec_module"):
            self._examine_after(loader)
        return spec

    def _examine_after(self, loader: Any) -> None:
        """Let this loader, which loads one module, examine it afterwards."""
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            self._examine(module)

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass  # a loader without attributes: its module is examined by the next run


_watch: Final = _Watch()


def watch(report: Report) -> None:
    """Report the files of every call of an opener, in any thread, until `unwatch(report)`."""
    _watch.add(report)


def unwatch(report: Report) -> None:
    """End a watch; the last one restores the functions of the libraries."""
    _watch.remove(report)


def include(function: Any) -> None:
    """Watch the openers that the module of a function imported by name; no error for a function without one."""
    module = sys.modules.get(getattr(unwrapped(function), "__module__", None) or "")
    if module is not None:
        _watch.include(module)


class _Same:
    """A callable as a key, by its identity: some, such as the methods of DuckDB 1.4, cannot be hashed."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.function is other.function

    def __hash__(self) -> int:
        return id(self.function)


@functools.lru_cache(maxsize=1024)
def _watched(key: _Same, opener: Opener, module: str) -> Callable[..., Any]:
    """Return a function that calls the original, then reports the files of the call unless it is part of another."""
    original = key.function
    call = (_with_sql if opener.kind == "sql" else _with_path)(original, opener)
    functools.update_wrapper(call, original)
    # Pickled by the name under which it is found.
    call.__module__, call.__qualname__ = module, opener.name
    return call


def _with_path(original: Callable[..., Any], opener: Opener) -> FunctionType:
    def call(*args: Any, **kwargs: Any) -> Any:
        if _inside.depth or not _watch.reports:
            return original(*args, **kwargs)
        result = None
        _inside.depth = 1
        try:
            result = original(*args, **kwargs)
            return result
        finally:
            _report(opener, args, kwargs, result)
            _inside.depth = 0

    # A library attributes its warnings to the first frame whose file is not in its folder: this one must be in it.
    made: Any = call
    made.__code__ = made.__code__.replace(co_filename=_in_folder_of(original))
    return made  # type: ignore[no-any-return]


def _in_folder_of(original: Callable[..., Any]) -> str:
    top = sys.modules.get(str(original.__module__).partition(".")[0])
    return os.path.join(os.path.dirname(getattr(top, "__file__", None) or ""), WATCHED)


WATCHED: Final = "<watched by odibi_core>"
_CALL: Final = compile("odibi_core_call(*odibi_core_args, **odibi_core_kwargs)", WATCHED, "eval")


def _with_sql(original: Callable[..., Any], opener: Opener) -> FunctionType:
    def call(*args: Any, **kwargs: Any) -> Any:
        # DuckDB takes a table of no known name from the variables of the calling frame: one with the same is between.
        caller = sys._getframe(1)
        given = {"odibi_core_call": original, "odibi_core_args": args, "odibi_core_kwargs": kwargs}
        here = {**caller.f_locals, **given}
        if _inside.depth or not _watch.reports:
            return eval(_CALL, caller.f_globals, here)  # noqa: S307 (the constant above)
        _inside.depth = 1
        try:
            return eval(_CALL, caller.f_globals, here)  # noqa: S307 (the constant above)
        finally:
            _report(opener, args, kwargs, None)
            _inside.depth = 0

    made: Any = call
    return made  # type: ignore[no-any-return]


def _report(opener: Opener, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Call every report; a file that cannot be described is no reason to fail a reader."""
    for report in _watch.reports:
        try:
            report(opener, args, kwargs, result)
        except STOPS:
            raise
        except BaseException:
            _log.debug("the files of %s could not be described", opener.name, exc_info=True)
