"""The normal form of compiled code: read without `dis`, which takes ten times as long, and never less than it reads."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

import pytest

from odibi_core.cache.normal_code import Use, form_of


def _codes(module: ModuleType) -> Iterator[CodeType]:
    for value in vars(module).values():
        for member in [value, *(vars(value).values() if isinstance(value, type) else ())]:
            code = getattr(member, "__code__", None)
            if isinstance(code, CodeType):
                yield code


def _globals(code: CodeType) -> set[str]:
    found = {each.argval for each in dis.get_instructions(code) if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return found.union(*(_globals(each) for each in code.co_consts if isinstance(each, CodeType)))


@pytest.mark.parametrize("module", [ast, inspect, textwrap, dis], ids=lambda module: module.__name__)
def test_every_global_that_dis_sees_is_a_use(module: ModuleType) -> None:
    """The tables of operations differ from version to version of Python."""
    codes = list(_codes(module))
    assert len(codes) > 3
    for code in codes:
        missed = _globals(code) - {use.name for use in form_of(code).uses if use.kind == "name"}
        assert not missed, (code, missed)


TEXT = """
import os
def step(frame, top=5):
    class A:
        x = 1
        def f(self): return super().f(frame)
    from a.b import c
    from ..d import e
    import q.r
    try:
        y = os.path.join(frame, LIMIT)
    except Exception:
        y = [i for i in frame if i in (1, 2)]
    while True:
        y += helper.thing.other(frame)
        if y > 1000: break
    global Z
    Z = lambda: y + 300
    return f"{y!r:>5}", {"a": y, **frame}, top and LIMIT, helper(a=1, b=2)
"""


def _code(text: str) -> CodeType:
    inside: dict[str, Any] = {"__name__": "made"}
    exec(compile(text, "made.py", "exec"), inside)  # noqa: S102
    code = inside["step"].__code__
    assert isinstance(code, CodeType)
    return code


def test_the_uses_of_code() -> None:
    """Names with what is read of them at once, imports with their dots, globals that are assigned, attributes."""
    uses = form_of(_code(TEXT)).uses
    assert {
        Use("name", "os", ("path", "join")), Use("name", "helper", ("thing", "other")), Use("name", "helper"),
        Use("name", "LIMIT"), Use("import", "a.b", ("c",)), Use("import", "d", ("e",), 2), Use("import", "q.r"),
        Use("assigned", "Z"), Use("attribute", "f"),
    } <= set(uses)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = 1", "x = 2"), ("super().f", "super().g"), ("import c", "import d"), ("..d", "...d"), ("q.r", "q.s"),
        ("except Exception", "except ValueError"), ("(1, 2)", "(1, 2.0)"), ("while True", "while False"),
        ("> 1000", ">= 1000"), ("+ 300", "- 300"), ("!r:>5", "!s:>5"), ("**frame", "**top"), ("top and", "top or"),
        ("a=1, b=2", "b=1, a=2"), ("y += ", "y -= "), ("if i in", "if i not in"), ("break", "continue"),
    ],
)  # fmt: skip
def test_each_change_of_what_runs_changes_the_digest(old: str, new: str) -> None:
    """Constants, names, operators, jumps, handlers, keywords; in nested code too."""
    assert TEXT.count(old) == 1
    assert form_of(_code(TEXT)).digest != form_of(_code(TEXT.replace(old, new))).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    class A:", "    'Doc.'\n    class A:"), ("        x = 1", "        'Doc.'\n        # c\n\n        x = 1"),
        ("join(frame, LIMIT)", "join(\n  frame,\n  LIMIT,\n )"), ("import os", "import os\n\n\n"),
    ],
)  # fmt: skip
def test_text_that_does_not_run_does_not_count(old: str, new: str) -> None:
    """Docstrings of functions and classes, comments, lines."""
    assert form_of(_code(TEXT)) == form_of(_code(TEXT.replace(old, new)))
