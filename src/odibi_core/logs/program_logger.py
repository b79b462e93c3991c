"""Logging for a whole program: `get_logger(__name__)`, with stderr and a file behind it as the environment says.

What a logger says inside `observe()` or a step belongs to that run and stands in its record too; outside any run it
goes to one bus of the program, which is made when the first line is said. Beside the loggers' lines stands what the
toolkit's calls say (`track_performance`, `capture_exception` …), from the log's level up.
"""

from __future__ import annotations

import atexit
import sys
import weakref
from functools import partial
from threading import RLock
from typing import Any, Final, TextIO

from odibi_core import _fork, private_files
from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds, sanitize_text
from odibi_core.events.context import bus_here
from odibi_core.events.kinds import SEVERITY, LogLevel, severity
from odibi_core.events.leveled import Leveled, with_failure
from odibi_core.events.normalize import to_text
from odibi_core.logs.sampling import Gate
from odibi_core.process.state import creation_lock, current_bus, listen, program_bus
from odibi_core.redaction import redactor as redaction
from odibi_core.settings import Log, ObservabilityConfig, color_choice, get_config
from odibi_core.sinks.line_presets import Service, ToLine, line_encoder
from odibi_core.sinks.text import TextSink
from odibi_core.store.log_file import LogFile
from odibi_core.store.shorten import fitting

__all__ = ["ProgramLog", "ProgramLogger", "configure", "get_logger", "warn_of"]

_ENDS: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR})


class ProgramLog:
    """What the loggers of a program share: where they speak, and where it is shown, stderr and the settings' file.

    Nothing is opened before the first line. `get_logger` uses the one of the process; one of your own, with other
    settings or another stream, is for programs inside programs, and for tests.

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
        self._own = EventBus() if bus is None else bus
        self._gate = Gate(self._own.clock)
        self._loggers: dict[str, ProgramLogger] = {}
        self._components: set[str] = set()
        self._joined: weakref.WeakSet[EventBus] = weakref.WeakSet()
        self._lock = RLock()
        self._shown = _Shown(self._components, self._gate)
        self.configure(get_config() if settings is None else settings)
        _logs.add(self)
        _fork.in_child(self._after_fork)

    def _after_fork(self) -> None:
        """Fork: another thread of the parent may have held a lock."""
        self._lock = RLock()
        self._gate.begin()

    def configure(self, settings: Log | ObservabilityConfig) -> None:
        """From here on these settings, for the loggers too that there are; one whose level was set keeps it.

        Raises `ConfigurationError`, and then all stays as it was.
        """
        log: Log = settings if isinstance(settings, Log) else settings.section("log")
        to_line = line_encoder(log.preset, _service(settings, log.preset))
        with self._lock:
            before, self.settings = self.file, log
            self.file = LogFile(log.file, to_line) if log.file else None
            self._gate.configure(log.sample_rate, log.repeat_limit, log.repeat_window_s)
            self._shown.screen = _Screen(log, self._stream, self.file, fitting(to_line))
            for logger in self._loggers.values():
                logger.follow(log.level, self._gate)
        if before is not None:
            before.close()
        self._gate.tell()  # not under our lock: who speaks may be waited for by who waits for us

    def get_logger(self, name: str) -> ProgramLogger:
        """The logger of that name, always the same one."""
        if type(name) is not str:
            name = to_text(name)
        found = self._loggers.get(name)
        if found is None:
            with self._lock:
                found = self._loggers.setdefault(name, ProgramLogger(name, self, self._gate))
                self._components.add(found.component)
        return found

    def bus(self) -> EventBus:
        """The bus to speak on here: that of the run that we are in, else the program's own."""
        found: EventBus = bus_here.get() or self._own
        if found not in self._joined:
            self._join(found)
        return found

    def _join(self, bus: EventBus) -> None:
        with self._lock:
            if bus not in self._joined:
                bus.subscribe(self._shown, name="program log")
                self._joined.add(bus)  # last: who finds it here speaks at once

    @property
    def sampled_out(self) -> int:
        """Lines that were not said because of the sample rate."""
        return self._gate.sampled_out

    def close(self) -> None:
        """Tell of the lines that are held back, and let the file go; a line that comes later opens it again."""
        self._gate.tell()
        if self.file is not None:
            self.file.close()


class _ProcessLog(ProgramLog):
    """The one of the process hears every bus, so that it shows the toolkit's calls where no logger said a word."""

    def __init__(self, settings: Log | ObservabilityConfig) -> None:
        super().__init__(settings, bus=program_bus())
        self.told: set[str] = set()
        """What was wrong at set-up and was warned of."""
        listen(self._shown, name="program log")

    bus = staticmethod(current_bus)


class _Screen:
    """Where lines are shown, as one set of settings says; opened when the first line comes."""

    def __init__(self, log: Log, stream: TextIO | None, file: LogFile | None, to_json: ToLine) -> None:
        self.rank = SEVERITY[log.level]
        self.outlets: tuple[Sink, ...] = ()
        self._log = log
        self._stream = stream
        self._file = file
        self._to_json = to_json

    def open(self) -> tuple[Sink, ...]:
        """Look at the stream only now: it may have been replaced since."""
        color = color_choice()
        if color is None:
            color = _is_terminal(self._stream or sys.stderr)
        console = TextSink(self._stream, self._log.format, color=color, to_json=self._to_json)
        self.outlets = (console,) if self._file is None else (console, self._file)
        return self.outlets


