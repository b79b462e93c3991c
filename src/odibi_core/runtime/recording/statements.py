"""`Statement`: one statement of a script that may make or change frames, with the names that it reads and sets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from odibi_core.runtime.recording.sql_use import SqlUse, sql_of

Path = tuple[str, ...]
"""A variable and attributes of it: `("self", "orders")`."""
Plain = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Delete
MOST_ATTRIBUTES: Final = 3
"""Names of a path, the variable included."""
_MOST_NAMES: Final = 3
"""Variables in the name of a step."""
_LONGEST: Final = 60
NO_KEY: Final = object()

_READERS: Final = re.compile(
    r"(read|scan|from|fetch|load|make)_\w+|(Data|Lazy)Frame|sql|query|execute|table|concat|merge"
)
_IN_PLACE: Final = frozenset(
    """insert pop update insert_column replace_column extend drop_in_place shrink_to_fit append_column""".split()  # noqa: SIM905
)
"""Methods of pandas and polars that change their frame."""
_INDEXERS: Final = ("loc", "iloc", "at", "iat")
_WORKING: Final = (
    ast.Call, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Await, ast.Attribute, ast.ListComp,
    ast.DictComp, ast.SetComp, ast.GeneratorExp,
)  # fmt: skip


class Target(NamedTuple):
    """A place that a statement sets: the path of its variable, and the key of an item of a container."""

    label: str
    path: Path
    key: Any = NO_KEY
    """A constant; or the name of the variable that has it, as an `ast.Name`."""


class Change(NamedTuple):
    """A path that a statement changes in place, if it is a frame; `in_values` if that may write into its values."""

    path: Path
    in_values: bool


class Where(NamedTuple):
    """The place of a statement: the beginning of its name, the loops around it, and its function, by number."""

    scope: str = ""
    loops: tuple[int, ...] = ()
    function: int | None = None


@dataclass(slots=True)
class Statement:
    """One statement; what does not change while the script runs."""

    number: int
    name: str
    """The name of its step, the same in each run: the variable, and which assignment of it this is."""
    node: Plain
    reads: tuple[Path, ...]
    targets: tuple[Target, ...]
    changes: tuple[Change, ...]
    is_call: bool
    """True if code is called that may change the frames in place."""
    is_used: bool
    """True if its value is used; a function that it calls with frames is then a part of its step."""
    makes_frame: bool
    """True if it calls a function with the name of one that makes frames, such as `read_csv`."""
    calls: tuple[str, ...]
    """The names of the functions that it calls."""
    where: Where
    sql: SqlUse
    connection: Path | None
    """The path of the connection that runs its SQL."""


class StatementReader:
    """Reads the statements of one script, and names their steps."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._names: dict[str, int] = {}

    def read(self, node: Plain, where: Where) -> Statement | None:
        """Return what a statement is about; None if it makes and changes no frame, or yields."""
        if not _is_of_interest(node):
            return None
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        targets = tuple(_targets(node))
        sql = sql_of(calls)
        found = Statement(
            number=len(self.statements),
            name=self._unique(f"{where.scope}{', '.join(sql.writes) or _name_of(node, targets)}"),
            node=node,
            reads=tuple(dict.fromkeys(_reads(node))),
            targets=targets,
            changes=tuple(dict.fromkeys(_changes(node, calls))),
            is_call=bool(calls),
            is_used=not isinstance(node, ast.Expr),
            makes_frame=any(_READERS.fullmatch(_last_name(call.func)) for call in calls),
            calls=tuple(dict.fromkeys(_last_name(call.func) for call in calls)),
            where=where,
            sql=sql,
            connection=None if sql.connection is None else path_of(sql.connection),
        )
        self.statements.append(found)
        return found

    def _unique(self, name: str) -> str:
        """Return the name, with its number from the second statement of that name on."""
        number = self._names[name] = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name} ({number})"


def reads_of(expression: ast.expr) -> tuple[Path, ...]:
    """Return the paths that an expression reads."""
    return tuple(dict.fromkeys(_reads(expression)))


def targets_of(place: ast.expr) -> tuple[Target, ...]:
    """Return the targets of the head of a `for` loop."""
    return tuple(_targets(ast.Assign([place], ast.Constant(None))))


def _is_of_interest(node: Plain) -> bool:
    if any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node)):
        return False  # its consumer works in the middle of it
    if isinstance(node, ast.Delete):
        return any(isinstance(target, ast.Subscript | ast.Attribute) for target in node.targets)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    if isinstance(node, ast.AugAssign):
        return True
    if node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if any(isinstance(target, ast.Subscript | ast.Attribute) for target in targets):
        return True
    return any(isinstance(each, _WORKING) for each in ast.walk(node.value))


