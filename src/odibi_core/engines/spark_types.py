"""Arrow tables as Spark frames and back: each value exact, or an error that names the column."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from odibi_core.engines import spark_rows
from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.kinds import kind_of, plain_column
from odibi_core.errors import STOPS, EngineError

_DIGITS: Final = 38
"""The longest decimal number of Spark."""
_SPARK: Final = Types("Spark", nulls=True, durations=True)


def of_arrow(spark: Any, table: Any) -> Any:
    """Return an Arrow table as a Spark frame, whose number of rows is known.

    Raises:
        EngineError: Spark has no exact type for a column; names it.
    """
    from pyspark.sql.types import StructType

    table = fitted(table, _SPARK)
    fields = [_field(field) for field in table.schema]
    frame = spark.createDataFrame(table, schema=StructType(fields))
    spark_rows.learn(frame, table.num_rows)
    return frame


def _field(field: Any) -> Any:
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField

    try:
        if getattr(field.type, "precision", 0) > _DIGITS:
            raise ValueError(f"it has more than {_DIGITS} digits")
        return StructField(field.name, from_arrow_type(field.type, prefer_timestamp_ntz=True), True)
    except STOPS:
        raise
    except Exception as error:
        raise EngineError(f"column {field.name!r} is {field.type}, which Spark has no type for; cast it") from error


def arrow(frame: Any) -> Any:
    """Return the rows of a Spark frame as an Arrow table; its plan is executed, in one job."""
    import pyarrow as pa

    table = frame.toArrow()
    spark_rows.learn(frame, table.num_rows)
    for place, field in enumerate(table.schema):
        if pa.types.is_time(field.type):  # of microseconds in Spark, of nanoseconds in its Arrow
            column = table.column(place).cast(pa.time64("us"))
            table = table.set_column(place, pa.field(field.name, column.type), column)
    return table


def plain(value: list[Any] | dict[Any, Any]) -> Any:
    """Return rows as dicts, or a dict of columns, as an Arrow table.

    Raises:
        EngineError: They are none, or a column has no common type; names it.
    """
    import pyarrow as pa

    if isinstance(value, list) and not all(isinstance(row, Mapping) for row in value):
        raise EngineError("a list must hold a dict for each row to become a Spark frame")
    names = list(value) if isinstance(value, dict) else list(dict.fromkeys(chain.from_iterable(value)))
    columns = {}
    for name in names:
        values = list(value[name]) if isinstance(value, dict) else plain_column(value, name)
        try:
            kind_of(values, str(name))
            columns[str(name)] = pa.array(values)
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise EngineError(f"column {name!r} could not become one of Spark: {error}") from error
    return pa.table(columns)
