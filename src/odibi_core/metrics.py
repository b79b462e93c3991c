"""The door to the metrics."""

from odibi_core.metrics_manager import Metric, MetricsManager, MetricType

__all__ = ["Metric", "MetricType", "MetricsManager"]
