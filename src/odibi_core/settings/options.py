"""One table: which variables set a key, in which order, and under which name `ObservabilityConfig` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from odibi_core.errors import nearest
from odibi_core.settings.environment import INHERITED, TRACEPARENT, process_environment
from odibi_core.settings.sections import SECTIONS

PREFIX: Final = "ODIBI_"
FILE_VARIABLE: Final = "ODIBI_CONFIG_FILE"
NO_SETTINGS: Final = (FILE_VARIABLE, INHERITED, "ODIBI_DEBUG")
"""Variables of ours that set no key."""

# The name that users of the older systems know. In lower case it is the attribute of ObservabilityConfig.
_SHORT: Final = {
    "log.level": "LOG_LEVEL", "log.format": "LOG_FORMAT", "log.file": "LOG_FILE",
    "log.preset": "LOG_PRESET",
    "metrics.enabled": "METRICS_ENABLED", "metrics.port": "PROMETHEUS_PORT",
    "datadog.enabled": "DATADOG_ENABLED", "datadog.api_key": "DATADOG_API_KEY", "datadog.site": "DATADOG_SITE",
    "datadog.service": "DATADOG_SERVICE", "datadog.env": "DATADOG_ENV",
    "datadog.version": "DATADOG_VERSION", "datadog.tags": "DATADOG_TAGS",
    "sentry.enabled": "SENTRY_ENABLED", "sentry.dsn": "SENTRY_DSN", "sentry.environment": "SENTRY_ENVIRONMENT",
    "sentry.traces_sample_rate": "SENTRY_TRACES_SAMPLE_RATE",
    "cost.alert_threshold_usd": "COST_ALERT_THRESHOLD_USD", "cost.enabled": "COST_TRACKING_ENABLED",
    "health.enabled": "HEALTH_CHECK_ENABLED", "health.interval_seconds": "HEALTH_CHECK_INTERVAL_SECONDS",
    "tracing.enabled": "TRACING_ENABLED", "tracing.sample_rate": "TRACING_SAMPLE_RATE",
    "service.name": "SERVICE_NAME", "service.environment": "ENVIRONMENT",
}  # fmt: skip

# Names that belong to the ecosystem, and are read as they are.
_ECOSYSTEM: Final = {
    "datadog.api_key": ("DD_API_KEY",), "datadog.site": ("DD_SITE",), "datadog.service": ("DD_SERVICE",),
    "datadog.env": ("DD_ENV",), "datadog.version": ("DD_VERSION",), "datadog.tags": ("DD_TAGS",),
    "datadog.host": ("DD_AGENT_HOST", "DD_DOGSTATSD_HOST"), "datadog.port": ("DD_DOGSTATSD_PORT",),
    "sentry.release": ("SENTRY_RELEASE",),
    "service.name": ("OTEL_SERVICE_NAME",),
    "otel.sdk_disabled": ("OTEL_SDK_DISABLED",), "otel.resource_attributes": ("OTEL_RESOURCE_ATTRIBUTES",),
}  # fmt: skip

_SECRETS: Final = frozenset({"metrics.token", "datadog.api_key", "sentry.dsn"})
_INSTEAD: Final = {
    "datadog.service": "service_name", "datadog.env": "environment", "datadog.version": "service_version",
    "sentry.environment": "environment",
    **{
        f"otel_{signal}.{key}": f"otel_{key}"
        for signal in ("traces", "metrics", "logs")
        for key in ("headers", "timeout", "compression", "protocol")
    },
}  # fmt: skip


class Option(NamedTuple):
    """One setting: its place, its attribute of `ObservabilityConfig`, and the variables that set it, in order."""

    section: str
    key: str
    attribute: str
    variables: tuple[str, ...]
    is_secret: bool
    instead: str
    """The attribute whose value stands in while nobody gives this one."""

    @property
    def name(self) -> str:
        """`metrics.port`, as the file has it."""
        return f"{self.section}.{self.key}"

    @property
    def default(self) -> Any:
        """What it is when nobody says anything."""
        return getattr(SECTIONS[self.section](), self.key)

    @property
    def own_variable(self) -> str:
        """`ODIBI_METRICS__PORT`, which every setting has."""
        return _own_variable(self.section, self.key)


def _own_variable(section: str, key: str) -> str:
    return f"{PREFIX}{section}__{key}".upper()


def _option(section: str, key: str) -> Option:
    name = f"{section}.{key}"
    short = _SHORT.get(name, "")
    ecosystem = _ECOSYSTEM.get(name, ())
    if section.startswith("otel") and not ecosystem:
        ecosystem = ("_".join(["OTEL_EXPORTER_OTLP", *section.split("_")[1:], key]).upper(),)
    return Option(
        section,
        key,
        attribute=short.lower() or f"{section}_{key}",
        variables=(*([short] if short else []), _own_variable(section, key), *ecosystem),
        is_secret=name in _SECRETS or key == "headers",
        instead=_INSTEAD.get(name, ""),
    )


OPTIONS: Final = {
    option.attribute: option
    for section, kind in SECTIONS.items()
    for option in (_option(section, key) for key in kind.__struct_fields__)
}
"""Every setting by its attribute."""
VARIABLES: Final = frozenset(name for option in OPTIONS.values() for name in option.variables)


def options_of(section: str) -> list[Option]:
    """The settings of one section."""
    return [option for option in OPTIONS.values() if option.section == section]


_SECTIONS: Final = tuple(f"{PREFIX}{section}__".upper() for section in SECTIONS)


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each variable that is passed over: it may be a misspelling, or another's fault.

    That is an `ODIBI_…` whose section is none of ours, and a `TRACEPARENT` that names no span.
    """
    environment = process_environment() if environment is None else environment
    known = {*NO_SETTINGS, *VARIABLES}
    strange = [
        f"{name} is not a variable of odibi{nearest(name, sorted(known))}; it changes nothing"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name not in known and not name.startswith(_SECTIONS)
    ]
    return strange + _not_a_span(environment.get(TRACEPARENT, ""))


def _not_a_span(parent: str) -> list[str]:
    from odibi_core.events.trace_context import read_traceparent  # here, since few are in a trace

    if not parent or read_traceparent(parent):
        return []
    return [
        f"{TRACEPARENT} is {parent!r:.200}, which names no span and is ignored: it is "
        "00-<trace id>-<span id>-<flags>, of 2, 32, 16 and 2 hexadecimal digits in lower case, and no id is all 0"
    ]
