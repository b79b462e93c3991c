"""From the standard library's `logging` into our stream: what other libraries say, with its fields and its exceptions.

Nothing is installed before it is asked for. A record becomes a line of the logger of its name: `log` is its
`event_type`, and `code.file.path`, `code.function.name`, `code.line.number` (OpenTelemetry's names) say where it was
said.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events.event import STANDARD
from odibi_core.events.failure import describe_failure
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.leveled import UNNAMED
from odibi_core.events.normalize import to_plain, to_text
from odibi_core.logs.program_logger import ProgramLog, process_log

__all__ = ["Installed", "LoggingHandler", "bringing_in", "capture_logging", "levelno_of"]

OURS: Final = "odibi_core"
"""The logger under which this library itself complains, which is not brought in: it may be about bringing in."""
FORWARDED: Final = "_odibi_forwarded"
"""Set on records that we made, so that they do not come back."""
OF_RECORDS: Final = frozenset(
    {*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName", FORWARDED}
)
"""What every record has; anything else on one is an `extra`."""
_MEANT: Final = frozenset({"user", "operation", "correlation_id"})
"""Fields of ours that an `extra` of the same name may set."""
_DEEPEST: Final = 3
"""Records that are logged while one is brought in, and while those are: past this it is a loop."""
_WARNINGS: Final = "py.warnings"
_SHORT: Final = 200

_inside = threading.local()


class LoggingHandler(logging.Handler):
    """A handler of `logging` that says each record as a line of `get_logger(record.name)`.

    `extra` becomes fields, a name that is the recorder's own with a `_` behind it. Never raises; `dropped` counts the
    records that came of a loop. It takes no lock of its own: who waits for our stream must not hold up who logs.

    >>> logging.getLogger().addHandler(LoggingHandler("info"))
    """

    def __init__(self, level: int | str | LogLevel = logging.NOTSET, log: ProgramLog | None = None) -> None:
        super().__init__(levelno_of(level))
        self.dropped = 0
        self._log = log

    def createLock(self) -> None:
        """Overrides the handler's own."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> Any:
        """Overrides the handler's own, which holds a lock meanwhile."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        """Say a record. Never raises."""
        depth = getattr(_inside, "depth", 0)
        if depth >= _DEEPEST:
            self.dropped += 1
            return
        if _is_ours(record):
            return
        _inside.depth = depth + 1
        try:
            logger = (self._log or process_log()).get_logger(to_text(record.name))
            level = _level_of(record)
            if SEVERITY[level] >= SEVERITY[logger.level]:
                getattr(logger, level)(UNNAMED, **_fields_of(record))
        except STOPS:
            raise
        except BaseException:
            self.dropped += 1
        finally:
            _inside.depth = depth


def bringing_in() -> bool:
    """Whether what is said here just now is a record that is brought in."""
    return getattr(_inside, "depth", 0) > 0


class Installed:
    """Something that was put in place: call it, or leave it as a context manager, and all is as it was before."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo

    def __call__(self) -> None:
        self._undo.close()

    def __enter__(self) -> Installed:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()


def capture_logging(
    level: int | str | LogLevel | None = None,
    logger: str | logging.Logger | None = None,
    *,
    warnings: bool = False,
    log: ProgramLog | None = None,
) -> Installed:
    """Bring in what `logger` (default: the root, so everybody) logs from `level` up (default: the program's own level).

    A logger whose level would keep records of that level back is set to it. With `warnings`, Python's warnings come
    too. A second time on the same logger brings nothing in twice. What is returned ends it: `restore()`, or `with`.
    """
    if not isinstance(logger, str | logging.Logger | None):
        raise ConfigurationError(
            f"logger is a logger of `logging`, its name, or None for all; given was a {type(logger).__name__}"
        )
    log = log or process_log()
    rank = levelno_of(log.settings.level if level is None else level)
    found = logger if isinstance(logger, logging.Logger) else logging.getLogger(logger)
    undo = ExitStack()
    if not any(isinstance(handler, LoggingHandler) for handler in found.handlers):
        handler = LoggingHandler(rank, log)
        found.addHandler(handler)
        undo.callback(found.removeHandler, handler)
    if found.getEffectiveLevel() > rank:
        undo.callback(found.setLevel, found.level)
        found.setLevel(rank)
    if warnings:
        undo.enter_context(_warnings_captured())
    return Installed(undo)


