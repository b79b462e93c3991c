"""The types of settings: their ranges and patterns, and where a field is read from.

Annotations are objects and not texts here (no `from __future__ import annotations`), as in `sections`.
"""

import sys
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta


class Source(NamedTuple):
    """The places that set a field, besides the variable `ODIBI_<SECTION>__<KEY>` and the file."""

    short: str = ""
    """The variable of the older systems, which goes before all others; in lower case the field's attribute."""
    ecosystem: tuple[str, ...] = ()
    """Variables of other software, which come last; `{signal}` stands for `_TRACES` and the like."""
    within: tuple[str, ...] = ()
    """The attribute of a list, and the names by which it may set this field, the first before the others."""
    instead: str = ""
    """The attribute whose value stands in while none is given."""
    is_secret: bool = False
    is_used: bool = True
    """False for a setting that is read, shown and checked, and that no code uses yet."""


REACH: Final = "reach"
"""The key of a type's metadata: a setting may lead out of the working directory (`path`, `store`) or machine (`host`,
`url`, `store`), or name commands that are run (`rules`)."""
_LARGEST = sys.float_info.max
Port = Annotated[int, Meta(ge=0, le=65535, description="a port is a whole number from 0 to 65535")]
Rate = Annotated[float, Meta(ge=0, le=1, description="it is a number from 0 to 1")]
Seconds = Annotated[float, Meta(gt=0, le=1e9, description="it is a number of seconds greater than 0")]
Positive = Annotated[float, Meta(gt=0, le=_LARGEST, description="it is a number greater than 0")]
Amount = Annotated[float, Meta(ge=0, le=_LARGEST, description="it is a number, 0 or more")]
Count = Annotated[int, Meta(ge=0, le=sys.maxsize, description="it is a whole number, 0 or more")]
Level = Literal["debug", "info", "warning", "error", "critical"]


def _text(pattern: str, description: str, reach: str = "") -> Meta:
    """Return the rule of a text that is empty or matches the pattern as a whole."""
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
_MODE_WORDS = 'it is a text: "600" (the owner alone), "640" (the group may read), "660" or "644"'
FilePath = Annotated[str, Meta(description="it is a text", extra={REACH: "path"})]
Host = Annotated[str, _text(r"[\w.:\[\]-]+", "it is the name or the address of a host, and no URL", "host")]
Url = Annotated[str, _text(_URL, "it is a URL: http://<host>:<port>", "url")]
Dsn = Annotated[str, _text(_DSN, "a DSN is a URL: https://<key>@<host>/<project>", "url")]
Pairs = Annotated[str, _text(_PAIRS, "it is a list of name=value with commas between")]
Attributes = Annotated[
    str, _text(_ATTRIBUTES, "it is a list of name=value with commas between, each value percent-encoded")
]
FileMode = Annotated[str, _text("(?:0o?)?6[046][046]", _MODE_WORDS)]
DatabaseUrl = Annotated[
    str,
    _text(
        r"(?i:postgres(?:ql)?(?:\+\w+)?)://\S+|(?i:sqlite|duckdb):///\S+",
        "it is postgresql://user@host:port/name, sqlite:///file or duckdb:///file",
        "store",
    ),
]
StoreUrl = Annotated[
    str,
    _text(
        r"[A-Za-z][\w+.-]*://[^\s@?#]+|[/~][^\s@?#]*",
        "it is s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///folder or a folder, "
        "without credentials, which the provider's own variables and files hold",
        "store",
    ),
]
SyslogAddress = Annotated[
    str,
    _text(
        rf"(?:udp|tcp)://{_AT}/?|(?:unix://)?/\S+|journald",
        "it is udp://host:514, tcp://host:601, /dev/log or journald",
        "url",
    ),
]
IndexName = Annotated[
    str,
    _text(r"[a-z0-9][a-z0-9._-]*", "it is the name of an index or a data stream, in lower case: logs-odibi-default"),
]
_BUCKETS = r"\s*[^\s=,][^=,]*=\s*[-+.\deE]+(?:\s+[-+.\deE]+)*\s*"
Buckets = Annotated[
    str,
    _text(
        rf"{_BUCKETS}(?:,(?:{_BUCKETS}|\s*))*",
        "it is a list of metric=bounds with commas between, each bounds ascending numbers with spaces between",
    ),
]
Tags = Annotated[str, _text(_TAGS, "it is a list of key:value with commas or spaces between")]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that belong together: a table of the file, the middle part of a variable's name."""
