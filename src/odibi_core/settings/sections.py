"""The table of all settings: each field has its type, its variables, its fallback, its default and its meaning.

Annotations are objects and not texts here (no `from __future__ import annotations`): `options` reads them at import,
and evaluating 70 texts would take a millisecond of it.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from odibi_core.events.paths import absolute_path
from odibi_core.settings.field_types import (
    REACH,
    Amount,
    Attributes,
    Count,
    DatabaseUrl,
    Dsn,
    FileMode,
    FilePath,
    Level,
    Pairs,
    Positive,
    Rate,
    Seconds,
    Section,
    Source,
    StoreUrl,
    Url,
)
from odibi_core.settings.frame_sections import Rows, Snapshot
from odibi_core.settings.log_sections import Elastic, Loki, Syslog
from odibi_core.settings.metrics_sections import Datadog, Metrics
from odibi_core.settings.serve_section import Serve


class Store(Section, frozen=True):
    """The place of the record and its durability."""

    dir: FilePath = ".odibi"
    """The folder of all runs; by default the nearest `.odibi` upwards, or else a new one."""
    durability: Literal["buffered", "written", "synced"] = "written"
    """`buffered` (lost with the process), `written` (lost with the machine), `synced` (lost with the disk)."""
    segment_mb: Positive = 64.0
    """A segment is closed, and a new one begun, before it would pass this size."""
    file_mode: FileMode = "600"
    """The mode of the record's files, in octal; its folders can be entered by the users that can read the files."""
    compact: Literal["auto", "off"] = "auto"
    """`auto` moves ended runs into Parquet files after a run, in the background, once there are enough of them."""
    compact_runs: Annotated[int, Meta(ge=1, le=sys.maxsize, description="it is a whole number, 1 or more")] = 200
    """Ended runs that are enough."""
    compact_mb: Positive = 256.0
    """Megabytes of ended runs that are enough."""
    url: StoreUrl = ""
    """The shared store of many hosts, which the record is shipped to and read from; empty for none."""
    export_to: DatabaseUrl = ""
    """The database that the history is exported to after each run, best without a password; empty for none."""
    ship_every_s: Seconds = 10.0
    """During a run, its new events are shipped every so many seconds; at its end at once."""
    ship_wait_s: Amount = 2.0
    """The end of the program waits at most so long for shipping; the rest is shipped later."""
    lost_after_s: Seconds = 900.0
    """A run of another host without a sign of life for so long counts as lost."""
    cache_dir: FilePath = ""
    """The folder of local copies of shared stores; empty for the user's cache folder."""
    cache_mb: Positive = 10_240.0
    """The largest size of Parquet files in the local copy of one shared store; older ones are left out."""
    keep_days: Amount = 0.0
    """Runs that began longer ago are pruned; 0: none for their age."""
    keep_runs: Count = 0
    """Of each pipeline, so many of the newest runs are kept; 0: all."""
    keep_gb: Amount = 0.0
    """The oldest runs are pruned until all take less, in 10^9 bytes; 0: no limit."""
    min_free_gb: Amount = 0.0
    """The oldest runs are pruned until so much of the disk is free, in 10^9 bytes; 0: no limit."""
    keep_last_good: bool = True
    """Keep the last successful run of each pipeline, whatever its age."""

    @property
    def mode(self) -> int:
        """The number of `file_mode`; an empty text is the default."""
        return int(self.file_mode or Store().file_mode, 8)


class Log(Section, frozen=True):
    """The output of loggers of `get_logger`."""

    level: Annotated[Level, Source("LOG_LEVEL")] = "info"
    """Lines below this level are left out."""
    format: Annotated[Literal["text", "json"], Source("LOG_FORMAT")] = "text"
    """The form of lines on stderr; a file is always JSON Lines."""
    file: Annotated[FilePath, Source("LOG_FILE")] = ""
    """One file that every line is appended to as well; empty for none."""
    preset: Annotated[Literal["odibi", "ecs", "otel", "gcp", "datadog"], Source("LOG_PRESET")] = "odibi"
    """The system whose names the fields of a JSON line have."""
    sample_rate: Rate = 1.0
    """The share of debug and info lines that is shown."""
    repeat_limit: Count = 0
    """How often the same line is shown within the window; 0: always."""
    repeat_window_s: Seconds = 60.0
    """How long a line counts as repeated."""


