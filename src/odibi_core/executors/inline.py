"""One step after the other in the thread that called, so that a debugger stops where it should."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextvars import copy_context

from odibi_core.executors.base import Execute, LocalExecutor


class InlineExecutor(LocalExecutor):
    """`max_workers` is taken because the others take it, and means nothing; no task can be abandoned."""

    name = "inline"

    def run(self, ready: Sequence[int], execute: Execute) -> None:
        waiting = deque(ready)
        context = copy_context()
        try:
            while waiting and not self._cancelled:
                freed = context.copy().run(execute, waiting.popleft())
                waiting.extendleft(reversed(freed))
        except BaseException:
            self._cancelled = True
            raise

    def cancel(self, *, abandon: bool = False) -> None:
        self._cancelled = True
