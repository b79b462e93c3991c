"""The raw measurements as a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from odibi_core.exporters.base import Measured
from odibi_core.exporters.columns import columns

if TYPE_CHECKING:
    import pandas as pd


class DataFrameExporter:
    """One row a measurement: `metric_type, name, value, timestamp, label_*`."""

    content_type: ClassVar[str] = "application/x-pandas"
    suffix: ClassVar[str] = ""
    needs_samples: ClassVar[bool] = True

    def __init__(self) -> None:
        import pandas  # noqa: F401  its absence is said when the exporter is made, not when it is used

    def export(self, measured: Measured, /) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame(columns(measured.recent))
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
        return frame
