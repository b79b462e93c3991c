"""What a `MetricsManager` knows, as files and texts of every usual format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.exporters.base import save

if TYPE_CHECKING:
    import pandas as pd

    from odibi_core.metrics.manager import MetricsManager

__all__ = ["MetricsExporter"]


class MetricsExporter:
    """Exports what a manager knows at the moment of the call; `manager.export(name)` reaches further formats.

    >>> from odibi_core.metrics.manager import MetricsManager
    >>> metrics = MetricsManager()
    >>> metrics.increment("cache_hit", "clean")
    >>> print(MetricsExporter(metrics).export_prometheus().splitlines()[-1])
    odibi_cache_hits_total{node="clean"} 1
    """

    def __init__(self, metrics_manager: MetricsManager) -> None:
        self.metrics_manager = metrics_manager

    def export_prometheus(self) -> str:
        """Prometheus' text format."""
        return self.metrics_manager.export_prometheus()

    def export_json(self) -> str:
        """A document: `export_time, total_metrics, summary, by_type, by_node` (a list, one object a node)."""
        return str(self.metrics_manager.export("json"))

    def export_dataframe(self) -> pd.DataFrame:
        """The recent raw measurements: `metric_type, name, value, timestamp, label_*`. Needs pandas."""
        frame: pd.DataFrame = self.metrics_manager.export("dataframe")
        return frame

    def export_parquet(self) -> bytes:
        """The rows of `export_dataframe()` as a Parquet file. Needs pyarrow."""
        content: bytes = self.metrics_manager.export("parquet")
        return content

    def save_prometheus(self, path: str | Path) -> Path:
        """Write `export_prometheus()` to `path`, whole or not at all."""
        return save(path, self.export_prometheus())

    def save_json(self, path: str | Path) -> Path:
        """Write `export_json()` to `path`, whole or not at all."""
        return save(path, self.export_json())

    def save_parquet(self, path: str | Path) -> Path:
        """Write `export_parquet()` to `path`, whole or not at all."""
        return save(path, self.export_parquet())

    def get_node_summary(self, name: str) -> dict[str, Any]:
        """`node_name, total_executions, avg/min/max_duration_ms, avg_throughput`; `{}` if it is unknown."""
        return self.metrics_manager.get_node_summary(name)

    def generate_report(self) -> str:
        """A text report for people."""
        return str(self.metrics_manager.export("report"))
