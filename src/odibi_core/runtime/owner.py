"""The process that owns a run: it alone goes on with the run and ends it, and a forked child of it does neither."""

from __future__ import annotations

import os
import weakref
from typing import Final

from odibi_core.process_end import leave_child
from odibi_core.runtime.step_runner import AbandonedError, StepRunner


class RunOwner:
    """Knows whether this process runs the steps of `runner`, or is a fork of the one that does."""

    def __init__(self, runner: StepRunner) -> None:
        self.forked = False
        self._runner = runner
        _owners.add(self)

    def disown(self) -> None:
        """In the child of a fork: nothing more is run or recorded for the run."""
        self.forked = True
        self._runner.abandon()

    def leave_if_forked(self, error: BaseException | None = None) -> None:
        """End a forked child that came back from a step or a hook of its parent's run."""
        if self.forked:
            while isinstance(error, AbandonedError):
                error = error.__context__
            leave_child(error)


_owners: Final[weakref.WeakSet[RunOwner]] = weakref.WeakSet()


def _after_fork() -> None:
    for owner in list(_owners):
        owner.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
