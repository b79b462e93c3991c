"""The answer to "are tracked files changed?", which only Git itself can find, from a process of its own."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, NamedTuple

from odibi_core import _fork
from odibi_core._state import STATE
from odibi_core.events.clock import monotonic, sleep
from odibi_core.settings.environment import process_environment

WAIT_S: Final = 0.05
"""Seconds that the start of a run may wait for the answer."""
KEPT_S: Final = 60.0
"""Seconds for which an answer counts for later runs."""
_STEP_S: Final = 0.001
_OPTIONS: Final = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
_STATUS: Final = ("status", "--porcelain", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty")
"""Not `git diff --quiet`, which writes the index."""
_QUIET: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}


class _Process(NamedTuple):
    """A process that looks, and the descriptor of its output: a line for each changed file."""

    id: int
    output: int


class _Known:
    """By working tree: the process that looks, and the latest answer with its time."""

    def __init__(self) -> None:
        self.looking: dict[str, _Process] = {}
        self.answers: dict[str, tuple[float, bool | None]] = {}


_known: Final = STATE.part(_Known)


def begin(tree: str) -> None:
    """Start to look, unless a recent answer is known."""
    known = _known.answers.get(tree)
    if known is not None and monotonic() - known[0] < KEPT_S:
        return
    with STATE.creation_lock:
        if tree in _known.looking:
            return
        process = _spawn(tree)
        if process is None:
            _known.answers[tree] = monotonic(), None
        else:
            _known.looking[tree] = process


def answer(tree: str) -> bool | None:
    """Return true if tracked files are changed; None if Git cannot answer, or not within `WAIT_S`."""
    begin(tree)
    process = _known.looking.pop(tree, None)
    if process is not None:
        _known.answers[tree] = monotonic(), _wait_for(process)
    known = _known.answers.get(tree)
    return None if known is None else known[1]


def _spawn(tree: str) -> _Process | None:
    """Start Git without input, and without a change to the repository."""
    if not hasattr(os, "posix_spawnp"):
        return None
    environment = {name: value for name, value in process_environment().items() if not name.startswith("GIT_")}
    output, end = os.pipe()
    os.set_blocking(output, False)
    streams = [
        (os.POSIX_SPAWN_DUP2, end, 1),
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    command = ["git", *_OPTIONS, "-C", tree, *_STATUS]
    try:
        # Not by `subprocess`, whose import takes longer than the rest of a small run.
        return _Process(os.posix_spawnp("git", command, {**environment, **_QUIET}, file_actions=streams), output)
    except (OSError, ValueError):
        os.close(output)
        return None
    finally:
        os.close(end)


def _wait_for(process: _Process) -> bool | None:
    """Return the answer of a process; stop it as soon as it reports a file, and when its time is over."""
    until = monotonic() + WAIT_S
    try:
        while True:
            ended, status = os.waitpid(process.id, os.WNOHANG)
            if _has_reported(process.output):
                return True
            if ended:
                return False if status == 0 else None
            if monotonic() >= until:
                return None
            sleep(_STEP_S)
    except ChildProcessError:  # the program waits for children of any kind
        return None
    finally:
        os.close(process.output)
        _stop(process.id)


def _has_reported(output: int) -> bool:
    try:
        return bool(os.read(output, 1))
    except BlockingIOError:
        return False


def _stop(process: int) -> None:
    """End a process that still runs. One that has ended is no child of this process any more, and is left alone."""
    with suppress(OSError):
        if os.waitpid(process, os.WNOHANG)[0] == 0:
            os.kill(process, 9)
            os.waitpid(process, 0)


def _forget() -> None:
    """Fork: the processes are children of the parent."""
    for process in _known.looking.values():
        with suppress(OSError):
            os.close(process.output)
    _known.looking.clear()


_fork.in_child(_forget)
