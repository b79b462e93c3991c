"""Tables of `formats`, for every engine: errors that name the table, and the facts for the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from odibi_core.engines import access_facts, formats
from odibi_core.errors import STOPS, EngineError, MissingExtraError, OdibiError, UnreadableSourceError


def read(name: str, path: str, options: Mapping[str, Any]) -> Any:
    """Return the Arrow table at a path.

    Raises:
        SourceNotFoundError: No table is there.
        UnreadableSourceError: Any error of the library that reads.
    """
    format = formats.table_format(name)
    with _explained(f"{format.shown(path)!r} cannot be read as {name}", UnreadableSourceError):
        table, facts = format.read(path, options)
    access_facts.note(facts)
    return table


def write(name: str, path: str, table: Callable[[], Any], options: Mapping[str, Any]) -> None:
    """Write an Arrow table in one transaction.

    Raises:
        EngineError: The table is as it was before.
    """
    format = formats.table_format(name)
    with _explained(f"{format.shown(path)!r} was not written; the table is as it was before", EngineError):
        access_facts.note(format.write(table(), path, options))


@contextmanager
def _explained(what: str, kind: type[EngineError]) -> Iterator[None]:
    """Convert any error of a library."""
    try:
        yield
    except (OdibiError, *STOPS):
        raise
    except ImportError as error:
        raise MissingExtraError(f"{what}: {error}: pip install what is missing") from error
    except BaseException as error:
        raise kind(f"{what}: {type(error).__name__}: {str(error)[:500]}") from error
