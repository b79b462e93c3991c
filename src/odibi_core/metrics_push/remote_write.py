"""`RemoteWriteReceiver`: the metrics of runs by Prometheus' remote write 1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from odibi_core.delivery import HttpClient, Outcome, outcome_of
from odibi_core.delivery.http import RETRIED
from odibi_core.exporters.protobuf_messages import Fields, message_class
from odibi_core.metrics_push.each_run import send_each
from odibi_core.metrics_push.run_metrics import RunText
from odibi_core.plugins import missing_extra

_HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_RETRIED: Final = RETRIED | {500}
"""Any 5xx may be sent again, and 429 (remote write 1.0, retries and backoff)."""
_SETTING: Final = "ODIBI_METRICS__REMOTE_WRITE"
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_MESSAGES: Final[dict[str, Fields]] = {
    "Label": (("name", 1, "STRING"), ("value", 2, "STRING")),
    "Sample": (("value", 1, "DOUBLE"), ("timestamp", 2, "INT64")),
    "TimeSeries": (("labels", 1, "Label[]"), ("samples", 2, "Sample[]")),
    "WriteRequest": (("timeseries", 1, "TimeSeries[]"),),
}
"""The messages of `prometheus.WriteRequest` that are sent."""


class RemoteWriteReceiver:
    """A receiver of the metrics of runs; each sample has the time of the run's end.

    Args:
        client: The client of the server.
        job: The label `job`.

    Raises:
        MissingExtraError: The libraries of the protocol are not installed.
    """

    def __init__(self, client: HttpClient, job: str) -> None:
        self.client = client
        self._job = job
        _libraries()

    def send(self, batch: Sequence[RunText], within_s: float) -> Outcome:
        """Send each run as one request: a server that refuses one takes the others."""
        return send_each(
            batch,
            lambda run: outcome_of(
                self.client, 1, self.body(run), headers=_HEADERS, within_s=within_s, retried=_RETRIED
            ),
        )

    def body(self, run: RunText) -> bytes:
        """Return the request of a run: a `WriteRequest`, compressed as one block of snappy."""
        compress, write_request = _libraries()
        request = write_request()
        for name, labels, value in samples_of(run.text):
            series = request.timeseries.add()
            named = {**labels, "__name__": name, "job": self._job, "pipeline": labels.get("pipeline", run.pipeline)}
            for label in sorted(named):
                series.labels.add(name=label, value=named[label])
            series.samples.add(value=value, timestamp=run.at_ms)
        return bytes(compress(request.SerializeToString()))


def samples_of(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield the samples of `PrometheusExporter`'s text."""
    for line in text.split("\n"):
        found = None if line.startswith("#") else _SAMPLE.fullmatch(line)
        if found is not None:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(found[2] or "")}
            yield found[1], labels, float(found[3])


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)


@cache
def _libraries() -> tuple[Any, Any]:
    """Return the compression, and the class of the message, which is made from its description."""
    try:
        from cramjam import snappy
    except ImportError:
        raise missing_extra("cramjam", _SETTING) from None
    return snappy.compress_raw, message_class("odibi.prometheus", _MESSAGES, "WriteRequest", _SETTING)
