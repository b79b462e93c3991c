"""`PushgatewayReceiver`: the metrics of runs, pushed to Prometheus' Pushgateway."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from odibi_core.delivery import HttpClient, Outcome, outcome_of
from odibi_core.metrics_push.each_run import send_each
from odibi_core.metrics_push.run_metrics import RunText

_PLAIN: Final = re.compile(r"[\w.-]+", re.ASCII)
_HEADERS: Final = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class PushgatewayReceiver:
    """A receiver of the metrics of runs, in a group for each job and pipeline.

    A push replaces the metrics of the same names in its group and keeps the others: a failed run leaves the time of
    the last success.

    Args:
        client: The client of the Pushgateway.
        job: The label `job`.
    """

    def __init__(self, client: HttpClient, job: str) -> None:
        self.client = client
        self._base = client.url.rstrip("/")
        self._job = job

    def send(self, batch: Sequence[RunText], within_s: float) -> Outcome:
        """Push the runs of a batch one after the other."""
        return send_each(
            batch,
            lambda run: outcome_of(
                self.client, 1, run.text.encode(), headers=_HEADERS, within_s=within_s, url=self.url_of(run.pipeline)
            ),
        )

    def url_of(self, pipeline: str) -> str:
        """Return the URL of a pipeline's group."""
        return f"{self._base}/metrics/{_part('job', self._job)}/{_part('pipeline', pipeline)}"


def _part(name: str, value: str) -> str:
    """Return a label of the group: by base64 if it has characters with a meaning in a path."""
    if _PLAIN.fullmatch(value) and value not in (".", ".."):
        return f"{name}/{value}"
    return f"{name}@base64/{urlsafe_b64encode(value.encode()).decode()}"
