"""A fresh program for tests of errors: its events are recorded, and nothing is left of an earlier test."""

from collections.abc import Iterator
from contextlib import contextmanager

from odibi_core.error_reporting import context as error_context
from odibi_core.events import context
from odibi_core.process import state as program
from odibi_core.testing import RecordingSink, fresh_program


@contextmanager
def program_heard() -> Iterator[RecordingSink]:
    """Record every event inside the block, on the program's bus and in its runs."""
    heard = RecordingSink()
    with fresh_program():
        context.put(context.EMPTY)
        error_context._crumbs.set(())
        error_context._known.set({})
        program.listen(heard, name="heard")
        yield heard
    context.put(context.EMPTY)
