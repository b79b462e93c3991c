"""The pipeline that a script passes to `run([…])` itself, read from its source: `odibi run` does not run that block."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from odibi_core.pipeline.step import Step

_CALLS: Final = frozenset({"run", "Orchestrator"})


class MainCall:
    """The lists that a file passes to `run` or `Orchestrator`, with the names of their functions and steps."""

    def __init__(self, path: Path, module: ModuleType) -> None:
        self._module = module
        tree = ast.parse(path.read_bytes())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_run(node)]
        passed = [(names, _has_options(call)) for call in calls if (names := self._names(call))]
        self._all = {names for names, _ in passed}
        self._plain = {names for names, has_options in passed if not has_options}

    def pipeline(self) -> list[Any] | None:
        """Return the only list, if it is passed without options, which would be lost."""
        if len(self._all) != 1 or self._all != self._plain:
            return None
        (names,) = self._all
        return [vars(self._module)[name] for name in names]

    def line(self) -> str:
        """Return the line that makes the pipeline known to `odibi run`; empty if the file passes no list."""
        return f"pipeline = [{', '.join(sorted(self._all)[0])}]" if self._all else ""

    def _names(self, call: ast.Call) -> tuple[str, ...]:
        """Return the names in the call's first argument, if it is a list of functions and steps of the module."""
        first = call.args[0] if call.args else None
        if not isinstance(first, ast.List) or not all(isinstance(each, ast.Name) for each in first.elts):
            return ()
        names = tuple(each.id for each in first.elts if isinstance(each, ast.Name))
        values = [vars(self._module).get(name) for name in names]
        return names if all(callable(value) or isinstance(value, Step) for value in values) else ()


def _is_run(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _CALLS


def _has_options(call: ast.Call) -> bool:
    return len(call.args) > 1 or bool(call.keywords)