class Files(Section, frozen=True):
    """The record of the files that steps read and write."""

    track: bool = True
    """Record each file that the readers and writers of pandas, polars, pyarrow and DuckDB open during a run."""
    ask: bool = False
    """Ask an object store for size and version of each of its files: one request more for each."""


class Keep(Section, frozen=True):
    """The datasets that a run leaves on disk, for `odibi run --resume` and `odibi replay`. They are not redacted."""

    frames: Literal["failed", "all", "none"] = "failed"
    """`failed` (what failed steps took and steps that did not run need), `all` (what any step takes), `none`."""
    max_mb: Positive = 256.0
    """Megabytes of one run; the inputs of failed steps come first."""
    total_mb: Positive = 1024.0
    """Megabytes of all runs of the store; those of the oldest runs are deleted beyond it."""


class Cache(Section, frozen=True):
    """The step cache: results of steps that are used again for equal code, inputs and parameters."""

    enabled: bool = False
    """Cache the steps of each run, unless code or `--no-cache` decides."""
    dir: FilePath = ""
    """The folder of the cache; empty for `cache` in the store."""
    max_gb: Positive = 10.0
    """The entries that were not used for longest are removed until all take less, in 10^9 bytes."""
    wait_s: Amount = 600.0
    """A step waits so long for another process that builds the same entry; then it runs itself."""
    shared: bool = False
    """Also take entries from the shared store of `store.url`, and ship new ones there; frames are not redacted."""


class Sentry(Section, frozen=True):
    """The way to Sentry."""

    enabled: Annotated[bool, Source("SENTRY_ENABLED")] = False
    dsn: Annotated[Dsn, Source("SENTRY_DSN", is_secret=True)] = ""
    environment: Annotated[str, Source("SENTRY_ENVIRONMENT", instead="environment")] = ""
    release: Annotated[str, Source(ecosystem=("SENTRY_RELEASE",))] = ""
    traces_sample_rate: Annotated[Rate, Source("SENTRY_TRACES_SAMPLE_RATE")] = 0.1


class Cost(Section, frozen=True):
    """The cost of queries, and its limits."""

    enabled: Annotated[bool, Source("COST_TRACKING_ENABLED")] = True
    alert_threshold_usd: Annotated[Amount, Source("COST_ALERT_THRESHOLD_USD")] = 100.0
    """An operation that costs more raises an alert."""
    budget_usd: Amount = 0.0
    """The budget that `odibi costs` compares with; 0 for none."""
    usd_per_tib: Amount = 0.0
    """The price of a TiB on demand at BigQuery; 0: its public price."""


class Health(Section, frozen=True):
    """Health checks: on demand and at `/health`."""

    enabled: Annotated[bool, Source("HEALTH_CHECK_ENABLED")] = True
    interval_seconds: Annotated[Seconds, Source("HEALTH_CHECK_INTERVAL_SECONDS")] = 60.0
    """If it is given, the checks also repeat in the background, so many seconds apart."""


class Tracing(Section, frozen=True):
    """Spans, log records and metrics for OpenTelemetry, by OTLP."""

    enabled: Annotated[bool, Source("TRACING_ENABLED")] = False
    sample_rate: Annotated[Rate, Source("TRACING_SAMPLE_RATE")] = 0.1
    """The share of runs whose spans are sent; those of a failed run always are."""


_RESOURCE: Final = "otel_resource_attributes"
_ENVIRONMENT: Final = ("deployment.environment.name", "deployment.environment")


class Service(Section, frozen=True):
    """The program's name, environment and version in other systems."""

    name: Annotated[str, Source("SERVICE_NAME", ("OTEL_SERVICE_NAME",), (_RESOURCE, "service.name"))] = "odibi"
    environment: Annotated[str, Source("ENVIRONMENT", within=(_RESOURCE, *_ENVIRONMENT))] = "dev"
    version: Annotated[str, Source(within=(_RESOURCE, "service.version"))] = ""


