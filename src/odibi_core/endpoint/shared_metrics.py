"""Metrics of several processes of one host, served as one endpoint.

Each process writes its metrics to a file in `<root>/<port>/` at most once a second, and at its end. The process that
has the port merges these files with its own metrics at each scrape. The files of ended processes are merged once into
an archive, so that no sum decreases while a process is alive. After the last process ended, the next starts at zero.
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
"""Writing takes at most one part in this many of the time."""
_UNREADABLE: Final = (OSError, ValueError, RecursionError)
"""Errors of a part that is damaged or not a regular file; `msgspec.DecodeError` is a `ValueError`."""
_log = logging.getLogger("odibi_core")
Part: TypeAlias = dict[str, Any]
"""The document that `SnapshotExporter` writes for one process."""


class Metrics(Protocol):
    """The part of a `MetricsManager` that the endpoint needs."""

    @property
    def native_histograms(self) -> bool:
        """True if it counts for Prometheus' native histograms."""
        ...

    def export(self, format: str, **options: Any) -> Any:
        """Return the metrics in the format of an exporter."""
        ...


def collect_from(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """Return the metrics of one process in the format that a scraper accepts, and the media type."""
    name = exporter_for(accept, native=metrics.native_histograms)
    return _bytes(metrics.export(name)), load("exporters", name).content_type


class SharedMetrics:
    """The metrics of this process, shared with the other processes through a folder below `root`."""

    def __init__(self, metrics: Metrics, root: str | Path) -> None:
        self.metrics = metrics
        self.root = Path(root)
        self.group: ProcessGroup | None = None
        self._memory: dict[str, Any] = getattr(metrics, "exporter_memory", {})
        self.begin()

    def begin(self) -> None:
        """Start as a new process: at construction, and in a forked child, which closes its parent's descriptors."""
        self._forked = self.group is not None
        if self.group is not None:
            self.group.abandon()
        self._lock = threading.RLock()
        self._reported: set[str] = set()
        self._changed_at: dict[Any, tuple[int, float]] = {}
        self._written: list[Part] | None = None
        self._write_anyway = self._due = 0.0

    def open(self, port: int) -> ProcessGroup:
        """Create the group of a port, without joining it."""
        self.group = ProcessGroup(self.root / str(port))
        return self.group

    def collect(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics of all processes, ended ones included, as text, and the media type."""
        if self.group is None or (self.group.is_alone() and not self._forked):
            return collect_from(self.metrics, accept)
        exporter = load("exporters", exporter_for(accept, native=self.metrics.native_histograms))()
        return _bytes(exporter.export(self._snapshot(self.group))), exporter.content_type

    def write(self, *, at_the_end: bool = False) -> None:
        """Write the part of this process if it is due and the process is in the group."""
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
        """Write the last metrics for the other processes, if there are any, and leave the group."""
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
        """Return the part of this process, with the time at which each series was last seen changed."""
        own: Part = msgspec.json.decode(self.metrics.export("snapshot"))
        for entry in own["series"]:
            key = key_of(entry)
            count, at = self._changed_at.get(key, (0, 0.0))
            if count != entry["count"]:
                at = own["at"]
                self._changed_at[key] = entry["count"], at
            entry["at"] = at
        return own

    def _snapshot(self, group: ProcessGroup) -> MetricsSnapshot:
        with self._lock, group.locked():
            own = self._own()
            # Written before it is served: if the process ends now, no sum may decrease.
            with suppress(OSError):  # a full disk: the response is right all the same
                group.write(_text(own))
            archive, damaged = self._archive(group)
            folded = set(values.texts(archive.get("folded")))
            others = {name: lives for name, lives in group.others().items() if name not in folded}
            parts = {name: self._part(group, name) for name in others}
            readable = {name: part for name, part in parts.items() if part is not None}
            alive = [part for name, part in readable.items() if others[name]]
            ended = {name: part for name, part in readable.items() if not others[name]}
            archived = self._fold(group, archive, ended, folded)
        unreadable = len(parts) - len(readable) + damaged
        return _merge([own, *alive], archived, unreadable=unreadable, memory=self._memory)

    def _archive(self, group: ProcessGroup) -> tuple[Part, bool]:
        """Return the merged parts of ended processes, and true if they are unreadable: then the file is renamed."""
        try:
            return _decoded(group.archive()), False
        except (ValueError, RecursionError) as error:
            self._report("the metrics of ended processes", error)
            group.set_archive_aside()
            return {}, True

    def _part(self, group: ProcessGroup, name: str) -> Part | None:
        """Return the part of another process; None if it is unreadable and therefore left out of the response."""
        try:
            return _decoded(group.part(name))
        except _UNREADABLE as error:
            self._report(f"the metrics of process {name.partition('-')[0]}", error)
            return None

    def _report(self, source: str, error: Exception) -> None:
        """Log one warning for each unreadable file; every scrape counts it."""
        if source not in self._reported:
            self._reported.add(source)
            _log.warning(
                "%s cannot be read in %s, and are left out of /metrics: %s",
                source, sanitize_text(str(self.root)), sanitize_text(f"{type(error).__name__}: {error}"),
            )  # fmt: skip

    def _fold(self, group: ProcessGroup, archive: Part, ended: dict[str, Part], folded: set[str]) -> list[Any]:
        """Return the archive with the ended processes merged into it.

        It is written first, together with their names, so that none is ever added twice.
        """
        if ended:
            merged = MergedMetrics()
            for part in (archive, *ended.values()):
                merged.add(_series(part))
            archive = {"folded": [*ended], "series": merged.entries()}
        with suppress(OSError):  # the next scrape does it
            group.forget([*folded])
            if ended:
                group.replace_archive(_text(archive))
                group.forget([*ended])
        return _series(archive)


def _merge(alive: list[Part], archived: list[Any], *, unreadable: int, memory: dict[str, Any]) -> MetricsSnapshot:
    merged = MergedMetrics()
    merged.add(archived)
    for part in alive:
        merged.add(_series(part))
    uptimes = [uptime for part in alive if (uptime := values.number(part.get("uptime_s"))) is not None]
    resident = [size for part in alive if (size := values.count(part.get("resident_bytes"))) is not None]
    view = merged.view()
    return MetricsSnapshot(
        view=view,
        exemplars=merged.exemplars(view),
        at=utc_now(),
        uptime_s=max(uptimes, default=None),
        resident_bytes=sum(resident) if resident else None,
        unreadable_parts=unreadable,
        memory=memory,
    )


def _bytes(exported: str | bytes) -> bytes:
    return exported if isinstance(exported, bytes) else exported.encode()


def _series(part: Part) -> list[Any]:
    series = part.get("series")
    return series if isinstance(series, list) else []


def _text(part: Part) -> str:
    return msgspec.json.encode(part).decode()


def _decoded(text: str | None) -> Part:
    """Return a part as it was written, `{}` for a missing one. Raises the errors in `_UNREADABLE`."""
    part = msgspec.json.decode(text) if text is not None else {}
    if not isinstance(part, dict) or not isinstance(part.get("series", []), list):
        raise ValueError("it is not the JSON of a process's metrics")
    return part
