"""A program that just began, for tests of errors: what it says is heard, and nothing of a test before is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from odibi_core.error_reporting import context as error_context
from odibi_core.events import context
from odibi_core.process import state as program
from odibi_core.testing import RecordingSink, fresh_program


@contextmanager
def program_heard() -> Iterator[RecordingSink]:
    """Everything that the program says inside the block, on its own bus and in its runs."""
    heard = RecordingSink()
    with fresh_program():
        context.put(context.EMPTY)
        error_context._crumbs.set(())
        error_context._known.set({})
        program.listen(heard, name="heard")
        yield heard
    context.put(context.EMPTY)
