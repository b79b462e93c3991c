"""Whole lines of a file that other processes append to, and the count of those that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

LONGEST_LINE: Final = 4 << 20
"""Bytes: no writer of odibi-core makes so long a line, so a longer one is not read into memory to its end."""
_CHUNK: Final = 1 << 20


class ReadErrors(msgspec.Struct):
    """The lines of a journal that could not be read: half lines at an end, and whole lines that are no events."""

    torn: int = 0
    unreadable: int = 0

    def add(self, other: ReadErrors) -> None:
        """Add the counts of another reader."""
        self.torn += other.torn
        self.unreadable += other.unreadable

    def since(self, earlier: ReadErrors) -> ReadErrors:
        """Return what came after earlier counts."""
        return ReadErrors(self.torn - earlier.torn, self.unreadable - earlier.unreadable)

    def __bool__(self) -> bool:
        return bool(self.torn or self.unreadable)


def read_lines(path: Path, read_errors: ReadErrors, raised: type[OSError] | tuple[()] = ()) -> Iterator[bytes]:
    """Yield the whole lines of a file in blocks. A last line without an end is counted as torn and not yielded."""
    rest = b""
    endless = False
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if endless and lines:
                    del lines[0]  # the end of the line that was too long
                    endless = False
                yield from (line for line in lines if line)
                if len(rest) > LONGEST_LINE:
                    read_errors.unreadable += not endless
                    rest, endless = b"", True
    except OSError as error:
        if isinstance(error, raised):
            raise
        read_errors.unreadable += 1
    read_errors.torn += bool(rest)
