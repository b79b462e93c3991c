"""An event as Sentry takes it. Whatever it says is in the log already, redacted and bounded; nothing else goes out."""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.events import Event
from odibi_core.events.clock import iso
from odibi_core.events.trace import Frame, Raised, read_trace
from odibi_core.views.errors import fingerprint_of
from odibi_core.views.values import flag, record, records, text, texts

_TAGS: Final = (
    "run_id",
    "node_name",
    "operation",
    "component",
    "correlation_id",
    "event_type",
    "layer",
    "engine",
)
_OF_USERS: Final = ("username", "email", "ip_address")
"""Fields beside the user's id that Sentry shows as the user's."""
_TAG: Final = 200
"""Characters that Sentry keeps of a tag."""
_TOLD: Final = frozenset(
    {
        "error_id", "message_id", "error_type", "traceback", "fingerprint", "handled", "context", "contexts",
        "breadcrumbs", "members", "notes", *_OF_USERS,
    }
)  # fmt: skip
_ID: Final = re.compile(r"[0-9a-f]{32}")


def sentry_event(event: Event, not_sent: int = 0) -> dict[str, Any]:
    """The payload of an event; `not_sent` failures like it were held back since the last that was sent."""
    fields = event.fields
    mark = fingerprint_of(event)
    rest = {name: value for name, value in fields.items() if name not in _TOLD}
    payload: dict[str, Any] = {
        "timestamp": iso(event.timestamp),
        "platform": "python",
        "level": "fatal" if event.level == "critical" else event.level,
        "logger": event.component or "odibi_core",
        "fingerprint": [mark],
        "tags": {**_tags(event), "fingerprint": mark},
        "contexts": _contexts(event),
        "extra": {**rest, **({"not_sent_before": not_sent} if not_sent else {})},
        "breadcrumbs": {"values": [_breadcrumb(each) for each in records(fields.get("breadcrumbs"))]},
    }
    identity = text(fields.get("error_id")) or text(fields.get("message_id"))
    if identity and _ID.fullmatch(identity):
        payload["event_id"] = identity
    if place := text(event.operation) or text(event.node_name):
        payload["transaction"] = place
    if user := _user(event):
        payload["user"] = user
    if event.error is not None:
        payload["exception"] = {"values": _exceptions(event)}
    else:
        payload["logentry"] = {"formatted": text(event.message) or event.event_type}
    return payload


def _tags(event: Event) -> dict[str, str]:
    handled = flag(event.fields.get("handled"))
    told = {**{name: event.get(name) for name in _TAGS}, "handled": None if handled is None else str(handled)}
    return {name: value[:_TAG] for name, value in told.items() if isinstance(value, str) and value}


def _user(event: Event) -> dict[str, Any]:
    about = {"id": text(event.user), **{name: text(event.fields.get(name)) for name in _OF_USERS}}
    return {name: value for name, value in about.items() if value}


def _contexts(event: Event) -> dict[str, Any]:
    """Those that were set, the error's own as `error`, and where in which run it was as `odibi`."""
    where = {
        "run_id": event.run_id,
        "node_name": event.node_name,
        "event_type": event.event_type,
        "seq": event.seq,
    }
    given = {
        name: value for name, value in record(event.fields.get("contexts")).items() if isinstance(value, dict)
    }
    own = record(event.fields.get("context"))
    return {**given, **({"error": own} if own else {}), "odibi": where}


def _breadcrumb(told: dict[str, Any]) -> dict[str, Any]:
    """By the names that Sentry has for it, which the recorder keeps for its own."""
    names = {"at": "timestamp", "severity": "level"}
    return {names.get(name, name): value for name, value in told.items()}


def _exceptions(event: Event) -> list[dict[str, Any]]:
    """The chain, the original cause first; before a group its members, each with what ties it to the group."""
    raised = read_trace(event.fields.get("traceback")) or [Raised("", "", [])]
    *causes, last = raised
    told = [_exception(each.error_type, each.message, each.frames) for each in causes]
    error_type = text(event.fields.get("error_type")) or event.event_type
    handled = flag(event.fields.get("handled"))
    mechanism: dict[str, Any] = {"type": "odibi_core", "handled": handled is not False}
    members = [_member(member, place) for place, member in enumerate(records(event.fields.get("members")))]
    if members:
        mechanism |= {"exception_id": 0, "is_exception_group": True}
    said = _with_notes(text(event.error) or "", event.fields)
    return [*told, *reversed(members), {**_exception(error_type, said, last.frames), "mechanism": mechanism}]


def _member(told: dict[str, Any], place: int) -> dict[str, Any]:
    """One exception of a group, told as Sentry's own SDK tells it."""
    raised = read_trace(told.get("traceback"))
    said = _with_notes(text(told.get("error")) or "", told)
    mechanism = {
        "type": "chained", "exception_id": place + 1, "parent_id": 0, "source": f"exceptions[{place}]",
    }  # fmt: skip
    frames = raised[-1].frames if raised else []
    return {**_exception(text(told.get("error_type")) or "", said, frames), "mechanism": mechanism}


def _with_notes(said: str, told: dict[str, Any]) -> str:
    return "\n".join([said, *texts(told.get("notes"))])


def _exception(error_type: str, message: str, frames: list[Frame]) -> dict[str, Any]:
    module, _, name = error_type.rpartition(".")
    told: dict[str, Any] = {"type": name, "value": message}
    if module:
        told["module"] = module
    if frames:
        told["stacktrace"] = {"frames": [_frame(frame) for frame in frames]}
    return told


def _frame(frame: Frame) -> dict[str, Any]:
    told = {
        "filename": frame.short_path,
        "abs_path": frame.path,
        "function": frame.function,
        "lineno": frame.line,
        "in_app": frame.in_app,
    }
    return {**told, "context_line": frame.code} if frame.code else told
