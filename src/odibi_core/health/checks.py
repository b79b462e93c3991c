"""The built-in health checks: disk, store, log writers, metrics endpoint, Sentry, deliveries, BigQuery."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from odibi_core.events.clock import new_id
from odibi_core.health.delivery import check_delivery
from odibi_core.health.monitor import HealthCheck, HealthCheckResult, HealthStatus
from odibi_core.plugins import missing_extra
from odibi_core.process import state as program
from odibi_core.settings import environment_value, get_config, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.wording import size

_GB: Final = 1 << 30
LOW_DISK_BYTES: Final = 1 * _GB
"""Free bytes below which a disk is `degraded`."""
FULL_DISK_BYTES: Final = _GB // 10
"""Free bytes below which it is `unhealthy`: the next segment may not fit."""
_TIMEOUT_S: Final = 5.0
_CONNECT_S: Final = 3.0


def built_in() -> list[HealthCheck]:
    """Return one of each."""
    functions = {
        "store": check_store, "log_writer": check_log_writer, "prometheus": check_prometheus, "sentry": check_sentry,
        "delivery": check_delivery,
    }  # fmt: skip
    checks = [HealthCheck(name, _TIMEOUT_S, function=function) for name, function in functions.items()]
    return [DiskCheck(), *checks, BigQueryCheck()]


def _result(name: str, status: HealthStatus, message: str, **details: Any) -> HealthCheckResult:
    return HealthCheckResult(name, status, message, details=details)


class DiskCheck(HealthCheck):
    """A check of the free space of the store, or of `path`."""

    def __init__(self, path: str | Path | None = None, name: str = "disk", timeout_seconds: float = _TIMEOUT_S) -> None:
        super().__init__(name, timeout_seconds)
        self._path = path

    def check(self) -> HealthCheckResult:
        """Compare the free space with 1 GiB and 0.1 GiB."""
        from shutil import disk_usage

        place = _existing(Path(self._path) if self._path is not None else read_settings().root)
        usage = disk_usage(place)
        status = HealthStatus.HEALTHY
        if usage.free < LOW_DISK_BYTES:
            status = HealthStatus.UNHEALTHY if usage.free < FULL_DISK_BYTES else HealthStatus.DEGRADED
        message = f"{size(usage.free)} free of {size(usage.total)}"
        return _result(self.name, status, message, free_bytes=usage.free, total_bytes=usage.total)


def check_store() -> HealthCheckResult:
    """Write and delete a file in the store, or in the nearest folder above one that does not exist yet."""
    root = read_settings().root
    if root.exists() and not root.is_dir():
        return _result("store", HealthStatus.UNHEALTHY, f"{root} must be a folder, and is a file")
    probe = _existing(root) / f".odibi-health-{new_id(8)}"
    try:
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
        return _result("store", HealthStatus.UNHEALTHY, f"{root} cannot be written: {error.strerror}")
    return _result("store", HealthStatus.HEALTHY, f"{root} can be written", runs=len(RunStore(root).ids()))


def check_log_writer() -> HealthCheckResult:
    """Add up the events that sinks of this process dropped; any is `degraded`, with the counts by sink."""
    lost: dict[str, int] = {}
    for name, sink in program.sinks():
        dropped = getattr(sink, "dropped", 0)
        count = sum(dropped.values()) if isinstance(dropped, dict) else dropped
        if isinstance(count, int) and count > 0:
            lost[name] = lost.get(name, 0) + count
    if not lost:
        return _result("log_writer", HealthStatus.HEALTHY, "no line was dropped")
    return _result("log_writer", HealthStatus.DEGRADED, f"{sum(lost.values())} lines were dropped", lost=lost)


def check_prometheus() -> HealthCheckResult:
    """Request `/metrics` over the network, as Prometheus does."""
    config = get_config()
    if not config.metrics_enabled:
        return _result("prometheus", HealthStatus.SKIPPED, "METRICS_ENABLED is off")
    from http.client import HTTPConnection

    connection = HTTPConnection(config.metrics_host, config.prometheus_port, timeout=_CONNECT_S)
    try:
        headers = {"Authorization": f"Bearer {config.metrics_token}"} if config.metrics_token else {}
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        length = len(response.read())
    except ConnectionRefusedError:
        where = f"{config.metrics_host}:{config.prometheus_port}"
        return _result("prometheus", HealthStatus.SKIPPED, f"no program serves metrics at {where} now")
    finally:
        connection.close()
    message, is_ok = f"/metrics answered {response.status}", response.status == 200
    status = HealthStatus.HEALTHY if is_ok else HealthStatus.UNHEALTHY
    if not is_ok and config.source("metrics_enabled") == config.source("prometheus_port") == "default":
        status, message = HealthStatus.SKIPPED, f"{message}: another program has the default port"
    return _result("prometheus", status, message, port=config.prometheus_port, bytes=length)


def check_sentry() -> HealthCheckResult:
    """Connect to Sentry's host, and send nothing; failure is `degraded`, since errors are still in the log."""
    config = get_config()
    if not config.sentry_enabled:
        return _result("sentry", HealthStatus.SKIPPED, "SENTRY_ENABLED is off")
    try:
        import sentry_sdk
    except ImportError:
        return _result("sentry", HealthStatus.UNHEALTHY, str(missing_extra("sentry_sdk", "SENTRY_ENABLED")))
    address = urlsplit(config.sentry_dsn or str(sentry_sdk.get_client().dsn or ""))
    if not address.hostname:
        return _result("sentry", HealthStatus.UNHEALTHY, "SENTRY_DSN must be https://<key>@<host>/<project>")
    from socket import create_connection

    port = address.port or (443 if address.scheme == "https" else 80)
    where = f"{address.hostname}:{port}"
    try:
        create_connection((address.hostname, port), timeout=_CONNECT_S).close()
    except OSError as error:
        return _result("sentry", HealthStatus.DEGRADED, f"{where} cannot be reached: {error}")
    return _result("sentry", HealthStatus.HEALTHY, f"{where} can be reached")


class BigQueryCheck(HealthCheck):
    """A check that BigQuery accepts a query: a dry run of `SELECT 1`, which is free.

    Args:
        client: A client, or a function that returns one. Without it, the check is skipped unless the environment names
            a project (`GOOGLE_CLOUD_PROJECT`) or credentials (`GOOGLE_APPLICATION_CREDENTIALS`).
        timeout_seconds: Seconds after which the check is `unhealthy`.
    """

    def __init__(self, client: Any | Callable[[], Any] = None, timeout_seconds: float = 10.0) -> None:
        super().__init__("bigquery", timeout_seconds)
        self._client = client

    def check(self) -> HealthCheckResult:
        """Run the dry run; an exception of the client is `unhealthy`."""
        named = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS")
        if self._client is None and not any(environment_value(name) for name in named):
            return _result(self.name, HealthStatus.SKIPPED, f"neither {named[0]} nor {named[1]} is set")
        try:
            from google.cloud import bigquery
        except ImportError:
            return _result(self.name, HealthStatus.UNHEALTHY, str(missing_extra("google", "BigQuery")))
        client = self._client() if callable(self._client) else self._client or bigquery.Client()
        job = client.query("SELECT 1", job_config=bigquery.QueryJobConfig(dry_run=True))
        return _result(self.name, HealthStatus.HEALTHY, "a dry run was answered", project=job.project)


def _existing(place: Path) -> Path:
    """Return the folder, or the nearest existing one above it."""
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return place
