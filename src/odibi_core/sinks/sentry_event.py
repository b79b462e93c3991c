"""The Sentry payload of an event; it has only values of the log, which are redacted and bounded."""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.events import Event
from odibi_core.events.clock import iso
from odibi_core.events.trace import Frame, Raised, read_trace
from odibi_core.views.errors import fingerprint_of
from odibi_core.views.values import flag, record, records, text, texts

_TAGS: Final = ("run_id", "node_name", "operation", "component", "correlation_id", "event_type", "layer", "engine")
_OF_USERS: Final = ("username", "email", "ip_address")
"""Fields of a user in Sentry besides the id."""
_TAG: Final = 200
"""Characters of a tag that Sentry keeps."""
_PLACED: Final = frozenset(
    {
        "error_id", "message_id", "error_type", "traceback", "fingerprint", "handled", "context", "contexts",
        "breadcrumbs", "members", "notes", *_OF_USERS,
    }
)  # fmt: skip
_ID: Final = re.compile(r"[0-9a-f]{32}")


def sentry_event(event: Event, not_sent: int = 0) -> dict[str, Any]:
    """Return the payload of an event; `not_sent` is the number of similar failures held back since the last one."""
    fields = event.fields
    mark = fingerprint_of(event)
    rest = {name: value for name, value in fields.items() if name not in _PLACED}
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
    tags = {**{name: event.get(name) for name in _TAGS}, "handled": None if handled is None else str(handled)}
    return {name: value[:_TAG] for name, value in tags.items() if isinstance(value, str) and value}


def _user(event: Event) -> dict[str, Any]:
    about = {"id": text(event.user), **{name: text(event.fields.get(name)) for name in _OF_USERS}}
    return {name: value for name, value in about.items() if value}


def _contexts(event: Event) -> dict[str, Any]:
    """Return the contexts that were set, that of the error as `error`, and the place in the run as `odibi`."""
    where = {"run_id": event.run_id, "node_name": event.node_name, "event_type": event.event_type, "seq": event.seq}
    contexts = {name: value for name, value in record(event.fields.get("contexts")).items() if isinstance(value, dict)}
    own = record(event.fields.get("context"))
    return {**contexts, **({"error": own} if own else {}), "odibi": where}


def _breadcrumb(crumb: dict[str, Any]) -> dict[str, Any]:
    """Rename fields to Sentry's names, which are reserved in an event."""
    names = {"at": "timestamp", "severity": "level"}
    return {names.get(name, name): value for name, value in crumb.items()}


def _exceptions(event: Event) -> list[dict[str, Any]]:
    """Return the chain, original cause first; the members of a group, linked to it, come before the group."""
    raised = read_trace(event.fields.get("traceback")) or [Raised("", "", [])]
    *causes, last = raised
    chain = [_exception(each.error_type, each.message, each.frames) for each in causes]
    error_type = text(event.fields.get("error_type")) or event.event_type
    handled = flag(event.fields.get("handled"))
    mechanism: dict[str, Any] = {"type": "odibi_core", "handled": handled is not False}
    members = [_member(member, place) for place, member in enumerate(records(event.fields.get("members")))]
    if members:
        mechanism |= {"exception_id": 0, "is_exception_group": True}
    message = _with_notes(text(event.error) or "", event.fields)
    return [*chain, *reversed(members), {**_exception(error_type, message, last.frames), "mechanism": mechanism}]


def _member(member: dict[str, Any], place: int) -> dict[str, Any]:
    """Return one exception of a group in the form of Sentry's SDK."""
    raised = read_trace(member.get("traceback"))
    message = _with_notes(text(member.get("error")) or "", member)
    mechanism = {
        "type": "chained", "exception_id": place + 1, "parent_id": 0, "source": f"exceptions[{place}]",
    }  # fmt: skip
    frames = raised[-1].frames if raised else []
    return {**_exception(text(member.get("error_type")) or "", message, frames), "mechanism": mechanism}


def _with_notes(message: str, fields: dict[str, Any]) -> str:
    return "\n".join([message, *texts(fields.get("notes"))])


def _exception(error_type: str, message: str, frames: list[Frame]) -> dict[str, Any]:
    module, _, name = error_type.rpartition(".")
    exception: dict[str, Any] = {"type": name, "value": message}
    if module:
        exception["module"] = module
    if frames:
        exception["stacktrace"] = {"frames": [_frame(frame) for frame in frames]}
    return exception


def _frame(frame: Frame) -> dict[str, Any]:
    payload = {
        "filename": frame.short_path,
        "abs_path": frame.path,
        "function": frame.function,
        "lineno": frame.line,
        "in_app": frame.in_app,
    }
    return {**payload, "context_line": frame.code} if frame.code else payload
