"""OTLP's metrics as an exporter: `metrics.export("otlp")` returns an `ExportMetricsServiceRequest` as JSON."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.otlp.json_requests import metrics_request
from odibi_core.otlp.metrics import Exemplars, metrics_of
from odibi_core.otlp.model import Resource
from odibi_core.otlp.targets import resource_of
from odibi_core.settings import get_config

_NS: Final = 1_000_000_000


class OtlpExporter(Exporter):
    """OTLP's metrics, as one request in JSON.

    Args:
        resource: The program; by default that of the settings.
        exemplars: Exemplars for histograms.
        as_rows: Return the metrics of the request, not its text.
    """

    content_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".otlp.json"

    def __init__(
        self, resource: Resource | None = None, exemplars: Exemplars | None = None, *, as_rows: bool = False
    ) -> None:
        self._resource, self._exemplars, self._as_rows = resource, exemplars, as_rows

    def export(self, snapshot: MetricsSnapshot, /) -> Any:
        """Return the request, or its rows."""
        at_ns = int(snapshot.at.timestamp() * _NS)
        start_ns = at_ns - int((snapshot.uptime_s or 0.0) * _NS)
        rows = metrics_of(snapshot.view, start_ns, at_ns, self._exemplars)
        if self._as_rows:
            return rows
        return metrics_request(self._resource or resource_of(get_config()), rows).decode()
