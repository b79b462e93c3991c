"""`DatadogSink`: measurements for a Datadog agent, as DogStatsD datagrams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.events.clock import process_id
from odibi_core.events.sanitize import sanitize_field
from odibi_core.plugins import missing_extra
from odibi_core.views.metrics.types import Measurement

if TYPE_CHECKING:
    from datadog.dogstatsd.base import DogStatsd

__all__ = ["DatadogSink"]

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.]")
_NOT_IN_TAGS: Final = re.compile(r"[^\w\-:/.]")
_SEND_S: Final = 0.5


class DatadogSink:
    """Sender of each measurement with all of its labels: `metrics.forward(DatadogSink(tags={"service": "etl"}))`.

    A counter is sent as a count, a gauge as a gauge, a histogram as a histogram, from which the agent computes `.avg`,
    `.max`, `.95percentile` …. A dotted name is unchanged, any other gets the prefix `odibi.`; the node is the tag
    `node`. A character that a tag or name must not have (`|`, `,`, `#`, a line end …) becomes `_`, so that no value can
    forge a measurement.

    The protocol is UDP: without an agent the datagrams are lost, without an error. The agent has the API key and the
    site; neither is needed here.

    Args:
        host: Host of the agent.
        port: Port of the agent.
        tags: Tags of all measurements, as a mapping or as pairs; None as a value means a tag without a value.

    Raises:
        MissingExtraError: If the library `datadog` is not installed.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8125,
        *,
        tags: Mapping[str, str] | Iterable[tuple[str, str | None]] | None = None,
    ) -> None:
        if find_spec("datadog") is None:
            raise missing_extra("datadog", "sending metrics to Datadog")
        self.host = host
        self.port = port
        pairs = tags.items() if isinstance(tags, Mapping) else tags or ()
        self.tags = list(dict.fromkeys(_constant(name, value) for name, value in pairs if value != ""))
        self.sent = self.refused = 0
        self._process = process_id()
        self._client: DogStatsd | None = None
        self._sending = False

    def __call__(self, measurements: Iterable[Measurement]) -> None:
        """Send a batch without NaN and the infinities, which Datadog does not accept; they are counted in `refused`."""
        if self._process != process_id():  # fork: socket and locks belong to the parent
            self._process, self._client = process_id(), None
        client = self._client or self._connected()
        self._sending = True
        try:
            self._send(client, measurements)
        finally:
            self._sending = False
            if client is not self._client:
                client.close_socket()

    def _send(self, client: DogStatsd, measurements: Iterable[Measurement]) -> None:
        send = {"counter": client.increment, "gauge": client.gauge, "histogram": client.histogram}
        for kind, metric, name, labels, value in measurements:
            if not isfinite(value):
                self.refused += 1
                continue
            tags = [_tag("node", name)] if name else []
            tags += [_tag(label, text) for label, text in labels.items()]
            send[kind](_name(metric), value, tags)
            self.sent += 1
        client.flush()

    def close(self, timeout: float = 1.0) -> None:
        """Close the socket, after a batch that is being sent; a later batch opens it again.

        It never waits, whatever the `timeout`: a host name that does not resolve would delay the end of the program.
        """
        client, self._client = self._client, None
        if client is not None and not self._sending:
            client.close_socket()

    def _connected(self) -> DogStatsd:
        """Create the client of the library on the first batch, because it is slow to load."""
        import socket

        from datadog.dogstatsd.base import DogStatsd

        try:
            socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
        except OSError as error:  # the library would drop the measurements without an error
            raise ConfigurationError(
                f"the Datadog agent must be on a known host, got {self.host!r}, which cannot be found "
                f"({error.strerror or error}): "
                "set DD_AGENT_HOST to the host on which it listens"
            ) from error
        client = DogStatsd(
            host=self.host,
            port=self.port,
            constant_tags=self.tags,
            disable_telemetry=True,
            disable_buffering=False,
            flush_interval=0,  # no thread: a batch is flushed at its end
            socket_timeout=_SEND_S,
        )
        own_keys = {_key(tag) for tag in self.tags}
        # The library adds tags of the environment by itself: given tags have precedence.
        from_environment = [sanitize_text(tag) for tag in client.constant_tags if _key(tag) not in own_keys]
        client.constant_tags = [*self.tags, *from_environment]
        self._client = client
        return client


def _name(metric: str) -> str:
    name = _NOT_IN_NAMES.sub("_", metric)
    return name if "." in metric or name.startswith("odibi_") else f"odibi.{name}"


def _tag(name: str, value: Any) -> str:
    return f"{_NOT_IN_TAGS.sub('_', name).replace(':', '_')}:{_NOT_IN_TAGS.sub('_', str(value))}"


def _constant(name: str, value: str | None) -> str:
    if value is None:
        return _NOT_IN_TAGS.sub("_", sanitize_text(name)).replace(":", "_")
    return _tag(sanitize_text(name), sanitize_field(name, value))


def _key(tag: str) -> str:
    return _NOT_IN_TAGS.sub("_", tag.partition(":")[0])
