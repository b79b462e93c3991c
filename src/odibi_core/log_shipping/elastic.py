"""`ElasticReceiver`: events by the bulk API of Elasticsearch and OpenSearch, in ECS.

Each document has an id of its own and is created once, so a batch that is sent again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from odibi_core.delivery import SENT, Answer, HttpClient, Outcome, outcome_of, refused, try_again
from odibi_core.delivery.http import RETRIED
from odibi_core.events import Event
from odibi_core.log_shipping.about_runs import AboutRuns
from odibi_core.sinks.line_presets import Service, ecs
from odibi_core.store.shorten import shortened

INDEX: Final = "logs-odibi-default"
"""A data stream: its name follows Elastic's scheme `<type>-<dataset>-<namespace>`."""
LONGEST_DOCUMENT: Final = 1 << 20
_LARGEST_BODY: Final = 5 << 20
_PATH: Final = "/_bulk?filter_path=errors,items.*.status,items.*.error.type"
"""Of the answer, only what is read: the default has 200 bytes for each document."""
_EXISTS: Final = 409
_HEADERS: Final = {"Content-Type": "application/x-ndjson"}
_to_json = msgspec.json.Encoder().encode


class ElasticReceiver:
    """A receiver of events.

    Args:
        client: The client of Elasticsearch or OpenSearch.
        index: The index or data stream.
        service: The service of the documents.
    """

    def __init__(self, client: HttpClient, *, index: str = INDEX, service: Service | None = None) -> None:
        self.client = client
        self._index = index
        self._service = service or Service("odibi")
        self._url = client.url.rstrip("/") + _PATH
        self._about = AboutRuns()

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        """Send a batch; a large one in several requests."""
        lost, last = 0, SENT
        for body, count in self.bodies(batch):
            outcome, answer = outcome_of(
                self.client, count, body, headers=_HEADERS, within_s=within_s, retried=RETRIED, url=self._url
            )
            if answer is not None and outcome is SENT:
                outcome = _of_items(answer, count, self.client.shown)
            if outcome.is_unsent:  # of what was taken before, the ids exist
                return outcome
            if outcome.refused:
                lost, last = lost + outcome.refused, outcome
        return refused(lost, last.reason, last.detail) if lost else SENT

    def bodies(self, batch: Sequence[Event]) -> list[tuple[bytes, int]]:
        """Return the bodies of the requests, each with the number of its documents."""
        found: list[tuple[bytes, int]] = []
        lines: list[bytes] = []
        size = 0
        for event in batch:
            document = self.document(event)
            if lines and size + len(document) > _LARGEST_BODY:
                found.append((b"".join(lines), len(lines)))
                lines, size = [], 0
            lines.append(_to_json({"create": self._target(event)}) + b"\n" + document + b"\n")
            size += len(lines[-1])
        return [*found, (b"".join(lines), len(lines))] if lines else found

    def shown(self, event: Event) -> str:
        """Return the document of an event, as JSON."""
        return self.document(event).decode()

    def document(self, event: Event) -> bytes:
        """Return an event as a document of ECS."""
        about = self._about.of(event)
        added = {"host": {"name": about.host}} if about.host else {}
        line = _to_json(ecs(event, self._service) | added)
        if len(line) > LONGEST_DOCUMENT:
            line = _to_json(ecs(shortened(event, LONGEST_DOCUMENT // 2), self._service) | added)
        return line

    def _target(self, event: Event) -> dict[str, Any]:
        target = {"_index": self._index}
        if event.writer_id and event.seq >= 0:
            target["_id"] = f"{event.writer_id}-{event.seq}"
        return target


def _of_items(answer: Answer, count: int, where: str) -> Outcome:
    """Return the outcome by the result of each document."""
    try:
        found = msgspec.json.decode(answer.body)
        if found["errors"] is False:
            return SENT
        results = [next(iter(item.values())) for item in found["items"]]
        statuses = [int(result["status"]) for result in results]
    except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return refused(count, "invalid_answer", f"the answer of {where} is not that of a bulk request")
    if any(status in RETRIED for status in statuses):
        return try_again("http_429", f"{where} is overloaded and took a part of the documents")
    failed = [result for result in results if result["status"] >= 300 and result["status"] != _EXISTS]
    failed += [{"status": "missing"}] * (count - len(results))
    if not failed:
        return SENT
    kinds = sorted({str((result.get("error") or {}).get("type") or result["status"]) for result in failed})
    return refused(len(failed), "rejected", f"{where} refused {len(failed)} documents: {', '.join(kinds[:3])}")
