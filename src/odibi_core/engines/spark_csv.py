"""CSV by Spark, with the types and the missing values that the other engines find.

Spark's own inference makes numbers of zip codes and rounds long ones. Here every column is read as text, one job finds
the kinds of texts in each column, and the frame casts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from odibi_core.engines.csv_text import DIGITS, NULLS, TRUTHS
from odibi_core.engines.spark_rows import learn, quoted
from odibi_core.errors import UnreadableSourceError

_USUAL: Final = {"header": True, "multiLine": True, "mode": "FAILFAST", "escape": '"', "enforceSchema": False}
_WRITTEN: Final = {"header": True, "escape": '"', "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}
_WHOLE: Final = r"^\s*[+-]?\d+\s*$"
_NUMBER: Final = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_IS_WHOLE, _IS_LONG, _IS_REAL, _IS_TRUTH, _IS_TEXT, _IS_BROKEN = (1 << place for place in range(6))
_TYPED: Final = frozenset({"schema", "inferSchema"})
_EXACT: Final = 2**53
"""Up to it, a float holds every whole number."""


def read(spark: Any, paths: Sequence[str], options: Mapping[str, Any]) -> Any:
    """Return the frame of files with one header; types are found in one job, or given by `schema` or `inferSchema`.

    Raises:
        UnreadableSourceError: A file has no header.
    """
    from pyspark.sql import functions

    given = {**_USUAL, **options}
    texts = spark.read.csv(list(paths), **given)
    if not texts.columns:
        raise UnreadableSourceError(f"{paths[0].removeprefix('file://')!r} is empty: it has no header")
    if _TYPED & options.keys():
        return texts
    nulls = [] if "nullValue" in options else NULLS
    found = [_kinds(texts.columns[place], nulls, place) for place in range(len(texts.columns))]
    *kinds, rows = texts.agg(*found, functions.count(functions.lit(1)).alias("rows")).first()
    broken = [name for name, kind in zip(texts.columns, kinds, strict=True) if (kind or 0) & _IS_BROKEN]
    if ("encoding" not in options and broken) or any("\ufffd" in name for name in texts.columns):
        shown = [path.removeprefix("file://") for path in paths[:3]]
        raise UnreadableSourceError(f"{shown!r} is not UTF-8; set encoding= if it is another, such as 'cp1252'")
    made = texts.select(*(_typed(name, kind or 0, nulls) for name, kind in zip(texts.columns, kinds, strict=True)))
    learn(made, rows)
    return made


def _kinds(name: str, nulls: Sequence[str], place: int) -> Any:
    """Return the aggregation of the kinds of the texts of a column, as bits; null if it has no text at all."""
    from pyspark.sql import functions as f

    text = f.col(quoted(name))
    number = ~text.rlike(DIGITS)
    whole = text.rlike(_WHOLE) & number
    long = f.trim(text).try_cast("bigint")
    kind = (
        f.when(text.isNull() | text.isin(list(nulls)), 0)
        .when(whole & long.isNull(), _IS_TEXT)
        .when(whole & ((long > _EXACT) | (long < -_EXACT)), _IS_LONG)
        .when(whole, _IS_WHOLE)
        .when(text.rlike(_NUMBER) & number, _IS_REAL)
        .when(text.isin(TRUTHS), _IS_TRUTH)
        .when(text.contains("\ufffd"), _IS_BROKEN)  # Spark puts it where bytes are no text
        .otherwise(_IS_TEXT)
    )
    return f.bit_or(kind).alias(f"kinds {place}")


def _typed(name: str, kind: int, nulls: Sequence[str]) -> Any:
    from pyspark.sql import functions as f

    text = f.col(quoted(name))
    there = f.when(text.isin(list(nulls)), None).otherwise(text) if nulls else text
    if kind and not kind & ~(_IS_WHOLE | _IS_LONG):
        there = f.trim(there).cast("bigint")
    elif kind and not kind & ~(_IS_WHOLE | _IS_REAL):
        there = f.trim(there).cast("double")
    elif kind == _IS_TRUTH:
        there = there.cast("boolean")
    return there.alias(name)


def written(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the writer, so that every text is written whole."""
    return {**_WRITTEN, **options}
