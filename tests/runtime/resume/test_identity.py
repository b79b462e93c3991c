"""The identity of a step: bounded, whatever the values that its function uses."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from odibi_core.cache.code import CodeReader
from odibi_core.pipeline import Step
from odibi_core.runtime.resume.identity import Identities


def _laughs() -> list[Any]:
    """A list of lists that share members: a hundred levels, 2^100 members."""
    value: list[Any] = ["ha"]
    for _ in range(100):
        value = [value, value]
    return value


def _ring() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [_laughs(), {"a": _laughs()}, list(range(1_000_000)), {frozenset({(number, number)}) for number in range(60_000)}],
    ids=["shared lists", "in a dict", "a million members", "sets"],
)
def test_a_large_value_makes_the_identity_unknown(value: Any) -> None:
    """With the reason, at once: the step is then run again."""
    found = Identities().of(Step(name="uses", value=lambda: value))
    assert any(reason in found["code_unknown"] for reason in ("holds more than 50,000 values", "nested too deeply"))


def test_a_list_that_holds_itself_makes_it_unknown() -> None:
    """As a value that cannot be read."""
    value = _ring()
    assert "code_unknown" in Identities().of(Step(name="uses", value=lambda: value))


CHANGES = {
    "the value of a member of an enum": ("FAST = 1", "FAST = 2"),
    "a method of a named tuple": ("row < self.limit", "row <= self.limit"),
    "a list in a class": ("limits = [1]", "limits = [2]"),
    "a class in a class": ("inner = 1", "inner = 2"),
    "a cached property": ("return 10", "return 20"),
    "a cached method": ("return 30", "return 40"),
    "a text of a class of its own": ("Day('monday')", "Day('friday')"),
    "a method of a list of its own": ("return self[0]", "return self[-1]"),
    "a value in a single slot": ("Slot(1)", "Slot(2)"),
    "a value in a private slot": ("Private(1)", "Private(2)"),
    "an attribute of a dict of its own": ("Named(7)", "Named(8)"),
}
USES = """
from enum import Enum
from functools import cache, cached_property
from typing import NamedTuple

class Mode(Enum):
    FAST = 1

class Rules(NamedTuple):
    limit: int
    def keep(self, row):
        return row < self.limit

class Settings:
    limits = [1]
    class Inner:
        inner = 1
    @cached_property
    def most(self):
        return 10
    @cache
    def least(self):
        return 30

class Day(str):
    pass

class Rows(list):
    def first(self):
        return self[0]

class Named(dict):
    def __init__(self, name):
        self.name = name

class Slot:
    __slots__ = "limit"
    def __init__(self, limit):
        self.limit = limit

class Private:
    __slots__ = ("__limit",)
    def __init__(self, limit):
        self.__limit = limit

MODE, RULES, DAY, ROWS, NAMED = Mode.FAST, Rules(3), Day('monday'), Rows([1, 2]), Named(7)
SLOT, PRIVATE = Slot(1), Private(1)

def step():
    return MODE, RULES, Settings, DAY, ROWS.first(), NAMED, SLOT, PRIVATE
"""


def _hashes(text: str) -> tuple[str, str]:
    """Return the hash of the code for a resumed run, and the digest of the same reader for the cache."""
    inside: dict[str, Any] = {"__name__": "a_module_of_no_file"}
    exec(text, inside)  # noqa: S102
    found = Identities().of(Step(name="step", value=inside["step"]))
    assert "code_hash" in found, found
    reader = CodeReader()
    reader.read(inside["step"])
    return str(found["code_hash"]), reader.digest()


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_a_class_is_changed_code(what: str) -> None:
    """A step that takes the earlier result would take one of other code."""
    old, new = CHANGES[what]
    assert USES.count(old) == 1
    assert _hashes(USES) == _hashes(USES)
    changed = zip(_hashes(USES.replace(old, new)), _hashes(USES), strict=True)
    assert all(after != before for after, before in changed)


@pytest.mark.parametrize("is_loaded", [True, False])
@pytest.mark.parametrize("line", ["from deep.cleaning import clean", "from .cleaning import clean"])
def test_a_module_that_a_body_imports_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, is_loaded: bool
) -> None:
    """By its text, and it is not imported for that: the identity is the same before and after the step ran."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    cleaning = tmp_path / "deep" / "cleaning.py"
    cleaning.parent.mkdir()
    cleaning.write_text("def clean(): return 1")
    (tmp_path / "deep" / "steps.py").write_text(f"def step():\n    {line}\n    return clean()")
    importlib.invalidate_caches()
    try:
        step = Step(name="step", value=importlib.import_module("deep.steps").step)
        before = Identities().of(step)
        assert "deep.cleaning" not in sys.modules
        if is_loaded:
            step.value()
        assert Identities().of(step) == before
        cleaning.write_text("def clean(): return 2")
        assert Identities().of(step)["code_hash"] != before["code_hash"]
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "deep"]:
            del sys.modules[name]
