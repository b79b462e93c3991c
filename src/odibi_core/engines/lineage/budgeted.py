"""`ContentLineage`: column lineage by content, in the time that a budget allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from odibi_core.engines.lineage.base import FrameColumns, unknown_columns
from odibi_core.engines.lineage.content import content_columns
from odibi_core.engines.lineage.looks import Look, look_of
from odibi_core.engines.lineage.row_maps import Searches
from odibi_core.engines.stats_budget import Budget
from odibi_core.errors import STOPS

_FRAME_S: Final = 0.4e-3
_COLUMN_S: Final = 0.1e-3
"""The expected time of a frame and of a column; the pace of the budget corrects it."""
SPENT: Final = "the budget for lineage is spent"
NO_FRAMES: Final = "its inputs are no eager frames of a known library"


class ContentLineage:
    """Looks at frames before functions run, and compares what they return.

    Args:
        budget: The time; None for no bound.
    """

    def __init__(self, budget: Budget | None) -> None:
        self._budget = budget

    def looks(self, inputs: Mapping[str, Any]) -> dict[str, Look] | str:
        """Return looks at the frames among the inputs of a step, or the reason why there are none. Never raises."""
        frames = {name: frame for name, frame in inputs.items() if _is_frame(type(frame))}
        expected_s = sum(_FRAME_S + _COLUMN_S * _width(frame) for frame in frames.values())
        if not frames:
            return NO_FRAMES
        budget = self._budget
        if budget is not None and expected_s * budget.pace > budget.allowance_s():
            return SPENT
        began = 0.0 if budget is None else budget.busy_s()
        found = {name: look for name, frame in frames.items() if (look := look_of(frame)) is not None}
        if budget is not None:
            budget.spend(budget.busy_s() - began, expected_s / 3)
        return found or NO_FRAMES

    def columns(
        self, looks: dict[str, Look] | str, frame: Any, keys: Mapping[str, str], names: Sequence[str]
    ) -> FrameColumns:
        """Return the origins of the columns of a frame that the step returned. Never raises."""
        if isinstance(looks, str):
            return unknown_columns(names, looks)
        budget = self._budget
        began = 0.0 if budget is None else budget.busy_s()
        try:
            made = look_of(frame)
            found = None if made is None else content_columns(looks, made, keys, self._searches())
        except STOPS:
            raise
        except BaseException as error:  # a library's own types: recording never fails the step
            return unknown_columns(names, f"its values could not be compared: {type(error).__name__}")
        finally:
            if budget is not None:
                budget.spend(budget.busy_s() - began)
        return unknown_columns(names, "it is no eager frame of a known library") if found is None else found

    def _searches(self) -> Searches | None:
        budget = self._budget
        return None if budget is None else Searches(budget.allowance_s(), budget.pace)


def _is_frame(kind: type) -> bool:
    """Return whether objects of a class may be eager frames; lazy ones are not asked, which may resolve their plan."""
    return hasattr(kind, "columns") and hasattr(kind, "shape")


def _width(frame: Any) -> int:
    return min(100, len(frame.columns))
