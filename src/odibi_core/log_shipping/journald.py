"""`JournaldReceiver`: events for systemd's journal, by its native protocol, with a field for each part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from odibi_core.delivery import Outcome
from odibi_core.events import Event, encode
from odibi_core.events.inert import printable
from odibi_core.log_shipping.about_runs import AboutRuns
from odibi_core.log_shipping.sockets import SocketSender
from odibi_core.log_shipping.syslog import SEVERITIES

SOCKET: Final = "/run/systemd/journal/socket"
_NAMED: Final = (
    "event_type", "run_id", "node_name", "operation", "component", "status", "error_type", "error", "duration_ms",
    "row_count", "trace_id", "span_id", "correlation_id",
)  # fmt: skip
_CODE: Final = {"code.file.path": "CODE_FILE", "code.line.number": "CODE_LINE", "code.function.name": "CODE_FUNC"}
_LONGEST_VALUE: Final = 16_384
_NOT_IN_NAMES: Final = re.compile(r"[^A-Z0-9_]")


class JournaldReceiver:
    """A receiver of events.

    Args:
        path: The socket of the journal.
        service: The identifier of the program.
        setting: The setting that has the path, for messages.
    """

    def __init__(self, path: str = SOCKET, *, service: str = "odibi", setting: str = "ODIBI_SYSLOG__ADDRESS") -> None:
        self._sender = SocketSender("unix", path, setting=setting)
        self._service = service
        self._about = AboutRuns()

    def send(self, batch: Sequence[Event], within_s: float) -> Outcome:
        """Send a batch. After a failure all of it is sent again: some entries may come twice."""
        entries = [self.entry(event) for event in batch]
        return self._sender.send(entries, within_s, lambda place: self.entry(batch[place], has_line=False))

    def shown(self, event: Event) -> str:
        """Return the fields of an event, with a blank line behind them."""
        fields = self.fields(event, has_line=True).items()
        return "".join(f"{name}={printable(value)}\n" for name, value in fields) + "\n"

    def entry(self, event: Event, *, has_line: bool = True) -> bytes:
        """Return an event as one datagram."""
        limit = None if has_line else _LONGEST_VALUE
        return b"".join(_field(name, value[:limit]) for name, value in self.fields(event, has_line=has_line).items())

    def fields(self, event: Event, *, has_line: bool) -> dict[str, str]:
        """Return the fields of an event that are not empty; `ODIBI_EVENT` is its whole JSON."""
        about = self._about.of(event)
        found = {
            "MESSAGE": str(event.message or event.event_type),
            "PRIORITY": str(SEVERITIES.get(event.level, 6)),
            "SYSLOG_IDENTIFIER": self._service,
            "SYSLOG_PID": about.pid,
            "ODIBI_PIPELINE": about.pipeline,
        }
        for name in _NAMED:
            found[f"ODIBI_{_NOT_IN_NAMES.sub('_', name.upper())}"] = _text(event.get(name))
        for name, target in _CODE.items():
            found[target] = _text(event.get(name))
        if has_line:
            found["ODIBI_EVENT"] = encode(event).decode().rstrip("\n")
        return {name: value for name, value in found.items() if value}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _field(name: str, value: str) -> bytes:
    """Return a field: with a line end in its value, the length stands before it."""
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
