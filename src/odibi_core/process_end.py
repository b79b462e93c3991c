"""The end of a process: its exit code while native code still runs, and the end of a forked child.

At its end the interpreter stops each thread that comes back from native code, by unwinding its stack. C++ and Rust
code does not allow that and aborts the whole process: exit code 134 in place of the program's own.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn, Protocol
from weakref import WeakSet

from odibi_core import _fork

_SET_TERMINATE: Final = "_ZSt13set_terminatePFvvE"  # std::set_terminate

_CAME_BACK: Final = (
    "odibi: a forked child came back from a step or a hook and ends here: the pipeline belongs to its parent process; "
    "leave a child with os._exit(0), or start it with multiprocessing\n"
)


class _Worker(Protocol):
    def is_alive(self) -> bool: ...


_watched: Final[WeakSet[_Worker]] = WeakSet()
_flushes: Final[list[Callable[[], object]]] = []


def watch(worker: _Worker) -> None:
    """Guard the exit code of the program if `worker` is still alive at its end."""
    _watched.add(worker)


def any_alive() -> bool:
    """Return whether a watched worker is still running."""
    return any(worker.is_alive() for worker in list(_watched))


def _at_exit() -> None:
    if any_alive():
        with suppress(Exception):  # a C library other than glibc: the interpreter ends as it always did
            _guard()


def _guard() -> None:
    """Park a thread that aborts, and skip native destructors: the threads may still use what they free."""
    import ctypes

    library: Any = ctypes.CDLL(None)
    park = ctypes.cast(library.pause, ctypes.c_void_p)
    library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    library.signal(signal.SIGABRT, park)
    # on_exit passes the exit status on, which Python code cannot learn at this point.
    library.on_exit(ctypes.cast(library._exit, ctypes.c_void_p), None)
    with suppress(OSError):  # no C++ library is loaded
        set_terminate = getattr(ctypes.CDLL("libstdc++.so.6", mode=os.RTLD_NOLOAD), _SET_TERMINATE)
        set_terminate.argtypes = [ctypes.c_void_p]
        set_terminate(park)


def before_child_ends(flush: Callable[[], object]) -> None:
    """Call `flush()` at the end of each child process: of a fork, of a process of `multiprocessing`, in `leave_child`.

    A child that calls `os._exit` itself is not asked.
    """
    _flushes.append(flush)


def flush_at_the_end() -> None:
    """Flush at the end of this child. Processes of `multiprocessing` run finalizers of their own, and no `atexit`."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _flush, exitpriority=0)


def _after_fork() -> None:
    atexit.register(_flush)
    util = sys.modules.get("multiprocessing.util")
    if util is not None:  # it forgets the finalizers of the parent, and then calls this
        util.register_after_fork(_key, lambda _: flush_at_the_end())


def _flush() -> None:
    for flush in _flushes:
        _try(flush)


class _Key:
    """Something that can be referred to weakly."""


_key: Final = _Key()


def leave_child(error: BaseException | None) -> NoReturn:
    """End this process, a forked child that came back from a step or a hook, as Python ends a process after `error`.

    The blocks and functions around the step belong to the parent, so that no `finally` of them runs here.
    """
    code = _code_of(error)
    _flush()
    _flush_streams()
    os._exit(code)


def leave_if_forked(owner: int, error: BaseException | None = None) -> None:
    """End this process if it is a forked child of `owner`, whose thread goes on here as a copy."""
    if os.getpid() != owner:
        leave_child(error)


def _code_of(error: BaseException | None) -> int:
    """Print the traceback or the text that Python prints for `error`, and return the exit code."""
    if error is None:
        _try(lambda: sys.stderr.write(_CAME_BACK))
        return 0
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        _try(lambda: sys.stderr.write(f"{error.code}\n"))
        return 1
    _try(lambda: sys.excepthook(type(error), error, error.__traceback__))
    return 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        _try(stream.flush)


def _try(call: Callable[[], object]) -> None:
    with suppress(Exception):
        call()


atexit.register(_at_exit)
_fork.in_child(_after_fork)
