"""Several processes of one host, served as one.

Each process keeps what it measured in a file of its own in `<root>/<port>/`, replaced at most once a second, and at its
end. The process that has the port adds its own numbers to those files' at each scrape. The files of processes that have
died are added up in an archive, once: a sum never goes backwards while one of the processes lives. When all are gone,
the next one begins from nothing, as a single process does.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from odibi_core.endpoint.merged import MergedMetrics, key_of
from odibi_core.endpoint.negotiation import exporter_for
from odibi_core.endpoint.process_group import ProcessGroup
from odibi_core.events import sanitize_text
from odibi_core.events.clock import monotonic, utc_now
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.plugins import load
from odibi_core.views import values

_WRITE_ANYWAY_S: Final = 10.0
_SHARE: Final = 20
"""Writing takes at most this part of the time: one in so many."""
_UNREADABLE: Final = (OSError, ValueError, RecursionError)
"""Raised for a part that is damaged, or no regular file; `msgspec.DecodeError` is a `ValueError`."""
_log = logging.getLogger("odibi_core")
Part: TypeAlias = dict[str, Any]
"""What `SnapshotExporter` tells of one process."""


class Metrics(Protocol):
    """What is served: a `MetricsManager`."""

    def export(self, format: str, **options: Any) -> Any:
        """The numbers as one of the family `exporters` writes them."""
        ...


def collect_from(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """What one process answers to a scrape: the text that it accepts, and its media type."""
    form = exporter_for(accept)
    return str(metrics.export(form)).encode(), load("exporters", form).content_type


class SharedMetrics:
    """This process's part in what all of them serve. `root` is a folder that all of them have, a port's is below it."""

    def __init__(self, metrics: Metrics, root: str | Path) -> None:
        self.metrics = metrics
        self.root = Path(root)
        self.group: ProcessGroup | None = None
        self._memory: dict[str, Any] = getattr(metrics, "exporter_memory", {})
        self.begin()

    def begin(self) -> None:
        """As a new process: when made, and in a forked child, which lets go of what it has of its parent's."""
        self._forked = self.group is not None
        if self.group is not None:
            self.group.abandon()
        self._lock = threading.RLock()
        self._reported: set[str] = set()
        self._changed_at: dict[Any, tuple[int, float]] = {}
        self._written: list[Part] | None = None
        self._write_anyway = self._due = 0.0

    def open(self, port: int) -> ProcessGroup:
        """The group of a port; nobody has joined it yet."""
        self.group = ProcessGroup(self.root / str(port))
        return self.group

    def collect(self, accept: str) -> tuple[bytes, str]:
        """The text for a scraper: of all processes, the dead ones' counts included."""
        if self.group is None or (self.group.is_alone() and not self._forked):
            return collect_from(self.metrics, accept)
        form = exporter_for(accept)
        exporter = load("exporters", form)()
        return str(exporter.export(self._measured(self.group))).encode(), exporter.content_type

    def write(self, *, at_the_end: bool = False) -> None:
        """Keep this process's part where the others find it, if it is time, and somebody may be looking."""
        group, now = self.group, monotonic()
        if group is None or (now < self._due and not at_the_end):
            return
        with self._lock:
            if not group.joined:
                return
            own = self._own()
            changed = own["series"] != self._written
            if changed or (now > self._write_anyway and not at_the_end):
                group.write(_text(own))
                self._written, self._write_anyway = own["series"], now + _WRITE_ANYWAY_S
            self._due = now + _SHARE * (monotonic() - now)

    def leave(self) -> None:
        """The last numbers are kept for the others, if there are any; then this process is none of them any more."""
        group = self.group
        if group is None:
            return
        try:
            with self._lock, group.locked():
                if not group.joined:
                    group.join()
                if not group.is_alone():
                    self.write(at_the_end=True)
                group.leave()
        finally:
            group.abandon()

    def _own(self) -> Part:
        """This process's part; each series with the time when it was last seen to have changed."""
        own: Part = msgspec.json.decode(self.metrics.export("snapshot"))
        for entry in own["series"]:
            key = key_of(entry)
            count, at = self._changed_at.get(key, (0, 0.0))
            if count != entry["count"]:
                at = own["at"]
                self._changed_at[key] = entry["count"], at
            entry["at"] = at
        return own

    def _measured(self, group: ProcessGroup) -> MetricsSnapshot:
        with self._lock, group.locked():
            own = self._own()
            # What is told to the scraper now is kept first: a death between must not take it back.
            with suppress(OSError):  # a full disk: what is told is right all the same
                group.write(_text(own))
            archive, damaged = self._archive(group)
            folded = set(values.texts(archive.get("folded")))
            others = {name: lives for name, lives in group.others().items() if name not in folded}
            parts = {name: self._part(group, name) for name in others}
            readable = {name: part for name, part in parts.items() if part is not None}
            living = [part for name, part in readable.items() if others[name]]
            dead = {name: part for name, part in readable.items() if not others[name]}
            archived = self._fold(group, archive, dead, folded)
        unreadable = len(parts) - len(readable) + damaged
        return _added_up([own, *living], archived, unreadable=unreadable, memory=self._memory)

    def _archive(self, group: ProcessGroup) -> tuple[Part, bool]:
        """Return what the dead left, and true if it cannot be read: then it is renamed, and begun anew."""
        try:
            return _decoded(group.archive()), False
        except (ValueError, RecursionError) as error:
            self._report("the numbers of processes that are gone", error)
            group.set_archive_aside()
            return {}, True

    def _part(self, group: ProcessGroup, name: str) -> Part | None:
        """Return the part of another process; None if it cannot be read: it is left out of the answer."""
        try:
            return _decoded(group.part(name))
        except _UNREADABLE as error:
            self._report(f"the numbers of process {name.partition('-')[0]}", error)
            return None

    def _report(self, numbers: str, error: Exception) -> None:
        """Log one warning for each file that cannot be read; every scrape counts it."""
        if numbers not in self._reported:
            self._reported.add(numbers)
            _log.warning(
                "%s cannot be read in %s, and are left out of /metrics: %s",
                numbers, sanitize_text(str(self.root)), sanitize_text(f"{type(error).__name__}: {error}"),
            )  # fmt: skip

    def _fold(self, group: ProcessGroup, archive: Part, dead: dict[str, Part], folded: set[str]) -> list[Any]:
        """The archive with the dead in it: written first, with their names, so that none is ever added twice."""
        if dead:
            merged = MergedMetrics()
            for part in (archive, *dead.values()):
                merged.add(_series(part))
            archive = {"folded": [*dead], "series": merged.entries()}
        with suppress(OSError):  # then the next scrape does it
            group.forget([*folded])
            if dead:
                group.replace_archive(_text(archive))
                group.forget([*dead])
        return _series(archive)


def _added_up(
    living: list[Part], archived: list[Any], *, unreadable: int, memory: dict[str, Any]
) -> MetricsSnapshot:
    merged = MergedMetrics()
    merged.add(archived)
    for part in living:
        merged.add(_series(part))
    uptimes = [uptime for part in living if (uptime := values.number(part.get("uptime_s"))) is not None]
    resident = [size for part in living if (size := values.count(part.get("resident_bytes"))) is not None]
    return MetricsSnapshot(
        view=merged.view(),
        at=utc_now(),
        uptime_s=max(uptimes, default=None),
        resident_bytes=sum(resident) if resident else None,
        unreadable_parts=unreadable,
        memory=memory,
    )


def _series(part: Part) -> list[Any]:
    series = part.get("series")
    return series if isinstance(series, list) else []


def _text(part: Part) -> str:
    return msgspec.json.encode(part).decode()


def _decoded(text: str | None) -> Part:
    """Return a part as it was written, empty for one that was not; raises what `_UNREADABLE` lists."""
    part = msgspec.json.decode(text) if text is not None else {}
    if not isinstance(part, dict) or not isinstance(part.get("series", []), list):
        raise ValueError("it is not the JSON of a process's numbers")
    return part
