"""`Executions`: the executions of the statements of a script, and the steps that they become."""

from __future__ import annotations

from collections.abc import Iterable
from types import FrameType
from typing import Any, Final

from odibi_core.engines.frame import row_count
from odibi_core.errors import is_failure
from odibi_core.events.clock import monotonic
from odibi_core.runtime.node_events import NodeEvents, is_changed
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.source import Script
from odibi_core.runtime.recording.sql_use import Table, relation_of
from odibi_core.runtime.recording.statement_call import StatementCall, function_of
from odibi_core.runtime.recording.statements import Path, Statement
from odibi_core.runtime.recording.transform import Head
from odibi_core.runtime.recording.values import Kinds, Variables, as_it_is, is_same_mark, mark_of

MOST_CALLS: Final = 10
"""Executions of one statement whose frames are described; later ones are counted."""


class Execution:
    """One execution of a statement. It refers to frames only until it ends."""

    __slots__ = (
        "before", "began", "call", "changed", "frame", "includes", "layer", "marks", "others", "outer", "statement",
        "taken",
    )  # fmt: skip

    def __init__(self, statement: Statement, frame: int, outer: Execution | None) -> None:
        self.statement = statement
        self.frame = frame
        """The identity of the frame of the script."""
        self.outer = outer
        self.taken: dict[str, Any] = {}
        """The frames that it takes, by label."""
        self.others: dict[str, Any] = {}
        """Values that were computed from frames, by label."""
        self.changed: dict[str, Any] = {}
        """The frames that it changes in place."""
        self.before: dict[str, Any] = {}
        """Those frames as they were, as far as they could be kept."""
        self.marks: dict[str, Any] = {}
        self.includes = False
        """True if the functions that it calls are a part of its step."""
        self.layer = "transform"
        self.call: StatementCall | None = None
        """The call that was begun before the end, because a file was read or written."""
        self.began = monotonic()


class _Counted:
    """The executions of a statement that are counted, and not described."""

    __slots__ = ("calls", "rows", "seconds")

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0
        self.rows: int | None = 0


