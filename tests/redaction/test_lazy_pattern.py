"""Patterns that are compiled with their first use."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from importlib import import_module

import pytest

from odibi_core import redaction
from odibi_core.redaction.lazy_pattern import _LazyPattern, lazy_pattern


def test_it_is_the_compiled_pattern_from_its_first_use_on() -> None:
    """Methods and attributes alike, and the second call does not pass through Python code."""
    pattern, compiled = lazy_pattern("(?P<it>a+)b", re.IGNORECASE), re.compile("(?P<it>a+)b", re.IGNORECASE)
    assert pattern.sub("x", "AABc") == "xc"
    assert (pattern.pattern, pattern.flags, pattern.groups) == (compiled.pattern, compiled.flags, compiled.groups)
    assert [match["it"] for match in pattern.finditer("ab aab")] == ["a", "aa"]
    assert type(pattern.search) is type(compiled.search)


def test_every_pattern_of_the_rules_compiles() -> None:
    """A wrong one would otherwise be found by the first text that needs it."""
    found = []
    for module in pkgutil.iter_modules(redaction.__path__, "odibi_core.redaction."):
        for value in vars(import_module(module.name)).values():
            held = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
            flat = [each for item in held for each in (item if isinstance(item, tuple) else [item])]
            found += [each for each in flat if isinstance(each, _LazyPattern)]
    assert len({id(each) for each in found}) > 200
    for each in found:
        assert isinstance(each.groups, int)


def test_a_wrong_pattern_fails_with_its_first_use() -> None:
    """The redactor hides a value whose rule fails."""
    with pytest.raises(re.error):
        lazy_pattern("(").search("x")


def test_an_import_compiles_few_of_them() -> None:
    """Compiling all took a fifth of the time of a short program."""
    code = (
        "import re\nmade, compile = [], re.compile\n"
        "def counted(text, flags=0):\n    made.append(text)\n    return compile(text, flags)\n"
        "re.compile = counted\nimport odibi_core.redaction.redactor\nprint(len(made))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40
