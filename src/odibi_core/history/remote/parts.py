"""Names and content of the objects that carry growing files: a part is a range of the lines of one segment.

    hot/date=2026-11-30/runs/<run id>/events~<writer>.<start>-<end>.jsonl.gz
    hot/date=2026-11-30/runs/<run id>/alive
    hot/date=2026-11-30/notes/<segment>~<writer>.<start>-<end>.jsonl.gz
    hot/date=2026-11-30/sources/<2 hex>/<hash>.txt

The date is the day of shipping, so that a reader lists only the last days. The writer is the `writer_id` of the first
event: two hosts never write the same name, and a copy of a store ships the same names with the same content. Start and
end are bytes of the segment. Ranges that overlap hold equal bytes, so that any number of shippers may ship one segment,
and a shipper that was killed may ship a range again.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from odibi_core.events import decode
from odibi_core.store.segments import all_segments, writer_of

HOT: Final = "hot"
PART_BYTES: Final = 4 << 20
"""The size of a part before compression, about: it is held in memory while it is sent."""
_LONGEST_LINE: Final = 64 << 20
_RANGE: Final = re.compile(r"(?P<file>.+)\.(?P<start>\d{12})-(?P<end>\d{12})\.jsonl\.gz")
_DAY: Final = re.compile(r"date=\d{4}-\d\d-\d\d")


class Part(NamedTuple):
    """A range of a segment, or a whole file if `end` is 0."""

    file: str
    """The segment without its ending, relative to a store: `runs/<run id>/events~<writer>`."""
    start: int
    end: int


def day_of(moment: datetime) -> str:
    """Return the folder of a day: `date=2026-11-30`."""
    return f"date={moment:%Y-%m-%d}"


def is_day(name: str) -> bool:
    """Return true for the name of a folder that `day_of` returns."""
    return _DAY.fullmatch(name) is not None


def part_name(day: str, part: Part) -> str:
    """Return the name of the object that holds a part."""
    return f"{HOT}/{day}/{part.file}.{part.start:012d}-{part.end:012d}.jsonl.gz"


def read_part_name(name: str) -> Part | None:
    """Return the part of an object's name; None for another object, and for a name that leads out of a store."""
    area, _, rest = name.partition("/")
    day, _, file = rest.partition("/")
    found = _RANGE.fullmatch(file)
    if area != HOT or not is_day(day) or found is None or not _is_inside(found["file"]):
        return None
    return Part(found["file"], int(found["start"]), int(found["end"]))


def _is_inside(file: str) -> bool:
    """Return true for `runs/<run id>/<segment>` and `notes/<segment>`: names of others are never a path elsewhere."""
    area, *rest = file.split("/")
    return {"runs": 2, "notes": 1}.get(area) == len(rest) and all(re.fullmatch(r"[\w~-][\w.~-]*", one) for one in rest)


def path_of(root: Path, file: str) -> Path:
    """Return the path of a segment in a store: `<root>/runs/<run id>/events/<segment>.jsonl`."""
    area, *rest = file.split("/")
    folder = root / area / rest[0] / "events" if area == "runs" else root / area
    return folder / f"{rest[-1]}.jsonl"


def segments_in(folder: Path, area: str) -> Iterator[tuple[Path, str]]:
    """Yield the segments of a folder with their names in a shared store; that of the first writer comes last.

    The event that ends a run is in it: a reader that has the end has the rest.
    """
    for path in sorted(all_segments(folder), key=lambda path: writer_of(path) == "events"):
        if (writer := _writer_in(path)) is not None:
            stem, dot, rest = path.name.removesuffix(".jsonl").partition(".")
            yield path, f"{area}/{stem}~{writer}{dot}{rest}" if "~" not in stem else f"{area}/{stem}{dot}{rest}"


def plain_name(name: str) -> str:
    """Return the name that a segment has at its writer: `events~3fa2.p47.jsonl` is `events.p47.jsonl`."""
    stem, dot, rest = name.partition(".")
    return f"{stem.partition('~')[0]}{dot}{rest}"


def _writer_in(path: Path) -> str | None:
    """Return the `writer_id` of the first event, or a checksum of a first line that is none; None without a line."""
    try:
        with path.open("rb") as file:
            line = file.readline(PART_BYTES)
    except OSError:
        return None
    if not line.endswith(b"\n"):
        return None
    try:
        writer = decode(line[:-1]).writer_id
    except (ValueError, TypeError, RecursionError):
        writer = ""
    return writer if re.fullmatch(r"[0-9a-f]{1,40}", writer) else f"{zlib.crc32(line):08x}"


def new_parts(path: Path, file: str, shipped: int, *, is_over: bool) -> Iterator[tuple[Part, bytes]]:
    """Yield the parts of a segment from byte `shipped` on: whole lines, and the rest if its writer has ended."""
    with path.open("rb") as source:
        source.seek(shipped)
        while chunk := source.read(PART_BYTES):
            end = chunk.rfind(b"\n") + 1
            while not end and len(chunk) < _LONGEST_LINE and (more := source.read(PART_BYTES)):
                chunk += more
                end = chunk.rfind(b"\n") + 1
            end = end or (len(chunk) if is_over or len(chunk) >= _LONGEST_LINE else 0)
            if not end:
                return
            yield Part(file, shipped, shipped + end), chunk[:end]
            shipped += end
            source.seek(shipped)


def pack(lines: bytes) -> bytes:
    """Compress the lines of a part; equal lines give equal objects."""
    packer = zlib.compressobj(6, wbits=31)  # gzip, without its import and without a time
    return packer.compress(lines) + packer.flush()


def unpack(content: bytes, size: int) -> bytes:
    """Return the lines of a part of `size` bytes. Raises `ValueError` if it is damaged."""
    try:
        lines = zlib.decompressobj(wbits=31).decompress(content, size + 1)
    except zlib.error as error:
        raise ValueError(f"damaged part: {error}") from error
    if len(lines) != size:
        raise ValueError(f"damaged part: {len(lines)} bytes instead of {size}")
    return lines


def next_part(parts: Iterable[tuple[str, Part]], position: int) -> tuple[str, Part] | None:
    """Return the part that continues a file at `position` and leads furthest; None if there is none."""
    fits = [(name, part) for name, part in parts if part.start <= position < part.end]
    return max(fits, key=lambda each: each[1].end, default=None)
