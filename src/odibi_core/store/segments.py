"""Segments, the files of a journal: their names, and a reader that tolerates damage.

A segment has one writer and is only appended to. It is never opened for writing again, so a half line of a killed
writer stays the last line of its file: the reader counts it and does not repair it.

    events.jsonl             the first of a writer
    events.000002.jsonl      the next, when the one before is full
    events.p4711.jsonl       of a forked child
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from heapq import merge
from pathlib import Path
from typing import Final

from odibi_core.events import Event, decode
from odibi_core.store.lines import ReadErrors as ReadErrors
from odibi_core.store.lines import read_lines as read_lines

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NAME: Final = re.compile(r"(?P<stem>.+?)(?P<child>\.p\d+(?:_\d+)*)?(?:\.(?P<number>\d{6}))?\.jsonl")


def safe_name(name: str, longest: int = 80) -> str:
    """Return a file name for a text: valid on every system, without secrets, and different for different texts."""
    from odibi_core.events import sanitize_text  # here: a process that answers a query names no file

    slug = _UNSAFE.sub("-", sanitize_text(name)).strip("-")[:longest]
    if slug and slug == name:
        return slug
    return f"{slug[: longest - 9] or 'name'}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def segment_name(stem: str, number: int) -> str:
    """Return the name of a writer's `number`th segment, from 1."""
    return f"{stem}.jsonl" if number == 1 else f"{stem}.{number:06d}.jsonl"


def segments_of(directory: Path, stem: str) -> list[Path]:
    """Return the segments of one journal and of its forked children, each writer's in order."""
    return sorted((path for path in directory.glob(f"{stem}*.jsonl") if _parts_of(path)[0] == stem), key=_parts_of)


def all_segments(directory: Path) -> list[Path]:
    """Return every segment in a folder, each writer's in order."""
    return sorted(directory.glob("*.jsonl"), key=_parts_of)


def read_events(
    paths: Iterable[Path], read_errors: ReadErrors | None = None, raised: type[OSError] | tuple[()] = ()
) -> Iterator[Event]:
    """Return the events of segments, those of several writers merged by time.

    Lines that cannot be read are counted in `read_errors` and skipped, and so is a file that cannot be read, unless its
    error is one of `raised`.
    """
    read_errors = ReadErrors() if read_errors is None else read_errors
    streams = [_read_in_turn(own, read_errors, raised) for own in by_writer(paths)]
    if len(streams) == 1:
        return streams[0]
    return merge_by_time(*streams)


def merge_by_time(*streams: Iterable[Event]) -> Iterator[Event]:
    """Return the events of several writers merged by time, those of each in their order."""
    return merge(*streams, key=lambda event: event.timestamp)


def by_writer(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the segments of each writer, in the order in which they are given."""
    writers: dict[str, list[Path]] = {}
    for path in paths:
        writers.setdefault(f"{path.parent}/{writer_of(path)}", []).append(path)
    return list(writers.values())


def writer_of(path: Path) -> str:
    """Return the stem that all segments of one writer share."""
    stem, child, _ = _parts_of(path)
    return stem + child


def _read_in_turn(paths: list[Path], read_errors: ReadErrors, raised: type[OSError] | tuple[()]) -> Iterator[Event]:
    for path in paths:
        for line in read_lines(path, read_errors, raised):
            try:
                yield decode(line)
            except (ValueError, TypeError, RecursionError):
                read_errors.unreadable += 1


def _parts_of(path: Path) -> tuple[str, str, int]:
    """Return the stem, the suffix of a forked child, and the number of a segment; segments sort by them."""
    match = _NAME.fullmatch(path.name)
    return (match["stem"], match["child"] or "", int(match["number"] or 1)) if match else (path.name, "", 1)
