"""The exporters of this process: each is attached once, by the first run or program whose settings ask for it.

An exporter is one line of `EXPORTS`: the settings that ask for it, and its function `attach`, which returns a sink. The
sink gets every event of the process in the run's thread and only queues it; everything else belongs into a `Delivery`.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.delivery import close_all, report_counts_to
from odibi_core.delivery.exit_time import END_WITHIN_S, left_at_exit
from odibi_core.delivery.registry import close_all_at_exit
from odibi_core.errors import STOPS, OdibiError
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import typed_message_of
from odibi_core.logs.program_logger import warn_of
from odibi_core.process import state as program
from odibi_core.settings import ObservabilityConfig, get_config

EXPORTS: Final[dict[str, tuple[Callable[[ObservabilityConfig], bool], str]]] = {
    "otlp": (lambda config: config.tracing_enabled and not config.otel_sdk_disabled, "odibi_core.otlp.live:attach"),
    "loki": (lambda config: bool(config.loki_url), "odibi_core.log_shipping.live:attach_loki"),
    "elastic": (lambda config: bool(config.elastic_url), "odibi_core.log_shipping.live:attach_elastic"),
    "syslog": (lambda config: bool(config.syslog_address), "odibi_core.log_shipping.live:attach_syslog"),
    "push": (
        lambda config: bool(config.metrics_pushgateway or config.metrics_textfile or config.metrics_remote_write),
        "odibi_core.metrics_push.live:attach",
    ),
}
"""By name: true if the settings ask for it, and `attach(config, root, collect_metrics)`, loaded only then."""


class _Attached:
    """The sinks of the exporters of this process, by name; None for one that is unavailable."""

    def __init__(self) -> None:
        self.sinks: dict[str, Any] = {}


_attached: Final = STATE.part(_Attached)


def attach_exports(root: Path | None) -> None:
    """Attach the exporters that the settings ask for; log one warning for each that is unavailable.

    The counts of every delivery of the process are metrics from now on.

    Args:
        root: The folder of the store, for exporters that spool.
    """
    config = get_config()
    report_counts_to(_count)
    for name, (is_wanted, target) in EXPORTS.items():
        if name in _attached.sinks or not is_wanted(config):
            continue
        with STATE.creation_lock:
            if name not in _attached.sinks:
                _attached.sinks[name] = _attach(name, target, config, root)


def _attach(name: str, target: str, config: ObservabilityConfig, root: Path | None) -> Any:
    module, _, function = target.partition(":")
    try:
        sink = getattr(import_module(module), function)(config, root, _collect_metrics)
    except STOPS:
        raise
    except BaseException as error:
        warn_of(f"{name}: {error if isinstance(error, OdibiError) else typed_message_of(error)}")
        return None
    program.listen(sink, name=name)
    atexit.unregister(close_all_at_exit)  # the sinks first: they may put their last items
    atexit.unregister(close_exports_at_exit)
    atexit.register(close_exports_at_exit)
    return sink


def close_exports(timeout: float = END_WITHIN_S) -> bool:
    """Close every exporter, within `timeout` seconds for all together; return False if something was lost."""
    deadline = monotonic() + timeout
    ends = []
    for sink in [sink for sink in _attached.sinks.values() if sink is not None]:
        program.unlisten(sink)
        ends.append(sink.close(max(0.0, deadline - monotonic())))
    _attached.sinks.clear()
    return close_all(max(0.0, deadline - monotonic())) and all(ends)


def close_exports_at_exit() -> None:
    """Close every exporter in the time that is left of the end of the program."""
    close_exports(left_at_exit())


def _collect_metrics(exemplars: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = program.get_metrics().export("otlp", exemplars=exemplars, as_rows=True)
    return rows


def _count(counter: str, labels: dict[str, str], number: int) -> None:
    program.get_metrics().increment(counter, None, number, {name: text for name, text in labels.items() if text})
