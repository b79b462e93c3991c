"""Metrics of a process: counters, gauges and histograms that cost under a microsecond a call, and what they come to.

`manager` is the instrument, `recorder` its way into series and events, `handles` the series of a loop, `forwarder` the
way to other systems, `exporter` files and texts of every usual format.
"""

from odibi_core.metrics.manager import Metric, MetricsManager, MetricType

__all__ = ["Metric", "MetricType", "MetricsManager"]
