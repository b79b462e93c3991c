"""Breadcrumbs and contexts of error reports.

They hold for this thread or task, as the context of the log does: a task starts with a copy of them.
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
REPORTED: Final = 20
"""Number of the last breadcrumbs that a report holds."""
MAX_CONTEXTS: Final = 20
_MESSAGE: Final = 500
_DATA: Final = 10
"""Fields of a breadcrumb's data."""
_VALUE: Final = 200
"""Characters of a field."""

_crumbs: ContextVar[tuple[dict[str, Any], ...]] = ContextVar("odibi_core_breadcrumbs", default=())
_known: ContextVar[Mapping[str, dict[str, Any]]] = ContextVar("odibi_core_error_contexts", default={})  # noqa: B039 (never written to)


def add_breadcrumb(
    message: str, category: str = "default", level: str = "info", data: Mapping[str, Any] | None = None
) -> None:
    """Remember a step for the report of a later error in this thread or task.

    Nothing is published now. The last 100 are kept, a report holds the last 20. Never raises.

    Args:
        message: Description of the step, cut at 500 characters.
        category: Kind of step.
        level: Severity of the step.
        data: Details, of which ten fields are kept.
    """
    try:
        crumb: dict[str, Any] = {
            "at": iso(utc_now()),
            "category": sanitize_text(to_text(category, _VALUE)),
            "severity": kinds.level_name(level),
            "message": sanitize_text(to_text(message, _MESSAGE)),
        }
        if data is not None and (kept := _short(data)):
            crumb["data"] = kept
        _crumbs.set((*_crumbs.get()[1 - MAX_BREADCRUMBS :], crumb))
    except STOPS:
        raise
    except BaseException:
        return  # the stack is full


def set_context(key: str, value: Mapping[str, Any] | None) -> None:
    """Add `value` to the error reports of this thread or task under `key`; None removes it. Never raises."""
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
        return  # the stack is full


def breadcrumbs() -> list[dict[str, Any]]:
    """Return the breadcrumbs of a report of now, the oldest first."""
    return list(_crumbs.get()[-REPORTED:])


def contexts() -> dict[str, dict[str, Any]]:
    """Return the contexts of `set_context` in force."""
    return dict(_known.get())


def _short(data: Any) -> dict[str, Any]:
    """Return a breadcrumb's data: ten fields, each redacted by its name and its shape, and cut."""
    try:
        if isinstance(data, Mapping):
            some = [*data.items()][:_DATA]
            return {field_name(name): _line(sanitize_field(field_name(name), value)) for name, value in some}
    except STOPS:
        raise
    except BaseException:
        pass  # foreign code: a mapping that cannot be read
    return {"value": _line(sanitize_value(data))}


def _line(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else to_text(value, _VALUE)
