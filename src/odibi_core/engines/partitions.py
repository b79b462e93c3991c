"""Data sets in folders such as `year=2020`: columns from the paths, and folders that are replaced as a whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

from odibi_core.engines import files, object_store, partitions_stored, refusals
from odibi_core.errors import EngineError, nearest
from odibi_core.events import clock

_NULL = "__HIVE_DEFAULT_PARTITION__"
_PART = "part-0.parquet"
_OWN = re.compile(r"part-\w+\.(?:parquet|csv|tsv|jsonl)(?:\.gz)?")
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


def value_type(values: Iterable[Any]) -> type:
    """Return the type of the values of a partition column: int, date or str."""
    return next((type(value) for value in values if value is not None), str)


def file_options(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the options for a single file: without those of data sets, and without columns that only paths have."""
    own = ("hive_partitioning", "hive_schema", "try_parse_hive_dates")
    given = {name: value for name, value in options.items() if name not in own}
    if given.get("columns"):
        given["columns"] = [name for name in given["columns"] if name not in set(names)]
    return given


Part = tuple[Mapping[str, Any], Any]  # the values of the partition columns, and a frame without these


def write(
    path: str,
    parts: Iterable[Part],
    write_file: Callable[[Any, str], None],
    mode: str = "overwrite",
    storage: Mapping[str, Any] | None = None,
) -> None:
    """Write each part to a file of its own, aside, and then put the files in their places.

    Args:
        path: The folder of the data set.
        parts: The parts of the frame.
        write_file: Writes a part to a path.
        mode: "overwrite" replaces the folder as a whole, "append" adds a file to each partition, and
            "overwrite_partitions" replaces the partitions that the frame has rows of, and leaves the others.
        storage: The options of fsspec for a folder in an object store.
    """
    is_stored = object_store.is_stored(path)
    with placed(path, mode, storage) as folder:
        for values, frame in parts:
            place = os.path.join(folder, *(_folder_name(name, value) for name, value in values.items()))
            os.makedirs(place, exist_ok=True)
            is_only = mode == "overwrite" and not is_stored
            write_file(frame, os.path.join(place, _PART if is_only else f"part-{clock.new_id()}.parquet"))


def placed(path: str, mode: str, storage: Mapping[str, Any] | None) -> AbstractContextManager[str]:
    """Return a local folder to write to, whose files become those of the data set if the block succeeds."""
    if object_store.is_stored(path):
        return partitions_stored.putting(path, storage, mode)
    return replacing_folder(path) if mode == "overwrite" else _adding(path, mode)


@contextmanager
def _adding(path: str, mode: str) -> Iterator[str]:
    """Yield a folder beside the real one, whose files are put into it if the block succeeds."""
    moved: list[tuple[str, str]] = []
    with _aside(path) as (real, beside, old):
        yield beside
        try:
            for folder in _leaves(beside):
                place = os.path.normpath(os.path.join(real, os.path.relpath(folder, beside)))
                _put(folder, place, old if mode == "overwrite_partitions" else None, moved)
        except BaseException:
            for now, before in reversed(moved):
                os.makedirs(os.path.dirname(before), exist_ok=True)
                os.rename(now, before)
            raise


@contextmanager
def _aside(path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the real folder, a new one beside it, and the name of one for old files; remove the last two at the end.

    Raises:
        EngineError: The real folder holds files that no step has written.
    """
    real = os.path.realpath(files.local(path))
    _refuse_foreign(path, real)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    beside, old = (os.path.join(os.path.dirname(real), f".{clock.new_id()}.tmp") for _ in range(2))
    os.mkdir(beside)
    try:
        yield real, beside, old
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _leaves(folder: str) -> list[str]:
    return sorted(where for where, _, names in os.walk(folder) if names)


def _put(folder: str, place: str, old: str | None, moved: list[tuple[str, str]]) -> None:
    """Move the files of a folder to their place, those that were there to `old`; `moved` has each, to undo it."""
    os.makedirs(place, exist_ok=True)
    there = [name for name in sorted(os.listdir(place)) if os.path.isfile(os.path.join(place, name))] if old else []
    for name in sorted(os.listdir(folder)):
        os.rename(os.path.join(folder, name), os.path.join(place, name))
        moved.append((os.path.join(place, name), os.path.join(folder, name)))
    for number, name in enumerate(there):
        aside = os.path.join(str(old), f"{len(moved)}-{number}")
        os.makedirs(str(old), exist_ok=True)
        os.rename(os.path.join(place, name), aside)
        moved.append((aside, os.path.join(place, name)))


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
    with _aside(path) as (real, beside, old):
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


def _refuse_foreign(path: str, real: str) -> None:
    """Raise EngineError for a folder with files that no step has written: replacing removes them."""
    if os.path.isfile(real):
        raise EngineError(f"{path!r} is a file, and a partitioned data set is a folder; name another, or remove it")
    for folder, folders, names in os.walk(real):
        foreign = [name for name in folders if "=" not in name or os.path.islink(os.path.join(folder, name))]
        foreign += [name for name in names if not _OWN.fullmatch(name)]
        if foreign:
            raise EngineError(
                f"the folder {path!r} would be replaced as a whole, but holds {os.path.join(folder, min(foreign))!r}, "
                "which no step has written; name another folder, or remove it"
            )


def by(options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return the columns to partition by, and the options that are left for each file."""
    own = (*refusals.PARTITION, "partition_chunk_size_bytes", "mkdir", "mode", "storage_options")
    return refusals.partitions(options), {name: value for name, value in options.items() if name not in own}
