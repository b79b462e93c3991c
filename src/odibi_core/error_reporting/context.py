"""What an error report tells beside the error: the last things that happened before it, and what was set to be known.

Kept for this thread or task, as the log's context is: who starts a task gives it what is here, and hears nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.events import kinds, sanitize_text, sanitize_value
from odibi_core.events.clock import iso, utc_now
from odibi_core.events.normalize import to_key as field_name
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_field

__all__ = ["add_breadcrumb", "breadcrumbs", "contexts", "set_context"]

MAX_BREADCRUMBS: Final = 100
TOLD: Final = 20
"""Breadcrumbs that a report has: the last ones."""
MAX_CONTEXTS: Final = 20
_MESSAGE: Final = 500
_DATA: Final = 10
"""Fields of one breadcrumb."""
_VALUE: Final = 200
"""Characters of one of them."""

_crumbs: ContextVar[tuple[dict[str, Any], ...]] = ContextVar("odibi_core_breadcrumbs", default=())
_known: ContextVar[Mapping[str, dict[str, Any]]] = ContextVar("odibi_core_error_contexts", default={})  # noqa: B039 (never written to)


def add_breadcrumb(
    message: str, category: str = "default", level: str = "info", data: Mapping[str, Any] | None = None
) -> None:
    """Remember that this happened, for the report of an error that may follow in this thread or task; nothing is
    said now. The last hundred are kept, and the last twenty told. Never raises.
    """
    try:
        crumb: dict[str, Any] = {
            "at": iso(utc_now()),
            "category": sanitize_text(to_text(category, _VALUE)),
            "severity": kinds.level_name(level),
            "message": sanitize_text(to_text(message, _MESSAGE)),
        }
        if data is not None and (told := _short(data)):
            crumb["data"] = told
        _crumbs.set((*_crumbs.get()[1 - MAX_BREADCRUMBS :], crumb))
    except STOPS:
        raise
    except BaseException:
        return  # such as a stack that is too deep even for this


def set_context(key: str, value: Mapping[str, Any] | None) -> None:
    """From here on, in this thread or task, error reports tell this under `key`; None takes it away. Never raises."""
    try:
        label = sanitize_text(to_text(key, _VALUE))
        others = {other: known for other, known in _known.get().items() if other != label}
        if value is not None and len(others) < MAX_CONTEXTS:
            cleaned = sanitize_value(value)
            others[label] = cleaned if isinstance(cleaned, dict) else {"value": cleaned}
        _known.set(others)
    except STOPS:
        raise
    except BaseException:
        return  # such as a stack that is too deep even for this


def breadcrumbs() -> list[dict[str, Any]]:
    """What a report of now tells of what happened before it, the oldest first."""
    return list(_crumbs.get()[-TOLD:])


def contexts() -> dict[str, dict[str, Any]]:
    """What was set by `set_context` and holds here."""
    return dict(_known.get())


def _short(data: Any) -> dict[str, Any]:
    """A breadcrumb's data: a few fields, each redacted by its name and its shape, and of one line's length."""
    try:
        if isinstance(data, Mapping):
            some = [*data.items()][:_DATA]
            return {field_name(name): _line(sanitize_field(field_name(name), value)) for name, value in some}
    except STOPS:
        raise
    except BaseException:
        pass  # one that cannot be read as what it says it is
    return {"value": _line(sanitize_value(data))}


def _line(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else to_text(value, _VALUE)
