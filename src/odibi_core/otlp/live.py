"""`OtlpSink`: spans, log records and metrics of this process, sent to a collector while it runs.

The run's thread puts each event into a queue. One thread folds the events into spans and log records, and each signal
has a delivery of its own: `otlp_traces`, `otlp_logs`, `otlp_metrics`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from odibi_core.delivery import Delivery, Limits, Outcome, Spool, refused
from odibi_core.delivery.exit_time import END_WITHIN_S
from odibi_core.delivery.notices import Notices
from odibi_core.delivery.spool import folder_of
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, kinds
from odibi_core.events.clock import monotonic
from odibi_core.otlp.grpc_receiver import GrpcReceiver
from odibi_core.otlp.log_records import LogItem
from odibi_core.otlp.metrics import Exemplars
from odibi_core.otlp.model import LogRecord, Span
from odibi_core.otlp.receiver import OtlpReceiver
from odibi_core.otlp.signals import Signals
from odibi_core.otlp.targets import Target, resource_of, target_of
from odibi_core.process_end import watch
from odibi_core.settings import ObservabilityConfig
from odibi_core.store.sources import SourceStore
from odibi_core.views.source_texts import SourceOf, no_source

MetricRows = list[dict[str, Any]]
CollectMetrics = Callable[[Exemplars], MetricRows]
_EVENTS: Final = Limits(bound=100_000, batch=2_000, every_s=0.2)
_ROWS: Final = {"bound": 20_000, "batch": 512}
_KEPT: Final[dict[str, Any]] = {"traces": Span, "logs": LogRecord}
"""The signals of the spool. A later measurement stands for an earlier one, so metrics have none."""
_NOT_FOLDED: Final = frozenset({kinds.METRIC, kinds.FRAMES_KEPT, kinds.COLUMN_LINEAGE})


class OtlpSink:
    """A sink of every event of the process; `close` sends what is left.

    Args:
        config: The settings.
        collect_metrics: Returns the metrics of the process with these exemplars; None for no metrics.
        root: The folder of the store, which has the SQL of steps and the spool; None for neither.

    Raises:
        ConfigurationError: An address, a header or a certificate is invalid.
        MissingExtraError: The library of the protocol is not installed.
    """

    def __init__(
        self, config: ObservabilityConfig, collect_metrics: CollectMetrics | None = None, root: Path | None = None
    ) -> None:
        problems = config.validate("otel", "otel_traces", "otel_logs", "otel_metrics", "tracing")
        if problems:
            raise ConfigurationError("; ".join(problems))
        self._exemplars = Exemplars()
        self._notices: dict[str, Notices] = {}
        traces, logs, metrics = (self._delivery(config, signal, root) for signal in ("traces", "logs", "metrics"))
        source_of: SourceOf = no_source if root is None else SourceStore(root).text_of
        self.signals = Signals(
            traces.put if traces else None, logs.put if logs else None, config.tracing_sample_rate, self._exemplars,
            source_of,
        )  # fmt: skip
        self._inbox: Delivery[Event] = Delivery("otlp", _Folding(self.signals), _EVENTS)
        self._outlets = [each for each in (traces, logs, metrics) if each is not None]
        self._timer = (
            _MetricsTimer(metrics, collect_metrics, self._exemplars, config.otel_metric_export_interval / 1000)
            if metrics is not None and collect_metrics is not None
            else None
        )

    def _delivery(self, config: ObservabilityConfig, signal: str, root: Path | None) -> Delivery[Any] | None:
        target = target_of(config, signal)
        if target is None:
            return None
        limits = Limits(**_ROWS, send_within_s=target.timeout_s)
        receiver = receiver_of(target, config)
        notices = self._notices.setdefault(urlsplit(target.url).netloc, Notices("otlp"))
        name, spool = f"otlp_{signal}", None
        if config.otel_spool and root is not None and signal in _KEPT:
            spool = Spool(folder_of(root, name), _encode, msgspec.json.Decoder(_KEPT[signal]).decode)
        taking = _Recording(receiver) if signal == "logs" else receiver
        return Delivery(name, taking, limits, spool=spool, notices=notices)

    def __call__(self, event: Event) -> None:
        """Queue an event."""
        if event.event_type not in _NOT_FOLDED:
            self._inbox.put(event)

    def close(self, timeout: float = END_WITHIN_S) -> bool:
        """Fold and send what is left, within `timeout` seconds; return False if something was lost."""
        deadline = monotonic() + timeout
        is_whole = self._inbox.close(timeout)
        if self._timer is not None:
            self._timer.stop()
        for outlet in self._outlets:
            outlet.begin_close(max(0.0, deadline - monotonic()))
        ends = [outlet.close(max(0.0, deadline - monotonic())) for outlet in self._outlets]
        return is_whole and all(ends)


def attach(config: ObservabilityConfig, root: Path | None, collect_metrics: CollectMetrics) -> OtlpSink:
    """Return the sink of this process, as `runtime.exports` attaches it."""
    return OtlpSink(config, collect_metrics, root)


def _encode(item: Span | LogItem) -> bytes:
    """Return the line of an item in a spool."""
    return msgspec.json.encode(item.record() if isinstance(item, LogItem) else item)


def receiver_of(target: Target, config: ObservabilityConfig) -> Any:
    """Return the receiver of a target, by its protocol.

    Raises:
        MissingExtraError: The library of the protocol is not installed.
        ConfigurationError: The address is invalid, or a file of certificates cannot be read.
    """
    resource = resource_of(config)
    if target.protocol == "grpc":
        return GrpcReceiver(target, resource)
    return OtlpReceiver(target.signal, target.client(), resource, as_json=target.protocol == "http/json")


class _Folding:
    """The receiver of events: it folds them into spans and log records, which go to deliveries of their own."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        lost, problem = 0, ""
        for event in batch:
            try:
                self._signals(event)
            except Exception as error:  # one strange event must not lose its whole batch
                lost, problem = lost + 1, type(error).__name__
        return refused(lost, problem, f"{lost} events could not be folded into spans ({problem})")


class _Recording:
    """The receiver of log records: it makes them of the events in a batch."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver

    def send(self, batch: Sequence[LogItem | LogRecord], within_s: float) -> Outcome:
        records = [item.record() if isinstance(item, LogItem) else item for item in batch]
        outcome: Outcome = self._receiver.send(records, within_s)
        return outcome


class _MetricsTimer:
    """Puts all metrics of the process into a delivery, again and again, and once at the end."""

    def __init__(
        self, delivery: Delivery[Any], collect: CollectMetrics, exemplars: Exemplars, interval_s: float
    ) -> None:
        self._delivery, self._collect, self._exemplars, self._interval_s = delivery, collect, exemplars, interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="odibi-otlp-metrics", daemon=True)
        self._thread.start()
        watch(self._thread)

    def _work(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self._export()

    def _export(self) -> None:
        for row in self._collect(self._exemplars):
            self._delivery.put(row)

    def stop(self) -> None:
        """Export a last time."""
        self._stopped.set()
        self._export()
