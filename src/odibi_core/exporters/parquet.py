"""Raw measurements as a Parquet file."""

from __future__ import annotations

import io
from typing import ClassVar

import pyarrow as pa
from pyarrow import parquet

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.exporters.columns import columns


class ParquetExporter(Exporter):
    """Parquet file with the rows of `dataframe`, zstd-compressed; timestamps are in UTC with microseconds."""

    content_type: ClassVar[str] = "application/vnd.apache.parquet"
    suffix: ClassVar[str] = ".parquet"
    needs_samples: ClassVar[bool] = True

    def export(self, snapshot: MetricsSnapshot, /) -> bytes:
        types = {"value": pa.float64(), "timestamp": pa.timestamp("us", tz="UTC")}
        table = pa.table(
            {name: pa.array(values, types.get(name, pa.string())) for name, values in columns(snapshot.recent).items()}
        )
        sink = io.BytesIO()
        parquet.write_table(table, sink, compression="zstd")
        return sink.getvalue()
