"""The built-in checks: the disk, the store, the log's writers, the metrics' endpoint, Sentry, BigQuery."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from odibi_core.events.clock import new_id
from odibi_core.health.monitor import HealthCheck, HealthCheckResult, HealthStatus
from odibi_core.plugins import missing_extra
from odibi_core.process import state as program
from odibi_core.settings import environment_value, get_config, read_settings
from odibi_core.views.wording import size

_GB: Final = 1 << 30
LOW_DISK_BYTES: Final = 1 * _GB
"""Below this a disk is `degraded`."""
FULL_DISK_BYTES: Final = _GB // 10
"""Below this it is `unhealthy`: the next segment may not find room."""
_CONNECT_S: Final = 3.0


def built_in() -> list[HealthCheck]:
    """One of each."""
    return [
        DiskCheck(),
        StoreCheck(),
        LogWriterCheck(),
        PrometheusCheck(),
        SentryCheck(),
        BigQueryCheck(),
    ]


class _BuiltIn(HealthCheck):
    def _found(self, status: HealthStatus, message: str, **details: Any) -> HealthCheckResult:
        return HealthCheckResult(self.name, status, message, details=details)


class DiskCheck(_BuiltIn):
    """Whether there is room where the record is kept, or below `path`."""

    def __init__(
        self, path: str | Path | None = None, name: str = "disk", timeout_seconds: float = 5.0
    ) -> None:
        super().__init__(name, timeout_seconds)
        self._path = path

    def check(self) -> HealthCheckResult:
        """Free space against two bounds, of 1 GiB and of 0.1 GiB."""
        from shutil import disk_usage

        place = _existing(Path(self._path) if self._path is not None else read_settings().root)
        usage = disk_usage(place)
        status = HealthStatus.HEALTHY
        if usage.free < LOW_DISK_BYTES:
            status = HealthStatus.UNHEALTHY if usage.free < FULL_DISK_BYTES else HealthStatus.DEGRADED
        said = f"{size(usage.free)} free of {size(usage.total)}"
        return self._found(status, said, free_bytes=usage.free, total_bytes=usage.total)


class StoreCheck(_BuiltIn):
    """Whether a file can be written, and taken away again, where the runs are kept."""

    def __init__(self) -> None:
        super().__init__("store", 5.0)

    def check(self) -> HealthCheckResult:
        """A store that is not there yet is well when it could be made."""
        root = read_settings().root
        if root.exists() and not root.is_dir():
            return self._found(HealthStatus.UNHEALTHY, f"{root} is a file, and no folder")
        place = _existing(root)
        probe = place / f".odibi-health-{new_id(8)}"
        try:
            probe.write_bytes(b"ok")
            probe.unlink()
        except OSError as error:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
            return self._found(HealthStatus.UNHEALTHY, f"{root} cannot be written: {error.strerror}")
        runs = root / "runs"
        return self._found(
            HealthStatus.HEALTHY, f"{root} can be written", runs=len(os.listdir(runs)) if runs.is_dir() else 0
        )


class LogWriterCheck(_BuiltIn):
    """Whether everything that was said in this process was kept, by every sink that counts its losses."""

    def __init__(self) -> None:
        super().__init__("log_writer", 5.0)

    def check(self) -> HealthCheckResult:
        """`degraded` once anything was lost; the counts stand by the sinks' names."""
        lost: dict[str, int] = {}
        for name, sink in program.sinks():
            dropped = getattr(sink, "dropped", 0)
            count = sum(dropped.values()) if isinstance(dropped, dict) else dropped
            if isinstance(count, int) and count > 0:
                lost[name] = lost.get(name, 0) + count
        if not lost:
            return self._found(HealthStatus.HEALTHY, "every line was kept")
        return self._found(HealthStatus.DEGRADED, f"{sum(lost.values())} lines could not be kept", lost=lost)


