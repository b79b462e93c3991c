"""`LokiReceiver`: events by Loki's push API.

An entry is the JSON line of an event. Its labels are few and bounded: the service, the level and the pipeline. The rest
that one searches by is structured metadata. Loki stores an entry once that comes twice with the same time, labels and
line, so a batch that is sent again is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from odibi_core.delivery import SENT, Answer, HttpClient, Outcome, outcome_of, refused
from odibi_core.delivery.http import RETRIED
from odibi_core.events import Event, encode
from odibi_core.log_shipping.about_runs import AboutRuns
from odibi_core.store.shorten import fitting

PATH: Final = "/loki/api/v1/push"
LONGEST_LINE: Final = 250_000
"""Bytes; Loki refuses a line of more than 256 kB by default."""
MOST_PIPELINES: Final = 200
"""Values of the label `pipeline`; further pipelines share `other`, because each value is a stream."""
_LARGEST_BODY: Final = 2 << 20
"""Bytes of one request, about; Loki's limit is 4 MB by default."""
_METADATA: Final = (
    "run_id", "node_name", "event_type", "component", "operation", "correlation_id", "user", "error_type", "trace_id",
    "span_id",
)  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_IGNORED: Final = re.compile(r"total ignored: (\d+) out of (\d+)")
_RETRIED: Final = RETRIED | {500}
_to_line: Final = fitting(encode, LONGEST_LINE)


Streams = dict[tuple[tuple[str, str], ...], list[list[Any]]]
"""The entries of a request by their labels."""


class LokiReceiver:
    """A receiver of events.

    Args:
        client: The client of Loki.
        service: The label `service_name`.
        tenant: The tenant, of a Loki with several.
        has_metadata: False sends no structured metadata, which Loki knows from version 3 on, or 2.9 if it is enabled.
    """

    def __init__(
        self, client: HttpClient, *, service: str = "odibi", tenant: str = "", has_metadata: bool = True
    ) -> None:
        self.client = client
        self._service = service
        self._headers = {"Content-Type": "application/json", **({"X-Scope-OrgID": tenant} if tenant else {})}
        self._has_metadata = has_metadata
        self._about = AboutRuns()
        self._pipelines: set[str] = set()

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        """Send a batch; a large one in several requests."""
        lost, last = 0, SENT
        for body, count in self.bodies(batch):
            outcome, answer = outcome_of(
                self.client, count, body, headers=self._headers, within_s=within_s, retried=_RETRIED
            )
            if outcome.is_unsent:  # of what was taken before, Loki drops the repetition
                return outcome
            outcome = _partly(outcome, answer, count)
            if outcome.refused:
                lost, last = lost + outcome.refused, outcome
        return refused(lost, last.reason, last.detail) if lost else SENT

    def bodies(self, batch: Sequence[Event]) -> list[tuple[bytes, int]]:
        """Return the bodies of the requests, each with the number of its events."""
        found: list[tuple[bytes, int]] = []
        streams: Streams = {}
        size = count = 0
        for event in batch:
            labels, entry = self._entry(event)
            if size and size + len(entry[1]) > _LARGEST_BODY:
                found.append((_body(streams), count))
                streams, size, count = {}, 0, 0
            streams.setdefault(labels, []).append(entry)
            size, count = size + len(entry[1]), count + 1
        return [*found, (_body(streams), count)] if count else found

    def shown(self, event: Event) -> str:
        """Return the stream and the entry of an event, as JSON."""
        labels, entry = self._entry(event)
        return _body({labels: [entry]}).decode()

    def _entry(self, event: Event) -> tuple[tuple[tuple[str, str], ...], list[Any]]:
        about = self._about.of(event)
        labels = [("service_name", self._service), ("level", event.level)]
        if about.pipeline:
            labels.append(("pipeline", self._bounded(about.pipeline)))
        nanoseconds = (event.timestamp - _EPOCH) // _MICROSECOND * 1000
        entry: list[Any] = [str(nanoseconds), _to_line(event).decode().rstrip("\n")]
        if self._has_metadata:
            values = {name: value for name in _METADATA if (value := event.get(name)) is not None}
            if about.host:
                values["host"] = about.host
            entry.append({name: str(value)[:1000] for name, value in values.items()})
        return tuple(labels), entry

    def _bounded(self, pipeline: str) -> str:
        if pipeline not in self._pipelines and len(self._pipelines) >= MOST_PIPELINES:
            return "other"
        self._pipelines.add(pipeline)
        return pipeline


def _body(streams: Streams) -> bytes:
    found = [{"stream": dict(labels), "values": entries} for labels, entries in streams.items()]
    return msgspec.json.encode({"streams": found})


def _partly(outcome: Outcome, answer: Answer | None, count: int) -> Outcome:
    """Count what Loki refused: of a request with old or too long lines, it takes the others."""
    if answer is None:
        return outcome
    if answer.status != 400:
        return outcome
    text = answer.body.decode("utf-8", "replace")
    ignored = [int(number) for number, _ in _IGNORED.findall(text)]
    lost = min(count, sum(ignored)) if ignored else count
    return refused(lost, outcome.reason, f"{outcome.detail}: {text[:150]}")