class Executions:
    """Finds the frames that statements take and make, and records the statements."""

    def __init__(self, observer: Observer, script: Script) -> None:
        self._observer, self._index, self._script = observer, observer.producers, script
        self._kinds = Kinds()
        self._recorded: dict[int, int] = {}
        """Executions by statement."""
        self._functions: dict[int, Any] = {}
        self._counted: dict[int, _Counted] = {}
        self._tables: dict[str, Table] = {}
        """The tables that SQL has made, by name."""

    def begin(self, statement: Statement, frame: FrameType, outer: Execution | None) -> Execution:
        """Return an execution that begins, with the frames that it takes."""
        execution = Execution(statement, id(frame), outer)
        if statement.reads:
            self.add_taken(execution, statement.reads, frame)
        if statement.sql.reads:
            self._add_tables(execution, statement, frame)
        if execution.taken:
            variables = Variables(frame, self._kinds)
            for path, in_values in statement.changes:
                label, value = variables.at(path)
                if self._kinds.of(value) == "frame":
                    execution.changed[label] = value
                    if not in_values:
                        self._keep_as_it_is(execution, label, value)
            if statement.is_call:
                execution.marks = {
                    label: (mark_of(value), self._index.producer_of(value)) for label, value in execution.taken.items()
                }
            execution.includes = statement.is_used
        return execution

    def _add_tables(self, execution: Execution, statement: Statement, frame: FrameType) -> None:
        """Add the tables that a SQL text reads: those of steps, otherwise the frames in variables of these names."""
        unknown = tuple((name,) for name in statement.sql.reads if name not in self._tables)
        execution.others |= {name: self._tables[name] for name in statement.sql.reads if name in self._tables}
        self.add_taken(execution, unknown, frame)

    def _keep_as_it_is(self, execution: Execution, label: str, value: Any) -> None:
        """Keep the frame as it is before the change, as the same dataset of the same node."""
        before = as_it_is(value)
        if before is not None:
            execution.before[label] = before
            if (producer := self._index.producer_of(value)) is not None:
                self._index.remember(before, *producer, self._index.description_of(value))

    def add_taken(self, execution: Execution, paths: tuple[Path, ...], frame: FrameType) -> None:
        """Add the frames at paths to those that a statement takes."""
        variables = Variables(frame, self._kinds)
        for path in paths:
            label, value = variables.at(path)
            kind = self._kinds.of(value)
            if kind in ("frame", "container"):
                execution.taken.update(self._kinds.frames(label, value))
            elif kind == "other" and self._index.producer_of(value) is not None:
                execution.others[label] = value

    def begin_early(self, execution: Execution, access: str) -> None:
        """Begin the step of a statement that reads or writes a file before it ends."""
        if execution.call is None and self._recorded.get(execution.statement.number, 0) < MOST_CALLS:
            execution.layer = "publish" if access == "write" else "transform" if execution.taken else "ingest"
            self._start(execution)

    def end(self, execution: Execution, frame: FrameType) -> bool:
        """Record a statement that ended; return whether it is a step."""
        ended = monotonic()
        made, derived = self._made(execution, frame)
        self._find_changes(execution)
        if not made and not execution.changed and execution.call is None:
            self._derive(execution, derived)
            return False
        number = execution.statement.number
        if execution.call is None and self._recorded.get(number, 0) >= MOST_CALLS:
            self._count(execution, made)
            return True
        if execution.call is None:
            self._start(execution)
        if execution.call is not None:
            execution.call.ended_at = ended
            execution.call.finish(result=_result({**execution.changed, **made}))
            for table in set(execution.statement.sql.writes) & set(made):
                self._tables[table] = Table()
                if (producer := self._index.producer_of(made[table])) is not None:
                    self._index.remember(self._tables[table], *producer)
        self._derive(execution, derived)
        return True

    def failed(self, execution: Execution, error: BaseException) -> None:
        """Record a statement that raised, if it takes or makes frames; a handler of the script may follow."""
        statement = execution.statement
        is_step = statement.makes_frame or bool(execution.taken and (statement.is_used or execution.changed))
        may_start = self._recorded.get(statement.number, 0) < MOST_CALLS
        if execution.call is None and may_start and is_step and is_failure(error):
            self._start(execution)
        if execution.call is not None:
            execution.call.finish(error)

    def adopt(self, statement: Statement, frame: FrameType) -> None:
        """Attribute frames that a statement made without being recorded, and that variables still have."""
        variables = Variables(frame, self._kinds)
        for target in statement.targets:
            for _, value in self._kinds.frames(target.label, variables.of_target(target)):
                if statement.number in self._recorded and self._index.producer_of(value) is None:
                    self._index.remember(value, statement.name, statement.name)

    def follow_head(self, head: Head, frame: FrameType) -> None:
        """Attribute the frames that the head of a loop sets to the step of what it loops over."""
        variables = Variables(frame, self._kinds)
        set_by_head = [
            value
            for target in head.targets
            for _, value in self._kinds.frames(target.label, variables.of_target(target))
            if self._index.producer_of(value) is None
        ]
        looped = [value for path in head.reads if set_by_head for value in self._sources(*variables.at(path))]
        self._attribute(set_by_head, looped)

    def _attribute(self, values: Iterable[Any], sources: Iterable[Any]) -> None:
        """Attribute values to the step of the first of their sources that has one."""
        origin = next((found for value in sources if (found := self._index.producer_of(value)) is not None), None)
        if origin is not None:
            for value in values:
                self._index.remember(value, *origin)

    def _sources(self, label: str, value: Any) -> list[Any]:
        """Return a value and the frames in it."""
        return [value, *(each for _, each in self._kinds.frames(label, value))]

    def finish(self) -> None:
        """Publish the executions that were only counted, as one call of their step."""
        for number, counted in self._counted.items():
            statement = self._script.statements[number]
            events = NodeEvents(
                self._observer.bus, self._observer.run_id, statement.name, "transform",
                call=MOST_CALLS + 1, folded_calls=counted.calls - 1,
            )  # fmt: skip
            events.start(began=monotonic() - counted.seconds)
            events.complete(counted.rows)
        self._counted.clear()

    def _start(self, execution: Execution) -> None:
        statement = execution.statement
        self._recorded[statement.number] = self._recorded.get(statement.number, 0) + 1
        given = {**execution.others, **execution.taken, **execution.before}
        changed = [value for label, value in execution.changed.items() if label not in execution.before]
        if statement.number not in self._functions:  # one for all executions: it is the identity of the node
            made = function_of(statement, given, self._script.variables, self._script.file)
            self._functions[statement.number] = made
        source = self._observer.sources.of_text(
            self._script.text_of(statement), self._script.file, statement.node.lineno
        )
        execution.call = StatementCall(
            self._observer, (statement.name, execution.layer, self._functions[statement.number]), given,
            began=execution.began, source=source, changed=frozenset(map(id, changed)), sql=statement.sql.text,
        )  # fmt: skip
        execution.call.resume()

    def _made(self, execution: Execution, frame: FrameType) -> tuple[dict[str, Any], list[Any]]:
        """Return the frames that no step has made yet, and other values that variables got."""
        made: dict[str, Any] = {}
        derived: list[Any] = []
        variables = Variables(frame, self._kinds)
        for target in execution.statement.targets:
            value = variables.of_target(target)
            if self._kinds.of(value) == "other":
                derived.append(value)
            for label, each in self._kinds.frames(target.label, value):
                if self._index.producer_of(each) is None and not any(each is known for known in made.values()):
                    made[label] = each
        return {**made, **self._written(execution.statement, variables)}, derived

    def _written(self, statement: Statement, variables: Variables) -> dict[str, Any]:
        """Return the tables that SQL has made or changed, as relations."""
        if not statement.sql.writes or statement.connection is None:
            return {}
        connection = variables.at(statement.connection)[1]
        found = {name: relation_of(connection, name) for name in statement.sql.writes}
        return {name: relation for name, relation in found.items() if relation is not None}

    def _find_changes(self, execution: Execution) -> None:
        """Add the frames that a call has changed in place: in rows or columns, or as the first rows show."""
        statement = execution.statement
        for label, (before, producer) in execution.marks.items():
            value = execution.taken[label]
            if any(value is known for known in execution.changed.values()):
                continue
            if producer != self._index.producer_of(value):
                continue  # a statement inside is the step that changed it
            if not is_same_mark(before, mark_of(value)) or (
                self._script.calls_own(statement) and self._looks_changed(value)
            ):
                execution.changed[label] = value

    def _looks_changed(self, value: Any) -> bool:
        known = self._index.description_of(value)
        later = None if known is None else self._observer.descriptions.again(known, value)
        return later is not None and is_changed(later)

    def _derive(self, execution: Execution, derived: list[Any]) -> None:
        """Attribute values that were computed from frames to the step of the first of these frames."""
        without = [value for value in derived if self._index.producer_of(value) is None]
        self._attribute(without, [*execution.taken.values(), *execution.others.values()])

    def _count(self, execution: Execution, made: dict[str, Any]) -> None:
        statement = execution.statement
        counted = self._counted.setdefault(statement.number, _Counted())
        counted.calls += 1
        counted.seconds += monotonic() - execution.began
        for value in [*execution.changed.values(), *made.values()]:
            rows = row_count(value)
            counted.rows = None if rows is None or counted.rows is None else counted.rows + rows
            self._index.remember(value, statement.name, statement.name)


def _result(outputs: dict[str, Any]) -> Any:
    """Return the frames of a step as the result of a function: one alone, several by name."""
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs or None
