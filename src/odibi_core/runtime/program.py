"""`init_observability`: the record of a whole program, its endpoints and its exports, until its end."""

from __future__ import annotations

import atexit
import sys
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any, ClassVar, Final

from odibi_core._state import STATE
from odibi_core.delivery import exit_time
from odibi_core.endpoint.server import serve_metrics
from odibi_core.endpoint.shared_folder import shared_folder
from odibi_core.error_reporting.tracker import (
    close_error_tracking,
    close_error_tracking_at_exit,
    init_error_tracking,
    program_uses_sentry,
)
from odibi_core.errors import STOPS, OdibiError
from odibi_core.events import context
from odibi_core.events.clock import monotonic, program_name
from odibi_core.events.failure import typed_message_of
from odibi_core.health.program import endpoint_answer, start_background_checks
from odibi_core.logs.program_logger import configure, warn_of
from odibi_core.process import state as program
from odibi_core.runtime.exports import attach_exports, close_exports, close_exports_at_exit
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.run_context import Purpose, purpose_of
from odibi_core.settings import ObservabilityConfig, get_config, set_config
from odibi_core.settings.environment import temporary_folder
from odibi_core.settings.lists import tags
from odibi_core.sinks.datadog_sink import DatadogSink

__all__ = ["ProgramObserver", "init_observability"]

END_WITHIN_S: Final = exit_time.END_WITHIN_S


class ProgramObserver(Observer):
    """The record of a program, its metrics endpoint and its exports; `init_observability` creates it.

    The end of the program calls `finish()`, unless the program called it before.
    """

    hooks_within_s: ClassVar[float] = END_WITHIN_S / 2

    def __init__(self, config: ObservabilityConfig, purpose: Purpose) -> None:
        named = config.source("service_name") != "default"
        super().__init__(
            config.service_name if named else program_name(),
            settings=config.of_run(),
            bus=program.program_bus(),
            metrics=program.get_metrics(),
            purpose=purpose,
        )
        self.config = config
        self._ends: deque[Callable[[float], object]] = deque()

    def _line(self) -> str:
        return f"ProgramObserver({self.name!r}, run_id={self.run_id!r})"

    def start(self, **about: Any) -> ProgramObserver:
        """Open the record and start the configured parts; log one warning for each that is unavailable."""
        configure(self.config)
        self._assign_events(self.run_id)
        problems, prevented = self.config.validate(), self.config.prevented()
        if program_uses_sentry():  # a DSN is not needed then, but a wrong one is still a problem
            needless = set(prevented.pop("sentry_enabled", ())) - set(self.config.validate("sentry"))
            problems = [problem for problem in problems if problem not in needless]
        for problem in problems:
            warn_of(problem)
        self._start_part(partial(super().start, **about))
        self._start_part(self._watch_health)
        self._start_part(self._attach_exports)
        for asked, part in (
            ("metrics_enabled", self._serve_metrics),
            ("datadog_enabled", self._feed_datadog),
            ("sentry_enabled", self._track_errors),
        ):
            if asked not in prevented:  # else a warning has the reason
                self._start_part(part)
        return self

    def _start_part(self, part: Callable[[], object]) -> None:
        """Start one part; if it is unavailable, log a warning and continue."""
        try:
            part()
        except STOPS:
            raise
        except BaseException as error:
            warn_of(str(error) if isinstance(error, OdibiError) else typed_message_of(error))

    def _assign_events(self, run_id: str | None) -> None:
        """Assign the events of all threads to this run from now on, unless they belong to another one.

        The run's id is the correlation id as well, unless the program sets one.
        """
        inherited, here = context.inherited(), context.current()
        given, own_correlation = context.correlation_given(inherited), context.correlation_given(here)
        own = {"run_id": run_id, "correlation_id": given or run_id}
        context.inherit({**inherited.standard, **inherited.fields, **own})
        context.enter(run_id=run_id, correlation_id=own_correlation or run_id)

    def _serve_metrics(self) -> None:
        config = self.config
        if config.metrics_enabled:
            shared = shared_folder(temporary_folder()) or self.settings.root
            endpoint = serve_metrics(
                self.metrics,
                shared / "metrics",
                health=endpoint_answer if config.health_check_enabled else None,
                host=config.metrics_host,
                port=config.prometheus_port,
                token=config.metrics_token,
            )
            self._ends.append(endpoint.close)

    def _feed_datadog(self) -> None:
        config = self.config
        if config.datadog_enabled:
            own = {"service": config.datadog_service, "env": config.datadog_env, "version": config.datadog_version}
            others = [pair for pair in tags(config.datadog_tags) if pair[0] not in own]
            sink = DatadogSink(config.datadog_host, config.datadog_port, tags=[*own.items(), *others])
            self._ends += [self.metrics.forward(sink), sink.close]

    def _track_errors(self) -> None:
        if init_error_tracking(self.config):
            atexit.unregister(close_error_tracking_at_exit)  # errors of the end of the record are sent too
            self._ends.append(close_error_tracking)

    def _attach_exports(self) -> None:
        attach_exports(self.settings.root)
        atexit.unregister(close_exports_at_exit)  # what the end of the record publishes is sent too
        self._ends.append(close_exports)

    def _watch_health(self) -> None:
        config = self.config
        if config.health_check_enabled and config.source("health_check_interval_seconds") != "default":
            background = start_background_checks(config.health_check_interval_seconds)
            self._ends.append(lambda timeout: background.stop())

    def finish(self, error: BaseException | None = None) -> None:
        """Close the record with the verdict, then send what still waits, within `END_WITHIN_S` seconds in all."""
        if self.record.forked:
            return  # the record is the parent's
        deadline = monotonic() + END_WITHIN_S
        super().finish(error)
        self._assign_events(None)
        while self._ends:
            # One that hangs must not use the time of the others.
            share = max(0.0, deadline - monotonic()) / len(self._ends)
            try:
                self._ends.popleft()(share)
            except STOPS:
                raise
            except BaseException as failure:
                warn_of(typed_message_of(failure))


