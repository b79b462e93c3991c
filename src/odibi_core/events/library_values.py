"""Values of the frame libraries as plain Python or text: a scalar by its value, a type or an expression by its text.

A frame, a column or an array is described by its kind and shape, never by its content. No library is imported: values
are known by the names of their classes.
"""

from __future__ import annotations

from typing import Any, Final

LIBRARIES: Final = frozenset({"pandas", "polars", "numpy", "pyarrow", "duckdb", "pyspark", "dask", "modin", "torch"})
_LAZY: Final = frozenset({"duckdb", "pyspark", "dask"})
"""Libraries whose frames would be computed to know their shape."""
_BY_TEXT: Final = {
    "numpy": frozenset({"dtype", "ufunc"}),
    "pandas": frozenset({"ExtensionDtype", "Period", "_Period", "Interval", "BaseOffset"}),
    "pyarrow": frozenset({"DataType", "Field", "Schema"}),
    "polars": frozenset({"DataType", "DataTypeClass", "Expr", "When", "Then", "ChainedWhen", "ChainedThen"}),
    "duckdb": frozenset({"DuckDBPyType", "Expression"}),
}
"""Base classes whose text is short, complete and without data."""
_NULLS: Final = frozenset({"NAType", "NaTType", "MaskedConstant"})
_COUNTS: Final = frozenset({"datetime64", "timedelta64"})
_DTYPES: Final = frozenset({"dtype", "ExtensionDtype", "DataType", "DataTypeClass"})
_MOST_DTYPES: Final = 500
_LONGEST_SCALAR: Final = 1_000
"""Items of an arrow scalar that is a list."""


def library_of(kind: type) -> str | None:
    """Return the frame library that a class comes or inherits from."""
    for base in kind.__mro__:
        library = str(base.__module__).partition(".")[0]
        if library in LIBRARIES:
            return library
    return None


def meaning_of(value: Any, library: str) -> Any:
    """Return the value in plain Python or as text; the value itself if its text is all that is known."""
    kind = type(value)
    bases = {base.__name__ for base in kind.__mro__}
    if kind.__name__ in _NULLS:
        return None
    if kind.__name__ in _COUNTS:  # their `item()` may be a bare count of nanoseconds
        written = str(value)
        return None if written == "NaT" else written
    if not bases.isdisjoint(_BY_TEXT.get(library, ())):
        # An Enum's text lists its categories, of which there may be millions.
        return "Enum" if kind.__name__ == "Enum" else str(value)
    if library == "pyarrow" and "Scalar" in bases:
        return _of_arrow(value)
    return _dtypes_of(value) or _by_shape(value, kind, library)


def _of_arrow(scalar: Any) -> Any:
    """Return an arrow scalar in plain Python; as text if a time has nanoseconds, by its length if it is a long list."""
    if hasattr(scalar, "__len__") and len(scalar) > _LONGEST_SCALAR:
        return f"<pyarrow.{type(scalar).__name__} {len(scalar)}>"
    try:
        return scalar.as_py()
    except ValueError:
        return str(scalar)


def _dtypes_of(value: Any) -> dict[str, str] | None:
    """Return the types in `frame.dtypes`, a column that holds nothing else."""
    if type(value).__name__ != "Series" or not 0 < len(value) <= _MOST_DTYPES or str(value.dtype) != "object":
        return None
    types = {str(name): dtype for name, dtype in value.items()}
    known = all(_DTYPES & {base.__name__ for base in type(dtype).__mro__} for dtype in types.values())
    return {name: str(dtype) for name, dtype in types.items()} if known else None


def _by_shape(value: Any, kind: type, library: str) -> Any:
    shape = None if library in _LAZY else getattr(value, "shape", None)
    if shape == () or (shape is None and hasattr(kind, "item")):
        if getattr(value, "mask", False) is not False and bool(value.mask):
            return None
        item = value.item()
        return value if type(item) is kind else item
    name = f"{library}.{kind.__name__}"
    of = f" of {value.dtype}" if kind.__name__ == "Series" else ""
    return f"<{name} {' × '.join(str(n) for n in shape)}{of}>" if isinstance(shape, tuple) else f"<{name}>"
