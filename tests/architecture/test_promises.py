"""Every promise of docs/reliability.md has a test: a comment behind each line names those that prove it."""

from __future__ import annotations

import re

import pytest
from tests.architecture.plan import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition("## What it does not promise")[0]
PROMISES = PAGE.split("\n- ")[1:]
NAMED = re.compile(r"(\S+\.py): ([\w ]+)")


def proofs_of(promise: str) -> list[tuple[str, str]]:
    """Return the file, under `tests/`, and the name of each test in the comments behind a promise."""
    comments = re.findall(r"<!-- (.+?) -->", promise)
    found = [found for comment in comments for found in NAMED.findall(comment)]
    return [(file, name) for file, names in found for name in names.split()]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_each_promise_names_tests_that_exist(promise: str) -> None:
    """Each promise names at least one test, and every named test exists."""
    named = proofs_of(promise)
    assert named
    missing = [
        f"{file}: {name}"
        for file, name in named
        if not re.search(rf"^def test_{name}\(", (ROOT / "tests" / file).read_text("utf-8"), re.MULTILINE)
    ]
    assert not missing


def test_a_promise_without_a_test_is_seen() -> None:
    """Sabotage: a line without a comment, and a comment that names two files, are found."""
    assert proofs_of("It never fails.") == []
    assert proofs_of("It does.\n  <!-- a.py: one two; b/c.py: three -->") == [
        ("a.py", "one"),
        ("a.py", "two"),
        ("b/c.py", "three"),
    ]
    assert len(PROMISES) > 20
