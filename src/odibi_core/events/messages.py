"""The default message of an event: a sentence for kinds of the older systems, else the event's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from odibi_core.events import kinds

Fields: TypeAlias = Mapping[str, Any]
_LONGEST_NAME: Final = 200
_LONGEST_REASON: Final = 1000
"""Characters of a name and of an error in a message; the fields have all of them."""


def default_message(kind: str, standard: Fields, fields: Fields) -> str:
    """Return the message of an event, made of its sanitized fields."""
    words = WORDED.get(kind)
    return kind if words is None else words(standard, fields)


def _quoted(name: object) -> str:
    """Return a name in quotes; one that is too long is cut."""
    text = str(name or "unnamed")
    return f"'{text}'" if len(text) <= _LONGEST_NAME else f"'{text[:_LONGEST_NAME]}…'"


def _node(standard: Fields) -> str:
    return f"Node {_quoted(standard.get('node_name'))}"


def _pipeline(fields: Fields) -> str:
    return f"Pipeline {_quoted(fields.get('pipeline_name'))}"


def _completed(standard: Fields) -> str:
    duration = standard.get("duration_ms")
    return f"completed in {duration:.2f}ms" if isinstance(duration, int | float) else "completed"


def _taken(fields: Fields) -> str:
    run_id = fields.get("taken_from")
    return f"taken from {str(run_id)[:_LONGEST_NAME]}" if run_id else ""


def _reason(standard: Fields, fields: Fields) -> str:
    for name in ("error", "error_message", "reason"):
        reason = standard.get(name) or fields.get(name)
        if reason:
            return f": {str(reason)[:_LONGEST_REASON]}"
    return ""


def _error(standard: Fields, fields: Fields) -> str:
    source = standard.get("node_name") or standard.get("component")
    return f"Error{f' in {str(source)[:_LONGEST_NAME]}' if source else ''}{_reason(standard, fields)}"


def _retry(standard: Fields, fields: Fields) -> str:
    return f"{_node(standard)} attempt {fields.get('attempt', '?')} failed{_reason(standard, fields)}"


WORDED: Final[dict[str, Callable[[Fields, Fields], str]]] = {
    kinds.NODE_START: lambda standard, fields: f"{_node(standard)} started",
    kinds.NODE_COMPLETE: lambda standard, fields: f"{_node(standard)} {_taken(fields) or _completed(standard)}",
    kinds.NODE_FAILED: lambda standard, fields: f"{_node(standard)} failed{_reason(standard, fields)}",
    kinds.NODE_RETRY: _retry,
    kinds.NODE_SKIPPED: lambda standard, fields: f"{_node(standard)} skipped{_reason(standard, fields)}",
    kinds.CACHE_HIT: lambda standard, fields: f"Cache hit for node {_quoted(standard.get('node_name'))}",
    kinds.CACHE_MISS: lambda standard, fields: (
        f"Cache miss for node {_quoted(standard.get('node_name'))}{_reason(standard, fields)}"
    ),
    kinds.CACHE_SKIPPED: lambda standard, fields: (
        f"Cache not used for node {_quoted(standard.get('node_name'))}{_reason(standard, fields)}"
    ),
    kinds.PIPELINE_START: lambda standard, fields: f"{_pipeline(fields)} started",
    kinds.PIPELINE_COMPLETE: lambda standard, fields: f"{_pipeline(fields)} {_completed(standard)}",
    kinds.PIPELINE_ERROR: lambda standard, fields: f"{_pipeline(fields)} failed{_reason(standard, fields)}",
    kinds.ERROR: _error,
}
"""Kinds with a sentence; the functions take the standard fields and the others."""
