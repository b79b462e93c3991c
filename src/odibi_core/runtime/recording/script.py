"""`RecordedScript`: runs a file or a module as `__main__`, as `python FILE` does, and records it as a run.

The exception that ends the script is printed as the interpreter prints it, without the frames of the recorder.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, NamedTuple

from odibi_core.errors import ConfigurationError, OdibiError
from odibi_core.events.failure import is_clean_exit
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.own_frames import remove_own_frames
from odibi_core.runtime.recording.recorder import Recorder
from odibi_core.runtime.recording.source import Script


class ScriptExitError(OdibiError, RuntimeError):
    """A script ended itself with an exit code that means failure."""


class Program(NamedTuple):
    """The source that runs as `__main__`: its file, the spec of a module, and the first entry of `sys.path`."""

    file: str
    source: bytes
    spec: Any = None
    folder: str = ""


def program_of_file(path: str) -> Program:
    """Return the program of a file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if os.path.isdir(path):
        path = os.path.join(path, "__main__.py")
    return Program(os.path.abspath(path), _read(path), None, os.path.dirname(os.path.realpath(path)))


def program_of_module(name: str) -> Program:
    """Return the program of a module, as `python -m` finds it.

    Raises:
        ConfigurationError: There is no such module, or it has no source.
    """
    sys.path[0] = folder = os.getcwd()
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"module {name!r} cannot be found: {error}") from None
    if spec is None or spec.origin is None or not spec.has_location:
        raise ConfigurationError(f"there is no module {name!r} with a Python source; -m takes the name of one")
    return Program(spec.origin, _read(spec.origin), spec, folder)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}; give the path of a Python file") from None


class RecordedScript:
    """A program that becomes the `__main__` of this process, and the run that records it."""

    def __init__(self, program: Program, arguments: list[str]) -> None:
        self._program = program
        self._arguments = arguments
        self.main = ModuleType("__main__")
        self.error: BaseException | None = None
        """The exception that ended the program."""

    def prepare(self) -> Script | None:
        """Become the program, and return its source; None if it has a syntax error, which is printed."""
        program, main = self._program, self.main
        spec = program.spec
        main.__dict__.update(
            __builtins__=sys.modules["builtins"], __file__=program.file, __cached__=spec.cached if spec else None,
            __spec__=spec, __package__=spec.parent if spec else None,
            __loader__=spec.loader if spec else SourceFileLoader("__main__", program.file),
        )  # fmt: skip
        if sys.version_info < (3, 14):
            main.__dict__.setdefault("__annotations__", {})
        sys.modules["__main__"] = main
        sys.argv = [program.file if spec else self._arguments[0], *self._arguments[1:]]
        if not sys.flags.safe_path:
            sys.path[0] = program.folder
        try:
            script = Script(program.source, program.file, main.__dict__)
        except (SyntaxError, ValueError) as error:
            self._print(error)
            return None
        main.__doc__ = script.docstring
        return script

    def run(self, script: Script, observer: Observer) -> None:
        """Run the program in the block of an observer that has started; keep and print the exception that ends it."""
        self.error = Recorder(observer, script).execute()
        if self.error is not None and not isinstance(self.error, SystemExit):
            self._print(self.error)

    @property
    def failure(self) -> BaseException | None:
        """The exception that is a failure of the run; None for an end by `sys.exit()` or `sys.exit(0)`."""
        error = self.error
        if error is None or is_clean_exit(error):
            return None
        if isinstance(error, SystemExit):
            return ScriptExitError(f"the script ended by sys.exit({error.code!r})").with_traceback(error.__traceback__)
        return error

    @staticmethod
    def _print(error: BaseException) -> None:
        """Print an uncaught exception as the interpreter does, by the hook that the program may have set."""
        remove_own_frames(error)
        kind, trace = type(error), error.__traceback__
        sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
        if sys.version_info >= (3, 12):
            sys.last_exc = error
        try:
            sys.excepthook(kind, error, trace)
        except Exception as of_hook:
            remove_own_frames(of_hook)
            sys.stderr.write("Error in sys.excepthook:\n")
            sys.__excepthook__(type(of_hook), of_hook, of_hook.__traceback__)
            sys.stderr.write("\nOriginal exception was:\n")
            sys.__excepthook__(kind, error, trace)
