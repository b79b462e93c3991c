"""Raw measurements as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from odibi_core.views.metrics.types import Metric


def columns(metrics: Sequence[Metric]) -> dict[str, list[Any]]:
    """Return `metric_type, name, value, timestamp`, and `label_<name>` for each label, with None if it is not set."""
    table: dict[str, list[Any]] = {
        "metric_type": [metric.metric_type for metric in metrics],
        "name": [metric.name for metric in metrics],
        "value": [float(metric.value) for metric in metrics],
        "timestamp": [metric.timestamp for metric in metrics],
    }
    for label in sorted({label for metric in metrics for label in metric.labels}):
        table[f"label_{label}"] = [metric.labels.get(label) for metric in metrics]
    return table
