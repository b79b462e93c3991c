"""The connection to Grafana Loki."""

from __future__ import annotations

from odibi_core.connections.base import Question
from odibi_core.connections.by_log_target import LogConnection


class LokiConnection(LogConnection):
    """Lines of the log to Loki."""

    title = "lines of the log to Grafana Loki"
    target = "loki"
    questions = (
        Question("url", "Loki, such as http://loki:3100", "loki_url", is_required=True),
        Question("token", "Token; empty for none", "loki_token", is_secret=True),
        Question("tenant", "Tenant; empty for none", "loki_tenant"),
    )
