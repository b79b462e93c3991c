"""The transformation of a script: calls of the recorder around its statements, on the lines of the statements.

    x = f(y)        becomes        BEGIN(7)
                                   try:
                                       x = f(y)
                                   except BaseException:
                                       FAILED(7)
                                       raise
                                   END(7)

The statement runs in the same frame and on the same line as before, and a traceback is the same: a bare `raise` adds no
entry to it. A function, and the body of a loop, has both forms, and a guard chooses one of them each time:

    if guard.on and LOOK(3):
        …                                 with the calls of the recorder
    else:
        …                                 as it was written
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple, TypeVar

from odibi_core.runtime.recording.hooks import MARK
from odibi_core.runtime.recording.statements import (
    Path,
    Plain,
    Statement,
    StatementReader,
    Target,
    Where,
    reads_of,
    targets_of,
)

_PLAIN_SCOPES: Final = frozenset({"main", "_main"})
"""Functions whose variables are named as those of the module."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
_Node = TypeVar("_Node", bound=ast.AST)
Loop = ast.For | ast.AsyncFor | ast.While


class Head(NamedTuple):
    """The variables that a loop sets, and the paths that its head reads; those of `while` are none."""

    targets: tuple[Target, ...] = ()
    reads: tuple[Path, ...] = ()


class Transformed:
    """A transformed script: its tree, its statements, and the numbers of its functions and loops."""

    def __init__(self, tree: ast.Module) -> None:
        self._reader = StatementReader()
        self.returns: list[tuple[Path, ...]] = []
        """The paths that each `return` reads, by its number."""
        self.functions: list[str] = []
        self.loops: list[list[int]] = []
        """The statements in each loop."""
        self.heads: list[Head] = []
        """The head of each loop."""
        self.tree = ast.Module(self._body(tree.body, Where()), tree.type_ignores)

    @property
    def statements(self) -> list[Statement]:
        """The statements, by number."""
        return self._reader.statements

    def _body(self, body: Sequence[ast.stmt], where: Where) -> list[ast.stmt]:
        return [made for statement in body for made in self._transformed(statement, where)]

    def _transformed(self, node: ast.stmt, where: Where) -> list[ast.stmt]:
        if isinstance(node, Plain):
            found = self._reader.read(node, where)
            return [node] if found is None else _observed(node, found.number)
        if isinstance(node, ast.Return):
            if node.value is None or not (reads := reads_of(node.value)):
                return [node]
            self.returns.append(reads)
            return [_call("returning", len(self.returns) - 1, node), node]
        if isinstance(node, Loop):
            return self._loop(node, where)
        if isinstance(node, Function):
            self._function(node, where.scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, where.scope)
        else:
            self._inside(node, where)
        return [node]

    def _inside(self, node: ast.AST, where: Where) -> None:
        """Transform the blocks of a statement such as `if`, `with`, `try` and `match`."""
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                setattr(node, name, self._body(block, where))
        for each in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            self._inside(each, where)

    def _class(self, node: ast.ClassDef, scope: str) -> None:
        """Transform the methods of a class; the statements of its body make no frames of the program."""
        for each in node.body:
            if isinstance(each, Function):
                self._function(each, f"{scope}{node.name}.")
            elif isinstance(each, ast.ClassDef):
                self._class(each, f"{scope}{node.name}.")

    def _function(self, node: Function, scope: str) -> None:
        head, rest = _head(node.body)
        original, number = deepcopy(rest), len(self.functions)
        self.functions.append(node.name)
        before = self._size()
        inside = scope if node.name in _PLAIN_SCOPES else f"{scope}{node.name}."
        recorded = self._body(rest, Where(inside, (), number))
        if self._size() == before:
            return
        first = rest[0]
        asked = ast.BoolOp(ast.And(), [_guard("function", number, first), _called("look", number, first)])
        node.body = [*head, _placed(ast.If(_placed(asked, first), recorded, original), first)]

    def _loop(self, node: Loop, where: Where) -> list[ast.stmt]:
        original, number = deepcopy(node.body), len(self.loops)
        self.loops.append([])
        self.heads.append(Head() if isinstance(node, ast.While) else Head(targets_of(node.target), reads_of(node.iter)))
        first, before = len(self.statements), self._size()
        body = self._body(node.body, where._replace(loops=(*where.loops, number)))
        self.loops[number] = list(range(first, len(self.statements)))
        is_changed = self._size() > before
        node.orelse = self._body(node.orelse, where)
        if not is_changed:
            return [node]
        at = original[0]
        node.body = [_placed(ast.If(_guard("loop", number, at), [_call("tick", number, at), *body], original), at)]
        return [node, _call("after_loop", number, node)]

    def _size(self) -> int:
        """Return the number of places that call the recorder."""
        return len(self.statements) + len(self.returns)


def _head(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Return the docstring and the declarations of `global` and `nonlocal` of a function, and the other statements."""
    head = body[:1] if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else []
    rest = body[len(head) :]
    named = [
        each for part in rest for each in _own_statements(part) if isinstance(each, ast.Global | ast.Nonlocal)
    ]  # both forms of the body would declare them
    return [*head, *deepcopy(named)], _without(rest, named) or [_placed(ast.Pass(), body[-1])]


def _own_statements(node: ast.stmt) -> list[ast.stmt]:
    """Return a statement and those in its blocks, without those of functions and classes inside."""
    found = [node]
    if isinstance(node, Function | ast.ClassDef):
        return found
    for each in ast.iter_child_nodes(node):
        inner: list[ast.AST] = [each] if isinstance(each, ast.stmt) else list(ast.iter_child_nodes(each))
        found += [deeper for part in inner if isinstance(part, ast.stmt) for deeper in _own_statements(part)]
    return found


def _without(body: list[ast.stmt], left_out: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return a block in which the statements are replaced by `pass`."""
    gone = {id(each) for each in left_out}

    class Leaver(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if id(node) in gone:
                return _placed(ast.Pass(), node)
            return self.generic_visit(node) if gone else node

    leaver: Any = Leaver()
    return [leaver.visit(each) for each in body] if gone else body


def _observed(node: Plain, number: int) -> list[ast.stmt]:
    handler = ast.ExceptHandler(
        _placed(_constant("BaseException"), node), None, [_call("failed", number, node), _placed(ast.Raise(), node)]
    )
    tried = ast.Try([node], [_placed(handler, node)], [], [])
    return [_call("begin", number, node), _placed(tried, node), _call("end", number, node)]


def _call(hook: str, number: int, at: ast.AST) -> ast.stmt:
    return _placed(ast.Expr(_called(hook, number, at)), at)


def _called(hook: str, number: int, at: ast.AST) -> ast.expr:
    return _placed(ast.Call(_placed(_constant(hook), at), [_placed(ast.Constant(number), at)], []), at)


def _guard(kind: str, number: int, at: ast.AST) -> ast.expr:
    """Return the switch of a guard; its attribute keeps the compiler from computing a constant condition."""
    return _placed(ast.Attribute(_placed(_constant(f"{kind} {number}"), at), "on", ast.Load()), at)


def _constant(name: str) -> ast.Constant:
    return ast.Constant(f"{MARK}{name}")


def _placed(node: _Node, at: ast.AST) -> _Node:
    return ast.copy_location(node, at)
