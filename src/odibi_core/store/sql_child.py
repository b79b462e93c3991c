"""The child process of a query: it opens the record, limits itself, and answers one request.

It loads as little as it can, because it starts for every query. stdin stays open: when it ends, the parent is gone,
and the child ends too.

Messages are msgpack behind a length of four bytes. From the child: `Table` when the events are read, then `Columns`,
any number of `Rows`, and `End`; or `Refused` at any time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import msgspec

from odibi_core.errors import QueryError, StoreError
from odibi_core.store import sql_values
from odibi_core.store.lines import ReadErrors
from odibi_core.store.sql_duckdb import THREADS, Opened, opened, run_query, too_large

try:
    import resource
except ImportError:  # Windows: `sql_start` starts no child there
    resource = None  # type: ignore[assignment]

ADDRESS_SPACE: Final = 2 << 30
"""Bytes that the child may map: Python, DuckDB and everything that the query needs."""
MEMORY: Final = f"{ADDRESS_SPACE >> 30} GB"
LARGEST_ROW: Final = 64 << 20
_BATCH_BYTES: Final = 1 << 20
_CPU_MARGIN_S: Final = 5
_NOT_LIMITED: Final = f"this system does not limit the memory of a process to {MEMORY}; DuckDB alone limits its own"

Open = Callable[[str, Any], AbstractContextManager[Opened]]
"""Opens the source of a request for a query."""


class Request(msgspec.Struct):
    """The request to the child. `source` is what the program of the child opens; paths in it are bytes."""

    query: str
    source: Any
    timeout_s: float


class Table(msgspec.Struct, tag=True):
    """Sent when the events are read."""

    read_errors: ReadErrors
    notices: list[str]


class Columns(msgspec.Struct, tag=True):
    """Sent when the query runs."""

    names: list[str]
    types: list[str]


class Rows(msgspec.Struct, tag=True):
    """Some rows of the answer, in order."""

    rows: list[msgspec.Raw]


class End(msgspec.Struct, tag=True):
    """Sent after the last row."""


class Refused(msgspec.Struct, tag=True):
    """Sent instead of an answer, or of the rest of it: the query, the store or odibi-core is at fault."""

    message: str
    because_of: Literal["query", "store", "fault"] = "query"


Message = Table | Columns | Rows | End | Refused
encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(Message).decode


def write_message(pipe: Any, message: bytes) -> None:
    """Write a message and its length, whole."""
    data = memoryview(len(message).to_bytes(4, "big") + message)
    while data:
        data = data[pipe.write(data) :]


def open_segments(query: str, source: list[bytes]) -> AbstractContextManager[Opened]:
    """Open segments."""
    return opened(query, [Path(os.fsdecode(path)) for path in source])


def main(open_source: Open = open_segments) -> None:
    """Answer one request; the whole of the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the parent handles it
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with suppress(ImportError):  # reported with the answer
        import_module("duckdb")  # now: the other process prepares its request meanwhile (benchmark: query)
    length = int.from_bytes(sys.stdin.buffer.read(4), "big")
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(length), type=Request)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _answer(request, out, open_source)
    except QueryError as error:
        last: Message = Refused(str(error))
    except MemoryError:
        last = Refused(str(too_large(MEMORY)))
    except StoreError as error:
        last = Refused(str(error), because_of="store")
    except Exception as error:
        last = Refused(f"{type(error).__name__}: {error}", because_of="fault")
    else:
        last = End()
    write_message(out, encode(last))
    os._exit(0)  # skips the destructors of libraries, which have nothing to save


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def _answer(request: Request, out: BinaryIO, open_source: Open) -> None:
    import_module("duckdb")  # before the limits: a missing library is not an error of the query
    _limit(resource.RLIMIT_CORE, 0)
    is_limited = _limit(resource.RLIMIT_AS, ADDRESS_SPACE)
    with open_source(request.query, request.source) as record:
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit_cpu(request.timeout_s)
        notices = record.notices if is_limited else [*record.notices, _NOT_LIMITED]
        write_message(out, encode(Table(record.read_errors, notices)))
        cursor = run_query(record, request.query)
        write_message(out, encode(Columns(cursor.columns, cursor.types)))
        for rows in _packed(cursor.batches):
            write_message(out, encode(Rows(rows)))


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


def _limit(what: int, soft: int, hard: int | None = None) -> bool:
    """Lower a limit of this process; one that is lower already stays. Return false if the system refuses."""
    before = resource.getrlimit(what)
    wanted = (soft, soft if hard is None else hard)
    lowered = [new if old == resource.RLIM_INFINITY else min(new, old) for new, old in zip(wanted, before, strict=True)]
    try:
        resource.setrlimit(what, (lowered[0], lowered[1]))
    except (ValueError, OSError):
        return False
    return True


def _limit_cpu(timeout_s: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    threads = min(THREADS, os.cpu_count() or 1)
    seconds = int(used.ru_utime + used.ru_stime + timeout_s * threads) + _CPU_MARGIN_S
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)  # SIGXCPU, which the parent knows, before SIGKILL
