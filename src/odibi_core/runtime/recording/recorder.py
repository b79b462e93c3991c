"""`Recorder`: records the statements of a script as steps of an observed run, while the script runs.

A statement becomes a step when it has made a frame, changed one in place, or read or written a file. A frame that only
gets another name stays the same dataset. The step of a statement that takes frames and whose value is used includes the
functions of the script that it calls. Other functions are looked into: their statements are steps.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from threading import get_ident
from types import FrameType
from typing import Any, Final

from odibi_core.errors import STOPS, OdibiError
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.executions import Execution, Executions
from odibi_core.runtime.recording.hooks import Guard, Hook
from odibi_core.runtime.recording.own_frames import remove_own_frames
from odibi_core.runtime.recording.source import Script

MOST_RUNS: Final = 1_000
"""Runs of a function or of the body of a loop that are looked into; later ones run as they were written."""
MOST_WITHOUT_FRAMES: Final = 200
"""As above, if no frame was made there."""
_FAILED: Final = "the record of statements"
"""The name under which the bus counts statements that could not be recorded."""

_log: Final = logging.getLogger("odibi_core")


class _Place:
    """A function or the body of a loop: its guard, its runs, and whether frames were made in it."""

    __slots__ = ("guard", "has_frames", "runs")

    def __init__(self) -> None:
        self.guard = Guard()
        self.runs = 0
        self.has_frames = False

    def count(self) -> None:
        """Count a run; switch to the original form if there were enough."""
        self.runs += 1
        if self.runs >= (MOST_RUNS if self.has_frames else MOST_WITHOUT_FRAMES):
            self.guard.on = False


class Recorder:
    """The hooks of one script, and the statements that are being executed.

    Args:
        observer: The observer of the run.
        script: The script.
    """

    def __init__(self, observer: Observer, script: Script) -> None:
        self._script, self._bus = script, observer.bus
        self._executions = Executions(observer, script)
        self._open: ContextVar[Execution | None] = ContextVar("odibi_core_statement", default=None)
        self._main_thread = get_ident()
        self._in_main: Execution | None = None
        self._functions = [_Place() for _ in script.functions]
        self._loops = [_Place() for _ in script.loops]
        if observer.record.files is not None:
            observer.record.files.before = self._files

    def constants(self) -> dict[str, object]:
        """Return the objects of the marked constants of the script, by their names."""
        hooks: dict[str, Callable[[int, FrameType], Any]] = {
            "begin": self._begin, "end": self._end, "failed": self._failed, "returning": self._returning,
            "look": self._look, "tick": self._tick, "after_loop": self._after_loop,
        }  # fmt: skip
        found: dict[str, object] = {name: Hook(self._safely(name, hook)) for name, hook in hooks.items()}
        found |= {"BaseException": BaseException, "display": lambda value: sys.displayhook(value)}
        for kind, places in (("function", self._functions), ("loop", self._loops)):
            found |= {f"{kind} {number}": place.guard for number, place in enumerate(places)}
        return found

    def execute(self) -> BaseException | None:
        """Execute the script; return the exception that ended it, as the script alone would have raised it."""
        code = self._script.code(self.constants())
        if self._script.problem is not None:
            self._bus.count_failure(_FAILED, OdibiError(self._script.problem))
        try:
            exec(code, self._script.variables)  # noqa: S102 (the program of the user)
        except BaseException as error:
            remove_own_frames(error)
            return error
        finally:
            self._executions.finish()
        return None

    def _safely(self, name: str, hook: Callable[[int, FrameType], Any]) -> Callable[[int, FrameType], Any]:
        def call(number: int, frame: FrameType) -> Any:
            try:
                return hook(number, frame)
            except STOPS:
                raise
            except BaseException as error:
                _log.debug("a statement could not be recorded (%s %d)", name, number, exc_info=True)
                self._bus.count_failure(_FAILED, error)
                return None

        return call

    def _around(self) -> Execution | None:
        """Return the statement that is being executed here; of a thread without one, that of the main thread."""
        here = self._open.get()
        return self._in_main if here is None and get_ident() != self._main_thread else here

    def _set(self, execution: Execution | None) -> None:
        self._open.set(execution)
        if get_ident() == self._main_thread:
            self._in_main = execution

    def _begin(self, number: int, frame: FrameType) -> None:
        outer = self._around()
        if outer is None or not outer.includes:
            statement = self._script.statements[number]
            self._set(self._executions.begin(statement, frame, outer))

    def _here(self, number: int, frame: FrameType) -> Execution | None:
        """Return and leave the execution that a hook belongs to; None inside the step of another statement."""
        here = self._open.get()
        if here is None or here.statement.number != number or here.frame != id(frame):
            return None
        self._set(here.outer)
        return here

    def _end(self, number: int, frame: FrameType) -> None:
        here = self._here(number, frame)
        if here is not None and self._executions.end(here, frame):
            self._has_frames(here)

    def _has_frames(self, here: Execution | None) -> None:
        """Note that frames are made in the loops and functions around a statement."""
        while here is not None:
            for number in here.statement.where.loops:
                self._loops[number].has_frames = True
            if here.statement.where.function is not None:
                self._functions[here.statement.where.function].has_frames = True
            here = here.outer

    def _failed(self, number: int, frame: FrameType) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            remove_own_frames(error)
        here = self._here(number, frame)
        if here is not None and error is not None:
            self._executions.failed(here, error)

    def _returning(self, number: int, frame: FrameType) -> None:
        outer = self._around()
        if outer is not None and not outer.includes:
            self._executions.add_taken(outer, self._script.returns[number], frame)

    def _look(self, number: int, frame: FrameType) -> bool:
        """Return whether the statements of a function are to be recorded now."""
        self._functions[number].count()
        around = self._around()
        return around is None or not around.includes

    def _tick(self, number: int, frame: FrameType) -> None:
        self._loops[number].count()
        head = self._script.heads[number]
        if head.targets:
            self._executions.follow_head(head, frame)

    def _after_loop(self, number: int, frame: FrameType) -> None:
        """Attribute the frames of the last run of a loop, if its last runs were not recorded."""
        around = self._around()
        if not self._loops[number].guard.on and (around is None or not around.includes):
            for each in self._script.loops[number]:
                self._executions.adopt(self._script.statements[each], frame)

    def _files(self, access: str) -> None:
        """Begin the step of the statement that reads or writes files."""
        around = self._open.get()
        if around is not None:
            self._executions.begin_early(around, access)
