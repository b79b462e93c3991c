"""Files of frames: formats by suffix, globs, compressed text, atomic writes."""

from __future__ import annotations

import codecs
import glob
import gzip
import os
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from odibi_core.engines import formats, object_store
from odibi_core.engines.file_remote import without_database_login, without_login
from odibi_core.errors import (
    STOPS,
    DataChangedWarning,
    EngineError,
    MissingExtraError,
    OdibiError,
    SourceNotFoundError,
    UnreadableSourceError,
    nearest,
)
from odibi_core.events import clock

FORMATS = tuple(formats.TABLE)
_PACKED = (".gz", ".zip")
_MARKERS = frozenset({"_SUCCESS", "_metadata", "_common_metadata"})  # written beside data by other tools


class Target(NamedTuple):
    """A format of `formats.TABLE` and how the file is packed (`.gz`, `.zip` or nothing)."""

    format: str
    packed: str


class Member(NamedTuple):
    """A file of a set, and the frame or frames that were read from it."""

    path: str
    frame: Any


def target(path: str, format: str | None = None) -> Target:
    """Return the given format, or the one of the suffix.

    Raises:
        EngineError: Neither is a known format.
    """
    suffix = os.path.splitext(path.lower())[1]
    packed = suffix if suffix in _PACKED else ""
    name = format.lower() if format else formats.table_named(path) or format_of(path)
    if name not in formats.TABLE:
        raise EngineError(
            f"{_given(path, suffix, format)} is no format that can be read or written; "
            f"those are {', '.join(formats.SUFFIXES)}, text also with {' or '.join(_PACKED)} after it, "
            f"or set format= to one of {', '.join(FORMATS)}"
        )
    row = formats.TABLE[name]
    if packed and not (row.is_text or row.is_table):
        raise EngineError(f"{path!r}: {name} is compressed inside; write or read it without {packed}")
    return Target(name, packed)


def format_of(path: str) -> str | None:
    """Return the format of the suffix of a path, if any."""
    stem, suffix = os.path.splitext(path.lower())
    return formats.SUFFIXES.get(os.path.splitext(stem)[1] if suffix in _PACKED else suffix)


def _given(path: str, suffix: str, format: str | None) -> str:
    if format:
        return f"format {format!r}"
    return f"the suffix {suffix!r} of {path!r}" if suffix else f"{path!r}, which has no suffix,"


def sources(path: str, format: str | None = None, storage: Mapping[str, Any] | None = None) -> list[str]:
    """Return the files of a path, a glob, or a folder of Parquet, sorted by name. URLs are left to the library."""
    path = local(path)
    inside = (format or format_of(path.rstrip("/")) or "parquet").lower()
    if object_store.is_stored(path):
        return object_store.sources(path, storage, formats.TABLE[inside].suffixes if format_of(path) is None else ())
    if is_remote(path) or os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        return _inside(path, inside)
    found = [name for name in sorted(glob.glob(path, recursive=True)) if os.path.isfile(name)]
    found = [name for name in found if os.path.basename(name) not in _MARKERS] or found
    if found:
        return found
    raise SourceNotFoundError(_missing(path))


def _inside(path: str, format: str) -> list[str]:
    """Return the files of a format in a folder and its subfolders; names that begin with . or _ are no data."""
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [os.path.join(folder, n) for n in names if format_of(n) == format and not n.startswith((".", "_"))]
    if found:
        return sorted(found)
    raise SourceNotFoundError(
        f"{path!r} is a folder without {format} files; name its files, such as {path.rstrip('/')}/*.csv"
    )


def _missing(path: str) -> str:
    folder, name = os.path.split(os.path.abspath(path))
    if glob.has_magic(path):
        return f"no file matches {path!r}; the pattern starts from {os.getcwd()!r} if it is not absolute"
    if not os.path.isdir(folder):
        return f"there is no file {path!r}: its folder {folder!r} does not exist either; check the path"
    near = nearest(name, sorted(os.listdir(folder))[:10_000])
    return f"there is no file {path!r}{near}; looked in {folder!r}; check the name, or make the file first"


def local(path: str) -> str:
    path = os.fspath(path)
    return os.path.expanduser(path.removeprefix("file://"))


def is_remote(path: str) -> bool:
    return "://" in path


def is_local_parquet(path: str, format: str | None) -> bool:
    """Return whether a path names a Parquet file of this machine, and no table.

    Raises:
        EngineError: Its format is unknown.
    """
    return not is_remote(path) and target(path, format).format == "parquet"


def shown(path: str) -> str:
    """Return a path as messages have it: a URI without credentials."""
    if formats.is_database(path):
        return without_database_login(path)
    return without_login(path) if is_remote(path) else path


@contextmanager
def opened(path: str, packed: str, storage: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """Open a source for a reader: the path itself, or the unpacked stream. A zip must hold one file."""
    if object_store.is_stored(path):
        with object_store.stream(path, storage) as stream, _unpacked(stream, packed, path) as unpacked:
            yield unpacked
    elif not packed or is_remote(path):
        yield path
    else:
        with _unpacked(path, packed, path) as unpacked:
            yield unpacked


@contextmanager
def _unpacked(source: Any, packed: str, path: str) -> Iterator[Any]:
    if not packed:
        yield source
    elif packed == ".gz":
        with gzip.open(source, "rb") as stream:
            yield stream
    else:
        with zipfile.ZipFile(source) as archive:
            inside = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]
            if len(inside) != 1:
                raise UnreadableSourceError(f"{shown(path)!r} holds {len(inside)} files, not one; unpack it first")
            with archive.open(inside[0]) as stream:
                yield stream


