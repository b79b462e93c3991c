"""SQL over frames, by DuckDB, for every engine.

The SQL is part of the pipeline, so it may read files and make tables. It must not see other things by accident:
Python variables with the name of a table, or tables of another step. Therefore each call has its own cursor and its own
database, which is removed afterwards.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from odibi_core.engines import duckdb_profile, sql_inputs
from odibi_core.errors import STOPS, EngineError, OdibiError, UnknownTableError, nearest
from odibi_core.events import clock

_UNKNOWN = re.compile(r"Table with name (.+?) does not exist")
_scratch = itertools.count()
# fork: a child has its parent's database without its parent's threads. It may neither use nor close it, because
# closing waits for those threads (deadlock). Therefore there is one for each process id.
_bases: dict[tuple[int, bool], Any] = {}
_LOCKED = {"enable_external_access": False, "lock_configuration": True}


def query(
    text: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None, fetch: Callable[[Any], Any]
) -> Any:
    """Run `text` with `frames` as its tables; `fetch` turns DuckDB's relation into the engine's frame."""
    refuse_twins(frames)
    with _cursor() as cursor:
        refused = register(cursor, frames)
        try:
            relation = cursor.sql(text, params=dict(parameters) if parameters else None)
            answer = None if relation is None else fetch(relation)
            duckdb_profile.note(cursor)
            relation = None  # an open result would refuse the next statement
        except (OdibiError, *STOPS):
            raise
        except BaseException as error:
            raise explained(error, text, frames, refused) from error
    if answer is None:
        raise EngineError(f"the SQL returns no rows; end it with a SELECT:\n{numbered(text)}")
    return answer


@contextmanager
def _cursor() -> Iterator[Any]:
    name = f"scratch_{next(_scratch)}"
    cursor = base().cursor()
    try:
        cursor.execute(f"ATTACH ':memory:' AS {name}; USE {name}; {duckdb_profile.statement()}")
        yield cursor
    finally:
        # A database cannot be detached while it is the one in use, or while the SQL left a transaction open.
        _quietly(cursor, "ROLLBACK")
        _quietly(cursor, f"USE memory; DETACH {name}")
        cursor.close()


def _quietly(cursor: Any, text: str) -> None:
    import duckdb

    try:
        cursor.execute(text)
    except duckdb.Error:
        pass  # ROLLBACK outside of a transaction; or the user's own SQL detached it already


def base(*, locked: bool = False) -> Any:
    """Return the database of this process; a locked one has no files, network, extensions and settings."""
    import duckdb

    # Without a lock, which a fork could copy while it is held: two threads may connect, and one connection is kept.
    here = (clock.process_id(), locked)
    if here not in _bases:
        config: dict[str, Any] = {"python_enable_replacements": False, **(_LOCKED if locked else {})}
        _bases.setdefault(here, duckdb.connect(":memory:", config=config))
    return _bases[here]


def refuse_twins(frames: Mapping[str, Any]) -> None:
    """Raise EngineError if two frames have one name in SQL."""
    seen: dict[str, str] = {}
    for name in frames:
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise EngineError(
                f"inputs {twin!r} and {name!r} are one table in SQL, which does not tell capitals apart: rename one"
            )


def register(cursor: Any, frames: Mapping[str, Any]) -> dict[str, str]:
    """Make each frame a table. Return those that cannot be one, with the reason: the SQL may not need them."""
    refused = {}
    for name, frame in frames.items():
        try:
            make_table(cursor, name, frame)
        except STOPS:
            raise
        except BaseException as error:
            refused[name.casefold()] = refusal(error)
    return refused


def refusal(error: BaseException) -> str:
    """Return the reason why a frame cannot be a table."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def make_table(cursor: Any, name: str, frame: Any) -> None:
    """Make a frame a table or a view of a connection."""
    table = sql_inputs.table(frame)
    if not table.casts:
        cursor.register(name, table.frame)
        return
    hidden = f"{name} as it was given"
    cursor.register(hidden, table.frame)
    replaced = ", ".join(f"{cast} AS {sql_inputs.quoted(column)}" for column, cast in table.casts.items())
    view, source = sql_inputs.quoted(name), sql_inputs.quoted(hidden)
    cursor.execute(f"CREATE TEMP VIEW {view} AS SELECT * REPLACE ({replaced}) FROM {source}")


def explained(error: BaseException, text: str, frames: Mapping[str, Any], refused: Mapping[str, str]) -> EngineError:
    unknown = _UNKNOWN.search(str(error))
    if not unknown:
        return EngineError(f"the SQL cannot be run: {error}\n{numbered(text)}")
    table = unknown[1].strip('"')
    if table.casefold() in refused:
        return EngineError(f"input {table!r} cannot be a table: {refused[table.casefold()]}")
    return unknown_table(table, text, frames)


def unknown_table(table: str, text: str, frames: Mapping[str, Any]) -> UnknownTableError:
    """Return the error for a table of the SQL that is none of its frames."""
    inputs = ", ".join(repr(name) for name in sorted(frames)) or "none"
    return UnknownTableError(
        f"the SQL reads a table {table!r}, which is no input of this step{nearest(table, frames)}. "
        f"Its inputs are: {inputs}. Name one of them, or add {table!r} to the step's inputs.\n{numbered(text)}"
    )


def numbered(text: str) -> str:
    """Return the SQL with line numbers, to which DuckDB's `LINE 2` refers."""
    lines = text.strip("\n").splitlines()
    shown = [f"{number:>4} | {line[:200]}" for number, line in enumerate(lines[:40], 1)]
    return "\n".join(shown + ([f"     … {len(lines) - 40} more lines"] if len(lines) > 40 else []))
