"""Files as Spark reads and writes them: a data set is a folder of part files, written aside and put in its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from odibi_core.engines import files, partitions
from odibi_core.engines.files import Target
from odibi_core.engines.spark_sql import reason
from odibi_core.errors import STOPS, EngineError, OdibiError, SourceNotFoundError, UnreadableSourceError
from odibi_core.events import clock

_PATTERN: Final = frozenset("*?[]{}\\,")
"""Characters that Hadoop reads as a pattern, also in the name of a file."""
_SUFFIXES: Final = {"csv": ".csv", "tsv": ".tsv", "jsonl": ".jsonl", "parquet": ".parquet"}


def found(path: str, format: str | None) -> tuple[list[str], Target]:
    """Return the files of a path, those in an object store or on HDFS by their URI, and their one format.

    Raises:
        EngineError: They have several formats, or a name that Spark cannot read.
        SourceNotFoundError: No file is there.
    """
    sources = [path] if files.is_remote(files.local(path)) else files.sources(path, format)
    kinds = list(dict.fromkeys(files.target(source, format) for source in sources))
    if len(kinds) > 1:
        raise EngineError(f"{files.shown(path)!r} has files of several formats; Spark reads one at a time")
    return sources, kinds[0]


def uri(path: str) -> str:
    """Return a path as Spark takes it. A local one is of the machine of this process and of each executor.

    Raises:
        EngineError: Spark would read the name as a pattern, or ignore it.
    """
    if files.is_remote(files.local(path)):
        return path
    whole = os.path.abspath(files.local(path))
    if _PATTERN & set(whole):
        raise EngineError(f"{path!r} has a character of {' '.join(sorted(_PATTERN))}, which Spark reads as a pattern")
    if os.path.basename(whole).startswith((".", "_")):
        raise EngineError(f"{path!r} begins with . or _, and Spark ignores such files; rename it")
    return f"file://{whole}"


@contextmanager
def reading(path: str, kind: Target) -> Iterator[None]:
    """Convert the errors of Spark to one that names the path."""
    try:
        yield
    except (OdibiError, *STOPS):
        raise
    except Exception as error:
        text = reason(error)
        shown = files.shown(path)
        if "PATH_NOT_FOUND" in text:
            raise SourceNotFoundError(f"there is no file {shown!r}; check the name, or make the file first") from error
        raise UnreadableSourceError(
            f"{shown!r} cannot be read as {kind.format} by Spark: {type(error).__name__}: {text}. "
            "It may be cut short or of another format: look at it, fetch it again, or set format="
        ) from error


def write(path: str, kind: Target, save: Callable[[str, str], None], mode: str, options: Mapping[str, Any]) -> None:
    """Call `save(folder, mode)`: Spark writes the parts beside the real folder, which then gets them.

    A reader of a local folder sees the old one or the new one; between two renames there is none for a moment. With a
    URI, Spark's own commit decides: an overwrite removes the old data before it writes.

    Args:
        path: A local folder, or a URI.
        kind: The format.
        save: Writes the frame.
        mode: One of `refusals.MODES`.
        options: Those of the step, for the message of an error.
    """
    with files.explained(files.shown(path), kind.format, options), _with_reason():
        if files.is_remote(files.local(path)):
            save(path, mode)
            return
        with partitions.placed(path, mode, None) as beside:
            save(f"file://{beside}", "overwrite")
            _rename(beside, kind)


@contextmanager
def _with_reason() -> Iterator[None]:
    """Convert an error of Java to its sentence, without the stack."""
    try:
        yield
    except (OdibiError, *STOPS):
        raise
    except Exception as error:
        raise RuntimeError(f"{type(error).__name__}: {reason(error)}") from error


def _rename(folder: str, kind: Target) -> None:
    """Give the part files the names of a data set of this library, in their order, and remove Spark's markers."""
    names = sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)
    run, suffix = clock.new_id(), _SUFFIXES[kind.format] + kind.packed
    for number, name in enumerate(names):
        if os.path.basename(name).startswith((".", "_")):
            os.unlink(name)
        else:
            os.rename(name, os.path.join(os.path.dirname(name), f"part-{number:06d}_{run}{suffix}"))
