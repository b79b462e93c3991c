"""Logging for a whole program: `get_logger(__name__)`, with stderr and a file that the environment configures.

A line that is logged inside `observe()` or a step belongs to that run and is in its record too. Outside of a run it
goes to the event bus of the program. The calls of the toolkit (`track_performance`, `capture_exception` …) are shown
beside the lines of the loggers, from the level of the log up.
"""

from __future__ import annotations

import atexit
import sys
import weakref
from threading import RLock
from typing import Any, Final, TextIO

from odibi_core import _fork, private_files
from odibi_core._state import STATE
from odibi_core.bus import EventBus, Sink, SubscriberGroup
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds, sanitize_text
from odibi_core.events.context import bus_here
from odibi_core.events.kinds import SEVERITY, LogLevel, severity
from odibi_core.events.leveled import LOGGING_KEYWORDS, Leveled, event_type, with_failure
from odibi_core.events.normalize import to_text
from odibi_core.logs.sampling import LogSampler
from odibi_core.process.state import current_bus, listen, program_bus
from odibi_core.redaction import redactor as redaction
from odibi_core.settings import Log, ObservabilityConfig, color_choice, get_config
from odibi_core.sinks.line_presets import Service, ToLine, line_encoder
from odibi_core.sinks.text import TextSink
from odibi_core.store.log_file import LogFile
from odibi_core.store.shorten import fitting

__all__ = ["ProgramLog", "ProgramLogger", "configure", "get_logger", "is_logged", "warn_of"]


class ProgramLog:
    """The loggers of a program, and the outlets of their lines: stderr and the file of the settings.

    Nothing is opened before the first line. `get_logger` uses the log of the process. Another one, with other settings
    or another stream, is for programs inside programs, and for tests.

    >>> log = ProgramLog(Log(level="debug", file="app.jsonl"))
    >>> log.get_logger("etl.load").debug("orders_loaded", row_count=3)
    """

    def __init__(
        self,
        settings: Log | ObservabilityConfig | None = None,
        stream: TextIO | None = None,
        *,
        bus: EventBus | None = None,
    ) -> None:
        self.file: LogFile | None = None
        self._stream = stream
        self._own_bus = EventBus() if bus is None else bus
        self.sampler = LogSampler(self._own_bus.clock)
        self._loggers: dict[str, ProgramLogger] = {}
        self._components: set[str] = set()
        self._reset_locks()
        self._sink = _LogSink(self._components, self.sampler)
        self._subscribers = SubscriberGroup()
        self._subscribers.add(self._sink, name="program log")
        self.configure(get_config() if settings is None else settings)
        _logs.add(self)
        _fork.in_child(self._reset_locks)

    def _reset_locks(self) -> None:
        """Fork: another thread of the parent may hold a lock, and the parent reports its suppressed repeats."""
        self._lock = RLock()
        self.sampler.reset()

    def configure(self, settings: Log | ObservabilityConfig) -> None:
        """Apply settings, also to the existing loggers; one whose level was set keeps it.

        Raises:
            ConfigurationError: If a setting is wrong; then nothing is changed.
        """
        log: Log = settings if isinstance(settings, Log) else settings.section("log")
        to_line = line_encoder(log.preset, _service(settings, log.preset))
        with self._lock:
            before, self.settings = self.file, log
            self.file = LogFile(log.file, to_line) if log.file else None
            self.sampler.configure(log.sample_rate, log.repeat_limit, log.repeat_window_s)
            self._sink.outlets = _Outlets(log, self._stream, self.file, fitting(to_line))
            for logger in self._loggers.values():
                logger.follow(log.level)
        if before is not None:
            before.close()
        self.sampler.report()  # lock order: a sink that runs in another thread may need the lock of this log

    def get_logger(self, name: str) -> ProgramLogger:
        """Return the logger of a name, always the same one."""
        if type(name) is not str:
            name = to_text(name)
        found = self._loggers.get(name)
        if found is None:
            with self._lock:
                found = self._loggers.setdefault(name, ProgramLogger(name, self))
                self._components.add(found.component)
        return found

    def bus(self) -> EventBus:
        """Return the bus of the current run, or else of the program."""
        bus: EventBus = bus_here.get() or self._own_bus
        if self._subscribers not in bus.groups:
            self._subscribers.join(bus)
        return bus

    def writes(self, event: Event) -> bool:
        """Return whether an event is a line of this log."""
        return self._sink.passes(event)

    @property
    def sampled_out(self) -> int:
        """Number of lines that the sample rate left out."""
        return self.sampler.sampled_out

    def close(self) -> None:
        """Report the suppressed repeats and close the file; a later line opens it again."""
        self.sampler.report()
        if self.file is not None:
            self.file.close()


