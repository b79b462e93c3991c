"""The settings of the systems that get lines of the log.

Annotations are objects and not texts here (no `from __future__ import annotations`), as in `sections`.
"""

from typing import Annotated, Literal

from odibi_core.settings.field_types import FilePath, IndexName, Level, Section, Source, SyslogAddress, Url


class Loki(Section, frozen=True):
    """Lines of the log for Grafana Loki."""

    url: Url = ""
    """Loki, `http://loki:3100`; empty sends nothing while a program runs."""
    token: Annotated[str, Source(is_secret=True)] = ""
    """The token that is sent as `Authorization: Bearer …`."""
    tenant: str = ""
    """The tenant, of a Loki with several."""
    level: Level = "info"
    """Lines below this level are not sent; the start and the end of a run always are."""
    spool: bool = False
    """True keeps what is not sent in the store, for the next process."""
    structured_metadata: bool = True
    """False for a Loki before version 3 that does not know it."""
    ca_file: FilePath = ""
    """The file of the certificate authority; empty for those of the system."""


class Elastic(Section, frozen=True):
    """Lines of the log for Elasticsearch or OpenSearch."""

    url: Url = ""
    """The server, `https://elastic:9200`; empty sends nothing while a program runs."""
    api_key: Annotated[str, Source(is_secret=True)] = ""
    """The key that is sent as `Authorization: ApiKey …`."""
    index: IndexName = "logs-odibi-default"
    """The index or data stream."""
    level: Level = "info"
    """Lines below this level are not sent; the start and the end of a run always are."""
    spool: bool = False
    """True keeps what is not sent in the store, for the next process."""
    ca_file: FilePath = ""
    """The file of the certificate authority; empty for those of the system."""


class Syslog(Section, frozen=True):
    """Lines of the log for syslog, or for the journal of systemd."""

    address: SyslogAddress = ""
    """`udp://host:514`, `tcp://host:601`, `/dev/log` or `journald`; empty sends nothing while a program runs."""
    facility: Literal[
        "user", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
    ] = "user"
    level: Level = "info"
    """Lines below this level are not sent; the start and the end of a run always are."""
    spool: bool = False
    """True keeps what is not sent in the store, for the next process."""
