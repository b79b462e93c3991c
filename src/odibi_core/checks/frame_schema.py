"""The check of the columns of a frame and their types, which also works on a lazy frame without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Unpack

from odibi_core.checks.base import Check, Finding, Options, frame_check
from odibi_core.errors import CheckError, nearest

_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "integer": ("Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32", "UInt64", "UInt128"),
    "float": ("Float32", "Float64"),
    "decimal": ("Decimal",),
    "boolean": ("Boolean",),
    "string": ("String", "Categorical", "Enum"),
    "date": ("Date",),
    "timestamp": ("Datetime",),
    "duration": ("Duration",),
    "time": ("Time",),
    "binary": ("Binary",),
    "list": ("List", "Array"),
    "struct": ("Struct",),
}
_FAMILIES["number"] = (*_FAMILIES["integer"], *_FAMILIES["float"], *_FAMILIES["decimal"])
TYPES: Final = {
    **_FAMILIES,
    **{name.lower(): (name,) for names in list(_FAMILIES.values()) for name in names},
    "str": _FAMILIES["string"], "text": _FAMILIES["string"], "int": _FAMILIES["integer"], "bool": _FAMILIES["boolean"],
    "bytes": _FAMILIES["binary"],
}  # fmt: skip
"""Names of types that a schema may have, with the narwhals types that each stands for."""
_SHOWN: Final = 5
_PYTHON: Final = {int: "integer", float: "float", str: "string", bool: "boolean", bytes: "binary"}


def schema(
    columns: Mapping[str, Any] | Sequence[str], *, exact: bool = True, ordered: bool = False, **options: Unpack[Options]
) -> Check:
    """Check the columns of a frame and their types: `schema({"id": "integer", "fare": "number", "note": None})`.

    A lazy frame is checked too, because its types are known before it is run.

    Args:
        columns: The type of each column, or a list of names. A type is a family such as "integer", "number", "string",
            "timestamp", a name such as "int64", a Python or narwhals type, or None for any.
        exact: Further columns fail.
        ordered: The columns must be in this order.
    """
    if isinstance(columns, str) or not isinstance(columns, Mapping | Sequence) or not columns:
        raise CheckError(f"schema() takes the types by column, such as {{'id': 'integer'}}, got {columns!r}")
    listed = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    for name in listed:
        if not isinstance(name, str):
            raise CheckError(f"schema(): the name of a column must be a text, got {name!r}")
    for name, given in (("exact", exact), ("ordered", ordered)):
        if not isinstance(given, bool):
            raise CheckError(f"schema(): {name} must be True or False, got {given!r}")
    wanted = {name: type_names(given, name) for name, given in listed.items()}
    judge = partial(_judge, wanted, exact, ordered)
    return frame_check("schema", judge, options, takes="any")


def type_names(given: Any, column: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the text of a type in messages and the narwhals types that it stands for; None for any type.

    Raises:
        CheckError: There is no such type.
    """
    import narwhals

    if given is None:
        return None
    if isinstance(given, narwhals.dtypes.DType):
        return str(given), (str(given),)
    if isinstance(given, type) and issubclass(given, narwhals.dtypes.DType):
        return given.__name__, (given.__name__,)
    name = _PYTHON.get(given, given) if isinstance(given, type) else given
    if not isinstance(name, str) or name.lower() not in TYPES:
        hint = nearest(name.lower(), TYPES) if isinstance(name, str) else ""
        raise CheckError(
            f"schema(): column {column!r} has the unknown type {given!r}{hint}; types are {', '.join(TYPES)}"
        )
    return name, TYPES[name.lower()]


def _judge(
    wanted: Mapping[str, tuple[str, tuple[str, ...]] | None],
    exact: bool,
    ordered: bool,
    frame: Any,
    frames: Mapping[str, Any],
) -> Finding:
    found = frame.collect_schema()
    problems = list(differences(found, wanted))
    if exact:
        problems += [f"column {name!r} ({found[name]}) is not expected" for name in found if name not in wanted]
    order = [name for name in found if name in wanted]
    if ordered and order != [name for name in wanted if name in found]:
        problems.append(f"the order is {', '.join(order)}; expected {', '.join(wanted)}")
    rows = None if not hasattr(frame, "__len__") else len(frame)
    if not problems:
        return Finding(True, None, rows, f"all {len(wanted):,} columns are as expected")
    more = f"; and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
    return Finding(False, None, rows, "; ".join(problems[:_SHOWN]) + more)


def differences(found: Mapping[str, Any], wanted: Mapping[str, tuple[str, tuple[str, ...]] | None]) -> list[str]:
    """Return a sentence for each column that is missing or of another type."""
    problems = []
    for name, type_ in wanted.items():
        if name not in found:
            problems.append(f"there is no column {name!r}{nearest(name, found)}")
        elif type_ is not None and not _is_of(found[name], type_[1]):
            problems.append(f"column {name!r} is {found[name]}, expected {type_[0]}")
    return problems


def _is_of(dtype: Any, names: tuple[str, ...]) -> bool:
    """Return true if a type has one of the names, or is spelled with its parameters as one of them."""
    return type(dtype).__name__ in names or str(dtype) in names