def read_each(
    sources: Iterable[str], format: str | None, read: Callable[[str, Any], Any], options: Mapping[str, Any]
) -> list[Member]:
    """Return the result of `read(format, path or stream)` for each source.

    Raises:
        OdibiError: Any error of a library is converted to one that names the source.
    """
    members = []
    for source in sources:
        kind = target(source, format)
        try:
            with opened(source, kind.packed, options.get("storage_options")) as stream:
                members.append(Member(source, read(kind.format, stream)))
        except (OdibiError, *STOPS):
            raise
        except ImportError as error:
            raise _missing_library("reading", kind.format, error) from error
        except TypeError as error:
            raise EngineError(f"{shown(source)!r} was not read: options {sorted(options)}: {error}") from error
        except BaseException as error:
            raise UnreadableSourceError(_unreadable(source, kind, error)) from error
    return members


def _missing_library(doing: str, format: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"{doing} {format} needs a library that is not installed ({error}): pip install 'odibi-core[all]'"
    )


def _unreadable(source: str, kind: Target, error: BaseException) -> str:
    size = os.path.getsize(source) if os.path.exists(source) else "unknown"
    is_text = formats.TABLE[kind.format].is_text and os.path.exists(source)
    hint = _encoding_hint(source, kind.packed, error) if is_text else ""
    return (
        f"{shown(source)!r} ({size} bytes) cannot be read as {kind.format}: "
        f"{type(error).__name__}: {str(error)[:500]}. "
        + (hint or "It may be cut short or of another format: look at it, fetch it again, or set format=")
    )


def _encoding_hint(source: str, packed: str, error: BaseException) -> str:
    """Name the option that helps, if the text is not UTF-8; empty if it may be."""
    try:
        with opened(source, packed) as stream, open(stream, "rb") if isinstance(stream, str) else stream as raw:
            start = raw.read(1_000)
    except (OSError, EOFError, zipfile.BadZipFile):
        return ""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or start[1::2].count(0) > len(start) // 4:
        return "It is UTF-16, as it seems: set encoding='utf-16' among the step's params"
    if isinstance(error, UnicodeError) or "utf-8" in str(error).lower():
        return "It is not UTF-8: set its encoding among the step's params, such as encoding='cp1252' or 'latin-1'"
    return ""


def contradiction(column: object, first: tuple[str, str], second: tuple[str, str]) -> UnreadableSourceError:
    """Return the error for a column that two files, each with its path and type, hold in types that do not fit."""
    return UnreadableSourceError(
        f"the files do not fit together: column {column!r} is {first[1]} in {first[0]!r} and {second[1]} in "
        f"{second[0]!r}; make it one type, or set its type by an option of the reader"
    )


def repeated(names: Iterable[str]) -> str | None:
    """Return the first name that is there a second time; None if there is none."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def refuse_repeated(names: Iterable[str]) -> None:
    """Raise EngineError for a column whose name another one has too."""
    twice = repeated(names)
    if twice is not None:
        raise EngineError(f"column {twice!r} is there twice; rename one")


def warn_changed(column: object, how: str) -> None:
    """Warn that values of a column will not be read back as they were written."""
    warnings.warn(f"column {column!r} {how}", DataChangedWarning, stacklevel=2)


@contextmanager
def replacing(path: str) -> Iterator[str]:
    """Yield a path beside the real one, which it replaces if the block succeeds (atomic write)."""
    real = os.path.realpath(local(path))  # through a symbolic link, which stays one
    folder = os.path.dirname(real)
    os.makedirs(folder, exist_ok=True)
    # A name of its own, because a name made from a long one can become too long.
    beside = os.path.join(folder, f".{clock.new_id()}.tmp")
    try:
        yield beside
        if os.path.exists(real):
            shutil.copymode(real, beside)
        os.replace(beside, real)
    finally:
        Path(beside).unlink(missing_ok=True)


def write_one(path: str, format: str | None, write: Callable[[str, Any], None], options: Mapping[str, Any]) -> None:
    """Call `write(format, path or stream)`, atomically for local files; an error names the path."""
    path = local(path)
    kind = target(path, format)
    with explained(shown(path), kind.format, options):
        if is_remote(path) and not object_store.is_stored(path):
            write(kind.format, path)
            return
        with _place(path, options) as beside, packing(beside, kind.packed, path) as stream:
            write(kind.format, stream)


def _place(path: str, options: Mapping[str, Any]) -> AbstractContextManager[str]:
    """Return a file to write to, which takes the place of the real one."""
    if object_store.is_stored(path):
        return object_store.replacing(path, options.get("storage_options"))
    return replacing(path)


@contextmanager
def explained(path: str, format: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Convert any error of a library that writes to an EngineError that names the path."""
    try:
        yield
    except (OdibiError, *STOPS):
        raise
    except ImportError as error:
        raise _missing_library("writing", format, error) from error
    except BaseException as error:
        given = f" with options {sorted(options)}" if options else ""
        raise EngineError(
            f"{path!r} was not written{given}: {type(error).__name__}: {str(error)[:500]}. "
            "A file that was there before is unchanged; check the options, the folder and the space"
        ) from error


@contextmanager
def packing(beside: str, packed: str, path: str) -> Iterator[Any]:
    """Yield the file to write to, or a stream that compresses into it."""
    if not packed:
        yield beside
    elif packed == ".gz":
        # Without name and time: the same frame gives the same bytes.
        with open(beside, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
            yield stream
    else:
        member = os.path.basename(path)[: -len(packed)]
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as stream:
            yield stream
