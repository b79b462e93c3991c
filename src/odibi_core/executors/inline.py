"""An executor that runs one step after the other in the calling thread, where a debugger can stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextvars import copy_context

from odibi_core.executors.base import Execute, LocalExecutor


class InlineExecutor(LocalExecutor):
    """Runs tasks in the calling thread. `max_workers` has no effect, and no task can be abandoned."""

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
