"""The contract of an engine.

The orchestrator loads an engine once and calls it in the thread of each step, several threads at a time. `problems` is
called while a pipeline is compiled. Only the errors named below are raised on purpose, each with the path or column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Engine(Protocol):
    """A frame library as a pipeline uses it. One object serves all steps of a run in a process, in any thread.

    The formats are those of `engines.formats`. A `FrameEngine` reads those with a file there by its `arrow` and
    `of_arrow`, and has readers and writers of its own for the others.
    """

    @property
    def name(self) -> str: ...

    def frame(self, value: Any) -> Any:
        """Return the library's own frame of a frame of another library, of rows as dicts, or of a dict of columns.

        Its own frames, lazy ones included, are returned unchanged.

        Raises:
            EngineError: The value is no frame.
        """

    def problems(self, operation: str, path: str, options: Mapping[str, Any]) -> list[str]:
        """Return the reasons why an operation cannot work, one sentence each. Never raises.

        An engine may lack this method.

        Args:
            operation: "read", "write", or "sql" with an empty path.
            path: As the step has it. Files need not exist yet, because the pipeline has not run.
            options: The options of the step, `format` included.
        """

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        """Return the frame of a table, of a file, or of all files of a glob or a folder, with columns of folder names.

        Every value is exactly that of the file, and every column has one type. `options` go to the library's reader.

        Raises:
            EngineError: `problems` has a reason.
            SourceNotFoundError: No file is there.
            UnreadableSourceError: A file is damaged, or a column has no common type; names the column and the files.
        """

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> int | None:
        """Write a frame atomically, so that a reader of `path` sees the old file or the new one. Creates folders.

        Returns the number of rows if the frame does not show it, because it is a plan; otherwise None.

        Warns with DataChangedWarning of a column whose values will be read back changed.

        Raises:
            EngineError: `problems` has a reason, or the format cannot hold a column.
        """

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the rows of a SQL text (DuckDB's dialect) whose only tables are `frames`, with exact types.

        Raises:
            EngineError: The SQL fails, or a column has no exact type; names the column.
            UnknownTableError: A table is none of `frames`.
        """

    def select(self, query: str, frames: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and the rows of one SELECT over `frames`, for the checks of a step.

        It reads no file, changes nothing, and sees no table but `frames`. An engine may lack this method.

        Raises:
            EngineError: It is not one SELECT, it reads anything else, or it fails.
        """


@runtime_checkable
class LazyEngine(Engine, Protocol):
    """An engine whose frames may be plans, which are executed where their rows are needed and never to be observed.

    An engine may have `watched(plan, take)` too: it returns a plan that passes its rows to `take` while it is executed;
    and then `shared(plan)`: it returns a plan that one execution computes once, however many plans build on it. The
    steps that need rows then wait until no other step can run, and one execution makes the rows of all of them.
    Without these, a plan is executed where it is made if its rows are needed. An engine that has one query at a time
    has `turn()`, a context in which the functions of its steps are called.
    """

    def is_plan(self, frame: Any) -> bool:
        """Return whether a frame is a plan."""

    def collected(self, frames: Sequence[Any]) -> list[Any]:
        """Return frames with rows in place of plans, all by one execution if the library can."""


@runtime_checkable
class LateEngine(Engine, Protocol):
    """An engine whose frames stay plans, and whose facts come from a later execution that the pipeline needs anyway.

    `late_frames` has `arrived`, which the engine calls after such an execution, in its thread, before its result takes
    its place; `counts_nulls` and `counts_operators`, which are set before the first step; and `close()`, for the end of
    the run.
    """

    late_frames: Any

    def is_plan(self, frame: Any) -> bool:
        """Return whether a frame is a plan."""

    def arrow(self, frame: Any) -> Any:
        """Return the rows of a plan as an Arrow table, by one execution."""

    def without_operators(self, frame: Any) -> str:
        """Return the reason why the rows after operators of a frame's plan cannot be known; empty without one."""

    def late(self, frame: Any, plan: Any, *, asked: bool, nulls: bool) -> Any:
        """Return the facts of a frame that a step made; None if there are none to come.

        They have the `frame`, `is_known`, the `results` of its checks, and the rows after each of its `operators`.

        Args:
            frame: The frame.
            plan: Returns the checks to count, a `Counting`, for the frame's schema; None for none.
            asked: Count at a cost even without checks, as at the level `stats`.
            nulls: Count missing values too.
        """
