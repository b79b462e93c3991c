"""Tracebacks without the frames of the recorder, as the script alone would have them."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final

from odibi_core.engines.file_watch import WATCHED

_HERE: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MOST: Final = 100
"""Exceptions of a chain of causes."""


def remove_own_frames(error: BaseException) -> None:
    """Remove the frames of the recorder from the traceback of an exception and of its causes."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        kept = _kept(each.__traceback__)
        if kept is not each.__traceback__:
            each.__traceback__ = kept
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def _kept(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without own frames; the entries that stay are linked anew."""
    while trace is not None and _is_own(trace):
        trace = trace.tb_next
    first = trace
    while trace is not None:
        following = trace.tb_next
        while following is not None and _is_own(following):
            following = following.tb_next
        if following is not trace.tb_next:
            trace.tb_next = following
        trace = following
    return first


def _is_own(trace: TracebackType) -> bool:
    name = trace.tb_frame.f_code.co_filename
    return name.startswith(_HERE) or name.endswith(WATCHED)
