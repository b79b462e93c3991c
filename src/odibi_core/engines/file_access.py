"""The accessed files of a value that a reader or a writer takes: path, size, time, and the name of the dataset."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from odibi_core.engines import file_remote
from odibi_core.engines.access_facts import Facts
from odibi_core.engines.file_readers import Access
from odibi_core.engines.files import format_of, is_remote, local
from odibi_core.engines.formats import SUFFIXES
from odibi_core.events.clock import iso
from odibi_core.redaction.locations import location

MAX_MEMBERS: Final = 10_000
"""Files of a folder or a pattern that are counted; of more, number and size are unknown."""
MAX_LISTED: Final = 500
"""Paths of a list that is passed to one reader."""
_LONGEST: Final = 4_096
_SUFFIXES: Final = {
    **{name: name for name in ("xml", "html", "orc")},
    "xls": "excel", "ods": "excel", "pkl": "pickle", "pickle": "pickle", "dta": "stata",
    "sas7bdat": "sas", "h5": "hdf", "hdf5": "hdf", "sav": "spss", "txt": "text", "db": "db",
}  # fmt: skip
_DATE: Final = re.compile(
    r"[-_ ]?(?<!\d)(?:19|20)\d\d(?:([-_])(?:0[1-9]|1[0-2])(?:\1[0-3]\d)?|(?:0[1-9]|1[0-2])[0-3]\d)"  # year, month, day
    r"(?:[T_-]?[0-2]\d[-_]?[0-5]\d(?:[-_]?[0-5]\d)?Z?)?(?!\d)"  # the time
)
_UNNAMED: Final = re.compile(r"\d+|.*[:=].*")
"""Folders that are not named after a dataset: a part of a date or a number, the scheme of a URI, a partition."""
_PACKED: Final = frozenset({"gz", "zip", "bz2", "xz", "zst", "tar", "tgz"})
_OF_TABLES: Final = frozenset({"version", "table_operation"})
"""Fields of the event that plain files lack."""


class FileAccess(NamedTuple):
    """A file that was read or written, or several under one folder or pattern. Unknown values are None."""

    access: Access
    uri: str
    dataset: str | None
    format: str | None
    bytes: int | None
    modified: str | None
    etag: str | None
    row_count: int | None
    files: int | None
    version: str | None = None
    table_operation: str | None = None

    @property
    def is_missing(self) -> bool:
        """True for a local file to read that is not there."""
        is_unknown = self.access == "read" and self.bytes is None and not is_remote(self.uri)
        return is_unknown and not os.path.exists(self.uri)

    def fields(self) -> dict[str, Any]:
        """Return the fields of the event; the file of a local path is named as it is, not redacted."""
        uri = location(self.uri)
        fields = {**self._asdict(), "uri": uri}
        return fields if self.table_operation else {k: v for k, v in fields.items() if k not in _OF_TABLES}


class _Facts(NamedTuple):
    size: int | None = None
    modified: float | None = None
    files: int | None = None


def accesses(
    access: Access, given: Any, *, rows: int | None = None, format: str | None = None, dataset: str | None = None,
    options: Any = None, ask: bool = False,
) -> list[FileAccess]:  # fmt: skip
    """Return the files of the argument of a reader or a writer; none for a buffer or a text with data.

    Args:
        access: "read" or "write".
        given: A path, a URI, an open file, or a list of these.
        rows: Rows read or written. Unknown for each of several files.
        format: The format; by default that of the suffix.
        dataset: The name of the dataset; by default that of the file.
        options: The storage options of a remote file.
        ask: Ask an object store for size and version, one request for each file.
    """
    named = list(islice(_named(given), MAX_LISTED))
    return [
        _access(access, path, opened, rows if len(named) == 1 else None, (format, dataset), options, ask)
        for path, opened in named
    ]


def of_facts(access: Access, facts: Facts, rows: int | None, dataset: str | None = None) -> FileAccess:
    """Return the access of a table, as its format described it; `rows` are those of the frame."""
    rows = rows if facts.row_count is None else facts.row_count
    return FileAccess(
        access, facts.uri, dataset or facts.dataset, facts.format, facts.bytes, None, None, rows, facts.files,
        facts.version, facts.operation,
    )  # fmt: skip


def _access(
    access: Access, path: str, opened: Any, rows: int | None, names: tuple[str | None, str | None],
    options: Any, ask: bool,
) -> FileAccess:  # fmt: skip
    format, dataset = names
    names_set = dataset or dataset_name(path), format or format_named(path)
    if is_remote(path):
        seen = file_remote.facts(path, opened, options, ask=ask)
        return FileAccess(
            access, file_remote.without_login(path), *names_set, seen.size, seen.modified, seen.etag, rows, None
        )
    path = os.path.abspath(path)
    is_growing = access == "write" and opened is not None and not getattr(opened, "closed", False)
    local_facts = _Facts() if is_growing else _facts(path)  # what is in its buffer is not in the file yet
    modified = None if local_facts.modified is None else iso(datetime.fromtimestamp(local_facts.modified, UTC))
    return FileAccess(access, path, *names_set, local_facts.size, modified, None, rows, local_facts.files)


def _named(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield the paths that an argument names, each with the open file that has it, if it is one."""
    if isinstance(given, str | os.PathLike):
        path = os.fspath(given)
        if isinstance(path, str) and _may_be_path(path):
            yield local(path), None
    elif isinstance(given, list | tuple | set | frozenset):
        for each in given:
            yield from _named(each)
    elif (uri := file_remote.uri_of_open(given)) is not None:
        yield uri, given
    elif hasattr(given, "read") or hasattr(given, "write"):
        name = getattr(given, "name", None)
        if isinstance(name, str) and os.path.exists(name):
            yield name, given


