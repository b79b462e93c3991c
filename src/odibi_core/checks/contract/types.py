"""Physical types of data contracts, as families of `checks.schema`."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"\s*([a-z][a-z0-9_ ]*)", re.IGNORECASE)
_NAMES: Final = {
    "string": "char varchar nchar nvarchar character character_varying string text clob uuid json jsonb enum str utf8 "
    "varchar2 nvarchar2 longtext mediumtext tinytext large_string",
    "integer": "int integer bigint smallint tinyint mediumint hugeint long short byteint serial bigserial int2 int4 "
    "int8 int16 int32 int64 uint8 uint16 uint32 uint64 int128",
    "number": "float double real double_precision number decimal numeric float4 float8 float32 float64 money "
    "bigdecimal decimal128",
    "boolean": "bool boolean bit",
    "date": "date date32",
    "timestamp": "timestamp timestamptz datetime datetime2 timestamp_tz timestamp_ntz timestamp_ltz "
    "timestamp_with_time_zone timestamp_without_time_zone smalldatetime datetimeoffset",
    "time": "time time_without_time_zone time64",
    "binary": "binary varbinary blob bytea bytes",
    "list": "array list",
    "struct": "struct object record row",
}
_FAMILY: Final = {name: family for family, names in _NAMES.items() for name in names.split()}


def physical_family(text: str) -> str | None:
    """Return the family of a physical type such as `VARCHAR(18)`; None if it is unknown. Parameters are not read."""
    found = _WORD.match(text)
    return _FAMILY.get("_".join(found[1].lower().split())) if found else None
