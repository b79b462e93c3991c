"""Live events of OpenLineage: to a file, and by HTTP with a spool.

The event bus puts the events of a run into a queue. The thread of that queue folds them, so that the run pays for no
payload, and puts what comes out into the delivery by HTTP, whose spool is on disk.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core._state import STATE
from odibi_core.delivery import SENT, Delivery, HttpClient, Limits, Outcome, Spool, outcome_of, refused
from odibi_core.delivery.http import RETRIED
from odibi_core.delivery.spool import folder_of
from odibi_core.events import Event, kinds
from odibi_core.events.paths import absolute_path
from odibi_core.openlineage.fold import BESIDE, OpenLineageEvent, OpenLineageFold
from odibi_core.settings.sections import OpenLineage
from odibi_core.views.source_texts import SourceOf, no_source

HANDLED_KINDS: Final = frozenset(
    {
        kinds.PIPELINE_START, kinds.PIPELINE_PLAN, kinds.NODE_START, kinds.NODE_COMPLETE, kinds.NODE_FAILED,
        kinds.NODE_SKIPPED, kinds.RUN_LOST, *kinds.PIPELINE_ENDS, *BESIDE,
    }
)  # fmt: skip
NAME: Final = "openlineage"
_FIRST: Final = "open-lineage-events"
"""Sorts before the other name: deliveries are closed in that order, and what this one folds goes into the other."""
_MOST_RUNS: Final = 1_000
_FOLDING: Final = Limits(bound=100_000, batch=2_000, every_s=0.2)
_SENDING: Final = Limits(batch=1)


class Sender:
    """Sends the events of all runs of a process that share a store and the settings.

    Args:
        settings: The URL, the file, and the names.
        root: The folder of the store; None for runs without one, which have no spool.
        source_of: Returns the stored texts of functions and SQL.

    Raises:
        ConfigurationError: The URL is invalid.
    """

    def __init__(self, settings: OpenLineage, root: Path | None, source_of: SourceOf = no_source) -> None:
        self._settings = settings
        self._file = absolute_path(settings.file) if settings.file else None
        self._source_of = source_of
        self._folds: dict[str, OpenLineageFold] = {}
        self.http: Delivery[OpenLineageEvent] | None = None
        if settings.url:
            spool = None if root is None else Spool(folder_of(root, NAME), msgspec.json.encode, msgspec.json.decode)
            self.http = Delivery(NAME, HttpReceiver(settings), _SENDING, spool=spool)
        self.events: Delivery[Event] = Delivery(_FIRST, self, _FOLDING)

    def __call__(self, event: Event) -> None:
        """Accept an event of a run."""
        self.events.put(event)

    def send(self, batch: Sequence[Event], within_s: float, /) -> Outcome:
        """Fold a batch of events, in the thread of the queue."""
        found = [made for event in batch for made in self._folded(event)]
        if self.http is not None:
            for made in found:
                self.http.put(made)
        if self._file is not None and found:
            try:
                _append(self._file, found)
            except OSError as error:  # the record has the same events: `odibi export openlineage`
                return refused(len(batch), "file", f"ODIBI_OPENLINEAGE__FILE cannot be written: {error}")
        return SENT

    def _folded(self, event: Event) -> list[OpenLineageEvent]:
        run_id = event.run_id
        if run_id is None:
            return []
        if run_id not in self._folds:
            if len(self._folds) >= _MOST_RUNS:
                del self._folds[next(iter(self._folds))]
            own = self._settings
            self._folds[run_id] = OpenLineageFold(own.namespace, self._source_of, own.producer)
        return self._folds[run_id](event)


def _append(file: Path, found: Sequence[OpenLineageEvent]) -> None:
    private_files.make_folder(file.parent)
    flags = os.O_WRONLY | os.O_APPEND
    try:
        descriptor = private_files.create(file, flags)
    except FileExistsError:
        descriptor = os.open(file, flags)
    with os.fdopen(descriptor, "ab", buffering=0) as opened:
        opened.write(b"".join(msgspec.json.encode(each) + b"\n" for each in found))


class HttpReceiver:
    """The receiver by HTTP: one event a request, as the protocol has it."""

    def __init__(self, settings: OpenLineage) -> None:
        headers = {"Content-Type": "application/json"}
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        url = f"{settings.url.rstrip('/')}/{settings.endpoint.lstrip('/')}"
        self._client = HttpClient(url, setting="OPENLINEAGE_URL", headers=headers)

    def send(self, batch: Sequence[OpenLineageEvent], within_s: float, /) -> Outcome:
        (event,) = batch
        body = msgspec.json.encode(event)
        return outcome_of(self._client, 1, body, within_s=within_s, retried=RETRIED | {500})[0]


class _Senders:
    def __init__(self) -> None:
        self.known: dict[tuple[OpenLineage, Path | None], Sender] = {}


_senders: Final = STATE.part(_Senders)


def sender_of(settings: OpenLineage, root: Path | None, source_of: SourceOf = no_source) -> Sender | None:
    """Return the sender of the settings and a store, one for a process; None if nothing is to be sent."""
    if settings.disabled or not (settings.url or settings.file):
        return None
    with STATE.creation_lock:
        key = settings, root
        if key not in _senders.known:
            _senders.known[key] = Sender(settings, root, source_of)
        return _senders.known[key]