class Usage(Section, frozen=True):
    """The record of commands and features that are used. Nothing leaves the machine by itself."""

    enabled: bool = True


_RECORDED: Final = """
    AIRFLOW_CTX_* DAGSTER_RUN_ID DAGSTER_RUN_JOB_NAME PREFECT__FLOW_RUN_ID DATABRICKS_RUNTIME_VERSION
    CI GITHUB_ACTIONS GITHUB_REF GITHUB_REPOSITORY GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_SHA GITHUB_WORKFLOW
    CI_COMMIT_REF_NAME CI_COMMIT_SHA CI_JOB_ID CI_PIPELINE_ID CI_PROJECT_PATH BUILD_NUMBER JOB_NAME
    HOSTNAME KUBERNETES_SERVICE_HOST POD_NAME POD_NAMESPACE NODE_NAME
    SLURM_ARRAY_TASK_ID SLURM_JOB_ID SLURM_JOB_NAME PBS_JOBID LSB_JOBID AWS_BATCH_JOB_ID AWS_BATCH_JOB_ATTEMPT
    AWS_LAMBDA_FUNCTION_NAME AWS_REGION CLOUD_RUN_EXECUTION CLOUD_RUN_JOB CLOUD_RUN_TASK_INDEX
    CONDA_DEFAULT_ENV VIRTUAL_ENV PYTHONHASHSEED TZ LANG LC_ALL
    OMP_NUM_THREADS POLARS_MAX_THREADS CUDA_VISIBLE_DEVICES
"""


class Run(Section, frozen=True):
    """The purpose of each run, which its first event records."""

    partition: Annotated[str, Source(ecosystem=("ODIBI_PARTITION",))] = ""
    """The logical date or partition that a run is for, unless code or `--partition` names one."""
    tags: Pairs = ""
    """Tags of every run: `name=value`, with commas between."""
    environment: tuple[str, ...] = tuple(_RECORDED.split())
    """Environment variables that are recorded; `*` at the end stands for any rest. Redaction applies."""


class Executor(Section, frozen=True):
    """The cluster where steps run, for the executors that use one."""

    address: Annotated[str, Meta(description="it is a text", extra={REACH: "host"})] = ""
    """The scheduler of Dask, `tcp://host:8786`, or the head of Ray, `host:6379`; without one, a cluster of this machine
    begins and ends with the run."""


class Redaction(Section, frozen=True):
    """The kinds of secrets that are hidden, and the user's own names and patterns."""

    credentials: bool = True
    """Hide passwords, tokens, keys, cookies and logins."""
    personal: bool = True
    """Hide numbers of cards, accounts and social security, and e-mail addresses."""
    names: tuple[str, ...] = ()
    """Names of fields whose values are hidden."""
    patterns: tuple[str, ...] = ()
    """Regular expressions: every match is hidden."""


def _otlp(key: str, *, instead: bool = True, is_secret: bool = False) -> Source:
    variable = f"OTEL_EXPORTER_OTLP{{signal}}_{key.upper()}"
    return Source(ecosystem=(variable,), instead=f"otel_{key}" if instead else "", is_secret=is_secret)


class Otlp(Section, frozen=True):
    """The receiver of one signal of OpenTelemetry; its standard variables go before the general ones."""

    endpoint: Annotated[Url, _otlp("endpoint", instead=False)] = ""
    headers: Annotated[Pairs, _otlp("headers", is_secret=True)] = ""
    timeout: Annotated[Amount, _otlp("timeout")] = 10_000.0
    """Milliseconds."""
    compression: Annotated[Literal["none", "gzip"], _otlp("compression")] = "none"
    protocol: Annotated[Literal["grpc", "http/protobuf", "http/json"], _otlp("protocol")] = "http/protobuf"
    certificate: Annotated[FilePath, _otlp("certificate")] = ""
    """The file of the certificate authority; empty for those of the system."""
    client_certificate: Annotated[FilePath, _otlp("client_certificate")] = ""
    client_key: Annotated[FilePath, _otlp("client_key")] = ""


