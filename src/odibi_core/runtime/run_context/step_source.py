"""The source of functions and SQL steps: its text, redacted, stored once by its hash."""

from __future__ import annotations

import inspect
import linecache
import os
import textwrap
from hashlib import sha256
from opcode import opmap
from pathlib import Path
from types import CodeType
from typing import Any, Final, NamedTuple

from odibi_core._state import STATE
from odibi_core.errors import STOPS
from odibi_core.events.clock import process_start
from odibi_core.events.sanitize import sanitize_text
from odibi_core.pipeline import Step
from odibi_core.redaction.locations import location
from odibi_core.redaction.redactor import on_new_rules
from odibi_core.store.sources import SourceStore
from odibi_core.unwrapping import unwrapped

_MAX_LINES: Final = 2_000
_MOST_KEPT: Final = 4_096
_OPERATORS: Final = {opmap[name] for name in ("BINARY_OP", "COMPARE_OP", "CONTAINS_OP", "IS_OP") if name in opmap}


class Source(NamedTuple):
    """The source of a step; `missing` is the reason if there is no text."""

    hash: str | None
    text: str
    file: str | None
    line: int | None
    missing: str | None

    def fields(self) -> dict[str, Any]:
        """Return the fields of a row of the plan."""
        found: dict[str, Any] = {"source_hash": self.hash, "source_file": self.file, "source_line": self.line}
        return found if self.missing is None else {**found, "source_missing": self.missing}


class _Sources:
    """Sources by code object and file: code is not changed while it lives."""

    def __init__(self) -> None:
        self.known: dict[tuple[CodeType, str], Source] = {}


_sources: Final = STATE.part(_Sources)


on_new_rules(lambda: _sources.known.clear())  # redacted by the rules in force


class SourceKeeper:
    """Describes the sources of a run's steps, and stores their texts if the run has a store."""

    def __init__(self, root: str | Path | None) -> None:
        self._store = None if root is None else SourceStore(root)
        self._planned: dict[int, dict[str, Any]] = {}
        """The fields by function: many steps of a plan may share one, and the plan keeps them alive."""

    def of_step(self, step: Step) -> dict[str, Any]:
        """Return the fields of the source of a step: of its function or its SQL; none for a path or a value."""
        if step.operation == "sql":
            return self.of_sql(step.value)
        if step.operation != "call":
            return {}
        if id(step.value) not in self._planned:
            self._planned[id(step.value)] = self.of_function(step.value)
        return self._planned[id(step.value)]

    def of_function(self, function: Any) -> dict[str, Any]:
        """Return `source_hash`, `source_file` and `source_line` of a function. Never raises."""
        try:
            return self._stored(function_source(function))
        except STOPS:
            raise
        except BaseException as error:
            return Source(None, "", None, None, f"it could not be read: {type(error).__name__}").fields()

    def of_sql(self, statement: str) -> dict[str, Any]:
        """Return `source_hash` of a SQL text, which has no file."""
        return self._stored(_source(statement, None, None))

    def of_text(self, text: str, file: str | None, line: int | None) -> dict[str, Any]:
        """Return the fields of a source whose text is known."""
        return self._stored(_source(text, file, line))

    def _stored(self, source: Source) -> dict[str, Any]:
        if self._store is None or source.hash is None or self._store.add(source.hash, source.text):
            return source.fields()
        return source._replace(missing="it could not be stored").fields()


def function_source(function: Any) -> Source:
    """Return the source of a function, of which each text is read once while the process lives."""
    inner = unwrapped(function)
    if isinstance(inner, type):
        inner = unwrapped(inspect.getattr_static(inner, "__init__"))
    code = getattr(inner, "__code__", None)
    if not isinstance(code, CodeType):
        return Source(None, "", None, None, f"a {type(inner).__name__} has no Python source")
    key = (code, code.co_filename)  # codes of two files may be equal
    if key not in _sources.known:
        if len(_sources.known) >= _MOST_KEPT:
            _sources.known.clear()
        _sources.known[key] = _read(code, getattr(inner, "__globals__", None))
    return _sources.known[key]


def _read(code: CodeType, inside: dict[str, Any] | None) -> Source:
    """Return the source of code, from its file or from the cell of a notebook."""
    name, first = code.co_filename, code.co_firstlineno
    file = str(location(name if name.startswith("<") else os.path.abspath(name)))
    lines = linecache.getlines(name, inside)
    if len(lines) < first:
        return Source(None, "", file, first, "it has no file" if name.startswith("<") else "its file cannot be read")
    block = inspect.getblock(lines[first - 1 : first - 1 + _MAX_LINES])
    text = textwrap.dedent("".join(block))
    if _is_changed_since_start(name) and not _compiles_to(text, code):
        return Source(None, "", file, first, "its file was changed after it was imported")
    return _source(text, file, first)


def _source(text: str, file: str | None, line: int | None) -> Source:
    clean = sanitize_text(text)
    return Source(sha256(clean.encode()).hexdigest(), clean, file, line, None)


def _is_changed_since_start(name: str) -> bool:
    try:
        return os.stat(name).st_mtime > (process_start() or 0)
    except OSError:
        return False


def _traits(code: CodeType) -> tuple[object, ...]:
    """Return what code has in common with the same source compiled alone.

    The instructions differ: a name of the module around it may be an import or a variable of a closure.
    """
    names = {*code.co_names, *code.co_freevars, *code.co_cellvars, *code.co_varnames}
    values = [each.co_name if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    pairs = zip(code.co_code[::2], code.co_code[1::2], strict=True)
    return names, sorted(values), [pair for pair in pairs if pair[0] in _OPERATORS]


def _compiles_to(text: str, code: CodeType) -> bool:
    """Return whether a text is that of the code: a file may be edited while its program runs."""
    try:
        waiting = [compile(text, code.co_filename, "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return code.co_name == "<lambda>"  # the line of a lambda is rarely a statement of its own
    while waiting:
        each = waiting.pop()
        if each.co_name == code.co_name and _traits(each) == _traits(code):
            return True
        waiting += [constant for constant in each.co_consts if isinstance(constant, CodeType)]
    return False