def init_observability(
    config: ObservabilityConfig | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    partition: str | date | None = None,
) -> ProgramObserver:
    """Observe this program until its end.

    The log goes to stderr and `LOG_FILE`, the record into the store, metrics to `PROMETHEUS_PORT` and Datadog, errors
    to Sentry, each if it is configured. If a setting is invalid, a port in use or a library missing, odibi logs one
    warning and continues.

    Args:
        config: Configuration; that of environment and file by default. With one, a second call starts anew; without,
            it returns the observer of the first call.
        params: Parameters of the program's run, for the record.
        tags: Tags of the run, `{"team": "sales"}`; those of the settings are added.
        partition: Logical date or partition that the run is for, a text or a date (default: the setting).

    Returns:
        The observer; its `finish()` ends the record before the end of the program.

    >>> observer = init_observability(ObservabilityConfig(metrics_enabled=False))
    >>> observer.finish()
    """
    with STATE.creation_lock:
        if _running.observers and config is None:
            return _running.observers[0]
        finish_all()
        if config is not None:
            set_config(config)
        config = get_config()
        purpose = purpose_of(params, tags, partition, config.section("run"))
        _running.observers.append(ProgramObserver(config, purpose))
        atexit.unregister(_at_exit)
        atexit.register(_at_exit)
        return _running.observers[0].start()


def _at_exit() -> None:
    """End the record; an exception that ended the program is the one that the interpreter printed last."""
    is_prompt = hasattr(sys, "ps1")  # there, an exception does not end the program
    finish_all(None if is_prompt else getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))


def finish_all(error: BaseException | None = None) -> None:
    """End the record that `init_observability` started; a second call does nothing."""
    while _running.observers:
        _running.observers.pop().finish(error)


class _Running:
    """The observers that `init_observability` started: one at most."""

    def __init__(self) -> None:
        self.observers: list[ProgramObserver] = []


_running: Final = STATE.part(_Running)
