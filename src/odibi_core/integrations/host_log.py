"""`RunHandler`: the records of `logging` that are written during a run of a host."""

from __future__ import annotations

import logging

from odibi_core.events import context
from odibi_core.logs.from_logging import LoggingHandler
from odibi_core.logs.program_logger import RunLog
from odibi_core.runtime.observer import Observer, active
from odibi_core.settings.sections import Log

__all__ = ["RunHandler"]


class RunHandler(LoggingHandler):
    """Copies records of the threads that work for a run into its record; the other handlers get them as before."""

    def __init__(self, observer: Observer) -> None:
        super().__init__("info", RunLog(Log()))
        self._observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Copy a record, unless the thread works for another run of this process. Never raises."""
        here = context.bus_here.get()
        if here is self._observer.bus:
            super().emit(record)
        elif here is None and active() is self._observer:  # a thread of the host that has no context of a node
            with context.bind(run_id=self._observer.run_id), context.using_bus(self._observer.bus):
                super().emit(record)
