"""Arrow tables fitted to the types of a format: each value exact, or an error or a warning that names the column."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from odibi_core.engines.files import refuse_repeated, warn_changed
from odibi_core.errors import EngineError


class Types(Struct, frozen=True):
    """The types of a format. All formats have whole numbers of 64 bits, floats, text, bytes, booleans and dates."""

    format: str
    """The name that messages give it."""
    times: bool = True
    """Times of day, to the microsecond."""
    nested: bool = True
    """Lists and structs."""
    nulls: bool = False
    """Columns without any value."""
    durations: bool = False
    zones: bool = False
    """The names of time zones; without them, a moment is kept in UTC."""


_SIGNED: Final = {"uint8": "int16", "uint16": "int32", "uint32": "int64", "uint64": "int64"}


def fitted(table: Any, types: Types, wanted: Any = None) -> Any:
    """Return a table whose columns have types of a format.

    Args:
        table: An Arrow table.
        types: Those of the format.
        wanted: The schema of the table that is there; a column without values gets its type.

    Raises:
        EngineError: names the column that the format cannot hold exactly, or a name that is twice there.
    """
    import pyarrow as pa

    names = table.column_names
    refuse_repeated(names)
    columns = []
    for field in table.schema:
        column = table.column(field.name)
        target = _type(field.name, field.type, types)
        if wanted is not None and field.name in wanted.names and _is_alike(field.type, wanted.field(field.name).type):
            target = wanted.field(field.name).type
        elif pa.types.is_null(target) and not types.nulls:
            raise EngineError(f"column {field.name!r} has no value, and {types.format} no type for it; cast it to one")
        if _zone(field.type) not in (None, "UTC", "+00:00") and not types.zones:
            zone = f"is in the time zone {_zone(field.type)}"
            warn_changed(field.name, f"{zone}; {types.format} keeps its moments in UTC")
        columns.append(_cast(field.name, column, target, types.format))
    return pa.table(columns, names=names)


def _cast(name: str, column: Any, target: Any, format: str) -> Any:
    import pyarrow as pa

    if column.type == target:
        return column
    try:
        return column.cast(target, safe=True)
    except (pa.ArrowException, ValueError) as error:
        raise EngineError(
            f"column {name!r} ({column.type}) holds a value that {format} has no exact form for: {str(error)[:200]}"
        ) from error


def _type(name: str, kind: Any, types: Types) -> Any:
    """Return the type of a column as the format has it."""
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return _nested(name, kind, types)
    if pa.types.is_dictionary(kind):
        return _type(name, kind.value_type, types)
    if str(kind) in _SIGNED:
        return pa.type_for_alias(_SIGNED[str(kind)])
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz if types.zones else kind.tz and "UTC")
    simple = {
        pa.types.is_large_string: pa.string(), pa.types.is_large_binary: pa.binary(), pa.types.is_float16: pa.float32(),
        pa.types.is_fixed_size_binary: pa.binary(), pa.types.is_date64: pa.date32(),
        pa.types.is_string_view: pa.string(),
        pa.types.is_binary_view: pa.binary(), pa.types.is_time: pa.time64("us"),
        pa.types.is_duration: pa.duration("us"),
    }  # fmt: skip
    target = next((found for is_such, found in simple.items() if is_such(kind)), kind)
    lacks = (pa.types.is_time(kind) and not types.times) or (pa.types.is_duration(kind) and not types.durations)
    if lacks or pa.types.is_interval(kind):
        raise EngineError(f"column {name!r} is {kind}, which {types.format} has no type for; make it text or a number")
    return target


def _nested(name: str, kind: Any, types: Types) -> Any:
    import pyarrow as pa

    if not types.nested:
        raise EngineError(f"column {name!r} is {kind}, which {types.format} has no type for; make it text or columns")
    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return pa.struct([pa.field(each.name, _type(f"{name}.{each.name}", each.type, types)) for each in fields])
    if pa.types.is_map(kind):
        return pa.map_(_type(name, kind.key_type, types), _type(name, kind.item_type, types))
    return pa.list_(_type(f"{name}[]", kind.value_type, types))


def _is_alike(kind: Any, other: Any) -> bool:
    """Return whether a column of one type may be cast to another one of the same family, or has no value at all."""
    import pyarrow as pa

    families = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return pa.types.is_null(kind) or any(of(kind) and of(other) for of in families)


def _zone(kind: Any) -> str | None:
    """Return the time zone of a column, nested ones aside."""
    zone = getattr(kind, "tz", None)
    return zone if isinstance(zone, str) else None
