"""A hook that prints a summary of a run."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.events import kinds
from odibi_core.views.values import CHECK_RESULTS


class SummaryHook:
    """Hook that prints the pipeline, its succeeded and failed nodes, its duration, and its checks by result.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.
    """

    __name__ = "summary"
    also_handles = (kinds.PIPELINE_ERROR,)

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
            results = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count)
            lines.append(f"  Checks:   {results}")
        if event.get("error_message"):
            lines.append(f"  Error:    {event['error_message']}")
        print("\n".join(lines), file=self._stream or sys.stdout, flush=True)


def _seconds(duration_ms: object) -> str:
    return f"{duration_ms / 1e3:.2f} s" if isinstance(duration_ms, (int, float)) else "unknown"


create_summary_hook = SummaryHook
