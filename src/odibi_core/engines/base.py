"""The shape of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Engine(Protocol):
    """What a pipeline asks of a frame library. Engines hold no state: any number of threads may share one."""

    @property
    def name(self) -> str: ...

    def frame(self, value: Any) -> Any:
        """This engine's own frame of anything frame-like: other libraries' frames, rows as dicts, a dict of
        columns. Its own frames, lazy ones too, come back as they are. EngineError for what is no frame."""

    def problems(self, operation: str, path: str, options: Mapping[str, Any]) -> list[str]:
        """Return the reasons why an operation cannot work, one sentence each: `read` or `write` with this path and
        these options (`format` among them), or `sql`, for which the path is empty. Asked before a pipeline runs, so
        files need not be there yet; an engine without this method is not asked. Raises nothing."""

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        """The frame in a file, or in all files of a glob or a folder, with the columns that only their folders' names
        have. Each value as the file has it, one type a column, or an error that names the column and the files.
        `options` go to the library's own reader. EngineError for what `problems` would tell.

        SourceNotFoundError, UnreadableSourceError.
        """

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        """Write so that a reader of `path` sees the old file or the new one, never a part. Makes folders. Warns
        (DataChangedWarning) of a column whose values will be read back changed; EngineError for what `problems`
        would tell, and for a column that the format cannot hold."""

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        """The answer of a SQL text (DuckDB's dialect) whose only tables are `frames`, with exact types, or an
        EngineError that names the column. UnknownTableError."""
