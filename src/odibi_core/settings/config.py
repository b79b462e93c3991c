"""The flat face of the settings: `ObservabilityConfig`, one attribute for each, and the one that a process has."""

from __future__ import annotations

from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.hosts import is_loopback
from odibi_core.settings.lists import WITHIN, said_within
from odibi_core.settings.options import OPTIONS, VARIABLES, Option, options_of, unknown_variables
from odibi_core.settings.reading import CODE, DEFAULT, Given, Reading, judged
from odibi_core.settings.sections import SECTIONS
from odibi_core.settings.values import masked, text_of


class ObservabilityConfig:
    """Every setting, as code, environment and file say now: `ObservabilityConfig(log_level="debug")`.

    What cannot be right never raises here: it keeps its default, and `validate()` tells of it. Only an attribute that
    does not exist raises `ConfigurationError`. An attribute may be assigned; it goes the same way.
    """

    store_dir: str
    store_durability: str
    store_segment_mb: float
    store_file_mode: str
    log_level: str
    log_format: str
    log_file: str
    log_preset: str
    log_sample_rate: float
    log_repeat_limit: int
    log_repeat_window_s: float
    snapshot_level: str
    snapshot_rows: int
    metrics_enabled: bool
    prometheus_port: int
    metrics_host: str
    metrics_token: str
    datadog_enabled: bool
    datadog_api_key: str
    datadog_site: str
    datadog_service: str
    datadog_env: str
    datadog_version: str
    datadog_tags: str
    datadog_host: str
    datadog_port: int
    sentry_enabled: bool
    sentry_dsn: str
    sentry_environment: str
    sentry_release: str
    sentry_traces_sample_rate: float
    cost_tracking_enabled: bool
    cost_alert_threshold_usd: float
    cost_budget_usd: float
    cost_usd_per_tib: float
    health_check_enabled: bool
    health_check_interval_seconds: float
    tracing_enabled: bool
    tracing_sample_rate: float
    service_name: str
    environment: str
    service_version: str
    usage_enabled: bool
    redaction_credentials: bool
    redaction_personal: bool
    redaction_names: tuple[str, ...]
    redaction_patterns: tuple[str, ...]
    otel_sdk_disabled: bool
    otel_resource_attributes: str
    otel_endpoint: str
    otel_headers: str
    otel_timeout: float
    otel_compression: str
    otel_protocol: str
    otel_traces_endpoint: str
    otel_traces_headers: str
    otel_traces_timeout: float
    otel_traces_compression: str
    otel_traces_protocol: str
    otel_metrics_endpoint: str
    otel_metrics_headers: str
    otel_metrics_timeout: float
    otel_metrics_compression: str
    otel_metrics_protocol: str
    otel_logs_endpoint: str
    otel_logs_headers: str
    otel_logs_timeout: float
    otel_logs_compression: str
    otel_logs_protocol: str

    _general: list[str]
    _unknown: list[str]
    _problems: dict[str, str]
    _own: dict[str, tuple[Any, str]]
    _sources: dict[str, str]

    def __init__(self, **given: Any) -> None:
        reading = Reading()
        strangers = [problem for section in SECTIONS for problem in reading.strangers(section)]
        self.__dict__.update(
            _general=[problem for problem in [reading.file.problem, *strangers] if problem],
            _unknown=unknown_variables(reading.environment),
            _problems={},
            _own={},
            _sources={},
        )
        for option in OPTIONS.values():
            self._take(option, reading.given(option))
            if problem := reading.overreach(option):
                self._problems[option.attribute] = f"{problem}; {_used(option.default)}"
        self._settle()
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    def __setattr__(self, attribute: str, value: Any) -> None:
        option = OPTIONS.get(attribute)
        if option is None:
            raise ConfigurationError(f"ObservabilityConfig has no {attribute!r}{nearest(attribute, OPTIONS)}")
        self._take(option, Given(value, f"the setting {attribute}", CODE))
        self._settle()

    def _take(self, option: Option, given: Given | None) -> None:
        value, source = option.default, DEFAULT
        self._problems.pop(option.attribute, None)
        if given is not None:
            value, problem = judged(option, given)
            if problem:
                self._problems[option.attribute] = f"{problem}; {_used(value)}"
            else:
                source = given.source
        self._own[option.attribute] = value, source

    def _settle(self) -> None:
        """A setting is what was given for it, else what a list says of it, else what stands in for it."""
        for attribute, own in self._own.items():
            self._put(attribute, *own)
        for attribute, (listed, _) in WITHIN.items():
            text, source = self._own[listed]
            if _rank(source) > _rank(self._sources[attribute]) and (said := said_within(attribute, text)):
                self._put(attribute, said, source)
        for option in OPTIONS.values():
            if option.instead and self._sources[option.attribute] == DEFAULT:
                self._put(option.attribute, self.__dict__[option.instead], option.instead)

    def _put(self, attribute: str, value: Any, source: str) -> None:
        self.__dict__[attribute] = value
        self._sources[attribute] = source

    def source(self, attribute: str) -> str:
        """Where a value came from: `default`, `code`, a variable, a file, or the attribute that stands in for it."""
        return self._sources[attribute]

    def section(self, name: str) -> Any:
        """One section as its own type: `config.section("log")` is a `Log`."""
        return SECTIONS[name](**{option.key: getattr(self, option.attribute) for option in options_of(name)})

    def validate(self, *sections: str) -> list[str]:
        """All that is wrong, one sentence each, which names the variable; empty when everything can be right.

        With `sections`: of the values only theirs, since others may be meant for other software.
        """
        values = [
            problem
            for attribute, problem in self._problems.items()
            if not sections or OPTIONS[attribute].section in sections
        ]
        across = [] if sections else [problem for found in self._across().values() for problem in found]
        return [*self._general, *values, *across, *self.unknown_variables()]

    def unknown_variables(self) -> list[str]:
        """The part of `validate()` that may be none of our business: variables that are passed over."""
        return list(self._unknown)

    def prevented(self) -> dict[str, list[str]]:
        """What is asked for and cannot be had: `sentry_enabled`, with the sentences of `validate()` that say why.

        Whatever else is wrong keeps its default, or is passed over, and prevents nothing.
        """
        found = self._across()
        if self.sentry_enabled and (problem := self._problems.get("sentry_dsn")):
            found["sentry_enabled"] = [problem]
        return found

    def _across(self) -> dict[str, list[str]]:
        """What single settings allow and their combination does not, by the attribute that asks for it."""
        found: dict[str, list[str]] = {}
        if self.sentry_enabled and not self.sentry_dsn and "sentry_dsn" not in self._problems:
            found["sentry_enabled"] = [
                "SENTRY_ENABLED is true and SENTRY_DSN is not set: set it to the DSN of your Sentry project"
            ]
        if self.datadog_enabled and not (self.datadog_host and self.datadog_port):
            host = (
                "DATADOG_ENABLED is true and ODIBI_DATADOG__HOST is empty: it is the host of Datadog's agent"
            )
            port = (
                "DATADOG_ENABLED is true and ODIBI_DATADOG__PORT is 0: it is the agent's port, by custom 8125"
            )
            wrong = ((self.datadog_host, host), (self.datadog_port, port))
            found["datadog_enabled"] = [problem for value, problem in wrong if not value]
        if self.metrics_enabled and not self.metrics_token and not is_loopback(self.metrics_host):
            found["metrics_enabled"] = [
                f"METRICS_ENABLED is true and ODIBI_METRICS__HOST is {self.metrics_host!r}, which others can reach: "
                "set ODIBI_METRICS__TOKEN to what they must send, or the host to 127.0.0.1"
            ]
        return found

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={masked(option, getattr(self, name))!r}" for name, option in OPTIONS.items()
        )
        return f"ObservabilityConfig({shown})"


