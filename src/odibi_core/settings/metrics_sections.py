"""The settings of the systems that get metrics.

Annotations are objects and not texts here (no `from __future__ import annotations`), as in `sections`.
"""

from typing import Annotated

from odibi_core.settings.field_types import Buckets, FilePath, Host, Port, Section, Source, Tags, Url


class Metrics(Section, frozen=True):
    """The endpoint that Prometheus scrapes, by default on loopback."""

    enabled: Annotated[bool, Source("METRICS_ENABLED")] = True
    port: Annotated[Port, Source("PROMETHEUS_PORT")] = 8000
    """0 takes any free port."""
    host: Host = "127.0.0.1"
    token: Annotated[str, Source(is_secret=True)] = ""
    """The token that a scraper must send as `Authorization: Bearer …`."""
    pushgateway: Url = ""
    """The Pushgateway that gets the metrics of each run at its end; empty for none."""
    textfile: FilePath = ""
    """The folder of node_exporter's textfile collector, which gets them as files; empty for none."""
    remote_write: Url = ""
    """The URL of remote write 1.0, which gets them with the time of the run's end; empty for none."""
    remote_write_token: Annotated[str, Source(is_secret=True)] = ""
    """The token that is sent there as `Authorization: Bearer …`."""
    push_job: Annotated[str, Source(instead="service_name")] = ""
    """The label `job` of metrics that are pushed."""
    buckets: Buckets = ""
    """Upper bounds of histograms instead of the built-in ones: `node_duration_ms=10 100 1000`, with commas between."""
    native_histograms: bool = False
    """Serve native histograms as well, to a Prometheus that asks for its protobuf format."""
    exemplars: bool = False
    """Serve the last sampled trace of each counter and bucket, in OpenMetrics and Prometheus' protobuf format."""


class Datadog(Section, frozen=True):
    """The way to Datadog: by its agent's DogStatsD."""

    enabled: Annotated[bool, Source("DATADOG_ENABLED")] = False
    api_key: Annotated[str, Source("DATADOG_API_KEY", ("DD_API_KEY",), is_secret=True, is_used=False)] = ""
    site: Annotated[Host, Source("DATADOG_SITE", ("DD_SITE",), is_used=False)] = "datadoghq.com"
    service: Annotated[str, Source("DATADOG_SERVICE", ("DD_SERVICE",), ("datadog_tags", "service"), "service_name")] = (
        ""
    )
    env: Annotated[str, Source("DATADOG_ENV", ("DD_ENV",), ("datadog_tags", "env"), "environment")] = ""
    version: Annotated[
        str, Source("DATADOG_VERSION", ("DD_VERSION",), ("datadog_tags", "version"), "service_version")
    ] = ""
    tags: Annotated[Tags, Source("DATADOG_TAGS", ("DD_TAGS",))] = ""
    """Further tags of each measurement."""
    host: Annotated[Host, Source(ecosystem=("DD_AGENT_HOST", "DD_DOGSTATSD_HOST"))] = "127.0.0.1"
    port: Annotated[Port, Source(ecosystem=("DD_DOGSTATSD_PORT",))] = 8125
