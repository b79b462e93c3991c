"""Connections to other systems: what each needs, the setting that it writes, and the test signal that proves it.

`odibi connect NAME` uses them. `base` states the contract; most are `SettingsConnection`, those of alerts are
`RouteConnection`.
"""

from typing import Final

BUILTIN: Final = {
    "prometheus": "odibi_core.connections.prometheus:PrometheusConnection",
    "alertmanager": "odibi_core.connections.alertmanager:AlertmanagerConnection",
    "grafana": "odibi_core.connections.grafana:GrafanaConnection",
    "otel": "odibi_core.connections.otel:OtelConnection",
    "loki": "odibi_core.connections.loki:LokiConnection",
    "elastic": "odibi_core.connections.elastic:ElasticConnection",
    "datadog": "odibi_core.connections.datadog:DatadogConnection",
    "sentry": "odibi_core.connections.sentry:SentryConnection",
    "slack": "odibi_core.connections.slack:SlackConnection",
    "email": "odibi_core.connections.email:EmailConnection",
    "webhook": "odibi_core.connections.webhook:WebhookConnection",
    "openlineage": "odibi_core.connections.openlineage:OpenlineageConnection",
    "postgres": "odibi_core.connections.postgres:PostgresConnection",
    "s3": "odibi_core.connections.s3:S3Connection",
}
"""The family table: one line for each connection, loaded on first use."""