def _rank(source: str) -> int:
    """Code before environment before file before default."""
    if source in (DEFAULT, CODE):
        return 0 if source == DEFAULT else 3
    return 2 if source in VARIABLES else 1


def _used(default: Any) -> str:
    return f"{text_of(default)} is used" if default not in ("", ()) else "it counts as not set"


class _Configured:
    """The settings of this process, once they were read or given."""

    def __init__(self) -> None:
        self.config: ObservabilityConfig | None = None


_configured: Final = STATE.part(_Configured)


def get_config() -> ObservabilityConfig:
    """The settings of this process: those of `set_config`, else made from environment and file at the first use."""
    if _configured.config is None:
        with STATE.creation_lock:
            if _configured.config is None:
                _configured.config = ObservabilityConfig()
    return _configured.config


def set_config(config: ObservabilityConfig | None) -> None:
    """From here on these are the settings of the process; None: read anew when they are next asked for."""
    if not isinstance(config, ObservabilityConfig | None):
        raise ConfigurationError(
            f"set_config takes an ObservabilityConfig or None, not a {type(config).__name__}"
        )
    _configured.config = config


def of_config(section: str) -> dict[str, Any]:
    """What code gave of a section to the settings of this process."""
    config = _configured.config
    return {} if config is None else {
        option.key: getattr(config, option.attribute)
        for option in options_of(section)
        if config.source(option.attribute) == CODE
    }  # fmt: skip
