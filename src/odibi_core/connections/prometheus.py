"""The connection to Prometheus: the endpoint that it scrapes."""

from __future__ import annotations

from contextlib import closing

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.delivery import HttpClient
from odibi_core.delivery.http import HttpError
from odibi_core.endpoint.server import serve_metrics
from odibi_core.metrics import MetricsManager
from odibi_core.settings import ObservabilityConfig, read_settings
from odibi_core.settings.reading import DEFAULT

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class PrometheusConnection(SettingsConnection):
    """Metrics for Prometheus to scrape."""

    title = "metrics for Prometheus to scrape"
    switches = {"metrics_enabled": True}  # noqa: RUF012 (a ClassVar of the base)
    questions = (
        Question("host", "Address to serve on; 0.0.0.0 for other machines", "metrics_host", "127.0.0.1"),
        Question("port", "Port to serve on", "prometheus_port", "8000"),
        Question("token", "Token that Prometheus must send; empty for none", "metrics_token", is_secret=True),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether metrics are served by a setting: without any, each program serves them too."""
        asked = ("metrics_enabled", *(each.attribute for each in self.questions))
        return config.metrics_enabled and any(config.source(attribute) != DEFAULT for attribute in asked)

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Serve one metric on the port, and scrape it as Prometheus would."""
        metrics = MetricsManager()
        metrics.increment("connect_test")
        host, port, token = config.metrics_host, config.prometheus_port, config.metrics_token
        endpoint = serve_metrics(metrics, read_settings().root, host=host, port=port, token=token)
        with closing(endpoint):
            url = f"http://{_EVERYWHERE.get(host, host)}:{endpoint.port}/metrics"
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            try:
                answer = HttpClient(url, setting="PROMETHEUS_PORT", headers=headers).request("GET", within_s=within_s)
            except HttpError as error:
                return Proof("failed", str(error))
        if answer.status != 200:
            return Proof("failed", f"{url} answered {answer.status}; check ODIBI_METRICS__TOKEN")
        return Proof("arrived", f"{url} was scraped: {answer.body.count(b'# TYPE ')} metrics. Add it to scrape_configs")
