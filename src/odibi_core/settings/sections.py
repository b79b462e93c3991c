"""Every setting, by section: its name, its type with what it may be, its default and its meaning."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from odibi_core.events.paths import absolute_path

Durability = Literal["buffered", "written", "synced"]
SnapshotLevel = Literal["off", "schema", "counts", "sample", "stats"]
LogLevelName = Literal["debug", "info", "warning", "error", "critical"]
LogPreset = Literal["odibi", "ecs", "otel", "gcp", "datadog"]
Compression = Literal["none", "gzip"]
Protocol = Literal["grpc", "http/protobuf", "http/json"]

REACH: Final = "reach"
"""What of a type says that a setting may lead out of the working directory (`path`) or the machine (`host`, `url`)."""
_LARGEST = sys.float_info.max
Port = Annotated[int, Meta(ge=0, le=65535, description="a port is a whole number from 0 to 65535")]
Rate = Annotated[float, Meta(ge=0, le=1, description="it is a number from 0 to 1")]
Seconds = Annotated[float, Meta(gt=0, le=1e9, description="it is a number of seconds greater than 0")]
Positive = Annotated[float, Meta(gt=0, le=_LARGEST, description="it is a number greater than 0")]
Amount = Annotated[float, Meta(ge=0, le=_LARGEST, description="it is a number, 0 or more")]
Count = Annotated[int, Meta(ge=0, le=sys.maxsize, description="it is a whole number, 0 or more")]


def _text(pattern: str, description: str, reach: str = "") -> Meta:
    """A text that is empty, or as the pattern says from its beginning to its end."""
    return Meta(pattern=rf"^(?:{pattern})?\Z", description=description, extra={REACH: reach})


# A host, perhaps with a port.
_AT = r"(?:[^\s/?#@:\[\]]+|\[[\d.:a-fA-F]+\])(?::(?:[0-5]?\d{1,4}|6[0-5]\d{3}))?"
_PAIR = r"\s*[^\s=,][^=,]*=[^,]*"
_URL = rf"(?i:https?)://(?:[^\s/?#@]*@)?{_AT}(?:[/?#]\S*)?"
_DSN = rf"(?i:https?)://[^\s/?#@]+@{_AT}/+[^\s/]\S*"
_PAIRS = rf"{_PAIR}(?:,(?:{_PAIR}|\s*))*"
_DECODED = r"\s*[^\s=,][^=,]*=(?:[^,%]|%[0-9a-fA-F]{2})*"
_ATTRIBUTES = rf"{_DECODED}(?:,(?:{_DECODED}|\s*))*"
_TAG = r"[^\s,:][^\s,]*"
_TAGS = rf"[\s,]*{_TAG}(?:[\s,]+{_TAG})*[\s,]*"
FilePath = Annotated[str, Meta(description="it is a text", extra={REACH: "path"})]
Host = Annotated[str, _text(r"[\w.:\[\]-]+", "it is the name or the address of a host, and no URL", "host")]
Url = Annotated[str, _text(_URL, "it is a URL: http://<host>:<port>", "url")]
Dsn = Annotated[str, _text(_DSN, "a DSN is a URL: https://<key>@<host>/<project>", "url")]
Pairs = Annotated[str, _text(_PAIRS, "it is a list of name=value with commas between")]
Attributes = Annotated[
    str, _text(_ATTRIBUTES, "it is a list of name=value with commas between, each value percent-encoded")
]
FileMode = Annotated[
    str,
    _text(
        "(?:0o?)?6[046][046]",
        'it is a text: "600" (the owner alone), "640" (the group may read), "660" or "644"',
    ),
]
Tags = Annotated[str, _text(_TAGS, "it is a list of key:value with commas or spaces between")]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that belong together: a table of the file, the middle of a variable's name."""


class Store(Section, frozen=True):
    """Where the record is kept, and how surely."""

    dir: FilePath = ".odibi"
    """The folder of all runs."""
    durability: Durability = "written"
    """`buffered` (lost with the process), `written` (lost with the machine), `synced` (lost with the disk)."""
    segment_mb: Positive = 64.0
    """A segment is closed, and a new one begun, before it would pass this size."""
    file_mode: FileMode = "600"
    """The mode of the record's files, in octal; its folders can be entered by those who can read the files."""

    @property
    def mode(self) -> int:
        """The number of `file_mode`; an empty text is the default."""
        return int(self.file_mode or Store().file_mode, 8)


