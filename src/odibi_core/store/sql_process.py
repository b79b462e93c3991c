"""A query in a process of its own, within limits that the operating system keeps.

The parent starts the same interpreter with the same `sys.path`, writes the request to its stdin, and reads the answer
from its stdout, batch by batch. The child limits its own address space and CPU time before it sees the query; the
parent kills it at the timeout. stdin stays open: when it ends, the parent is gone, and the child ends too.

Messages are msgpack behind a length of four bytes. From the child: `Table` when the events are read, then `Columns`,
any number of `Rows`, and `End`; or `Refused` at any time.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import msgspec

from odibi_core.errors import QueryError, StoreError
from odibi_core.events.clock import monotonic
from odibi_core.store import sql_values
from odibi_core.store.segments import ReadErrors
from odibi_core.store.select_only import check_text
from odibi_core.store.sql_duckdb import THREADS, TIMEOUT_S, Answer, Cursor, opened, run_query, too_large, too_slow

ADDRESS_SPACE: Final = 2 << 30
"""Bytes that the child may map: Python, DuckDB and everything that the query needs."""
LARGEST_ROW: Final = 64 << 20
LARGEST_ANSWER: Final = 256 << 20
"""Bytes of an answer that is returned whole."""
_BATCH_BYTES: Final = 1 << 20
_CPU_MARGIN_S: Final = 5
_START: Final = "import sys; sys.path[:] = sys.argv[1:]; from odibi_core.store import sql_process; sql_process.main()"
_MEMORY: Final = f"{ADDRESS_SPACE >> 30} GB"


class Request(msgspec.Struct):
    """The request to the child. Paths are bytes, because a file name need not be text."""

    query: str
    paths: list[bytes]
    timeout_s: float


class Table(msgspec.Struct, tag=True):
    """Sent when the events are read."""

    read_errors: ReadErrors
    left_out: int


class Columns(msgspec.Struct, tag=True):
    """Sent when the query runs."""

    names: list[str]


class Rows(msgspec.Struct, tag=True):
    """Some rows of the answer, in order."""

    rows: list[msgspec.Raw]


class End(msgspec.Struct, tag=True):
    """Sent after the last row."""


class Refused(msgspec.Struct, tag=True):
    """Sent instead of an answer, or of the rest of it: the query, the store or odibi-core is at fault."""

    message: str
    because_of: Literal["query", "store", "fault"] = "query"


_ERRORS: Final = {"query": QueryError, "store": StoreError, "fault": RuntimeError}
_Message = Table | Columns | Rows | End | Refused
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Message).decode


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
    """Run a query in a process of its own, which ends with the block.

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
    child = _start()
    try:
        request = Request(query, [os.fsencode(path) for path in paths], timeout_s)
        answer = _Reader(child, timeout_s, largest)
        answer.send(request)
        table = answer.expect(Table, is_timed=False)
        columns = answer.expect(Columns)
        yield Cursor(columns.names, answer.batches(), table.read_errors, table.left_out)
    finally:
        child.kill()
        child.communicate()


def _start() -> subprocess.Popen[bytes]:
    if not sys.executable:
        raise QueryError("a query in a process of its own needs a Python interpreter; sys.executable is empty")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, *map(os.path.abspath, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )


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
            write_message(self._child.stdin, _encode(request))
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

    def _next(self, is_timed: bool = True) -> _Message:
        size = int.from_bytes(self._read(4, is_timed), "big")
        if self._room is not None:
            self._room -= size
            if self._room < 0:
                raise QueryError(f"the answer is larger than {LARGEST_ANSWER >> 20} MB; ask for fewer rows or columns")
        message: _Message = _decode(self._read(size, is_timed))
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
                f"memory than the {_MEMORY} it may have"
            )
        return RuntimeError(f"the process of the query ended with exit code {code}")


def write_message(pipe: Any, message: bytes) -> None:
    """Write a message and its length, whole."""
    data = memoryview(len(message).to_bytes(4, "big") + message)
    while data:
        data = data[pipe.write(data) :]


def main() -> None:
    """Answer one request; the whole of the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the parent handles it
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    length = int.from_bytes(sys.stdin.buffer.read(4), "big")
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(length), type=Request)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _answer(request, out)
    except QueryError as error:
        last: _Message = Refused(str(error))
    except MemoryError:
        last = Refused(str(too_large(_MEMORY)))
    except StoreError as error:
        last = Refused(str(error), because_of="store")
    except Exception as error:
        last = Refused(f"{type(error).__name__}: {error}", because_of="fault")
    else:
        last = End()
    write_message(out, _encode(last))
    os._exit(0)  # skips the destructors of libraries, which have nothing to save


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def _answer(request: Request, out: BinaryIO) -> None:
    import_module("duckdb")  # before the limits: a missing library is not an error of the query
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, ADDRESS_SPACE)
    paths = [Path(os.fsdecode(path)) for path in request.paths]
    with opened(request.query, paths) as (connection, table):
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit_cpu(request.timeout_s)
        write_message(out, _encode(Table(table.read_errors, table.left_out)))
        cursor = run_query(connection, request.query, table)
        write_message(out, _encode(Columns(cursor.columns)))
        for rows in _packed(cursor.batches):
            write_message(out, _encode(Rows(rows)))


def _packed(batches: Iterable[list[tuple[Any, ...]]]) -> Iterator[list[msgspec.Raw]]:
    """Yield the rows encoded, about `_BATCH_BYTES` at a time."""
    rows: list[msgspec.Raw] = []
    size = 0
    for batch in batches:
        for row in batch:
            packed = sql_values.pack(row)
            if len(packed) > LARGEST_ROW:
                raise QueryError(f"a row of the answer is larger than {LARGEST_ROW >> 20} MB; ask for less of its text")
            rows.append(msgspec.Raw(packed))
            size += len(packed)
            if size > _BATCH_BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit of this process; one that is lower already stays."""
    before = resource.getrlimit(what)
    wanted = (soft, soft if hard is None else hard)
    lowered = [new if old == resource.RLIM_INFINITY else min(new, old) for new, old in zip(wanted, before, strict=True)]
    resource.setrlimit(what, (lowered[0], lowered[1]))


def _limit_cpu(timeout_s: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    threads = min(THREADS, os.cpu_count() or 1)
    seconds = int(used.ru_utime + used.ru_stime + timeout_s * threads) + _CPU_MARGIN_S
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)  # SIGXCPU, which the parent knows, before SIGKILL
