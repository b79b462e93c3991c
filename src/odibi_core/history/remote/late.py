"""Late events: lines of a run that its batch lacks, because they were shipped after another host compacted it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.events import Event, decode
from odibi_core.history.remote.parts import plain_name
from odibi_core.store.manifest import RunEntry
from odibi_core.store.segments import ReadErrors, read_lines

TAKEN: Final = "taken.jsonl"
"""The segment of a run that was taken from a batch of which other runs are read elsewhere."""
_LATE: Final = re.compile(r"late-[0-9a-f]+\.jsonl")


def has_bytes(entry: RunEntry, file: str, end: int) -> bool:
    """Return true if a batch has a segment up to this byte; false also if it does not name its segments any more."""
    return any(each.bytes >= end and plain_name(each.name) == plain_name(f"{file}.jsonl") for each in entry.segments)


def has_segment(entry: RunEntry, path: Path) -> bool:
    """Return true if a batch has all of a segment of the copy."""
    return path.name == "lost.jsonl" or has_bytes(entry, path.name.removesuffix(".jsonl"), path.stat().st_size)


def late_lines(paths: Iterable[Path], known: Iterable[Event], folder: Path) -> None:
    """Write the lines of segments that are no known event as a segment in `folder`."""
    lines = [line for path in paths if path.name != "lost.jsonl" for line in read_lines(path, ReadErrors())]
    write_late(lines, known, folder)


def write_late(lines: Iterable[bytes], known: Iterable[Event], folder: Path) -> None:
    """Write the lines that are no known event as a segment, whose name is that of its content.

    An event is known by its writer and its number.
    """
    names = {(event.writer_id, event.seq) for event in known}
    late = b"".join(line + b"\n" for line in lines if _name_of(line) not in names)
    if late:
        private_files.write_atomic(folder / f"late-{sha256(late).hexdigest()[:16]}.jsonl", late)


def _name_of(line: bytes) -> tuple[str, int] | None:
    """Return the name of the event of a line; None for a line that is none, which the batch has counted."""
    try:
        event = decode(line)
    except (ValueError, TypeError, RecursionError):
        return None
    return event.writer_id, event.seq