class Log(Section, frozen=True):
    """What becomes of what loggers of `get_logger` say."""

    level: LogLevelName = "info"
    """Below this level nothing is said."""
    format: Literal["text", "json"] = "text"
    """How stderr shows it; a file is always JSON Lines."""
    file: FilePath = ""
    """One file that every line is appended to as well; empty for none."""
    preset: LogPreset = "odibi"
    """Whose names the fields of a JSON line have."""
    sample_rate: Rate = 1.0
    """The share of debug and info lines that is shown."""
    repeat_limit: Count = 0
    """How often the same line is shown within the window; 0: always."""
    repeat_window_s: Seconds = 60.0
    """How long a line counts as repeated."""


class Snapshot(Section, frozen=True):
    """How closely frames are looked at."""

    level: SnapshotLevel = "sample"
    """`off`, `schema`, `counts`, `sample` (with the first rows), `stats` (with nulls, minimum, maximum, distinct)."""
    rows: Count = 5
    """Rows of a sample."""


class Metrics(Section, frozen=True):
    """The endpoint that Prometheus scrapes, on loopback unless told otherwise."""

    enabled: bool = True
    port: Port = 8000
    """0 takes any that is free."""
    host: Host = "127.0.0.1"
    token: str = ""
    """What a scraper must send as `Authorization: Bearer …`."""


class Datadog(Section, frozen=True):
    """The way to Datadog: by its agent's DogStatsD."""

    enabled: bool = False
    api_key: str = ""
    site: Host = "datadoghq.com"
    service: str = ""
    env: str = ""
    version: str = ""
    tags: Tags = ""
    """What else each measurement is tagged with."""
    host: Host = "127.0.0.1"
    port: Port = 8125


class Sentry(Section, frozen=True):
    """The way to Sentry."""

    enabled: bool = False
    dsn: Dsn = ""
    environment: str = ""
    release: str = ""
    traces_sample_rate: Rate = 0.1


class Cost(Section, frozen=True):
    """What queries cost, and when that is too much."""

    enabled: bool = True
    alert_threshold_usd: Amount = 100.0
    """An operation that costs more raises an alert."""
    budget_usd: Amount = 0.0
    """What `odibi costs` compares with; 0 for none."""
    usd_per_tib: Amount = 0.0
    """What you pay BigQuery for a TiB on demand; 0: its public price."""


class Health(Section, frozen=True):
    """Health checks: on demand and at `/health`."""

    enabled: bool = True
    interval_seconds: Seconds = 60.0
    """Given, the checks also repeat in the background, so many seconds apart."""


class Tracing(Section, frozen=True):
    """Spans of operations."""

    enabled: bool = False
    sample_rate: Rate = 0.1


class Service(Section, frozen=True):
    """What the program calls itself to others."""

    name: str = "odibi"
    environment: str = "dev"
    version: str = ""


class Usage(Section, frozen=True):
    """Whether commands and features that are used are noted in the record. Nothing leaves the machine by itself."""

    enabled: bool = True


class Redaction(Section, frozen=True):
    """Which kinds of secrets are hidden, and the user's own names and patterns."""

    credentials: bool = True
    """Hide passwords, tokens, keys, cookies and logins."""
    personal: bool = True
    """Hide numbers of cards, accounts and social security, and e-mail addresses."""
    names: tuple[str, ...] = ()
    """Names of fields whose values are hidden."""
    patterns: tuple[str, ...] = ()
    """Regular expressions: what they match is hidden."""


class Otlp(Section, frozen=True):
    """Where one signal of OpenTelemetry goes: its standard variables, which go before the general ones."""

    endpoint: Url = ""
    headers: Pairs = ""
    timeout: Amount = 10_000.0
    """Milliseconds."""
    compression: Compression = "none"
    protocol: Protocol = "http/protobuf"


class Otel(Otlp, frozen=True):
    """OpenTelemetry's standard variables."""

    sdk_disabled: bool = False
    resource_attributes: Attributes = ""


SECTIONS: dict[str, type[Any]] = {
    "store": Store, "log": Log, "snapshot": Snapshot, "metrics": Metrics, "datadog": Datadog, "sentry": Sentry,
    "cost": Cost, "health": Health, "tracing": Tracing, "service": Service, "usage": Usage,
    "redaction": Redaction, "otel": Otel, "otel_traces": Otlp, "otel_metrics": Otlp, "otel_logs": Otlp,
}  # fmt: skip


class Settings(msgspec.Struct, frozen=True):
    """What a run needs to know: where its record goes, how closely it looks, and what it must not keep."""

    store: Store = Store()
    snapshot: Snapshot = Snapshot()
    redaction: Redaction = Redaction()

    @property
    def root(self) -> Path:
        """The folder of the store, absolute."""
        return absolute_path(self.store.dir)