class _ProcessLog(ProgramLog):
    """The log of the process, on every bus: it shows the calls of the toolkit also if no logger was used there."""

    def __init__(self, settings: Log | ObservabilityConfig) -> None:
        super().__init__(settings, bus=program_bus())
        self.warned: set[str] = set()
        """The problems of the set-up that were logged."""
        listen(self._sink, name="program log")

    bus = staticmethod(current_bus)


class RunLog(ProgramLog):
    """A log whose lines reach the bus of the current run alone: neither stderr nor a file has them."""

    bus = staticmethod(current_bus)


class _Outlets:
    """The console and the file of one set of settings, opened when the first line comes."""

    def __init__(self, log: Log, stream: TextIO | None, file: LogFile | None, to_json: ToLine) -> None:
        self.rank = SEVERITY[log.level]
        self.opened: tuple[Sink, ...] = ()
        self._log = log
        self._stream = stream
        self._file = file
        self._to_json = to_json

    def open(self) -> tuple[Sink, ...]:
        """Open and return the outlets; the stream is examined only now, because a program may have replaced it."""
        color = color_choice()
        if color is None:
            color = _is_terminal(self._stream or sys.stderr)
        console = TextSink(self._stream, self._log.format, color=color, to_json=self._to_json)
        self.opened = (console,) if self._file is None else (console, self._file)
        return self.opened


class _LogSink:
    """Passes the lines of the log's own loggers to its outlets, and from a level up the calls of the toolkit."""

    outlets: _Outlets

    def __init__(self, components: set[str], sampler: LogSampler) -> None:
        self._components = components
        self._sampler = sampler

    def __call__(self, event: Event) -> None:
        if self.passes(event):
            for outlet in self.outlets.opened or self.outlets.open():
                outlet(event)
        if event.event_type in kinds.PIPELINE_ENDS and event.run_id is not None:
            self._sampler.report(event.run_id)

    def passes(self, event: Event) -> bool:
        """Return whether the outlets get an event."""
        if event.component in self._components:
            return True
        return event.event_type in kinds.OF_PROGRAMS and severity(event.level) >= self.outlets.rank


