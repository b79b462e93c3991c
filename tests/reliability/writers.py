"""Programs that write a journal and acknowledge each line, and what checks the journal they left.

Run as `python -m tests.reliability.writers <directory> <name> <lines> <sabotage>`: one writer, which prints each
number once the call that logged it has returned.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path

from odibi_core.events import encode
from odibi_core.store.journal import Journal
from odibi_core.store.segments import ReadErrors, all_segments, read_events
from odibi_core.testing import an_event

SEGMENT_BYTES = 16 * 1024
PADDING = "x" * 40


class Dropping(Journal):
    """Sabotage: loses every thousandth line silently."""

    def __call__(self, event: object) -> None:
        if self.accepted % 1000 == 999:
            self.accepted += 1
            return
        super().__call__(event)  # type: ignore[arg-type]


class Doubling(Journal):
    """Sabotage: writes every thousandth line twice."""

    def __call__(self, event: object) -> None:
        super().__call__(event)  # type: ignore[arg-type]
        if self.accepted % 1000 == 999:
            super().__call__(event)  # type: ignore[arg-type]


class Tearing(Journal):
    """Sabotage: writes a line in two calls into a file that others append to as well."""

    def __call__(self, event: object) -> None:
        line = encode(event)  # type: ignore[arg-type]
        shared = os.open(self.directory / "shared.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(shared, line[:30])
        while os.fstat(shared).st_size < 2 * 30:  # so that the first line is torn for certain
            os.sched_yield()
        os.write(shared, line[30:])
        os.close(shared)


class Sharing(Journal):
    """Sabotage: after a fork the child keeps its parent's buffer, as buffered files do."""

    def _after_fork(self) -> None:
        """Keep the buffer."""


WRITERS: dict[str, type[Journal]] = {
    "sound": Journal,
    "dropping": Dropping,
    "doubling": Doubling,
    "tearing": Tearing,
    "sharing": Sharing,
}


def write(directory: Path, name: str, lines: int, sabotage: str = "sound", acknowledge: bool = False) -> None:
    """Log `lines` events, each with the writer's name and its number."""
    journal = WRITERS[sabotage](directory, max_segment_bytes=SEGMENT_BYTES)
    for number in range(lines):
        journal(an_event("line", writer_id=name, seq=number, padding=PADDING))
        if acknowledge:
            os.write(1, b"%d\n" % number)


def problems(directory: Path, expected: dict[str, int], *, acknowledged_only: bool = False) -> list[str]:
    """Return the faults of a journal: it must have every line of each writer once, in order, and readable."""
    read_errors, found = ReadErrors(), defaultdict(list)
    for event in read_events(all_segments(directory), read_errors):
        found[event.writer_id].append(event.seq)
    wrong = []
    for name, count in expected.items():
        numbers = found.pop(name, [])
        missing = set(range(count)) - set(numbers)
        if missing:
            wrong.append(f"{name}: {len(missing)} of {count} lost")
        if len(numbers) != len(set(numbers)):
            wrong.append(f"{name}: {len(numbers) - len(set(numbers))} doubled")
        if numbers != sorted(numbers):
            wrong.append(f"{name}: out of order")
        if not acknowledged_only and len(set(numbers)) > count:
            wrong.append(f"{name}: more than were written")
    if found:
        wrong.append(f"unknown writers: {sorted(found)}")
    if read_errors.unreadable:
        wrong.append(f"{read_errors.unreadable} unreadable")
    if read_errors.torn and not acknowledged_only:
        wrong.append(f"{read_errors.torn} torn")
    return wrong


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], acknowledge="ack" in sys.argv)
