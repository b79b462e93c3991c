"""The keys by which a step joins its inputs: from its SQL, from the source of its function, else by common columns."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from odibi_core.engines.sql_files import Token, tokens_of
from odibi_core.errors import STOPS
from odibi_core.unwrapping import unwrapped

_METHODS: Final = frozenset({"merge", "join"})
_HELPERS: Final = 8
"""Functions of the same module whose source is read too, because a step calls them."""
_LONGEST: Final = 200_000


class Keys(NamedTuple):
    """A join that a text declares. The name of a side is None if it is not that of an input."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    left_name: str | None = None
    right_name: str | None = None

    def between(self, left: tuple[str, Sequence[str]], right: tuple[str, Sequence[str]]) -> Keys | None:
        """Return the keys in the direction of two inputs, each with its name and columns; None if they do not fit."""
        for keys in (self, Keys(self.right, self.left, self.right_name, self.left_name)):
            if keys._fits(left, right):
                return keys
        return None

    def before(self, renamed: Mapping[str, str]) -> Iterator[Keys]:
        """Yield the keys by the names that one side had before columns of it were renamed."""
        left, right = (tuple(renamed.get(name, name) for name in side) for side in (self.left, self.right))
        if right != self.right:
            yield self._replace(right=right, left_name=None, right_name=None)
        if left != self.left:
            yield self._replace(left=left, left_name=None, right_name=None)

    def _fits(self, left: tuple[str, Sequence[str]], right: tuple[str, Sequence[str]]) -> bool:
        return (
            self.left_name in (None, left[0])
            and self.right_name in (None, right[0])
            and set(self.left) <= set(left[1])
            and set(self.right) <= set(right[1])
        )


def shown(keys: Keys) -> list[str]:
    """Return the names of the columns; a pair of two names as `left = right`."""
    return [a if a == b else f"{a} = {b}" for a, b in zip(keys.left, keys.right, strict=True)]


def of_function(function: Callable[..., Any]) -> tuple[Keys, ...]:
    """Return the joins that the source of a function shows, with that of the functions of its module that it calls."""
    inner = unwrapped(function)
    return _of_source(inner) if inspect.isfunction(inner) else ()


@lru_cache(maxsize=512)
def _of_source(function: Any) -> tuple[Keys, ...]:
    found, renamed = list(_joins_in(function)), dict(_renamed_in(function))
    found += [keys for each in found for keys in each.before(renamed)]
    known = [function.__globals__.get(name) for name in function.__code__.co_names]
    called = [each for each in known if inspect.isfunction(each) and each.__module__ == function.__module__]
    for each in called[:_HELPERS]:
        # The names of its parameters are none of the step's inputs.
        found += [keys._replace(left_name=None, right_name=None) for keys in _joins_in(each)]
    return tuple(dict.fromkeys(found))


def _joins_in(function: Any) -> Iterator[Keys]:
    inputs = set(inspect.signature(function, follow_wrapped=False).parameters)
    for call in _calls_in(function):
        if (keys := _keys_of(call, inputs, function.__globals__)) is not None:
            yield keys


def _renamed_in(function: Any) -> Iterator[tuple[str, str]]:
    """Yield the new and the old name of each column that a function renames by a mapping of texts."""
    for call in _calls_in(function):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "rename":
            for given in [*call.args, *(keyword.value for keyword in call.keywords)]:
                for old, new in zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ():
                    if isinstance(old, ast.Constant) and isinstance(new, ast.Constant):
                        yield str(new.value), str(old.value)