def _may_be_path(text: str) -> bool:
    """Return false for a text with data, which some readers take too."""
    return (
        0 < len(text) <= _LONGEST and "\n" not in text and "\0" not in text and text.lstrip()[:1] not in ("{", "[", "<")
    )


def _facts(path: str) -> _Facts:
    """Return size and time of a file, or the sums and the latest time of the files of a folder or a pattern."""
    try:
        if os.path.isfile(path):
            status = os.stat(path)
            return _Facts(status.st_size, status.st_mtime)
        if os.path.isdir(path):
            return _sum(_members(path))
        return _sum(glob.iglob(path, recursive=True)) if glob.has_magic(path) else _Facts()
    except OSError:
        return _Facts()


def _members(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(where, name) for name in names if not name.startswith((".", "_")))


def _sum(paths: Iterable[str]) -> _Facts:
    found = [os.stat(path) for path in islice(paths, MAX_MEMBERS + 1) if os.path.isfile(path)]
    if not found or len(found) > MAX_MEMBERS:
        return _Facts()
    return _Facts(sum(each.st_size for each in found), max(each.st_mtime for each in found), len(found))


def format_named(path: str) -> str | None:
    """Return the format by the suffix of a path; None if it has none that is known."""
    known = format_of(path)
    if known is not None:
        return known
    for suffix in reversed(re.split(r"[?#]", path)[0].rpartition("/")[2].lower().split(".")[1:]):
        if suffix not in _PACKED:
            return SUFFIXES.get(f".{suffix}") or _SUFFIXES.get(suffix)
    return None


def dataset_name(path: str) -> str | None:
    """Return the logical name of the dataset at a path: the stem of its file, or the folder of a set of files.

    A date in the stem is left out: the file of each day belongs to one dataset. A stem that is a date alone has the
    name of its folder.
    """
    parts = [part for part in re.split(r"[?#]", path)[0].replace(os.sep, "/").split("/") if part]
    while parts and (glob.has_magic(parts[-1]) or ("=" in parts[-1] and len(parts) > 1)):
        stem = parts.pop().split(".")[0]
        if glob.has_magic(stem) and (fixed := re.split(r"[*?\[]", stem)[0].rstrip("-_.")):
            return fixed
    if not parts:
        return None
    if parts[-1].startswith("part-") and len(parts) > 1 and "=" in parts[-2]:
        return dataset_name("/".join(parts[:-1]))
    stem = parts[-1].lstrip(".").split(".")[0]
    folders = (_without_date(part) for part in reversed(parts[:-1]) if not _UNNAMED.fullmatch(part))
    return _without_date(stem) or next(filter(None, folders), stem) or None


def _without_date(name: str) -> str:
    return _DATE.sub("", name).strip("-_ ")
