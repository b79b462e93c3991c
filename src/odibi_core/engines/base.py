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
        """Return the reasons why `read` or `write` (the operation) cannot work with this path and these options
        (`format` among them), one sentence each. Asked before a pipeline runs, so files need not be there yet;
        an engine without this method is not asked."""

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        """The frame in a file, or in all files of a glob. `options` go to the library's own reader.

        SourceNotFoundError, UnreadableSourceError.
        """

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        """Write so that a reader of `path` sees the old file or the new one, never a part. Makes folders."""

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        """The answer of a SQL text (DuckDB's dialect) whose only tables are `frames`. UnknownTableError."""
