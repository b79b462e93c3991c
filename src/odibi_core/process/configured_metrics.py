"""Managers of metrics as the settings of the process want them: buckets, native histograms and exemplars."""

from __future__ import annotations

import logging
from typing import Final

from odibi_core.bus import EventBus
from odibi_core.errors import ConfigurationError, MissingExtraError
from odibi_core.metrics.manager import MetricsManager
from odibi_core.settings import get_config
from odibi_core.settings.lists import buckets

_log: Final = logging.getLogger("odibi_core")


def new_metrics(bus: EventBus) -> MetricsManager:
    """Return a manager that publishes on a bus; invalid settings are left out, as `configured_buckets` reports."""
    config = get_config()
    metrics = MetricsManager(
        bus=bus, native_histograms=_has_native(config.metrics_native_histograms), exemplars=config.metrics_exemplars
    )
    metrics.learn_buckets(buckets(config.metrics_buckets) or {})
    return metrics


def _has_native(is_wanted: bool) -> bool:
    if not is_wanted:
        return False
    from odibi_core.exporters.prometheus_protobuf import family_class  # here, because few programs ask for it

    try:
        family_class()
    except MissingExtraError as error:
        _log.warning("%s", error)
        return False
    return True


def buckets_of_run(metrics: MetricsManager | None) -> dict[str, list[float]]:
    """Return the buckets that the first event of a run names: those of the settings and of its manager."""
    own = metrics.own_bounds_of_events() if metrics is not None else {}
    return {**(buckets(get_config().metrics_buckets) or {}), **own}


def check_buckets() -> None:
    """Validate the buckets of the settings.

    Raises:
        ConfigurationError: The setting is invalid, or names a metric that is no histogram.
    """
    config = get_config()
    if problem := config.problem_of("metrics_buckets"):
        raise ConfigurationError(problem)
    for metric, bounds in (buckets(config.metrics_buckets) or {}).items():
        MetricsManager().set_buckets(metric, bounds)