class OtlpSignal(Otlp, frozen=True):
    """The receiver of one signal, and whether it is sent at all."""

    exporter: Annotated[str, Source(ecosystem=("OTEL{signal}_EXPORTER",))] = "otlp"
    """The signal is sent if `otlp` is in this list; `none` leaves it out."""


class Otel(Otlp, frozen=True):
    """OpenTelemetry's standard variables."""

    sdk_disabled: Annotated[bool, Source(ecosystem=("OTEL_SDK_DISABLED",))] = False
    """True sends nothing, whatever `tracing.enabled` is."""
    metric_export_interval: Annotated[Positive, Source(ecosystem=("OTEL_METRIC_EXPORT_INTERVAL",))] = 60_000.0
    """Milliseconds between two exports of the metrics."""
    resource_attributes: Annotated[Attributes, Source(ecosystem=("OTEL_RESOURCE_ATTRIBUTES",))] = ""
    spool: bool = False
    """True keeps spans and log records that are not sent in the store, for the next process."""


class OpenLineage(Section, frozen=True):
    """The events of OpenLineage, whose standard variables are read as they are."""

    url: Annotated[Url, Source(ecosystem=("OPENLINEAGE_URL",))] = ""
    """The receiver by HTTP, such as Marquez; empty for none."""
    endpoint: Annotated[str, Source(ecosystem=("OPENLINEAGE_ENDPOINT",))] = "api/v1/lineage"
    """The path behind the URL."""
    api_key: Annotated[str, Source(ecosystem=("OPENLINEAGE_API_KEY",), is_secret=True)] = ""
    """The key that is sent as `Authorization: Bearer …`."""
    file: FilePath = ""
    """The file that each event is appended to, one a line; empty for none."""
    disabled: Annotated[bool, Source(ecosystem=("OPENLINEAGE_DISABLED",))] = False
    """Send and write nothing."""
    namespace: Annotated[str, Source(ecosystem=("OPENLINEAGE_NAMESPACE",))] = "default"
    """The namespace of the jobs."""
    producer: str = "urn:odibi-core"
    """The URI that names the producer of the events."""


class Alerts(Section, frozen=True):
    """The rules of alerts, and their delivery."""

    rules: Annotated[str, Meta(description="it is a text", extra={REACH: "rules"})] = ""
    """The file or the folder of rules, routes and silences: TOML or YAML; empty for none."""
    enabled: bool = True
    """False evaluates no rule and sends nothing."""


class Grafana(Section, frozen=True):
    """The Grafana that `odibi connect grafana` imports the dashboards into."""

    url: Url = ""
    """Its address; empty for none."""
    token: Annotated[str, Source(is_secret=True)] = ""
    """The token of a service account that may write dashboards."""


SECTIONS: dict[str, type[Any]] = {
    "store": Store, "log": Log, "snapshot": Snapshot, "rows": Rows, "files": Files, "keep": Keep, "cache": Cache,
    "metrics": Metrics, "datadog": Datadog, "sentry": Sentry, "cost": Cost, "health": Health, "tracing": Tracing,
    "service": Service, "usage": Usage, "run": Run, "executor": Executor, "redaction": Redaction,
    "otel": Otel, "otel_traces": OtlpSignal, "otel_metrics": OtlpSignal, "otel_logs": OtlpSignal,
    "openlineage": OpenLineage, "alerts": Alerts, "loki": Loki, "elastic": Elastic, "syslog": Syslog,
    "grafana": Grafana, "serve": Serve,
}  # fmt: skip


class Settings(msgspec.Struct, frozen=True):
    """The settings of a run: its record, how closely it looks at data, what it keeps and hides, and its purpose."""

    store: Store = Store()
    snapshot: Snapshot = Snapshot()
    rows: Rows = Rows()
    files: Files = Files()
    keep: Keep = Keep()
    cache: Cache = Cache()
    run: Run = Run()
    executor: Executor = Executor()
    redaction: Redaction = Redaction()
    alerts: Alerts = Alerts()
    openlineage: OpenLineage = OpenLineage()

    @property
    def root(self) -> Path:
        """The folder of the store, absolute."""
        return absolute_path(self.store.dir)