@contextmanager
def _warnings_captured() -> Iterator[None]:
    """Warnings become records; where they did already, they go on to."""
    before = warnings.showwarning
    logging.captureWarnings(True)
    ours = warnings.showwarning is not before
    try:
        yield
    finally:
        if ours:
            logging.captureWarnings(False)


def levelno_of(level: int | str | LogLevel) -> int:
    """A level as `logging` counts it. Raises `ConfigurationError` on what is none."""
    if isinstance(level, int):
        return level
    name = to_text(level, 100)
    known = {**SEVERITY, "warn": 30, "fatal": 50, "notset": 0}
    found = known.get(name.lower())
    if found is None:
        raise ConfigurationError(f"{name!r} is no level; one of: {', '.join(SEVERITY)}, or a number")
    return found


def _is_ours(record: logging.LogRecord) -> bool:
    name = to_text(record.name)
    return hasattr(record, FORWARDED) or name == OURS or name.startswith(f"{OURS}.")


def _level_of(record: logging.LogRecord) -> str:
    """The nearest of our levels that is not above the record's."""
    rank = record.levelno if isinstance(record.levelno, int) else SEVERITY["info"]
    return next((name for name, least in reversed(SEVERITY.items()) if rank >= least), "debug")


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """A record's fields as we say them; each part of it may be anything, or missing where it was made by hand."""
    fields: dict[str, Any] = {}
    for part in (_words, _failure, _place, _surroundings):
        try:
            fields |= part(record)
        except STOPS:
            raise
        except BaseException as error:
            fields.setdefault("message_problem", f"the record is damaged: {type(error).__name__}")
    for name, value in list(vars(record).items()):
        if name in OF_RECORDS:
            continue
        label = to_text(name)
        is_meant = label in _MEANT and isinstance(value, str)
        while label in fields or (label in STANDARD and not is_meant):
            label += "_"
        fields[label] = value
    return fields


def _words(record: logging.LogRecord) -> dict[str, Any]:
    """The message, and its template where it had one; where the arguments do not fit, both as they are."""
    template = to_text(record.msg)
    try:
        message = to_text(record.getMessage())
    except STOPS:
        raise
    except BaseException as error:
        problem = f"the arguments do not fit: {type(error).__name__}: {to_text(error, _SHORT)}"
        return {"message": template, "message_args": to_plain(record.args), "message_problem": problem}
    return {"message": message} if message == template else {"message": message, "message_template": template}


def _failure(record: logging.LogRecord) -> dict[str, Any]:
    failure: dict[str, Any] = {}
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else record.exc_info
    if isinstance(error, BaseException):
        failure = describe_failure(error)
    elif record.exc_text:  # it comes from another process, which wrote it out
        failure = {"traceback": to_text(record.exc_text)}
    return {**failure, "stack": to_text(record.stack_info)} if record.stack_info else failure


def _place(record: logging.LogRecord) -> dict[str, Any]:
    """Where it was said; of a warning, its text says it, and the record's place is inside `logging`."""
    if record.name == _WARNINGS or not record.pathname or record.pathname == "(unknown file)":
        return {}
    return {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
    }


def _surroundings(record: logging.LogRecord) -> dict[str, Any]:
    """The task; thread and process where they are not the main ones; a level that is not one of the five."""
    around = {
        "task.name": getattr(record, "taskName", None),
        "thread.name": None if record.threadName == "MainThread" else record.threadName,
        "process.name": None if record.processName == "MainProcess" else record.processName,
        "level_name": None if record.levelno in SEVERITY.values() else record.levelname,
    }
    return {name: value for name, value in around.items() if value is not None}
