"""A query in a process of its own, within limits that the operating system keeps.

The parent starts the same interpreter with the same `sys.path`, writes the request to its stdin, and reads the answer
from its stdout, batch by batch. The child (`sql_child`) limits its own address space and CPU time before it sees the
query; the parent kills it at the timeout.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import QueryError, StoreError
from odibi_core.events.clock import monotonic
from odibi_core.select_only import check_text
from odibi_core.store import sql_values
from odibi_core.store.sql_child import (
    MEMORY,
    Columns,
    Message,
    Refused,
    Request,
    Rows,
    Table,
    decode,
    encode,
    write_message,
)
from odibi_core.store.sql_duckdb import TIMEOUT_S, Answer, Cursor, too_slow
from odibi_core.store.sql_start import OF_SEGMENTS, start

LARGEST_ANSWER: Final = 256 << 20
"""Bytes of an answer that is returned whole."""
_ERRORS: Final = {"query": QueryError, "store": StoreError, "fault": RuntimeError}


def query_isolated(query: str, paths: Iterable[Path], *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Answer a SELECT as `sql.query_files` does, in a process of its own.

    Raises:
        QueryError: Also if the answer is larger than `LARGEST_ANSWER`.
    """
    with isolated(query, paths, timeout_s=timeout_s, largest=LARGEST_ANSWER) as cursor:
        return cursor.answer()


@contextmanager
def isolated(
    query: str, paths: Iterable[Path], *, timeout_s: float = TIMEOUT_S, largest: int | None = None
) -> Iterator[Cursor]:
    """Run a query over segments in a process of its own, which ends with the block.

    Args:
        query: One SELECT over the table `logs`.
        paths: The segments.
        timeout_s: Seconds that the caller waits for the query; neither reading the segments nor what the caller
            does with the rows is counted.
        largest: Bytes that the answer may have; None for no limit, if the caller keeps none of it.

    Raises:
        QueryError: As `sql.query_files` does.
    """
    check_text(query)
    with Child(OF_SEGMENTS) as child:
        yield child.ask(query, [os.fsencode(path) for path in paths], timeout_s, largest)


class Child:
    """A process that answers one query, and ends with the block. It loads its libraries from the start.

    Args:
        program: The module whose `main` is its program.
        process: The process, if it was started already.
    """

    def __init__(self, program: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process or start(program)

    def ask(self, query: str, source: Any, timeout_s: float, largest: int | None) -> Cursor:
        """Send the request, and return the answer, whose rows are read as they are asked for."""
        answer = _Reader(self._process, timeout_s, largest)
        answer.send(Request(query, source, timeout_s))
        table = answer.expect(Table, is_timed=False)
        columns = answer.expect(Columns)
        return Cursor(columns.names, columns.types, answer.batches(), table.read_errors, table.notices)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


class _Reader:
    """The messages of a child, read within the timeout."""

    def __init__(self, child: subprocess.Popen[bytes], timeout_s: float, largest: int | None) -> None:
        self._child = child
        self._timeout_s = timeout_s
        self._left_s = timeout_s
        self._room = largest

    def send(self, request: Request) -> None:
        """Write the request. A child that has ended already is noticed by the missing answer."""
        assert self._child.stdin is not None
        try:
            write_message(self._child.stdin, encode(request))
        except BrokenPipeError:
            pass

    def expect(self, kind: type[Any], *, is_timed: bool = True) -> Any:
        """Return the next message, which is of this kind."""
        message = self._next(is_timed)
        if not isinstance(message, kind):
            raise RuntimeError(f"the process of the query sent {type(message).__name__} out of turn")
        return message

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows."""
        while isinstance(message := self._next(), Rows):
            yield [tuple(sql_values.unpack(row)) for row in message.rows]

    def _next(self, is_timed: bool = True) -> Message:
        size = int.from_bytes(self._read(4, is_timed), "big")
        if self._room is not None:
            self._room -= size
            if self._room < 0:
                raise QueryError(f"the answer is larger than {LARGEST_ANSWER >> 20} MB; ask for fewer rows or columns")
        message: Message = decode(self._read(size, is_timed))
        if isinstance(message, Refused):
            raise _ERRORS[message.because_of](message.message)
        return message

    def _read(self, size: int, is_timed: bool) -> bytes:
        assert self._child.stdout is not None
        pipe, parts = self._child.stdout.fileno(), bytearray()
        while len(parts) < size:
            if is_timed:
                self._wait(pipe)
            part = os.read(pipe, min(size - len(parts), 1 << 20))
            if not part:
                raise self._death()
            parts += part
        return bytes(parts)

    def _wait(self, pipe: int) -> None:
        ready = select.poll()  # select.select refuses descriptors from 1024 on
        ready.register(pipe, select.POLLIN)
        began = monotonic()
        if not ready.poll(max(0.0, self._left_s) * 1000):
            raise too_slow(self._timeout_s)
        self._left_s -= monotonic() - began

    def _death(self) -> Exception:
        """Return the error for a child that ended without a message."""
        code = self._child.wait()
        if code == -signal.SIGXCPU:
            return too_slow(self._timeout_s)
        if code < 0:
            return QueryError(
                f"the query was stopped ({signal.Signals(-code).name}): it is nested too deeply, or needs more "
                f"memory than the {MEMORY} it may have"
            )
        return RuntimeError(f"the process of the query ended with exit code {code}")
