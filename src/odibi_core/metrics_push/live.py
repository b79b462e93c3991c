"""`PushSink`: the metrics of each run of this process, pushed or written when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from odibi_core.delivery import Delivery, HttpClient, Limits, Outcome, refused
from odibi_core.delivery.exit_time import END_WITHIN_S
from odibi_core.events import Event, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.paths import absolute_path
from odibi_core.metrics_push.pushgateway import PushgatewayReceiver
from odibi_core.metrics_push.run_metrics import HANDLED_KINDS, RunMetrics, RunText
from odibi_core.metrics_push.textfile import TextfileReceiver
from odibi_core.settings import ObservabilityConfig

_EVENTS: Final = Limits(bound=100_000, batch=2_000, every_s=0.2)
_RUNS: Final = Limits(bound=1_000, batch=50, every_s=0.1)


class PushSink:
    """A sink of every event; the run's thread only queues those that measure something.

    Args:
        outlets: The deliveries that get the metrics of each run.
    """

    def __init__(self, outlets: Sequence[Delivery[RunText]]) -> None:
        self.outlets = list(outlets)
        self._inbox: Delivery[Event] = Delivery("push", _Folding([outlet.put for outlet in self.outlets]), _EVENTS)

    def __call__(self, event: Event) -> None:
        """Queue an event."""
        if event.event_type in HANDLED_KINDS and event.run_id is not None:
            self._inbox.put(event)

    def close(self, timeout: float = END_WITHIN_S) -> bool:
        """Hand over what is left, within `timeout` seconds; return False if something was lost."""
        deadline = monotonic() + timeout
        is_whole = self._inbox.close(timeout)
        for outlet in self.outlets:
            outlet.begin_close(max(0.0, deadline - monotonic()))
        ends = [outlet.close(max(0.0, deadline - monotonic())) for outlet in self.outlets]
        return is_whole and all(ends)


class _Folding:
    """The receiver of events: it folds them, and puts the metrics of a run that ended into each outlet."""

    def __init__(self, outlets: Sequence[Callable[[RunText], object]]) -> None:
        self._metrics = RunMetrics()
        self._outlets = outlets

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        lost, problem = 0, ""
        for event in batch:
            try:
                ended = self._metrics(event)
            except Exception as error:  # one strange event must not lose its whole batch
                lost, problem = lost + 1, type(error).__name__
                continue
            if ended is not None:
                for put in self._outlets:
                    put(ended)
        return refused(lost, problem, f"{lost} events could not be folded into metrics ({problem})")


def attach(config: ObservabilityConfig, root: Path | None, collect_metrics: Any) -> PushSink:
    """Return the sink of this process, as `runtime.exports` attaches it.

    Raises:
        ConfigurationError: A URL is invalid.
        MissingExtraError: The libraries of remote write are not installed.
    """
    outlets: list[Delivery[RunText]] = []
    if config.metrics_pushgateway:
        client = HttpClient(config.metrics_pushgateway, setting="ODIBI_METRICS__PUSHGATEWAY")
        receiver = PushgatewayReceiver(client, sanitize_text(config.metrics_push_job))
        outlets.append(Delivery("pushgateway", receiver, _RUNS))
    if config.metrics_remote_write:
        from odibi_core.metrics_push.remote_write import RemoteWriteReceiver  # here: its libraries are of an extra

        headers = {"Authorization": f"Bearer {own}"} if (own := config.metrics_remote_write_token) else {}
        client = HttpClient(config.metrics_remote_write, setting="ODIBI_METRICS__REMOTE_WRITE", headers=headers)
        writer = RemoteWriteReceiver(client, sanitize_text(config.metrics_push_job))
        outlets.append(Delivery("remote_write", writer, _RUNS))
    if config.metrics_textfile:
        outlets.append(Delivery("textfile", TextfileReceiver(absolute_path(config.metrics_textfile)), _RUNS))
    return PushSink(outlets)
