"""The raw measurements as a Parquet file."""

from __future__ import annotations

import io
from typing import ClassVar

from odibi_core.exporters.base import Measured
from odibi_core.exporters.columns import columns


class ParquetExporter:
    """The same rows as `dataframe`; zstd-compressed, timestamps in UTC with microseconds."""

    content_type: ClassVar[str] = "application/vnd.apache.parquet"
    suffix: ClassVar[str] = ".parquet"
    needs_samples: ClassVar[bool] = True

    def __init__(self) -> None:
        import pyarrow.parquet  # noqa: F401  its absence is said when the exporter is made, not when it is used

    def export(self, measured: Measured, /) -> bytes:
        import pyarrow as pa
        from pyarrow import parquet

        types = {"value": pa.float64(), "timestamp": pa.timestamp("us", tz="UTC")}
        table = pa.table(
            {
                name: pa.array(values, types.get(name, pa.string()))
                for name, values in columns(measured.recent).items()
            }
        )
        sink = io.BytesIO()
        parquet.write_table(table, sink, compression="zstd")
        return sink.getvalue()
