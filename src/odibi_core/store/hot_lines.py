"""The whole lines of many segments for DuckDB: large files as they are, small ones concatenated.

DuckDB reads thousands of small files a hundred times slower than their concatenation (docs/benchmarks.md), and a half
line at the end of a file would be an error. Nothing is decoded here but a sample.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from odibi_core.store.lines import ReadErrors

_LARGE: Final = 4 << 20
"""Bytes of a file that DuckDB reads itself if its last line is whole; copying one takes half as long as reading it."""
_BLOCK: Final = 1 << 20
_SAMPLES: Final = 64
_SAMPLE: Final = 1 << 15
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class HotLines(msgspec.Struct):
    """The files that hold the lines, which stay open as long as the stack that they were opened on.

    Args:
        files: One for the small segments, and each large segment.
        lines: The lines of the concatenation; those of large segments are not counted.
        read_errors: Half lines, and files that could not be read.
    """

    files: list[IO[bytes]]
    lines: int
    read_errors: ReadErrors

    @property
    def is_counted(self) -> bool:
        """True if every line was counted."""
        return len(self.files) == 1

    def paths(self) -> list[str]:
        """Return a path for each file. The names of files are no patterns, whatever the segments are called."""
        return [f"/dev/fd/{file.fileno()}" for file in self.files]


def unnamed_file(stack: ExitStack) -> IO[bytes]:
    """Return an empty file without a name: no pattern, no second process and no crash can leave or reach it."""
    return stack.enter_context(tempfile.TemporaryFile())


def collect(paths: Iterable[Path], stack: ExitStack, *, copy_all: bool = False) -> HotLines:
    """Return the whole lines of segments.

    Args:
        paths: The segments; one that is gone has no lines.
        stack: Closes the files.
        copy_all: Copy large segments too.

    Raises:
        OSError: The temporary file could not be written.
    """
    joined = unnamed_file(stack)
    found = HotLines([joined], 0, ReadErrors())
    for path in paths:
        try:
            file = stack.enter_context(path.open("rb"))
        except FileNotFoundError:
            continue
        except OSError:
            found.read_errors.unreadable += 1
            continue
        if not copy_all and os.fstat(file.fileno()).st_size >= _LARGE and _ends_whole(file):
            found.files.append(file)
            continue
        with file:
            _copy(file, found)
    joined.flush()
    return found


def _ends_whole(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    is_whole = file.read(1) == b"\n"
    file.seek(0)
    return is_whole


def _copy(file: IO[bytes], found: HotLines) -> None:
    """Append the whole lines of a file."""
    rest = b""
    (joined, *_) = found.files
    while block := _block(file, found.read_errors):
        end = block.rfind(b"\n") + 1
        if end:
            joined.write(rest + block[:end])
            found.lines += block.count(b"\n", 0, end)
            rest = b""
        rest += block[end:]
    found.read_errors.torn += bool(rest)


def _block(file: IO[bytes], read_errors: ReadErrors) -> bytes:
    try:
        return file.read(_BLOCK)
    except OSError:
        read_errors.unreadable += 1
        return b""


def sampled_names(paths: list[Path]) -> list[str]:
    """Return the names of fields in lines of some files, from places that are evenly spaced, the first seen first."""
    names: dict[str, None] = {}
    for path in paths[:: max(1, len(paths) // _SAMPLES)]:
        try:
            with path.open("rb") as file:
                for line in _some_lines(file, max(1, _SAMPLES // len(paths))):
                    try:
                        names.update(dict.fromkeys(_decode(line)))
                    except (ValueError, TypeError, RecursionError):
                        continue
        except OSError:
            continue
    return list(names)


def _some_lines(file: IO[bytes], places: int) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    for offset in range(0, size, max(_SAMPLE, size // places)):
        file.seek(offset)
        yield from file.read(_SAMPLE).split(b"\n")[bool(offset) : -1]
