"""`Script`: the source of a script or of a cell, compiled with calls of the recorder around its statements."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Mapping
from copy import deepcopy
from types import CodeType
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.runtime.recording.hooks import MARK, with_constants
from odibi_core.runtime.recording.statements import Statement
from odibi_core.runtime.recording.transform import Function, Head, Transformed

_MOST_CALLED: Final = 8
"""Functions whose source is added to that of a statement."""


class Script:
    """One source text, and what its transformation knows about it.

    Args:
        source: The text or the bytes of the file.
        file: The name under which it is compiled, which tracebacks show.
        variables: The variables of its module.
        flags: Flags of the compiler.
        is_cell: The value of a last expression is displayed, as in a notebook.

    Raises:
        SyntaxError: As Python raises it for the source.
    """

    def __init__(
        self, source: str | bytes, file: str, variables: dict[str, Any], flags: int = 0, *, is_cell: bool = False
    ) -> None:
        self.file = file
        self.variables = variables
        self._flags = flags
        self._original: ast.Module = compile(source, file, "exec", ast.PyCF_ONLY_AST | flags, dont_inherit=True)
        self._lines = (source if isinstance(source, str) else importlib.util.decode_source(source)).split("\n")
        self.unchanged: CodeType = compile(self._original, file, "exec", flags, dont_inherit=True)
        self._own = {each.name: each for each in ast.walk(self._original) if isinstance(each, Function)}
        self.problem: str | None = None
        """The reason why the statements are not recorded."""
        try:
            tree = deepcopy(self._original)
            last = tree.body[-1] if is_cell and tree.body else None
            self._transformed = Transformed(tree)
            _display_last(last, self._transformed.statements)
        except STOPS:
            raise
        except BaseException as error:  # such as a RecursionError
            self.problem = f"its statements could not be read: {type(error).__name__}"
            self._transformed = Transformed(ast.Module([], []))

    @property
    def docstring(self) -> str | None:
        """The docstring of the module."""
        return ast.get_docstring(self._original, clean=False)

    @property
    def statements(self) -> list[Statement]:
        """The statements, by number."""
        return self._transformed.statements

    @property
    def returns(self) -> list[tuple[tuple[str, ...], ...]]:
        """The paths that each `return` reads."""
        return self._transformed.returns

    @property
    def functions(self) -> list[str]:
        """The names of the functions, by number."""
        return self._transformed.functions

    @property
    def loops(self) -> list[list[int]]:
        """The statements in each loop."""
        return self._transformed.loops

    @property
    def heads(self) -> list[Head]:
        """The head of each loop."""
        return self._transformed.heads

    def code(self, constants: Mapping[str, object]) -> CodeType:
        """Return the code with calls of the recorder; as it was written if its statements could not be read.

        Args:
            constants: The hooks and guards, by name.
        """
        if self.problem is not None:
            return self.unchanged
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # those of the source came with the code as it was written
                code = compile(self._transformed.tree, self.file, "exec", self._flags, dont_inherit=True)
        except STOPS:
            raise
        except BaseException as error:
            self.problem = f"its statements could not be compiled again: {type(error).__name__}"
            return self.unchanged
        return with_constants(code, {f"{MARK}{name}": value for name, value in constants.items()})

    def text_of(self, statement: Statement) -> str:
        """Return the lines of a statement, followed by the functions of the script that it calls."""
        nodes: list[Any] = [statement.node, *self.called_by(statement)]
        return "\n\n".join("\n".join(self._lines[_first_line(node) - 1 : node.end_lineno]) for node in nodes)

    def calls_own(self, statement: Statement) -> bool:
        """Return whether a statement calls a function of the script by its name."""
        return any(name in self._own for name in statement.calls)

    def called_by(self, statement: Statement) -> list[Function]:
        """Return the functions of the script that a statement calls, and those that they call."""
        found: dict[str, Function] = {}
        waiting = list(statement.calls)
        while waiting and len(found) < _MOST_CALLED:
            name = waiting.pop(0)
            if name in self._own and name not in found:
                found[name] = self._own[name]
                calls = [each.func for each in ast.walk(found[name]) if isinstance(each, ast.Call)]
                waiting += [str(getattr(each, "id", "") or getattr(each, "attr", "")) for each in calls]
        return list(found.values())


def _display_last(last: ast.stmt | None, statements: list[Statement]) -> None:
    """Pass the value of a last expression to `sys.displayhook`, as an interactive compilation does."""
    if isinstance(last, ast.Expr):
        for each in statements:
            if each.node is last:
                each.node = deepcopy(last)  # as it was written
        call = ast.Call(ast.Constant(f"{MARK}display"), [last.value], [])
        last.value = ast.fix_missing_locations(ast.copy_location(call, last.value))


def _first_line(node: Any) -> int:
    first: int = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return first
