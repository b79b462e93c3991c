"""A pandas frame seen for its description. pandas allows what no other library does (names that repeat, names
that are tuples), so its columns are taken by position; only their types are named by narwhals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LOOKED_AT = 20  # values that say what an object column holds
_NAMES: dict[str, str] = {}  # dtype text → type name; naming one through narwhals costs as much as ten frames


def face(value: object) -> PandasFace | None:
    return PandasFace(value) if _is_pandas(type(value)) else None


def _is_pandas(cls: type) -> bool:
    # By name, so that pandas is not imported to learn that something is not of it. Subclasses count.
    return any(
        base.__name__ == "DataFrame" and base.__module__.partition(".")[0] == "pandas" for base in cls.__mro__
    )


class PandasFace:
    lazy = False

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def names(self) -> Sequence[object]:
        return list(self._frame.columns)

    def types(self, limit: int) -> list[str]:
        return [self._type(i, dtype) for i, dtype in enumerate(self._frame.dtypes.to_numpy()[:limit])]

    def _type(self, position: int, dtype: object) -> str:
        text = str(dtype)
        if text == "category":  # the same text for every set of categories: never worth a look at them
            return "Categorical"
        if text == "object":
            seen = _named(self._frame.iloc[:LOOKED_AT, [position]]) if len(self._frame) else "Object"
            return "Object" if seen == "Unknown" else seen
        name = _NAMES.get(text)
        if name is None:
            name = _named(self._frame.iloc[:0, [position]])
            name = text[:200] if name == "Unknown" else name  # pandas' own: period[M], interval[int64, right]
            if len(_NAMES) < 1_000:
                _NAMES[text] = name
        return name

    def height(self) -> int | None:
        return len(self._frame.index)

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        top = self._frame.iloc[:rows, :columns] if self._frame.shape[1] > columns else self._frame.head(rows)
        return list(zip(*(top.iloc[:, i].tolist() for i in range(top.shape[1])), strict=True))

    def stats(self, columns: int) -> list[dict[str, Any]]:
        from odibi_core.engines.frame_stats import pandas_stats

        return pandas_stats(self._frame, self.types(columns))


def _named(one_column: Any) -> str:
    import narwhals

    return str(narwhals.from_native(one_column.set_axis(["c"], axis=1)).schema["c"])[:200]