class PrometheusCheck(_BuiltIn):
    """Whether `/metrics` answers."""

    def __init__(self) -> None:
        super().__init__("prometheus", 5.0)

    def check(self) -> HealthCheckResult:
        """Asks the endpoint over the network as Prometheus does."""
        config = get_config()
        if not config.metrics_enabled:
            return self._found(HealthStatus.SKIPPED, "METRICS_ENABLED is off")
        from http.client import HTTPConnection

        connection = HTTPConnection(config.metrics_host, config.prometheus_port, timeout=_CONNECT_S)
        try:
            headers = {"Authorization": f"Bearer {config.metrics_token}"} if config.metrics_token else {}
            connection.request("GET", "/metrics", headers=headers)
            answer = connection.getresponse()
            size = len(answer.read())
        except ConnectionRefusedError:
            where = f"{config.metrics_host}:{config.prometheus_port}"
            return self._found(HealthStatus.SKIPPED, f"no program serves metrics at {where} now")
        finally:
            connection.close()
        told = f"/metrics answered {answer.status}"
        status = HealthStatus.HEALTHY if answer.status == 200 else HealthStatus.UNHEALTHY
        if answer.status != 200 and config.source("metrics_enabled") == config.source("prometheus_port") == "default":
            status, told = HealthStatus.SKIPPED, f"{told}: another program has the default port"
        return self._found(status, told, port=config.prometheus_port, bytes=size)


class SentryCheck(_BuiltIn):
    """Whether Sentry can be reached; nothing is sent."""

    def __init__(self) -> None:
        super().__init__("sentry", 5.0)

    def check(self) -> HealthCheckResult:
        """`degraded` when it cannot: errors still stand in the log."""
        config = get_config()
        if not config.sentry_enabled:
            return self._found(HealthStatus.SKIPPED, "SENTRY_ENABLED is off")
        try:
            import sentry_sdk
        except ImportError:
            return self._found(HealthStatus.UNHEALTHY, str(missing_extra("sentry_sdk", "SENTRY_ENABLED")))
        address = urlsplit(config.sentry_dsn or str(sentry_sdk.get_client().dsn or ""))
        if not address.hostname:
            return self._found(
                HealthStatus.UNHEALTHY, "SENTRY_DSN is no address: https://<key>@<host>/<project>"
            )
        from socket import create_connection

        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            create_connection((address.hostname, port), timeout=_CONNECT_S).close()
        except OSError as error:
            return self._found(HealthStatus.DEGRADED, f"{address.hostname}:{port} cannot be reached: {error}")
        return self._found(HealthStatus.HEALTHY, f"{address.hostname}:{port} can be reached")


class BigQueryCheck(_BuiltIn):
    """Whether BigQuery takes a query: a dry run of `SELECT 1`, which costs nothing.

    `client` is a client, or what makes one; without it, BigQuery counts as configured where the environment names
    a project (`GOOGLE_CLOUD_PROJECT`) or credentials (`GOOGLE_APPLICATION_CREDENTIALS`).
    """

    def __init__(self, client: Any | Callable[[], Any] = None, timeout_seconds: float = 10.0) -> None:
        super().__init__("bigquery", timeout_seconds)
        self._client = client

    def check(self) -> HealthCheckResult:
        """Whatever the client raises is the reason."""
        named = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS")
        if self._client is None and not any(environment_value(name) for name in named):
            return self._found(HealthStatus.SKIPPED, f"neither {named[0]} nor {named[1]} is set")
        try:
            from google.cloud import bigquery
        except ImportError:
            return self._found(HealthStatus.UNHEALTHY, str(missing_extra("google", "BigQuery")))
        client = self._client() if callable(self._client) else self._client or bigquery.Client()
        job = client.query("SELECT 1", job_config=bigquery.QueryJobConfig(dry_run=True))
        return self._found(HealthStatus.HEALTHY, "a dry run was answered", project=job.project)


def _existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return place
