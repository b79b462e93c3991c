"""`LogSink`: events of this process, sent to a system of logs while the program runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from odibi_core.delivery import Delivery, Limits, Receiver, Spool
from odibi_core.delivery.exit_time import END_WITHIN_S
from odibi_core.delivery.spool import folder_of
from odibi_core.events import Event, codec, kinds
from odibi_core.events.kinds import SEVERITY, severity
from odibi_core.log_shipping.targets import JOURNALD, TARGETS
from odibi_core.settings import ObservabilityConfig

NOT_SENT: Final = frozenset({kinds.METRIC, kinds.FRAMES_KEPT})
"""Kinds that are no lines of a log, of which there may be very many."""
ALWAYS_SENT: Final = kinds.PIPELINE_ENDS | {kinds.PIPELINE_START}
"""Kinds that are sent at any level: the first has the name of the pipeline for all lines of its run."""
_LIMITS: Final = Limits(bound=20_000, batch=500)


class LogSink:
    """A sink of events from a level up. The run's thread only queues them.

    Args:
        name: Name of the exporter in counts and messages.
        receiver: The receiver.
        level: The lowest level.
        limits: Sizes and times of the delivery.
        spool: Lines on disk until they are sent.
    """

    def __init__(
        self, name: str, receiver: Receiver[Event], level: str = "info", limits: Limits = _LIMITS, *,
        spool: Spool[Event] | None = None,
    ) -> None:  # fmt: skip
        self.delivery = Delivery(name, receiver, limits, spool=spool)
        self._rank = SEVERITY[level]

    def __call__(self, event: Event) -> None:
        """Queue an event."""
        if is_sent(event, self._rank):
            self.delivery.put(event)

    def close(self, timeout: float = END_WITHIN_S) -> bool:
        """Send what waits, within `timeout` seconds; return False if something was lost."""
        return self.delivery.close(timeout)


def is_sent(event: Event, rank: int) -> bool:
    """Return whether an event is a line for other systems, from this rank of its level up."""
    kind = event.event_type
    return kind not in NOT_SENT and (severity(event.level) >= rank or kind in ALWAYS_SENT)


def _sink(name: str, config: ObservabilityConfig, root: Path | None) -> LogSink:
    target = TARGETS[name]
    receiver = target.receiver(config, target.address_in(config))
    spool = None
    if root is not None and target.is_spooled(config):
        spool = Spool(folder_of(root, name), lambda event: codec.encode(event)[:-1], codec.decode)
    return LogSink(name, receiver, target.level(config), spool=spool)


def attach_loki(config: ObservabilityConfig, root: Path | None, collect_metrics: Any) -> LogSink:
    """Return the sink for Loki, as `runtime.exports` attaches it."""
    return _sink("loki", config, root)


def attach_elastic(config: ObservabilityConfig, root: Path | None, collect_metrics: Any) -> LogSink:
    """Return the sink for Elasticsearch, as `runtime.exports` attaches it."""
    return _sink("elastic", config, root)


def attach_syslog(config: ObservabilityConfig, root: Path | None, collect_metrics: Any) -> LogSink:
    """Return the sink for syslog, or for the journal of systemd if that is the address."""
    return _sink(JOURNALD if config.syslog_address == JOURNALD else "syslog", config, root)
