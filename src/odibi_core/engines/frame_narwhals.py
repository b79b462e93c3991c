"""A frame of any other library, seen through narwhals: pyarrow, DuckDB relations, Dask, Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from odibi_core.engines import spark_rows
from odibi_core.engines.duckdb_turn import TURN, is_relation
from odibi_core.engines.frame_text import type_text

if TYPE_CHECKING:
    from odibi_core.engines.stats_numbers import Numbers
    from odibi_core.engines.stats_values import Counted, Values

# Asking narwhals about every value would import it for every value.
PLAIN = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset, type(None))


def face(value: object) -> NarwhalsFace | None:
    if isinstance(value, PLAIN) or type(value).__module__ == "builtins":
        return None
    import narwhals

    with TURN if is_relation(value) else nullcontext():
        seen = narwhals.from_native(value, pass_through=True)
        if isinstance(seen, narwhals.DataFrame | narwhals.LazyFrame):
            return NarwhalsFace(seen, lazy=isinstance(seen, narwhals.LazyFrame))
    return None


def collected(value: object) -> Any:
    """Return the narwhals DataFrame of any library's frame, a lazy one collected; None for any other value."""
    import narwhals

    seen = narwhals.from_native(value, pass_through=True)
    if isinstance(seen, narwhals.LazyFrame):
        return seen.collect()
    return seen if isinstance(seen, narwhals.DataFrame) else None


def stacked(frames: Sequence[Any]) -> Any:
    """Return the rows of all frames as one of their library.

    Raises:
        Exception: They are of several libraries, or have other columns or types.
    """
    import narwhals

    return narwhals.to_native(narwhals.concat([narwhals.from_native(frame) for frame in frames], how="vertical"))


class NarwhalsFace:
    def __init__(self, frame: Any, *, lazy: bool) -> None:
        self.lazy = lazy
        self._frame = frame
        # Of a lazy frame this resolves the plan's types. It runs nothing.
        self._schema = frame.collect_schema() if lazy else frame.schema

    def names(self) -> Sequence[object]:
        return list(self._schema)

    def types(self, limit: int) -> list[str]:
        return [type_text(dtype) for dtype in list(self._schema.values())[:limit]]

    def height(self) -> int | None:
        return spark_rows.rows(self._frame.to_native()) if self.lazy else len(self._frame)

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        top = self._frame if len(self._schema) <= columns else self._frame[:, :columns]
        return list(top.head(rows).rows())

    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values | Numbers | Counted]:
        from odibi_core.engines.stats_series import series_values, taken

        return series_values(taken(self._frame, columns, places))

    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]:
        from odibi_core.engines.stats_series import null_counts, taken

        return null_counts(taken(self._frame, columns, places))

    def exact(self, columns: int) -> list[dict[str, Any]] | None:
        if type(self._frame.to_native()).__module__.partition(".")[0] != "pyarrow":
            return None
        from odibi_core.engines.stats_duckdb import arrow_stats

        return arrow_stats(self._frame, self.types(columns))
