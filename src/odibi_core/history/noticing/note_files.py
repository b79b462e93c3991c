"""The events of a folder of notes, read from a few files and not from thousands: `alerts.cache` has their lines.

It is a cache. A line is taken from it if the file that it came from is still there and has the same size; a file of
notes is only appended to. Deleting the cache loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.events import Event, decode
from odibi_core.store.lines import ReadErrors, read_lines
from odibi_core.store.segments import merge_by_time

FILE: Final = "alerts.cache"
_VERSION: Final = 1
_NEW_ONES: Final = 64
"""Files that are not in the cache before it is written again."""


class _Cache(msgspec.Struct):
    """The content of the cache: of each file its size and its lines."""

    version: int = _VERSION
    files: dict[str, tuple[int, bytes]] = {}


def events_in(folder: Path, is_wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Event]:
    """Return the events of a folder of notes by time, those of each file in their order."""
    return merge_by_time(*events_by_file(folder, is_wanted).values())


def events_by_file(folder: Path, is_wanted: Callable[[str], bool]) -> dict[str, list[Event]]:
    """Return the events of each file of notes, by the name of the file.

    A line that is no event is left out, and so is a file that cannot be read or is gone meanwhile.

    Args:
        folder: The folder; one that does not exist has no files.
        is_wanted: Returns true for the name of a file that is read.
    """
    return {name: list(_decoded(lines)) for name, lines in _lines_of(folder, is_wanted)}


def _decoded(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        with suppress(ValueError, TypeError, RecursionError):
            yield decode(line)


def _lines_of(folder: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield each wanted file with its lines; write the cache if many files were not in it."""
    cache, sizes = _read(folder / FILE), _sizes(folder)
    kept = {name: known for name, size in sizes.items() if (known := cache.files.get(name)) and known[0] == size}
    new = 0
    for name in sorted(filter(is_wanted, sizes)):
        if name in kept:
            yield name, kept[name][1].split(b"\n")[:-1]
            continue
        lines = list(read_lines(folder / name, ReadErrors()))
        content = b"".join(line + b"\n" for line in lines)
        if len(content) == sizes[name]:  # whole, and not longer meanwhile
            kept[name], new = (len(content), content), new + 1
        yield name, lines
    if new >= _NEW_ONES:
        with suppress(OSError):  # a store that cannot be written is read all the same
            private_files.write_atomic(folder / FILE, msgspec.msgpack.encode(_Cache(files=kept)))


def _read(path: Path) -> _Cache:
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=_Cache)
    except (OSError, msgspec.DecodeError):
        return _Cache()
    return found if found.version == _VERSION else _Cache()


def _sizes(folder: Path) -> dict[str, int]:
    sizes = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".jsonl"):
                with suppress(OSError):  # deleted meanwhile
                    sizes[entry.name] = entry.stat().st_size
    return sizes
