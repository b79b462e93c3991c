"""The question at the end of each run: is it worth a comparison with the last good one?

It is no part of `blame`, whose import takes longer than the answer for a usual run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from odibi_core.history.figures import RunFigures, Tables
from odibi_core.history.rows.tables import as_dicts
from odibi_core.history.usual_range import is_beyond_range

_ENOUGH: Final = 5
"""Good runs from which on their numbers of rows show what is usual."""
_LEAST: Final = 0.05
"""The range of the usual rows is widened by a part of its upper end too."""


def is_suspicious(status: str, tables: Tables, current: RunFigures, good: Sequence[RunFigures]) -> bool:
    """Return whether a run is worth a comparison with the last good one, by facts that are at hand.

    It failed; a step lost, doubled or did not match another share of rows; a frame has other columns; or a step made
    more or fewer rows than all good runs.

    Args:
        status: The status with which it ends.
        tables: Its rows.
        current: Its figures.
        good: Those of the last good runs, the oldest first.
    """
    if not good:
        return False
    if status == "failed" or any(row["unusual"] for row in as_dicts("row_changes", tables.get("row_changes", ()))):
        return True
    steps: dict[str, Any] = current.figures["steps"]
    last = good[-1].figures["steps"]
    return any(_has_other_columns(step, last.get(name, {})) for name, step in steps.items()) or any(
        _has_other_rows(step.get("rows"), [each.figures["steps"].get(name, {}).get("rows") for each in good])
        for name, step in steps.items()
    )


def _has_other_columns(step: dict[str, Any], last: dict[str, Any]) -> bool:
    was = last.get("frames", {})
    return any(frame["schema"] != was.get(key, frame)["schema"] for key, frame in step.get("frames", {}).items())


def _has_other_rows(now: int | None, earlier: Sequence[int | None]) -> bool:
    known = [rows for rows in earlier if rows is not None]
    if now is None or len(known) < _ENOUGH:
        return False
    return is_beyond_range(now, known, room=_LEAST * max(known))
