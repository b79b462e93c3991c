"""The message of a line whose caller gave none: the older systems' words where they had some, else the event's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from odibi_core.events import kinds

Fields: TypeAlias = Mapping[str, Any]
_LONGEST_REASON: Final = 1000
"""Characters of an error in a message; the field `error` holds all of it."""


def default_message(kind: str, standard: Fields, fields: Fields) -> str:
    """Return the message of an event: its words, made of clean fields, or its type."""
    words = WORDED.get(kind)
    return kind if words is None else words(standard, fields)


def _node(standard: Fields) -> str:
    return f"Node '{standard.get('node_name') or 'unnamed'}'"


def _node_complete(standard: Fields, fields: Fields) -> str:
    try:  # at once where all is as it is meant: every node says it
        return f"Node '{standard['node_name']}' completed in {standard['duration_ms']:.2f}ms"
    except (KeyError, TypeError, ValueError):
        return f"{_node(standard)} {_completed(standard)}"


def _pipeline(fields: Fields) -> str:
    return f"Pipeline '{fields.get('pipeline_name') or 'unnamed'}'"


def _completed(standard: Fields) -> str:
    duration = standard.get("duration_ms")
    return f"completed in {duration:.2f}ms" if isinstance(duration, int | float) else "completed"


def _reason(standard: Fields, fields: Fields) -> str:
    for name in ("error", "error_message", "reason"):
        reason = standard.get(name) or fields.get(name)
        if reason:
            return f": {str(reason)[:_LONGEST_REASON]}"
    return ""


def _error(standard: Fields, fields: Fields) -> str:
    source = standard.get("node_name") or standard.get("component")
    return f"Error{f' in {source}' if source else ''}{_reason(standard, fields)}"


def _retry(standard: Fields, fields: Fields) -> str:
    return f"{_node(standard)} attempt {fields.get('attempt', '?')} failed{_reason(standard, fields)}"


WORDED: Final[dict[str, Callable[[Fields, Fields], str]]] = {
    kinds.NODE_START: lambda standard, fields: f"Node '{standard.get('node_name') or 'unnamed'}' started",
    kinds.NODE_COMPLETE: _node_complete,
    kinds.NODE_FAILED: lambda standard, fields: f"{_node(standard)} failed{_reason(standard, fields)}",
    kinds.NODE_RETRY: _retry,
    kinds.NODE_SKIPPED: lambda standard, fields: f"{_node(standard)} skipped{_reason(standard, fields)}",
    kinds.CACHE_HIT: lambda standard, fields: f"Cache hit for node '{standard.get('node_name') or 'unnamed'}'",
    kinds.CACHE_MISS: lambda standard, fields: f"Cache miss for node '{standard.get('node_name') or 'unnamed'}'",
    kinds.PIPELINE_START: lambda standard, fields: f"{_pipeline(fields)} started",
    kinds.PIPELINE_COMPLETE: lambda standard, fields: f"{_pipeline(fields)} {_completed(standard)}",
    kinds.PIPELINE_ERROR: lambda standard, fields: f"{_pipeline(fields)} failed{_reason(standard, fields)}",
    kinds.ERROR: _error,
}
"""Event types with words of their own; the functions take the standard fields and the others."""
