"""Engines read, write and query frames; `frame.describe` describes a frame without changing it.

An engine is one file here and one line in `BUILTIN`, or an entry point `odibi_core.engines` elsewhere.
Nothing heavy is imported until an engine is used.
"""

from __future__ import annotations

BUILTIN: dict[str, str] = {
    "duckdb": "odibi_core.engines.duckdb_engine:DuckdbEngine",
    "pandas": "odibi_core.engines.pandas_engine:PandasEngine",
    "polars": "odibi_core.engines.polars_engine:PolarsEngine",
    "polars-lazy": "odibi_core.engines.polars_lazy:PolarsLazyEngine",
    "pyarrow": "odibi_core.engines.pyarrow_engine:PyarrowEngine",
    "spark": "odibi_core.engines.spark_engine:SparkEngine",
}
