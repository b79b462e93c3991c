"""A pandas frame, seen for its description.

Column names of pandas may repeat or be tuples, so columns are taken by position; narwhals names their types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.frame_text import short

if TYPE_CHECKING:
    from odibi_core.engines.stats_numbers import Numbers
    from odibi_core.engines.stats_values import Counted, Values

LOOKED_AT = 20  # values from which the type of an object column is inferred
_KNOWN: Final = {
    **{f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)},
    "float32": "Float32", "float64": "Float64", "bool": "Boolean", "str": "String", "string": "String",
    **{f"datetime64[{unit}]": f"Datetime(time_unit='{unit}', time_zone=None)" for unit in ("s", "ms", "us", "ns")},
    **{f"timedelta64[{unit}]": f"Duration(time_unit='{unit}')" for unit in ("s", "ms", "us", "ns")},
}  # fmt: skip
"""Type names by the text of the dtype, as narwhals has them: importing it takes as long as a short run."""
_NAMES: dict[str, str] = {}  # the others; naming one through narwhals costs as much as ten frames


def face(value: object) -> PandasFace | None:
    return PandasFace(value) if _is_pandas(type(value)) else None


def _is_pandas(cls: type) -> bool:
    # By name, so that pandas is not imported for other values. Subclasses count.
    return any(base.__name__ == "DataFrame" and base.__module__.partition(".")[0] == "pandas" for base in cls.__mro__)


class PandasFace:
    lazy = False

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._types: list[str] = []
        self._has_arrow = False

    def names(self) -> Sequence[object]:
        return list(self._frame.columns)

    def types(self, limit: int) -> list[str]:
        if len(self._types) < min(limit, self._frame.shape[1]):
            self._types = self._named_types(limit)
        return self._types[:limit]

    def _named_types(self, limit: int) -> list[str]:
        texts = [str(dtype) for dtype in self._frame.dtypes.to_numpy()[:limit]]
        self._has_arrow = any(text.endswith("[pyarrow]") for text in texts)
        objects = self._objects([place for place, text in enumerate(texts) if text == "object"])
        return [objects.get(place) or self._type(place, text) for place, text in enumerate(texts)]

    def _objects(self, places: list[int]) -> dict[int, str]:
        """Return the types of object columns by their first values, as narwhals names them, a hundred times faster."""
        if not places or not len(self._frame):
            return dict.fromkeys(places, "Object")
        from pandas.api.types import infer_dtype

        seen = self._frame.iloc[:LOOKED_AT, places].to_numpy(dtype=object)
        texts = ("string", "empty")
        return {
            place: "String" if infer_dtype(seen[:, at], skipna=True) in texts else "Object"
            for at, place in enumerate(places)
        }

    def _type(self, position: int, text: str) -> str:
        if text == "category":  # the same text for every set of categories: never worth a look at them
            return "Categorical"
        name = _KNOWN.get(text) or _NAMES.get(text)
        if name is None:
            name = _named(self._frame.iloc[:0, [position]])
            name = short(text) if name == "Unknown" else name  # pandas' own: period[M], interval[int64, right]
            if len(_NAMES) < 1_000:
                _NAMES[text] = name
        return name

    def height(self) -> int | None:
        return len(self._frame.index)

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        top = self._frame.iloc[:rows, :columns] if self._frame.shape[1] > columns else self._frame.iloc[:rows]
        self.types(columns)
        if self._has_arrow:  # as objects, its lists are arrays
            return list(zip(*(top.iloc[:, i].tolist() for i in range(top.shape[1])), strict=True))
        values: list[list[Any]] = top.to_numpy(dtype=object).tolist() if top.shape[1] else []
        return values

    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values | Numbers | Counted]:
        from odibi_core.engines.stats_pandas import pandas_values, taken

        return pandas_values(taken(self._frame, columns, places))

    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]:
        from odibi_core.engines.stats_pandas import pandas_nulls, taken

        return pandas_nulls(taken(self._frame, columns, places))

    def exact(self, columns: int) -> list[dict[str, Any]] | None:
        from odibi_core.engines.stats_duckdb import pandas_stats

        return pandas_stats(self._frame, self.types(columns))


def _named(one_column: Any) -> str:
    import narwhals

    return short(str(narwhals.from_native(one_column.set_axis(["c"], axis=1)).schema["c"]))
