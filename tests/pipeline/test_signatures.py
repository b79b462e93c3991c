from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.pipeline.signatures import Signature, returns_nothing, signature_of


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same signature, which now has to be asked of `inspect`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


PLAIN: list[Callable[..., Any]] = [
    lambda: 1,
    lambda a: a,
    lambda a, b=1: a,
    lambda a, /, b, c=1: a,
    lambda a=1, /, b=2: a,
    lambda a, /, b=2: a,
    lambda *a: a,
    lambda *a, b, c=1, **d: a,
    lambda a, *, b: a,
    lambda a, b=1, *, c=2, d: a,
]


@pytest.mark.parametrize("function", PLAIN)
def test_the_quick_way_and_inspect_agree(function: Callable[..., Any]) -> None:
    """Plain functions are read from their code; the answer is that of `inspect.signature`."""
    quick, slow = signature_of(function), signature_of(wrapped(function))
    assert quick is not None
    assert slow is not None
    assert quick._replace(required=()) == slow._replace(required=())
    assert sorted(quick.required) == sorted(slow.required)


def test_methods_classes_and_partials() -> None:
    """Every callable has the signature that its caller sees."""

    class Scale:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        def __call__(self, x: int) -> int:
            return x * self.factor

    assert signature_of(Scale) == Signature(("factor",), ("factor",), False, ())
    assert signature_of(Scale(2)) == Signature(("x",), ("x",), False, ())
    assert signature_of(functools.partial(Scale, factor=2)) == Signature(("factor",), (), False, ())


def test_what_python_cannot_tell() -> None:
    """A callable without a signature is not an error: nothing can be checked of it."""

    class Secretive:
        __signature__ = 3

        def __call__(self) -> int:
            return 1

    assert signature_of(Secretive()) is None
    assert signature_of(dict.fromkeys) is not None


def branches(x: int) -> int | None:
    if x > 1:
        return None
    return x


def chosen(x: int) -> int | None:
    return None if x else x


def raises() -> None:
    raise LookupError


def guarded(x: list[int]) -> None:
    try:
        x.sort()
    finally:
        x.clear()


def within(x: Any) -> Any:
    with x:
        return x


async def later() -> None:
    pass


async def gives_later(x: Any) -> Any:
    async with x:
        return await x


@pytest.mark.parametrize(
    ("function", "certain"),
    [
        (branches, False),
        (chosen, False),
        (raises, False),
        (guarded, True),
        (wrapped(guarded), True),
        (within, False),
        (later, True),
        (gives_later, False),
        (lambda: None, True),
        (lambda: 1, False),
        (print, False),
        (int, False),
    ],
)
def test_returns_nothing_is_said_only_when_certain(function: Callable[..., Any], certain: bool) -> None:
    """One way out that may give something is enough for silence."""
    seen: dict[Any, bool] = {}
    assert returns_nothing(function, seen) is certain
    assert returns_nothing(function, seen) is certain


@given(st.lists(st.sampled_from(["x", "None", "1", "x or None", "x and 1"]), min_size=1, max_size=4))
def test_a_function_that_gives_something_is_never_accused(ways: list[str]) -> None:
    """For any nest of conditional expressions: returns nothing only if every leaf is None."""
    source = "lambda x: " + " if x else ".join(f"({way})" for way in ways)
    if len(ways) > 1:
        source += " if x else (None)"
    function = eval(source)  # noqa: S307 - built from five harmless words
    if returns_nothing(function, {}):
        assert function(0) is None
        assert function(5) is None
