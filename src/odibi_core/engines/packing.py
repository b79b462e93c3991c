"""An exact form of frames on disk: Arrow IPC files, which any process of the machine maps into its memory.

A value is packed only if unpacking returns an equal one of the same type, dtypes, index and column order included.
Nothing is pickled. Executors of processes, the step cache and kept frames use it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.engines.file_watch import unwatched
from odibi_core.errors import STOPS, EngineError
from odibi_core.private_files import replacing

_OBJECTS: Final = b"odibi_objects"
"""Key in the metadata of a packed pandas frame: its columns of objects by position, and if NaN is missing in them."""
_MANY_CELLS: Final = 100_000
_JSON_TYPES: Final = frozenset({str, int, float, bool, type(None)})


class NotPackableError(EngineError):
    """A value has no exact form on disk; the message has the reason."""


class _Form(NamedTuple):
    """How values of one type are written and read. `write` raises NotPackableError; `read` maps the file if it can."""

    suffix: str
    write: Callable[[Any, str], None]
    read: Callable[[str], Any]


def pack(value: Any, path: Path) -> Path:
    """Write a value atomically to `path` with the suffix of its form, and return that path.

    Raises:
        NotPackableError: Unpacking would return another value; nothing is written.
        OSError: The file cannot be written, for example because the disk is full; no part of it is left.
    """
    form = _FORMS[_form_of(value)]
    target = path.with_name(path.name + form.suffix)
    with replacing(target) as temporary, unwatched():  # these files are no data of the run
        try:
            form.write(value, str(temporary))
        except STOPS:
            raise
        except (NotPackableError, OSError):
            raise
        except Exception as error:
            raise NotPackableError(f"a {_type_name(value)} has no exact form in Arrow: {error}") from error
    return target


def unpack(path: Path) -> Any:
    """Return the value that `pack` wrote.

    Raises:
        EngineError: The file is damaged, or has no known form.
        OSError: The file cannot be read.
    """
    form = next((form for form in _FORMS.values() if path.name.endswith(form.suffix)), None)
    if form is None:
        raise EngineError(f"{path.name!r} has none of the forms {', '.join(form.suffix for form in _FORMS.values())}")
    try:
        with unwatched():
            return form.read(str(path))
    except (OSError, EngineError):
        raise
    except Exception as error:
        raise EngineError(f"{path.name!r} is damaged: {error}") from error


def _form_of(value: Any) -> str:
    for base in type(value).__mro__:
        library = base.__module__.partition(".")[0]
        if (library, base.__name__) in _TYPES:
            if base is not type(value):
                raise NotPackableError(f"a {_type_name(value)} is a subclass of {library}.{base.__name__}")
            return _TYPES[library, base.__name__]
    if _is_json(value):
        return "json"
    raise NotPackableError(f"a {_type_name(value)} is no frame, and no plain value of texts, numbers, lists and dicts")


def _type_name(value: Any) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"


def _is_json(value: Any) -> bool:
    """Return whether JSON returns the value as it is; it has no tuples, and no keys but texts."""
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return type(value) in _JSON_TYPES


def _write_json(value: Any, path: str) -> None:
    # The standard library's JSON: it has NaN and infinity, and whole numbers of any size.
    Path(path).write_bytes(json.dumps(value, ensure_ascii=True).encode())


def _read_json(path: str) -> Any:
    return json.loads(Path(path).read_bytes())


def _write_pandas(frame: Any, path: str) -> None:
    import pyarrow

    if not frame.columns.is_unique:
        raise NotPackableError("a pandas.DataFrame with two columns of one name has no form in Arrow")
    threads = 1 if frame.size < _MANY_CELLS else None  # starting them takes longer than a small frame
    table = pyarrow.Table.from_pandas(frame, nthreads=threads)
    objects = (place for place, dtype in enumerate(frame.dtypes) if dtype.kind == "O" and dtype.name == "object")
    nans = {place: _missing_is_nan(frame.iloc[:, place]) for place in objects}
    table = table.replace_schema_metadata({**table.schema.metadata, _OBJECTS: json.dumps(nans)})
    returned = _of_table(table)
    for place, (name, before, after) in enumerate(zip(frame.columns, frame.dtypes, returned.dtypes, strict=True)):
        if before != after:
            raise NotPackableError(f"column {name!r} of dtype {before} would come back as {after}")
        if place in nans and not all(map(_same, frame.iloc[:, place].to_numpy(), returned.iloc[:, place].to_numpy())):
            raise NotPackableError(f"column {name!r} of dtype object has values that Arrow changes")
    for before, after in ((frame.index, returned.index), (frame.columns, returned.columns)):
        if len(before) and (type(before) is not type(after) or before.dtype != after.dtype):
            raise NotPackableError(f"an index of type {type(before).__name__} ({before.dtype}) would come back changed")
    if frame.attrs != returned.attrs:
        raise NotPackableError("the attrs of a pandas.DataFrame must be plain values")
    _write_table(table, path)


def _missing_is_nan(column: Any) -> bool:
    """Return whether the missing values of a column of objects are NaN, as in pandas 2, and not None."""
    return any(type(value) is float and value != value for value in column.to_numpy())


def _same(before: Any, after: Any) -> bool:
    if before is after:
        return True
    if type(before) is not type(after) or type(before) in (list, dict, set, tuple):
        return False  # a list returns as an array, a dict with the keys of other rows
    return bool(before == after) or (type(before) is float and before != before and after != after)


def _read_pandas(path: str) -> Any:
    from odibi_core.engines.pandas_columns import is_writeable

    frame = _of_table(_read_table(path))
    # A column that shares the mapped file is read-only; a step may change its frame in place.
    return frame if all(is_writeable(frame.iloc[:, place]) for place in range(frame.shape[1])) else frame.copy()


def _of_table(table: Any) -> Any:
    """Return the pandas frame of a table; texts in columns of objects stay objects."""
    frame = table.to_pandas()
    for place, is_nan in json.loads(table.schema.metadata.get(_OBJECTS, b"{}")).items():
        column = frame.iloc[:, int(place)]
        values = column.to_numpy(dtype=object, copy=True)
        values[column.isna().to_numpy()] = float("nan") if is_nan else None
        frame.isetitem(int(place), type(column)(values, index=frame.index, dtype=object))
    return frame


def _write_polars(frame: Any, path: str) -> None:
    frame.write_ipc(path)


def _read_polars(path: str) -> Any:
    import polars

    return polars.read_ipc(path)


def _write_table(table: Any, path: str) -> None:
    import pyarrow

    from odibi_core.engines.formats.ipc import write_rows

    with pyarrow.OSFile(path, "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        write_rows(writer, table)


def _read_table(path: str) -> Any:
    import pyarrow

    with pyarrow.memory_map(path) as file:
        return pyarrow.ipc.open_file(file).read_all()


def _write_relation(relation: Any, path: str) -> None:
    _write_table(relation.to_arrow_table(), path)


def _read_relation(path: str) -> Any:
    import duckdb

    return duckdb.from_arrow(_read_table(path))


_TYPES: Final[Mapping[tuple[str, str], str]] = {
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("_duckdb", "DuckDBPyRelation"): "duckdb",
    ("duckdb", "DuckDBPyRelation"): "duckdb",
}
_FORMS: Final[Mapping[str, _Form]] = {
    "pandas": _Form(".pandas.arrow", _write_pandas, _read_pandas),
    "polars": _Form(".polars.arrow", _write_polars, _read_polars),
    "duckdb": _Form(".duckdb.arrow", _write_relation, _read_relation),
    "arrow": _Form(".table.arrow", _write_table, _read_table),
    "json": _Form(".json", _write_json, _read_json),
}
