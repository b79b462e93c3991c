"""`StatementCall`: one execution of a statement, recorded as a call of the function that the statement stands for."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType
from typing import Any, Final

from odibi_core.engines.frame import Description
from odibi_core.errors import STOPS
from odibi_core.runtime.node_decorator import ObservedCall
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.statements import Statement

_FALLBACK: Final = compile("def statement(): pass", "<odibi_core statement>", "exec")


class StatementCall(ObservedCall):
    """Records one execution of a statement as one call of a node.

    Args:
        observer: The observer of the run.
        node: The name, the layer and the function of the node.
        given: The frames that the statement takes, and values that were computed from frames, by name.
        began: The time at which the statement began.
        source: The fields of its source in the plan.
        changed: The identities of the frames that it changes in place, which cannot be described as they were.
        sql: The text of SQL that it runs, which declares its joins.
    """

    def __init__(
        self,
        observer: Observer,
        node: tuple[str, str, Callable[..., Any]],
        given: dict[str, Any],
        *,
        began: float,
        source: dict[str, Any],
        changed: frozenset[int] = frozenset(),
        sql: str | None = None,
    ) -> None:
        super().__init__(observer, node, given)
        self._started_at = began
        self._source = source
        self._changed = changed
        self._sql = sql
        self.ended_at: float | None = None
        """The time at which the statement ended, before its frames were looked for."""

    def _begin(self) -> None:
        super()._begin()
        if self._changed:  # compared with themselves, they would show no change
            self._columns, self._taken = None, {}

    def _start(self, events: NodeEvents) -> None:
        events.start(began=self._started_at)

    def _end(self, error: BaseException | None, partial: bool, result: Any) -> None:
        if self._events is not None:
            self._events.pause(self.ended_at)
        self._function = self._function if self._sql is None else self._sql
        super()._end(error, partial, result)

    def _source_fields(self) -> dict[str, Any]:
        return self._source

    def _describe_taken(self, events: NodeEvents, dataset: str, value: Any) -> None:
        """Describe a frame again only if its shape is another one: statements that change frames are steps too."""
        known: Description | None = self._index.description_of(value)
        if known is not None and (id(value) in self._changed or _has_shape(value, known)):
            events.snapshot("before", dataset, known.recorded_before())
        elif id(value) not in self._changed:
            super()._describe_taken(events, dataset, value)


def _has_shape(frame: Any, known: Description) -> bool:
    shape = getattr(frame, "shape", None)
    return isinstance(shape, tuple) and shape == (known["row_count"], known["column_count"])


def function_of(statement: Statement, names: Iterable[str], variables: dict[str, Any], file: str) -> FunctionType:
    """Return the statement as a function of the frames that it takes, for those that read the source of functions.

    It is never called. Its source is found as that of any function, from `linecache`.
    """
    node = statement.node
    given = ", ".join(dict.fromkeys(name for name in names if name.isidentifier()))
    is_async = any(isinstance(each, ast.Await | ast.AsyncFor) for each in ast.walk(node))
    name = f"<odibi_core statement {statement.number} of {file}>"
    try:
        text = f"{'async ' if is_async else ''}def statement({given}):\n    {ast.unparse(node)}\n"
        module = compile(text, name, "exec", dont_inherit=True)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    except STOPS:
        raise
    except BaseException:  # such as a name that is global there and a parameter here
        module = _FALLBACK.replace(co_filename=name)
    code = next(each for each in module.co_consts if isinstance(each, CodeType))
    return FunctionType(code.replace(co_firstlineno=1), variables, "statement")