def _calls_in(function: Any) -> list[ast.Call]:
    try:
        source = inspect.getsource(function)
        tree = ast.parse(textwrap.dedent(source)) if len(source) <= _LONGEST else ast.parse("")
    except STOPS:
        raise
    except BaseException:
        return []  # a function of a prompt, or a lambda inside an expression
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _keys_of(call: ast.Call, inputs: set[str], names: dict[str, Any]) -> Keys | None:
    """Return the join of a call such as `flights.merge(planes, on="tailnum")` or `pd.merge(flights, planes, …)`."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _METHODS or not call.args:
        return None
    options = {keyword.arg: _texts(keyword.value, names) for keyword in call.keywords if keyword.arg}
    both = options.get("on") or options.get("by") or (_texts(call.args[1], names) if len(call.args) > 1 else None)
    left, right = options.get("left_on") or both, options.get("right_on") or both
    if not left or not right or len(left) != len(right):
        return None
    receiver = call.func.value
    sides: list[ast.expr] = [receiver, call.args[0]]
    if isinstance(receiver, ast.Name) and receiver.id not in inputs and len(call.args) > 1:
        module = inspect.ismodule(names.get(receiver.id))
        sides = [call.args[0], call.args[1]] if module else sides
    named = [side.id if isinstance(side, ast.Name) and side.id in inputs else None for side in sides]
    return Keys(left, right, named[0], named[1])


def _texts(value: ast.expr, names: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the names of columns that an expression is; None for any other."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return (value.value,)
    if isinstance(value, ast.List | ast.Tuple):
        each = [_texts(item, names) for item in value.elts]
        return tuple(texts[0] for texts in each if texts) if all(texts and len(texts) == 1 for texts in each) else None
    if isinstance(value, ast.Name):
        known = names.get(value.id)
        known = [known] if isinstance(known, str) else known
        if isinstance(known, list | tuple) and known and all(isinstance(text, str) for text in known):
            return tuple(known)
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "col"
        and value.args
    ):
        return _texts(value.args[0], names)
    return None


@lru_cache(maxsize=512)
def of_sql(text: str) -> tuple[Keys, ...]:
    """Return the joins of a SQL text by `USING (…)`, and by `ON a.x = b.y` with the conditions that `AND` adds."""
    if "join" not in text.lower() or len(text) > _LONGEST:
        return ()
    tokens = tokens_of(text)
    tables: dict[str, str] = {}
    for at, token in enumerate(tokens):
        if token.kind == "word" and token.text in ("from", "join"):
            _note_table(tokens, at + 1, tables)
    return tuple(dict.fromkeys(_sql_joins(tokens, tables)))


def _sql_joins(tokens: list[Token], tables: dict[str, str]) -> Iterator[Keys]:
    joined: str | None = None
    for at, token in enumerate(tokens):
        if token == ("word", "join"):
            joined = _name_at(tokens, at + 1)
        elif token == ("word", "using"):
            columns = tuple(_listed(tokens, at + 1))
            if columns and joined is not None:
                yield Keys(columns, columns, None, joined)
        elif token == ("word", "on"):
            yield from _conditions(tokens, at + 1, tables)


_NO_ALIAS: Final = frozenset(
    """on using where join inner left right full cross natural semi anti asof positional group order limit union
    having window qualify select except intersect set""".split()  # noqa: SIM905
)


def _name_at(tokens: list[Token], at: int) -> str | None:
    return tokens[at].text if at < len(tokens) and tokens[at].kind in ("word", "name") else None


def _note_table(tokens: list[Token], at: int, tables: dict[str, str]) -> None:
    """Keep the table at a position under its name and its alias."""
    name = _name_at(tokens, at)
    if name is None:
        return
    tables.setdefault(name, name)
    alias = _name_at(tokens, at + 2 if _name_at(tokens, at + 1) == "as" else at + 1)
    if alias is not None and alias not in _NO_ALIAS:
        tables[alias] = name


def _listed(tokens: list[Token], at: int) -> Iterator[str]:
    if at < len(tokens) and tokens[at] == ("sign", "("):
        for token in tokens[at + 1 :]:
            if token == ("sign", ")"):
                return
            if token.kind in ("word", "name"):
                yield token.text


def _conditions(tokens: list[Token], at: int, tables: dict[str, str]) -> Iterator[Keys]:
    """Yield the join of `a.x = b.y AND a.z = b.w …`; none with another condition before the first such."""
    sides: dict[str, list[str]] = {}
    at += at < len(tokens) and tokens[at] == ("sign", "(")
    while at + 6 < len(tokens):
        a, dot_a, x, equals, b, dot_b, y = tokens[at : at + 7]
        dots = [dot_a.text, equals.text, dot_b.text] == [".", "=", "."]
        if not dots or a.text not in tables or b.text not in tables or a.text == b.text:
            break
        sides.setdefault(a.text, []).append(x.text)
        sides.setdefault(b.text, []).append(y.text)
        at += 7
        if at >= len(tokens) or tokens[at] != ("word", "and"):
            break
        at += 1
    if len(sides) == 2:
        (left, left_columns), (right, right_columns) = sides.items()
        if len(left_columns) == len(right_columns):
            yield Keys(tuple(left_columns), tuple(right_columns), tables[left], tables[right])
