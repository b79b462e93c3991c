"""Exporters: what a `MetricsManager` knows, in the form that something outside reads.

prometheus   the text format 0.0.4          openmetrics   OpenMetrics 1.0
json         everything, as one document    summary       what `save_to_file` writes
dataframe    raw measurements, in pandas    parquet       the same, as a Parquet file
report       a text for people                snapshot      one process's part, to be added up
"""

from typing import Final

from odibi_core.exporters.base import Exporter, MetricsSnapshot

__all__ = ["BUILTIN", "Exporter", "MetricsSnapshot"]

BUILTIN: Final = {
    "prometheus": "odibi_core.exporters.prometheus:PrometheusExporter",
    "openmetrics": "odibi_core.exporters.prometheus:OpenMetricsExporter",
    "json": "odibi_core.exporters.json:JsonExporter",
    "summary": "odibi_core.exporters.json:SummaryExporter",
    "dataframe": "odibi_core.exporters.dataframe:DataFrameExporter",
    "parquet": "odibi_core.exporters.parquet:ParquetExporter",
    "report": "odibi_core.exporters.report:ReportExporter",
    "snapshot": "odibi_core.exporters.snapshot:SnapshotExporter",
}
"""The family table: one line an exporter, loaded when first asked for."""
