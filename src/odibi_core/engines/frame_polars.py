"""A frame of polars, seen for its description by its own methods: importing narwhals takes as long as a short run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odibi_core.engines.frame_text import type_text

if TYPE_CHECKING:
    from odibi_core.engines.stats_numbers import Numbers
    from odibi_core.engines.stats_values import Counted, Values


def is_polars(value: object) -> bool:
    """Return whether a value is a frame of polars, without importing a library. Subclasses count."""
    return any(
        base.__name__ in ("DataFrame", "LazyFrame") and base.__module__.partition(".")[0] == "polars"
        for base in type(value).__mro__
    )


def face(value: object) -> PolarsFace | None:
    return PolarsFace(value) if is_polars(value) else None


class PolarsFace:
    def __init__(self, frame: Any) -> None:
        self.lazy = not hasattr(frame, "height")
        self._frame = frame

    @cached_property
    def _schema(self) -> Any:
        # Of a lazy frame this resolves the plan's types. It runs nothing.
        return self._frame.collect_schema()

    def names(self) -> Sequence[object]:
        return list(self._schema)

    def types(self, limit: int) -> list[str]:
        dtypes = list(self._schema.values())[:limit]
        if any("Null" in str(dtype) for dtype in dtypes if dtype.is_nested() or str(dtype) == "Null"):
            import narwhals  # it has another name for this type, and frames of other libraries have that one

            dtypes = list(narwhals.from_native(self._frame).collect_schema().values())[:limit]
        return [type_text(dtype) for dtype in dtypes]

    def height(self) -> int | None:
        return None if self.lazy else int(self._frame.height)

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        top = self._frame.head(rows)
        return list((top if top.width <= columns else top[:, :columns]).rows())

    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values | Numbers | Counted]:
        from odibi_core.engines.stats_series import series_values, taken

        return series_values(taken(self._frame, columns, places))

    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]:
        from odibi_core.engines.stats_series import null_counts, taken

        return null_counts(taken(self._frame, columns, places))

    def exact(self, columns: int) -> list[dict[str, Any]] | None:
        from odibi_core.engines.stats_polars import polars_stats

        return polars_stats(self._frame, columns)