def path_of(node: ast.expr) -> Path | None:
    """Return the path that a chain of attributes begins with; None if it begins with another expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *names[::-1])[:MOST_ATTRIBUTES] if isinstance(node, ast.Name) else None


def _root(node: ast.expr) -> Path | None:
    """Return the path inside subscripts and attributes: that of `df` for `df.loc[rows, "x"]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return path_of(node) if not isinstance(node, ast.Attribute) or path_of(node) else _root(node.value)


def _reads(node: ast.AST) -> Iterator[Path]:
    """Yield the paths that a node reads."""
    waiting: list[ast.AST] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Attribute) and (path := path_of(each)) is not None:
            yield path
            continue
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            yield (each.id,)
        elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name):
            yield (each.target.id,)
        waiting += reversed(list(ast.iter_child_nodes(each)))


def _targets(node: Plain) -> Iterator[Target]:
    if isinstance(node, ast.Assign):
        waiting = list(node.targets)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        waiting = [node.target]
    else:
        waiting = []
    waiting += [each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr)]
    while waiting:
        target = waiting.pop(0)
        if isinstance(target, ast.Tuple | ast.List):
            waiting = [*target.elts, *waiting]
        elif isinstance(target, ast.Starred):
            waiting.insert(0, target.value)
        elif isinstance(target, ast.Subscript):
            path = path_of(target.value)
            key = target.slice if isinstance(target.slice, ast.Name) else _constant(target.slice)
            if path is not None and key is not None:
                yield Target(f"{'.'.join(path)}[{_shown(target.slice)}]", path, key)
        elif isinstance(target, ast.Attribute | ast.Name) and (path := path_of(target)) is not None:
            yield Target(".".join(path), path)


def _changes(node: Plain, calls: list[ast.Call]) -> Iterator[Change]:
    """Yield the changes in place that the form of a statement shows."""
    places: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        places = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        places = [node.target]
    while places:
        place = places.pop()
        if isinstance(place, ast.Tuple | ast.List):
            places += place.elts
        elif isinstance(place, ast.Subscript | ast.Attribute) or isinstance(node, ast.AugAssign):
            yield from _change(_root(place), in_values=_writes_values(place))
    for call in calls:
        if isinstance(call.func, ast.Attribute) and (call.func.attr in _IN_PLACE or _is_in_place(call)):
            yield from _change(path_of(call.func.value), in_values=False)


def _change(path: Path | None, *, in_values: bool) -> tuple[Change, ...]:
    return () if path is None else (Change(path, in_values),)


def _writes_values(place: ast.expr) -> bool:
    """Return whether an assignment writes into the columns of a frame, as to `df.loc[rows, "x"]`."""
    return any(isinstance(each, ast.Attribute) and each.attr in _INDEXERS for each in ast.walk(place))


def _is_in_place(call: ast.Call) -> bool:
    """Return whether a call is given `inplace=True`, or `in_place` of polars."""
    return any(
        keyword.arg in ("inplace", "in_place")
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        for keyword in call.keywords
    )


def _name_of(node: Plain, targets: tuple[Target, ...]) -> str:
    """Return the name of a step: the variables that its statement sets, or the function that it calls."""
    if isinstance(node, ast.Expr) and not targets:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        return _called(call.func) if isinstance(call, ast.Call) else "statement"
    if isinstance(node, ast.Delete):
        return f"del {_place_name(node.targets[0])}"
    if isinstance(node, ast.Expr):
        places: list[ast.expr] = []
    else:
        places = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [_place_name(place) for place in _flat(places)] or [target.label for target in targets]
    shown = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    return shown[:_LONGEST] or "statement"


def _flat(places: list[ast.expr]) -> Iterator[ast.expr]:
    for place in places:
        if isinstance(place, ast.Tuple | ast.List):
            yield from _flat(place.elts)
        else:
            yield place.value if isinstance(place, ast.Starred) else place


def _place_name(place: ast.expr) -> str:
    """Return `df[x]` for `df["x"]` and for `df.loc[rows, "x"]`, else the path."""
    path = _root(place)
    if path is None:
        return "…"
    if not isinstance(place, ast.Subscript):
        return ".".join(path)
    names = path[:-1] if path[-1] in _INDEXERS and len(path) > 1 else path
    return f"{'.'.join(names)}[{_shown(place.slice)}]"


def _shown(key: ast.expr) -> str:
    """Return the columns of a subscript: of `rows, "x"` the last; `…` for other expressions."""
    if isinstance(key, ast.Tuple) and key.elts:
        return _shown(key.elts[-1])
    if isinstance(key, ast.List):
        return ", ".join(_shown(each) for each in key.elts[:_MOST_NAMES])
    if isinstance(key, ast.Constant) and isinstance(key.value, str | int):
        return str(key.value)[:_LONGEST]
    return key.id if isinstance(key, ast.Name) else "…"


def _constant(key: ast.expr) -> Any:
    return key.value if isinstance(key, ast.Constant) else None


def _called(function: ast.expr) -> str:
    """Return `df.to_csv` for `df.dropna().to_csv`, and the name of any other function."""
    path, last = _first_path(function), _last_name(function)
    if path is None or path[-1] == last:
        return ".".join(path) if path else last or "statement"
    names = path[:2] if path[-1][:1].isupper() else path[:1]  # a class of a module, or a variable
    return f"{'.'.join(names)}.{last}"


def _first_path(node: ast.expr) -> Path | None:
    while isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
        path = path_of(node) if isinstance(node, ast.Attribute) else None
        if path is not None:
            return path
        node = node.func if isinstance(node, ast.Call) else node.value
    return (node.id,) if isinstance(node, ast.Name) else None


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
