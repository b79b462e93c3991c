"""`MetricsExporter`: the metrics of a `MetricsManager` as files and texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core import private_files

if TYPE_CHECKING:
    import pandas as pd

    from odibi_core.metrics.manager import MetricsManager

__all__ = ["MetricsExporter"]


class MetricsExporter:
    """Exporter of a manager's current metrics; `manager.export(name)` offers further formats.

    >>> from odibi_core.metrics.manager import MetricsManager
    >>> metrics = MetricsManager()
    >>> metrics.increment("cache_hit", "clean")
    >>> print(MetricsExporter(metrics).export_prometheus().splitlines()[-1])
    odibi_cache_hits_total{node="clean"} 1
    """

    def __init__(self, metrics_manager: MetricsManager) -> None:
        self.metrics_manager = metrics_manager

    def export_prometheus(self) -> str:
        """Return the metrics in Prometheus' text format 0.0.4."""
        return self.metrics_manager.export_prometheus()

    def export_json(self) -> str:
        """Return a JSON document: `export_time, total_metrics, summary, by_type, by_node` (one object a node)."""
        return str(self.metrics_manager.export("json"))

    def export_dataframe(self) -> pd.DataFrame:
        """Return the recent raw measurements: `metric_type, name, value, timestamp, label_*`.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        frame: pd.DataFrame = self.metrics_manager.export("dataframe")
        return frame

    def export_parquet(self) -> bytes:
        """Return the rows of `export_dataframe()` as a Parquet file.

        Raises:
            MissingExtraError: If pyarrow is not installed.
        """
        content: bytes = self.metrics_manager.export("parquet")
        return content

    def save_prometheus(self, path: str | Path) -> Path:
        """Write `export_prometheus()` to `path` atomically."""
        return private_files.write_atomic(path, self.export_prometheus())

    def save_json(self, path: str | Path) -> Path:
        """Write `export_json()` to `path` atomically."""
        return private_files.write_atomic(path, self.export_json())

    def save_parquet(self, path: str | Path) -> Path:
        """Write `export_parquet()` to `path` atomically."""
        return private_files.write_atomic(path, self.export_parquet())

    def get_node_summary(self, name: str) -> dict[str, Any]:
        """Return `node_name, total_executions, avg/min/max_duration_ms, avg_throughput`; `{}` for an unknown node."""
        return self.metrics_manager.get_node_summary(name)

    def generate_report(self) -> str:
        """Return a plain-text report of the run, its slowest nodes and each node."""
        return str(self.metrics_manager.export("report"))