class ProgramLogger(Leveled):
    """A logger of `get_logger`: its name is the `component` of every line, keywords become fields.

    The first argument is the event's type. A field with a name of the recorder (`component`, `level`, …) is kept with
    a `_` behind its name. No method raises.
    """

    def __init__(self, name: str, log: ProgramLog) -> None:
        self.name = name
        self.component = sanitize_text(name)
        self._log = log
        self._has_own_level = False
        self.follow(log.settings.level)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, as loggers of the standard library: the copy is the logger of that process."""
        return get_logger, (self.name,)

    @property
    def bus(self) -> EventBus:
        """The bus of the current run, or else of the program."""
        return self._log.bus()

    def set_level(self, level: str | LogLevel) -> None:
        """Log nothing below `level`, whatever the log of the program is configured to later."""
        super().set_level(level)
        self._has_own_level = True

    def follow(self, level: str) -> None:
        """Use the level of the log, unless this logger has its own."""
        if not self._has_own_level:
            super().set_level(level)

    def _emit(self, level: str, event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        if args or type(event) is not str or not event:
            event = event_type(event, args, fields)
        bus, name = self._log.bus(), self.component
        if self._log.sampler.is_active and not self._is_admitted(bus, level, event, fields):
            return
        if "component" in fields:
            fields["component_"] = fields.pop("component")
        if not LOGGING_KEYWORDS.isdisjoint(fields):
            fields = with_failure(fields)
        bus.publish(event, level=level, fields={"component": name, "logger": name, **fields})

    def _is_admitted(self, bus: EventBus, level: str, event: str, fields: dict[str, Any]) -> bool:
        try:
            return self._log.sampler.admits(bus, self.component, level, event, fields)
        except STOPS:
            raise
        except BaseException:
            return True  # a line that cannot be compared is published

    def __repr__(self) -> str:
        return f"ProgramLogger({self.name!r}, level={self.level!r})"


def get_logger(name: str) -> ProgramLogger:
    """Return the program's logger of a name, by custom `get_logger(__name__)`.

    The first call in a process reads `LOG_LEVEL`, `LOG_FORMAT`, `LOG_FILE` and the other settings of the log, unless
    `init_observability` was called before. A wrong value is logged as a warning, and its default applies.
    """
    return process_log().get_logger(name)


def configure(settings: Log | ObservabilityConfig) -> None:
    """Configure the log of the process and its existing loggers.

    Raises:
        ConfigurationError: If a setting is wrong; then nothing is changed.
    """
    _configure_redaction(get_config())
    process_log(settings).configure(settings)  # again, because another thread may have logged a line in between


def is_logged(event: Event) -> bool:
    """Return whether the log of the process writes an event to its own outlets, one of which is stderr."""
    return _default.log is not None and _default.log.writes(event)


def warn_of(problem: str) -> None:
    """Log a problem of the program's set-up once, however often it is found."""
    log = process_log()
    if problem not in log.warned:
        log.warned.add(problem)
        log.get_logger("odibi_core").warning("setup_problem", message=problem)


def process_log(settings: Log | ObservabilityConfig | None = None) -> _ProcessLog:
    """Return the log of the process; the first call creates it and warns of wrong settings."""
    if _default.log is None and _create(settings) and settings is None:
        for problem in get_config().validate("log", "redaction"):
            warn_of(problem)
    assert _default.log is not None
    return _default.log


def _create(settings: Log | ObservabilityConfig | None) -> bool:
    """Create the log of the process; return False if another thread did."""
    with STATE.creation_lock:
        if _default.log is not None:
            return False
        config = get_config()
        _configure_redaction(config)
        private_files.set_file_mode(config.section("store").mode)
        _default.log = _ProcessLog(config if settings is None else settings)
        return True


def _configure_redaction(config: ObservabilityConfig) -> None:
    redaction.configure(
        config.redaction_names,
        config.redaction_patterns,
        credentials=config.redaction_credentials,
        personal=config.redaction_personal,
        source="settings",
    )


def _service(settings: Log | ObservabilityConfig, preset: str) -> Service:
    """Return the service of the lines, which only the lines for other systems contain."""
    config = get_config() if isinstance(settings, Log) else settings
    if preset == "datadog":  # logs and metrics are joined there by the same three tags
        texts = (config.datadog_service, config.datadog_env, config.datadog_version)
    else:
        texts = (config.service_name, config.environment, config.service_version)
    return Service(*(sanitize_text(text) for text in texts))  # settings never passed the bus


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (ValueError, AttributeError):  # closed, or no real file
        return False


class _Default:
    """The log of this process, once it is set up."""

    def __init__(self) -> None:
        self.log: _ProcessLog | None = None


_default: Final = STATE.part(_Default)
_logs: weakref.WeakSet[ProgramLog] = weakref.WeakSet()


def _at_exit() -> None:
    """Report the suppressed repeats and close the files when the program ends."""
    for log in list(_logs):
        log.close()


atexit.register(_at_exit)
