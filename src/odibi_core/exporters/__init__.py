"""Exporters: the metrics of a `MetricsManager` in the formats of other systems.

- `prometheus`: the text format 0.0.4; `openmetrics`: OpenMetrics 1.0
- `prometheus_protobuf`: Prometheus' protobuf format, with native histograms
- `json`: everything, as one document; `summary`: the document of `save_to_file`
- `dataframe`: raw measurements in pandas; `parquet`: the same as a Parquet file
- `report`: a plain-text report
- `otlp`: a request of OpenTelemetry's protocol, as JSON
- `snapshot`: the metrics of one process, to be merged
"""

from typing import Final

from odibi_core.exporters.base import Exporter, MetricsSnapshot

__all__ = ["BUILTIN", "Exporter", "MetricsSnapshot"]

BUILTIN: Final = {
    "prometheus": "odibi_core.exporters.prometheus:PrometheusExporter",
    "openmetrics": "odibi_core.exporters.prometheus:OpenMetricsExporter",
    "prometheus_protobuf": "odibi_core.exporters.prometheus_protobuf:PrometheusProtobufExporter",
    "json": "odibi_core.exporters.json:JsonExporter",
    "summary": "odibi_core.exporters.json:SummaryExporter",
    "dataframe": "odibi_core.exporters.dataframe:DataFrameExporter",
    "parquet": "odibi_core.exporters.parquet:ParquetExporter",
    "report": "odibi_core.exporters.report:ReportExporter",
    "otlp": "odibi_core.otlp.metrics_exporter:OtlpExporter",
    "snapshot": "odibi_core.exporters.snapshot:SnapshotExporter",
}
"""The family table: one line for each exporter, loaded on first use."""