class _Shown:
    """Passes on what our loggers say, told by its component, and from a level up what the toolkit's calls say."""

    screen: _Screen

    def __init__(self, components: set[str], gate: Gate) -> None:
        self._components = components
        self._gate = gate

    def __call__(self, event: Event) -> None:
        kind, screen = event.event_type, self.screen
        if event.component in self._components or (
            kind in kinds.OF_PROGRAMS and severity(event.level) >= screen.rank
        ):
            for outlet in screen.outlets or screen.open():
                outlet(event)
        if kind in _ENDS and event.run_id is not None:
            self._gate.tell(event.run_id)


class ProgramLogger(Leveled):
    """A logger of `get_logger`: its name is the `component` of every line; keywords become fields.

    The first argument is the event's type; a field that is called as the recorder's own (`component`, `level`, …) is
    kept with a `_` behind its name. Nothing here raises.
    """

    def __init__(self, name: str, log: ProgramLog, gate: Gate) -> None:
        self.name = name
        self.component = sanitize_text(name)
        self._log = log
        self._has_own_level = False
        self.follow(log.settings.level, gate)

    def __reduce__(self) -> tuple[Any, ...]:
        """As the standard library's: by its name, the logger of that process."""
        return get_logger, (self.name,)

    @property
    def bus(self) -> EventBus:
        """Where it speaks here: the bus of the run that we are in, else the program's."""
        return self._log.bus()

    def set_level(self, level: str | LogLevel) -> None:
        """Say nothing below `level`, whatever the program's log is configured to later."""
        super().set_level(level)
        self._has_own_level = True

    def follow(self, level: str, gate: Gate) -> None:
        """Be as the program's log is; a gate that is open costs nothing."""
        if not self._has_own_level:
            super().set_level(level)
        if gate.is_open:
            self.__dict__.pop("_say", None)
        else:
            self.__dict__["_say"] = partial(self._say_if_admitted, gate)

    def _say(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if "component" in fields:
            fields["component_"] = fields.pop("component")
        if "exc_info" in fields or "extra" in fields or "stack_info" in fields or "stacklevel" in fields:
            fields = with_failure(fields)
        name = self.component
        self._log.bus().publish(event, level=level, fields={"component": name, "logger": name, **fields})

    def _say_if_admitted(self, gate: Gate, level: str, event: str, fields: dict[str, Any]) -> None:
        try:
            admitted = gate.admits(self._log.bus(), self.component, level, event, fields)
        except STOPS:
            raise
        except BaseException:
            admitted = True  # a line too strange to be compared is said
        if admitted:
            ProgramLogger._say(self, level, event, fields)

    def __repr__(self) -> str:
        return f"ProgramLogger({self.name!r}, level={self.level!r})"


def get_logger(name: str) -> ProgramLogger:
    """The program's logger of that name, by custom `get_logger(__name__)`.

    `LOG_LEVEL`, `LOG_FORMAT`, `LOG_FILE` and the other settings of the log are read by the first call in a process,
    unless `init_observability` came before. One that cannot be right is warned of, and its default holds.
    """
    return process_log().get_logger(name)


def configure(settings: Log | ObservabilityConfig) -> None:
    """Have the process's log be so from here on, its loggers too that there are. Raises `ConfigurationError`."""
    _redact_as(get_config())
    process_log(settings).configure(settings)  # again, where another thread's first line came in between


def warn_of(problem: str) -> None:
    """Say what is wrong with how the program is set up; the same only once, however often it is found."""
    log = process_log()
    if problem not in log.told:
        log.told.add(problem)
        log.get_logger("odibi_core").warning("setup_problem", message=problem)


def process_log(settings: Log | ObservabilityConfig | None = None) -> _ProcessLog:
    """The log of the process. The first who asks makes it, and warns of what is wrong with the settings it found."""
    if _default.log is None and _make(settings) and settings is None:
        for problem in get_config().validate("log", "redaction"):
            warn_of(problem)
    assert _default.log is not None
    return _default.log


def _make(settings: Log | ObservabilityConfig | None) -> bool:
    """False where another thread did."""
    with creation_lock():
        if _default.log is not None:
            return False
        config = get_config()
        _redact_as(config)
        private_files.set_file_mode(config.section("store").mode)
        _default.log = _ProcessLog(config if settings is None else settings)
        return True


def _redact_as(config: ObservabilityConfig) -> None:
    redaction.configure(
        config.redaction_names,
        config.redaction_patterns,
        credentials=config.redaction_credentials,
        personal=config.redaction_personal,
        source="settings",
    )


def _service(settings: Log | ObservabilityConfig, preset: str) -> Service:
    """Whose lines they are; only lines for other systems say so."""
    config = get_config() if isinstance(settings, Log) else settings
    if preset == "datadog":  # where logs and metrics belong together by the same three tags
        return Service(config.datadog_service, config.datadog_env, config.datadog_version)
    return Service(config.service_name, config.environment, config.service_version)


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
    """What is held back when the program ends is told."""
    for log in list(_logs):
        log.close()


atexit.register(_at_exit)
