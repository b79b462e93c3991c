"""Data sets in folders such as `year=2020`: columns from the paths, and folders that are replaced as a whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

from odibi_core.engines import files, refusals
from odibi_core.errors import EngineError, nearest
from odibi_core.events import clock

_NULL = "__HIVE_DEFAULT_PARTITION__"
_PART = "part-0.parquet"
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def columns(path: str, sources: Sequence[str], options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the partition columns that a path's files are in, each as value by file.

    Args:
        path: a glob or a folder; a single file has no more columns than it holds.
        sources: the files of the path.
        options: `hive_partitioning=False` turns it off, `try_parse_hive_dates=False` leaves dates text.
    """
    if os.path.isfile(files.local(path)) or options.get("hive_partitioning") is False or list(sources) == [path]:
        return {}
    found = {source: _of_path(source) for source in sources}
    names = dict.fromkeys(name for values in found.values() for name in values)
    dates = options.get("try_parse_hive_dates", True)
    return {
        name: dict(zip(found, _typed([values.get(name) for values in found.values()], dates), strict=True))
        for name in names
    }


def _of_path(source: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for segment in os.path.dirname(source).split("/" if files.is_remote(source) else os.sep):
        name, equals, value = segment.partition("=")
        if name and equals:
            found[unquote(name)] = None if value == _NULL else unquote(value)
    return found


def _typed(texts: Sequence[str | None], dates: bool = True) -> list[Any]:
    """Values of one type: whole numbers, or dates, if all are such; else the texts."""
    there = [text for text in texts if text is not None]
    if there and all(_WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63 for text in there):
        return [None if text is None else int(text) for text in texts]
    if dates and there and all(map(_DATE.fullmatch, there)):
        try:
            return [None if text is None else date.fromisoformat(text) for text in texts]
        except ValueError:
            pass  # the 30th of February is a text
    return list(texts)


def file_options(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the options for a single file: without those of data sets, and without columns that only paths have."""
    own = ("hive_partitioning", "hive_schema", "try_parse_hive_dates")
    given = {name: value for name, value in options.items() if name not in own}
    if given.get("columns"):
        given["columns"] = [name for name in given["columns"] if name not in set(names)]
    return given


Part = tuple[Mapping[str, Any], Any]  # the values of the partition columns, and a frame without these


def write(path: str, parts: Iterable[Part], write_file: Callable[[Any, str], None]) -> None:
    """Write each part to a file of its own, and put the folder in the place of the one that was there."""
    with replacing_folder(path) as folder:
        for values, frame in parts:
            place = os.path.join(folder, *(_folder_name(name, value) for name, value in values.items()))
            os.makedirs(place, exist_ok=True)
            write_file(frame, os.path.join(place, _PART))


def names_to_write(by: Sequence[str], names: Sequence[Any]) -> None:
    """Raise EngineError for partition columns that are not there, or that leave none for the files."""
    for name in by:
        if name not in names:
            raise EngineError(f"there is no column {name!r} to partition by{nearest(name, map(str, names))}")
    if len(set(by)) == len(names):
        raise EngineError("every column is one to partition by, and none is left for the files; leave one out")


def warn_changed(name: str, values: Iterable[Any], dtype: object) -> None:
    """Warn if the values of a partition column are read back from the names of folders as something else."""
    kept = list(values)
    texts = [_text(value) for value in kept]
    plain = [value.date() if _is_midnight(value) else value for value in kept]
    if any(a != b and text is not None for a, b, text in zip(_typed(texts), plain, texts, strict=True)):
        files.warn_changed(name, f"({dtype}) is read back from the names of folders as numbers, dates or text")


def _is_midnight(value: Any) -> bool:
    return isinstance(value, datetime) and str(value)[10:] in ("", " 00:00:00")


def _folder_name(name: str, value: Any) -> str:
    text = _text(value)
    return f"{quote(name, safe=' ')}={_NULL if text is None else quote(text, safe=' :+')}"


def _text(value: Any) -> str | None:
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    return str(value)[:10] if _is_midnight(value) else str(value)


@contextmanager
def replacing_folder(path: str) -> Iterator[str]:
    """Yield a folder beside the real one, which it replaces if the block succeeds; otherwise it is removed.

    A reader sees the old folder or the new one; between two renames there is none for a moment.
    """
    real = os.path.realpath(files.local(path))
    _refuse_foreign(path, real)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    beside, old = (os.path.join(os.path.dirname(real), f".{clock.new_id()}.tmp") for _ in range(2))
    os.mkdir(beside)
    try:
        yield beside
        if os.path.isdir(real):
            shutil.copymode(real, beside)
            os.rename(real, old)
        try:
            os.rename(beside, real)
        except BaseException:
            if os.path.isdir(old):
                os.rename(old, real)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_foreign(path: str, real: str) -> None:
    """Raise EngineError for a folder with files that no step has written: replacing removes them."""
    if os.path.isfile(real):
        raise EngineError(f"{path!r} is a file, and a partitioned data set is a folder; name another, or remove it")
    for folder, folders, names in os.walk(real):
        foreign = [name for name in folders if "=" not in name or os.path.islink(os.path.join(folder, name))]
        foreign += [name for name in names if name != _PART]
        if foreign:
            raise EngineError(
                f"the folder {path!r} would be replaced as a whole, but holds {os.path.join(folder, min(foreign))!r}, "
                "which no step has written; name another folder, or remove it"
            )


def by(options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return the columns to partition by, and the options that are left for each file."""
    own = (*refusals.PARTITION, "partition_chunk_size_bytes", "mkdir")
    return refusals.partitions(options), {name: value for name, value in options.items() if name not in own}
