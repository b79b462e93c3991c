"""Capture of records of the standard library's `logging`, with their fields and exceptions.

Nothing is installed without a call. A record becomes a line of the logger of its name, with the `event_type` `log`.
Its place is in `code.file.path`, `code.function.name` and `code.line.number`, which are OpenTelemetry's names.
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
from odibi_core.events.kinds import SEVERITY, LogLevel, spelled_level
from odibi_core.events.leveled import UNNAMED, misfit_of
from odibi_core.events.normalize import to_plain, to_text
from odibi_core.logs.program_logger import ProgramLog, process_log

__all__ = ["Installed", "LoggingHandler", "capture_logging", "is_capturing", "levelno_of"]

_OWN_LOGGER: Final = "odibi_core"
"""The logger of this library, whose records are not captured: they may be about a capture."""
FORWARDED: Final = "_odibi_forwarded"
"""Attribute of the records that this library made, which are not captured."""
RECORD_ATTRIBUTES: Final = frozenset(
    {*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName", FORWARDED}
)
"""Attributes of every record; any other one is an `extra`."""
_SETTABLE: Final = frozenset({"user", "operation", "correlation_id"})
"""Standard fields that an `extra` of the same name may set."""
_MAX_DEPTH: Final = 3
"""Depth of records that are logged during a capture; beyond it is a loop."""
_WARNINGS: Final = "py.warnings"

_capturing = threading.local()


class LoggingHandler(logging.Handler):
    """A handler of `logging` that logs each record as a line of `get_logger(record.name)`.

    `extra` becomes fields, with a `_` behind a name of the recorder. Never raises; `dropped` counts the records of a
    loop. It has no lock: a thread that waits for the event bus must not delay other threads that log.

    >>> logging.getLogger().addHandler(LoggingHandler("info"))
    """

    def __init__(self, level: int | str | LogLevel = logging.NOTSET, log: ProgramLog | None = None) -> None:
        super().__init__(levelno_of(level))
        self.dropped = 0
        self._log = log

    def createLock(self) -> None:
        """Set no lock, in place of the standard one."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> Any:
        """Filter and emit a record without a lock, in place of the standard method."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record as a line. Never raises."""
        depth = getattr(_capturing, "depth", 0)
        if depth >= _MAX_DEPTH:
            self.dropped += 1
            return
        if _is_own(record):
            return
        _capturing.depth = depth + 1
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
            _capturing.depth = depth


def is_capturing() -> bool:
    """Return whether this thread is in the capture of a record."""
    return getattr(_capturing, "depth", 0) > 0


class Installed:
    """An installed integration: a call, or the end of its `with` block, restores the state from before."""

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
    """Capture the records of a standard logger as lines of this program.

    A logger with a higher level is set to `level`. A second call for the same logger captures nothing twice.

    Args:
        level: Least level of the records; by default the level of the program's log.
        logger: The logger or its name; None for the root logger, which receives the records of all.
        warnings: Capture Python's warnings too.
        log: The log of the lines; by default the log of the process.

    Returns:
        An object that ends the capture: call it, or use it in `with`.

    Raises:
        ConfigurationError: If `logger` is something else, or if the level is unknown.
    """
    if not isinstance(logger, str | logging.Logger | None):
        raise ConfigurationError(
            f"logger must be a logger of `logging`, its name, or None for all, got a {type(logger).__name__}"
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
    """Turn warnings into records within the block; if they were so before, they stay so after it."""
    before = warnings.showwarning
    logging.captureWarnings(True)
    is_new = warnings.showwarning is not before
    try:
        yield
    finally:
        if is_new:
            logging.captureWarnings(False)


def levelno_of(level: int | str | LogLevel) -> int:
    """Return the number of a level in `logging`.

    Raises:
        ConfigurationError: If the level is unknown.
    """
    if isinstance(level, int):
        return level
    name = to_text(level, 100)
    found = logging.NOTSET if name.lower() == "notset" else SEVERITY.get(spelled_level(name))
    if found is None:
        raise ConfigurationError(f"{name!r} is no level; one of: {', '.join(SEVERITY)}, or a number")
    return found


def _is_own(record: logging.LogRecord) -> bool:
    name = to_text(record.name)
    return hasattr(record, FORWARDED) or name == _OWN_LOGGER or name.startswith(f"{_OWN_LOGGER}.")


def _level_of(record: logging.LogRecord) -> str:
    """Return the nearest of the five levels that is not above the record's."""
    rank = record.levelno if isinstance(record.levelno, int) else SEVERITY["info"]
    return next((name for name, least in reversed(SEVERITY.items()) if rank >= least), "debug")


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a record; each attribute may be anything, or missing on a record that was made by hand."""
    fields: dict[str, Any] = {}
    for part in (_message, _failure, _place, _surroundings):
        try:
            fields |= part(record)
        except STOPS:
            raise
        except BaseException as error:
            fields.setdefault("message_problem", f"the record is damaged: {type(error).__name__}")
    for name, value in list(vars(record).items()):
        if name in RECORD_ATTRIBUTES:
            continue
        label = to_text(name)
        is_settable = label in _SETTABLE and isinstance(value, str)
        while label in fields or (label in STANDARD and not is_settable):
            label += "_"
        fields[label] = value
    return fields


def _message(record: logging.LogRecord) -> dict[str, Any]:
    """Return the message and its template; if the arguments do not fit, both as they are."""
    template = to_text(record.msg)
    try:
        message = to_text(record.getMessage())
    except STOPS:
        raise
    except BaseException as error:
        args = to_plain(record.args)
        return {"message": template, "message_args": args, "message_problem": misfit_of(error)}
    return {"message": message} if message == template else {"message": message, "message_template": template}


def _failure(record: logging.LogRecord) -> dict[str, Any]:
    failure: dict[str, Any] = {}
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else record.exc_info
    if isinstance(error, BaseException):
        failure = describe_failure(error)
    elif record.exc_text:  # formatted by another process
        failure = {"traceback": to_text(record.exc_text)}
    return {**failure, "stack": to_text(record.stack_info)} if record.stack_info else failure


def _place(record: logging.LogRecord) -> dict[str, Any]:
    """Return the place of the call; that of a warning is in its text, because its record is made in `logging`."""
    if record.name == _WARNINGS or not record.pathname or record.pathname == "(unknown file)":
        return {}
    return {"code.file.path": record.pathname, "code.function.name": record.funcName, "code.line.number": record.lineno}


def _surroundings(record: logging.LogRecord) -> dict[str, Any]:
    """Return the task, a thread and process other than the main ones, and a level other than the five."""
    around = {
        "task.name": getattr(record, "taskName", None),
        "thread.name": None if record.threadName == "MainThread" else record.threadName,
        "process.name": None if record.processName == "MainProcess" else record.processName,
        "level_name": None if record.levelno in SEVERITY.values() else record.levelname,
    }
    return {name: value for name, value in around.items() if value is not None}
