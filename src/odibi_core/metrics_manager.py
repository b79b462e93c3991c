"""The import path `odibi_core.metrics_manager`: the metrics manager, which is in `metrics`."""

from odibi_core.metrics import Metric, MetricsManager, MetricType

__all__ = ["Metric", "MetricsManager", "MetricType"]
