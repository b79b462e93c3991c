"""`SyslogReceiver`: events for syslog, as RFC 5424 over the network and as local messages on `/dev/log`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from odibi_core.delivery import Outcome
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event
from odibi_core.events.clock import host_name
from odibi_core.log_shipping.about_runs import AboutRuns, RunFacts
from odibi_core.log_shipping.sockets import SocketSender

FACILITIES: Final = {"user": 1, "daemon": 3, **{f"local{number}": 16 + number for number in range(8)}}
SEVERITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
LONGEST: Final = 8_192
"""Bytes of a message; receivers must take 480 and should take 2,048 (RFC 5424, 6.1)."""
_SHORT: Final = 1_024
_PORTS: Final = {"udp": 514, "tcp": 601}
_ADDRESS: Final = re.compile(r"(?:(udp|tcp)://(\[[0-9a-fA-F:.]+\]|[^:/\s\[\]]+)(?::(\d+))?|(?:unix://)?(/\S+))/?")
_NOT_PRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NAMED: Final = (
    "run_id",
    "node_name",
    "operation",
    "component",
    "status",
    "error_type",
    "error",
    "trace_id",
    "span_id",
)


class SyslogReceiver:
    """A receiver of events.

    Args:
        address: `udp://host[:514]`, `tcp://host[:601]`, or the path of a socket, such as `/dev/log`.
        service: The name of the program in each message.
        facility: `user`, `daemon` or `local0` to `local7`.
        setting: The setting that has the address, for messages.

    Raises:
        ConfigurationError: The address is invalid.
    """

    def __init__(
        self, address: str, *, service: str = "odibi", facility: str = "user", setting: str = "ODIBI_SYSLOG__ADDRESS"
    ) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None or int(found[3] or 0) > 65535:
            raise ConfigurationError(f"{setting} must be udp://host:514, tcp://host:601 or /dev/log, got {address!r}")
        kind, host, port, path = found.groups()
        self._sender = SocketSender(
            kind or "unix", (path or host).strip("[]"), int(port or _PORTS.get(kind, 0)), setting=setting
        )
        self._is_local = kind is None
        self._service = _NOT_PRINTABLE.sub("_", service)[:48] or "-"
        self._facility = FACILITIES[facility] * 8
        self._about = AboutRuns()
        self._host = host_name()

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        """Send a batch. After a failure all of it is sent again: some messages may arrive twice."""
        messages = [self.message(event) for event in batch]
        return self._sender.send(messages, within_s, lambda place: self.message(batch[place], _SHORT))

    def shown(self, event: Event) -> str:
        """Return the message of an event."""
        return self.message(event).decode()

    def message(self, event: Event, longest: int = LONGEST) -> bytes:
        """Return an event as one message."""
        about = self._about.of(event)
        priority = self._facility + SEVERITIES.get(event.level, 6)
        make = self._local if self._is_local else self._rfc5424
        encoded = make(priority, event, about).encode("utf-8", "replace")
        return encoded if len(encoded) <= longest else _cut(encoded, longest)

    def _rfc5424(self, priority: int, event: Event, about: RunFacts) -> str:
        kind = _NOT_PRINTABLE.sub("_", event.event_type)[:32] or "-"
        pairs = {**_pairs(event), **({"pipeline": about.pipeline} if about.pipeline else {})}
        data = "".join(f' {name}="{_value(text)}"' for name, text in pairs.items())
        host = _NOT_PRINTABLE.sub("_", about.host or self._host)[:255] or "-"
        at = event.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        # 32473 is the number for examples (RFC 5612): odibi has none of its own.
        element = f"[odibi@32473{data}]" if data else "-"
        return f"<{priority}>1 {at} {host} {self._service} {about.pid or '-'} {kind} {element} {_text(event)}"

    def _local(self, priority: int, event: Event, about: RunFacts) -> str:
        pid = f"[{about.pid}]" if about.pid else ""
        at = event.timestamp.astimezone()
        when = f"{at:%b} {at.day:2} {at:%H:%M:%S}"
        pairs = " ".join(f'{name}="{_quoted(text)}"' for name, text in _pairs(event).items())
        return f"<{priority}>{when} {self._service}{pid}: {_text(event)} {pairs}".rstrip()


def _pairs(event: Event) -> dict[str, str]:
    values = {name: event.get(name) for name in _NAMED}
    return {name: str(value) for name, value in values.items() if value is not None}


def _text(event: Event) -> str:
    return _CONTROL.sub(" ", str(event.message or event.event_type))


def _value(text: str) -> str:
    """Return a value of structured data: three characters are escaped (RFC 5424, 6.3.3)."""
    return _quoted(text).replace("]", "\\]")


def _quoted(text: str) -> str:
    """Return a value as it is written between quotes, on one line."""
    return _CONTROL.sub(" ", text)[:1000].replace("\\", "\\\\").replace('"', '\\"')


def _cut(encoded: bytes, longest: int) -> bytes:
    return encoded[: longest - 3].decode("utf-8", "ignore").encode() + "…".encode()
