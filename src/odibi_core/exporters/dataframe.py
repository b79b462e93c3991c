"""Raw measurements as a pandas DataFrame."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.exporters.columns import columns


class DataFrameExporter(Exporter):
    """DataFrame with one row for each measurement: `metric_type, name, value, timestamp, label_*`."""

    content_type: ClassVar[str] = "application/x-pandas"
    suffix: ClassVar[str] = ""
    needs_samples: ClassVar[bool] = True

    def export(self, snapshot: MetricsSnapshot, /) -> pd.DataFrame:
        frame = pd.DataFrame(columns(snapshot.recent))
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
        return frame
