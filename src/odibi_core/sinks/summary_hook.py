"""A hook that prints how a run went."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.events import kinds
from odibi_core.views.values import CHECK_RESULTS


class SummaryHook:
    """Prints the pipeline, how many of its nodes succeeded and failed, how long it took, and its checks by result.

    Registered for `pipeline_complete` it hears `pipeline_error` too: a summary that is silent on failure is useless.
    """

    __name__ = "summary"
    hears_also = (kinds.PIPELINE_ERROR,)

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __call__(self, event: dict[str, Any]) -> None:
        failed = event.get("event_type") == kinds.PIPELINE_ERROR or bool(event.get("failed_count"))
        lines = [
            f"Pipeline: {event.get('pipeline_name', 'unnamed')} ({'failed' if failed else 'success'})",
            f"  Success:  {event.get('success_count', 0)}",
            f"  Failed:   {event.get('failed_count', 0)}",
            f"  Duration: {_seconds(event.get('duration_ms'))}",
        ]
        counts = {state: event.get(f"checks_{state}") for state in CHECK_RESULTS.values()}
        if any(counts.values()):
            told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count)
            lines.append(f"  Checks:   {told}")
        if event.get("error_message"):
            lines.append(f"  Error:    {event['error_message']}")
        print("\n".join(lines), file=self._stream or sys.stdout, flush=True)


def _seconds(duration_ms: object) -> str:
    return f"{duration_ms / 1e3:.2f} s" if isinstance(duration_ms, (int, float)) else "unknown"


def create_summary_hook(stream: TextIO | None = None) -> SummaryHook:
    """`bus.register_hook("pipeline_complete", create_summary_hook())`; prints to `stream`, else to stdout."""
    return SummaryHook(stream)
