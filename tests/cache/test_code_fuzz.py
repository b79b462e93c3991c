"""Random functions: two with one key return the same for each input."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cache.test_code import key

from odibi_core.cache import normal_code

VALUES = (-3, -1, 0, 1, 2, 7)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "<", "<=", "==", "and", "or", "is", "in (1, 2) or not"])
    pairs = st.tuples(inner, signs, inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})")
    choices = st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} if {each[1]} else {each[2]})")
    calls = inner.map(lambda each: f"helper({each})")
    made = inner.map(lambda each: f"sum(i * {each} for i in range(3))")
    return st.one_of(pairs, choices, calls, made)


EXPRESSIONS = st.recursive(
    st.one_of(st.sampled_from(["x", "y", "LIMIT", "default"]), st.integers(-3, 300).map(str), st.just("0.5")),
    _joined,
    max_leaves=6,
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda each: f"y = {each}"),
    EXPRESSIONS.map(lambda each: f"if {each}: y = y + 1"),
    EXPRESSIONS.map(lambda each: f"while y < {each} and y < 9: y = y + 2"),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(
        lambda each: f"try: y = 1 // ({each[0]})\n    except Exception: y = {each[1]}"
    ),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(
        lambda each: f"try:\n        y = {each[0]}\n        y = 1 // y\n    except Exception: y = {each[1]}"
    ),
)
FUNCTIONS = st.tuples(
    st.lists(STATEMENTS, max_size=3), EXPRESSIONS, st.integers(0, 2), st.integers(0, 2), EXPRESSIONS.map(
        lambda each: each.replace("helper", "abs").replace("default", "x").replace("y", "x"))
)  # fmt: skip


def made(parts: tuple[list[str], str, int, int, str], comment: str = "") -> Callable[[Any], Any]:
    """Return the function of some statements, an expression, a default, a global and the body of a helper."""
    statements, last, default, limit, body = parts
    lines = [
        f"LIMIT = {limit}",
        f"def helper(x): return {body}",
        f"def step(x, default={default}):",
        comment,
        "    y = x",
    ]
    lines += [f"    {each}" for each in statements] + [f"    return {last}"]
    inside: dict[str, Any] = {"__name__": "fuzzed"}
    exec(compile("\n".join(lines), "fuzzed.py", "exec"), inside)  # noqa: S102
    return inside["step"]  # type: ignore[no-any-return]


def answers(function: Callable[[Any], Any]) -> list[str]:
    found = []
    for value in VALUES:
        try:
            found.append(repr(function(value)))
        except Exception as error:
            found.append(type(error).__name__)
    return found


def _changed(parts: tuple[list[str], str, int, int, str], place: int) -> tuple[list[str], str, int, int, str]:
    """Return the parts with one number or sign of the last expression changed, where there is one."""
    tree = ast.parse(parts[1], mode="eval")
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int]
    if nodes:
        nodes[place % len(nodes)].value += 1  # type: ignore[operator]
    return parts[0], ast.unparse(tree), *parts[2:]


@settings(max_examples=250, deadline=None)
@given(FUNCTIONS, FUNCTIONS, st.integers(0, 9))
def test_functions_with_one_key_return_the_same(
    one: tuple[list[str], str, int, int, str], two: tuple[list[str], str, int, int, str], place: int
) -> None:
    """Two random functions, and one with a single changed number; a comment and a docstring change nothing."""
    function = made(one)
    for other in (made(two), made(_changed(one, place)), made((*one[:4], two[4])), made((*one[:3], two[3], one[4]))):
        if key(other).hash == key(function).hash:
            assert answers(other) == answers(function)
    assert key(made(one, '    """A docstring."""\n\n    # a comment')).hash == key(function).hash


def test_sabotaged_the_fuzz_fails_without_the_constants(monkeypatch: Any) -> None:
    """A form without constants takes two functions for one."""
    monkeypatch.setattr(normal_code, "_constant", lambda *_: None)
    one, two = made(([], "x + 1", 0, 0, "x")), made(([], "x + 2", 0, 0, "x"))
    assert key(one).hash == key(two).hash
    assert answers(one) != answers(two)
