"""The source of functions: of every kind of callable, or the reason why there is none."""

from __future__ import annotations

import functools
import linecache
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.pipeline import Step
from odibi_core.redaction.redactor import HIDDEN
from odibi_core.runtime.run_context.step_source import SourceKeeper, function_source
from odibi_core.store.sources import read_source


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any) -> Any:
        return function(*args)

    return inner


@decorated
def plain(x: int) -> int:
    """The text of this docstring."""
    return x + 1


class Callable_:
    def __call__(self, x: int) -> int:
        return x * 2

    def method(self, x: int) -> int:
        return x * 3


class Made:
    def __init__(self, x: int) -> None:
        self.x = x * 4


TIMES = lambda x: x * 5  # noqa: E731


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (plain, "@decorated\ndef plain"), (functools.partial(plain, 1), "@decorated\ndef plain"),
        (functools.partial(functools.partial(plain), x=1), "@decorated\ndef plain"),
        (Callable_(), "def __call__"), (Callable_().method, "def method"), (Made, "def __init__"),
        (TIMES, "TIMES = lambda"),
    ],
)  # fmt: skip
def test_the_source_of_a_callable_is_that_of_the_function_inside(function: Any, text: str) -> None:
    """With its decorators, its file and the line of its first."""
    source = function_source(function)
    assert source.text.startswith(text)
    assert (source.file, source.missing) == (__file__, None)
    assert linecache.getline(__file__, source.line or 0).strip().startswith(text.partition("\n")[0])


@pytest.mark.parametrize("function", [len, functools.partial(print), object(), 5, dict])
def test_what_is_not_python_has_a_reason(function: Any) -> None:
    """Null, with the reason."""
    assert function_source(function).hash is None
    assert "has no Python source" in str(function_source(function).missing)


def _of(text: str, name: str) -> dict[str, Any]:
    inside: dict[str, Any] = {}
    exec(compile(text, name, "exec"), inside)  # noqa: S102 (as a notebook does)
    return inside


def test_a_function_of_a_prompt_has_no_source_and_one_of_a_cell_has() -> None:
    """A notebook registers its cells with `linecache`."""
    text = "def f(x):\n    return x\n"
    prompt = function_source(_of(text, "<stdin>")["f"])
    assert (prompt.hash, prompt.file, prompt.line, prompt.missing) == (None, "<stdin>", 1, "it has no file")
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(keepends=True), "<cell 1>")
    assert function_source(_of(text, "<cell 1>")["f"]).text == text


def test_a_file_that_was_edited_after_its_import_has_no_source(tmp_path: Path) -> None:
    """The text in the file is not the code that runs; an edit elsewhere in the file changes nothing."""
    file = tmp_path / "edited.py"
    file.write_text("def f(x):\n    return x + 1\n\ndef g(x):\n    return x + 2\n")
    inside = _of(file.read_text(), str(file))
    file.write_text("def f(x):\n    return x + 1\n\ndef g(x):\n    return x - 2\n")
    os.utime(file)
    assert function_source(inside["f"]).text == "def f(x):\n    return x + 1\n"
    changed = function_source(inside["g"])
    assert (changed.hash, changed.missing) == (None, "its file was changed after it was imported")


def test_a_source_is_redacted_before_it_is_hashed(tmp_path: Path) -> None:
    """Its text holds no secret, and its hash does not depend on one."""
    hashes = set()
    for number, secret in enumerate(("hunter2hunter2", "correct-horse")):
        file = tmp_path / f"f{number}.py"
        file.write_text(f'def f():\n    password = "{secret}"\n    return password\n')
        source = function_source(_of(file.read_text(), str(file))["f"])
        assert secret not in source.text
        assert HIDDEN in source.text
        hashes.add(source.hash)
    assert len(hashes) == 1


def test_the_sources_of_steps_are_stored_and_read_by_their_hash(tmp_path: Path) -> None:
    """Functions and SQL; a path and a value have none."""
    keeper = SourceKeeper(tmp_path)
    sql = keeper.of_step(Step(name="q", type="sql", value="select 1 as x"))
    assert read_source(tmp_path, sql["source_hash"]) == "select 1 as x"
    assert (sql["source_file"], sql["source_line"]) == (None, None)
    function = keeper.of_step(Step(name="f", value=plain))
    assert "return x + 1" in read_source(tmp_path, function["source_hash"])
    assert keeper.of_step(Step(name="r", layer="ingest", value="x.csv")) == {}


def test_a_store_that_cannot_be_written_is_a_reason(tmp_path: Path) -> None:
    """The hash is known, its text is not stored, and the plan has both facts."""
    (tmp_path / "sources").write_text("a file in the way")
    found = SourceKeeper(tmp_path).of_function(plain)
    assert found["source_hash"]
    assert found["source_missing"] == "it could not be stored"


def test_a_hostile_callable_never_raises() -> None:
    """Attributes may raise, and wrappers may form a cycle."""

    class Evil:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    def cycle() -> None: ...

    cycle.__wrapped__ = cycle  # type: ignore[attr-defined]
    assert SourceKeeper(None).of_function(Evil())["source_hash"] is None
    SourceKeeper(None).of_function(cycle)
